"""Decisions about visits: plain values in, a value or a Refusal out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite

from fieldapp.coordinates import metres_between
from fieldapp.languages import N_, lazy
from fieldapp.refusals import Refusal

# A phone's clock may run ahead by so much before its "now" counts as the future.
CLOCK_SKEW = timedelta(minutes=10)
# Longer than this nobody stays: the day of leaving is a slip of the finger, and lists show its hour only.
LONGEST = timedelta(hours=24)
# Longer ago than this is a slip of the finger, not a visit to add.
OLDEST = timedelta(days=366)


class NotYetArrived(Refusal):
    message = lazy("到访时间不能晚于现在。")


class TooLongAgo(Refusal):
    message = lazy("到访时间超过一年了，请检查日期。")


class LeftBeforeArriving(Refusal):
    message = lazy("离开时间不能早于到访时间。")


class StayedTooLong(LeftBeforeArriving):
    """Also a leaving time that does not fit the arrival, said beside the same field."""

    message = lazy("离开时间比到访时间晚了一天还多，请检查日期。")


def require_possible(arrived_at: datetime, left_at: datetime | None, now: datetime) -> None:
    """Raises NotYetArrived, TooLongAgo, LeftBeforeArriving or StayedTooLong."""
    if arrived_at > now + CLOCK_SKEW:
        raise NotYetArrived
    if arrived_at < now - OLDEST:
        raise TooLongAgo
    # Minutes are what is typed: whoever checked in at 10:05:37 may have left at 10:05.
    if left_at is not None and left_at < arrived_at.replace(second=0, microsecond=0):
        raise LeftBeforeArriving
    if left_at is not None and left_at > arrived_at + LONGEST:
        raise StayedTooLong


def is_late_entry(visited_on: date, today: date) -> bool:
    """补录: written down on a later day than the visit."""
    return visited_on < today


# --- where the officer stood ----------------------------------------------------------------------------------------

# A position that the phone knew longer than this before the tap says where it was, not where it is.
FIX_AGE = timedelta(seconds=60)
# Nobody waits longer for a position at a factory gate.
FIX_PATIENCE = timedelta(seconds=10)
# A position belongs to a visit when it was taken so near to the arrival.
FIX_OF_VISIT = timedelta(hours=12)
# From here on a position tells the district, not the gate.
COARSE = 500.0
# No phone errs by more than half the way round the earth.
MOST_ACCURACY = 20_000_000.0


@dataclass(frozen=True)
class Fix:
    """One point, WGS-84, as the phone gave it after a tap."""

    lat: float
    lng: float
    accuracy: float  # metres
    fixed_at: datetime


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) else None


def _moment(text: str | None) -> datetime | None:
    """None also for the ends of time, which no other zone's clock can show."""
    try:
        value = datetime.fromisoformat(text or "")
        return value.astimezone(UTC) if value.tzinfo else None
    except (ValueError, OverflowError):
        return None


def read_fix(
    lat: str | None,
    lng: str | None,
    accuracy: str | None,
    fixed_at: str | None,
    now: datetime,
    *,
    asked_at: str | None = None,
    arrived_at: datetime | None = None,
) -> Fix | None:
    """What the phone sent, or None for what cannot be: a place is optional, so nonsense is dropped without a word.

    `fixed_at` is when the phone took the position, `asked_at` when the officer tapped. How long the officer types
    afterwards does not matter.
    """
    north, east, within = _number(lat), _number(lng), _number(accuracy)
    at, asked = _moment(fixed_at), _moment(asked_at)
    if north is None or east is None or within is None or at is None:
        return None
    if abs(north) > 90 or abs(east) > 180 or not 0 <= within <= MOST_ACCURACY or at > now + CLOCK_SKEW:
        return None
    if asked is not None and not -FIX_AGE <= at - asked <= FIX_PATIENCE:
        return None
    if arrived_at is not None and abs(at - arrived_at) > FIX_OF_VISIT:
        return None
    return Fix(north, east, within, at)


def distance_to(fix: Fix, lat: float | None, lng: float | None) -> int | None:
    """Metres to the enterprise, whole ones; None when nobody has said where the enterprise is."""
    if lat is None or lng is None:
        return None
    return round(metres_between(fix.lng, fix.lat, lng, lat))


def is_far(distance: int | None, radius: int, accuracy: float | None) -> bool:
    """Far enough to ask for a word of explanation. Advice, never a verdict."""
    return distance is not None and distance > max(radius, accuracy or 0)


def is_coarse(accuracy: float | None) -> bool:
    return accuracy is not None and accuracy > COARSE


# Why the visit was far from where the enterprise is registered: a tap each, and room for a word.
FAR_REASONS = {
    "BRANCH": N_("在分厂区"),
    "MOVED": N_("企业已搬迁"),
    "INEXACT": N_("定位不准"),
    "ELSEWHERE": N_("约在别处"),
}
FAR_REASON_LENGTH = 200


def far_reason(name: str, words: str) -> str:
    """As it is stored: the tile's word, what was typed, or both."""
    return "：".join(part for part in (FAR_REASONS.get(name, ""), words) if part)[:FAR_REASON_LENGTH]


def read_far_reason(text: str) -> tuple[str, str]:
    """far_reason() undone: (name of the tile or "", what was typed)."""
    for name, word in FAR_REASONS.items():
        if text == word or text.startswith(f"{word}："):
            return name, text.removeprefix(word).removeprefix("：")
    return "", text
