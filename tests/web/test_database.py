"""The pool of connections to a database server."""

from __future__ import annotations

import sqlalchemy as sa

from fieldapp import db as database
from fieldapp.db import db


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
