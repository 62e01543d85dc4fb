"""The forms around a visit: planning it, calling it off, reviewing it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from wtforms import Field, HiddenField, SelectChoice, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from fieldapp.forms import DateField, Form, PhoneId, Tiles, choices_of, no_control_characters
from fieldapp.languages import lazy
from fieldapp.pages import number_in
from fieldapp.visits.models import VisitPurpose

# What the time field offers; anything else can be typed.
HALF_HOURS = [f"{hour:02}:{minute}" for hour in range(8, 19) for minute in ("00", "30")][:-1]
MOST_COMPANIONS = 5
FURTHEST = timedelta(days=366)


class Texts(Field):
    """Hidden values sent back several at a time."""

    def process_formdata(self, values: list[Any]) -> None:
        self.data = [str(value)[:80] for value in values[:60]]


class ClockTime(StringField):
    """HH:MM on the office's clock, or "": the browser's time field, or typed (9:30, 14：30)."""

    def process_formdata(self, values: list[Any]) -> None:
        super().process_formdata(values)
        text = str(values[0]).strip() if values else ""
        match = re.fullmatch(r"([01]?\d|2[0-3])[:：]([0-5]\d)(?::\d\d)?", text)
        if match:
            self.data = f"{int(match[1]):02}:{match[2]}"
        elif text:
            raise ValueError(lazy("时间写成 14:30 这样。"))
        else:
            self.data = ""


class Version(HiddenField):
    """The version that was looked at; 0 (never a stored one) for anything else."""

    @property
    def number(self) -> int:
        return number_in(str(self.data or "")) or 0


class PlanForm(Form):
    visit_id = PhoneId()
    version = Version()
    seen = Texts()  # what the officer has been warned of: keys of burden.Concerns

    planned_on = DateField(lazy("哪天去"), [InputRequired(lazy("请选一个日期。"))])
    planned_at = ClockTime(lazy("几点"), [Optional()])
    purposes = Tiles(lazy("走访目的"), choices=choices_of(VisitPurpose))
    companions = Tiles(lazy("和谁一起去"), coerce=int)
    override_reason = StringField(
        lazy("为什么这个时间去"),
        [Length(max=200, message=lazy("最多 200 个字。")), no_control_characters],
    )

    def __init__(self, *args: Any, colleagues: Sequence[Any], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.colleagues = colleagues
        self.companions.choices = [SelectChoice(row.id, row.name) for row in colleagues]

    def validate_planned_on(self, field: Any) -> None:
        if field.data is None:  # could not be read; that is said already
            return
        if field.data < self.today:
            raise ValidationError(lazy("不能早于今天。去过的走访请用“开始走访”补录。"))
        if field.data > self.today + FURTHEST:
            raise ValidationError(lazy("最多提前一年安排，请检查日期。"))

    def validate_companions(self, field: Any) -> None:
        if len(field.data or []) > MOST_COMPANIONS:
            raise ValidationError(lazy("一次最多叫上 5 位同事，人多了企业不好接待。"))

    @property
    def going_along(self) -> list[Any]:
        """The chosen colleagues: rows of id, name."""
        return [row for row in self.colleagues if row.id in (self.companions.data or [])]


class CancelForm(Form):
    reason = StringField(
        lazy("为什么取消"),
        [
            DataRequired(lazy("写一句原因，同行的同事会看到。")),
            Length(max=200, message=lazy("最多 200 个字。")),
            no_control_characters,
        ],
    )


class ReviewForm(Form):
    """One comment for both answers: returning needs it, accepting may do without."""

    version = Version()
    comment = TextAreaField(
        lazy("给干部的话"),
        [Length(max=2000, message=lazy("最多 2,000 个字。")), no_control_characters],
    )


class ReturnForm(ReviewForm):
    comment = TextAreaField(
        lazy("给干部的话"),
        [
            DataRequired(lazy("退回要写明差什么，干部才好补。")),
            Length(max=2000, message=lazy("最多 2,000 个字。")),
            no_control_characters,
        ],
    )
