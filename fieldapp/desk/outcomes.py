"""Reading for an officer's outcomes: what came of the work, each figure with the records it stands on.

One's own outcomes count whole, also at enterprises that were handed over since; what of them one may no longer open is
counted without being told. A lead sees an officer's outcomes as far as the teams' enterprises go, and no further.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from fieldapp.accounts import Role, User
from fieldapp.db import UtcDateTime, fetch, one_of
from fieldapp.desk.board import last_asked
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.needs import Ending, Need, NeedStatus
from fieldapp.periods import Period
from fieldapp.refusals import NotFound
from fieldapp.visits import Visit
from fieldapp.visits.models import HAPPENED, visit_companion

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# All time, as bounds that both databases can hold.
BEGINNING, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
CLOSED = (NeedStatus.RESOLVED, NeedStatus.RATED)
MOST_SHOWN = 50  # of each kind; the workbook holds the rest
MOST_EXPORTED = 20_000


class Whose(NamedTuple):
    """Whose outcomes, and who looks."""

    id: int
    name: str
    own: bool


@dataclass
class Outcomes:
    """Figures of the period. `hidden` are one's own records that are now somebody else's to show."""

    endings: dict[Ending, int] = field(default_factory=dict)
    kept: int = 0
    visits: int = 0
    enterprises: int = 0
    hidden: dict[str, int] = field(default_factory=dict)  # needs / promises / enterprises
    needs: list[Any] = field(default_factory=list)
    promises: list[Any] = field(default_factory=list)
    visited: list[Any] = field(default_factory=list)

    @property
    def closed(self) -> int:
        return sum(self.endings.values())

    @property
    def solved(self) -> int:
        return self.endings.get(Ending.SOLVED, 0)


def whose(person: Person, officer_id: int | None = None) -> Whose:
    """The person's own, or those of an officer of a team they lead. Raises NotFound."""
    if officer_id is None or officer_id == person.id:
        return Whose(person.id, person.name, own=True)
    teams = list(person.led_team_ids) if person.is_lead else []
    rows = fetch(
        sa.select(User.id, User.name).where(
            User.id == officer_id, User.role == Role.OFFICER, User.team_id.in_(teams)
        )
    )
    if not rows:
        raise NotFound
    return Whose(rows[0].id, rows[0].name, own=False)


def _officer() -> sa.BindParameter[int]:
    return sa.bindparam("officer", type_=sa.Integer)


def _within(at: Any) -> Any:
    return sa.and_(
        at >= sa.bindparam("since", type_=UtcDateTime()), at < sa.bindparam("until", type_=UtcDateTime())
    )


# The way in is whose and when; by their state everything that somebody ever closed would be walked through.
_NEEDS = sa.and_(
    Need.claimed_by_id == _officer(), _within(Need.ended_at), last_asked(one_of(Need.status, CLOSED))
)
_PROMISES = sa.and_(
    FollowUp.assignee_id == _officer(),
    _within(FollowUp.closed_at),
    last_asked(FollowUp.status == FollowUpStatus.DONE),
)


def _visits() -> Any:
    """Ids of the visits made alone or in company; a joint visit is an outcome of everybody who went."""
    made = sa.and_(_within(Visit.arrived_at), last_asked(one_of(Visit.status, HAPPENED)))
    joined = (
        sa.select(visit_companion.c.visit_id)
        .join(Visit, Visit.id == visit_companion.c.visit_id)
        # In a CASE no index offers itself: the way in is whom they went along with, not everybody's period.
        .where(visit_companion.c.officer_id == _officer(), sa.case((made, 1), else_=0) == 1)
    )
    return sa.union(sa.select(Visit.id).where(Visit.officer_id == _officer(), made), joined)


@cache
def _figures(scope: Scope, own: bool) -> sa.CompoundSelect:
    """what, state, records, those in sight, and for visits the enterprises and those in sight."""
    seen = visible(scope)
    in_sight = sa.func.coalesce(sa.func.sum(sa.case((seen, 1), else_=0)), 0)

    def counted(
        what: str, source: Any, condition: Any, state: Any = None, also: tuple[Any, Any] | None = None
    ) -> sa.Select:
        query = sa.select(
            sa.literal(what).label("what"),
            sa.literal("") if state is None else sa.func.coalesce(sa.cast(state, sa.String), ""),
            sa.func.count().label("number"),
            in_sight.label("seen"),
            *(also or (sa.literal(0), sa.literal(0))),
        ).select_from(source)
        query = query.where(condition) if own else query.where(condition, seen)
        return query if state is None else query.group_by(state)

    needs = sa.join(Need, Enterprise, Enterprise.id == Need.enterprise_id)
    promises = sa.join(FollowUp, Enterprise, Enterprise.id == FollowUp.enterprise_id)
    visits = sa.join(Visit, Enterprise, Enterprise.id == Visit.enterprise_id)
    enterprises = (
        sa.func.count(sa.distinct(Visit.enterprise_id)),
        sa.func.count(sa.distinct(sa.case((seen, Visit.enterprise_id)))),
    )
    return sa.union_all(
        counted("need", needs, _NEEDS, Need.ending),
        counted("promise", promises, _PROMISES),
        counted("visit", visits, Visit.id.in_(_visits()), also=enterprises),
    )


_PLACE = (Enterprise.id.label("enterprise_id"), Enterprise.name.label("enterprise"))


def _most() -> sa.BindParameter[int]:
    return sa.bindparam("most", type_=sa.Integer)


@cache
def _needs_of(scope: Scope) -> sa.Select:
    return (
        sa.select(Need.id, Need.title, Need.kind, Need.ending, Need.status, Need.ended_at, *_PLACE)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .where(_NEEDS, visible(scope))
        .order_by(Need.ended_at.desc(), Need.id.desc())
        .limit(_most())
    )


@cache
def _promises_of(scope: Scope) -> sa.Select:
    return (
        sa.select(FollowUp.id, FollowUp.title, FollowUp.result, FollowUp.closed_at, *_PLACE)
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .where(_PROMISES, visible(scope))
        .order_by(FollowUp.closed_at.desc(), FollowUp.id.desc())
        .limit(_most())
    )


@cache
def _visited_by(scope: Scope) -> sa.Select:
    latest = sa.func.max(Visit.arrived_at)
    return (
        sa.select(*_PLACE, sa.func.count().label("visits"), latest.label("at"))
        .select_from(Visit)
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .where(Visit.id.in_(_visits()), visible(scope))
        .group_by(Enterprise.id, Enterprise.name)
        .order_by(latest.desc(), Enterprise.id)
        .limit(_most())
    )


@cache
def _visits_of(scope: Scope) -> sa.Select:
    return (
        sa.select(Visit.id, Visit.arrived_at, Visit.way, Visit.purposes, *_PLACE)
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .where(Visit.id.in_(_visits()), visible(scope))
        .order_by(Visit.arrived_at.desc(), Visit.id.desc())
        .limit(_most())
    )


def _values(person: Person, of: Whose, period: Period | None, most: int) -> dict[str, Any]:
    return scope_values(person) | {
        "officer": of.id,
        "since": period.since if period else BEGINNING,
        "until": period.until if period else END,
        "most": most,
    }


def outcomes_of(person: Person, of: Whose, period: Period | None) -> Outcomes:
    """Figures and the newest evidence of each kind; `period` None is all time."""
    scope = scope_of(person)
    values = _values(person, of, period, MOST_SHOWN)
    found = Outcomes()
    seen_needs = 0
    for row in fetch(_figures(scope, of.own), values):
        what, state, number, seen, enterprises, enterprises_seen = tuple(row)
        if what == "need":
            # An ending that was never said is at least an explanation: it is not counted as solved.
            ending = Ending[state] if state else Ending.EXPLAINED
            found.endings[ending] = found.endings.get(ending, 0) + number
            seen_needs += seen
        elif what == "promise":
            found.kept = number
            found.hidden["promises"] = number - seen
        else:
            found.visits, found.enterprises = number, enterprises
            found.hidden["enterprises"] = enterprises - enterprises_seen
    found.hidden["needs"] = found.closed - seen_needs
    found.needs = list(fetch(_needs_of(scope), values))
    found.promises = list(fetch(_promises_of(scope), values))
    found.visited = list(fetch(_visited_by(scope), values))
    return found


def evidence(person: Person, of: Whose, period: Period | None) -> Iterator[tuple[str, Any]]:
    """Every record one may open, for the workbook, at most MOST_EXPORTED: ("need" | "promise" | "visit", row)."""
    scope = scope_of(person)
    left = MOST_EXPORTED
    for kind, statement in (("need", _needs_of), ("promise", _promises_of), ("visit", _visits_of)):
        rows = fetch(statement(scope), _values(person, of, period, left))
        left -= len(rows)
        for row in rows:
            yield kind, row
