"""The visit form: the shape of the input, its labels and its sentences. New visits and edits share it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    SelectChoice,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from fieldapp import clock
from fieldapp.attachments.forms import PhotoIds, PhotosField
from fieldapp.followups.forms import PromiseRow, promise_row_words
from fieldapp.forms import (
    DateField,
    DateTimeLocalField,
    Form,
    PhoneId,
    RadioField,
    Tiles,
    choices_of,
    known_id,
    no_control_characters,
    typed,
)
from fieldapp.languages import lazy
from fieldapp.needs.forms import NeedRow, need_row_words
from fieldapp.visits.models import VisitPurpose, VisitWay
from fieldapp.visits.rules import FAR_REASONS

MOST_ROWS = 20
SAID_LENGTH = 10_000
_CLOCK = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class Rows(FieldList):
    """Several rows of one kind; their numbers come from names that anybody may send."""

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        prefix += "-"
        begin = len(prefix)
        for name in formdata:
            if name.startswith(prefix):
                number = name[begin:].partition("-")[0]
                if number.isascii() and number.isdecimal() and len(number) <= 3:
                    yield int(number)


class ContactRow(Form):
    """Somebody met for the first time; a row left empty is nobody."""

    name = StringField(
        lazy("姓名"), [Length(max=40, message=lazy("姓名最多 40 个字。")), no_control_characters]
    )
    title = StringField(
        lazy("职务"), [Length(max=60, message=lazy("职务最多 60 个字。")), no_control_characters]
    )
    phone = StringField(
        lazy("电话"), [Length(max=40, message=lazy("电话最多 40 个字。")), no_control_characters]
    )

    def validate_name(self, field: Any) -> None:
        if not typed(field) and (typed(self.title) or typed(self.phone)):
            raise ValidationError(lazy("还差姓名。"))


# What a form may have several of: the name that the add button sends, the list, and its row.
ROWS: dict[str, tuple[str, type[Form]]] = {
    "contact": ("new_contacts", ContactRow),
    "need": ("needs", NeedRow),
    "promise": ("promises", PromiseRow),
}


# What the page fills in and nobody types: read as it comes, by rules that expect anything. `fulfils` is the plan that
# the visit keeps.
HIDDEN = ("device_at", "version", "fulfils", "lat", "lng", "accuracy", "fixed_at", "asked_at")


class VisitForm(Form):
    visit_id = PhoneId()

    met = Tiles(lazy("见到的人"), coerce=int)
    met_nobody = BooleanField(lazy("未见到人"))
    new_contacts = Rows(FormField(ContactRow), max_entries=MOST_ROWS)
    purposes = Tiles(lazy("走访目的"), choices=choices_of(VisitPurpose))
    said = TextAreaField(
        lazy("聊了什么"), [Length(max=SAID_LENGTH, message=lazy("最多 10,000 个字。")), no_control_characters]
    )
    needs = Rows(FormField(NeedRow), max_entries=MOST_ROWS)
    promises = Rows(FormField(PromiseRow), max_entries=MOST_ROWS)
    far = RadioField(
        lazy("比登记点远，点一下原因"),
        [Optional()],
        choices=[SelectChoice(name, lazy(word)) for name, word in FAR_REASONS.items()],
    )
    far_words = StringField(
        lazy("别的原因"), [Length(max=100, message=lazy("最多 100 个字。")), no_control_characters]
    )
    photos = PhotosField()
    photo_ids = PhotoIds()
    photos_removed = Tiles(lazy("去掉的照片"), coerce=uuid.UUID, validate_choice=False)
    arrived_at = DateTimeLocalField(lazy("到访时间"), [InputRequired(lazy("请填到访时间。"))], format=_CLOCK)
    left_at = DateTimeLocalField(lazy("离开时间"), [Optional()], format=_CLOCK)
    way = RadioField(lazy("怎么走访"), choices=choices_of(VisitWay), default=VisitWay.ON_SITE.name)
    next_contact_on = DateField(lazy("约好下次联系"), [Optional()])
    companions = Tiles(lazy("同行的同事"), coerce=int, choices=[])
    override_reason = StringField(
        lazy("为什么这时候来"), [Length(max=200, message=lazy("最多 200 个字。")), no_control_characters]
    )

    def __init__(
        self,
        formdata: Any,
        *,
        contacts: Iterable[Any],
        today: date,
        arriving: bool = False,
        arrived_now: datetime | None = None,
        kept: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """`contacts` can be met; `arriving` saves a check-in, for which nobody need have been met yet, with
        `arrived_now` whatever the form says; `kept` are the stored values of an edited visit, which stay valid
        whatever today's rules say."""
        self.today = today
        self.arriving = arriving
        self.kept = kept or {}
        super().__init__(formdata, **{**self.kept, **kwargs})
        source = self.kept if formdata is None else formdata
        # A form that is asked for what was not sent makes an error of it first.
        self.hidden = {name: (source[name] or "") if name in source else "" for name in HIDDEN}
        if arrived_now is not None:
            self.arrived_at.process(None, arrived_now)
            self.arrived_at.raw_data = [arrived_now.isoformat()]
        self.met.choices = [SelectChoice(c.id, f"{c.name} {c.title}".strip()) for c in contacts]

    def offer_companions(self, people: Sequence[Any]) -> None:
        """Who may have come along; asked only when it is shown or was chosen."""
        self.companions.choices = [SelectChoice(person.id, person.name) for person in people]

    def add_row(self, kind: str) -> None:
        """One more empty row, for the form that is sent without script."""
        rows = getattr(self, ROWS[kind][0])
        if len(rows) < MOST_ROWS:
            rows.append_entry()

    def blank_row(self, kind: str) -> Any:
        """What the page adds a row from; __n__ stands for its number."""
        name, shape = ROWS[kind]
        return SimpleNamespace(name=f"{name}-__n__", form=shape(prefix=f"{name}-__n__-"))

    @property
    def new_names(self) -> list[str]:
        return [name for row in self.new_contacts if (name := typed(row.form.name))]

    def validate_met(self, _field: Any) -> None:
        anybody = bool(self.met.data) or bool(self.new_names)
        if not anybody and not self.met_nobody.data and not self.arriving:
            raise ValidationError(lazy("至少选一位，或勾选“未见到人”。"))
        if anybody and self.met_nobody.data:
            raise ValidationError(lazy("已经选了见到的人，就不要再勾“未见到人”。"))

    def validate_next_contact_on(self, field: Any) -> None:
        if field.data and field.data < self.today and field.data != self.kept.get("next_contact_on"):
            raise ValidationError(lazy("不能早于今天。"))

    def mistakes(self) -> list[tuple[str, Any, Any]]:
        """What must be put right, in the order of the form: (id of the control, its label, the sentence)."""
        found: list[tuple[str, Any, Any]] = []
        for field in self:
            inner = [one for row in field for one in row.form] if isinstance(field, FieldList) else [field]
            for one in inner:
                if one.errors:
                    label = "" if isinstance(one, HiddenField) else one.label.text
                    found.append((one.id, label, one.errors[0]))
        return found


def form_clock(moment: datetime | None) -> datetime | None:
    """A stored moment as a datetime-local field holds it: the office's wall clock, to the minute."""
    return None if moment is None else clock.local(moment).replace(tzinfo=None, second=0, microsecond=0)


def stored_clock(value: datetime | None) -> datetime | None:
    """The other way round."""
    return None if value is None else value.replace(tzinfo=clock.zone())


def device_clock(form: VisitForm) -> datetime | None:
    """The phone's own time, when it says one."""
    try:
        value = datetime.fromisoformat(form.hidden["device_at"])
        return value.astimezone(UTC) if value.tzinfo else None
    except (ValueError, OverflowError):  # no time, or one at the ends of the calendar
        return None


def additions(form: VisitForm) -> dict[str, Any]:
    """What a form adds, whatever it changes: new contacts, needs, promises, photos. Never in anybody's way."""
    contacts = [row.form for row in form.new_contacts if typed(row.form.name)]
    needs = ((row, need_row_words(row)) for row in form.needs)
    promises = ((row, promise_row_words(row)) for row in form.promises)
    return {
        "new_contacts": [
            {"name": typed(row.name), "title": typed(row.title), "phone": typed(row.phone)}
            for row in contacts
        ],
        "needs": [{"need_id": known_id(row.form.id), **words} for row, words in needs if words],
        "promises": [{"follow_up_id": known_id(row.form.id), **words} for row, words in promises if words],
        "photos": form.photos.photos if form.photos.offered else [],
        "expected": form.photo_ids.data or [] if form.photos.offered else [],
    }
