"""Connections to a database server, and statements in the driver's words."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from fieldapp import clock, statements
from fieldapp import db as database
from fieldapp.accounts.models import User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, fetch, run, writing
from fieldapp.notices.actions import tell, tell_all
from fieldapp.notices.models import Notification


def test_connections_that_died_while_resting_are_replaced(app, zhao, monkeypatch):
    """As after a restart of the server. SQLite has nobody who could hang up."""
    assert zhao.get("/enterprises").status_code == 200
    if db.engine.dialect.name == "postgresql":
        other = sa.create_engine(app.config["DATABASE_URL"])
        with other.connect() as connection:
            ended = connection.execute(
                sa.text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            ).scalar_one()
        other.dispose()
        assert ended >= 1
    monkeypatch.setattr(database, "MAY_REST", 0.0)
    assert zhao.get("/enterprises").status_code == 200


_EVENT = sa.insert(AuditEvent.__table__)
_EVENTS = (
    sa.select(AuditEvent.subject, AuditEvent.detail, AuditEvent.actor_id)
    .where(AuditEvent.action == sa.bindparam("action"))
    .order_by(AuditEvent.id)
)


@pytest.mark.parametrize("count", [1, 2, 3, statements.MOST_ROWS, statements.MOST_ROWS + 1, 60])
def test_many_rows_in_one_statement_are_those_rows_in_that_order(app, city, count):
    """Whatever is in them, however many there are, the first time and once the statement is known."""
    for turn in ("first", "known", "again"):
        rows = [
            {
                "at": clock.now(),
                "actor_id": None if n % 3 else n,
                "actor_name": "",
                "action": f"{turn}{count}",
                "subject": f"$1 %s ? '引号' {n}",
                "outcome": "done",
                "detail": {"n": n, "words": "'); DROP TABLE need; --"},
                "address": "",
                "request_id": "",
            }
            for n in range(count)
        ]
        with app.test_request_context(), writing():
            run(_EVENT, rows)
            db.session.commit()
            found = fetch(_EVENTS, {"action": f"{turn}{count}"})
            told = [(one.subject, one.detail, one.actor_id) for one in found]
        assert told == [(row["subject"], row["detail"], row["actor_id"]) for row in rows]


def test_of_many_who_are_told_those_who_knew_are_not_told_again(app, city):
    """One statement for all of them, and what it gives back is of the new ones alone."""
    with app.test_request_context(), writing():
        people = list(db.session.scalars(sa.select(User.id).order_by(User.id).limit(4)))
        more = {"enterprise": "华星", "title": "涂层"}
        for turn in ("a", "b", "c"):
            assert tell(people[1], "order_placed", clock.now(), key=turn, **more)
            assert not tell(people[1], "order_placed", clock.now(), key=turn, **more)
            assert tell_all([*people, people[0]], "order_placed", clock.now(), key=turn, **more) == 3
            assert tell_all(people, "order_placed", clock.now(), key=turn, **more) == 0
            assert tell_all([], "order_placed", clock.now(), key=turn, **more) == 0
        assert tell_all(people, "order_placed", clock.now(), **more) == 4, (
            "without a key it is told each time"
        )
        db.session.commit()
        kept = db.session.execute(
            sa.select(Notification.user_id, sa.func.count()).group_by(Notification.user_id)
        ).all()
    assert {number for _person, number in kept} == {4} and len(kept) == 4
