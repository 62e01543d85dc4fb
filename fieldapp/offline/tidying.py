"""`flask --app wsgi tidy`: what has served its time goes. Once a night; see docs/deployment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session as DbSession

from fieldapp.accounts.models import Session, Throttle
from fieldapp.clock import now
from fieldapp.db import db, own_transaction, writing
from fieldapp.entries.models import Entry, LateEntry, LateFile
from fieldapp.imports.models import BatchState, ImportBatch, ImportRow
from fieldapp.notices.models import Delivery, DeliveryState
from fieldapp.offline.models import Phone
from fieldapp.orders.actions import forget_acts, forget_callers
from fieldapp.visits.models import VisitCode

# Rows in one transaction: a phone that sends something meanwhile waits for milliseconds.
CHUNK = 500
# A phone that said it held something and was never heard of again: somebody may still ask for it.
LOST_PHONE = timedelta(days=400)


@click.command("tidy")
@with_appcontext
def tidy_command() -> None:
    """Delete receipts, sessions and other rows that nobody needs any more; harmless at any time, while people work."""
    for what, number in tidy(now()):
        click.echo(f"{what}: {number}")


def tidy(at: datetime) -> Iterator[tuple[str, int]]:
    """(what, how many went), one kind after the other, each in short transactions of its own."""
    days = {
        name: at - timedelta(days=current_app.config[f"{name}_KEEP_DAYS"])
        for name in ("ENTRY", "SESSION", "IMPORT")
    }
    yield "entries", _delete(Entry, Entry.key, Entry.created_at < days["ENTRY"])
    # What nobody has dealt with yet stays, however old.
    dealt_with = LateEntry.seen_at < days["ENTRY"]
    old = sa.select(LateEntry.id).where(dealt_with)
    _delete(LateFile, LateFile.id, LateFile.late_entry_id.in_(old))
    yield "late bodies", _delete(LateEntry, LateEntry.id, dealt_with)
    # Sessions tell for a while where somebody is at home (accounts.throttle), and a phone why it was signed out.
    last = sa.func.coalesce(Session.ended_at, Session.seen_at)
    yield "sessions", _delete(Session, Session.id, last < days["SESSION"])
    forgotten = at - timedelta(seconds=current_app.config["SIGNIN_FORGET_AFTER"])
    yield "failed sign-ins", _delete(Throttle, Throttle.key, Throttle.last_failed_at < forgotten)
    silent = sa.or_(
        sa.and_(Phone.waiting == 0, Phone.reported_at < days["ENTRY"]), Phone.reported_at < at - LOST_PHONE
    )
    yield "phones", _delete(Phone, Phone.id, silent)
    # An old link is told that it is old for a while; after that it was never known.
    long_over = at - timedelta(days=current_app.config["ENTRY_KEEP_DAYS"])
    yield "visit codes", _delete(VisitCode, VisitCode.id, VisitCode.expires_at < long_over)
    over = Delivery.ended_at < at - timedelta(days=current_app.config["DELIVERY_KEEP_DAYS"])
    unneeded = sa.and_(over, Delivery.state.in_((DeliveryState.SENT, DeliveryState.GIVEN_UP)))
    yield "sent notices", _delete(Delivery, Delivery.id, unneeded)
    yield "import files", sum(_in_chunks(lambda session: _empty_imports(session, days["IMPORT"])))
    with writing():
        db.session.rollback()
        gone, acts = forget_callers(at), forget_acts(at)
        db.session.commit()
    yield "callers of orders", gone
    yield "acts at receipts", acts


def _delete(model: type[Any], key: Any, condition: Any) -> int:
    def some(session: DbSession) -> int:
        ids = session.scalars(sa.select(key).where(condition).limit(CHUNK)).all()
        if ids:
            # Asked again: what came back to life meanwhile (a phone that reported) stays.
            session.execute(sa.delete(model).where(key.in_(ids), condition))
        return len(ids)

    return sum(_in_chunks(some))


def _in_chunks(act: Any) -> Iterator[int]:
    while True:
        with own_transaction() as session:
            number = act(session)
        yield number
        if number < CHUNK:
            return


def _empty_imports(session: DbSession, before: datetime) -> int:
    """The uploaded files, not what was made of them. An upload that nobody confirmed is given up with its rows."""
    batch = ImportBatch.__table__
    old = sa.and_(batch.c.created_at < before, batch.c.content != b"")
    ids = session.scalars(sa.select(batch.c.id).where(old).limit(CHUNK)).all()
    unfinished = (BatchState.UPLOADED, BatchState.CHECKED)
    given_up = session.scalars(
        sa.select(batch.c.id).where(batch.c.id.in_(ids), batch.c.state.in_(unfinished))
    ).all()
    session.execute(sa.delete(ImportRow).where(ImportRow.batch_id.in_(given_up)))
    session.execute(
        sa.update(batch).where(batch.c.id.in_(given_up)).values(state=BatchState.WITHDRAWN, counts={})
    )
    session.execute(sa.update(batch).where(batch.c.id.in_(ids)).values(content=b""))
    return len(ids)
