"""Several needs at once, by a lead: passed to somebody, sent back, referred. All of them or none."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import Response, request
from flask_login import current_user
from sqlalchemy.orm import aliased

from fieldapp import clock
from fieldapp.accounts import Region, Role, User
from fieldapp.db import db, fetch, one_of
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Enterprise
from fieldapp.forms import typed
from fieldapp.guards import needs
from fieldapp.languages import _, lazy
from fieldapp.needs import actions
from fieldapp.needs.access import can_step
from fieldapp.needs.blueprint import bp
from fieldapp.needs.clock import lit
from fieldapp.needs.forms import StepForm
from fieldapp.needs.models import Need
from fieldapp.needs.pool import back_to_list
from fieldapp.needs.steps import HELD, STEPS, Asks, Step, WrongMoment, comes_into_question, standing
from fieldapp.pages import add_notice, done, number_in, page
from fieldapp.refusals import NotFound

add_notice("needs_moved", "ok", lazy("都办好了，每件的进展里都有记录。"))
add_notice("choose_needs", "warn", lazy("请先勾选需求。"))

MOST_AT_ONCE = 100
# The button's name and its step; who holds a need already is passed on by the step for that.
ACTS = ("assign", "return", "refer")
_holder = aliased(User)


class Line(NamedTuple):
    """A need that was chosen, as it stood on the page it was chosen from."""

    id: uuid.UUID
    status: str  # "" when the list did not say
    holder: int | None


def _lines(texts: Sequence[str]) -> list[Line]:
    """What the boxes say: <id> or <id>:<status>:<holder or 0>."""
    lines: dict[uuid.UUID, Line] = {}
    for text in texts[:MOST_AT_ONCE]:
        parts = text.split(":")
        try:
            need_id = uuid.UUID(parts[0])
        except ValueError as error:
            raise NotFound from error
        holder = number_in(parts[2]) if len(parts) == 3 else None
        lines[need_id] = Line(need_id, "" if holder is None else parts[1], holder or None)
    return list(lines.values())


def _rows_of(person: Any, lines: Sequence[Line]) -> list[Any]:
    """The needs in the order they were chosen. Raises NotFound when one of them is not in sight: then none is."""
    query = (
        sa.select(
            *Need.__table__.c,
            Enterprise.name.label("enterprise"),
            Enterprise.team_id,
            Enterprise.region_id,
            Region.name.label("region"),
            _holder.name.label("holder"),
        )
        .select_from(Need)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(_holder, _holder.id == Need.claimed_by_id)
        .where(Need.id.in_([line.id for line in lines]), visible_to(person))
    )
    found = {row.id: row for row in fetch(query)}
    if len(found) != len(lines):
        raise NotFound
    return [found[line.id] for line in lines]


@dataclass(frozen=True)
class Officer:
    id: int
    name: str
    team_id: int
    open: int  # needs in work
    here: int  # enterprises served in the regions of what was chosen


def _officers(rows: Sequence[Any]) -> list[Officer]:
    """Who could take them: who serves there and has fewest in work comes first."""
    teams, regions = {row.team_id for row in rows}, {row.region_id for row in rows}
    held = (
        sa.select(sa.func.count())
        .where(Need.claimed_by_id == User.id, one_of(Need.status, HELD))
        .scalar_subquery()
    )
    here = (
        sa.select(sa.func.count())
        .where(Enterprise.officer_id == User.id, Enterprise.region_id.in_(regions))
        .scalar_subquery()
    )
    query = sa.select(User.id, User.name, User.team_id, held.label("open"), here.label("here")).where(
        User.team_id.in_([team for team in teams if team]), User.active, User.role == Role.OFFICER
    )
    found = [Officer(*tuple(row)) for row in fetch(query)]
    return sorted(found, key=lambda one: (one.here == 0, one.open, one.name, one.id))


def _step_for(act: str, need: Any) -> Step:
    if act == "assign" and need.status in STEPS["pass"].moves:
        return STEPS["pass"]
    return STEPS[act]


def _refusal(act: str, need: Any, officer: Officer | None) -> str:
    """Why this one cannot go along, in the words of the table; "" when it can."""
    step = _step_for(act, need)
    if not comes_into_question(step, need):
        return _(
            "现在是“%(status)s”，不能%(verb)s",
            status=standing(need.status, need.holder),
            verb=_(step.verb),
        )
    if officer is not None and officer.team_id != need.team_id:
        return _("%(name)s不在服务这家企业的团里", name=officer.name)
    if officer is not None and officer.id == need.claimed_by_id:
        return _("已经在%(name)s手上", name=officer.name)
    return ""


def _form(act: str, officers: Sequence[Officer]) -> StepForm:
    suggested = {"officer": str(officers[0].id)} if act == "assign" and officers else None
    return StepForm(request.form, step=STEPS[act], officers=officers, data=suggested)


def _page(
    act: str,
    rows: Sequence[Any],
    officers: Sequence[Officer],
    form: StepForm,
    *,
    status: int | None = None,
    refusals: dict[uuid.UUID, str] | None = None,
) -> Response:
    now = clock.now()
    chosen = {one.id for one in officers if "officer" in form and form.officer.data == str(one.id)}
    to = next((one for one in officers if one.id in chosen), None)
    told = refusals if refusals is not None else {}
    if refusals is None:
        told = {need.id: why for need in rows if (why := _refusal(act, need, None))}
    return page(
        "needs/together.html",
        status=status,
        act=act,
        step=STEPS[act],
        rows=rows,
        lights={need.id: lit(need, now) for need in rows},
        told=told,
        undone=refusals is not None,
        form=form,
        officers=officers,
        suggested=officers[0] if act == "assign" and officers else None,
        to=to,
        back=back_to_list(),
    )


@bp.get("/needs/together")
@needs("LEAD")
def together() -> Response:
    """What would happen to those that are ticked, and the words for it."""
    act, lines = request.args.get("act", ""), _lines(request.args.getlist("e"))
    if act not in ACTS:
        raise NotFound
    if not lines:
        return done(to=back_to_list(), notice="choose_needs")
    rows = _rows_of(current_user, lines)
    officers = _officers(rows) if STEPS[act].asks is Asks.OFFICER else []
    return _page(act, rows, officers, _form(act, officers))


@bp.post("/needs/together")
@needs("LEAD")
def move_together() -> Response:
    """Do it to all of them, or to none: whatever stands in the way is named, need by need."""
    act, lines = request.form.get("act", ""), _lines(request.form.getlist("e"))
    if act not in ACTS or not lines:
        raise NotFound
    person = current_user._get_current_object()
    rows = _rows_of(person, lines)
    officers = _officers(rows) if STEPS[act].asks is Asks.OFFICER else []
    form = _form(act, officers)
    if not form.validate():
        return _page(act, rows, officers, form)
    to = next((one for one in officers if "officer" in form and form.officer.data == str(one.id)), None)
    refusals = _in_the_way(person, act, lines, rows, to)
    if refusals:
        return _page(act, rows, officers, form, status=409, refusals=refusals)
    said = actions.Said(officer_id=to.id if to else None, unit=typed(form.unit) if "unit" in form else "")
    now, text = clock.now(), typed(form.text)
    for need in rows:
        try:
            actions.take_step(person, need, _step_for(act, need), now, text=text, said=said)
        except WrongMoment as conflict:  # somebody was quicker, between the question and the act
            db.session.rollback()
            return _page(
                act,
                _rows_of(person, lines),
                officers,
                form,
                status=409,
                refusals={need.id: str(conflict.message)},
            )
    return done(to=back_to_list(), notice="needs_moved")


def _in_the_way(
    person: Any, act: str, lines: Sequence[Line], rows: Sequence[Any], to: Officer | None
) -> dict[uuid.UUID, str]:
    told: dict[uuid.UUID, str] = {}
    for line, need in zip(lines, rows, strict=True):
        changed = line.status and (line.status != need.status.name or line.holder != need.claimed_by_id)
        if not can_step(person, need, _step_for(act, need)):
            told[need.id] = _("这件不归你办")
        elif changed:
            told[need.id] = _("刚刚变了，现在是“%(status)s”", status=standing(need.status, need.holder))
        elif why := _refusal(act, need, to):
            told[need.id] = why
    return told
