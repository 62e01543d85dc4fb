"""Decisions about needs: how far one has come, what it lacks, what two people made of one sheet. No clock, no database.

Which step may follow which is said in steps.py, by when in clock.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from fieldapp.languages import N_
from fieldapp.needs.models import ENDED, NeedStatus, Solved
from fieldapp.needs.steps import came_from

S = NeedStatus

# Quality: what a solver needs to know. It helps and never blocks.

PARTS = {
    "indicators": N_("技术指标"),
    "deadline": N_("截止时间"),
    "budget": N_("预算"),
    "ip_ownership": N_("知识产权"),
    "conditions": N_("对合作方的要求"),
}


@dataclass(frozen=True)
class Quality:
    score: int  # of len(PARTS)
    missing: tuple[str, ...]  # keys of PARTS, in their order


def quality(need: Any) -> Quality:
    """How complete a need is. An indicator counts when it says what is measured and where it should get to."""
    there = {
        "indicators": any(row.get("name") and row.get("target") for row in need.indicators or ()),
        "deadline": need.deadline is not None,
        "budget": need.budget is not None,
        "ip_ownership": need.ip_ownership is not None,
        "conditions": bool((need.conditions or "").strip()),
    }
    missing = tuple(part for part in PARTS if not there[part])
    return Quality(len(PARTS) - len(missing), missing)


def is_dissatisfied(solved: Solved, level: int) -> bool:
    """Whether the enterprise's word on a result asks for it to be worked on again: not solved, or level 1 or 2 of 5."""
    return solved is Solved.NO or level <= DISSATISFIED


DISSATISFIED = 2

# The way: five stages and when each was reached.

STAGES = (N_("提出"), N_("受理"), N_("接单"), N_("对接"), N_("办结"))
# How many stages are behind a need in this state.
_BEHIND = {
    S.DRAFT: 0, S.RETURNED: 1, S.SUBMITTED: 1, S.ACCEPTED: 2, S.CLAIMED: 3, S.MATCHING: 3,
    S.AWAITING_ENTERPRISE: 4, S.RESOLVED: 5, S.RATED: 5,
}  # fmt: skip
# The state whose beginning is the date of a stage.
_REACHED = (S.SUBMITTED, S.ACCEPTED, S.CLAIMED, S.MATCHING, S.RESOLVED)


@dataclass(frozen=True)
class Stage:
    word: str
    done: bool
    current: bool
    at: datetime | None  # when it was reached


def stepper(status: NeedStatus, events: Sequence[Any]) -> list[Stage]:
    """The five stages. A need that was put aside stands where it was; one that ended otherwise stands nowhere."""
    first: dict[NeedStatus, datetime] = {}
    latest: dict[NeedStatus, datetime] = {}
    for event in events:
        if event.before is not event.after:
            first.setdefault(event.after, event.at)
            latest[event.after] = event.at
    stood = status if status in _BEHIND else came_from(events)
    behind = _BEHIND.get(stood, 1) if stood else 1
    ended_otherwise = status in ENDED and status not in _BEHIND
    stages = []
    for at, (word, reached) in enumerate(zip(STAGES, _REACHED, strict=True)):
        done = at < behind
        current = at == behind and not ended_otherwise
        when = (first if at == 0 else latest).get(reached) if done or current else None
        stages.append(Stage(word, done, current, when))
    return stages


# Two people at one sheet: what each of them changed.


def digest(value: Any) -> str:
    """A short mark of a field's value: equal values, equal marks, whatever database or form they come from."""
    if isinstance(value, Enum):
        value = value.name
    elif isinstance(value, Decimal):
        value = format(value.normalize(), "f")
    elif isinstance(value, date):
        value = value.isoformat()
    text = json.dumps("" if value is None else value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Merged:
    """What two people made of one sheet."""

    both: tuple[str, ...]  # fields that both changed, differently
    theirs: tuple[str, ...]  # fields that only the other one changed


def merge(
    base: Mapping[str, str], theirs: Mapping[str, Any], mine: Mapping[str, Any], fields: Iterable[str]
) -> Merged:
    """Compare what stands now and what was typed with the digests of what the sheet showed at first.

    A field whose digest is missing counts as changed by both: nothing typed is given up on a guess.
    """
    both, only_theirs = [], []
    for name in fields:
        marks = digest(theirs[name]), digest(mine[name])
        if marks[0] == marks[1]:
            continue
        if base.get(name) == marks[1]:
            only_theirs.append(name)
        elif base.get(name) != marks[0]:
            both.append(name)
    return Merged(tuple(both), tuple(only_theirs))
