"""What time does to needs: warnings once each, idle claims back to the pool, results nobody answered, dates worked out.

Jobs of the worker (fieldapp.work); each looks for what is due at the moment it is handed and does it once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app

from fieldapp import clock as office
from fieldapp.accounts import Role, User
from fieldapp.db import db, fetch, run
from fieldapp.needs.actions import take_step
from fieldapp.needs.clock import instants, light_is, limits_of, paused_for
from fieldapp.needs.models import ENDED, Light, Need, NeedEvent, NeedSource, NeedStatus
from fieldapp.needs.queries import leads_of, need_at_door, team_of, those_serving
from fieldapp.needs.steps import STEPS, WrongMoment
from fieldapp.needs.titles import take_in
from fieldapp.notices.actions import tell_all, tell_team
from fieldapp.work import every
from fieldapp.workdays import is_office_time, is_published, office_hours


def init(app: Flask) -> None:
    """Hand the jobs to the worker; one that comes to its limit is done again at once."""
    for name, seconds, duty in (
        ("need warnings", 120, escalate),
        ("idle claims", 600, return_idle),
        ("unanswered results", 600, close_unanswered),
    ):
        every(app, name, seconds, _until_less_than_most(duty))
    every(app, "need titles", 30, take_in)
    every(app, "calendar", 12 * 3600, lambda now: tell_of_calendar(now) < 0)
    every(app, "need clocks", 6 * 3600, lambda now: recount(now) < 0)


def _until_less_than_most(duty: Callable[[datetime], int]) -> Callable[[datetime], bool]:
    return lambda now: duty(now) >= MOST_AT_ONCE


MOST_AT_ONCE = 200  # of one job's run; the rest comes with the next
AT_A_TIME = 500  # needs whose clock is worked out in one transaction

_need = Need.__table__


def escalate(now: datetime) -> int:
    """Yellow is told to the officer, red to the leads, once each and in office hours only; returns how many needs."""
    if not is_office_time(office.local(now), office_hours(current_app.config["OFFICE_HOURS"])):
        return 0
    told = 0
    for light, before in ((Light.RED, (Light.RED,)), (Light.YELLOW, (Light.RED, Light.YELLOW))):
        query = (
            sa.select(_need.c.id, _need.c.enterprise_id, _need.c.claimed_by_id, _need.c.title, _need.c.clock)
            .where(
                light_is(light, now),
                _need.c.status.not_in(ENDED),
                sa.or_(_need.c.warned.is_(None), _need.c.warned.not_in(before)),
            )
            .order_by(_need.c.due_at, _need.c.id)
            .limit(MOST_AT_ONCE)
        )
        for need in fetch(query):
            told += _warn(need, light, now)
    return told


def _warn(need: Any, light: Light, now: datetime) -> bool:
    """In one statement the need is marked: of two workers one tells."""
    marked = run(
        sa.update(_need)
        .where(_need.c.id == need.id, _need.c.warned.is_distinct_from(light), light_is(light, now))
        .values(warned=light)
    )
    if marked.rowcount != 1:
        return False
    officers = [need.claimed_by_id] if need.claimed_by_id else those_serving(need.enterprise_id)
    who = officers if light is Light.YELLOW else leads_of(need.enterprise_id)
    kind = "need_yellow" if light is Light.YELLOW else "need_red"
    # It is said in office hours and once: nothing to keep for the next morning.
    tell_all(who, kind, now, f"/needs/{need.id}", urgent=True, title=need.title, step=need.clock.value)
    if light is Light.RED and (team_id := team_of(need.enterprise_id)):
        # In the group's chat without the need's words: not everybody there may see them.
        key = f"need:{need.id}:red:{now.isoformat()}"
        tell_team(team_id, "need_red", now, f"/needs/{need.id}", key=key, urgent=True, step=need.clock.value)
    return True


def return_idle(now: datetime) -> int:
    """Claims on which nothing was done for CLAIM_IDLE_DAYS working days go back to the pool; returns how many."""
    limits = limits_of(current_app.config)
    most = current_app.config["CLAIM_IDLE_DAYS"] * limits.hours.minutes
    last = (
        sa.select(sa.func.max(NeedEvent.at))
        # Nothing is done by an enterprise that asks in vain to be called.
        .where(NeedEvent.need_id == _need.c.id, NeedEvent.step != "call")
        .correlate(_need)
        .scalar_subquery()
    )
    # A working day is a day at least, so whoever was touched since cannot be idle.
    since = now - timedelta(days=current_app.config["CLAIM_IDLE_DAYS"])
    touched = sa.func.coalesce(last, _need.c.status_at, _need.c.created_at)
    query = (
        sa.select(_need.c.id, touched.label("last"))
        .where(
            _need.c.status == NeedStatus.CLAIMED,
            _need.c.paused_at.is_(None),
            _need.c.clock_from < since,
            touched < since,
        )
        .order_by(touched, _need.c.id)
        .limit(MOST_AT_ONCE)
    )
    return sum(
        _step(row.id, "idle", now) for row in fetch(query) if paused_for(limits, row.last, now) >= most
    )


def close_unanswered(now: datetime) -> int:
    """Results that an enterprise had CONFIRM_DAYS working days to answer count as proposed; returns how many."""
    limits = limits_of(current_app.config)
    most = current_app.config["CONFIRM_DAYS"] * limits.hours.minutes
    since = now - timedelta(days=current_app.config["CONFIRM_DAYS"])
    # Not the clock's pause: that may have begun with a question, or have gone on while the result was put aside.
    proposed_at = sa.func.coalesce(_need.c.status_at, _need.c.paused_at).label("proposed_at")
    query = (
        sa.select(_need.c.id, proposed_at)
        .where(
            _need.c.status == NeedStatus.AWAITING_ENTERPRISE,
            _need.c.source == NeedSource.ORDER,
            proposed_at < since,
        )
        .order_by(proposed_at, _need.c.id)
        .limit(MOST_AT_ONCE)
    )
    return sum(
        _step(row.id, "lapse", now)
        for row in fetch(query)
        if paused_for(limits, row.proposed_at, now) >= most
    )


def _step(need_id: Any, name: str, now: datetime) -> bool:
    need = need_at_door(need_id)
    if need is None:
        return False
    try:
        take_step(None, need, STEPS[name], now)
    except WrongMoment:  # somebody was quicker
        return False
    return True


_ADMINS = sa.select(User.id).where(User.role == Role.ADMIN, User.active)


def tell_of_calendar(now: datetime) -> int:
    """In December, while the next year's holidays are not known here, and in a year without any: the admins are told,
    once for each year; returns how many. Promises would count every weekday as one that is worked."""
    today = office.local(now).date()
    year = today.year + (today.month == 12)
    if is_published(year):
        return 0
    admins = [row.id for row in fetch(_ADMINS)]
    return tell_all(admins, "calendar_missing", now, key=f"calendar:{year}", year=year)


def recount(now: datetime) -> int:
    """Work out again when running promises fall due, as after an upgrade, a new calendar or other limits; returns how
    many changed.
    """
    limits = limits_of(current_app.config)
    changed, place = 0, None
    while True:
        query = sa.select(_need).where(
            _need.c.clock.is_not(None), _need.c.paused_at.is_(None), _need.c.status.not_in(ENDED)
        )
        if place is not None:
            query = query.where(_need.c.id > place)
        rows = fetch(query.order_by(_need.c.id).limit(AT_A_TIME))
        for need in rows:
            warn_at, due_at = instants(
                limits,
                need.clock,
                need.kind,
                need.clock_from or now,
                paused_minutes=need.paused_minutes,
                extra_days=need.extra_days,
            )
            if (warn_at, due_at) != (need.warn_at, need.due_at):
                run(
                    sa.update(_need)
                    .where(
                        _need.c.id == need.id,
                        _need.c.clock == need.clock,
                        _need.c.clock_from.is_not_distinct_from(need.clock_from),
                        _need.c.paused_at.is_(None),
                        _need.c.paused_minutes == need.paused_minutes,
                        _need.c.extra_days == need.extra_days,
                    )
                    .values(warn_at=warn_at, due_at=due_at, clock_from=need.clock_from or now)
                )
                changed += 1
        if len(rows) < AT_A_TIME:
            return changed
        place = rows[-1].id
        db.session.commit()  # whoever writes meanwhile waits for so many, not for all that are open
