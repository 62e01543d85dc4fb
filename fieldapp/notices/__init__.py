"""What somebody should know of: told on 今日 until it has been read, and outside the app to whoever wants it so."""

from __future__ import annotations

from flask import Flask
from flask_login import current_user

from fieldapp import work
from fieldapp.languages import lazy
from fieldapp.notices import admin as _admin  # noqa: F401
from fieldapp.notices import routes as _routes  # noqa: F401
from fieldapp.notices import setup as _setup  # noqa: F401
from fieldapp.notices.badges import badges
from fieldapp.notices.blueprint import bp
from fieldapp.notices.models import Notification
from fieldapp.notices.rules import fault_words
from fieldapp.notices.sending import deliver
from fieldapp.pages import add_notice, packing

__all__ = ["Notification", "bp"]


def init(app: Flask) -> None:
    work.every(app, "deliveries", app.config["DELIVERY_EVERY"], deliver)
    app.jinja_env.filters["fault_words"] = fault_words
    add_notice("way_saved", "ok", lazy("提醒方式已保存。发一条测试看看能不能收到。"))
    add_notice("way_closed", "ok", lazy("已取消，以后不再往那里发。"))
    add_notice("delivery_retried", "ok", lazy("这一条会再发。"))
    add_notice("delivery_given_up", "ok", lazy("这一条不再发。"))

    @app.template_global()
    def notices_waiting() -> int:
        """The number on the tab of 今日; a phone's pack, which must not change with it, has none."""
        return 0 if packing() else badges(current_user._get_current_object())["notices"]
