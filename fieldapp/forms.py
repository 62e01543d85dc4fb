"""The form every slice builds on: WTForms' own sentences in Chinese, and through the catalogue in English."""

from __future__ import annotations

import uuid
from typing import Any

import wtforms
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.languages import N_, _, lazy

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


class Form(wtforms.Form):
    class Meta:
        def get_translations(self, _form: Any) -> _Translations:
            return _Translations()


class Tiles(wtforms.SelectMultipleField):
    """Several of a few, as tiles to tap."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class PhoneId(wtforms.HiddenField):
    """A UUID that the phone made; empty when the form is sent without script."""

    def process_formdata(self, values: list[Any]) -> None:
        super().process_formdata(values)
        if self.data:
            try:
                uuid.UUID(self.data)
            except ValueError as error:
                raise ValueError(lazy("编号不对，请刷新页面。")) from error


def no_control_characters(_form: Any, field: Any) -> None:
    """A validator: what no keyboard types and no page can show."""
    if field.data and any(ord(c) < 32 and c not in "\r\n\t" for c in field.data):
        raise ValidationError(lazy("里面有看不见的特殊字符，请删掉再试。"))


def typed(field: Any) -> str:
    """A text field's content: stripped, line breaks as LF, never None."""
    return (field.data or "").replace("\r\n", "\n").strip()


def known_id(field: Any) -> uuid.UUID | None:
    """A PhoneId's content."""
    return uuid.UUID(field.data) if field.data else None
