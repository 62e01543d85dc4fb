"""Reading for an officer's outcomes: what came of the work, each figure with the records it stands on.

One's own outcomes count whole, also at enterprises that were handed over since; what of them one may no longer open is
counted without being told. A lead sees an officer's outcomes as far as the teams' enterprises go, and no further.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts import Role, User
from fieldapp.db import UtcDateTime, fetch, last_asked, one_of
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.needs import Ending, Need, NeedStatus
from fieldapp.needs.models import NeedRating, Solved
from fieldapp.periods import Period
from fieldapp.refusals import NotFound
from fieldapp.visits import Answer, Visit
from fieldapp.visits.models import HAPPENED, visit_companion
from fieldapp.visits.queries import answered
from fieldapp.visits.ratings import sets_of, within

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


class Rated(NamedTuple):
    """Ratings in sum: who gave which is nobody's to read here.

    A sum that moved with every rating would tell the newest one to whoever looks before and after. So days that are
    over are put together until there are enough ratings, and are told together (visits.ratings.sets_of).
    """

    number: int
    level: float  # the average of 1 to 5
    solved: int  # of them called really solved


@dataclass
class Outcomes:
    """Figures of the period. `hidden` are one's own records that are now somebody else's to show."""

    endings: dict[Ending, int] = field(default_factory=dict)
    kept: int = 0
    visits: int = 0
    enterprises: int = 0
    rated: Rated | None = None  # None: too few to be nobody's in particular
    hidden: dict[str, int] = field(default_factory=dict)  # needs / promises / enterprises / visits
    answers: dict[str, int] = field(
        default_factory=lambda: {"yes": 0, "no": 0, "disputed": 0}
    )  # visits confirmed by the enterprise, not, disputed
    visits_made: list[Any] = field(default_factory=list)
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
# From the first one on, whatever period is asked for: what is told together must be the same for every look.
_RATINGS = sa.and_(
    NeedRating.officer_id == _officer(), NeedRating.at < sa.bindparam("midnight", type_=UtcDateTime())
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
    """what, state, records, those in sight; for visits the enterprises and those in sight, for ratings (their state is
    the second in which they came) the sum of the levels and how many say solved."""
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
    ratings = sa.join(NeedRating, needs, Need.id == NeedRating.need_id)
    solved = sa.case((NeedRating.solved == Solved.YES, 1), else_=0)
    said = (sa.func.coalesce(sa.func.sum(NeedRating.level), 0), sa.func.coalesce(sa.func.sum(solved), 0))
    return sa.union_all(
        counted("need", needs, _NEEDS, Need.ending),
        counted("promise", promises, _PROMISES),
        counted("visit", visits, Visit.id.in_(_visits()), also=enterprises),
        counted("answer", visits, Visit.id.in_(_visits()), Visit.answer),
        counted("rated", ratings, _RATINGS, sa.cast(sa.extract("epoch", NeedRating.at), sa.Integer), said),
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
def _visits_of(scope: Scope, confirmed: str = "") -> sa.Select:
    said = [answered(confirmed)] if confirmed else []
    return (
        sa.select(Visit.id, Visit.arrived_at, Visit.way, Visit.purposes, Visit.answer, *_PLACE)
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .where(Visit.id.in_(_visits()), visible(scope), *said)
        .order_by(Visit.arrived_at.desc(), Visit.id.desc())
        .limit(_most())
    )


def _values(person: Person, of: Whose, period: Period | None, most: int) -> dict[str, Any]:
    return scope_values(person) | {
        "officer": of.id,
        "since": period.since if period else BEGINNING,
        "until": period.until if period else END,
        "midnight": clock.local_midnight(clock.today()),
        "most": most,
    }


def _kind(answer: str) -> str:
    """What the list of visits calls it."""
    return {"": "no", Answer.CONFIRMED.name: "yes"}.get(answer, "disputed")


def outcomes_of(
    person: Person, of: Whose, period: Period | None, confirmed: str = "", least_rated: int = 3
) -> Outcomes:
    """Figures and the newest evidence of each kind; `period` None is all time. `confirmed` chooses among the visits;
    ratings are told in sets of at least `least_rated`."""
    scope = scope_of(person)
    rated: list[tuple[date, Counter[str]]] = []
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
        elif what == "answer":
            found.answers[_kind(state)] += number
            if confirmed in ("", _kind(state)):
                found.hidden["visits"] = found.hidden.get("visits", 0) + number - seen
        elif what == "rated":
            day = clock.local(datetime.fromtimestamp(int(state), UTC)).date()
            rated.append((day, Counter(answers=number, levels=enterprises, solved=enterprises_seen)))
        else:
            found.visits, found.enterprises = number, enterprises
            found.hidden["enterprises"] = enterprises - enterprises_seen
    found.rated = _rated(rated, period, least_rated)
    found.hidden["needs"] = found.closed - seen_needs
    found.needs = list(fetch(_needs_of(scope), values))
    found.promises = list(fetch(_promises_of(scope), values))
    found.visited = list(fetch(_visited_by(scope), values))
    found.visits_made = list(fetch(_visits_of(scope, confirmed), values))
    return found


def _rated(days: list[tuple[date, Counter[str]]], period: Period | None, least: int) -> Rated | None:
    first, last = (period.first, period.last) if period else (None, None)
    told = within(sets_of(days, clock.today(), least), first, last)
    number = told["answers"]
    return Rated(number, round(told["levels"] / number, 1), told["solved"]) if number else None


def evidence(person: Person, of: Whose, period: Period | None) -> Iterator[tuple[str, Any]]:
    """Every record one may open, for the workbook, at most MOST_EXPORTED: ("need" | "promise" | "visit", row)."""
    scope = scope_of(person)
    left = MOST_EXPORTED
    for kind, statement in (("need", _needs_of), ("promise", _promises_of), ("visit", _visits_of)):
        rows = fetch(statement(scope), _values(person, of, period, left))
        left -= len(rows)
        for row in rows:
            yield kind, row
