"""The forms of a need: the short row inside a visit, the whole sheet, a line of the log, and one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from wtforms import (
    BooleanField,
    DecimalField,
    FieldList,
    FormField,
    HiddenField,
    SelectChoice,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from fieldapp import clock
from fieldapp.attachments.forms import DocumentsField, PhotosField
from fieldapp.formats import day
from fieldapp.forms import (
    DateField,
    Form,
    PhoneId,
    RadioField,
    SelectField,
    choices_of,
    no_control_characters,
    relabel,
    typed,
)
from fieldapp.languages import lazy
from fieldapp.needs.models import (
    Cooperation,
    Disclosure,
    Ending,
    IpOwnership,
    NeedField,
    NeedKind,
    NeedSource,
    Urgency,
)
from fieldapp.needs.rules import digest
from fieldapp.needs.steps import Asks, Step
from fieldapp.pages import number_in

MOST_INDICATORS = 10

BUDGET = NumberRange(min=0, max=99_999_999, message=lazy("预算要在 0 到 99,999,999 万元之间。"))
TITLE_LENGTH = Length(max=200, message=lazy("最多 200 个字，细节可以写在具体说明里。"))
TEXT_LENGTH = Length(max=5000, message=lazy("最多 5,000 个字。"))


def _said(kind: type[Enum], text: str | None) -> Any:
    """The enum of that name; None for nothing chosen."""
    return kind[text] if text else None


class Budget(DecimalField):
    """万元. Decimal knows numbers that are none (NaN, sNaN); no budget is one of them."""

    data: Decimal | None

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not self.data.is_finite():
            self.data = None
            raise ValueError(lazy("要填数字，比如 12.5。"))


class NeedRow(Form):
    """A need as it is noted down during a visit; a row left empty is no need.

    Inside a FieldList(FormField(NeedRow)) a row's own fields are reached through `row.form`: `row.id` and
    `row.description` would be WTForms' own.
    """

    id = PhoneId()
    title = StringField(lazy("一句话说清需求"), [TITLE_LENGTH, no_control_characters])
    kind = SelectField(lazy("类型"), choices=choices_of(NeedKind))
    budget = Budget(lazy("预算（万元）"), [Optional(), BUDGET], places=2)
    deadline = DateField(lazy("希望什么时候解决"), [Optional()])
    description = TextAreaField(lazy("具体说明"), [TEXT_LENGTH, no_control_characters])

    def validate_title(self, field: Any) -> None:
        more = (self.budget.raw_data, self.deadline.raw_data, self.description.raw_data)
        if not typed(field) and any((texts or [""])[0].strip() for texts in more):
            raise ValidationError(lazy("还差一句需求是什么。"))

    def validate_deadline(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(lazy("不能早于今天。"))


def need_row_words(row: Any) -> dict[str, Any] | None:
    """What needs.actions.submit takes of a valid NeedRow (or the FormField around one); None when it is empty.

    The row's id travels by itself: `known_id(row.form.id) or uuid7()`.
    """
    form = row.form if isinstance(row, FormField) else row
    title = typed(form.title)
    if not title:
        return None
    return {
        "title": title,
        "kind": NeedKind[form.kind.data],
        "budget": form.budget.data,
        "deadline": form.deadline.data,
        "description": typed(form.description),
    }


class IndicatorRow(Form):
    """One thing that is measured: where it stands and where it should get to, as the enterprise says it."""

    name = StringField(lazy("指标"), [Length(max=60, message=lazy("最多 60 个字。")), no_control_characters])
    now = StringField(lazy("现在"), [Length(max=40, message=lazy("最多 40 个字。")), no_control_characters])
    target = StringField(
        lazy("希望达到"), [Length(max=40, message=lazy("最多 40 个字。")), no_control_characters]
    )
    unit = StringField(lazy("单位"), [Length(max=20, message=lazy("最多 20 个字。")), no_control_characters])

    def validate_name(self, field: Any) -> None:
        if not typed(field) and (typed(self.now) or typed(self.target) or typed(self.unit)):
            raise ValidationError(lazy("还差指标的名字，比如“良品率”。"))


class NeedForm(Form):
    """The whole sheet of a need."""

    need_id = PhoneId()
    version = HiddenField()
    base = HiddenField()  # digests of what the sheet showed at first, see rules.merge
    source = RadioField(
        lazy("怎么知道的"),
        choices=[
            SelectChoice(NeedSource.VISIT.name, lazy("走访时听到的")),
            SelectChoice(NeedSource.PHONE.name, lazy("电话里说的")),
        ],
        validators=[InputRequired(lazy("请选一项。"))],
    )
    title = StringField(
        lazy("一句话说清需求"),
        [InputRequired(lazy("请用一句话说清需求。")), TITLE_LENGTH, no_control_characters],
    )
    kind = RadioField(
        lazy("想解决哪类问题"), [InputRequired(lazy("请选一项。"))], choices=choices_of(NeedKind)
    )
    description = TextAreaField(lazy("具体说明"), [TEXT_LENGTH, no_control_characters])
    field = SelectField(lazy("技术领域"), choices=choices_of(NeedField, nothing=lazy("说不准，先不选")))
    indicators = FieldList(
        FormField(IndicatorRow), lazy("技术指标"), min_entries=1, max_entries=MOST_INDICATORS
    )
    deadline = DateField(lazy("希望什么时候解决"), [Optional()])
    budget = Budget(lazy("预算"), [Optional(), BUDGET], places=2)
    cooperation = SelectField(lazy("合作方式"), choices=choices_of(Cooperation, nothing=lazy("还没谈到")))
    ip_ownership = SelectField(
        lazy("知识产权归谁"), choices=choices_of(IpOwnership, nothing=lazy("还没谈到"))
    )
    conditions = TextAreaField(lazy("对合作方的要求"), [TEXT_LENGTH, no_control_characters])
    urgency = RadioField(lazy("多急"), choices=choices_of(Urgency), default=Urgency.NORMAL.name)
    disclosure = RadioField(
        lazy("可以公开到什么程度"), choices=choices_of(Disclosure), default=Disclosure.MATCHING.name
    )
    contact_id = SelectField(lazy("企业联系人"))

    def __init__(
        self,
        *args: Any,
        contacts: Sequence[Any],
        today: date,
        old_deadline: date | None = None,
        agreed: Disclosure | None = None,
        **kwargs: Any,
    ) -> None:
        """`agreed`: the enterprise itself said how far this may be told; whoever edits it may only tell less."""
        super().__init__(*args, **kwargs)
        self.today = today
        self.old_deadline = old_deadline
        self.agreed = agreed
        if agreed is not None:
            levels = list(Disclosure)  # the widest first
            within = {level.name for level in levels[levels.index(agreed) :]}
            self.disclosure.choices = [one for one in choices_of(Disclosure) if one.value in within]
        self.contact_id.choices = [
            SelectChoice("", lazy("还没定")),
            *(SelectChoice(str(one.id), f"{one.name} {one.title}".strip()) for one in contacts),
        ]

    @property
    def blank_indicator(self) -> IndicatorRow:
        """What the page adds a row from; __n__ stands for its number."""
        return IndicatorRow(prefix="indicators-__n__-")

    def validate_title(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请用一句话说清需求。"))

    def validate_deadline(self, field: Any) -> None:
        # What was agreed long ago may have passed by now; only a new date must lie ahead.
        if field.data and field.data < self.today and field.data != self.old_deadline:
            raise ValidationError(lazy("不能早于今天。"))


# What a sheet holds, in its order; `source` is said once and stays.
FIELDS = (
    "title", "kind", "description", "field", "indicators", "deadline", "budget", "cooperation", "ip_ownership",
    "conditions", "urgency", "disclosure", "contact_id",
)  # fmt: skip


def need_words(form: NeedForm) -> dict[str, Any]:
    """A valid sheet as actions take it: one value for each of FIELDS."""
    rows = (
        {key: typed(row.form[key]) for key in ("name", "now", "target", "unit")} for row in form.indicators
    )
    return {
        "title": typed(form.title),
        "kind": NeedKind[form.kind.data],
        "description": typed(form.description),
        "field": _said(NeedField, form.field.data),
        "indicators": [row for row in rows if row["name"]],
        "deadline": form.deadline.data,
        "budget": form.budget.data,
        "cooperation": _said(Cooperation, form.cooperation.data),
        "ip_ownership": _said(IpOwnership, form.ip_ownership.data),
        "conditions": typed(form.conditions),
        "urgency": Urgency[form.urgency.data],
        "disclosure": Disclosure[form.disclosure.data],
        "contact_id": int(form.contact_id.data) if form.contact_id.data else None,
    }


def sheet_of(words: dict[str, Any]) -> dict[str, Any]:
    """The other way round: FIELDS' values as a NeedForm takes them for `data`."""
    sheet: dict[str, Any] = {
        name: value.name if isinstance(value, Enum) else value for name, value in words.items()
    }
    for name in ("field", "cooperation", "ip_ownership"):
        sheet[name] = sheet[name] or ""
    sheet["contact_id"] = str(words["contact_id"] or "")
    return sheet


def base_of(words: dict[str, Any]) -> str:
    """What a sheet started from, as its hidden field carries it."""
    return ",".join(f"{name}:{digest(words[name])}" for name in FIELDS)


def started_from(form: NeedForm) -> dict[str, str]:
    """base_of, read back; whatever cannot be read is left out."""
    pairs = (part.partition(":") for part in (form.base.data or "").split(","))
    return {name: mark for name, sign, mark in pairs if sign and name in FIELDS}


def version_of(form: NeedForm) -> int:
    return number_in(form.version.data or "") or 0


class NoteForm(Form):
    shown = BooleanField(lazy("企业也能看到这一条"))
    text = TextAreaField(
        lazy("记一笔进展"),
        [
            InputRequired(lazy("请写一句进展。")),
            Length(max=2000, message=lazy("最多 2000 个字。")),
            no_control_characters,
        ],
    )

    def validate_text(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请写一句进展。"))


class StepForm(Form):
    """What a step asks for: a sentence that must or may be said, and besides it what steps.Asks names."""

    ending = RadioField(
        lazy("办得怎样"),
        choices=[SelectChoice(one.name, lazy(one.value)) for one in Ending if one is not Ending.PARTLY],
    )
    unit = StringField(
        lazy("转给哪个单位"), [Length(max=100, message=lazy("最多 100 个字。")), no_control_characters]
    )
    officer = SelectField(lazy("派给谁"), choices=[])
    twin = SelectField(lazy("并入哪一条"), choices=[])
    days = SelectField(lazy("再要几个工作日"), choices=[])
    text = TextAreaField(
        lazy("说明"), [Length(max=2000, message=lazy("最多 2000 个字。")), no_control_characters]
    )
    photos = PhotosField(lazy("照片"))
    documents = DocumentsField(lazy("文件"))

    def __init__(
        self,
        *args: Any,
        step: Step,
        officers: Sequence[Any] = (),
        twins: Sequence[Any] = (),
        most_days: int = 0,
        most_photos: int | None = None,  # None: nothing can be sent along
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.step = step
        for name, asks in (
            ("ending", Asks.ENDING), ("unit", Asks.UNIT), ("officer", Asks.OFFICER), ("twin", Asks.TWIN),
            ("days", Asks.DAYS),
        ):  # fmt: skip
            if step.asks is not asks:
                delattr(self, name)
        if most_photos is None:
            del self.photos, self.documents
        else:
            self.photos.most = most_photos
        if step.asks is Asks.OFFICER:
            self.officer.choices = [
                SelectChoice("", lazy("请选一位")),
                *(
                    SelectChoice(
                        str(one.id), lazy("%(name)s（手上 %(count)s 件）", name=one.name, count=one.open)
                    )
                    for one in officers
                ),
            ]
        if step.asks is Asks.TWIN:
            self.twin.choices = [
                SelectChoice("", lazy("请选一条")),
                *(SelectChoice(str(one.id), f"{one.title}（{day(one.created_at)}）") for one in twins),
            ]
        if step.asks is Asks.DAYS:
            self.days.choices = [
                SelectChoice("", lazy("请选天数")),
                *(SelectChoice(str(n), lazy("%(count)s 个工作日", count=n)) for n in range(1, most_days + 1)),
            ]
        if step.question:
            relabel(self.text, lazy(step.question))

    @property
    def files(self) -> list[Any]:
        return [*self.photos.photos, *self.documents.documents] if "photos" in self else []

    @property
    def text_is_optional(self) -> bool:
        return self.step.asks in (Asks.NOTHING, Asks.MAYBE, Asks.OFFICER, Asks.TWIN)

    def validate_ending(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("请选一项，如实选就好。"))

    def validate_unit(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请写清转给哪个单位。"))

    def validate_officer(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("请选一位。"))

    def validate_twin(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("请选一条。"))

    def validate_days(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("请选天数。"))

    def validate_text(self, field: Any) -> None:
        if not self.text_is_optional and not typed(field):
            raise ValidationError(lazy("请写一句。"))
