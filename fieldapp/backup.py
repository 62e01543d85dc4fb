"""`flask backup` and `flask restore`: the whole database in one file, taken while people go on working."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy.engine import URL

from fieldapp.db import db


def _sqlite_file(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise click.ClickException("a database in memory cannot be backed up")
    return Path(url.database)


def _postgres(url: URL, *command: str) -> None:
    """Run a PostgreSQL client tool. The password travels in the environment, not on the command line."""
    environment = os.environ | ({"PGPASSWORD": url.password} if url.password else {})
    where = [
        "--host",
        url.host or "localhost",
        "--port",
        str(url.port or 5432),
        "--username",
        url.username or "",
    ]
    try:
        subprocess.run([command[0], *where, *command[1:]], env=environment, check=True)  # noqa: S603
    except FileNotFoundError as error:
        raise click.ClickException(f"{command[0]} is not installed (Debian: postgresql-client)") from error
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"{command[0]} ended with {error.returncode}") from error


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup_command(file: Path) -> None:
    """Write the whole database to FILE (SQLite: a database file; PostgreSQL: a pg_dump archive)."""
    if file.exists():
        raise click.ClickException(f"{file} is already there; a backup never overwrites another")
    url = db.engine.url
    part = file.with_name(file.name + ".part")
    part.touch(mode=0o600)  # personal data: for the owner's eyes only, from the first byte
    if url.get_backend_name() == "sqlite":
        with sqlite3.connect(_sqlite_file(url)) as source, sqlite3.connect(part) as target:
            source.backup(
                target,
                pages=2048,
                progress=lambda _s, left, all_: click.echo(f"\r{all_ - left}/{all_}", nl=False),
            )
            (verdict,) = target.execute("PRAGMA integrity_check").fetchone()
        source.close()
        target.close()
        click.echo("")
        if verdict != "ok":
            raise click.ClickException(f"the copy is damaged: {verdict}")
    else:
        _postgres(url, "pg_dump", "--format=custom", "--no-owner", "--file", str(part), str(url.database))
    part.rename(file)
    click.echo(f"{file} ({file.stat().st_size:,} bytes)")


def _require_ours(source: sqlite3.Connection, file: Path) -> None:
    """A whole database of this app: an empty file, as a copy that was cut off leaves, is to SQLite a good one too."""
    try:
        (verdict,) = source.execute("PRAGMA integrity_check").fetchone()
        ours = source.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    except sqlite3.DatabaseError as error:
        raise click.ClickException(f"{file} is no database: {error}") from error
    if verdict != "ok":
        raise click.ClickException(f"{file} is damaged: {verdict}")
    if not ours or not source.execute("SELECT 1 FROM alembic_version").fetchone():
        raise click.ClickException(f"{file} holds nothing of this app: is the copy whole?")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def restore_command(file: Path, yes: bool) -> None:
    """Put FILE in the place of today's database. Stop the server first."""
    if not yes:
        click.confirm("Everything in today's database will be replaced. Go on?", abort=True)
    url = db.engine.url
    if url.get_backend_name() == "sqlite":
        target_file = _sqlite_file(url)
        with sqlite3.connect(file) as source:
            _require_ours(source, file)
            db.engine.dispose()
            with sqlite3.connect(target_file) as target:
                source.backup(target)
            target.close()
        source.close()
    else:
        _postgres(
            url,
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--single-transaction",
            "--dbname",
            str(url.database),
            str(file),
        )
    click.echo("restored")


def init(app: Flask) -> None:
    app.cli.add_command(backup_command)
    app.cli.add_command(restore_command)
