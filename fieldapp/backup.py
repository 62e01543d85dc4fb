"""`flask backup`, `restore` and `copy-to`: the whole database in one file, taken while people go on working; back
again; and over to another database, which is how a city that began on SQLite goes on with PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.engine import URL, Connection

from fieldapp import clock
from fieldapp.db import db, known_revisions
from fieldapp.settings import ROOT, SettingsError, database_url
from fieldapp.work import lease

# What is there goes, in the transaction that brings the other in. (An older dump does not know all of it.)
_EMPTY = """
DO $$ DECLARE it record; BEGIN
  FOR it IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DROP TABLE public.%I CASCADE', it.name); END LOOP;
  FOR it IN SELECT typname AS name FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace LOOP
    EXECUTE format('DROP TYPE public.%I CASCADE', it.name); END LOOP;
END $$;
"""


class Damaged(click.ClickException):
    """A database file that SQLite itself finds broken."""


def _named(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _sqlite_file(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise click.ClickException("a database in memory cannot be backed up")
    return Path(url.database)


def _postgres(url: URL, *command: str) -> None:
    """Run a PostgreSQL client tool on a database, with everything its address says (host=, sslmode=). The password
    travels in the environment, not on the command line."""
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    plain = url._replace(drivername="postgresql", password=None).render_as_string()
    _run(*command, "--dbname", plain, environment=environment)


def _run(*command: str, environment: Any = None) -> None:
    try:
        subprocess.run(command, env=environment, check=True)  # noqa: S603
    except FileNotFoundError as error:
        raise click.ClickException(f"{command[0]} is not installed (Debian: postgresql-client)") from error
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"{command[0]} ended with {error.returncode}") from error


def _read_only(file: Path) -> Any:
    """A database file that is only read: one that is not there is not made."""
    return closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True))


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A name to write under until it is whole; what does not get there leaves nothing on a disk that may be full."""
    file.parent.mkdir(parents=True, exist_ok=True)
    made, name = tempfile.mkstemp(
        prefix=f"{file.name}.", suffix=".part", dir=file.parent
    )  # for the owner's eyes only
    os.close(made)
    part = Path(name)
    try:
        yield part
    finally:
        for left in (part, Path(f"{part}-journal")):
            left.unlink(missing_ok=True)


def _whole(database: sqlite3.Connection, what: str) -> None:
    (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        raise Damaged(f"{what} is damaged: {verdict}")


def _require_ours(database: sqlite3.Connection, what: str) -> None:
    """A database of this app, and none of a newer version: an empty file, as a copy that was cut off leaves, is to
    SQLite a good one too."""
    try:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found = (
            database.execute("SELECT version_num FROM alembic_version").fetchone()
            if {"alembic_version", "enterprise", "visit"} <= tables
            else None
        )
    except sqlite3.DatabaseError as error:
        raise click.ClickException(f"{what} is no SQLite database: {error}") from error
    if not found:
        raise click.ClickException(f"{what} holds nothing of this app: is it the right one, and whole?")
    if found[0] not in known_revisions():
        raise click.ClickException(
            f"{what} is of a newer version of this app ({found[0]}): update the code first"
        )


def _copy(source: sqlite3.Connection, file: Path) -> None:
    with closing(sqlite3.connect(file)) as target:
        source.backup(target, pages=2048)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, no companions
        _whole(target, "the copy")


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup_command(file: Path) -> None:
    """Write the whole database to FILE (SQLite: a database file; PostgreSQL: a pg_dump archive)."""
    if file.exists():
        raise click.ClickException(f"{file} is already there; a backup never overwrites another")
    url = db.engine.url
    try:
        with _beside(file) as part:
            if url.get_backend_name() == "sqlite":
                with _read_only(_sqlite_file(url)) as source:
                    _require_ours(source, _named(url))
                    _copy(source, part)
            else:
                _postgres(url, "pg_dump", "--format=custom", "--no-owner", "--file", str(part))
            part.rename(file)
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(f"{_named(url)} could not be written to {file}: {error}") from error
    click.echo(f"{_named(url)} → {file} ({file.stat().st_size:,} bytes)")


def _require_quiet(url: URL) -> None:
    """Nobody works on the database that is to be replaced, as far as it can tell."""
    with db.engine.connect() as connection:
        if not sa.inspect(connection).has_table(lease.name):
            return
        held = sa.select(lease.c.holder).where(lease.c.until > clock.now()).limit(1)
        holder = connection.scalar(held)
        others = 0
        if url.get_backend_name() == "postgresql":
            others = connection.scalar(
                sa.text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend'"
                )
            )
    db.engine.dispose()
    if holder or others:
        who = f"worker {holder}" if holder else f"{others} connections"
        raise click.ClickException(
            f"somebody works on {_named(url)} ({who}): stop the server and the worker first (a worker that was killed"
            " counts for a minute more)"
        )


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def restore_command(file: Path, yes: bool) -> None:
    """Put FILE in the place of today's database. Stop the server and the worker first."""
    url = db.engine.url
    sqlite = url.get_backend_name() == "sqlite"
    with file.open("rb") as opened:
        head = opened.read(16)
    if sqlite and head.startswith(b"PGDMP"):
        raise click.ClickException(f"{file} is a PostgreSQL backup, and {_named(url)} is SQLite")
    if not sqlite and head.startswith(b"SQLite format 3"):
        raise click.ClickException(f"{file} is a SQLite backup, and {_named(url)} is PostgreSQL: see copy-to")
    if not yes:
        click.confirm(f"Everything in {_named(url)} will be replaced. Go on?", abort=True)
    try:
        if sqlite:
            _restore_sqlite(url, file)
        else:
            _restore_postgres(url, file)
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(f"{file} could not be restored: {error}") from error
    click.echo(f"restored {_named(url)}; if it is of an older version: flask --app wsgi db upgrade")


def _restore_sqlite(url: URL, file: Path) -> None:
    target = _sqlite_file(url)
    with _read_only(file) as source:
        _require_ours(source, str(file))
        _whole(source, str(file))
        if target.exists() and target.stat().st_size:
            click.echo(f"what was there is kept as {_set_aside(url, target)}")
        db.engine.dispose()
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(mode=0o600)
        with closing(sqlite3.connect(target)) as there:
            source.backup(there)


def _set_aside(url: URL, target: Path) -> Path:
    """A copy of today's database beside it; where it is damaged, which is what backups are for, itself."""
    former = target.with_name(f"{target.name}.before-{clock.now().astimezone(UTC):%Y%m%dT%H%M%SZ}")
    try:
        _require_quiet(url)
        with _beside(former) as part, _read_only(target) as today:
            _copy(today, part)
            part.rename(former)
    except (sqlite3.DatabaseError, sa.exc.DatabaseError, Damaged):
        db.engine.dispose()
        for suffix in ("", "-wal", "-shm"):
            if (there := Path(f"{target}{suffix}")).exists():
                there.rename(f"{former}{suffix}")
    return former


def _restore_postgres(url: URL, file: Path) -> None:
    _require_quiet(url)
    # First all of it as words, so that an archive that was cut off is found out before anything is touched.
    with tempfile.TemporaryDirectory() as folder:
        empty, words = Path(folder) / "empty.sql", Path(folder) / "words.sql"
        empty.write_text(_EMPTY)
        words.touch(mode=0o600)
        _run("pg_restore", "--no-owner", "--exit-on-error", "--file", str(words), str(file))
        quietly = (
            "--quiet",
            "--no-psqlrc",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
            "--output=/dev/null",
        )
        _postgres(url, "psql", *quietly, "--file", str(empty), "--file", str(words))


# --- to another database ------------------------------------------------------------------------------------------

_AT_ONCE = 500


@click.command("copy-to")
@click.argument("url")
@with_appcontext
def copy_to_command(url: str) -> None:
    """Copy everything into the empty database at URL: from SQLite to PostgreSQL, or back.

    Stop the server and the worker first; afterwards FIELDAPP_DATABASE_URL is URL, and FIELDAPP_SECRET_KEY stays.
    """
    try:
        target = sa.create_engine(database_url(url))
        if target.dialect.name == "sqlite" and not Path(str(target.url.database)).is_absolute():
            raise click.ClickException(
                "SQLite needs the whole path: sqlite:////var/lib/fieldapp/fieldapp.sqlite3"
            )
        _move(target)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    except sa.exc.SQLAlchemyError as error:
        raise click.ClickException(f"nothing has been copied: {error.__cause__ or error}") from error


def _move(target: sa.Engine) -> None:
    name = _named(target.url)
    with db.engine.connect() as here:
        version = here.scalar(sa.text("SELECT version_num FROM alembic_version"))
    if version != known_revisions()[-1]:
        raise click.ClickException(f"the database is at {version}: flask --app wsgi db upgrade")
    with target.connect() as there:
        if sa.inspect(there).get_table_names():
            raise click.ClickException(f"{name} is not empty: nothing is ever copied over something")
    _require_quiet(db.engine.url)
    # The tables are made by the same migrations as ever, in a process that knows only the new address.
    config = current_app.config
    environment = os.environ | {f"FIELDAPP_{one}": str(config[one]) for one in ("INSTANCE", "SECRET_KEY")}
    environment |= {"FIELDAPP_DATABASE_URL": target.url.render_as_string(hide_password=False)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    made = subprocess.run(  # noqa: S603
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise click.ClickException(f"the tables could not be made in {name}: {made.stderr.strip()[-500:]}")
    with db.engine.connect() as here, target.begin() as there:
        tables = db.metadata.sorted_tables
        for table in reversed(tables):
            there.execute(sa.delete(table))  # what the migrations put in is copied like everything else
        rows = {table.name: _copy_table(here, there, table, tables) for table in tables}
        _join(here, there, tables)
        _count_on(there, tables)
        for table in tables:
            if there.scalar(sa.select(sa.func.count()).select_from(table)) != rows[table.name]:
                raise click.ClickException(
                    f"{table.name} did not arrive whole: only empty tables are in {name}"
                )
    target.dispose()
    click.echo(f"{sum(rows.values()):,} rows of {len(rows)} tables → {name}")


def _later(table: sa.Table, tables: list[sa.Table]) -> list[sa.Column[Any]]:
    """Columns that point at rows which are not there yet: of the table itself, or of one that comes later."""
    still = tables[tables.index(table) :]
    return [
        c for c in table.columns if c.nullable and any(key.column.table in still for key in c.foreign_keys)
    ]


def _copy_table(here: Connection, there: Connection, table: sa.Table, tables: list[sa.Table]) -> int:
    empty = {column.name: None for column in _later(table, tables)}
    count = 0
    found = here.execution_options(yield_per=_AT_ONCE).execute(sa.select(table))
    for some in found.mappings().partitions():
        there.execute(sa.insert(table), [dict(row) | empty for row in some])
        count += len(some)
    return count


def _join(here: Connection, there: Connection, tables: list[sa.Table]) -> None:
    """Now that everything is there, what points ahead is put in."""
    for table in tables:
        for column in _later(table, tables):
            keys = list(table.primary_key)
            query = sa.select(*keys, column.label("to")).where(column.is_not(None))
            named = {key.name: sa.bindparam(f"key_{key.name}", type_=key.type) for key in keys}
            put = sa.update(table).where(*(key == named[key.name] for key in keys))
            put = put.values({column.name: sa.bindparam("to", type_=column.type)})
            found = here.execution_options(yield_per=_AT_ONCE).execute(query)
            for some in found.mappings().partitions():
                there.execute(
                    put, [{f"key_{k.name}": row[k.name] for k in keys} | {"to": row["to"]} for row in some]
                )


def _count_on(there: Connection, tables: list[sa.Table]) -> None:
    """PostgreSQL counts numbers by itself: from the highest one on."""
    if there.dialect.name != "postgresql":
        return
    for table in tables:
        column = table.autoincrement_column
        if column is None:
            continue
        name = there.dialect.identifier_preparer.format_table(table)
        counter = there.scalar(sa.select(sa.func.pg_get_serial_sequence(name, column.name)))
        highest = there.scalar(sa.select(sa.func.max(column)))
        if counter and highest:
            there.execute(sa.select(sa.func.setval(counter, highest)))


def init(app: Flask) -> None:
    for command in (backup_command, restore_command, copy_to_command):
        app.cli.add_command(command)
