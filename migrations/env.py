"""Alembic's environment: the app's own engine and metadata, online only."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

from fieldapp.db import UtcDateTime, db


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """An applied migration must not change with the app's code, so its types are SQLAlchemy's own."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _foreign_keys(connection: Any, on: bool) -> None:
    """SQLite changes a table by copying it; while the old one goes, what points at it must not object.

    The pragma does nothing inside a transaction, so it goes to the driver before one begins.
    """
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
        if on and (broken := driver.execute("PRAGMA foreign_key_check").fetchall()):
            raise RuntimeError(f"rows point nowhere after the migration: {broken[:5]}")


def run() -> None:
    with db.engine.connect() as connection:
        _foreign_keys(connection, on=False)
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            render_as_batch=True,
            compare_type=True,
            transaction_per_migration=True,
            **{
                k: v
                for k, v in current_app.extensions["migrate"].configure_args.items()
                if k not in {"render_as_batch", "compare_type"}
            },
        )
        with context.begin_transaction():
            context.run_migrations()
        _foreign_keys(connection, on=True)


run()
