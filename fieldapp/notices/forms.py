"""How somebody is told outside the app: the shape of the input, its labels and its sentences."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, PasswordField, StringField, TimeField
from wtforms.validators import InputRequired, Length, ValidationError

from fieldapp.forms import Form
from fieldapp.languages import lazy
from fieldapp.notices.models import ChannelKind
from fieldapp.notices.rules import MAIL_ADDRESS, SIGNING_SECRET, robot_token


class QuietForm(Form):
    starts = TimeField(lazy("从几点起不发"), [InputRequired()])
    ends = TimeField(lazy("到几点"), [InputRequired()])
    days_off = BooleanField(lazy("休息日也不发（按国家节假日和调休安排）"))
    digest = BooleanField(lazy("不急的攒到工作日早上，合成一条"))


def _tidied(text: str | None) -> str:
    return (text or "").strip()


class _RobotForm(Form):
    kind: str
    webhook = StringField(
        lazy("机器人的 Webhook 地址"),
        [InputRequired(lazy("请把机器人的 Webhook 地址粘贴到这里。")), Length(max=500)],
        filters=[_tidied],
    )

    def validate_webhook(self, field: Any) -> None:
        if field.data and robot_token(self.kind, field.data) is None:
            raise ValidationError(lazy("这不像这种机器人的 Webhook 地址，请从群机器人的设置里整条复制。"))

    @property
    def address(self) -> tuple[str, str]:
        """(where to, the secret it is signed with)"""
        return robot_token(self.kind, self.webhook.data) or "", ""


class DingTalkForm(_RobotForm):
    kind = ChannelKind.DINGTALK.name
    secret = PasswordField(
        lazy("加签密钥"),
        [InputRequired(lazy("请填机器人安全设置里的加签密钥。")), Length(max=120)],
        filters=[_tidied],
    )

    def validate_secret(self, field: Any) -> None:
        if field.data and not SIGNING_SECRET.fullmatch(field.data):
            raise ValidationError(lazy("加签密钥不对，它以 SEC 开头，只有字母和数字。"))

    @property
    def address(self) -> tuple[str, str]:
        return super().address[0], self.secret.data


class WeComForm(_RobotForm):
    kind = ChannelKind.WECOM.name


class MailForm(Form):
    mail = StringField(
        lazy("邮箱地址"),
        [InputRequired(lazy("请填邮箱地址。")), Length(max=254)],
        filters=[_tidied],
    )

    def validate_mail(self, field: Any) -> None:
        if field.data and not MAIL_ADDRESS.fullmatch(field.data):
            raise ValidationError(lazy("邮箱地址不对，比如 name@example.cn。"))

    @property
    def address(self) -> tuple[str, str]:
        return self.mail.data, ""


FORMS: dict[ChannelKind, type[Form]] = {
    ChannelKind.DINGTALK: DingTalkForm,
    ChannelKind.WECOM: WeComForm,
    ChannelKind.MAIL: MailForm,
}
