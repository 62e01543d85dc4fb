"""Telling people, and putting away what has been read."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fieldapp.db import run
from fieldapp.notices.models import Notification
from fieldapp.notices.words import SENTENCES
from fieldapp.pages import same_site_path

if TYPE_CHECKING:
    from fieldapp.accounts import Person

_NOTICE = sa.insert(Notification.__table__)
LONGEST_PATH = 300
LONGEST_DETAIL = 200


def tell(user_id: int, kind: str, at: datetime, path: str = "", **details: Any) -> None:
    """One thing for one person to know of, in this request's transaction.

    `kind` is one of words.SENTENCES, where the `details` each takes are listed; dates may be given as dates. `path`
    is where it leads, on this site only.
    """
    if kind not in SENTENCES:
        raise ValueError(f"no sentence for a notice of kind {kind!r}")
    if path and (same_site_path(path) is None or len(path) > LONGEST_PATH):
        raise ValueError(f"a notice may only lead to a page of this site: {path!r}")
    run(
        _NOTICE,
        {
            "user_id": user_id,
            "kind": kind,
            "details": {name: _plain(value) for name, value in details.items() if value not in (None, "")},
            "path": path,
            "created_at": at,
            "read_at": None,
        },
    )


def _plain(value: Any) -> str | int:
    """What JSON can hold."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)[:LONGEST_DETAIL]


def put_away(person: Person, notice_id: int, at: datetime) -> bool:
    """Read. False when there is no such notice of this person's."""
    mine = sa.and_(Notification.id == notice_id, Notification.user_id == person.id)
    run(sa.update(Notification).where(mine, Notification.read_at.is_(None)).values(read_at=at))
    return bool(run(sa.select(Notification.id).where(mine)).first())


def put_all_away(person: Person, upto: int, at: datetime) -> None:
    """Everything up to that notice is read: what came while the page lay open stays unread."""
    run(
        sa.update(Notification)
        .where(
            Notification.user_id == person.id,
            Notification.read_at.is_(None),
            Notification.id <= upto,
        )
        .values(read_at=at)
    )
