"""Working days by the Chinese calendar: public holidays off, shifted weekend workdays on.

The State Council publishes a calendar (国务院办公厅关于部分节假日安排的通知) in the autumn before; `chinesecalendar`
carries the published years. A year not yet published counts Monday to Friday, and `is_published` lets a page say so.
"""

from __future__ import annotations

from datetime import date, timedelta
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
