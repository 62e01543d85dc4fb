"""Reading who serves whom; every function takes the person first and tells of their own teams only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fieldapp.accounts import Region, Role, Team, User
from fieldapp.accounts.models import team_region
from fieldapp.accounts.rules import spoken
from fieldapp.assignments.rules import RECENT, Candidate, Change, Place, Server, Turn, changes
from fieldapp.db import db, fetch
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible
from fieldapp.enterprises.models import (
    Assignment,
    Enterprise,
    EnterpriseTag,
    Qualification,
    QualificationKind,
)
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.needs import ENDED, Need
from fieldapp.refusals import NotFound
from fieldapp.visits.models import Visit, VisitStatus

if TYPE_CHECKING:
    from fieldapp.accounts import Person

MOST_AT_ONCE = 500  # enterprises in one act or one proposal
MOST_OFFICERS = 120
_MOST_TURNS = 300
_MOST_HISTORY = 200
_MOST_TAGS = 50

_by = aliased(User)
_ended_by = aliased(User)


@dataclass
class Officer:
    """Somebody who can be chosen, with what they serve now."""

    id: int
    name: str
    team_id: int
    team: str
    load: int = 0
    regions: list[tuple[int, str, int]] = field(default_factory=list)  # (id, name, enterprises), most first
    place: Place | None = None  # the middle of what they serve, as far as its coordinates are known

    @property
    def region_names(self) -> list[str]:
        return [name for _id, name, _count in self.regions]


def _ids(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, expanding=True, type_=sa.Integer)


@cache
def _officers() -> sa.Select:
    """Officers with what they serve, a row for each region; one without any has one row."""
    at_work = (
        sa.select(User.id, User.name, User.team_id, Team.name.label("team"))
        .join(Team, Team.id == User.team_id)
        .where(User.team_id.in_(_ids("teams")), User.active, User.role == Role.OFFICER)
        .order_by(Team.name, User.name, User.id)
        .limit(MOST_OFFICERS)
        .subquery()
    )
    served = (
        sa.select(
            Enterprise.officer_id,
            Enterprise.region_id,
            sa.func.count().label("number"),
            sa.func.count(Enterprise.lat).label("placed"),
            sa.func.sum(Enterprise.lng).label("lng"),
            sa.func.sum(Enterprise.lat).label("lat"),
        )
        .join(at_work, at_work.c.id == Enterprise.officer_id)
        .group_by(Enterprise.officer_id, Enterprise.region_id)
        .subquery()
    )
    # Names of regions join last: each enterprise would look its own up.
    return (
        sa.select(
            *at_work.c,
            served.c.region_id,
            Region.name.label("region"),
            served.c.number,
            served.c.placed,
            served.c.lng,
            served.c.lat,
        )
        .select_from(at_work)
        .outerjoin(served, served.c.officer_id == at_work.c.id)
        .outerjoin(Region, Region.id == served.c.region_id)
        .order_by(at_work.c.team, at_work.c.name, at_work.c.id, served.c.number.desc(), served.c.region_id)
    )


def officers_of(person: Person, teams: Iterable[int] | None = None) -> list[Officer]:
    """Officers at work in the teams that this person leads (or in those of `teams`), by team and name."""
    wanted = None if teams is None else set(teams)
    led = [team for team in person.led_team_ids if wanted is None or team in wanted]
    officers: dict[int, Officer] = {}
    sums: dict[int, tuple[float, float, int]] = {}
    rows: Sequence[Any] = fetch(_officers(), {"teams": led})
    for id, name, team_id, team, region_id, region, number, placed, lng, lat in rows:
        officer = officers.get(id)
        if officer is None:
            officer = officers[id] = Officer(id, name, team_id, team)
        if number:
            officer.load += number
            officer.regions.append((region_id, region, number))
        if placed:
            east, north, known = sums.get(id, (0.0, 0.0, 0))
            sums[id] = (east + lng, north + lat, known + placed)
    for id, (east, north, known) in sums.items():
        officers[id].place = (east / known, north / known)
    return sorted(officers.values(), key=lambda officer: (led.index(officer.team_id), spoken(officer.name)))


def servers(officers: Iterable[Officer], freed: dict[int, int]) -> list[Server]:
    """Officers as the rules take them; `freed` are those of the enterprises in question that they have already."""
    return [
        Server(
            o.id,
            o.team_id,
            o.load - freed.get(o.id, 0),
            {id: number for id, _name, number in o.regions},
            o.place,
        )
        for o in officers
    ]


@dataclass(frozen=True)
class Loose:
    """Somebody who has enterprises and can no longer serve them."""

    id: int
    name: str
    active: bool
    count: int


@cache
def _loose(scope: Scope) -> sa.Select:
    # Counted before anybody is looked up; what makes somebody unfit is enterprises.queries.is_loose.
    held = (
        sa.select(Enterprise.officer_id, Enterprise.team_id, sa.func.count().label("number"))
        .where(visible(scope), Enterprise.officer_id.is_not(None))
        .group_by(Enterprise.officer_id, Enterprise.team_id)
        .subquery()
    )
    fit = sa.and_(User.active, User.role == Role.OFFICER, sa.func.coalesce(User.team_id, 0) == held.c.team_id)
    number = sa.func.sum(held.c.number).label("number")
    return (
        sa.select(User.id, User.name, User.active, number)
        .join(held, held.c.officer_id == User.id)
        .where(sa.not_(fit))
        .group_by(User.id, User.name, User.active)
        .order_by(User.active, sa.desc("number"), User.id)
        .limit(MOST_OFFICERS)
    )


@cache
def _choices(scope: Scope) -> sa.CompoundSelect:
    teams = [sa.bindparam(f"led_{at}", type_=sa.Integer) for at in range(scope.leads)]
    regions = (
        sa.select(
            sa.literal("region").label("what"),
            Region.id.label("id"),
            Region.name.label("name"),
            Region.code.label("sort"),
            sa.false().label("active"),
            sa.literal(0).label("number"),
        )
        .join(team_region, team_region.c.region_id == Region.id)
        .where(team_region.c.team_id.in_(teams))
    )
    tags = (
        sa.select(EnterpriseTag.tag)
        .join(Enterprise, Enterprise.id == EnterpriseTag.enterprise_id)
        .where(visible(scope))
        .distinct()
        .order_by(EnterpriseTag.tag)
        .limit(_MOST_TAGS)
        .subquery()
    )
    nothing = (sa.false(), sa.literal(0))
    loose = _loose(scope).subquery()
    return sa.union_all(
        regions,
        sa.select(sa.literal("tag"), sa.literal(0), tags.c.tag, tags.c.tag, *nothing),
        sa.select(
            sa.literal("loose"), loose.c.id, loose.c.name, sa.literal(""), loose.c.active, loose.c.number
        ),
    )


class Choices(NamedTuple):
    """What the filters offer."""

    regions: list[tuple[int, str]]  # the teams', by code
    tags: list[str]  # the first in use
    loose: list[
        Loose
    ]  # whose enterprises want handing over: disabled accounts first, then who left team or role


def choices_of(person: Person) -> Choices:
    """In one statement: every visit to the page asks all three."""
    found = Choices([], [], [])
    rows: Sequence[Any] = fetch(_choices(scope_of(person)), scope_values(person))
    for what, id, name, _sort, active, number in sorted(rows, key=lambda row: row[3]):
        if what == "region":
            found.regions.append((id, name))
        elif what == "tag":
            found.tags.append(name)
        else:
            found.loose.append(Loose(id, name, bool(active), int(number)))
    found.loose.sort(key=lambda one: (one.active, -one.count, one.id))
    return found


@dataclass
class Row:
    """An enterprise that is going to be assigned, as it is now."""

    id: int
    name: str
    team_id: int
    team: str
    region_id: int
    region: str
    place: Place | None
    officer_id: int | None
    officer: str
    officer_active: bool
    since: date | None  # when the present main officer began
    helpers: dict[int, str] = field(default_factory=dict)

    @property
    def candidate(self) -> Candidate:
        return Candidate(self.id, self.team_id, self.region_id, self.region, self.place)


@cache
def _rows(scope: Scope) -> sa.Select:
    return (
        sa.select(
            Enterprise.id,
            Enterprise.name,
            Enterprise.team_id,
            Team.name.label("team"),
            Enterprise.region_id,
            Region.name.label("region"),
            Enterprise.lng,
            Enterprise.lat,
            Enterprise.officer_id,
            User.name.label("officer"),
            User.active,
        )
        .join(Region, Region.id == Enterprise.region_id)
        .join(Team, Team.id == Enterprise.team_id)
        .outerjoin(User, User.id == Enterprise.officer_id)
        .where(Enterprise.id.in_(_ids("ids")), visible(scope))
    )


_SERVING = (
    sa.select(
        Assignment.enterprise_id,
        Assignment.officer_id,
        Assignment.is_main,
        Assignment.started_on,
        User.name,
    )
    .join(User, User.id == Assignment.officer_id)
    .where(Assignment.enterprise_id.in_(_ids("ids")), Assignment.ended_on.is_(None))
    .order_by(Assignment.id)
)


def rows_of(person: Person, ids: Sequence[int]) -> list[Row]:
    """These enterprises in this order. Raises NotFound when one of them is not this person's: all or nothing."""
    found = fetch(_rows(scope_of(person)), scope_values(person) | {"ids": ids})
    rows = {
        r.id: Row(
            r.id, r.name, r.team_id, r.team, r.region_id, r.region, _place(r.lng, r.lat),
            r.officer_id, r.officer or "", bool(r.active), None,
        )
        for r in found
    }  # fmt: skip
    if set(rows) != set(ids):
        raise NotFound
    for a in fetch(_SERVING, {"ids": ids}):
        row = rows[a.enterprise_id]
        if not a.is_main:
            row.helpers[a.officer_id] = a.name
        elif a.officer_id == row.officer_id:
            row.since = a.started_on
    return [rows[id] for id in dict.fromkeys(ids)]


def _place(lng: float | None, lat: float | None) -> Place | None:
    return None if lng is None or lat is None else (lng, lat)


@dataclass
class Listed:
    """What the list shows of an enterprise beside its own columns, and what a proposal asks."""

    team_id: int
    region_id: int
    place: Place | None
    helpers: list[str]
    marks: list[Any]  # qualifications that hold today, then tags


@cache
def _listed() -> sa.Select:
    def gathered(text: Any, *conditions: Any, source: Any) -> Any:
        lines = sa.func.aggregate_strings(text, "\n")
        return sa.select(lines).select_from(source).where(*conditions).correlate(Enterprise).scalar_subquery()

    def numbered(id: Any, text: Any) -> Any:
        return sa.cast(id, sa.String) + " " + sa.cast(text, sa.String)

    until = Qualification.valid_to
    holds = sa.or_(until.is_(None), until >= sa.bindparam("today", type_=sa.Date))
    helps = (Assignment.ended_on.is_(None), Assignment.is_main.is_(False))
    here = Enterprise.id
    return sa.select(
        Enterprise.id,
        Enterprise.team_id,
        Enterprise.region_id,
        Enterprise.lng,
        Enterprise.lat,
        gathered(
            numbered(Assignment.id, User.name),
            Assignment.enterprise_id == here,
            *helps,
            source=sa.join(Assignment, User, User.id == Assignment.officer_id),
        ).label("helpers"),
        gathered(
            numbered(Qualification.id, Qualification.kind),
            Qualification.enterprise_id == here,
            holds,
            source=Qualification,
        ).label("held"),
        gathered(EnterpriseTag.tag, EnterpriseTag.enterprise_id == here, source=EnterpriseTag).label("tags"),
    ).where(Enterprise.id.in_(_ids("ids")))


def _in_order(text: str | None) -> list[str]:
    """What stands in lines of "number text", by number."""
    if not text:
        return []
    lines = (line.split(" ", 1) for line in text.split("\n"))
    return [words for _number, words in sorted(lines, key=lambda line: int(line[0]))]


def listed(ids: Sequence[int], today: date) -> dict[int, Listed]:
    """Enterprise id: what else the list shows. The caller has listed the enterprises through their door."""
    found = {}
    rows: Sequence[Any] = fetch(_listed(), {"ids": ids, "today": today})
    for id, team_id, region_id, lng, lat, helpers, held, tags in rows:
        marks: list[Any] = [QualificationKind[name] for name in dict.fromkeys(_in_order(held))]
        if tags:
            marks += sorted(tags.split("\n"))
        found[id] = Listed(team_id, region_id, _place(lng, lat), _in_order(helpers), marks)
    return found


@dataclass
class Burden:
    """What hangs on one officer at one enterprise and would go with it."""

    needs: int = 0
    promises: int = 0
    planned: int = 0
    unwritten: int = 0  # been there and not yet written down: only its own officer can

    def __add__(self, other: Burden) -> Burden:
        return Burden(
            self.needs + other.needs,
            self.promises + other.promises,
            self.planned + other.planned,
            self.unwritten + other.unwritten,
        )


@lru_cache(maxsize=8)
def _burdens(of_one: bool) -> sa.CompoundSelect:
    who: Any = sa.bindparam("officer", type_=sa.Integer) if of_one else Enterprise.officer_id

    def count(name: str, table: Any, person: Any, *conditions: Any) -> sa.Select:
        return (
            sa.select(sa.literal(name).label("what"), table.enterprise_id, sa.func.count().label("number"))
            .join(Enterprise, Enterprise.id == table.enterprise_id)
            .where(table.enterprise_id.in_(_ids("ids")), person == who, *conditions)
            .group_by(table.enterprise_id)
        )

    return sa.union_all(
        count("needs", Need, Need.claimed_by_id, Need.status.not_in(ENDED)),
        count("promises", FollowUp, FollowUp.assignee_id, FollowUp.status == FollowUpStatus.OPEN),
        count("planned", Visit, Visit.officer_id, Visit.status == VisitStatus.PLANNED),
        count("unwritten", Visit, Visit.officer_id, Visit.status == VisitStatus.ARRIVED),
    )


def burdens(ids: Sequence[int], officer_id: int | None = None) -> dict[int, Burden]:
    """Enterprise id: what hangs on its main officer, or on this one. The caller has been through the door."""
    found = {id: Burden() for id in ids}
    values = {"ids": ids, "officer": officer_id}
    rows: Sequence[Any] = fetch(_burdens(officer_id is not None), values)
    for what, enterprise_id, number in rows:
        setattr(found[enterprise_id], what, number)
    return found


@dataclass(frozen=True)
class Served:
    """Who served an enterprise from when to when."""

    officer: str
    is_main: bool
    started_on: date
    ended_on: date | None
    by: str
    reason: str
    ended_by: str
    end_reason: str


def history(enterprise_id: int) -> list[Served]:
    """Newest first. The door has been asked for the enterprise before."""
    rows = fetch(
        sa.select(
            User.name.label("officer"),
            Assignment.is_main,
            Assignment.started_on,
            Assignment.ended_on,
            _by.name.label("by"),
            Assignment.reason,
            _ended_by.name.label("ended_by"),
            Assignment.end_reason,
        )
        .join(User, User.id == Assignment.officer_id)
        .outerjoin(_by, _by.id == Assignment.by_id)
        .outerjoin(_ended_by, _ended_by.id == Assignment.ended_by_id)
        .where(Assignment.enterprise_id == enterprise_id)
        .order_by(Assignment.ended_on.is_not(None), Assignment.started_on.desc(), Assignment.id.desc())
        .limit(_MOST_HISTORY)
    )
    return [
        Served(
            r.officer,
            r.is_main,
            r.started_on,
            r.ended_on,
            r.by or "",
            r.reason,
            r.ended_by or "",
            r.end_reason,
        )
        for r in rows
    ]


def last_hand(ids: Sequence[int]) -> dict[int, str]:
    """Enterprise id: who assigned it last, "" where nobody signed for it. The door has been asked before."""
    rows = db.session.execute(
        sa.select(
            Assignment.enterprise_id,
            Assignment.ended_on,
            _by.name.label("by"),
            _ended_by.name.label("ended_by"),
        )
        .outerjoin(_by, _by.id == Assignment.by_id)
        .outerjoin(_ended_by, _ended_by.id == Assignment.ended_by_id)
        .where(Assignment.enterprise_id.in_(ids), Assignment.is_main)
        .order_by(Assignment.id)
    )
    return {r.enterprise_id: (r.ended_by if r.ended_on else r.by) or "" for r in rows}


@cache
def _turns(scope: Scope) -> sa.CompoundSelect:
    def turns(kind: str, on: Any, reason: Any, by: Any) -> sa.Select:
        return (
            sa.select(
                sa.literal(kind).label("kind"),
                Assignment.id.label("id"),
                Assignment.enterprise_id,
                Enterprise.name.label("enterprise"),
                User.name.label("officer"),
                Assignment.is_main,
                on.label("on"),
                by.name.label("by"),
                reason.label("reason"),
            )
            .join(Enterprise, Enterprise.id == Assignment.enterprise_id)
            .join(User, User.id == Assignment.officer_id)
            .where(visible(scope))
            .limit(_MOST_TURNS)
        )

    begun = (
        turns("begun", Assignment.started_on, Assignment.reason, _by)
        .join(_by, _by.id == Assignment.by_id)
        .where(Assignment.by_id.is_not(None))
        .order_by(Assignment.id.desc())
        .subquery()
    )
    # By officer, because that is what the index is sorted by.
    led = [sa.bindparam(f"led_{at}", type_=sa.Integer) for at in range(scope.leads)]
    members = sa.select(User.id).where(User.team_id.in_(led))
    ended = (
        turns("ended", Assignment.ended_on, Assignment.end_reason, _ended_by)
        .join(_ended_by, _ended_by.id == Assignment.ended_by_id)
        .where(
            Assignment.officer_id.in_(members),
            Assignment.ended_by_id.is_not(None),
            Assignment.ended_on >= sa.bindparam("from", type_=sa.Date),
        )
        .order_by(Assignment.ended_on.desc(), Assignment.id.desc())
        .subquery()
    )
    return sa.union_all(sa.select(begun), sa.select(ended))


def recent_changes(person: Person, today: date, limit: int) -> list[Change]:
    """What was assigned, handed over and returned lately in the teams this person leads."""
    rows: Sequence[Any] = fetch(_turns(scope_of(person)), scope_values(person) | {"from": today - RECENT})
    begun = sorted((row for row in rows if row[0] == "begun"), key=lambda row: row[1], reverse=True)
    ended = sorted((row for row in rows if row[0] == "ended"), key=lambda row: (row[6], row[1]), reverse=True)
    return changes((Turn._make(row[2:]) for row in begun), (Turn._make(row[2:]) for row in ended), limit)
