"""Reading one's own notices; nobody reads another's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app

from fieldapp.db import fetch
from fieldapp.notices.models import Notification
from fieldapp.notices.words import ICONS, sentence
from fieldapp.pages import keyset_cursor, keyset_place, same_site_path

if TYPE_CHECKING:
    from fieldapp.accounts import Person

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
    at: datetime
    read_at: datetime | None


def _shown(row: Any) -> Notice:
    return Notice(
        id=row.id,
        kind=row.kind,
        text=sentence(row.kind, row.details or {}),
        path=same_site_path(row.path) or "",
        icon=ICONS.get(row.kind, "bell"),
        at=row.created_at,
        read_at=row.read_at,
    )


_COLUMNS = (
    Notification.id,
    Notification.kind,
    Notification.details,
    Notification.path,
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
_COUNT = sa.select(sa.func.count()).select_from(
    sa.select(Notification.id).where(_mine, Notification.read_at.is_(None)).limit(MOST_COUNTED).subquery()
)


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
