"""Reading one's own notices; nobody reads another's. And the ways they go out by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from fieldapp.accounts.models import Team, User
from fieldapp.db import fetch
from fieldapp.notices.channels import offered
from fieldapp.notices.models import (
    TEST,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryState,
    Notification,
    QuietTime,
)
from fieldapp.notices.rules import Quiet
from fieldapp.notices.words import ICONS, sentence
from fieldapp.pages import keyset_cursor, keyset_place, same_site_path

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.notices.ways import Owner

NEWEST = 20
MOST_COUNTED = 100
KEPT_IN_SIGHT = timedelta(days=90)


@dataclass(frozen=True)
class Notice:
    """One notice as a page shows it: `text` is plain words, `path` is on this site or ""."""

    id: int
    kind: str
    text: str
    path: str
    icon: str
    urgent: bool
    at: datetime
    read_at: datetime | None


def _shown(row: Any) -> Notice:
    return Notice(
        id=row.id,
        kind=row.kind,
        text=sentence(row.kind, row.details or {}),
        path=same_site_path(row.path) or "",
        icon=ICONS.get(row.kind, "bell"),
        urgent=row.urgent,
        at=row.created_at,
        read_at=row.read_at,
    )


_COLUMNS = (
    Notification.id,
    Notification.kind,
    Notification.details,
    Notification.path,
    Notification.urgent,
    Notification.created_at,
    Notification.read_at,
)
_mine = Notification.user_id == sa.bindparam("person", type_=sa.Integer)
_UNREAD = (
    sa.select(*_COLUMNS)
    .where(_mine, Notification.read_at.is_(None))
    .order_by(Notification.id.desc())
    .limit(NEWEST)
)


def unread_number(person: Any) -> sa.ScalarSelect[int]:
    """How many `person` (a number, or a parameter) has not put away, counted to a hundred; for other statements too."""
    some = (
        sa.select(Notification.id)
        .where(Notification.user_id == person, Notification.read_at.is_(None))
        .limit(MOST_COUNTED)
        .subquery()
    )
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


_COUNT = sa.select(unread_number(sa.bindparam("person", type_=sa.Integer)))


def unread(person: Person) -> list[Notice]:
    """What this person has not put away yet: the newest twenty, newest first."""
    return [_shown(row) for row in fetch(_UNREAD, {"person": person.id})]


def unread_count(person: Person) -> int:
    """How many that are; counted to a hundred at most."""
    return int(fetch(_COUNT, {"person": person.id})[0][0])


def list_notices(person: Person, at: datetime, page: str = "") -> tuple[list[Notice], str | None]:
    """The last 90 days, read or not, newest first: (notices, next page's cursor)."""
    size = current_app.config["PAGE_SIZE"]
    query = sa.select(*_COLUMNS).where(
        Notification.user_id == person.id, Notification.created_at >= at - KEPT_IN_SIGHT
    )
    place = keyset_place(page, int)
    if place:
        query = query.where(Notification.id < place[1])
    rows = fetch(query.order_by(Notification.id.desc()).limit(size + 1))
    cursor = keyset_cursor(rows[size - 1].created_at, rows[size - 1].id) if len(rows) > size else None
    return [_shown(row) for row in rows[:size]], cursor


_QUIET = sa.select(QuietTime.starts, QuietTime.ends, QuietTime.days_off, QuietTime.digest).where(
    QuietTime.user_id == sa.bindparam("person")
)


def usual_quiet() -> Quiet:
    """What holds for teams, and for whoever has not said otherwise."""
    return Quiet(current_app.config["QUIET_FROM"], current_app.config["QUIET_UNTIL"])


def quiet_of(user_id: int, session: Session | None = None) -> Quiet:
    """When that person wants nothing sent."""
    asked = {"person": user_id}
    rows = fetch(_QUIET, asked) if session is None else session.execute(_QUIET, asked).all()
    return Quiet(*rows[0]) if rows else usual_quiet()


@dataclass(frozen=True)
class Way:
    """A way out as its page shows it: not where it leads, only since when, and how the last test went."""

    kind: ChannelKind
    since: datetime | None  # None: not in use
    target: str  # a mail address, for its owner; nothing of a robot
    test: DeliveryState | None
    test_error: str
    test_at: datetime | None

    @property
    def slug(self) -> str:
        return self.kind.name.lower()


def ways_of(owner: Owner) -> list[Way]:
    """The ways this deployment offers to that owner; a team has robots only."""
    kinds = [k for k in offered(current_app.config) if owner.user_id or k is not ChannelKind.MAIL]
    rows = fetch(
        sa.select(
            Channel.kind,
            Channel.target,
            Channel.updated_at,
            Delivery.state,
            Delivery.error,
            sa.func.coalesce(Delivery.ended_at, Delivery.created_at).label("test_at"),
        )
        .outerjoin(Delivery, sa.and_(Delivery.channel_id == Channel.id, Delivery.key == TEST))
        .where(owner.owns(), Channel.active)
    )
    used = {row.kind: row for row in rows}
    return [
        Way(
            kind,
            row.updated_at if (row := used.get(kind)) else None,
            row.target if row and kind is ChannelKind.MAIL else "",
            row.state if row else None,
            row.error or "" if row else "",
            row.test_at if row else None,
        )
        for kind in kinds
    ]


def led_teams(person: Person) -> list[Any]:
    """The teams this person leads: rows id, name."""
    if not person.led_team_ids:
        return []
    query = sa.select(Team.id, Team.name).where(Team.id.in_(person.led_team_ids)).order_by(Team.name)
    return list(fetch(query))


def list_dead(page: str = "") -> tuple[list[Any], str | None]:
    """Messages that did not go, newest first: (rows, next page's cursor). Nothing of what they say or where to."""
    size = current_app.config["PAGE_SIZE"]
    query = (
        sa.select(
            Delivery.id,
            Delivery.tries,
            Delivery.error,
            Delivery.created_at,
            Delivery.ended_at,
            Channel.kind,
            sa.func.coalesce(Team.name, User.name).label("owner"),
        )
        .join(Channel, Channel.id == Delivery.channel_id)
        .outerjoin(Team, Team.id == Channel.team_id)
        .outerjoin(User, User.id == Channel.user_id)
        .where(Delivery.state == DeliveryState.DEAD)
    )
    place = keyset_place(page, int)
    if place:
        query = query.where(Delivery.id < place[1])
    rows = fetch(query.order_by(Delivery.id.desc()).limit(size + 1))
    cursor = keyset_cursor(rows[size - 1].created_at, rows[size - 1].id) if len(rows) > size else None
    return list(rows[:size]), cursor


def in_the_outbox() -> Any:
    """A row: how many wait, and since when the oldest of them should have gone."""
    return fetch(
        sa.select(sa.func.count().label("number"), sa.func.min(Delivery.due_at).label("due_at")).where(
            Delivery.state == DeliveryState.WAITING
        )
    )[0]
