"""Where an order stands, in the words of whoever owns a factory. Plain values in and out, no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask import current_app

from fieldapp import clock as office
from fieldapp.formats import day, lateness
from fieldapp.languages import N_, _
from fieldapp.needs.clock import Promise, light_of, limits_of, promises
from fieldapp.needs.models import ENDED, Clock, Light, NeedStatus
from fieldapp.needs.steps import came_from, question_open
from fieldapp.workdays import is_published

S = NeedStatus

_WORDS = {
    S.DRAFT: N_("还没有提交"),
    S.SUBMITTED: N_("收到了，等服务团受理"),
    S.ACCEPTED: N_("已受理，正在派干部"),
    S.CLAIMED: N_("干部已接单"),
    S.MATCHING: N_("正在找合适的团队"),
    S.AWAITING_ENTERPRISE: N_("请您确认结果"),
    S.RESOLVED: N_("已办结，请您评价"),
    S.RATED: N_("办完了，谢谢您的评价"),
    S.RETURNED: N_("还差一点情况，请您补充"),
    S.DECLINED: N_("这件事没有受理"),
    S.REFERRED: N_("已转给别的单位"),
    S.ON_HOLD: N_("先放一放，等条件"),
    S.WITHDRAWN: N_("您已撤回"),
    S.MERGED: N_("和您的另一件合并办理"),
}


def in_words(need: Any) -> str:
    """The state as its owner reads it."""
    return _("有一个问题请您回答") if question_open(need) else _(_WORDS[need.status])


@dataclass(frozen=True)
class Sign:
    """The light, without the office's word for it."""

    tone: str  # of a tag
    icon: str
    words: str


def sign_of(need: Any, now: datetime) -> Sign | None:
    """按时, 快到期, 有点慢了, or whom it waits for; nothing once it is over."""
    light = light_of(need, now)
    if light is Light.GREY:
        if need.status is S.ON_HOLD:
            return Sign("", "circle-pause", _("暂停"))
        return Sign("tag-warn", "hourglass", _("等您 1 分钟"))
    if light is Light.RED:
        return Sign("tag-bad", "circle-alert", _("有点慢了"))
    if light is Light.YELLOW:
        return Sign("tag-warn", "clock", _("快到期"))
    return Sign("tag-ok", "circle-check", _("按时")) if light is Light.GREEN else None


@dataclass(frozen=True)
class Stage:
    word: str
    done: bool
    current: bool
    note: str  # the small line: a day, or what comes


_STAGES = (N_("点单"), N_("接单"), N_("对接"), N_("确认"), N_("办结"))
# How many stages are behind an order in this state.
_BEHIND = {
    S.DRAFT: 0, S.SUBMITTED: 1, S.RETURNED: 1, S.ACCEPTED: 1, S.CLAIMED: 2, S.MATCHING: 2, S.AWAITING_ENTERPRISE: 3,
    S.RESOLVED: 4, S.RATED: 5,
}  # fmt: skip


def stages(need: Any, events: Sequence[Any], promised: Sequence[Promise]) -> list[Stage]:
    """The five stages. One that was put aside stands where it was; one that ended otherwise stands nowhere."""
    reached: dict[NeedStatus, datetime] = {}
    for event in events:
        if event.before is not event.after:
            reached[event.after] = event.at
    stood = need.status if need.status in _BEHIND else came_from(events)
    behind = _BEHIND.get(stood, 1) if stood else 1
    over = need.status in ENDED and need.status not in _BEHIND
    answered = reached.get(S.RESOLVED) or reached.get(S.RATED)
    dates = (need.created_at, reached.get(S.CLAIMED), reached.get(S.MATCHING), answered, reached.get(S.RATED))
    coming = ("", _due(promised, Clock.CLAIM), "", _due(promised, Clock.RESOLVE), _("您评价"))
    now = ("", coming[1] or _("正在安排"), _("进行中"), _("您来定"), _("等您评价"))
    found = []
    for n, word in enumerate(_STAGES):
        done, current = n < behind, n == behind and not over
        note = (
            day(dates[n]) if done and dates[n] else now[n] if current else "" if done or over else coming[n]
        )
        found.append(Stage(_(word), done, current, note))
    return found


def _due(promised: Sequence[Promise], which: Clock) -> str:
    due = next((one.due_at for one in promised if one.which is which), None)
    return _("%(day)s前", day=day(due)) if due else ""


@dataclass(frozen=True)
class Word:
    """One line of what was promised, and how it stands."""

    words: str
    kept: bool
    late: bool
    when: str
    how: str  # 按时, 晚了 2 个工作日; "" where nothing is to be said of it yet
    unsure: int = 0  # the year whose holidays it was reckoned without


_PROMISED = {
    Clock.CLAIM: N_("受理后 %(days)s 个工作日内接单"),
    Clock.CONTACT: N_("接单后 %(days)s 个工作日内联系"),
    Clock.PLAN: N_("接单后 %(days)s 个工作日内给方案"),
    Clock.RESOLVE: N_("接单后 %(days)s 个工作日内答复"),
}


def words_given(need: Any, promised: Sequence[Promise], now: datetime) -> list[Word]:
    """What the enterprise was promised, as a list of plain sentences with their dates."""
    began = office.local(need.created_at).date()
    found = []
    for one in promised:
        if one.done_at is None and need.status in ENDED:
            continue
        late = one.due_at is not None and one.due_at < (one.done_at or now)
        found.append(
            Word(
                _(_PROMISED[one.which], days=one.days),
                one.done_at is not None,
                late,
                _when(one, need, began, late),
                lateness(one.due_at, one.done_at or now) if one.due_at and (one.done_at or late) else "",
                _unsure(one),
            )
        )
    return found


def _unsure(one: Promise) -> int:
    """The year that the promise reaches into, when its holidays are not known yet; 0."""
    year = office.local(one.due_at).year if one.due_at is not None and one.done_at is None else 0
    return 0 if not year or is_published(year) else year


def words_of(need: Any, events: Sequence[Any]) -> list[Word]:
    """The same for the page of a need, which stands in an earlier slice: officers read what the enterprise reads."""
    return words_given(need, promises(need, events, limits_of(current_app.config)), office.now())


def _when(one: Promise, need: Any, began: date, late: bool) -> str:
    if one.done_at is not None:
        return _("当天") if office.local(one.done_at).date() == began else day(one.done_at)
    if one.due_at is not None:
        return _("过了 %(day)s", day=day(one.due_at)) if late else _("%(day)s前", day=day(one.due_at))
    return _("停着，等您") if need.paused_at is not None and need.status is not S.ON_HOLD else "—"


@dataclass
class Line:
    """One thing said or done, as the enterprise may read it."""

    at: datetime
    who: str  # "" for what happened by itself
    own: bool
    words: str  # what was done
    note: str  # what was said
    files: list[Any] = field(default_factory=list)


def lines(events: Sequence[Any], files: dict[int | None, list[Any]]) -> list[Line]:
    """The conversation and the way so far, oldest first. What officers wrote for themselves is not in it."""
    found: list[Line] = []
    for event in events:
        with_it = files.get(event.id, [])
        if event.from_enterprise:
            found.append(Line(event.at, _("您"), True, _did(event), event.note, with_it))
        elif (event.shown and event.note) or with_it:
            words = "" if event.before is event.after else _(_WORDS[event.after])
            found.append(Line(event.at, event.by or _("服务团"), False, words, event.note, with_it))
        elif event.before is None:
            found.append(Line(event.at, "", False, _("点单"), "", files.get(None, [])))
        elif event.before is not event.after:
            found.append(Line(event.at, "", False, _(_WORDS[event.after]), ""))
    return found


_DID = {
    "complete": N_("补充了情况"), "answer": N_("回答了"), "add": N_("补充"), "rate": N_("评价了"),
    "redo": N_("请重新办理"), "recall": N_("撤回了点单"), "call": N_("请来电话"),
}  # fmt: skip


def _did(event: Any) -> str:
    return _(_DID.get(event.step, ""))


_RESULTS = ("propose", "resolve", "refer", "decline")


def answer_of(need: Any, told: Sequence[Any]) -> Any | None:
    """The answer that stands now: what was said with the last result, refusal or referral; None while there is none."""
    if need.status not in (S.AWAITING_ENTERPRISE, S.RESOLVED, S.RATED, S.REFERRED, S.DECLINED):
        return None
    return next((event for event in reversed(told) if event.step in _RESULTS and event.note), None)


def message_of(need: Any, told: Sequence[Any], answer: Any | None) -> Any | None:
    """The last thing the office said to the enterprise that is not the answer, while the matter is open."""
    if need.status in ENDED:
        return None
    said = [event for event in told if event.shown and event.note and not event.from_enterprise]
    last = said[-1] if said else None
    return None if last is None or last is answer else last
