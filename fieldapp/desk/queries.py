"""Reading for 今日: what one person has to do next. Few statements, each bounded by what is open, never by history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fieldapp.accounts import Region, User
from fieldapp.db import UtcDateTime, fetch, one_of
from fieldapp.enterprises.access import Scope, assigned, scope_of, scope_values, visible
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.visits import Visit, VisitStatus
from fieldapp.visits.models import HAPPENED, visit_companion

if TYPE_CHECKING:
    from fieldapp.accounts import Person

MOST_OPEN = 60  # visits under way that one person can have in sight
_officer = aliased(User)
_reviewer = aliased(User)

# No distance is among these: today does not ask where the phone is, so it cannot know one.
_WHERE = (
    Enterprise.id.label("enterprise_id"),
    Enterprise.name,
    Enterprise.industry,
    Enterprise.lat,
    Enterprise.lng,
    Enterprise.last_visited_on,
    Region.name.label("region"),
)


def _viewer() -> sa.BindParameter[int]:
    return sa.bindparam("viewer", type_=sa.Integer)


@cache
def _open_visits(scope: Scope) -> sa.Select:
    own = sa.select(Visit.id).where(
        Visit.officer_id == _viewer(),
        one_of(Visit.status, (VisitStatus.PLANNED, VisitStatus.ARRIVED, VisitStatus.RETURNED)),
    )
    joined = (
        sa.select(visit_companion.c.visit_id)
        .join(Visit, Visit.id == visit_companion.c.visit_id)
        .where(
            visit_companion.c.officer_id == _viewer(),
            one_of(Visit.status, (VisitStatus.PLANNED, VisitStatus.RETURNED)),
        )
    )
    # A record that was sent back, or begun and not written, does not stay open because hands changed.
    inherited = (
        sa.select(Visit.id)
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .where(
            one_of(Visit.status, (VisitStatus.RETURNED, VisitStatus.ARRIVED)),
            Enterprise.officer_id == _viewer(),
        )
    )
    chosen = sa.union(own, joined, inherited).subquery()
    return (
        sa.select(
            Visit.id,
            Visit.status,
            Visit.planned_on,
            Visit.planned_at,
            Visit.arrived_at,
            Visit.purposes,
            Visit.officer_id,
            Visit.review_comment,
            Visit.reviewed_at,
            *_WHERE,
            _officer.name.label("officer"),
            _reviewer.name.label("reviewer"),
        )
        .select_from(chosen)
        .join(Visit, Visit.id == chosen.c.id)
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .join(_officer, _officer.id == Visit.officer_id)
        .outerjoin(_reviewer, _reviewer.id == Visit.reviewed_by_id)
        .where(visible(scope))
        .order_by(Visit.arrived_at, Visit.planned_on, Visit.id)
        .limit(MOST_OPEN)
    )


def open_visits(person: Person) -> Sequence[Any]:
    """Everything of this person's that is planned, begun or sent back, also where they come along; rules.plans_of
    sorts it. One statement instead of three: every officer opens this page every morning."""
    return fetch(_open_visits(scope_of(person)), scope_values(person) | {"viewer": person.id})


_DUE = (
    sa.select(*_WHERE, Enterprise.visit_due_on)
    .join(Region, Region.id == Enterprise.region_id)
    .where(
        Enterprise.id.in_(assigned()),
        Enterprise.visit_due_on <= sa.bindparam("today", type_=sa.Date),
    )
    .order_by(Enterprise.visit_due_on, Enterprise.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def due_visits(person: Person, today: date, but: set[int], limit: int) -> list[Any]:
    """The officer's own enterprises that want a visit, longest overdue first, without those in `but`."""
    rows = fetch(_DUE, {"viewer": person.id, "today": today, "most": limit + len(but)})
    return [row for row in rows if row.enterprise_id not in but][:limit]


@cache
def _promises(scope: Scope) -> sa.Select:
    return (
        sa.select(
            FollowUp.id,
            FollowUp.title,
            FollowUp.kind,
            FollowUp.due_on,
            FollowUp.status,
            FollowUp.closed_at,
            Enterprise.id.label("enterprise_id"),
            Enterprise.name.label("enterprise"),
            User.name.label("assignee"),
        )
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .join(User, User.id == FollowUp.assignee_id)
        .where(FollowUp.assignee_id == _viewer(), FollowUp.status == FollowUpStatus.OPEN, visible(scope))
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


def own_promises(person: Person, limit: int) -> Sequence[Any]:
    """What this person has promised and not done yet, the most pressing first."""
    return fetch(_promises(scope_of(person)), scope_values(person) | {"viewer": person.id, "most": limit})


_VISITED = sa.select(sa.func.count(sa.distinct(Visit.enterprise_id))).where(
    Visit.officer_id == _viewer(),
    Visit.arrived_at >= sa.bindparam("since", type_=UtcDateTime()),
    one_of(Visit.status, HAPPENED),
)


def visited_by(person: Person, since: datetime) -> int:
    """How many enterprises this person has visited since then."""
    return int(fetch(_VISITED, {"viewer": person.id, "since": since})[0][0])


_MET = (
    sa.select(
        Enterprise.id,
        Enterprise.name,
        Enterprise.industry,
        Enterprise.last_visited_on,
        Enterprise.visit_due_on,
        Region.name.label("region"),
    )
    .join(Region, Region.id == Enterprise.region_id)
    .order_by(Enterprise.last_visited_on.is_(None), Enterprise.last_visited_on.desc(), Enterprise.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


@cache
def _met(scope: Scope) -> sa.Select:
    return _MET.where(Enterprise.id.in_(assigned()) if scope.role == "OFFICER" else visible(scope))


def recent_enterprises(person: Person, limit: int) -> Sequence[Any]:
    """An officer's own, a lead's teams' enterprises: those visited last first."""
    return fetch(_met(scope_of(person)), scope_values(person) | {"most": limit})
