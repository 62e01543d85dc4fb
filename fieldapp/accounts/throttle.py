"""Failed sign-ins slow down by doubling: per account, per address, and per account where it is at home.

A colleague behind the same office address is never locked out: an account that has signed in before, from that
address or with that very browser, has a counter of its own there, which strangers' tries on the account or at the
address do not touch. Newcomers share the address's counter, whose longest wait is short (30 s). Tries that are
turned away unchecked count nowhere, so hammering cannot prolong a wait. Counters live in the database: a restart
forgives nothing. Names that do not exist are counted exactly like those that do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session as DbSession

from fieldapp.accounts.models import Session, Throttle
from fieldapp.guards import address_hash, neighbourhood

NOTE_EVERY = timedelta(minutes=1)
FORGET_AT_ONCE = 50  # old rows thrown away with each try: names that nobody has must not fill the table


@dataclass(frozen=True)
class Limit:
    """Free tries, then a delay that doubles from `first` up to `most` seconds."""

    key: str
    free: int
    first: int
    most: int


@dataclass(frozen=True)
class Verdict:
    """`wait` in seconds, 0 when the try may go on; `worth_noting` when the trail should hear of a refusal."""

    wait: int
    worth_noting: bool = False


def delay(failures: int, limit: Limit) -> int:
    """Seconds to wait after so many failures in a row."""
    beyond = failures - limit.free
    return 0 if beyond < 0 else min(limit.first * 2 ** min(beyond, 20), limit.most)


def _still(row: Throttle, limit: Limit, moment: datetime) -> int:
    """Seconds still to wait for this counter.

    A try that queued for the row while others were counted is older than the last of them: that alone is no wait.
    """
    pause = delay(row.failures, limit) if row.failures else 0
    return ceil((row.last_failed_at + timedelta(seconds=pause) - moment).total_seconds()) if pause else 0


def place_of(address: str) -> str:
    """An address as sessions and counters keep it."""
    return address_hash(neighbourhood(address))


def _account(username: str) -> str:
    return address_hash(f"account:{username}")


def _own(key: str) -> Limit:
    config = current_app.config
    return Limit(
        key, config["SIGNIN_FREE_TRIES"], config["SIGNIN_FIRST_DELAY"], config["SIGNIN_ACCOUNT_DELAY_MAX"]
    )


def limits_for(
    session: DbSession, username: str, user_id: int | None, address: str, browser: bytes | None = None
) -> list[Limit]:
    """Which counters speak for this try. `browser` is the hash of a session cookie still in it, if any."""
    config = current_app.config
    account, place = _account(username), place_of(address)
    if user_id is not None:
        known = sa.select(sa.literal(1)).where(Session.user_id == user_id).limit(1)
        if browser and session.scalar(known.where(Session.token_hash == browser)):
            return [_own(f"home:{account}:{browser.hex()[:32]}")]
        if session.scalar(known.where(Session.address == place)):
            return [_own(f"home:{account}:{place}")]
    return [
        _own(f"account:{account}"),
        Limit(
            f"address:{place}",
            config["SIGNIN_ADDRESS_FREE_TRIES"],
            config["SIGNIN_FIRST_DELAY"],
            config["SIGNIN_ADDRESS_DELAY_MAX"],
        ),
    ]


def password_limits(username: str) -> list[Limit]:
    """For a signed-in person who is asked for the present password: whoever holds the phone may not guess it."""
    return [_own(f"password:{_account(username)}")]


def reserve(session: DbSession, limits: list[Limit], moment: datetime) -> Verdict:
    """Let the try through and count it as failed beforehand, or say how long to wait.

    Counting before the slow verification closes the gap through which parallel tries would all be free; a success
    takes it back with `forgive`. Runs in a transaction of its own.
    """
    keys = sorted(limit.key for limit in limits)
    insert = pg_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    # The rows are made first: a row that is not there cannot be locked, and parallel first tries would all be free.
    blank = [{"key": key, "failures": 0, "last_failed_at": moment} for key in keys]
    session.execute(insert(Throttle).values(blank).on_conflict_do_nothing(index_elements=["key"]))
    query = sa.select(Throttle).where(Throttle.key.in_(keys)).order_by(Throttle.key).with_for_update()
    rows = {row.key: row for row in session.scalars(query)}
    forget_before = moment - timedelta(seconds=current_app.config["SIGNIN_FORGET_AFTER"])
    wait = 0
    for limit in limits:
        row = rows[limit.key]
        if row.last_failed_at <= forget_before:
            row.failures = 0
        wait = max(wait, _still(row, limit, moment))
    if wait > 0:
        worth_noting = False
        for row in rows.values():
            if row.refusal_noted_at is None or moment - row.refusal_noted_at >= NOTE_EVERY:
                row.refusal_noted_at, worth_noting = moment, True
        return Verdict(wait, worth_noting)
    for row in rows.values():
        row.failures += 1
        row.last_failed_at = max(moment, row.last_failed_at)
    session.flush()
    old = sa.select(Throttle.key).where(Throttle.last_failed_at < forget_before).limit(FORGET_AT_ONCE)
    old = old.with_for_update(skip_locked=True)
    session.execute(sa.delete(Throttle).where(Throttle.key.in_(old)))
    return Verdict(0)


def forgive(session: DbSession, limits: list[Limit]) -> None:
    """A success: the account's own counters start anew; the address gets this one try back."""
    own = [limit.key for limit in limits if not limit.key.startswith("address:")]
    session.execute(sa.delete(Throttle).where(Throttle.key.in_(own)))
    for limit in limits:
        if limit.key.startswith("address:"):
            session.execute(
                sa.update(Throttle)
                .where(Throttle.key == limit.key, Throttle.failures > 0)
                .values(failures=Throttle.failures - 1)
            )


def forget(session: DbSession, username: str) -> None:
    """A new password from the admin: whoever forgot the old one need not sit out the waits."""
    account = _account(username)
    session.execute(
        sa.delete(Throttle).where(
            sa.or_(
                Throttle.key.in_([f"account:{account}", f"password:{account}"]),
                Throttle.key.startswith(f"home:{account}:"),
            )
        )
    )


def pending(session: DbSession, limits: list[Limit], moment: datetime) -> int:
    """Seconds still to wait, counting nothing."""
    forget_before = moment - timedelta(seconds=current_app.config["SIGNIN_FORGET_AFTER"])
    wait = 0
    for limit in limits:
        row = session.get(Throttle, limit.key)
        if row is not None and row.last_failed_at > forget_before:
            wait = max(wait, _still(row, limit, moment))
    return wait


def count(session: DbSession, limits: list[Limit], moment: datetime) -> None:
    """One more failure, whatever the wait."""
    insert = pg_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    forget_before = moment - timedelta(seconds=current_app.config["SIGNIN_FORGET_AFTER"])
    for limit in limits:
        fresh = insert(Throttle).values(key=limit.key, failures=1, last_failed_at=moment)
        again = sa.case((Throttle.last_failed_at > forget_before, Throttle.failures + 1), else_=1)
        session.execute(
            fresh.on_conflict_do_update(
                index_elements=["key"], set_={"failures": again, "last_failed_at": moment}
            )
        )


__all__ = [
    "Limit",
    "Verdict",
    "count",
    "delay",
    "forget",
    "forgive",
    "limits_for",
    "password_limits",
    "pending",
    "place_of",
    "reserve",
]
