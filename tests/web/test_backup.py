"""A backup taken while the app runs comes back as it was, on both databases."""

from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy as sa

from fieldapp.accounts.models import User
from fieldapp.db import db, writing


def _names():
    db.session.rollback()
    return sorted(db.session.scalars(sa.select(User.name)))


def test_what_was_backed_up_comes_back(app, tmp_path):
    names = _names()
    db.session.rollback()
    runner = app.test_cli_runner()
    file = tmp_path / "city.backup"
    written = runner.invoke(args=["backup", str(file)])
    assert written.exit_code == 0, written.output
    assert file.stat().st_mode & 0o077 == 0
    with writing():
        db.session.execute(sa.update(User).values(name="没有了"))
        db.session.commit()
    assert _names() != names
    db.session.remove()
    restored = runner.invoke(args=["restore", "--yes", str(file)])
    assert restored.exit_code == 0, restored.output
    db.engine.dispose()
    assert _names() == names


@pytest.mark.parametrize("kind", ["cut off", "another's", "no database"])
def test_what_is_no_backup_of_ours_replaces_nothing(app, tmp_path, kind):
    """An empty file, as a copy that was cut off leaves it, is a good database to SQLite."""
    file = tmp_path / "city.backup"
    if kind == "another's":
        with sqlite3.connect(file) as other:
            other.execute("CREATE TABLE notes (id INTEGER)")
        other.close()
    else:
        file.write_text("" if kind == "cut off" else "a letter to the bureau " * 99)
    names = _names()
    db.session.remove()
    answer = app.test_cli_runner().invoke(args=["restore", "--yes", str(file)])
    assert answer.exit_code != 0 and "restored" not in answer.output
    db.engine.dispose()
    assert _names() == names


def test_a_backup_never_overwrites_another(app, tmp_path):
    file = tmp_path / "city.backup"
    file.write_text("the one of yesterday")
    answer = app.test_cli_runner().invoke(args=["backup", str(file)])
    assert answer.exit_code != 0 and file.read_text() == "the one of yesterday"
