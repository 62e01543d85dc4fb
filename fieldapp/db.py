"""The database: one declarative base, one naming convention, and the one place where requests commit.

SQLite is the embedded default (WAL, synchronous=FULL, foreign keys, BEGIN IMMEDIATE in every writing
transaction); PostgreSQL is what it grows onto. `DATABASE_URL` is all that changes.
"""

from __future__ import annotations

import enum
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from flask import Flask, Response, g, has_request_context, request
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import event, orm
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import Pool
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator

from fieldapp import here, statements
from fieldapp.settings import ROOT

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


UNZONED = len("2026-11-23 15:02:00.000000")  # characters of a moment as SQLite keeps it


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC. SQLite has no zones, so there it is kept as naive UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], Any] | None:
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)

        def written(value: datetime | None) -> str | None:
            if value is None:
                return None
            if value.tzinfo is not UTC:
                value = cast(datetime, self.process_bind_param(value, dialect))
            return value.isoformat(" ", "microseconds")[:UNZONED]

        return written

    def result_processor(
        self, dialect: sa.Dialect, coltype: object
    ) -> Callable[[Any], datetime | None] | None:
        if dialect.name != "sqlite":
            return super().result_processor(dialect, coltype)
        return lambda text: None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


class Base(orm.DeclarativeBase):
    registry = orm.registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime(), dict[str, Any]: sa.JSON(), list[str]: sa.JSON()},
    )


class _Session(Session):
    """The mapper's session, in the transaction that the request has begun, where it has begun one."""

    apart = False  # in a transaction of its own, begun outside of any request

    def get_bind(self, *wanted: Any, **more: Any) -> Any:
        _tell()
        if self.apart or not has_request_context():
            self.apart = True
            return super().get_bind(*wanted, **more)
        own = _connection()
        _hold_together(own)
        return own

    def commit(self) -> None:
        _tell_last()
        super().commit()
        self.apart = False
        _end_own(kept=True)

    def rollback(self) -> None:
        _forget_last()
        super().rollback()
        self.apart = False
        _end_own(kept=False)

    def close(self) -> None:
        super().close()
        self.apart = False


db = SQLAlchemy(
    model_class=Base,
    session_options={
        "class_": _Session,
        "expire_on_commit": False,
        "join_transaction_mode": "control_fully",
    },
)
migrate = Migrate(render_as_batch=True, compare_type=True)


@cache
def known_revisions() -> list[str]:
    """The migrations that this code knows, oldest first, by the number that begins a file's name."""
    files = (ROOT / "migrations" / "versions").glob("[0-9]*.py")
    return sorted(file.name.partition("_")[0] for file in files)


# True while the present thread is in a transaction that is going to write.
_writing: ContextVar[bool] = ContextVar("writing", default=False)

# Seconds for which a pooled connection is trusted unasked.
MAY_REST = 1.0

# Statements that a PostgreSQL connection keeps parsed and planned. Its driver forgets all of them with every ROLLBACK
# that ends a transaction, so what only reads ends in none: see `_each_by_itself`, `reading`.
MOST_PREPARED = 250

WRITE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Compilations:
    """A connection's `compiled_cache` that knows a statement built once by its identity.

    SQLAlchemy finds what it has compiled by a key that holds every part of the statement, and hashes that key at every
    execution: for the longest ones this takes as long as the database does. A statement that is kept has one key object
    for ever. Those built anew each time are found by value, as ever.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_value: Any = sa.util.LRUCache(size)
        self._by_identity: dict[tuple[Any, ...], tuple[Any, Any]] = {}

    def get(self, key: tuple[Any, ...]) -> Any:
        dialect, parts, names, mapped, many = key
        at = (dialect, id(parts), names, mapped, many)
        known = self._by_identity.get(at)
        if known is not None:
            return known[1]
        compiled = self._by_value.get(key)
        if compiled is not None:
            if len(self._by_identity) >= self._size:
                self._by_identity.clear()
            # Kept with it, so nobody else gets that identity.
            self._by_identity[at] = (parts, compiled)
        return compiled

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        self._by_value[key] = compiled


def named(kind: type[enum.Enum], length: int = 24) -> sa.Enum:
    """A column that stores a state by its name and gives it back as the enum."""
    return sa.Enum(kind, native_enum=False, length=length, validate_strings=True)


def only_where(condition: str) -> dict[str, Any]:
    """Of an index that holds the rows of this condition alone. Whoever asks for a value (=, <, IN) asks for one that is
    NOT NULL, so both planners know that they may use it."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def one_of(column: Any, values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """`column IN (…)` with constants, for statements that are built once.

    Written out one by one: for a plain tuple SQLAlchemy writes the whole statement anew at every execution.
    """
    condition: sa.ColumnElement[bool] = column.in_([sa.literal(value, column.type) for value in values])
    return condition


class last_asked(GenericFunction[bool]):
    """A condition that is no way in. SQLite, without statistics, would take the scope for one and walk everything the
    teams' enterprises ever had; PostgreSQL knows better, and is only misled by a CASE whose share it has to guess."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(last_asked)
def _plain(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"({compiler.process(element.clauses, **kwargs)})"


@compiles(last_asked, "sqlite")
def _hidden(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"CASE WHEN ({compiler.process(element.clauses, **kwargs)}) THEN 1 ELSE 0 END"


@event.listens_for(Engine, "connect")
def _prepare(connection: Any, _record: Any) -> None:
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        # What a page asks takes milliseconds; helpers and compilers that PostgreSQL would call in take tens of them.
        connection.execute("SET max_parallel_workers_per_gather = 0")
        connection.execute("SET jit = off")
        connection.commit()
        connection.prepared_max = MOST_PREPARED
        connection.prepare_threshold = sys.maxsize  # what statements.py keeps is prepared, nothing else
        return
    connection.isolation_level = None  # transactions are begun by SqliteDialect, not by the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=20000",
        "cache_size=-16000",
        "wal_autocheckpoint=4000",  # 16 MB: a page that many visits write to is copied once for all of them
        "mmap_size=2147418112",  # pages beyond that cache are read where the system keeps them, not copied
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Pool, "checkin")
def _note_rest(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


@event.listens_for(Pool, "checkout")
def _ask_whether_it_lives(connection: Any, record: Any, _proxy: Any) -> None:
    """A server's connection that has rested is asked first: the server may have been restarted meanwhile.

    As `pool_pre_ping` would, but that asks before every single request, which costs as much as two queries.
    """
    rested = time.monotonic() - record.info.get("rests_since", math.inf)
    if rested < MAY_REST or type(connection).__module__.partition(".")[0] == "sqlite3":
        return
    try:
        connection.execute("SELECT 1")
        connection.commit()
    except Exception as error:
        raise sa.exc.DisconnectionError from error  # the pool opens another


class SqliteDialect(SQLiteDialect_pysqlite):
    """SQLite whose transactions the app begins itself.

    As the dialect's own step, not as a listener to "begin": a single listener to what connections do makes SQLAlchemy
    look for listeners several times at every statement, a sixth of a page's processor time.
    """

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        # A deferred transaction that turns writer later can fail with "database is locked"; IMMEDIATE waits instead.
        dbapi_connection.execute("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")


# For every engine of this process, however it is made: `sqlite://` stays the address.
registry.register("sqlite", __name__, SqliteDialect.__name__)


def _own_connection() -> sa.Connection | None:
    """The connection that this request took for itself, while a transaction is open on it."""
    own: sa.Connection | None = g.get("connection") if has_request_context() else None
    return own if own is not None and own.in_transaction() else None


def _end_own(*, kept: bool) -> None:
    own = _own_connection()
    if own is not None:
        own.commit() if kept else own.rollback()


def _connection() -> sa.Connection:
    """The connection of this request's transaction.

    Most requests never ask the mapper for anything, so it is taken past the mapper's session, whose part in beginning
    and ending a transaction costs as much as three queries. A session that is asked later joins in, see _Session.
    """
    _tell()
    if not has_request_context():
        return db.session.connection()
    noted = here.notes()
    own: sa.Connection | None = noted.get("connection")
    if own is not None and own.in_transaction():
        return own
    if db.session.registry.has() and cast(_Session, db.session()).apart:
        return db.session.connection()
    if own is None or own.closed:
        own = noted.connection = db.engine.connect()
    own.begin()
    _stop_reading(own) if _writing.get() else _each_by_itself(own)
    return own


def _driver(connection: sa.Connection) -> psycopg.Connection[Any] | None:
    """PostgreSQL's, while it lives."""
    if connection.dialect.name != "postgresql" or connection.closed or connection.invalidated:
        return None
    driver: Any = connection.connection.dbapi_connection
    return None if driver.closed else driver


def _each_by_itself(connection: sa.Connection) -> None:
    """What only reads takes each statement by itself on PostgreSQL: READ COMMITTED sees no more in a transaction, and
    none has to be begun and ended."""
    driver = _driver(connection)
    if driver is not None:
        driver.autocommit = True


def _hold_together(connection: sa.Connection) -> None:
    """What may write, or reads in pieces, is in a transaction nevertheless: one that PostgreSQL lets read only."""
    driver = _driver(connection)
    if driver is not None and driver.autocommit:
        driver.autocommit = False
        driver.read_only = True


def _stop_reading(connection: sa.Connection) -> None:
    """As it came from the pool; no ROLLBACK follows where nothing can have been written, see MOST_PREPARED."""
    driver = _driver(connection)
    if driver is not None and (driver.autocommit or driver.read_only):
        driver.commit()
        driver.autocommit = False
        driver.read_only = None


def fetch(statement: sa.Executable, values: dict[str, Any] | None = None) -> Sequence[sa.Row[Any]]:
    """Rows of columns (not objects) in this request's transaction: what pages that only show something read.

    Together with statements that are built once (`functools.cache`, named bind parameters) this takes about a
    tenth of the processor time of building and running the same query through the ORM.
    """
    connection = _connection()
    if getattr(statement, "is_dml", False):  # … RETURNING
        _hold_together(connection)
    rows: Sequence[sa.Row[Any]] = statements.execute(connection, statement, values or {}).all()
    return rows


def run(
    statement: sa.Executable, values: dict[str, Any] | list[dict[str, Any]] | None = None
) -> statements.Outcome:
    """A plain INSERT or UPDATE in this request's transaction, past the ORM: for rows nobody reads back here."""
    together = _together.get()
    if (
        together is not None
        and getattr(statement, "is_dml", False)
        and not getattr(statement, "_returning", ())
    ):
        together.append((statement, values or {}))
        return statements.LATER
    connection = _connection()
    _hold_together(connection)
    outcome: statements.Outcome = statements.execute(connection, statement, values or {})
    return outcome


# Statements that wait for those that come with them, see `together`.
_together: ContextVar[list[tuple[sa.Executable, Any]] | None] = ContextVar("together", default=None)


class together:
    """With this, what `run` is given inside is told to the database in one, see statements.execute_all, at the end of
    the block or when something is read: there, too, is raised what is wrong with it. Nobody asks for an outcome."""

    _token: Token[list[tuple[sa.Executable, Any]] | None] | None = None  # None inside of another one

    def __enter__(self) -> None:
        if _together.get() is None:
            self._token = _together.set([])

    def __exit__(self, kind: object, *_error: object) -> None:
        if self._token is not None:
            try:
                if kind is None:
                    _tell()
            finally:
                _together.reset(self._token)


def _tell() -> None:
    waiting = _together.get()
    if waiting:
        writes = waiting.copy()
        waiting.clear()
        connection = _connection()
        _hold_together(connection)
        statements.execute_all(connection, writes)


def run_last(statement: sa.Executable, values: dict[str, Any]) -> None:
    """Carry out what every request writes just before it commits, all rows of one statement at once and all of them
    together; what is undone until then takes it along. Whatever is wrong with it is an error of ours."""
    if has_request_context():
        here.notes().setdefault("run_last", {}).setdefault(statement, []).append(values)
    else:
        run(statement, values)


def _tell_last() -> None:
    last = _forget_last()
    if last:
        with together():
            for statement, rows in last.items():
                run(statement, rows)


def _forget_last() -> dict[sa.Executable, list[dict[str, Any]]]:
    return g.pop("run_last", {}) if has_request_context() else {}


@contextmanager
def writing() -> Iterator[None]:
    """Transactions begun inside take SQLite's write lock at once."""
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


@contextmanager
def own_transaction() -> Iterator[orm.Session]:
    """A short transaction beside the request's own, committed at the end: counters that must survive a refusal.

    Never open one while the request's own transaction already writes: on SQLite the two would wait for each other.
    """
    with writing(), orm.Session(db.engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading() -> Iterator[orm.Session]:
    """A short read beside the request's transaction, holding no lock while something slow goes on afterwards."""
    alone = _own_connection() is None
    token = _writing.set(False)
    try:
        with orm.Session(db.engine, expire_on_commit=False) as session:
            yield session
            session.commit()  # there is nothing to undo, see MOST_PREPARED
    finally:
        _writing.reset(token)
        if alone and _writing.get() and _own_connection() is not None:
            undo()  # what the request read meanwhile: what it writes is not to stand on that


def keep_if_refused(write: Callable[[orm.Session], None]) -> None:
    """Run `write` in a transaction of its own after this request has been rolled back.

    What happened in a refused request (a failed sign-in, a forbidden act) must be told by the audit trail although
    everything else is undone. Dropped when the request succeeds.
    """
    g.setdefault("kept_if_refused", []).append(write)


def afterwards(write: Callable[[orm.Session], None]) -> None:
    """Run `write` in a transaction of its own when this request's transaction is over, however it ended.

    For what no page may wait for or fail by: when a session was last seen.
    """
    g.setdefault("afterwards", []).append(write)


def begin_writing() -> None:
    """From here on this request's transactions write, and take SQLite's write lock at once."""
    noted = here.notes()
    if "writing_token" not in noted:
        undo()  # what has been read so far was read apart
        noted.writing_token = _writing.set(True)


def _end(*, kept: bool) -> None:
    """What is not kept is undone at last when its connection is given back."""
    _tell_last() if kept else _forget_last()
    own = _own_connection()
    if own is not None:
        _stop_reading(own)
    if db.session.registry.has():
        db.session.commit() if kept else db.session.rollback()
    elif kept:
        _end_own(kept=True)


def undo() -> None:
    """Undo and end what this request has begun so far, and hold no connection: what comes next may take its time."""
    _end(kept=False)
    _give_back()


def _give_back() -> None:
    own: sa.Connection | None = g.pop("connection", None)
    if own is not None:
        _stop_reading(own)
        own.close()


def end_transaction(response: Response) -> Response:
    """The one place where requests commit: a write answered below 400 commits, everything else rolls back."""
    later = g.pop("afterwards", [])
    kept = request.method in WRITE_METHODS and response.status_code < 400
    _end(kept=kept)
    _give_back()
    if not kept:
        later += g.pop("kept_if_refused", [])
    if later:
        with own_transaction() as session:
            for write in later:
                write(session)
    return response


def init(app: Flask) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = app.config["DATABASE_URL"]
    options: dict[str, Any] = {
        # The connection used last has the warmest caches; the others may rest.
        "pool_use_lifo": True,
        "pool_size": app.config["SERVER_THREADS"],
        "execution_options": {"compiled_cache": Compilations(1500)},
    }
    if app.config["DATABASE_URL"].endswith(("://", ":memory:")):
        options = {}  # a database in memory has one connection and no pool
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", options)
    db.init_app(app)
    migrate.init_app(app, db, directory="migrations")

    @app.before_request
    def _take_the_body_first() -> None:
        """A slow upload must not hold the write lock: read the whole body before the first statement."""
        asked = here.request()
        if asked.method in WRITE_METHODS:
            asked.form  # noqa: B018  (parsing has the side effect that counts)
            if not g.get("writes_later", False):
                begin_writing()

    @app.teardown_request
    def _stop_writing(_error: BaseException | None) -> None:
        noted = here.notes()
        if "connection" in noted:
            undo()
        token = noted.pop("writing_token", None)
        if token is not None:
            _writing.reset(token)
