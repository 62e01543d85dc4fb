"""Decisions about visits: plain values in, a value or a Refusal out."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from fieldapp.languages import lazy
from fieldapp.refusals import Refusal

# A phone's clock may run ahead by so much before its "now" counts as the future.
CLOCK_SKEW = timedelta(minutes=10)
# Longer ago than this is a slip of the finger, not a visit to add.
OLDEST = timedelta(days=366)


class NotYetArrived(Refusal):
    message = lazy("到访时间不能晚于现在。")


class TooLongAgo(Refusal):
    message = lazy("到访时间超过一年了，请检查日期。")


class LeftBeforeArriving(Refusal):
    message = lazy("离开时间不能早于到访时间。")


def require_possible(arrived_at: datetime, left_at: datetime | None, now: datetime) -> None:
    """Raises NotYetArrived, TooLongAgo or LeftBeforeArriving."""
    if arrived_at > now + CLOCK_SKEW:
        raise NotYetArrived
    if arrived_at < now - OLDEST:
        raise TooLongAgo
    if left_at is not None and left_at < arrived_at:
        raise LeftBeforeArriving


def is_late_entry(visited_on: date, today: date) -> bool:
    """补录: written down on a later day than the visit."""
    return visited_on < today
