"""How a promise ends."""

from __future__ import annotations

from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from fieldapp.followups.models import FollowUpStatus
from fieldapp.forms import Form
from fieldapp.languages import lazy


class CloseForm(Form):
    status = RadioField(
        lazy("办得怎样"),
        [InputRequired(lazy("请选一项。"))],
        choices=[(FollowUpStatus.DONE.name, lazy("办好了")), (FollowUpStatus.DROPPED.name, lazy("不再办"))],
    )
    result = TextAreaField(
        lazy("结果或原因"),
        [InputRequired(lazy("请写一句结果或原因。")), Length(max=2000, message=lazy("最多 2000 个字。"))],
    )
