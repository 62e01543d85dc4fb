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


def _kept(app) -> set[str]:
    """The statements that the connection used last has parsed and planned."""
    with db.engine.connect() as connection:
        found = set(connection.execute(sa.text("SELECT statement FROM pg_prepared_statements")).scalars())
        connection.commit()
    return found


PAGES = ("/", "/enterprises", "/follow-ups", "/needs", "/visits", "/me")


def test_a_page_shown_again_is_neither_parsed_nor_planned_again(app, zhao, monkeypatch):
    """PostgreSQL's driver forgets what it has prepared with every ROLLBACK, and a page that only shows something once
    ended in one. Also after a rest, when the connection is asked whether it lives."""
    if db.engine.dialect.name == "sqlite":
        return  # its statements are prepared anew each time, by itself, in microseconds
    for _turn in range(7):
        for page in PAGES:
            assert zhao.get(page).status_code == 200
    kept = _kept(app)
    assert len(kept) > len(PAGES) and any('FROM session JOIN "user"' in statement for statement in kept)
    monkeypatch.setattr(database, "MAY_REST", 0.0)
    assert zhao.get("/").status_code == 200
    assert kept <= _kept(app)


def test_the_board_is_planned_once_and_what_comes_after_it_as_ever(app, li, city):
    """By itself PostgreSQL would plan the board's longest statements anew each time, for more than they take."""
    if db.engine.dialect.name == "sqlite":
        return  # it plans each statement once anyway
    plans = sa.text(
        "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements WHERE statement LIKE :words"
    )
    for _turn in range(3):
        assert li.get("/lead").status_code == 200
    with db.engine.connect() as connection:
        generic, custom = connection.execute(plans, {"words": "%'came'%'claimed'%"}).one()
        mode = connection.execute(sa.text("SHOW plan_cache_mode")).scalar_one()
        connection.commit()
    assert generic and not custom, "the second and third time; the first goes SQLAlchemy's way"
    assert mode == "auto"


def test_a_statement_planned_once_that_fails_leaves_its_connection_as_ever(app, city):
    if db.engine.dialect.name == "sqlite":
        return
    fails = sa.select(sa.literal(1) / sa.bindparam("by", type_=sa.Integer)).execution_options(
        planned_once=True
    )
    with app.test_request_context():
        for divisor in (1, 1):
            fetch(fails, {"by": divisor})
        with pytest.raises(sa.exc.DataError):
            fetch(fails, {"by": 0})
        assert fetch(sa.text("SHOW plan_cache_mode"))[0][0] == "auto"
        db.session.rollback()


@pytest.mark.parametrize("how", ["plainly", "fetched", "by the mapper"])
def test_what_a_page_writes_by_mistake_is_not_kept(app, city, zhao, monkeypatch, how):
    """A page that only shows something takes each statement by itself; what would write finds a transaction all the
    same: PostgreSQL lets it read only, SQLite takes it back."""
    event = {
        "at": clock.now(),
        "actor_name": "",
        "subject": "",
        "outcome": "done",
        "detail": {},
        "address": "",
    }

    def wrong(*_given):
        fetch(_EVENTS, {"action": "by_mistake"})
        if how == "plainly":
            run(_EVENT, event | {"action": "by_mistake", "actor_id": None, "request_id": ""})
        elif how == "fetched":
            fetch(sa.update(User).values(name="谁").returning(User.id))
        else:
            db.session.execute(sa.update(User).values(name="谁"))
        return 0

    monkeypatch.setattr("fieldapp.desk.routes.visited_by", wrong)
    assert zhao.get("/").status_code == (200 if db.engine.dialect.name == "sqlite" else 500)
    assert not fetch(_EVENTS, {"action": "by_mistake"})
    assert "谁" not in set(db.session.scalars(sa.select(User.name)))
    monkeypatch.undo()
    assert zhao.get("/").status_code == 200


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
