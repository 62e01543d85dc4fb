"""Writing who serves whom: one act, all of it or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import url_for

from fieldapp import formats
from fieldapp.accounts import Role, User
from fieldapp.assignments.queries import MOST_AT_ONCE, Row, last_hand, rows_of
from fieldapp.assignments.rules import Act
from fieldapp.db import fetch, run
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.actions import Move, add_helpers, assign_many, end_helpers
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.queries import may_see
from fieldapp.followups import actions as followups
from fieldapp.languages import _, lazy
from fieldapp.needs import actions as needs
from fieldapp.notices.actions import tell
from fieldapp.refusals import Conflict, NotFound, Refusal
from fieldapp.visits.models import Visit, VisitEvent, VisitStatus, VisitStep, visit_companion

if TYPE_CHECKING:
    from fieldapp.accounts import Person


@dataclass(frozen=True)
class Line:
    """One enterprise of an order: `seen` is the main officer that the page showed, `to` who is meant."""

    enterprise_id: int
    seen: int | None
    to: int | None


@dataclass(frozen=True)
class Order:
    """What a lead has confirmed."""

    act: Act
    lines: Sequence[Line]
    on: date
    reason: str
    stay: bool = False  # whoever hands over stays as a helper


class ChangedMeanwhile(Conflict):
    """Somebody else assigned some of these in between; `changed` are their rows as they are now."""

    title = lazy("没有保存：有企业刚被别人改过")

    def __init__(self, changed: list[tuple[Row, str]]) -> None:
        names = _("、").join(row.name for row, _by in changed[:5])
        super().__init__(_("这几家刚被别人改过：%(names)s。", names=names))
        self.changed = changed


class NothingToDo(Refusal):
    message = lazy("选中的企业已经是这样了，没有要改的。")


class CannotServe(Refusal):
    """The officer is of another team, disabled meanwhile, or no officer."""

    def __init__(self, name: str) -> None:
        super().__init__(_("%(name)s现在不能负责这些企业：账号停用了，或者不在企业所属的服务团。", name=name))


class BadDate(Refusal):
    """The hand-over would come before the present officer began; belongs beside the date."""


class TooManyAtOnce(Refusal):
    message = lazy("一次最多处理 %(most)s 家，请分几次。", most=MOST_AT_ONCE)


def apply(person: Person, order: Order, at: datetime) -> int:
    """Do what was confirmed; returns how many enterprises changed.

    The enterprises are locked first, in one order for everybody, so of two leads at once the second one sees what the
    first did. Raises NotFound when any enterprise is not this person's, ChangedMeanwhile, CannotServe, BadDate,
    NothingToDo; nothing is written then.
    """
    lines = {line.enterprise_id: line for line in order.lines}
    if len(lines) > MOST_AT_ONCE:
        raise TooManyAtOnce
    locked = (
        sa.select(Enterprise.id)
        .where(Enterprise.id.in_(list(lines)), visible_to(person))
        .order_by(Enterprise.id)
        .with_for_update()
    )
    if len(fetch(locked)) != len(lines):
        raise NotFound
    rows = rows_of(person, list(lines))
    _require_unchanged(rows, lines)
    act = {Act.GIVE: _give, Act.POOL: _give, Act.HELP: _help, Act.UNHELP: _stop_helping}[order.act]
    return act(person, order, lines, rows, at)


def _require_unchanged(rows: list[Row], lines: dict[int, Line]) -> None:
    changed = [row for row in rows if row.officer_id != lines[row.id].seen]
    if changed:
        by = last_hand([row.id for row in changed])
        raise ChangedMeanwhile([(row, by.get(row.id, "")) for row in changed])


def _officers(rows: Iterable[tuple[Row, int]]) -> dict[int, str]:
    """id: name of those who are to serve. Raises CannotServe when one of them cannot serve one of the enterprises."""
    wanted = list(rows)
    found = {
        row.id: row
        for row in fetch(
            sa.select(User.id, User.name, User.team_id, User.active, User.role).where(
                User.id.in_({officer_id for _row, officer_id in wanted})
            )
        )
    }
    for row, officer_id in wanted:
        officer = found.get(officer_id)
        fit = officer and officer.active and officer.role is Role.OFFICER and officer.team_id == row.team_id
        if not fit:
            raise CannotServe(officer.name if officer and officer.team_id is not None else _("这位干部"))
    return {row.id: row.name for row in found.values()}


def _give(person: Person, order: Order, lines: dict[int, Line], rows: list[Row], at: datetime) -> int:
    """New main officers, or none: what the old ones had open there goes along."""
    pool = order.act is Act.POOL
    moving = [(row, None if pool else lines[row.id].to) for row in rows]
    moving = [(row, to) for row, to in moving if row.officer_id != to]
    if not moving:
        raise NothingToDo
    if not pool and any(to is None for _row, to in moving):
        raise CannotServe(_("这位干部"))
    names = _officers((row, to) for row, to in moving if to is not None)
    for row, _to in moving:
        if row.since and order.on < row.since:
            day = formats.day(row.since)
            words = _(
                "%(name)s是 %(day)s 才交给%(officer)s的，日期不能更早。",
                name=row.name,
                day=day,
                officer=row.officer,
            )
            raise BadDate(words)
    assign_many(person, [Move(row.id, row.officer_id, to) for row, to in moving], order.on, order.reason)
    pairs: dict[tuple[int | None, int | None], list[Row]] = {}
    for row, to in moving:
        pairs.setdefault((row.officer_id, to), []).append(row)
    given: dict[int, _Bundle] = {}
    for (before, after), group in pairs.items():
        bundle = _take_along(person, group, before, after, names.get(after or 0, ""), order.reason, at)
        if after is not None:
            given[after] = given.get(after, _Bundle()) + bundle
        if before is None:
            continue
        if group[0].officer_active:
            _tell_away(person, before, bundle, names.get(after or 0, ""), order.reason, at)
            if order.stay and after is not None:
                stays = [(row.id, before) for row in group if before not in row.helpers]
                add_helpers(person, stays, order.on, order.reason)
    for officer_id, bundle in given.items():
        _tell(person, officer_id, "handed_over", bundle, order.reason, at)
    return len(moving)


def _help(person: Person, order: Order, lines: dict[int, Line], rows: list[Row], at: datetime) -> int:
    helping = [(row, to) for row in rows if (to := lines[row.id].to) is not None]
    names = _officers(helping)
    helping = [(row, to) for row, to in helping if to != row.officer_id and to not in row.helpers]
    if not helping:
        raise NothingToDo
    add_helpers(person, [(row.id, to) for row, to in helping], order.on, order.reason)
    for officer_id in names:
        group = [row for row, to in helping if to == officer_id]
        if group:
            _tell(person, officer_id, "helper_added", _Bundle(group), order.reason, at)
    return len(helping)


def _stop_helping(person: Person, order: Order, lines: dict[int, Line], rows: list[Row], at: datetime) -> int:
    """A helper leaves: what they had open there goes to the main officer, or back to nobody."""
    leaving = [(row, to) for row in rows if (to := lines[row.id].to) is not None and to in row.helpers]
    if not leaving:
        raise NothingToDo
    pairs: dict[tuple[int, int | None], list[Row]] = {}
    for row, to in leaving:
        pairs.setdefault((to, row.officer_id), []).append(row)
    told: dict[int, _Bundle] = {}
    for (helper, main), group in pairs.items():
        end_helpers(person, [row.id for row in group], helper, order.on, order.reason)
        bundle = _take_along(person, group, helper, main, group[0].officer, order.reason, at)
        told[helper] = told.get(helper, _Bundle()) + bundle
    for helper, bundle in told.items():
        _tell(person, helper, "helper_removed", bundle, order.reason, at)
    return len(leaving)


# What goes along with an enterprise.


@dataclass(frozen=True)
class _Bundle:
    """Enterprises that one officer gets or gives, and how much goes along."""

    rows: Sequence[Row] = ()
    needs: int = 0
    promises: int = 0

    def __add__(self, other: _Bundle) -> _Bundle:
        return _Bundle([*self.rows, *other.rows], self.needs + other.needs, self.promises + other.promises)


def _take_along(
    person: Person,
    group: list[Row],
    before: int | None,
    after: int | None,
    name: str,
    reason: str,
    at: datetime,
) -> _Bundle:
    if before is None:
        return _Bundle(group)
    ids = [row.id for row in group]
    moved = needs.hand_over(person, ids, before, after, at, reason)
    promised = followups.hand_over(person, ids, before, after, at, reason)
    _pass_on_plans(person, ids, before, after, name, reason, at)
    return _Bundle(group, moved, promised)


def _pass_on_plans(
    person: Person, ids: list[int], before: int, after: int | None, name: str, reason: str, at: datetime
) -> None:
    """Planned visits are made by the new officer, on the day agreed with the enterprise.

    With nobody to make them they are cancelled. Visits already begun stay under the name of whoever made them.
    """
    plans = fetch(
        sa.select(
            Visit.id, Visit.planned_on, Visit.enterprise_id, Enterprise.name.label("enterprise"), User.name
        )
        .join(User, User.id == Visit.officer_id)
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .where(Visit.enterprise_id.in_(ids), Visit.officer_id == before, Visit.status == VisitStatus.PLANNED)
        .with_for_update(of=Visit)
    )
    if not plans:
        return
    which = Visit.id.in_([plan.id for plan in plans])
    changed: dict[str, Any] = {"version": Visit.version + 1, "updated_at": at}
    if after is None:
        why = reason[:150] or _("企业退回共享名单")
        changed |= {"status": VisitStatus.CANCELLED, "cancel_reason": why}
        _tell_companions(person, {plan.id: plan for plan in plans}, why, at)
    else:
        changed["officer_id"] = after
        companions = visit_companion.c.visit_id.in_([plan.id for plan in plans])
        run(sa.delete(visit_companion).where(companions, visit_companion.c.officer_id == after))
    run(sa.update(Visit.__table__).where(which).values(changed))
    events = [
        {
            "visit_id": plan.id,
            "at": at,
            "by_id": person.id,
            "step": VisitStep.CANCELLED if after is None else VisitStep.REPLANNED,
            "note": reason,
            "changes": {} if after is None else {"officer": [plan.name, name]},
        }
        for plan in plans
    ]
    run(sa.insert(VisitEvent.__table__), events)


def _tell_companions(person: Person, plans: Mapping[uuid.UUID, Any], why: str, at: datetime) -> None:
    """Nobody goes there for a visit that has been called off."""
    query = sa.select(visit_companion.c.visit_id, visit_companion.c.officer_id).where(
        visit_companion.c.visit_id.in_(list(plans))
    )
    for row in fetch(query):
        plan = plans[row.visit_id]
        path = f"/visits/{plan.id}" if may_see(row.officer_id, plan.enterprise_id) else ""
        said = {"by": person.name, "enterprise": plan.enterprise, "day": plan.planned_on, "reason": why}
        tell(row.officer_id, "visit_cancelled", at, path, **said)


def _tell(person: Person, user_id: int, kind: str, bundle: _Bundle, reason: str, at: datetime) -> None:
    first = bundle.rows[0]
    seen = kind != "helper_removed"
    one = len(bundle.rows) == 1
    path = ""
    if seen:
        path = url_for("casefile.show", enterprise_id=first.id) if one else url_for("enterprises.index")
    tell(
        user_id,
        kind,
        at,
        path,
        by=person.name,
        count=len(bundle.rows),
        enterprise=first.name if one else "",
        needs=bundle.needs,
        promises=bundle.promises,
        reason=reason,
    )


def _tell_away(person: Person, user_id: int, bundle: _Bundle, to: str, reason: str, at: datetime) -> None:
    one = len(bundle.rows) == 1
    tell(
        user_id,
        "handed_away",
        at,
        by=person.name,
        count=len(bundle.rows),
        enterprise=bundle.rows[0].name if one else "",
        to=to,
        needs=bundle.needs,
        promises=bundle.promises,
        reason=reason,
    )
