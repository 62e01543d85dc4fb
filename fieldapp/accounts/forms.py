"""Sign-in, account and team forms: the shape of the input, its labels and its sentences."""

from __future__ import annotations

import unicodedata
from typing import Any

from wtforms import BooleanField, HiddenField, IntegerField, PasswordField, SelectChoice, StringField
from wtforms.validators import InputRequired, Length, Regexp, ValidationError
from wtforms.widgets import HiddenInput

from fieldapp.accounts.models import Role
from fieldapp.accounts.rules import PHONE, USERNAME, tidy_phone, tidy_username
from fieldapp.forms import Form, RadioField, SelectField, Tiles, choices_of, no_control_characters
from fieldapp.languages import LANGUAGES, lazy
from fieldapp.pages import number_in


class VersionField(IntegerField):
    """The version an edit started from."""

    widget = HiddenInput()


def _plain(text: str | None) -> str:
    return unicodedata.normalize("NFC", text or "").strip()


def _no_control_characters(_form: Form, field: Any) -> None:
    if field.data and not field.data.isprintable():
        raise ValidationError(lazy("里面有看不见的特殊字符，请删掉再试。"))


def _team_id(value: Any) -> int | None:
    text = str(value or "")
    if not text:
        return None
    team_id = number_in(text)
    if team_id is None:
        raise ValueError(text)
    return team_id


class SignInForm(Form):
    username = StringField(
        lazy("账号"),
        [
            InputRequired(lazy("请填账号。")),
            Length(max=40, message=lazy("账号最多 40 个字。")),
            no_control_characters,
        ],
    )
    password = PasswordField(lazy("密码"), [InputRequired(lazy("请填密码。"))])
    keep = BooleanField(lazy("在这台设备上保持登录"), default=True)
    next = HiddenField()
    lang = HiddenField()


class PasswordForm(Form):
    current = PasswordField(lazy("现在的密码"))
    new = PasswordField(lazy("新密码"), [InputRequired(lazy("请填新密码。"))])
    again = PasswordField(lazy("再输一次新密码"), [InputRequired(lazy("请再输一次新密码。"))])

    def __init__(self, *args: Any, ask_current: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if ask_current:
            self.current.validators = [InputRequired(lazy("请填现在的密码。"))]
        else:
            del self.current

    def validate_again(self, field: Any) -> None:
        if self.new.data and field.data != self.new.data:
            raise ValidationError(lazy("两次输入的新密码不一样。"))


class DisplayForm(Form):
    theme = RadioField(
        lazy("深浅"),
        choices=[
            SelectChoice("auto", lazy("跟随系统")),
            SelectChoice("light", lazy("浅色")),
            SelectChoice("dark", lazy("深色")),
        ],
    )
    text_size = RadioField(
        lazy("字号"), choices=[SelectChoice("normal", lazy("标准")), SelectChoice("large", lazy("大字"))]
    )
    language = RadioField(lazy("语言"), choices=[SelectChoice(*one) for one in LANGUAGES.items()])


class PersonForm(Form):
    """What admin and person agree on; the username is only asked once."""

    version = VersionField()
    name = StringField(
        lazy("姓名"),
        [
            InputRequired(lazy("请填姓名。")),
            Length(max=40, message=lazy("姓名最多 40 个字。")),
            _no_control_characters,
        ],
        filters=[_plain],
    )
    phone = StringField(
        lazy("电话"),
        [Length(max=20, message=lazy("电话最多 20 位。"))],
        filters=[lambda v: tidy_phone(v or "")],
    )
    role = RadioField(
        lazy("角色"),
        [InputRequired(lazy("请选一个角色。"))],
        choices=choices_of(Role),
    )
    team = SelectField(lazy("服务团"), coerce=_team_id)
    leads = Tiles(lazy("负责哪些服务团"), coerce=int)

    def __init__(self, *args: Any, teams: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team.choices = [
            SelectChoice("", lazy("不属于服务团")),
            *(SelectChoice(one.id, one.name) for one in teams),
        ]
        self.leads.choices = [SelectChoice(team.id, team.name) for team in teams]

    def validate_name(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("请填姓名。"))

    def validate_phone(self, field: Any) -> None:
        if field.data and not PHONE.fullmatch(field.data):
            raise ValidationError(lazy("电话只能是数字，可以带区号和“-”。"))

    def validate_team(self, field: Any) -> None:
        if self.role.data == Role.OFFICER.name and field.data is None:
            raise ValidationError(lazy("青年干部要属于一个服务团。"))

    def validate_leads(self, field: Any) -> None:
        if self.role.data == Role.LEAD.name and not field.data:
            raise ValidationError(lazy("请至少选一个由这位负责人负责的服务团。"))

    def words(self) -> dict[str, Any]:
        """name, phone, role, team_id, led (set of team ids): as the actions take them."""
        role = Role[self.role.data]
        works = role in (Role.OFFICER, Role.LEAD)
        return {
            "name": self.name.data,
            "phone": self.phone.data,
            "role": role,
            "team_id": self.team.data if works else None,
            "led": frozenset(self.leads.data or ()) if role is Role.LEAD else frozenset(),
        }


class NewPersonForm(PersonForm):
    username = StringField(
        lazy("账号"), [InputRequired(lazy("请填账号。"))], filters=[lambda v: tidy_username(v or "")]
    )

    def validate_username(self, field: Any) -> None:
        if not USERNAME.fullmatch(field.data or ""):
            raise ValidationError(lazy("账号用 1 到 40 个小写字母或数字，中间可以有“.”“-”“_”。"))


class TeamForm(Form):
    version = VersionField()
    name = StringField(
        lazy("名称"),
        [
            InputRequired(lazy("请填名称。")),
            Length(max=40, message=lazy("名称最多 40 个字。")),
            _no_control_characters,
        ],
        filters=[_plain],
    )
    office_phone = StringField(
        lazy("办公电话"),
        [Length(max=20, message=lazy("电话最多 20 位。"))],
        filters=[lambda v: tidy_phone(v or "")],
    )
    regions = Tiles(lazy("服务的旗县区"), coerce=int)
    leads = Tiles(lazy("负责人"), coerce=int)

    def __init__(self, *args: Any, regions: list[Any], leads: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regions.choices = [SelectChoice(region.id, region.name) for region in regions]
        self.leads.choices = [SelectChoice(lead.id, lead.name) for lead in leads]

    def validate_name(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(lazy("请填名称。"))

    def validate_office_phone(self, field: Any) -> None:
        if field.data and not PHONE.fullmatch(field.data):
            raise ValidationError(lazy("电话只能是数字，可以带区号和“-”。"))

    def words(self) -> dict[str, Any]:
        """name, office_phone, regions and leads (sets of ids)."""
        return {
            "name": self.name.data,
            "office_phone": self.office_phone.data,
            "regions": frozenset(self.regions.data or ()),
            "leads": frozenset(self.leads.data or ()),
        }


class RegionForm(Form):
    region_code = StringField(
        lazy("区划代码"),
        [InputRequired(lazy("请填区划代码。")), Regexp(r"\d{6}\Z", message=lazy("区划代码是 6 位数字。"))],
        filters=[lambda v: tidy_phone(v or "")],
    )
    region_name = StringField(
        lazy("名称"),
        [
            InputRequired(lazy("请填名称。")),
            Length(max=40, message=lazy("名称最多 40 个字。")),
            _no_control_characters,
        ],
        filters=[_plain],
    )
