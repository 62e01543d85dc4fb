"""Reading for the lead's board: groups counted in the database, one statement for coverage and one for all the rest.

Every count here is bounded by the teams' enterprises, by what is open or by the period: a city's tenth year costs what
its first did. And every count has a list behind it that asks for the same; tests/web/test_lead.py compares them.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased

from fieldapp import clock
from fieldapp.accounts import Region, Role, User
from fieldapp.accounts.rules import spoken
from fieldapp.db import UtcDateTime, fetch, last_asked, one_of
from fieldapp.desk.rules import Board, OfficerLine, board_of
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible
from fieldapp.enterprises.models import COUNTED_ALONG, Enterprise
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.needs import ENDED, Need, NeedStatus
from fieldapp.needs.clock import light_is
from fieldapp.needs.models import Light, NeedEvent
from fieldapp.pages import keyset_cursor, keyset_place, number_in
from fieldapp.periods import Period
from fieldapp.statements import PLANNED_ONCE
from fieldapp.visits import Visit, VisitStatus
from fieldapp.visits.models import HAPPENED
from fieldapp.visits.queries import not_own_where_another_reviews

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# Being waited for: a draft is its author's own, an ended one nobody's.
OPEN_NEEDS = tuple(state for state in NeedStatus if state not in ENDED and state is not NeedStatus.DRAFT)
# A queue nobody works through could be as long as history; from here on it is "1000+".
MOST_COUNTED = 1000


def _moment(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=UtcDateTime())


def _day(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.Date)


def _in_sight(scope: Scope) -> Any:
    """The one condition, asked of what is open or new."""
    return last_asked(visible(scope))


def _covered(at: Any = Enterprise.id) -> Any:
    """Somebody was there in the period."""
    return sa.exists().where(
        Visit.enterprise_id == at,
        Visit.arrived_at >= _moment("since"),
        Visit.arrived_at < _moment("until"),
        one_of(Visit.status, HAPPENED),
    )


def _each(scope: Scope, *columns: Any) -> sa.Subquery:
    """Each enterprise with 1 or 0 for `covered`."""
    covered = sa.case((_covered().correlate(Enterprise), 1), else_=0)
    along = sa.text(f"enterprise.{COUNTED_ALONG}")
    return sa.select(*columns, covered.label("covered")).where(visible(scope), along).subquery()


@cache
def _coverage(scope: Scope, named: bool) -> sa.Select:
    each = _each(scope, Enterprise.region_id, Enterprise.officer_id)
    # Names join what is counted, not each enterprise.
    counted = (
        sa.select(
            each.c.region_id,
            each.c.officer_id,
            sa.func.count().label("enterprises"),
            sa.func.sum(each.c.covered).label("covered"),
        )
        .group_by(each.c.officer_id, each.c.region_id)
        .subquery()
    )
    columns = (
        counted.c.region_id,
        Region.name.label("region"),
        counted.c.officer_id,
        counted.c.enterprises,
        counted.c.covered,
    )
    query = sa.select(*columns).join(Region, Region.id == counted.c.region_id).order_by(Region.code)
    if named:
        query = query.add_columns(User.name.label("officer")).outerjoin(User, User.id == counted.c.officer_id)
    return query


def coverage(person: Person, period: Period, *, named: bool = True) -> Sequence[Any]:
    """Rows region_id, region, officer_id, enterprises, covered, and officer (a name) if `named`; regions in the order
    of their codes."""
    values = scope_values(person) | {"since": period.since, "until": period.until}
    return fetch(_coverage(scope_of(person), named), values)


_NOBODY = sa.cast(sa.null(), sa.Integer)
_NOTHING = sa.literal("")


def _group(
    what: str,
    who: Any = None,
    state: Any = None,
    ending: Any = None,
    number: Any = None,
    more: Any = None,
) -> sa.Select:
    """Columns of one kind of count, see Tally; grouped by what is given."""
    by = [column for column in (who, state, ending) if column is not None]
    query = sa.select(
        sa.literal(what).label("what"),
        (_NOBODY if who is None else who).label("officer_id"),
        (_NOTHING if state is None else sa.cast(state, sa.String)).label("state"),
        (_NOTHING if ending is None else sa.func.coalesce(sa.cast(ending, sa.String), "")).label("ending"),
        (sa.func.count() if number is None else number).label("number"),
        (sa.literal(0) if more is None else sa.cast(sa.func.coalesce(more, 0), sa.BigInteger)).label("more"),
    )
    return query.group_by(*by) if by else query


def _light() -> Any:
    """The name of a need's light at `now`, "" without one."""
    now = _moment("now")
    return sa.case(*((light_is(light, now), light.name) for light in Light), else_="")


def _between(at: Any, first: str, until: str) -> Any:
    return sa.and_(at >= _moment(first), at < _moment(until))


def _how_many(condition: Any) -> Any:
    return sa.func.sum(sa.case((condition, 1), else_=0))


_NEEDS = sa.join(Need, Enterprise, Enterprise.id == Need.enterprise_id)
_VISITS = sa.join(Visit, Enterprise, Enterprise.id == Visit.enterprise_id)
_PROMISES = sa.join(FollowUp, Enterprise, Enterprise.id == FollowUp.enterprise_id)


def _first(scope: Scope, *, whose: bool, came: dict[str, Any]) -> list[sa.Select]:
    """What the first figures say: needs that came in, where open ones stand, what is overdue, what waits for review.
    `whose`: apart for each officer. `came`: what of those that came in is counted."""
    seen = _in_sight(scope)
    officer = Enterprise.officer_id if whose else None
    waiting = (
        sa.select(sa.literal(1).label("one"))
        .select_from(_VISITS)
        .where(
            Visit.status == VisitStatus.RECORDED,
            Visit.arrived_at.is_not(None),
            not_own_where_another_reviews(sa.bindparam("viewer", type_=sa.Integer)),
            seen,
        )
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    overdue = sa.and_(FollowUp.status == FollowUpStatus.OPEN, FollowUp.due_on < _day("today"))
    return [
        _group("came", officer, Need.status, Need.ending, **came)
        .select_from(_NEEDS)
        .where(_between(Need.created_at, "first", "last"), seen),
        _group("open", officer, Need.status, _light())
        .select_from(_NEEDS)
        .where(one_of(Need.status, OPEN_NEEDS), seen),
        _group("overdue", FollowUp.assignee_id if whose else None)
        .select_from(_PROMISES)
        .where(overdue, seen),
        _group("review").select_from(waiting),
    ]


@cache
def _summary(scope: Scope) -> sa.CompoundSelect:
    each = _each(scope)
    covered = _group("covered", more=sa.func.sum(each.c.covered)).select_from(each)
    return sa.union_all(*_first(scope, whose=False, came={}), covered)


@cache
def _tallies(scope: Scope) -> sa.CompoundSelect:
    seen = _in_sight(scope)
    taken = (
        sa.select(Need.id, Need.created_at, sa.func.min(NeedEvent.at).label("at"))
        .select_from(_NEEDS.join(NeedEvent, NeedEvent.need_id == Need.id))
        .where(_between(Need.created_at, "since", "until"), NeedEvent.after == NeedStatus.CLAIMED, seen)
        .group_by(Need.id, Need.created_at)
        .subquery()
    )
    took = sa.extract("epoch", taken.c.at) - sa.extract("epoch", taken.c.created_at)

    def both(at: Any) -> dict[str, Any]:
        """Of the period and of the week in one walk: the week is mostly a part of the period."""
        in_period, in_week = _between(at, "since", "until"), _between(at, "monday", "sunday")
        return {"number": _how_many(in_period), "more": _how_many(in_week)}

    return sa.union_all(
        *_first(scope, whose=True, came=both(Need.created_at)),
        _group("claimed", more=sa.func.sum(took)).select_from(taken),
        _group("visits", ending=Visit.answer, **both(Visit.arrived_at))
        .select_from(_VISITS)
        # Enterprise by enterprise: their index has all that is asked.
        .where(_between(Visit.arrived_at, "first", "last"), one_of(Visit.status, HAPPENED), visible(scope)),
        _group("promises")
        .select_from(_PROMISES)
        .where(_between(FollowUp.created_at, "monday", "sunday"), seen),
        _group("person", User.id, User.name, number=sa.literal(0)).where(_team(scope)),
    ).execution_options(**{PLANNED_ONCE: True})


def _team(scope: Scope) -> Any:
    """The officers of the teams that are led."""
    led = [sa.bindparam(f"led_{at}", type_=sa.Integer) for at in range(scope.leads)]
    return sa.and_(User.team_id.in_(led), User.role == Role.OFFICER, User.active)


def _bounds(period: Period, week: Period, today: date) -> dict[str, Any]:
    return {
        "since": period.since,
        "until": period.until,
        "monday": week.since,
        "sunday": week.until,
        "first": min(period.since, week.since),
        "last": max(period.until, week.until),
        "today": today,
    }


def board(person: Person, period: Period, week: Period, now: datetime) -> Board:
    """The board's numbers, in two statements. `week` is what "came in this week" is counted for."""
    scope = scope_of(person)
    today = clock.local(now).date()
    values = scope_values(person) | _bounds(period, week, today) | {"now": now}
    return board_of(coverage(person, period, named=False), fetch(_tallies(scope), values))


def summary(person: Person, period: Period, now: datetime) -> Board:
    """The board's first figures alone, as today shows them: one statement, nothing by officer, region or week."""
    values = scope_values(person) | {
        "since": period.since,
        "until": period.until,
        "first": period.since,
        "last": period.until,
        "today": clock.local(now).date(),
        "now": now,
    }
    return board_of((), fetch(_summary(scope_of(person)), values))


_PEOPLE = sa.select(User.id, User.name, User.active).where(
    User.id.in_(sa.bindparam("ids", expanding=True, type_=sa.Integer))
)


def officer_lines(shown: Board) -> list[OfficerLine]:
    """The workload table by name: the teams' officers, also those without any work, and whoever else has some of it
    (moved away, disabled), asked for where there is one; last what waits for an officer."""
    lines = [line for key, line in shown.officers.items() if key is not None]
    others = [line.id for line in lines if not line.name]
    for row in fetch(_PEOPLE, {"ids": others}) if others else ():
        line = shown.officer(row.id)
        line.name, line.active = row.name, row.active
    lines.sort(key=lambda line: (spoken(line.name), line.id))
    nobody = shown.officers.get(None)
    return [*lines, nobody] if nobody else lines


_PROMISE = (  # what followups/_row.html shows
    FollowUp.id,
    FollowUp.title,
    FollowUp.kind,
    FollowUp.due_on,
    FollowUp.status,
    FollowUp.closed_at,
    FollowUp.created_at,
    Enterprise.id.label("enterprise_id"),
    Enterprise.name.label("enterprise"),
    User.name.label("assignee"),
)


@cache
def _overdue(scope: Scope) -> sa.Select:
    return (
        sa.select(
            FollowUp.id,
            FollowUp.title,
            FollowUp.due_on,
            Enterprise.name.label("enterprise"),
            User.name.label("assignee"),
        )
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .join(User, User.id == FollowUp.assignee_id)
        .where(FollowUp.status == FollowUpStatus.OPEN, FollowUp.due_on < _day("today"), _in_sight(scope))
        .order_by(FollowUp.due_on, FollowUp.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


def overdue_promises(person: Person, today: date, limit: int) -> Sequence[Any]:
    """The teams' promises past their day, longest first."""
    return fetch(_overdue(scope_of(person)), scope_values(person) | {"today": today, "most": limit})


@cache
def _made(scope: Scope, paged: bool) -> sa.Select:
    query = (
        sa.select(*_PROMISE)
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .join(User, User.id == FollowUp.assignee_id)
        .where(_between(FollowUp.created_at, "monday", "sunday"), _in_sight(scope))
    )
    if paged:
        before = sa.tuple_(_moment("before_at"), sa.bindparam("before_id", type_=FollowUp.id.type))
        query = query.where(sa.tuple_(FollowUp.created_at, FollowUp.id) < before)
    return query.order_by(FollowUp.created_at.desc(), FollowUp.id.desc()).limit(
        sa.bindparam("most", type_=sa.Integer)
    )


def promises_made(person: Person, week: Period, page: str = "") -> tuple[list[Any], str | None]:
    """A page of what was promised in that week, open or not, newest first: (rows, next page's cursor)."""
    size = current_app.config["PAGE_SIZE"]
    place = keyset_place(page, uuid.UUID)
    values = scope_values(person) | {"monday": week.since, "sunday": week.until, "most": size + 1}
    if place:
        values["before_at"], values["before_id"] = place
    rows = list(fetch(_made(scope_of(person), place is not None), values))
    more = len(rows) > size
    return rows[:size], keyset_cursor(rows[size - 1].created_at, rows[size - 1].id) if more else None


@cache
def _news(scope: Scope) -> sa.CompoundSelect:
    def branch(kind: str, model: Any, at: Any, title: Any, by: Any, *conditions: Any) -> sa.Select:
        newest = (
            sa.select(
                sa.literal(kind).label("kind"),
                model.id.label("id"),
                at.label("at"),
                title.label("title"),
                by.label("by_id"),
                model.enterprise_id.label("enterprise_id"),
            )
            .join(Enterprise, Enterprise.id == model.enterprise_id)
            .where(_between(at, "monday", "sunday"), *conditions)
            .order_by(at.desc(), model.id.desc())
            .limit(sa.bindparam("most", type_=sa.Integer))
            .subquery()
        )
        return (
            sa.select(*newest.c, Enterprise.name.label("enterprise"), User.name.label("by"))
            .join(Enterprise, Enterprise.id == newest.c.enterprise_id)
            .outerjoin(User, User.id == newest.c.by_id)
        )

    seen = _in_sight(scope)
    said = sa.func.substr(Visit.said, 1, 120)
    return sa.union_all(
        branch(
            "visit", Visit, Visit.arrived_at, said, Visit.officer_id, one_of(Visit.status, HAPPENED), seen
        ),
        branch("need", Need, Need.created_at, Need.title, Need.author_id, seen),
        branch("follow_up", FollowUp, FollowUp.created_at, FollowUp.title, FollowUp.assignee_id, seen),
    ).execution_options(**{PLANNED_ONCE: True})


def came_in(person: Person, week: Period, each: int) -> dict[str, list[Any]]:
    """The newest of the week, at most `each` a kind: visit, need, follow_up → rows of id, at, title, enterprise_id,
    enterprise, by."""
    values = scope_values(person) | {"monday": week.since, "sunday": week.until, "most": each}
    found: dict[str, list[Any]] = {"visit": [], "need": [], "follow_up": []}
    for row in fetch(_news(scope_of(person)), values):
        found[row.kind].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row.at, str(row.id)), reverse=True)
    return found


# The list behind coverage: which enterprises were visited in the period, and by which visit one can see it.


@lru_cache(maxsize=200)
def _enterprises(scope: Scope, which: str, region: bool, officer: str, paged: bool) -> sa.Select:
    conditions: list[Any] = [visible(scope)]
    if which:
        covered = _covered().correlate(Enterprise)
        conditions.append(covered if which == "yes" else sa.not_(covered))
    if region:
        conditions.append(Enterprise.region_id == sa.bindparam("region", type_=sa.Integer))
    if officer == "pool":
        conditions.append(Enterprise.officer_id.is_(None))
    elif officer:
        conditions.append(Enterprise.officer_id == sa.bindparam("officer", type_=sa.Integer))
    if paged:
        after = sa.tuple_(
            sa.bindparam("after_due", type_=sa.Date), sa.bindparam("after_id", type_=sa.Integer)
        )
        conditions.append(sa.tuple_(Enterprise.visit_due_on, Enterprise.id) > after)
    latest = (
        sa.select(Visit.id)
        .where(
            Visit.enterprise_id == Enterprise.id,
            Visit.arrived_at >= _moment("since"),
            Visit.arrived_at < _moment("until"),
            one_of(Visit.status, HAPPENED),
        )
        .order_by(Visit.arrived_at.desc(), Visit.id.desc())
        .limit(1)
        .correlate(Enterprise)
        .scalar_subquery()
    )
    chosen = (
        sa.select(Enterprise.id, Enterprise.visit_due_on, latest.label("visit_id"))
        .where(*conditions)
        .order_by(Enterprise.visit_due_on, Enterprise.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .subquery()
    )
    officer_of = aliased(User)
    visitor = aliased(User)
    return (
        sa.select(
            Enterprise.id,
            Enterprise.name,
            Enterprise.industry,
            Enterprise.last_visited_on,
            Enterprise.visit_due_on,
            Region.name.label("region"),
            officer_of.name.label("officer"),
            Visit.id.label("visit_id"),
            Visit.arrived_at,
            visitor.name.label("visitor"),
        )
        .select_from(chosen)
        .join(Enterprise, Enterprise.id == chosen.c.id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(officer_of, officer_of.id == Enterprise.officer_id)
        .outerjoin(Visit, Visit.id == chosen.c.visit_id)
        .outerjoin(visitor, visitor.id == Visit.officer_id)
        .order_by(chosen.c.visit_due_on, chosen.c.id)
    )


def covered_enterprises(
    person: Person,
    period: Period,
    *,
    which: str = "",
    region_id: int | None = None,
    officer: str = "",
    page: str = "",
    size: int | None = None,
) -> tuple[list[Any], str | None]:
    """A page of enterprises, longest due first: (rows, next page's cursor).

    `which` is "yes" (visited in the period), "no" or "" (both); `officer` an id, "pool" (nobody's) or "". Rows have id,
    name, industry, last_visited_on, visit_due_on, region, officer and of the period's last visit visit_id, arrived_at,
    visitor.
    """
    size = size or current_app.config["PAGE_SIZE"]
    place = keyset_place(page, int)
    values = scope_values(person) | {
        "since": period.since,
        "until": period.until,
        "region": region_id,
        "officer": number_in(officer),
        "most": size + 1,
    }
    if place:
        values["after_due"], values["after_id"] = place[0].date(), place[1]
    kind = officer if officer == "pool" else "one" if officer else ""
    statement = _enterprises(scope_of(person), which, region_id is not None, kind, place is not None)
    rows = list(fetch(statement, values))
    more = len(rows) > size
    return rows[:size], keyset_cursor(rows[size - 1].visit_due_on, rows[size - 1].id) if more else None
