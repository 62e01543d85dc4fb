"""Connections to a database server, and statements in the driver's words."""

from __future__ import annotations

import sqlite3
import time
import urllib.request
from contextlib import closing

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from fieldapp import clock, statements
from fieldapp import db as database
from fieldapp.accounts.models import User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, fetch, run, together, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.notices.actions import tell, tell_all
from fieldapp.notices.models import Notification
from fieldapp.visits.models import Visit, VisitStatus, VisitWay, visit_companion
from tests.tools import server


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


# Writes that are told together.

_VISIT = sa.insert(Visit.__table__)
_COMPANIONS = sa.insert(visit_companion)
_TOUCH = (
    sa.update(Enterprise.__table__)
    .where(Enterprise.__table__.c.id == sa.bindparam("which", type_=sa.Integer))
    .values(address=sa.bindparam("address"))
)
_SAID = sa.select(Visit.said).where(Visit.id == sa.bindparam("visit", type_=Visit.id.type))


def _visit(city, **more):
    now = clock.now()
    return {
        "id": uuid7(), "enterprise_id": city.huaxing.id, "officer_id": 1, "status": VisitStatus.RECORDED,
        "arrived_at": now, "way": VisitWay.ON_SITE, "purposes": ["NEEDS"], "said": "$1 %s ? '引号'",
        "created_at": now, "updated_at": now, **more,
    }  # fmt: skip


@pytest.fixture
def sent(app, monkeypatch):
    """Texts that PostgreSQL is sent by statements.py."""
    texts: list[str] = []
    plain = psycopg.RawCursor.execute

    def execute(self, query, *args, **kwargs):
        texts.append(query)
        return plain(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.RawCursor, "execute", execute)
    return texts


def test_what_is_written_together_is_there_at_the_end_of_it(app, city, sent):
    """A row and those that refer to it, several in one statement among them, and a change, at once from the second time
    on."""
    people = [2, 3]
    for turn in range(3):
        row = _visit(city)
        with app.test_request_context(), writing():
            sent.clear()
            with together():
                run(_VISIT, row)
                run(_COMPANIONS, [{"visit_id": row["id"], "officer_id": one} for one in people])
                run(_TOUCH, {"which": city.huaxing.id, "address": f"路{turn}号"})
                assert not sent
            if app.config["DATABASE_URL"].startswith("postgresql") and turn == 2:
                assert len(sent) == 1 and sent[0].startswith("WITH part_0 AS (INSERT INTO visit ")
            db.session.commit()
            assert fetch(_SAID, {"visit": row["id"]})[0].said == row["said"]
            companions = sa.select(visit_companion.c.officer_id).where(
                visit_companion.c.visit_id == row["id"]
            )
            assert sorted(db.session.scalars(companions)) == people
            assert db.session.get(Enterprise, city.huaxing.id).address == f"路{turn}号"
            db.session.rollback()
            db.session.expire_all()


@pytest.mark.parametrize("reader", ["fetch", "mapper"])
def test_who_reads_between_writes_sees_those_before(app, city, reader):
    with app.test_request_context(), writing():
        row = _visit(city)
        with together():
            run(_VISIT, row)
            if reader == "fetch":
                assert fetch(_SAID, {"visit": row["id"]})[0].said == row["said"]
            else:
                assert db.session.get(Visit, row["id"]).said == row["said"]
            run(_TOUCH, {"which": city.huaxing.id, "address": "后来"})
        db.session.commit()
        assert (
            db.session.scalar(sa.select(Enterprise.address).where(Enterprise.id == city.huaxing.id)) == "后来"
        )


def test_one_wrong_write_among_them_is_told_at_the_end_and_nothing_is_kept(app, city):
    for _turn in range(3):
        row = _visit(city)
        with app.test_request_context(), writing():
            with pytest.raises(IntegrityError), together():
                run(_VISIT, row)
                run(_COMPANIONS, {"visit_id": row["id"], "officer_id": 987_654})
            db.session.rollback()
            assert not fetch(_SAID, {"visit": row["id"]})
    with app.test_request_context(), writing():
        with pytest.raises(ZeroDivisionError), together():
            run(_VISIT, row)
            raise ZeroDivisionError
        assert not fetch(_SAID, {"visit": row["id"]}), "what was begun and given up is not carried out later"
        db.session.rollback()


def test_nobody_may_ask_what_became_of_a_write_that_waits(app, city):
    with app.test_request_context(), writing():
        with together():
            outcome = run(_TOUCH, {"which": city.huaxing.id, "address": "路1号"})
            for name in ("rowcount", "first", "all", "scalar"):
                with pytest.raises(RuntimeError, match="not been carried out"):
                    getattr(outcome, name)
            assert (
                run(sa.select(Enterprise.address).where(Enterprise.id == city.huaxing.id)).scalar() == "路1号"
            )
        db.session.rollback()


def test_what_comes_together_seldom_is_not_kept_by_postgresql(app, city, monkeypatch):
    """Each shape would be one more statement to keep, and push a page's out."""
    kept = []
    plain = psycopg.RawCursor.execute

    def execute(self, query, *args, **kwargs):
        if query.startswith("WITH part_0"):
            kept.append(kwargs.get("prepare"))
        return plain(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.RawCursor, "execute", execute)
    statements._told.clear()
    with app.test_request_context(), writing():
        for turn in range(statements.OFTEN + 2):
            with together():
                run(_VISIT, _visit(city, next_contact_on=None))
                run(_TOUCH, {"which": city.huaxing.id, "address": f"路{turn}号"})
        db.session.rollback()
    if app.config["DATABASE_URL"].startswith("postgresql"):
        seldom = statements.OFTEN - 1
        assert kept[:seldom] == [False] * seldom and kept[seldom:] and all(kept[seldom:])
    else:
        assert not kept


def test_a_server_that_rests_holds_no_transaction(app, city, database, tmp_path):
    """One that it had opened as it began would be as old as the server: SQLite could never empty its journal again (some
    200 KB a visit, and every reading through all of it), PostgreSQL never clear away what was replaced."""
    db.session.remove()
    db.engine.dispose()
    here = server.start(database.url, instance=tmp_path)
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert opener.open(f"http://127.0.0.1:{here.port}/login").status == 200
        until = time.monotonic() + 20  # what its jobs write is over in a moment
        while (held := _held(database)) and time.monotonic() < until:
            time.sleep(0.2)
        assert not held
    finally:
        here.stop()


def _held(database) -> str:
    """What keeps the database from putting things in order."""
    if database.name == "sqlite":
        with closing(sqlite3.connect(database.url.removeprefix("sqlite:///"), timeout=1)) as connection:
            connection.execute("UPDATE team SET version = version + 1")
            connection.commit()
            busy, left, moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return f"a reader: {left} pages, {moved} moved" if busy else ""
    engine = sa.create_engine(database.url, poolclass=sa.NullPool)
    query = sa.text(
        "SELECT string_agg(state || ': ' || query, '; ') FROM pg_stat_activity WHERE xact_start IS NOT NULL"
        " AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar() or ""
