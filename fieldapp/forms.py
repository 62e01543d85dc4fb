"""The form every slice builds on: WTForms' own sentences in Chinese, and through the catalogue in English."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from functools import partial
from typing import Any
from weakref import ProxyType, proxy

import wtforms
from markupsafe import Markup
from wtforms import Label, SelectChoice
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, Input, ListWidget
from wtforms.widgets.core import clean_key

from fieldapp.languages import N_, _, lazy
from fieldapp.templating import shown

# What WTForms says by itself when the shape of an input is wrong.
_SENTENCES = {
    "Not a valid datetime value.": N_("时间读不懂，请重新选。"),
    "Not a valid date value.": N_("日期读不懂，请重新选。"),
    "Not a valid time value.": N_("时间读不懂，请重新选。"),
    "Not a valid decimal value.": N_("要填数字，比如 12.5。"),
    "Not a valid float value.": N_("要填数字，比如 12.5。"),
    "Not a valid integer value.": N_("要填整数。"),
    "Not a valid choice.": N_("选项里没有这一项，请重新选。"),
    "Invalid Choice: could not coerce.": N_("选项里没有这一项，请重新选。"),
    "Invalid choice(s): one or more data inputs could not be coerced.": N_("选项里没有这一项，请重新选。"),
    "'%(value)s' is not a valid choice for this field.": N_("选项里没有这一项，请重新选。"),
    "'%(value)s' are not valid choices for this field.": N_("选项里没有这几项，请重新选。"),
    "This field is required.": N_("这一项要填。"),
}


class _Translations:
    """What WTForms asks for its sentences."""

    def gettext(self, text: str) -> str:
        # A sentence with a place for the refused value loses it: what was sent is not repeated to the person.
        return _(_SENTENCES.get(text, text))

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


_translations = _Translations()


def _attributes(**given: Any) -> Markup:
    """What WTForms' html_params says, in a quarter of its time: a form has some hundred of them."""
    told = []
    for name, value in sorted(given.items()):
        if value is not False:
            name = clean_key(name)
            told.append(name if value is True else f'{name}="{shown(value)}"')
    return Markup(" ".join(told))  # noqa: S704  (names are ours, values are escaped)


Input.html_params = staticmethod(_attributes)


_NOT_TYPED = (wtforms.PasswordField, wtforms.HiddenField)


class Form(wtforms.Form):
    class Meta:
        def get_translations(self, _form: Any) -> _Translations:
            return _translations

        def bind_field(self, form: Any, unbound: Any, options: dict[str, Any]) -> Any:
            """A field of this form. WTForms would build it anew for every form, from its validators to its label;
            here that is done once for each name it is met under, and every form gets a copy. What a field reads (its
            label, validators, flags, choices) is shared: give a field new choices, never change those it has. No field
            keeps its form, which ends with the request then and not when somebody looks for such rings."""
            known = unbound.__dict__.setdefault("known", {})
            name = (options.get("prefix", ""), options["name"], options.get("id"))
            made = known.get(name)
            if made is None:
                made = unbound.bind(form, **options)
                made._form = made.meta = None
                if isinstance(made, wtforms.StringField) and not isinstance(made, _NOT_TYPED):
                    line = "\n" if isinstance(made, wtforms.TextAreaField) else " "
                    made.filters = (partial(as_typed, line=line), *made.filters)
                if not callable(made.default):
                    made.default = partial(
                        _itself, made.default
                    )  # WTForms calls it to see whether it can be called
                if len(known) < MOST_NAMES:
                    known[name] = made
            own = made.__dict__.copy()
            own["_form"] = form if type(form) is ProxyType else proxy(form)
            own["meta"] = self
            field = object.__new__(type(made))
            field.__dict__ = own
            return field


def relabel(field: Any, text: Any) -> None:
    """Another label for this form's field; the one it has is shared with every other form."""
    field.label = Label(field.id, text)


# Under which a field is remembered: rows are numbered by whoever sends them.
MOST_NAMES = 24


def _itself(value: Any) -> Any:
    return value


def choices_of(kind: type[Enum], *, nothing: Any = None) -> list[SelectChoice]:
    """An enum's members by name, in their own words; before them, where there is a word for it, none of them."""
    choices = [SelectChoice(one.name, lazy(one.value)) for one in kind]
    return choices if nothing is None else [SelectChoice("", nothing), *choices]


class _OneOfThese(wtforms.SelectField):
    """WTForms makes a copy of every choice to see whether one of them was chosen; here they are only looked at."""

    def pre_validate(self, form: Any) -> None:
        if self.process_errors or not self.validate_choice:
            return
        choices = self.choices or ()
        if not all(type(one) is SelectChoice for one in choices):
            super().pre_validate(form)
        elif not any(self.coerce(one.value) == self.data for one in choices):
            none = _SENTENCES["Not a valid choice."]
            raise ValidationError(self.invalid_choice_message or _(none))


class SelectField(_OneOfThese):
    """One of many, from a list."""


class RadioField(_OneOfThese, wtforms.RadioField):
    """One of a few."""


class Tiles(wtforms.SelectMultipleField):
    """Several of a few, as tiles to tap."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        choices = self.choices or ()
        plain = all(type(one) is SelectChoice for one in choices)
        # What WTForms would find after copying every choice.
        if not (self.data and plain and {*self.data} <= {self.coerce(one.value) for one in choices}):
            super().pre_validate(form)


# A day, or a day and a minute, as browsers send them.
_SENT_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SENT_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)


def _emptied(field: Any, unread: str) -> None:
    """Nothing was chosen. Optional and InputRequired have their own say and would drop the sentence."""
    field.data = None
    if not (field.flags.optional or field.flags.required):
        sentence = _SENTENCES[unread]
        raise ValueError(_(sentence))


class DateField(wtforms.DateField):
    """A day. What a browser sends is read as it is; WTForms would try its patterns, at empty fields too."""

    def process_formdata(self, values: list[Any]) -> None:
        if len(values) == 1 and _SENT_DAY.fullmatch(values[0]):
            with suppress(ValueError):
                self.data = date.fromisoformat(values[0])
                return
        if any(values):
            super().process_formdata(values)
        elif values:
            _emptied(self, "Not a valid date value.")


class DateTimeLocalField(wtforms.DateTimeLocalField):
    """A day and a minute on the office's clock, read in the same way."""

    def process_formdata(self, values: list[Any]) -> None:
        if len(values) == 1 and _SENT_MOMENT.fullmatch(values[0]):
            with suppress(ValueError):
                self.data = datetime.fromisoformat(values[0])
                return
        if any(values):
            super().process_formdata(values)
        elif values:
            _emptied(self, "Not a valid datetime value.")


class PhoneId(wtforms.HiddenField):
    """A UUID that the phone made; empty when the form is sent without script."""

    read: uuid.UUID | None = None

    def process_formdata(self, values: list[Any]) -> None:
        super().process_formdata(values)
        if self.data:
            try:
                self.read = uuid.UUID(self.data)
            except ValueError as error:
                raise ValueError(lazy("编号不对，请刷新页面。")) from error


# What pasting brings along and nobody sees: zero-width spaces, and the direction marks that iPhones put around a phone
# number. As the inside of a character class. The joiners stay in what is typed: emoji are made with them.
UNSEEN = r"\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_PASTED = re.compile(rf"[{UNSEEN}\x0b\x0c]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


def as_typed(text: Any, *, line: str) -> Any:
    """A filter that every text field has, passwords apart: pasted text as it would have been typed. Word's own marks
    for lines and pages become `line`, what nobody sees goes; a field of nothing else counts as empty."""
    if not isinstance(text, str) or not _PASTED.search(text):
        return text
    return _PASTED.sub(lambda mark: line if mark.group() in "\x0b\x0c" else "", text)


def no_control_characters(_form: Any, field: Any) -> None:
    """A validator: what no keyboard types and no page can show."""
    if field.data and _CONTROL.search(field.data):
        raise ValidationError(lazy("里面有看不见的特殊字符，请删掉再试。"))


def typed(field: Any) -> str:
    """A text field's content: stripped, line breaks as LF, never None."""
    return (field.data or "").replace("\r\n", "\n").strip()


def known_id(field: Any) -> uuid.UUID | None:
    """A PhoneId's content."""
    return field.read or (uuid.UUID(field.data) if field.data else None)
