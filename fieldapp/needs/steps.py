"""The lifecycle of a need: one table of steps, read by officers' buttons, the enterprise's door, worker and tests.

Who may, from where to where, what must be told, and what it does to the clock. No database, no moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fieldapp.languages import N_, _, lazy
from fieldapp.needs.models import ENDED, Clock, NeedSource, NeedStatus
from fieldapp.refusals import Conflict

S = NeedStatus


class Who(Enum):
    """Who may take a step, among those who see the need."""

    SEEING = "anybody who sees it"
    WRITER = "its author, its holder, officers serving the enterprise, leads"
    HOLDER = "who has claimed it (nobody has: officers serving the enterprise), leads"
    AUTHOR = "its author, leads"
    LEAD = "leads"
    ENTERPRISE = "the enterprise, by its receipt"
    CLOCK = "nobody: time does it"


INSIDE = (Who.SEEING, Who.WRITER, Who.HOLDER, Who.AUTHOR, Who.LEAD)


class Asks(Enum):
    """What a step must be told."""

    NOTHING = "nothing"
    MAYBE = "a sentence, or nothing"
    NOTE = "a sentence"
    ENDING = "how it really ended, and a sentence"
    UNIT = "to whom it goes, and a sentence"
    OFFICER = "who shall do it"
    TWIN = "which need of the same enterprise says the same, and a sentence"
    DAYS = "how many working days more, and a sentence"
    RATING = "whether it was solved, a level from 1 to 5, perhaps a sentence"


class Tick(Enum):
    """What a step does to the clock."""

    ANEW = "the promise of the state it leads to begins now"
    NEXT = "one promise is kept, the next one counts from the same moment"
    PAUSE = "it stands still: the enterprise answers, or a condition is waited for"
    RESUME = "it goes on, if it stood still"
    EXTEND = "it gets the working days that were asked for"
    KEEP = "nothing"
    STOP = "it ends"


class Given(Enum):
    """What must hold besides the state."""

    ALWAYS = "nothing"
    RUNNING = "the clock runs"
    QUESTION = "the enterprise has been asked something and has not answered"
    ASKED = "an extension has been asked for"
    NOT_ASKED = "the clock runs and no extension has been asked for"
    CALL = "the enterprise has asked to be called and nobody has called since"


@dataclass(frozen=True)
class Step:
    name: str  # in its address
    verb: str  # on its button
    told: str  # in the log
    who: Who
    moves: Mapping[NeedStatus, NeedStatus | None]  # from: to; None goes back to where it came from
    tick: Tick
    asks: Asks = Asks.NOTHING
    question: str = ""  # above the sentence it asks for
    icon: str = "check"
    given: Given = Given.ALWAYS
    at_door: bool = False  # only for needs whose enterprise holds a receipt
    shown: bool = False  # the enterprise reads the sentence on its receipt
    promise: Clock | None = None  # with Tick.NEXT: the promise that is next


def _all_to(target: NeedStatus | None, *sources: NeedStatus) -> dict[NeedStatus, NeedStatus | None]:
    return dict.fromkeys(sources, target)


def _staying(*states: NeedStatus) -> dict[NeedStatus, NeedStatus | None]:
    return {state: state for state in states}


_WORK = (S.CLAIMED, S.MATCHING)
# As long as there is something to talk about.
_TALKED_OF = (S.SUBMITTED, S.RETURNED, S.ACCEPTED, *_WORK, S.AWAITING_ENTERPRISE, S.ON_HOLD, S.RESOLVED)

# In the order in which a page offers them: the way forward first.
STEPS = {
    step.name: step
    for step in (
        Step(
            "accept", N_("受理"), N_("受理了这条需求"), Who.LEAD, _all_to(S.ACCEPTED, S.SUBMITTED), Tick.ANEW,
        ),
        Step(
            "claim", N_("我来接单"), N_("接单"), Who.SEEING, _all_to(S.CLAIMED, S.ACCEPTED), Tick.ANEW,
            icon="user-check",
        ),
        Step(
            "contact", N_("已联系企业"), N_("联系了企业"), Who.HOLDER, _staying(S.CLAIMED), Tick.NEXT, Asks.MAYBE,
            N_("和谁联系的，约了什么"), "phone", promise=Clock.PLAN,
        ),
        Step(
            "match", N_("开始对接"), N_("开始对接"), Who.HOLDER, _all_to(S.MATCHING, S.CLAIMED), Tick.NEXT,
            icon="handshake", promise=Clock.PLAN,
        ),
        Step(
            "plan", N_("给出方案"), N_("给出方案"), Who.HOLDER, _staying(S.MATCHING), Tick.NEXT, Asks.NOTE,
            N_("打算怎么办，企业会看到"), "list-checks", shown=True, promise=Clock.RESOLVE,
        ),
        Step(
            "propose", N_("请企业确认"), N_("提出办理结果，请企业确认"), Who.HOLDER,
            _all_to(S.AWAITING_ENTERPRISE, S.MATCHING), Tick.PAUSE, Asks.ENDING, N_("办到什么程度了，请企业确认什么"),
            "send", shown=True,
        ),
        Step(
            "resolve", N_("办结"), N_("办结"), Who.HOLDER, _all_to(S.RESOLVED, S.AWAITING_ENTERPRISE), Tick.STOP,
            Asks.ENDING, N_("一句话说清结果"), "circle-check", shown=True,
        ),
        Step(
            "resubmit", N_("重新提交"), N_("补充后重新提交"), Who.WRITER, _all_to(S.SUBMITTED, S.RETURNED), Tick.ANEW,
            icon="send",
        ),
        Step(
            "resume", N_("恢复办理"), N_("恢复办理"), Who.HOLDER, _all_to(None, S.ON_HOLD), Tick.RESUME,
            icon="rotate-ccw",
        ),
        Step(
            "answered", N_("企业已答复"), N_("企业答复了，继续办理"), Who.HOLDER, _staying(*_WORK), Tick.RESUME,
            Asks.NOTE,
            N_("企业怎么说的"), "message-square", Given.QUESTION,
        ),
        Step(
            "called", N_("已回电"), N_("给企业回了电话"), Who.WRITER, _staying(*_TALKED_OF), Tick.KEEP, Asks.MAYBE,
            N_("电话里说了什么，约了什么"), "phone-call", Given.CALL,
        ),
        Step(
            "assign", N_("派单"), N_("派单"), Who.LEAD, _all_to(S.CLAIMED, S.SUBMITTED, S.ACCEPTED), Tick.ANEW,
            Asks.OFFICER, N_("说明"), "user-check",
        ),
        Step(
            "pass", N_("改派"), N_("改派"), Who.LEAD, _staying(*_WORK), Tick.KEEP, Asks.OFFICER, N_("说明"), "users",
        ),
        Step(
            "ask", N_("问企业"), N_("问企业"), Who.HOLDER, _staying(*_WORK), Tick.PAUSE, Asks.NOTE,
            N_("想请企业回答什么，答复前停表"), "message-square", Given.RUNNING, at_door=True, shown=True,
        ),
        Step(
            "extend", N_("申请延期"), N_("申请延期"), Who.HOLDER, _staying(*_WORK), Tick.KEEP, Asks.DAYS,
            N_("为什么要延期"),
            "clock", Given.NOT_ASKED,
        ),
        Step(
            "grant", N_("同意延期"), N_("同意延期"), Who.LEAD, _staying(*_WORK), Tick.EXTEND, Asks.MAYBE, N_("说明"),
            "circle-check", Given.ASKED,
        ),
        Step(
            "refuse", N_("不同意延期"), N_("不同意延期"), Who.LEAD, _staying(*_WORK), Tick.KEEP, Asks.NOTE,
            N_("为什么不延"),
            "circle-x", Given.ASKED,
        ),
        Step(
            "return", N_("退回补充"), N_("退回补充"), Who.LEAD, _all_to(S.RETURNED, S.SUBMITTED, S.ACCEPTED),
            Tick.PAUSE,
            Asks.NOTE, N_("还要补充什么"), "rotate-ccw", shown=True,
        ),
        Step(
            "hold", N_("暂缓"), N_("暂缓办理"), Who.HOLDER,
            _all_to(S.ON_HOLD, S.ACCEPTED, S.CLAIMED, S.MATCHING, S.AWAITING_ENTERPRISE), Tick.PAUSE, Asks.NOTE,
            N_("等到什么条件再办"), "circle-pause", shown=True,
        ),
        Step(
            "release", N_("退回待接单"), N_("退回待接单"), Who.HOLDER, _all_to(S.ACCEPTED, *_WORK), Tick.ANEW,
            Asks.NOTE,
            N_("为什么交回"), "users",
        ),
        Step(
            "merge", N_("并入另一条"), N_("并入另一条需求"), Who.HOLDER,
            _all_to(S.MERGED, S.SUBMITTED, S.RETURNED, S.ACCEPTED, S.CLAIMED, S.MATCHING, S.ON_HOLD), Tick.STOP,
            Asks.TWIN, N_("说明"), "layers",
        ),
        Step(
            "refer", N_("转出"), N_("转出"), Who.LEAD,
            _all_to(S.REFERRED, S.SUBMITTED, S.ACCEPTED, S.CLAIMED, S.MATCHING), Tick.STOP, Asks.UNIT,
            N_("为什么转给他们，怎么联系"), "arrow-right", shown=True,
        ),
        Step(
            "decline", N_("不予受理"), N_("不予受理"), Who.LEAD, _all_to(S.DECLINED, S.SUBMITTED, S.ACCEPTED),
            Tick.STOP,
            Asks.NOTE, N_("为什么不受理"), "circle-x", shown=True,
        ),
        Step(
            "withdraw", N_("撤回"), N_("撤回"), Who.AUTHOR, _all_to(S.WITHDRAWN, S.SUBMITTED, S.RETURNED), Tick.STOP,
            Asks.NOTE, N_("为什么撤回"), "circle-minus",
        ),
        Step(
            "reopen", N_("重新打开"), N_("重新打开"), Who.LEAD,
            _all_to(S.MATCHING, S.RESOLVED, S.RATED)
            | _all_to(S.SUBMITTED, S.DECLINED, S.REFERRED, S.WITHDRAWN, S.MERGED),
            Tick.ANEW, Asks.NOTE, N_("为什么重新打开"), "rotate-ccw",
        ),
        # The enterprise's own, at its receipt.
        Step(
            "complete", N_("补充好了，重新提交"), N_("企业补充了情况"), Who.ENTERPRISE, _all_to(S.SUBMITTED,
            S.RETURNED),
            Tick.ANEW, Asks.NOTE, N_("补充的情况"), "send", at_door=True, shown=True,
        ),
        Step(
            "answer", N_("答复"), N_("企业答复"), Who.ENTERPRISE, _staying(*_WORK), Tick.RESUME, Asks.NOTE,
            N_("您的答复"),
            "message-square", Given.QUESTION, at_door=True, shown=True,
        ),
        Step(
            "add", N_("补充一句"), N_("企业补充"), Who.ENTERPRISE,
            _staying(S.SUBMITTED, S.ACCEPTED, *_WORK, S.AWAITING_ENTERPRISE, S.ON_HOLD), Tick.KEEP, Asks.NOTE,
            N_("补充一句"), "message-square", at_door=True, shown=True,
        ),
        Step(
            "rate", N_("提交评价"), N_("企业评价"), Who.ENTERPRISE, _all_to(S.RATED, S.AWAITING_ENTERPRISE,
            S.RESOLVED),
            Tick.STOP, Asks.RATING, N_("想说的话"), "star", at_door=True,
        ),
        Step(
            "redo", N_("重新办理"), N_("企业要求重新办理"), Who.ENTERPRISE,
            _all_to(S.MATCHING, S.AWAITING_ENTERPRISE, S.RESOLVED, S.RATED), Tick.ANEW, Asks.NOTE, N_("哪里没解决"),
            "rotate-ccw", at_door=True, shown=True,
        ),
        Step(
            "recall", N_("撤回点单"), N_("企业撤回点单"), Who.ENTERPRISE,
            _all_to(S.WITHDRAWN, S.SUBMITTED, S.RETURNED, S.ACCEPTED, *_WORK, S.AWAITING_ENTERPRISE, S.ON_HOLD),
            Tick.STOP, Asks.MAYBE, N_("为什么撤回"), "circle-minus", at_door=True, shown=True,
        ),
        Step(
            "call", N_("请来电话"), N_("企业请你回电"), Who.ENTERPRISE, _staying(*_TALKED_OF), Tick.KEEP,
            icon="phone-call",
        ),
        # What time does.
        Step(
            "idle", N_("退回待接单"), N_("接单后一直没有动静，退回待接单"), Who.CLOCK, _all_to(S.ACCEPTED, S.CLAIMED),
            Tick.ANEW, icon="users",
        ),
        Step(
            "lapse", N_("办结"), N_("企业一直没有答复，按提出的结果办结"), Who.CLOCK,
            _all_to(S.RESOLVED, S.AWAITING_ENTERPRISE), Tick.STOP, icon="circle-check", at_door=True,
        ),
    )
}  # fmt: skip

# The straight way; a page offers the first of these that is open as what to do next.
FORWARD = (
    "answered", "accept", "claim", "contact", "match", "plan", "propose", "resolve", "resubmit", "resume",
)  # fmt: skip

# A wish to be called is met by any of these.
CALLED_BY = ("contact", "answered", "called")

REOPENED_AT_MOST = 2  # times that a result is given back; after that the matter is for people to talk about

# Nothing of these goes on without somebody who has taken it.
HELD = (S.CLAIMED, S.MATCHING)
# Who has it may keep it through these.
WITH_HOLDER = (*HELD, S.AWAITING_ENTERPRISE, S.ON_HOLD, S.RESOLVED, S.RATED)
# The clock stands still as long as a need is in one of these.
WAITING = (S.RETURNED, S.AWAITING_ENTERPRISE, S.ON_HOLD)
RESULTS = (S.AWAITING_ENTERPRISE, S.RESOLVED, S.RATED)  # there is a result, and a kind of ending


class WrongMoment(Conflict):
    title = lazy("这一步现在做不了")


def standing(status: NeedStatus, held_by: str | None) -> str:
    """已接单（钱禾）: a state in words, with who holds the need."""
    return _("%(status)s（%(name)s）", status=_(status.value), name=held_by) if held_by else _(status.value)


def question_open(need: Any) -> bool:
    """Whether the enterprise has been asked something in the middle of the work."""
    return need.status in HELD and need.paused_at is not None


def _holds(given: Given, need: Any) -> bool:
    if given is Given.RUNNING:
        return need.paused_at is None
    if given is Given.QUESTION:
        return question_open(need)
    if given is Given.ASKED:
        return need.asked_days is not None
    if given is Given.NOT_ASKED:
        return need.asked_days is None and need.paused_at is None
    if given is Given.CALL:
        return need.call_at is not None
    return True


def comes_into_question(step: Step, need: Any) -> bool:
    """Whether the step's moment has come: need has status, source, paused_at, asked_days, clock, call_at, reopened."""
    if need.status not in step.moves or not _holds(step.given, need):
        return False
    if step.at_door and need.source is not NeedSource.ORDER:
        return False
    if step.name == "contact" and need.clock is not Clock.CONTACT:
        return False
    if step.name == "plan" and need.clock is not Clock.PLAN:
        return False
    if step.name == "called" and need.status is S.CLAIMED and need.clock is Clock.CONTACT:
        return False  # that call is the first contact: nothing is said twice
    return not _given_back_enough(step, need)


def _given_back_enough(step: Step, need: Any) -> bool:
    return step.name in ("reopen", "redo") and need.status in RESULTS and need.reopened >= REOPENED_AT_MOST


def destination(
    step: Step,
    need: Any,
    *,
    came_from: NeedStatus | None = None,
    held: bool = False,
    held_by: str | None = None,
) -> NeedStatus:
    """The state that `step` leads to from where the need stands. Raises WrongMoment with the reason.

    `came_from` is the state before the present one; `held` tells whether somebody will have claimed it afterwards.
    """
    status: NeedStatus = need.status
    if step.name == "claim" and status is not S.ACCEPTED and held_by:
        raise WrongMoment(_("%(name)s已经接了这条需求。", name=held_by))
    if _given_back_enough(step, need) and status in step.moves:
        raise WrongMoment(
            _("已经重新打开过 %(times)s 次，不能再打开。请和企业当面商量。", times=REOPENED_AT_MOST)
        )
    if not comes_into_question(step, need):
        raise WrongMoment(
            _(
                "这条需求现在是“%(status)s”，不能再“%(verb)s”。请刷新看看最新进展。",
                status=standing(status, held_by),
                verb=_(step.verb),
            )
        )
    target = step.moves[status] or came_from or S.ACCEPTED
    return S.ACCEPTED if target in HELD and not held else target


def gives_back(step: Step, before: NeedStatus) -> bool:
    """Whether the step gives a result back, which may happen twice."""
    return step.name in ("reopen", "redo") and before in RESULTS


def came_from(events: Sequence[Any]) -> NeedStatus | None:
    """The state that the present one was reached from; notes in between change nothing."""
    return next((event.before for event in reversed(events) if event.before is not event.after), None)


def told(event: Any) -> str:
    """What a line of the log says happened."""
    if event.before is None:
        return N_("提出需求")
    known = STEPS.get(getattr(event, "step", ""))
    if known is not None:
        return known.told
    if event.before is event.after:
        return N_("记了进展") if event.note else N_("修改了内容")
    for step in STEPS.values():  # from before the log kept the step's name
        if event.before in step.moves and step.moves[event.before] in (event.after, None):
            return step.told
    if event.before in (S.RESOLVED, S.RATED):  # reopened when nobody held it
        return STEPS["reopen"].told
    return str(event.after.value)


def open_among(steps: Iterable[Step], need: Any) -> list[Step]:
    """Those whose moment has come."""
    return [step for step in steps if comes_into_question(step, need)]


__all__ = ["ENDED", "HELD", "STEPS", "Asks", "Given", "Step", "Tick", "Who", "WrongMoment"]
