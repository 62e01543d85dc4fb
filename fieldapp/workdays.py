"""Working days by the Chinese calendar: public holidays off, shifted weekend workdays on.

The State Council publishes a calendar (国务院办公厅关于部分节假日安排的通知) in the autumn before; `chinesecalendar`
carries the published years. A year not yet published counts Monday to Friday, and `is_published` lets a page say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import chinese_calendar


@lru_cache(maxsize=4096)
def is_workday(day: date) -> bool:
    """Whether offices are open on that day."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_published(year: int) -> bool:
    """Whether the calendar of that year is known."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def add_workdays(day: date, count: int) -> date:
    """The day on which `count` (≥ 1) working days after `day` are over; `day` itself does not count."""
    while count > 0:
        day += timedelta(days=1)
        if is_workday(day):
            count -= 1
    return day


def workdays_between(first: date, last: date) -> int:
    """Working days after `first` up to and including `last`; negative when `last` comes before `first`."""
    if last < first:
        return -workdays_between(last, first)
    return sum(is_workday(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def unusual_days(first: date, days: int) -> tuple[list[date], list[date]]:
    """(weekdays that are off, weekend days that are worked) among `days` days from `first`: what a page that knows
    weekends must be told besides.
    """
    off: list[date] = []
    on: list[date] = []
    for n in range(days):
        day = first + timedelta(days=n)
        if is_workday(day) != (day.weekday() < 5):
            (off if day.weekday() < 5 else on).append(day)
    return off, on


@dataclass(frozen=True)
class OfficeHours:
    """When offices work on a working day, in minutes since midnight: spans in order, none touching another."""

    spans: tuple[tuple[int, int], ...]

    @property
    def minutes(self) -> int:
        """Of one working day."""
        return sum(end - begin for begin, end in self.spans)


@lru_cache(maxsize=16)
def office_hours(text: str) -> OfficeHours:
    """`08:30-12:00 14:30-17:30` read. Raises ValueError for anything else."""
    spans = []
    for part in text.split():
        begin, _sign, end = part.partition("-")
        spans.append((_minute(begin), _minute(end)))
    if not spans or any(begin >= end for begin, end in spans):
        raise ValueError(f"office hours must look like 08:30-12:00 14:30-17:30, not {text!r}")
    if any(spans[n][1] > spans[n + 1][0] for n in range(len(spans) - 1)):
        raise ValueError(f"office hours overlap or stand in the wrong order: {text!r}")
    return OfficeHours(tuple(spans))


def _minute(text: str) -> int:
    hour, sign, minute = text.partition(":")
    if not (sign and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        raise ValueError(f"a time of day must look like 08:30, not {text!r}")
    return int(hour) * 60 + int(minute)


def is_office_time(local: datetime, hours: OfficeHours) -> bool:
    """Whether offices work at that moment of the office's own clock."""
    minute = local.hour * 60 + local.minute
    return is_workday(local.date()) and any(begin <= minute < end for begin, end in hours.spans)


def add_office_time(local: datetime, minutes: int, hours: OfficeHours) -> datetime:
    """The moment at which `minutes` (≥ 0) of office time after `local` are over, on the office's own clock.

    What begins at night or on a holiday counts from the next opening; what ends with a span ends there and not at the
    next one's beginning. Seconds are kept only inside office time.
    """
    day, at = local.date(), local
    while True:
        if is_workday(day):
            for begin, end in hours.spans:
                opens, closes = _on(day, begin, local), _on(day, end, local)
                start = max(at, opens)
                if start >= closes:
                    continue
                reached = start + timedelta(minutes=minutes)
                if reached <= closes:
                    return reached
                minutes -= int((closes - start).total_seconds() // 60)
        day += timedelta(days=1)


def _on(day: date, minute: int, like: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=like.tzinfo)


def office_minutes_between(first: datetime, last: datetime, hours: OfficeHours) -> int:
    """Whole office minutes from `first` to `last`, both on the office's own clock; 0 when `last` comes first."""
    total, day = timedelta(), first.date()
    while day <= last.date():
        if is_workday(day):
            for begin, end in hours.spans:
                start, stop = max(first, _on(day, begin, first)), min(last, _on(day, end, first))
                if start < stop:
                    total += stop - start
        day += timedelta(days=1)
    return int(total.total_seconds() // 60)
