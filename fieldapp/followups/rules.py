"""How late a promise is, and how far ahead one may be made. Derived whenever asked, never stored.

Two counts, on purpose: how late is said in calendar days (逾期 4 天), because that is how long the enterprise has been
waiting; how long there still is, and the shortcuts of every form, are working days, because that is what an officer
has to work with. The page of one promise shows both.
"""

from __future__ import annotations

import enum
import re
from datetime import date, timedelta

from fieldapp.followups.models import FollowUp
from fieldapp.languages import N_

LONGEST_WAIT_YEARS = 3


class Due(enum.Enum):
    """The four heaps of the list, in its order."""

    OVERDUE = N_("逾期")
    TODAY = N_("今天")
    WEEK = N_("这周")
    LATER = N_("以后")


def week_ends(today: date) -> date:
    """The Sunday of this week; weeks start on Monday."""
    return today + timedelta(days=6 - today.weekday())


def heap(due_on: date, today: date) -> Due:
    """Which heap of the list a due date falls into."""
    if due_on < today:
        return Due.OVERDUE
    if due_on == today:
        return Due.TODAY
    return Due.WEEK if due_on <= week_ends(today) else Due.LATER


def latest_due(today: date) -> date:
    """The farthest day something may be promised for."""
    return today + timedelta(days=366 * LONGEST_WAIT_YEARS)


ARROW = " → "


def change_text(before: object, after: object, reason: str = "") -> str:
    """What a log line keeps of a change: before and after, and on the next line why."""
    return f"{before}{ARROW}{after}" + (f"\n{reason}" if reason else "")


_DATES = re.compile(r"^(\d{4}-\d\d-\d\d) → (\d{4}-\d\d-\d\d)")


def moved_dates(text: str) -> tuple[date, date, str] | None:
    """(from, to, reason) of a line that tells of a new date."""
    found = _DATES.match(text)
    if not found:
        return None
    return date.fromisoformat(found[1]), date.fromisoformat(found[2]), text[found.end() :].strip()


def differences(follow_up: FollowUp, title: str, kind: object, due_on: date) -> list[str]:
    """What an edit changes, as the lines its log keeps."""
    lines = []
    if follow_up.due_on != due_on:
        lines.append(change_text(follow_up.due_on, due_on))
    if follow_up.title != title:
        lines.append(change_text(follow_up.title, title))
    if follow_up.kind is not kind:
        lines.append(change_text(follow_up.kind.value, getattr(kind, "value", kind)))
    return lines
