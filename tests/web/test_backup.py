"""A backup taken while the app runs comes back as it was, on both databases; and everything moves from one to the other."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.db import db, known_revisions, writing
from fieldapp.settings import ROOT
from fieldapp.work import lease
from tests.conftest import make_app
from tests.tools import postgres


def _names():
    db.session.rollback()
    return sorted(db.session.scalars(sa.select(User.name)))


def _run(app, *words):
    """A command, with nobody else at the database; its answer."""
    db.session.remove()
    db.engine.dispose()
    answer = app.test_cli_runner().invoke(args=list(words))
    db.engine.dispose()
    return answer


def _rename_everybody():
    with writing():
        db.session.execute(sa.update(User).values(name="没有了"))
        db.session.commit()


def test_what_was_backed_up_comes_back(app, tmp_path):
    names = _names()
    file = tmp_path / "backups" / "city.backup"  # a folder that is made
    written = _run(app, "backup", str(file))
    assert written.exit_code == 0, written.output
    assert file.stat().st_mode & 0o077 == 0 and list(file.parent.iterdir()) == [file]
    _rename_everybody()
    assert _names() != names
    restored = _run(app, "restore", "--yes", str(file))
    assert restored.exit_code == 0, restored.output
    assert _names() == names
    assert db.session.scalar(sa.text("SELECT version_num FROM alembic_version")) == known_revisions()[-1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True, scope="session")
def test_on_sqlite_what_was_there_before_is_kept_beside(app, tmp_path):
    """PostgreSQL replaces everything in one transaction."""
    file = tmp_path / "city.backup"
    _run(app, "backup", str(file))
    _rename_everybody()
    told = _run(app, "restore", "--yes", str(file)).output
    (former,) = [word for word in told.split() if ".before-" in word]
    with sqlite3.connect(former) as before:
        assert before.execute("SELECT DISTINCT name FROM user").fetchall() == [("没有了",)]
    before.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("at", [100, 40_000], ids=["its schema", "its middle"])
def test_over_a_damaged_database_a_backup_is_restored_all_the_same(app, tmp_path, at):
    file = tmp_path / "city.backup"
    names = _names()
    _run(app, "backup", str(file))
    here = Path(db.engine.url.database)
    with sqlite3.connect(here) as today:
        today.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    today.close()
    whole = here.read_bytes()
    here.write_bytes(whole[:at] + b"\xff" * 30_000 + whole[at + 30_000 :])
    told = _run(app, "restore", "--yes", str(file))
    assert told.exit_code == 0, told.output
    assert "is kept as" in told.output and _names() == names
    assert not list(tmp_path.glob("city.backup-*"))  # reading a backup leaves nothing beside it


@pytest.mark.parametrize("kind", ["cut off", "another's", "of another app", "newer", "no database"])
def test_what_is_no_backup_of_ours_replaces_nothing(app, tmp_path, kind):
    """An empty file, as a copy that was cut off leaves it, is a good database to SQLite."""
    file = tmp_path / "city.backup"
    if kind in ("another's", "of another app", "newer"):
        with sqlite3.connect(file) as other:
            other.execute("CREATE TABLE notes (id INTEGER)")
            if kind != "another's":
                other.execute("CREATE TABLE alembic_version (version_num TEXT)")
                other.execute("INSERT INTO alembic_version VALUES ('9999')")
            if kind == "newer":
                other.executescript("CREATE TABLE enterprise (id INTEGER); CREATE TABLE visit (id INTEGER)")
        other.close()
    else:
        file.write_text("" if kind == "cut off" else "a letter to the bureau " * 99)
    names = _names()
    answer = _run(app, "restore", "--yes", str(file))
    assert answer.exit_code != 0 and "restored" not in answer.output
    assert "Traceback" not in answer.output
    assert _names() == names


def test_a_backup_that_was_cut_off_replaces_nothing(app, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    _run(app, "backup", str(whole))
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    names = _names()
    answer = _run(app, "restore", "--yes", str(cut))
    assert answer.exit_code != 0 and "Traceback" not in answer.output
    assert _names() == names


def test_a_database_that_somebody_works_on_is_not_replaced(app, tmp_path):
    file = tmp_path / "city.backup"
    _run(app, "backup", str(file))
    with writing():
        until = clock.now() + timedelta(seconds=50)
        db.session.execute(sa.insert(lease).values(name="deliveries", holder="host:1", until=until))
        db.session.commit()
    answer = _run(app, "restore", "--yes", str(file))
    assert answer.exit_code != 0 and "worker host:1" in answer.output


@pytest.mark.parametrize("database", ["postgresql"], indirect=True, scope="session")
def test_a_connection_more_is_somebody_who_works(app, tmp_path):
    """SQLite knows of nobody but who holds a lease."""
    file = tmp_path / "city.backup"
    _run(app, "backup", str(file))
    with sa.create_engine(app.config["DATABASE_URL"]).connect():
        answer = _run(app, "restore", "--yes", str(file))
    assert answer.exit_code != 0 and "1 connections" in answer.output


def test_a_database_that_is_not_there_is_not_backed_up_as_empty(tmp_path):
    """As where the environment file was not read: what is written down is another place."""
    elsewhere = make_app(f"sqlite:///{tmp_path}/typo.sqlite3", tmp_path)
    answer = elsewhere.test_cli_runner().invoke(args=["backup", str(tmp_path / "city.backup")])
    assert answer.exit_code != 0 and "typo.sqlite3" in answer.output
    assert not (tmp_path / "city.backup").exists() and not (tmp_path / "typo.sqlite3").exists()


def test_a_backup_never_overwrites_another(app, tmp_path):
    file = tmp_path / "city.backup"
    file.write_text("the one of yesterday")
    answer = _run(app, "backup", str(file))
    assert answer.exit_code != 0 and file.read_text() == "the one of yesterday"


def _everything():
    """Every row of every table, in the words of the models' own types."""
    seen = {}
    for table in db.metadata.sorted_tables:
        rows = db.session.execute(sa.select(table)).all()
        seen[table.name] = sorted(repr(tuple(row)) for row in rows)
    db.session.rollback()
    return seen


def test_a_city_moves_to_the_other_database_and_goes_on_there(app, tmp_path):
    sqlite = db.engine.dialect.name == "sqlite"
    there = (
        postgres.start().fresh("moved", template="template0")
        if sqlite
        else f"sqlite:///{tmp_path}/moved.sqlite3"
    )
    before = _everything()
    told = _run(app, "copy-to", there)
    assert told.exit_code == 0, told.output
    for nowhere in ("nonsense", "sqlite:///beside.sqlite3", "postgresql://nobody@127.0.0.1:1/none"):
        refused = _run(app, "copy-to", nowhere)
        assert refused.exit_code == 1 and refused.output.startswith("Error: "), refused.output
    again = _run(app, "copy-to", there)
    assert again.exit_code != 0 and "is not empty" in again.output
    moved = make_app(there, tmp_path)
    with moved.app_context():
        assert _everything() == before
        with writing():
            one = db.session.scalar(sa.select(User).where(User.username == "zhao"))
            new = User(username="neu", name="新来的", role=one.role, team_id=one.team_id, password_hash="x")
            db.session.add(new)
            db.session.commit()
        assert new.id > one.id
        db.session.remove()
        db.engine.dispose()


def _script(url, folder):
    """The nightly script, as its unit runs it."""
    environment = os.environ | {"FIELDAPP_DATABASE_URL": url, "FIELDAPP_BACKUPS": str(folder)}
    script = ROOT / "docs" / "deployment" / "backup.sh"
    return subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False)


def _forms(url):
    """The ways in which the same database is named."""
    at = sa.make_url(url)
    if at.get_backend_name() == "sqlite":
        return [url]
    plain = at._replace(password=None)
    named = plain._replace(host=None, port=None, username=None)
    return [
        plain.render_as_string(),
        plain._replace(password="p@ss:wörd").render_as_string(hide_password=False),
        named.update_query_dict(
            {"host": at.host, "port": str(at.port), "user": at.username}
        ).render_as_string(),
    ]


def test_the_nightly_script_takes_every_form_of_address(app, tmp_path):
    for number, url in enumerate(_forms(app.config["DATABASE_URL"])):
        folder = tmp_path / str(number)
        told = _script(url, folder)
        assert told.returncode == 0, (url, told.stderr)
        (written,) = folder.iterdir()
        assert str(written) == told.stdout.strip() and written.stat().st_size > 10_000


def test_a_nightly_backup_that_fails_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "backups"
    for url in (f"sqlite:///{tmp_path}/none.sqlite3", "postgresql+psycopg://nobody@127.0.0.1:1/none"):
        assert _script(url, folder).returncode != 0
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True, scope="session")
def test_a_backup_reaches_a_database_named_by_its_socket(app, tmp_path):
    """What an address says after its question mark counts for the tools as for the app."""
    named = _forms(app.config["DATABASE_URL"])[-1]
    written = _run(make_app(named, tmp_path), "backup", str(tmp_path / "city.backup"))
    assert written.exit_code == 0, written.output


def test_an_older_database_is_not_moved_and_not_called_ready(app, anybody, tmp_path):
    with writing():
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0061'"))
        db.session.commit()
    db.session.remove()
    answer = anybody.get("/readyz")
    assert answer.status_code == 503 and "flask db upgrade" in answer.text
    there = tmp_path / "moved.sqlite3"
    refused = _run(app, "copy-to", f"sqlite:///{there}")
    assert refused.exit_code == 1 and "is at 0061" in refused.output
    assert (
        not there.exists() or sqlite3.connect(there).execute("SELECT * FROM sqlite_master").fetchall() == []
    )
    with writing():  # of a host that was upgraded first
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        db.session.commit()
    db.session.remove()
    assert anybody.get("/readyz").text == "ready"
