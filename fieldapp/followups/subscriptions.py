"""Private calendar addresses: made, found again by their token, taken back. Only the token's SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from fieldapp import audit
from fieldapp.accounts import Person, Role, Team, User
from fieldapp.accounts.queries import led_teams
from fieldapp.db import fetch, run
from fieldapp.followups.models import CalendarFeed

LONGEST_TOKEN = 64  # ours have 43 characters, 256 random bits


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_OPEN = (
    sa.select(CalendarFeed.id, CalendarFeed.created_at)
    .where(CalendarFeed.user_id == sa.bindparam("person"), CalendarFeed.revoked_at.is_(None))
    .order_by(CalendarFeed.id.desc())
    .limit(1)
)
_OWNER = (
    sa.select(
        User.id,
        User.username,
        User.name,
        User.role,
        User.team_id,
        User.language,
        User.theme,
        User.text_size,
        Team.name.label("team_name"),
    )
    .join(CalendarFeed, CalendarFeed.user_id == User.id)
    .outerjoin(Team, Team.id == User.team_id)
    .where(
        CalendarFeed.token_hash == sa.bindparam("token_hash"),
        CalendarFeed.revoked_at.is_(None),
        User.active,
        User.role.in_((Role.OFFICER, Role.LEAD)),
    )
)


def current(person: Person) -> Any | None:
    """The row (id, created_at) of this person's calendar address, or None."""
    return next(iter(fetch(_OPEN, {"person": person.id})), None)


def renew(person: Person, at: datetime) -> str:
    """A new address; the one before stops working. Returns its token, which is stored nowhere."""
    _end(person, at)
    token = secrets.token_urlsafe(32)
    run(
        sa.insert(CalendarFeed.__table__),
        {"user_id": person.id, "token_hash": _hash(token), "created_at": at, "revoked_at": None},
    )
    audit.record("calendar_opened", f"user:{person.id}", actor=person)
    return token


def revoke(person: Person, at: datetime) -> None:
    """No address of this person's works any longer."""
    if _end(person, at):
        audit.record("calendar_closed", f"user:{person.id}", actor=person)


def _end(person: Person, at: datetime) -> int:
    ended = run(
        sa.update(CalendarFeed)
        .where(CalendarFeed.user_id == person.id, CalendarFeed.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    return int(ended.rowcount)


def owner_of(token: str) -> Person | None:
    """Who this token's calendar belongs to; None when it is wrong or taken back, or its owner is not at work."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    row = next(iter(fetch(_OWNER, {"token_hash": _hash(token)})), None)
    if row is None:
        return None
    return Person(
        id=row.id,
        username=row.username,
        name=row.name,
        role=row.role,
        team_id=row.team_id,
        team_name=row.team_name or "",
        led_team_ids=tuple(sorted(led_teams(row.id))) if row.role is Role.LEAD else (),
        language=row.language,
        theme=row.theme,
        text_size=row.text_size,
        must_change_password=False,
        session_id=0,  # a calendar has no session: it reads this one list and nothing else
        csrf_seed=b"",
    )
