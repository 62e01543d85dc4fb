"""Reading for the lead: what phones still hold, what has been received, and the bodies that came too late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fieldapp.accounts import User
from fieldapp.accounts.rules import spoken
from fieldapp.clock import now
from fieldapp.db import db, fetch
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.entries.models import Entry, LateEntry, LateFile
from fieldapp.entries.rules import SUPERSEDED
from fieldapp.offline.models import Phone
from fieldapp.offline.readings import read
from fieldapp.pages import number_in
from fieldapp.refusals import NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.offline.readings import Said

LOUD_AFTER = timedelta(hours=24)  # then the page says it aloud
FORGOTTEN_AFTER = timedelta(days=90)  # a phone that held nothing and has not been heard of since
MOST_RECEIVED = 50
MOST_LATE = 50


def _theirs(person: Person) -> Any:
    """The people whose phones `person` may know of: those of the teams they lead, and they themselves."""
    return sa.or_(User.team_id.in_(person.led_team_ids), User.id == person.id)


@dataclass
class Holder:
    """One person and the phones they were last heard of with."""

    id: int
    name: str
    active: bool
    phones: list[Any] = field(default_factory=list)
    received: Any = None  # their last entry that was carried out

    @property
    def waiting(self) -> int:
        return sum(phone.waiting for phone in self.phones)

    @property
    def oldest_at(self) -> datetime | None:
        return min(
            (phone.oldest_at for phone in self.phones if phone.waiting and phone.oldest_at), default=None
        )

    @property
    def is_loud(self) -> bool:
        return self.oldest_at is not None and now() - self.oldest_at >= LOUD_AFTER


def holders(person: Person) -> list[Holder]:
    """Everybody of the lead's teams: who still holds something first, the longest held first."""
    heard_of = sa.or_(Phone.waiting > 0, Phone.reported_at >= now() - FORGOTTEN_AFTER)
    rows = fetch(
        sa.select(
            User.id,
            User.name,
            User.active,
            Phone.label,
            Phone.waiting,
            Phone.stuck,
            Phone.oldest_at,
            Phone.reported_at,
        )
        .outerjoin(Phone, sa.and_(Phone.user_id == User.id, heard_of))
        .where(_theirs(person), sa.or_(User.active, Phone.waiting > 0))
        .order_by(Phone.reported_at.desc())
    )
    found: dict[int, Holder] = {}
    for row in rows:
        holder = found.setdefault(row.id, Holder(row.id, row.name, row.active))
        if row.reported_at is not None:
            holder.phones.append(row)
    for received in _last_received(person):
        if received.user_id in found:
            found[received.user_id].received = received
    latest = datetime.max.replace(tzinfo=now().tzinfo)
    return sorted(
        found.values(), key=lambda one: (not one.waiting, one.oldest_at or latest, spoken(one.name))
    )


_HELD = (
    sa.select(sa.func.count(sa.distinct(Phone.user_id)))
    .join(User, User.id == Phone.user_id)
    .where(
        sa.or_(
            User.team_id.in_(sa.bindparam("teams", expanding=True, type_=sa.Integer)),
            User.id == sa.bindparam("person", type_=sa.Integer),
        ),
        Phone.waiting > 0,
        Phone.oldest_at <= sa.bindparam("since", type_=Phone.oldest_at.type),
    )
)


def held_too_long(person: Person) -> int:
    """How many people's phones have held something for more than a day. Every look at the board asks."""
    values = {"teams": person.led_team_ids, "person": person.id, "since": now() - LOUD_AFTER}
    return int(fetch(_HELD, values)[0][0])


def _last_received(person: Person) -> Sequence[Any]:
    last = (
        sa.select(Entry.user_id, sa.func.max(Entry.created_at).label("at"))
        .join(User, User.id == Entry.user_id)
        .where(_theirs(person), Entry.status != SUPERSEDED)
        .group_by(Entry.user_id)
        .subquery()
    )
    return fetch(
        sa.select(Entry.user_id, Entry.path, Entry.location, Entry.created_at).join(
            last, sa.and_(Entry.user_id == last.c.user_id, Entry.created_at == last.c.at)
        )
    )


def find_holder(person: Person, user_id: int) -> Any:
    """Raises NotFound for anybody of another team."""
    row = next(iter(fetch(sa.select(User.id, User.name).where(User.id == user_id, _theirs(person)))), None)
    if row is None:
        raise NotFound
    return row


def received_from(user_id: int) -> Sequence[Any]:
    """Their latest entries that were carried out, newest first."""
    return fetch(
        sa.select(Entry.path, Entry.location, Entry.created_at, Entry.client_at)
        .where(Entry.user_id == user_id, Entry.status != SUPERSEDED)
        .order_by(Entry.created_at.desc())
        .limit(MOST_RECEIVED)
    )


@dataclass
class Late:
    """A body that came too late, readable."""

    id: int
    name: str
    path: str
    received_at: datetime
    said: list[Said]
    files: list[Any]


def late_bodies(person: Person) -> tuple[list[Late], int]:
    """(the oldest of those nobody has dealt with, how many there are in all)."""
    waiting = sa.and_(_theirs(person), LateEntry.seen_at.is_(None))
    rows = fetch(
        sa.select(
            LateEntry.id,
            LateEntry.path,
            LateEntry.fields,
            LateEntry.received_at,
            User.name,
            sa.func.count().over().label("in_all"),
        )
        .join(User, User.id == LateEntry.user_id)
        .where(waiting)
        .order_by(LateEntry.received_at, LateEntry.id)
        .limit(MOST_LATE)
    )
    if not rows:
        return [], 0
    files: dict[int, list[Any]] = {}
    query = sa.select(LateFile.id, LateFile.late_entry_id, LateFile.name).order_by(LateFile.id)
    for file in fetch(query.where(LateFile.late_entry_id.in_([row.id for row in rows]))):
        files.setdefault(file.late_entry_id, []).append(file)
    people = _people(person, (pair for row in rows for pair in row.fields))
    found = [
        Late(
            row.id,
            row.name,
            row.path,
            row.received_at,
            read(row.fields, row.path, people),
            files.get(row.id, []),
        )
        for row in rows
    ]
    return found, rows[0].in_all


def _people(person: Person, fields: Iterable[Iterable[str]]) -> dict[str, dict[str, str]]:
    """Names for the ids in `met` and `companions`, as far as the lead may see them."""
    ids: dict[str, set[int]] = {"met": set(), "companions": set()}
    for name, value in fields:
        if name in ids and (number := number_in(value)) is not None:
            ids[name].add(number)
    names: dict[str, dict[str, str]] = {}
    if ids["met"]:
        query = sa.select(Contact.id, Contact.name).join(Enterprise, Enterprise.id == Contact.enterprise_id)
        rows = fetch(query.where(Contact.id.in_(ids["met"]), visible_to(person)))
        names["met"] = {str(row.id): row.name for row in rows}
    if ids["companions"]:
        rows = fetch(sa.select(User.id, User.name).where(User.id.in_(ids["companions"]), _theirs(person)))
        names["companions"] = {str(row.id): row.name for row in rows}
    return names


def find_late(person: Person, late_id: int) -> LateEntry:
    """To be dealt with, locked. Raises NotFound for what another team's people sent."""
    query = (
        sa.select(LateEntry)
        .join(User, User.id == LateEntry.user_id)
        .where(LateEntry.id == late_id, _theirs(person))
        .with_for_update(of=LateEntry)
    )
    found = db.session.scalars(query).first()
    if found is None:
        raise NotFound
    return found


def late_file(person: Person, file_id: int) -> Any:
    """(name, data) of a file of a late body. Raises NotFound."""
    query = (
        sa.select(LateFile.name, LateFile.data)
        .join(LateEntry, LateEntry.id == LateFile.late_entry_id)
        .join(User, User.id == LateEntry.user_id)
        .where(LateFile.id == file_id, _theirs(person))
    )
    row = next(iter(fetch(query)), None)
    if row is None:
        raise NotFound
    return row
