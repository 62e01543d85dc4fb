"""Promises as they are typed: a row of the visit form, a form of their own, and what happens to one afterwards."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import SelectChoice, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from fieldapp import clock, workdays
from fieldapp.followups.models import FollowUpKind, FollowUpStatus
from fieldapp.followups.rules import LONGEST_WAIT_YEARS, latest_due
from fieldapp.forms import (
    DateField,
    Form,
    PhoneId,
    RadioField,
    SelectField,
    choices_of,
    no_control_characters,
    typed,
)
from fieldapp.languages import _, lazy

SHORTCUTS = (3, 5, 10)  # working days


def due_choices(today: date) -> list[tuple[int, date]]:
    """The shortcuts beside a due date: (working days, the day on which they are over)."""
    return [(n, workdays.add_workdays(today, n)) for n in SHORTCUTS]


def calendar_gap(today: date) -> str:
    """A sentence when the shortcuts reach into a year whose holidays are not published yet, else ""."""
    for _n, day in due_choices(today):
        if not workdays.is_published(day.year):
            return _("%(year)s 年的放假安排还没公布，先按周一至周五算。", year=day.year)
    return ""


class _Due(DateField):
    """A due date that begins today at the earliest."""

    def __init__(self, label: Any = None, validators: Any = None, **kwargs: Any) -> None:
        super().__init__(label or lazy("什么时候前"), validators or [], **kwargs)

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        day = self.data
        if validation_stopped or day is None or getattr(form, "due_stays", None) == day:
            return
        today = clock.today()
        if day < today:
            raise ValidationError(lazy("不能早于今天。"))
        if day > latest_due(today):
            raise ValidationError(lazy("最远 %(years)s 年内。", years=LONGEST_WAIT_YEARS))


_TITLE_LIMITS = [Length(max=200, message=lazy("最多 200 个字。")), no_control_characters]
_KINDS = choices_of(FollowUpKind)


class PromiseRow(Form):
    """One promise inside the visit form: `FieldList(FormField(PromiseRow))`. An empty row is no promise.

    A FormField has an `id` of its own (the HTML one), so the phone's id is `entry.form.id`, not `entry.id`.
    """

    id = PhoneId()
    title = StringField(lazy("答应了什么"), _TITLE_LIMITS)
    kind = SelectField(lazy("类型"), [Optional()], choices=_KINDS, default=FollowUpKind.OTHER.name)
    due_on = _Due(validators=[Optional()])

    def validate_title(self, field: Any) -> None:
        if self.due_on.data and not typed(field):
            raise ValidationError(lazy("选了日期，还差一句答应了什么。"))

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        if typed(self.title) and self.due_on.data is None and not self.due_on.errors:
            self.due_on.errors = [lazy("请选一个日期，到时会提醒。")]
            good = False
        return bool(good)


def promise_row_words(row: Any) -> dict[str, Any] | None:
    """The row's content for actions.promise(); None when nothing was written in it."""
    form = getattr(row, "form", row)
    title = typed(form.title)
    if not title:
        return None
    return {
        "title": title,
        "kind": FollowUpKind[form.kind.data or FollowUpKind.OTHER.name],
        "due_on": form.due_on.data,
    }


def _title(label: Any) -> StringField:
    return StringField(label, [DataRequired(lazy("请写一句答应了什么。")), *_TITLE_LIMITS])


def _due_day() -> _Due:
    return _Due(validators=[InputRequired(lazy("请选一个日期，到时会提醒。"))])


def _reason(label: Any, missing: Any) -> StringField:
    """One line of why."""
    return StringField(
        label,
        [DataRequired(missing), Length(max=300, message=lazy("最多 300 个字。")), no_control_characters],
    )


class PromiseForm(Form):
    """A promise by itself, and the same words changed later. `due_stays` is the date it has already."""

    follow_up_id = PhoneId()
    title = _title(lazy("答应了什么"))
    kind = SelectField(lazy("类型"), choices=_KINDS, default=FollowUpKind.OTHER.name)
    due_on = _due_day()

    def __init__(self, *args: Any, due_stays: date | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.due_stays = due_stays

    def words(self) -> dict[str, Any]:
        return {
            "title": typed(self.title),
            "kind": FollowUpKind[self.kind.data],
            "due_on": self.due_on.data,
        }


class NoteForm(Form):
    text = TextAreaField(
        lazy("记一笔进展"),
        [
            DataRequired(lazy("还没有写。做了什么、下一步是什么，一句话就行。")),
            Length(max=2000, message=lazy("最多 2000 个字。")),
            no_control_characters,
        ],
    )


class PostponeForm(Form):
    due_on = _due_day()
    reason = _reason(lazy("为什么延期"), lazy("请写一句原因，企业问起来好解释。"))

    def __init__(self, *args: Any, before: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = before

    def validate_due_on(self, field: Any) -> None:
        if field.data == self.before:
            raise ValidationError(lazy("和原来是同一天，请另选一天。"))


class ReassignForm(Form):
    to = SelectField(
        lazy("转给谁"),
        [InputRequired(lazy("请选一位同事。"))],
        coerce=lambda value: int(value) if value else None,  # nobody is chosen beforehand
    )
    reason = _reason(lazy("原因"), lazy("请写一句原因，接手的同事会看到。"))

    def __init__(self, *args: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.colleagues = {one.id: one for one in colleagues}
        self.to.choices = [
            SelectChoice("", _("请选一位")),
            *(
                SelectChoice(
                    one.id, one.name if one.serves else _("%(name)s（会成为协助干部）", name=one.name)
                )
                for one in colleagues
            ),
        ]


class CloseForm(Form):
    status = RadioField(
        lazy("办得怎样"),
        [InputRequired(lazy("请选一项。"))],
        choices=[
            SelectChoice(FollowUpStatus.DONE.name, lazy("办好了")),
            SelectChoice(FollowUpStatus.DROPPED.name, lazy("不再办")),
        ],
    )
    result = TextAreaField(
        lazy("结果或原因"),
        [
            DataRequired(lazy("请写一句结果或原因。")),
            Length(max=2000, message=lazy("最多 2000 个字。")),
            no_control_characters,
        ],
    )
