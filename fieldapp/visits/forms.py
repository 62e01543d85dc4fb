"""The visit form: the shape of the input, its labels and its sentences."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from fieldapp.forms import Form, PhoneId, Tiles, no_control_characters
from fieldapp.languages import lazy
from fieldapp.needs import NeedKind
from fieldapp.visits.models import VisitPurpose, VisitWay


class VisitForm(Form):
    visit_id = PhoneId()
    need_id = PhoneId()
    follow_up_id = PhoneId()
    device_at = HiddenField()

    arrived_at = DateTimeLocalField(
        lazy("到访时间"),
        [InputRequired(lazy("请填到访时间。"))],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    left_at = DateTimeLocalField(
        lazy("离开时间"), [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
    )
    way = RadioField(
        lazy("怎么走访"), choices=[(w.name, lazy(w.value)) for w in VisitWay], default=VisitWay.ON_SITE.name
    )
    met = Tiles(lazy("见到的人"), coerce=int)
    met_nobody = BooleanField(lazy("未见到人"))
    new_name = StringField(
        lazy("新联系人姓名"),
        [Optional(), Length(max=40, message=lazy("姓名最多 40 个字。")), no_control_characters],
    )
    new_title = StringField(
        lazy("职务"), [Optional(), Length(max=60, message=lazy("职务最多 60 个字。")), no_control_characters]
    )
    new_phone = StringField(
        lazy("电话"), [Optional(), Length(max=40, message=lazy("电话最多 40 个字。")), no_control_characters]
    )
    purposes = Tiles(lazy("走访目的"), choices=[(p.name, lazy(p.value)) for p in VisitPurpose])
    said = TextAreaField(
        lazy("聊了什么"), [Length(max=10_000, message=lazy("最多 10,000 个字。")), no_control_characters]
    )

    need_title = StringField(
        lazy("一句话说清需求"),
        [
            Length(max=200, message=lazy("需求最多 200 个字，细节可以写在“聊了什么”里。")),
            no_control_characters,
        ],
    )
    need_kind = SelectField(lazy("类型"), choices=[(k.name, lazy(k.value)) for k in NeedKind])
    need_budget = DecimalField(
        lazy("预算（万元）"),
        [Optional(), NumberRange(min=0, max=99_999_999, message=lazy("预算要在 0 到 99,999,999 万元之间。"))],
        places=2,
    )
    promise_title = StringField(
        lazy("跟进事项"), [Length(max=200, message=lazy("最多 200 个字。")), no_control_characters]
    )
    promise_due_on = DateField(lazy("什么时候前"), [Optional()])
    next_contact_on = DateField(lazy("约好下次联系"), [Optional()])

    def __init__(self, *args: Any, contacts: Sequence[Any], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.met.choices = [(contact.id, contact.name) for contact in contacts]
        self.contacts = contacts

    def validate_met(self, _field: Any) -> None:
        anybody = bool(self.met.data) or bool((self.new_name.data or "").strip())
        if not anybody and not self.met_nobody.data:
            raise ValidationError(lazy("至少选一位，或勾选“未见到人”。"))
        if anybody and self.met_nobody.data:
            raise ValidationError(lazy("已经选了见到的人，就不要再勾“未见到人”。"))

    def validate_new_phone(self, field: Any) -> None:
        if field.data and not (self.new_name.data or "").strip():
            raise ValidationError(lazy("请写上这个电话是谁的。"))

    def validate_promise_due_on(self, field: Any) -> None:
        if (self.promise_title.data or "").strip() and field.data is None:
            raise ValidationError(lazy("请选一个日期，到时会提醒。"))
        if field.data and field.data < self.today:
            raise ValidationError(lazy("不能早于今天。"))

    def validate_promise_title(self, field: Any) -> None:
        if self.promise_due_on.data and not (field.data or "").strip():
            raise ValidationError(lazy("选了日期，还差一句答应了什么。"))

    def validate_need_title(self, field: Any) -> None:
        if self.need_budget.data is not None and not (field.data or "").strip():
            raise ValidationError(lazy("填了预算，还差一句需求是什么。"))

    def validate_next_contact_on(self, field: Any) -> None:
        if field.data and field.data < self.today:
            raise ValidationError(lazy("不能早于今天。"))


def visit_words(form: VisitForm) -> dict[str, Any]:
    """The form's content as the action takes it: stripped texts, enums, UUIDs or None."""

    def text(field: Any) -> str:
        return (field.data or "").replace("\r\n", "\n").strip()

    def known(field: Any) -> uuid.UUID | None:
        return uuid.UUID(field.data) if field.data else None

    budget: Decimal | None = form.need_budget.data
    device_at: datetime | None = None
    try:
        device_at = datetime.fromisoformat(form.device_at.data or "")
    except ValueError:
        device_at = None
    return {
        "visit_id": known(form.visit_id),
        "need_id": known(form.need_id),
        "follow_up_id": known(form.follow_up_id),
        "device_at": device_at if device_at and device_at.tzinfo else None,
        "way": VisitWay[form.way.data],
        "purposes": list(form.purposes.data or []),
        "met": list(form.met.data or []),
        "met_nobody": bool(form.met_nobody.data),
        "new_contact": (text(form.new_name), text(form.new_title), text(form.new_phone)),
        "said": text(form.said),
        "need": (text(form.need_title), NeedKind[form.need_kind.data], budget),
        "promise": (text(form.promise_title), form.promise_due_on.data),
        "next_contact_on": form.next_contact_on.data,
    }
