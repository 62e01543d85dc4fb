"""The order form and the form that finds an order again."""

from __future__ import annotations

import re
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
from fieldapp.attachments.forms import DocumentsField, PhotosField
from fieldapp.forms import DateField, Form, RadioField, SelectField, choices_of, no_control_characters, typed
from fieldapp.languages import lazy
from fieldapp.needs.forms import MOST_INDICATORS, TEXT_LENGTH, TITLE_LENGTH, IndicatorRow
from fieldapp.needs.models import Cooperation, Disclosure, NeedKind
from fieldapp.orders.models import BudgetBand, CallAt
from fieldapp.orders.rules import PRIVACY

# Chosen most often; the others are one tap further.
FIRST_KINDS = (NeedKind.RESEARCH, NeedKind.TALENT, NeedKind.FUNDING, NeedKind.POLICY)

DISCLOSURES = (
    SelectChoice(Disclosure.MATCHING.name, lazy("只给服务团和对接的专家看")),
    SelectChoice(Disclosure.DESENSITISED.name, lazy("去掉企业名称后，可以给更多单位看")),
    SelectChoice(Disclosure.PUBLIC.name, lazy("可以公开，让更多人来揭榜")),
)


class OrderForm(Form):
    ticket = HiddenField()
    home_page = StringField()  # shown to nobody: who fills it in is no person
    kind = RadioField(
        lazy("想解决哪类问题？"), [InputRequired(lazy("请选一类。"))], choices=choices_of(NeedKind)
    )
    title = StringField(
        lazy("一句话说清难题"),
        [InputRequired(lazy("请用一句话说清难题。")), TITLE_LENGTH, no_control_characters],
    )
    description = TextAreaField(lazy("具体说说"), [TEXT_LENGTH, no_control_characters])
    indicators = FieldList(
        FormField(IndicatorRow), lazy("想达到的指标"), min_entries=1, max_entries=MOST_INDICATORS
    )
    deadline = DateField(lazy("希望什么时候解决"), [Optional()])
    budget = SelectField(lazy("大概的预算"), choices=choices_of(BudgetBand))
    cooperation = SelectField(lazy("想怎么合作"), choices=choices_of(Cooperation, nothing=lazy("还没想好")))
    disclosure = RadioField(
        lazy("这件事可以给谁看"), choices=list(DISCLOSURES), default=Disclosure.MATCHING.name
    )
    photos = PhotosField(lazy("照片"))
    documents = DocumentsField(lazy("文件"))
    contact_name = StringField(
        lazy("怎么称呼您"),
        [
            InputRequired(lazy("请填怎么称呼您，比如“刘工”。")),
            Length(max=40, message=lazy("最多 40 个字。")),
            no_control_characters,
        ],
    )
    phone = StringField(
        lazy("电话"),
        [
            InputRequired(lazy("请填电话，不然联系不上您。")),
            Length(max=40, message=lazy("最多 40 个字。")),
            no_control_characters,
        ],
    )
    call_at = RadioField(lazy("方便接电话的时间"), choices=choices_of(CallAt), default=CallAt.ANY.name)
    privacy = HiddenField()  # which version of the text stood above
    agreed = BooleanField(lazy("我已看过，同意按上面的说明使用"))

    def validate_title(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请用一句话说清难题。"))

    def validate_contact_name(self, field: Any) -> None:
        if not typed(field):
            raise ValidationError(lazy("请填怎么称呼您，比如“刘工”。"))

    def validate_phone(self, field: Any) -> None:
        if len(re.sub(r"\D", "", field.data or "")) < 7:
            raise ValidationError(lazy("电话好像没写全，请再看一下。"))

    def validate_deadline(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(lazy("不能早于今天。"))

    def validate_agreed(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("请先看一下说明，同意了再提交。"))
        if self.privacy.data != PRIVACY:
            field.data = False
            raise ValidationError(lazy("说明刚刚改过，请再看一下，同意了再提交。"))

    @property
    def blank_indicator(self) -> IndicatorRow:
        """What the page adds a row from; __n__ stands for its number."""
        return IndicatorRow(prefix="indicators-__n__-")


class TrackForm(Form):
    number = StringField(
        lazy("回执号"),
        [
            InputRequired(lazy("请填回执号，8 个字母和数字。")),
            Length(max=20, message=lazy("回执号是 8 个字母和数字。")),
            no_control_characters,
        ],
    )
