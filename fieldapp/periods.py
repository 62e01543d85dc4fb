"""Stretches of time that figures are told for: weeks, quarters and years as the office's calendar has them.

An address names one (`period=quarter`); a board and the lists behind its numbers ask for the same name and so mean the
same moments. Days are the office's, moments are UTC: a visit of 1 October 00:30 in Asia/Shanghai belongs to October.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from fieldapp import clock
from fieldapp.languages import N_, _

# The names that an address may use, in the order in which they are offered.
KEYS = ("week", "quarter", "last-quarter", "year", "last-year")
_QUARTERS = (N_("第一季度"), N_("第二季度"), N_("第三季度"), N_("第四季度"))


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both included. `since` ≤ moment < `until`, in UTC."""

    key: str
    first: date
    last: date

    @cached_property
    def since(self) -> datetime:
        return clock.local_midnight(self.first)

    @cached_property
    def until(self) -> datetime:
        return clock.local_midnight(self.last + timedelta(days=1))

    @property
    def words(self) -> str:
        """2026年第四季度."""
        if self.key == "week":
            return _("本周")
        if self.key in ("year", "last-year"):
            return _("%(year)s年", year=self.first.year)
        quarter = _(_QUARTERS[(self.first.month - 1) // 3])
        return _("%(year)s年%(quarter)s", year=self.first.year, quarter=quarter)

    def passed(self, day: date) -> int:
        """How much of it is over at the end of `day`, in whole percent."""
        days = (self.last - self.first).days + 1
        return max(0, min(100, ((day - self.first).days + 1) * 100 // days))


def _quarter(key: str, day: date) -> Period:
    first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    after = date(first.year + 1, 1, 1) if first.month == 10 else date(first.year, first.month + 3, 1)
    return Period(key, first, after - timedelta(days=1))


def period_named(key: str, today: date) -> Period | None:
    """The period of that name as it is on `today`; None for a name that is not one of KEYS."""
    return _named(key, today, clock.zone()) if key in KEYS else None


@lru_cache(maxsize=64)
def _named(key: str, today: date, _zone: ZoneInfo) -> Period | None:
    """One object for one name, day and time zone: it works out its moments once."""
    if key == "week":
        monday = clock.monday_of(today)
        return Period(key, monday, monday + timedelta(days=6))
    if key == "quarter":
        return _quarter(key, today)
    if key == "last-quarter":
        return _quarter(key, _quarter(key, today).first - timedelta(days=1))
    if key == "year":
        return Period(key, date(today.year, 1, 1), date(today.year, 12, 31))
    if key == "last-year":
        return Period(key, date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))
    return None
