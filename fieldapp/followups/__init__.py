"""Promises, until kept."""

from __future__ import annotations

import uuid
from datetime import date
from functools import lru_cache
from typing import Any

from flask import Flask
from flask_login import current_user

from fieldapp import clock, workdays
from fieldapp.followups import calendars
from fieldapp.followups import routes as _routes  # noqa: F401
from fieldapp.followups.blueprint import bp
from fieldapp.followups.forms import calendar_gap, due_choices
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.followups.queries import promises_about, waiting_badge
from fieldapp.formats import EN_WEEKDAYS, WEEKDAYS
from fieldapp.formats import day as short_day
from fieldapp.languages import lazy, speaking
from fieldapp.notices.badges import badges, bring
from fieldapp.pages import add_notice

NOTICES = {
    "follow_up_saved": lazy("已保存。"),
    "follow_up_noted": lazy("进展已记下。"),
    "follow_up_dropped": lazy("已记为不再办。"),
    "follow_up_postponed": lazy("已改期。"),
    "follow_up_reassigned": lazy("已转给同事，对方会收到提醒。"),
    "follow_up_reopened": lazy("已重新打开。"),
    "calendar_closed": lazy("日历订阅已停用，原来的地址打不开了。"),
}


def init(app: Flask) -> None:
    calendars.init(app)
    bring("promises", waiting_badge)
    for key, sentence in NOTICES.items():
        add_notice(key, "ok", sentence)

    @app.template_global()
    def promises_waiting() -> int:
        """The number on the 跟进 tab; asked only by pages that have the tab."""
        return badges(current_user._get_current_object())["promises"]

    @app.template_global()
    def promises_of_need(need_id: uuid.UUID) -> list[Any]:
        """For the page of a need, which stands in an earlier slice."""
        return promises_about(current_user, need_id)

    @app.template_global()
    def due_shortcuts() -> dict[str, Any]:
        """For followups/_due_days.html: the shortcuts, the days that are not what their weekday says, the gap."""
        today = clock.today()
        off, on = _unusual_days(today)
        return {"choices": due_choices(today), "off": off, "on": on, "gap": calendar_gap(today)}

    app.jinja_env.filters["due_day"] = due_day


def due_day(value: date) -> str:
    """11月26日 周四: short enough for a button."""
    if speaking() == "en":
        return f"{EN_WEEKDAYS[value.weekday()]} {short_day(value)}"
    return f"{short_day(value)} 周{WEEKDAYS[value.weekday()]}"


@lru_cache(maxsize=4)
def _unusual_days(today: date) -> tuple[str, str]:
    off, on = workdays.unusual_days(today, 400)
    return " ".join(day.isoformat() for day in off), " ".join(day.isoformat() for day in on)


__all__ = ["FollowUp", "FollowUpStatus", "bp", "init"]
