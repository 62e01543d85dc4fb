"""Failed sign-ins slow down by doubling: per account, per address, and per account at a known address.

A colleague behind the same office address is never locked out: an account that has signed in from that address
before has a counter of its own there, which strangers' tries on the account or at the address do not touch.
Counters live in the database, so a restart forgives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session as DbSession

from fieldapp.accounts.models import Session, Throttle
from fieldapp.guards import address_hash


@dataclass(frozen=True)
class Limit:
    """Free tries, then a delay that doubles from `first` up to `most` seconds."""

    key: str
    free: int
    first: int
    most: int


def delay(failures: int, limit: Limit) -> int:
    """Seconds to wait after so many failures in a row."""
    beyond = failures - limit.free
    return 0 if beyond < 0 else min(limit.first * 2 ** min(beyond, 20), limit.most)


def limits_for(session: DbSession, username: str, user_id: int | None, address: str) -> list[Limit]:
    """Which counters speak for this try."""
    config = current_app.config
    account = address_hash(f"account:{username}")
    place = address_hash(address)
    known = user_id is not None and session.execute(
        sa.select(Session.id).where(Session.user_id == user_id, Session.address == place).limit(1)
    ).first()
    account_limit = (config["SIGNIN_FREE_TRIES"], config["SIGNIN_FIRST_DELAY"], config["SIGNIN_ACCOUNT_DELAY_MAX"])
    if known:
        return [Limit(f"pair:{account}:{place}"[:80], *account_limit)]
    return [
        Limit(f"account:{account}", *account_limit),
        Limit(f"address:{place}", config["SIGNIN_ADDRESS_FREE_TRIES"], config["SIGNIN_FIRST_DELAY"], config["SIGNIN_ADDRESS_DELAY_MAX"]),
    ]


def reserve(session: DbSession, limits: list[Limit], moment: datetime) -> int:
    """Seconds still to wait, or 0 and the try is counted as failed beforehand.

    Counting before the slow verification closes the gap through which parallel tries would all be free; a success
    takes it back with `forgive`. Runs in a transaction of its own.
    """
    keys = [limit.key for limit in limits]
    forget_before = moment - timedelta(seconds=current_app.config["SIGNIN_FORGET_AFTER"])
    query = sa.select(Throttle).where(Throttle.key.in_(keys)).order_by(Throttle.key).with_for_update()
    rows = {row.key: row for row in session.scalars(query)}
    wait = 0
    for limit in limits:
        row = rows.get(limit.key)
        if row is not None and row.last_failed_at > forget_before:
            ready = row.last_failed_at + timedelta(seconds=delay(row.failures, limit))
            wait = max(wait, -int((moment - ready).total_seconds() // 1))
    if wait > 0:
        return wait
    insert = pg_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    for key in sorted(keys):
        fresh = insert(Throttle).values(key=key, failures=1, last_failed_at=moment)
        again = sa.case((Throttle.last_failed_at > forget_before, Throttle.failures + 1), else_=1)
        session.execute(fresh.on_conflict_do_update(index_elements=["key"], set_={"failures": again, "last_failed_at": moment}))
    return 0


def forgive(session: DbSession, limits: list[Limit]) -> None:
    """A success: the account's own counters start anew; the address gets this one try back."""
    own = [limit.key for limit in limits if not limit.key.startswith("address:")]
    session.execute(sa.delete(Throttle).where(Throttle.key.in_(own)))
    for limit in limits:
        if limit.key.startswith("address:"):
            session.execute(
                sa.update(Throttle).where(Throttle.key == limit.key, Throttle.failures > 0).values(failures=Throttle.failures - 1)
            )
