"""The only place that reads the clock. Stored in UTC, shown in Asia/Shanghai."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


_zone = ZoneInfo("Asia/Shanghai")


def zone() -> ZoneInfo:
    """The office's time zone."""
    return _zone


def init(app: Flask) -> None:
    global _zone
    _zone = ZoneInfo(app.config["TIME_ZONE"])


def local(moment: datetime) -> datetime:
    """A stored moment on the office's clock."""
    return moment.astimezone(zone())


_today: tuple[int, date] = (0, date.min)


def today() -> date:
    """The office's date. A long list asks for it in every row, so a second's answer is kept."""
    global _today
    second = int(time.time())
    if _today[0] != second:
        _today = (second, local(now()).date())
    return _today[1]


def monday_of(day: date) -> date:
    """Weeks start on Monday."""
    return day - timedelta(days=day.weekday())


def local_midnight(day: date) -> datetime:
    """The moment at which `day` begins at the office, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone()).astimezone(UTC)
