"""Sign-in and account forms."""

from __future__ import annotations

from wtforms import Form, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from fieldapp.languages import lazy


class SignInForm(Form):
    username = StringField(lazy("账号"), [InputRequired(lazy("请填账号。")), Length(max=40, message=lazy("账号最多 40 个字。"))])
    password = PasswordField(lazy("密码"), [InputRequired(lazy("请填密码。"))])
    next = HiddenField()
    lang = HiddenField()
