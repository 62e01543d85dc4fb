"""The clock of a need: what was promised by when, in working days of the Chinese calendar and office hours.

Each state has one promise that runs (`Clock`). Its instants `due_at` and `warn_at` are kept with the need; its light is
derived from them and from the moment, by `light_of` in Python and `light_is` in SQL alike. Limits are settings.

A limit of n working days that begins within office hours is over at the same time n working days later; one that
begins at night or on a holiday counts from the next opening. Yellow begins when 30 % of the limit or two working days
are left, whichever is more; a limit of two days and less knows the 30 % only: it would be yellow from its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from fieldapp import clock as office
from fieldapp.languages import N_, _
from fieldapp.needs.models import ENDED, Clock, Light, Need, NeedKind, NeedStatus
from fieldapp.needs.steps import HELD, STEPS, WAITING, Asks, Step, Tick
from fieldapp.workdays import (
    OfficeHours,
    add_office_time,
    office_hours,
    office_minutes_between,
    workdays_between,
)

WARN_SHARE = 0.3
WARN_DAYS = 2

# The promise that begins when a state is reached.
BEGINS = {
    NeedStatus.SUBMITTED: Clock.ACCEPT,
    NeedStatus.ACCEPTED: Clock.CLAIM,
    NeedStatus.CLAIMED: Clock.CONTACT,
    NeedStatus.MATCHING: Clock.RESOLVE,  # reached anew only when a result was given back
}


@dataclass(frozen=True)
class Limits:
    """What is promised, in working days, and when offices work."""

    days: Mapping[Clock, int]
    research_days: int  # RESOLVE of a technical problem
    hours: OfficeHours

    def of(self, which: Clock, kind: NeedKind) -> int:
        if which is Clock.RESOLVE and kind is NeedKind.RESEARCH:
            return self.research_days
        return self.days[which]


_SETTINGS = {which: f"CLOCK_{which.name}" for which in Clock}


def limits_of(config: Mapping[str, Any]) -> Limits:
    return Limits(
        {which: config[setting] for which, setting in _SETTINGS.items()},
        config["CLOCK_RESOLVE_RESEARCH"],
        office_hours(config["OFFICE_HOURS"]),
    )


def _warn_minutes(days: int, day: int) -> int:
    """Office minutes before the end at which a limit of `days` working days turns yellow; `day` minutes each."""
    share = round(days * day * WARN_SHARE)
    return max(share, WARN_DAYS * day) if days > WARN_DAYS else share


def instants(
    limits: Limits,
    which: Clock,
    kind: NeedKind,
    since: datetime,
    *,
    paused_minutes: int = 0,
    extra_days: int = 0,
) -> tuple[datetime, datetime]:
    """(warn_at, due_at) in UTC of a promise that counts from `since`."""
    day, days = limits.hours.minutes, limits.of(which, kind) + extra_days
    begin = office.local(since)
    whole = days * day + paused_minutes
    due = add_office_time(begin, whole, limits.hours)
    warn = add_office_time(begin, whole - _warn_minutes(days, day), limits.hours)
    return _utc(warn), _utc(due)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(office.now().tzinfo)


def paused_for(limits: Limits, since: datetime, until: datetime) -> int:
    """Office minutes of a pause."""
    return office_minutes_between(office.local(since), office.local(until), limits.hours)


def light_of(need: Any, now: datetime) -> Light | None:
    """How the running promise stands at `now`; None when none runs. need: status, clock, paused_at, warn_at, due_at."""
    if need.status in ENDED or need.clock is None:
        return None
    if need.paused_at is not None:
        return Light.GREY
    if need.due_at is None:
        return None
    if need.due_at < now:
        return Light.RED
    return Light.YELLOW if need.warn_at <= now else Light.GREEN


def light_is(light: Light, now: Any) -> ColumnElement[bool]:
    """light_of(need, now) is light, as a condition on the need table. Ended needs have neither clock nor instants."""
    columns = Need.__table__.c
    if light is Light.GREY:
        return sa.and_(columns.paused_at.is_not(None), columns.clock.is_not(None))
    if light is Light.RED:
        return columns.due_at < now
    if light is Light.YELLOW:
        return sa.and_(columns.due_at >= now, columns.warn_at <= now)
    return columns.warn_at > now


def light_words(need: Any, now: datetime) -> str:
    """逾期 3 天, 今天到期, 剩 2 天, 停表 2 天: what stands beside the light, in working days; "" without one."""
    light = light_of(need, now)
    if light is None:
        return ""
    today = office.local(now).date()
    if light is Light.GREY:
        count = workdays_between(office.local(need.paused_at).date(), today)
        return _("停表 %(count)s 天", count=count) if count > 0 else _("今天停表")
    due = office.local(need.due_at).date()
    count = workdays_between(today, due)
    if light is Light.RED:
        return _("逾期 %(count)s 天", count=-count) if count < 0 else _("今天逾期")
    return _("剩 %(count)s 天", count=count) if count > 0 else _("今天到期")


def lit(need: Any, now: datetime) -> tuple[Light | None, str]:
    """The light and what stands beside it; (None, "") where no promise runs."""
    return light_of(need, now), light_words(need, now)


def ticked(limits: Limits, need: Any, step: Step, after: NeedStatus, now: datetime) -> dict[str, Any]:
    """The clock's columns after `step` has led the need to `after` at `now`."""
    if after in ENDED or step.tick is Tick.STOP:
        return STOPPED
    which, since = need.clock, need.clock_from
    paused, extra, asked = need.paused_minutes, need.extra_days, need.asked_days
    anew = step.tick is Tick.ANEW
    if step.tick is Tick.RESUME and after is NeedStatus.ACCEPTED and which is not Clock.CLAIM:
        anew = True  # nobody holds it any more: it is offered again
    if anew or which is None or since is None:
        which, since, paused, extra, asked = BEGINS.get(after, Clock.RESOLVE), now, 0, 0, None
    elif step.tick is Tick.NEXT and step.promise is not None and _behind(which, step.promise):
        which, extra, asked = step.promise, 0, None
    elif step.tick is Tick.EXTEND:
        extra, asked = extra + (asked or 0), None
    elif step.name == "refuse":
        asked = None
    stands = need.paused_at
    if after in WAITING or step.tick is Tick.PAUSE:
        stands = stands or now
    elif stands is not None and (anew or step.tick is Tick.RESUME or need.status in WAITING):
        if not anew:
            paused += paused_for(limits, stands, now)
        stands = None
    warn, due = (
        instants(limits, which, need.kind, since, paused_minutes=paused, extra_days=extra)
        if stands is None
        else (None, None)
    )
    same = (which, since, extra) == (need.clock, need.clock_from, need.extra_days)
    return {
        "clock": which,
        "clock_from": since,
        "warn_at": warn,
        "due_at": due,
        "paused_at": stands,
        "paused_minutes": paused,
        "extra_days": extra,
        "asked_days": asked,
        "warned": need.warned if same else None,
    }


STOPPED: dict[str, Any] = {
    "clock": None, "clock_from": None, "warn_at": None, "due_at": None, "paused_at": None, "paused_minutes": 0,
    "extra_days": 0, "asked_days": None, "warned": None,
}  # fmt: skip


def _behind(which: Clock, other: Clock) -> bool:
    order = list(Clock)
    return order.index(which) < order.index(other)


# The clock as it stood at any moment, worked out from the log: what was promised is never stored, only what was done.

MORE_DAYS = N_("延 %(days)s 个工作日。")  # begins the line of a step that asks for time, or grants it
_DAYS = re.compile(MORE_DAYS % {"days": r"(\d+)"})


@dataclass
class Past:
    """The columns of a need that its clock is read from, as they stood after a line of the log."""

    kind: NeedKind
    status: NeedStatus
    clock: Clock | None
    clock_from: datetime | None
    due_at: datetime | None = None
    warn_at: datetime | None = None
    paused_at: datetime | None = None
    paused_minutes: int = 0
    extra_days: int = 0
    asked_days: int | None = None
    warned: Light | None = None


def after_line(limits: Limits, past: Past | None, event: Any, kind: NeedKind) -> Past | None:
    """The clock after that line; None where the log cannot tell: it is from before lines kept their step."""
    if event.before is None:
        begins = Past(kind, event.after, Clock.ACCEPT, event.at)
        begins.warn_at, begins.due_at = instants(limits, Clock.ACCEPT, kind, event.at)
        return begins
    if past is None:
        return None
    step = STEPS.get(event.step)
    if step is not None:
        columns = ticked(limits, past, step, event.after, event.at)
        if step.asks is Asks.DAYS and (found := _DAYS.match(event.note)):
            columns["asked_days"] = int(found[1])
    elif event.before is event.after:
        return past  # a note, or another text
    elif (
        event.before in HELD and event.after is NeedStatus.ACCEPTED
    ):  # handed over to nobody, see actions.hand_over
        columns = STOPPED | {"clock": Clock.CLAIM, "clock_from": event.at}
        columns["warn_at"], columns["due_at"] = instants(limits, Clock.CLAIM, kind, event.at)
    else:
        return None
    return Past(kind, event.after, **columns)


def _due_then(limits: Limits, past: Past | None, which: Clock, at: datetime) -> datetime | None:
    """When the promise fell due that is kept at `at`, as the clock stood just before."""
    if past is None or past.clock is None or past.clock_from is None:
        return None
    paused = past.paused_minutes + (paused_for(limits, past.paused_at, at) if past.paused_at else 0)
    if past.clock is Clock.ACCEPT:
        # Assigned without having been accepted first: both in one.
        return instants(limits, which, past.kind, at)[1] if which is Clock.CLAIM else None
    if which is not past.clock and not _behind(past.clock, which):
        return None
    extra = past.extra_days if which is past.clock else 0
    return instants(limits, which, past.kind, past.clock_from, paused_minutes=paused, extra_days=extra)[1]


@dataclass(frozen=True)
class Promise:
    """One line of what the enterprise was promised: 2 个工作日内联系."""

    which: Clock
    days: int
    done_at: datetime | None
    due_at: datetime | None  # by when it is, or was, to be kept; None where that is not known, or not yet


# The state or step by which each promise is kept.
_KEPT_BY: dict[Clock, tuple[str, ...]] = {
    Clock.CLAIM: ("claim", "assign"),
    Clock.CONTACT: ("contact", "match"),
    Clock.PLAN: ("plan", "propose"),
    Clock.RESOLVE: ("propose",),
}


def promises(need: Any, events: Sequence[Any], limits: Limits) -> list[Promise]:
    """What the enterprise may count on and how it stands: from the log since the work on it last began.

    A promise that stands behind the running one and was never marked counts as kept when a later one was.
    """
    done: dict[Clock, tuple[datetime, datetime | None]] = {}  # when, and by when it should have been
    past: Past | None = None
    for event in events:
        if event.step in ("release", "idle", "reopen", "redo", "return"):
            done = (
                {}
                if event.after in (NeedStatus.ACCEPTED, NeedStatus.RETURNED, NeedStatus.SUBMITTED)
                else {which: kept for which, kept in done.items() if which is not Clock.RESOLVE}
            )
        for which, names in _KEPT_BY.items():
            if event.step in names and which not in done:
                done[which] = event.at, _due_then(limits, past, which, event.at)
        past = after_line(limits, past, event, need.kind)
    found = []
    for which in _KEPT_BY:
        kept_at, due = done.get(which, (None, None))
        if (
            kept_at is None
            and need.paused_at is None
            and need.clock is not None
            and need.clock_from is not None
        ):
            if which is need.clock:
                due = need.due_at
            elif _behind(need.clock, which) and need.clock not in (Clock.ACCEPT, Clock.CLAIM):
                due = instants(limits, which, need.kind, need.clock_from, paused_minutes=need.paused_minutes)[
                    1
                ]
        found.append(Promise(which, limits.of(which, need.kind), kept_at, due))
    return found
