"""Promises, until kept."""

from __future__ import annotations

from flask import Flask
from flask_login import current_user

from fieldapp.followups import routes as _routes  # noqa: F401
from fieldapp.followups.blueprint import bp
from fieldapp.followups.models import FollowUp, FollowUpStatus


def init(app: Flask) -> None:
    from fieldapp.followups.queries import waiting

    @app.template_global()
    def promises_waiting() -> int:
        """The number on the 跟进 tab; asked only by pages that have the tab."""
        return waiting(current_user)


__all__ = ["FollowUp", "FollowUpStatus", "bp", "init"]
