"""What is asked of the database, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

TRANSACTIONS = ("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE", "ROLLBACK")


@contextmanager
def asked(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements sent inside, in their order; what begins and ends transactions apart."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(TRANSACTIONS):
            sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
        # SQLAlchemy leaves the mark that somebody listens, and what is marked never takes the app's shorter way again.
        engine._has_events = False
