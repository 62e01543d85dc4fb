"""Signing in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fieldapp import audit
from fieldapp.accounts import passwords, sessions, throttle
from fieldapp.accounts.models import Role, User
from fieldapp.clock import now
from fieldapp.db import db, own_transaction, reading
from fieldapp.languages import _


@dataclass(frozen=True)
class SignedIn:
    token: str
    role: Role


@dataclass(frozen=True)
class TurnedAway:
    """`status` 401 or 429; `wait` in seconds; the sentence says nothing about whether the account exists."""

    status: int
    sentence: str
    wait: int = 0


def sign_in(username: str, password: str, address: str) -> SignedIn | TurnedAway:
    """Check a password in three short steps, so that no lock is held while argon2 works."""
    username = username.strip().lower()
    with reading() as session:
        found = session.execute(
            sa.select(User.id, User.password_hash, User.active).where(User.username == username)
        ).first()
        limits = throttle.limits_for(session, username, found.id if found else None, address)
    # Nothing of this request may hold the write lock while the try is counted and the hash computed.
    db.session.rollback()
    with own_transaction() as session:
        wait = throttle.reserve(session, limits, now())
    if wait:
        audit.record("sign_in_throttled", f"user:{found.id}" if found else "", survives=True, wait=wait)
        return TurnedAway(429, _("试得太频繁了，请等 %(wait)s 秒再试。", wait=wait), wait)
    right = passwords.matches(found.password_hash if found else None, password)
    if not right or not found.active:
        audit.record("sign_in_failed", f"user:{found.id}" if found else "", survives=True)
        return TurnedAway(401, _("账号或密码不对。请检查大小写后再试。"))
    throttle.forgive(db.session(), limits)
    user = db.session.get_one(User, found.id)
    if passwords.outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    token = sessions.open_session(user, now())
    db.session.flush()
    audit.record("signed_in", f"user:{user.id}", actor=user)
    return SignedIn(token, user.role)


def sign_out(person: Any) -> None:
    sessions.end_sessions(person.id, only=person.session_id)
    audit.record("signed_out", f"user:{person.id}")
