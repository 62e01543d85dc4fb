"""The history of a visit: one line per step, written in the same transaction as the step, and read in words."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fieldapp import formats
from fieldapp.db import run
from fieldapp.languages import N_, _
from fieldapp.visits.models import Answer, VisitEvent, VisitPurpose, VisitStep, VisitWay

if TYPE_CHECKING:
    from fieldapp.accounts import Person

_EVENT = sa.insert(VisitEvent.__table__)

# What a change is called on the record. A field not named here is shown by its own name: nothing is left out.
FIELDS = {
    "planned_on": N_("日期"),
    "planned_at": N_("时间"),
    "override_reason": N_("为什么仍要安排"),
    "companions": N_("同行"),
    "officer": N_("干部"),
    "arrived_at": N_("到访时间"),
    "left_at": N_("离开时间"),
    "way": N_("方式"),
    "purposes": N_("目的"),
    "met": N_("见到的人"),
    "met_nobody": N_("未见到人"),
    "said": N_("聊了什么"),
    "next_contact_on": N_("下次联系"),
    "place": N_("到访位置"),
    "distance": N_("距企业"),
    "far_reason": N_("距离远的原因"),
    "late_entry": N_("补录"),
    "photos": N_("照片"),
    "needs": N_("需求"),
    "promises": N_("答应的事"),
    "follow_ups": N_("答应的事"),
    "answer": N_("回答"),
    "answer_text": N_("企业的说明"),
}


def note(
    visit_id: uuid.UUID,
    step: VisitStep,
    person: Person | None,
    at: datetime,
    *,
    text: str = "",
    changes: dict[str, Any] | None = None,
) -> None:
    """One line. `changes` are {field name: [before, after]} in values JSON can hold: texts, numbers, lists of them,
    ISO dates and moments, names of enums."""
    run(
        _EVENT,
        {
            "visit_id": visit_id,
            "at": at,
            "by_id": person.id if person else None,
            "step": step,
            "note": text,
            "changes": changes or {},
        },
    )


def compared(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """{field: [before, after]} of what differs; both hold the same fields, in values JSON can hold."""
    return {name: [before[name], after[name]] for name in after if before[name] != after[name]}


def missed(events: Sequence[Any], seen: int, current: int) -> list[Any]:
    """The steps taken since version `seen` of a visit that is at `current` now; each step is one version, but for what
    the enterprise says. The last one at least: somebody changed something."""
    steps = own_steps(events)
    count = max(1, min(current - seen, len(steps)))
    return steps[-count:]


def own_steps(events: Sequence[Any]) -> list[Any]:
    """Without the enterprise's answers: what happened to the record itself."""
    return [event for event in events if event.step is not VisitStep.ANSWERED]


# What the enterprise was shown: when one of these is changed afterwards, its answer was about something else.
_SHOWN = frozenset({"arrived_at", "left_at", "companions", "purposes", "promises", "follow_ups"})


def changed_since_answer(events: Sequence[Any]) -> bool:
    """Whether what the enterprise was shown has been changed since it last answered. `events` oldest first."""
    since = 0
    for at, event in enumerate(events, 1):
        if event.step is VisitStep.ANSWERED:
            since = at
    return bool(since) and any(
        event.step is VisitStep.AMENDED and _SHOWN & set(event.changes or {}) for event in events[since:]
    )


def _moment(text: str) -> str:
    return formats.moment(datetime.fromisoformat(text))


def _day(text: str) -> str:
    return formats.full_day(date.fromisoformat(text))


def _purpose(name: str) -> str:
    return _(VisitPurpose[name].value)


def _answer(name: str) -> str:
    return _(Answer[name].value)


def _way(name: str) -> str:
    return _(VisitWay[name].value)


_SPOKEN: dict[str, Callable[[str], str]] = {
    "arrived_at": _moment,
    "left_at": _moment,
    "planned_on": _day,
    "next_contact_on": _day,
    "purposes": _purpose,
    "way": _way,
    "answer": _answer,
}


def _words(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        return _("、").join(_words(name, one) for one in value) or formats.EMPTY
    if value in (None, ""):
        return formats.EMPTY
    try:
        return _SPOKEN.get(name, str)(str(value))
    except (KeyError, ValueError):  # written by an older version of this page: shown as it was written
        return str(value)


def change_words(changes: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """(field, before, after) in words, for the record's history."""
    return [
        (_(FIELDS.get(name, name)), _words(name, pair[0]), _words(name, pair[1]))
        for name, pair in (changes or {}).items()
        if isinstance(pair, list | tuple) and len(pair) == 2
    ]


def confirmed_word(answer: Answer | None) -> str:
    """What the enterprise says, in a word; that it says nothing is no fault and has a word too."""
    return _("未确认") if answer is None else _(answer.value)
