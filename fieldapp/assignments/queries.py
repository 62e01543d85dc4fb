"""Reading who serves whom; every function takes the person first and tells of their own teams only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fieldapp.accounts import Region, Role, Team, User
from fieldapp.assignments.rules import RECENT, Candidate, Change, Place, Server, Turn, changes
from fieldapp.db import db, fetch
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Assignment, Enterprise, EnterpriseTag, Qualification
from fieldapp.enterprises.queries import is_loose
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


def officers_of(person: Person, teams: Iterable[int] | None = None) -> list[Officer]:
    """Officers at work in the teams that this person leads (or in those of `teams`), by team and name."""
    led = [team for team in person.led_team_ids if teams is None or team in set(teams)]
    rows = fetch(
        sa.select(User.id, User.name, User.team_id, Team.name.label("team"))
        .join(Team, Team.id == User.team_id)
        .where(User.team_id.in_(led), User.active, User.role == Role.OFFICER)
        .order_by(Team.name, User.name, User.id)
        .limit(MOST_OFFICERS)
    )
    officers = {row.id: Officer(row.id, row.name, row.team_id, row.team) for row in rows}
    served = fetch(
        sa.select(
            Enterprise.officer_id,
            Enterprise.region_id,
            sa.func.count().label("number"),
            sa.func.count(Enterprise.lat).label("placed"),
            sa.func.sum(Enterprise.lng).label("lng"),
            sa.func.sum(Enterprise.lat).label("lat"),
        )
        .where(Enterprise.officer_id.in_(list(officers)))
        .group_by(Enterprise.officer_id, Enterprise.region_id)
        .order_by(sa.desc("number"), Enterprise.region_id)
    )
    # The few regions there are by themselves: joined, each enterprise would look its own up.
    names = {row.id: row.name for row in fetch(sa.select(Region.id, Region.name))}
    sums: dict[int, list[float]] = {}
    for row in served:
        officer = officers[row.officer_id]
        officer.load += row.number
        officer.regions.append((row.region_id, names[row.region_id], row.number))
        if row.placed:
            total = sums.setdefault(officer.id, [0.0, 0.0, 0.0])
            for at, value in enumerate((row.lng, row.lat, row.placed)):
                total[at] += value
    for officer_id, (lng, lat, placed) in sums.items():
        officers[officer_id].place = (lng / placed, lat / placed)
    return list(officers.values())


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


def loose_ends(person: Person) -> list[Loose]:
    """Whose enterprises want handing over: disabled accounts first, then those who left the team or the role."""
    rows = fetch(
        sa.select(User.id, User.name, User.active, sa.func.count().label("number"))
        .join(Enterprise, Enterprise.officer_id == User.id)
        .where(visible_to(person), is_loose())
        .group_by(User.id, User.name, User.active)
        .order_by(User.active, sa.desc("number"), User.id)
        .limit(MOST_OFFICERS)
    )
    return [Loose(row.id, row.name, row.active, row.number) for row in rows]


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


def rows_of(person: Person, ids: Sequence[int]) -> list[Row]:
    """These enterprises in this order. Raises NotFound when one of them is not this person's: all or nothing."""
    found = fetch(
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
        .where(Enterprise.id.in_(ids), visible_to(person))
    )
    rows = {
        r.id: Row(
            r.id, r.name, r.team_id, r.team, r.region_id, r.region,
            (r.lng, r.lat) if r.lng is not None and r.lat is not None else None,
            r.officer_id, r.officer or "", bool(r.active), None,
        )
        for r in found
    }  # fmt: skip
    if set(rows) != set(ids):
        raise NotFound
    for a in _serving(ids):
        row = rows[a.enterprise_id]
        if not a.is_main:
            row.helpers[a.officer_id] = a.name
        elif a.officer_id == row.officer_id:
            row.since = a.started_on
    return [rows[id] for id in dict.fromkeys(ids)]


def _serving(ids: Sequence[int]) -> Sequence[Any]:
    return fetch(
        sa.select(
            Assignment.enterprise_id,
            Assignment.officer_id,
            Assignment.is_main,
            Assignment.started_on,
            User.name,
        )
        .join(User, User.id == Assignment.officer_id)
        .where(Assignment.enterprise_id.in_(ids), Assignment.ended_on.is_(None))
        .order_by(Assignment.id)
    )


def helpers_of(ids: Sequence[int]) -> dict[int, list[str]]:
    """Enterprise id: names of those who help there. The caller has listed the enterprises through their door."""
    found: dict[int, list[str]] = {}
    for a in _serving(ids):
        if not a.is_main:
            found.setdefault(a.enterprise_id, []).append(a.name)
    return found


def marks_of(ids: Sequence[int], today: date) -> dict[int, list[Any]]:
    """Enterprise id: its qualifications that hold today, then its tags."""
    held = fetch(
        sa.select(Qualification.enterprise_id, Qualification.kind)
        .where(
            Qualification.enterprise_id.in_(ids),
            sa.or_(Qualification.valid_to.is_(None), Qualification.valid_to >= today),
        )
        .order_by(Qualification.id)
    )
    tags = fetch(
        sa.select(EnterpriseTag.enterprise_id, EnterpriseTag.tag)
        .where(EnterpriseTag.enterprise_id.in_(ids))
        .order_by(EnterpriseTag.tag)
    )
    marks: dict[int, list[Any]] = {}
    for enterprise_id, mark in [(r.enterprise_id, r.kind) for r in held] + [
        (r.enterprise_id, r.tag) for r in tags
    ]:
        known = marks.setdefault(enterprise_id, [])
        if mark not in known:
            known.append(mark)
    return marks


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


def burdens(ids: Sequence[int], officer_id: int | None = None) -> dict[int, Burden]:
    """Enterprise id: what hangs on its main officer, or on this one. The caller has been through the door."""
    who: Any = Enterprise.officer_id if officer_id is None else sa.literal(officer_id)
    found = {id: Burden() for id in ids}

    def count(name: str, table: Any, person: Any, *conditions: Any) -> None:
        for row in fetch(
            sa.select(table.enterprise_id, sa.func.count().label("number"))
            .join(Enterprise, Enterprise.id == table.enterprise_id)
            .where(table.enterprise_id.in_(ids), person == who, *conditions)
            .group_by(table.enterprise_id)
        ):
            setattr(found[row.enterprise_id], name, row.number)

    count("needs", Need, Need.claimed_by_id, Need.status.not_in(ENDED))
    count("promises", FollowUp, FollowUp.assignee_id, FollowUp.status == FollowUpStatus.OPEN)
    count("planned", Visit, Visit.officer_id, Visit.status == VisitStatus.PLANNED)
    count("unwritten", Visit, Visit.officer_id, Visit.status == VisitStatus.ARRIVED)
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


def recent_changes(person: Person, today: date, limit: int) -> list[Change]:
    """What was assigned, handed over and returned lately in the teams this person leads."""
    shape = (
        Assignment.enterprise_id,
        Enterprise.name.label("enterprise"),
        User.name.label("officer"),
        Assignment.is_main,
    )
    begun = fetch(
        sa.select(*shape, Assignment.started_on, _by.name.label("by"), Assignment.reason)
        .join(Enterprise, Enterprise.id == Assignment.enterprise_id)
        .join(User, User.id == Assignment.officer_id)
        .join(_by, _by.id == Assignment.by_id)
        .where(visible_to(person), Assignment.by_id.is_not(None))
        .order_by(Assignment.id.desc())
        .limit(_MOST_TURNS)
    )
    # By officer, because that is what the index is sorted by.
    members = sa.select(User.id).where(User.team_id.in_(person.led_team_ids))
    ended = fetch(
        sa.select(*shape, Assignment.ended_on, _ended_by.name.label("by"), Assignment.end_reason)
        .join(Enterprise, Enterprise.id == Assignment.enterprise_id)
        .join(User, User.id == Assignment.officer_id)
        .join(_ended_by, _ended_by.id == Assignment.ended_by_id)
        .where(
            visible_to(person),
            Assignment.officer_id.in_(members),
            Assignment.ended_by_id.is_not(None),
            Assignment.ended_on >= today - RECENT,
        )
        .order_by(Assignment.ended_on.desc(), Assignment.id.desc())
        .limit(_MOST_TURNS)
    )
    return changes((Turn._make(row) for row in begun), (Turn._make(row) for row in ended), limit)
