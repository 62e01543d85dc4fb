"""Telling people, and putting away what has been read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fieldapp.db import db, fetch, run
from fieldapp.notices.models import KEYED, Channel, Delivery, DeliveryState, Notification
from fieldapp.notices.queries import quiet_of, usual_quiet
from fieldapp.notices.rules import Quiet, due
from fieldapp.notices.words import SENTENCES
from fieldapp.pages import same_site_path

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def _once(table: Any, owner: str, *answer: Any) -> dict[str, Any]:
    """INSERT unless that owner has one of that key; RETURNING tells on both databases whether it was new.

    PostgreSQL waits for a twin that another process is still writing.
    """
    return {
        name: insert(table)
        .on_conflict_do_nothing(index_elements=[owner, "key"], index_where=sa.text(KEYED))
        .returning(table.c.id, *answer)
        for name, insert in (("sqlite", sqlite_insert), ("postgresql", pg_insert))
    }


# Whether anybody has to be told outside the app comes back with the same statement: mostly nobody has.
_notice = Notification.__table__
_has_ways = _notice.c.user_id.in_(sa.select(Channel.user_id).where(Channel.active))
_NOTICE = _once(_notice, "user_id", _notice.c.user_id, _has_ways.label("has_ways"))
_DELIVERY = _once(Delivery.__table__, "channel_id")
_PERSONS_WAYS = sa.select(Channel.id).where(Channel.user_id == sa.bindparam("owner"), Channel.active)
_TEAMS_WAYS = sa.select(Channel.id).where(Channel.team_id == sa.bindparam("owner"), Channel.active)
LONGEST_KEY = 120
LONGEST_PATH = 300
LONGEST_DETAIL = 200


def tell(
    user_id: int,
    kind: str,
    at: datetime,
    path: str = "",
    *,
    key: str | None = None,
    urgent: bool = False,
    **details: Any,
) -> bool:
    """One thing for one person to know of, in the present transaction. False when it has been told before.

    `kind` is one of words.SENTENCES, where the `details` each takes are listed; dates may be given as dates. `path`
    is where it leads, on this site only. `key` names what is told ("need:<id>:overdue:<due>"): a second time nothing
    happens, also when two processes tell it at one moment. `urgent` does not wait for the morning's digest.

    Where the person wants to be told outside the app too, that is written down here and sent after the commit, by the
    worker (see sending.py).
    """
    return tell_all((user_id,), kind, at, path, key=key, urgent=urgent, **details) == 1


def tell_all(
    user_ids: Iterable[int],
    kind: str,
    at: datetime,
    path: str = "",
    *,
    key: str | None = None,
    urgent: bool = False,
    **details: Any,
) -> int:
    """The same for several people, in one statement: how many had not been told before."""
    row = _row(kind, at, path, key, urgent, details)
    rows = [row | {"user_id": one, "read_at": None} for one in dict.fromkeys(user_ids)]
    told = run(_NOTICE[db.engine.dialect.name], rows).all() if rows else ()
    for notice in told:
        if notice.has_ways:
            blank = row | {"kind": "", "details": {}, "path": "", "key": f"notice:{notice.id}"}
            ways = [one.id for one in fetch(_PERSONS_WAYS, {"owner": notice.user_id})]
            _send_later(ways, blank | {"notification_id": notice.id}, quiet_of(notice.user_id))
    return len(told)


def tell_team(
    team_id: int,
    kind: str,
    at: datetime,
    path: str = "",
    *,
    key: str | None = None,
    urgent: bool = False,
    **details: Any,
) -> int:
    """The same for a team's robots: nobody's inbox, only the chat groups in which they are. How many will be told."""
    row = _row(kind, at, path, key, urgent, details)
    ways = [one.id for one in fetch(_TEAMS_WAYS, {"owner": team_id})]
    return _send_later(ways, row | {"notification_id": None}, usual_quiet())


def _row(
    kind: str, at: datetime, path: str, key: str | None, urgent: bool, details: dict[str, Any]
) -> dict[str, Any]:
    if kind not in SENTENCES:
        raise ValueError(f"no sentence for a notice of kind {kind!r}")
    if path and (same_site_path(path) is None or len(path) > LONGEST_PATH):
        raise ValueError(f"a notice may only lead to a page of this site: {path!r}")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise ValueError(f"no key for a notice: {key!r}")
    return {
        "kind": kind,
        "details": {name: _plain(value) for name, value in details.items() if value not in (None, "")},
        "path": path,
        "key": key,
        "urgent": urgent,
        "created_at": at,
    }


def _send_later(channel_ids: Iterable[int], row: dict[str, Any], quiet: Quiet) -> int:
    """One row of the outbox for each channel; how many are new."""
    rest = {
        "test": False,
        "state": DeliveryState.WAITING,
        "due_at": due(row["created_at"], quiet, urgent=row["urgent"]),
        "tries": 0,
        "error": "",
        "claim": "",
    }
    write = _DELIVERY[db.engine.dialect.name]
    return sum(run(write, row | rest | {"channel_id": one}).first() is not None for one in channel_ids)


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
