"""Decisions about needs: which step may follow which, how far one has come, what it lacks. No clock, no database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from fieldapp.languages import N_, _, lazy
from fieldapp.needs.models import ENDED, NeedStatus
from fieldapp.refusals import Conflict

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


# The lifecycle: one table, read by the route that takes a step and by the page that offers it.


class Who(Enum):
    """Who may take a step, among those who see the need."""

    SEEING = "anybody who sees it"
    WRITER = "its author, its holder, officers serving the enterprise, leads"
    HOLDER = "who has claimed it (nobody has: officers serving the enterprise), leads"
    AUTHOR = "its author, leads"
    LEAD = "leads"


class Asks(Enum):
    """What a step must be told."""

    NOTHING = "nothing"
    NOTE = "a sentence"
    ENDING = "how it really ended, and a sentence"


@dataclass(frozen=True)
class Step:
    name: str  # in its address
    verb: str  # on its button
    told: str  # in the log
    who: Who
    moves: Mapping[NeedStatus, NeedStatus | None]  # from: to; None goes back to where it came from
    asks: Asks = Asks.NOTHING
    question: str = ""  # above the sentence it asks for
    icon: str = "check"


def _all_to(target: NeedStatus | None, *sources: NeedStatus) -> dict[NeedStatus, NeedStatus | None]:
    return dict.fromkeys(sources, target)


# In the order in which a page offers them: the way forward first.
STEPS = {
    step.name: step
    for step in (
        Step(
            "accept", N_("受理"), N_("受理了这条需求"), Who.LEAD,
            _all_to(S.ACCEPTED, S.SUBMITTED), icon="check",
        ),
        Step(
            "claim", N_("我来接单"), N_("接单"), Who.SEEING,
            _all_to(S.CLAIMED, S.ACCEPTED), icon="user-check",
        ),
        Step(
            "match", N_("开始对接"), N_("开始对接"), Who.HOLDER,
            _all_to(S.MATCHING, S.CLAIMED), icon="handshake",
        ),
        Step(
            "propose", N_("请企业确认"), N_("提出办理结果，请企业确认"), Who.HOLDER,
            _all_to(S.AWAITING_ENTERPRISE, S.MATCHING), Asks.NOTE, N_("办到什么程度了，请企业确认什么"), "send",
        ),
        Step(
            "resolve", N_("办结"), N_("办结"), Who.HOLDER,
            _all_to(S.RESOLVED, S.AWAITING_ENTERPRISE), Asks.ENDING, N_("一句话说清结果"), "circle-check",
        ),
        Step(
            "resubmit", N_("重新提交"), N_("补充后重新提交"), Who.WRITER,
            _all_to(S.SUBMITTED, S.RETURNED), icon="send",
        ),
        Step("resume", N_("恢复办理"), N_("恢复办理"), Who.HOLDER, _all_to(None, S.ON_HOLD), icon="rotate-ccw"),
        Step(
            "return", N_("退回补充"), N_("退回补充"), Who.LEAD,
            _all_to(S.RETURNED, S.SUBMITTED, S.ACCEPTED), Asks.NOTE, N_("还要补充什么"), "rotate-ccw",
        ),
        Step(
            "hold", N_("暂缓"), N_("暂缓办理"), Who.HOLDER,
            _all_to(S.ON_HOLD, S.ACCEPTED, S.CLAIMED, S.MATCHING, S.AWAITING_ENTERPRISE), Asks.NOTE,
            N_("等到什么条件再办"), "circle-pause",
        ),
        Step(
            "release", N_("退回待接单"), N_("退回待接单"), Who.HOLDER,
            _all_to(S.ACCEPTED, S.CLAIMED, S.MATCHING), Asks.NOTE, N_("为什么交回"), "users",
        ),
        Step(
            "refer", N_("转出"), N_("转出"), Who.LEAD,
            _all_to(S.REFERRED, S.SUBMITTED, S.ACCEPTED, S.CLAIMED, S.MATCHING), Asks.NOTE,
            N_("转给哪个单位，为什么"), "arrow-right",
        ),
        Step(
            "decline", N_("不予受理"), N_("不予受理"), Who.LEAD,
            _all_to(S.DECLINED, S.SUBMITTED, S.ACCEPTED), Asks.NOTE, N_("为什么不受理"), "circle-x",
        ),
        Step(
            "withdraw", N_("撤回"), N_("撤回"), Who.AUTHOR,
            _all_to(S.WITHDRAWN, S.SUBMITTED), Asks.NOTE, N_("为什么撤回"), "circle-minus",
        ),
        Step(
            "reopen", N_("重新打开"), N_("重新打开"), Who.LEAD,
            _all_to(S.MATCHING, S.RESOLVED, S.RATED)
            | _all_to(S.SUBMITTED, S.DECLINED, S.REFERRED, S.WITHDRAWN),
            Asks.NOTE, N_("为什么重新打开"), "rotate-ccw",
        ),
    )
}  # fmt: skip

REOPENED_AT_MOST = 2  # times that a result is given back; after that the matter is for people to talk about

# Nothing of these goes on without somebody who has taken it.
HELD = (S.CLAIMED, S.MATCHING)


class WrongMoment(Conflict):
    title = lazy("这一步现在做不了")


def standing(status: NeedStatus, held_by: str | None) -> str:
    """已接单（钱禾）: a state in words, with who holds the need."""
    return _("%(status)s（%(name)s）", status=_(status.value), name=held_by) if held_by else _(status.value)


def destination(
    step: Step,
    status: NeedStatus,
    *,
    came_from: NeedStatus | None = None,
    held: bool = False,
    held_by: str | None = None,
    reopened: int = 0,
) -> NeedStatus:
    """The state that `step` leads to. Raises WrongMoment with the reason.

    `came_from` is the state before the present one; `held` tells whether somebody will have claimed it afterwards.
    """
    if step.name == "claim" and status is not S.ACCEPTED and held_by:
        raise WrongMoment(_("%(name)s已经接了这条需求。", name=held_by))
    if status not in step.moves:
        raise WrongMoment(
            _(
                "这条需求现在是“%(status)s”，不能再“%(verb)s”。请刷新看看最新进展。",
                status=standing(status, held_by),
                verb=_(step.verb),
            )
        )
    if step.name == "reopen" and status in (S.RESOLVED, S.RATED) and reopened >= REOPENED_AT_MOST:
        raise WrongMoment(
            _("已经重新打开过 %(times)s 次，不能再打开。请和企业当面商量。", times=REOPENED_AT_MOST)
        )
    target = step.moves[status] or came_from or S.ACCEPTED
    return S.ACCEPTED if target in HELD and not held else target


def times_reopened(events: Iterable[Any]) -> int:
    return sum(event.before in (S.RESOLVED, S.RATED) and event.after not in ENDED for event in events)


def came_from(events: Sequence[Any]) -> NeedStatus | None:
    """The state that the present one was reached from; notes in between change nothing."""
    return next((event.before for event in reversed(events) if event.before is not event.after), None)


def told(event: Any) -> str:
    """What a line of the log says happened."""
    if event.before is None:
        return N_("提出需求")
    if event.before is event.after:
        return N_("记了进展") if event.note else N_("修改了内容")
    for step in STEPS.values():
        if event.before in step.moves and step.moves[event.before] in (event.after, None):
            return step.told
    if event.before in (S.RESOLVED, S.RATED):  # reopened when nobody held it
        return STEPS["reopen"].told
    return str(event.after.value)


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
