"""Typing a code, and replacing one."""

from __future__ import annotations

from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Regexp

from fieldapp.codes.lettering import clean
from fieldapp.forms import Form
from fieldapp.languages import lazy


def _digits(text: str | None) -> str:
    """Full-width digits and the spaces that keyboards slip in are no mistake of the person who types."""
    return "".join(
        str(int(c)) if c.isdecimal() else c for c in text or "" if not c.isspace() and c not in "-·"
    )


class TypedCodeForm(Form):
    code = StringField(
        lazy("企业编号"),
        [
            InputRequired(lazy("请输入二维码下方的 6 位编号。")),
            Regexp(r"[0-9]{6}\Z", message=lazy("编号是 6 位数字，请看二维码下方。")),
        ],
        filters=[_digits],
    )


class ReplaceForm(Form):
    """`code` is the one that the page showed: whoever was quicker with another is not overruled unseen."""

    code = HiddenField()
    reason = StringField(
        lazy("为什么要换"),
        [DataRequired(lazy("请写一句原因。")), Length(max=200, message=lazy("最多 200 个字。"))],
        filters=[lambda text: clean(text or "")],
    )
    sure = BooleanField(
        lazy("我知道：旧二维码马上停用，贴出去的标签都要重新打印"),
        [InputRequired(lazy("请先勾选，再更换。"))],
    )
