"""People, teams, roles, sign-in, sessions."""

from __future__ import annotations

from flask import Flask
from flask_login import LoginManager

from fieldapp.accounts import routes as _routes  # noqa: F401
from fieldapp.accounts.blueprint import bp
from fieldapp.accounts.models import Region, Role, Team, User
from fieldapp.accounts.sessions import Person, find_person


def init(app: Flask) -> None:
    login = LoginManager(app)
    login.request_loader(find_person)
    login.session_protection = None


__all__ = ["Person", "Region", "Role", "Team", "User", "bp", "init"]
