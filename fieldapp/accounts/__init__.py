"""People, teams, roles, sign-in, sessions."""

from __future__ import annotations

from flask import Flask, Response
from flask_login import LoginManager

from fieldapp import here
from fieldapp.accounts import admin as _admin  # noqa: F401
from fieldapp.accounts import me as _me  # noqa: F401
from fieldapp.accounts import routes as _routes  # noqa: F401
from fieldapp.accounts.blueprint import bp
from fieldapp.accounts.cli import create_user_command
from fieldapp.accounts.models import Region, Role, Team, User
from fieldapp.accounts.sessions import Person, find_person, officer_of_lead, was_ended
from fieldapp.languages import lazy
from fieldapp.pages import add_notice


class _Login(LoginManager):
    """Sessions are rows of ours and come by one cookie of ours: of the ways in that Flask-Login knows, one is asked."""

    def _load_user(self) -> None:
        self._update_request_context_with_user(find_person(here.request()))

    def _update_remember_cookie(self, response: Response) -> Response:
        """None of Flask-Login's cookies is ours."""
        return response


def init(app: Flask) -> None:
    login = _Login(app)
    login.request_loader(find_person)
    login.session_protection = None
    # For the guards, which stand before every slice.
    app.extensions["session_was_ended"] = was_ended
    app.extensions["officer_of_lead"] = officer_of_lead
    app.cli.add_command(create_user_command)
    add_notice("sessions_revoked", "ok", lazy("其他设备都已退出登录。"))
    add_notice("user_disabled", "ok", lazy("账号已停用，已登录的设备都退出了。"))
    add_notice("user_enabled", "ok", lazy("账号已启用。"))
    add_notice("team_saved", "ok", lazy("服务团已保存。"))
    add_notice("region_added", "ok", lazy("旗县区已添加。"))


__all__ = ["Person", "Region", "Role", "Team", "User", "bp", "init"]
