"""What a phone says of itself with any request: how many entries it still holds, and since when. Never which."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

from flask import Response, g, request
from flask_login import current_user
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from fieldapp.accounts.rules import agent_words
from fieldapp.clock import now
from fieldapp.db import afterwards
from fieldapp.offline.models import Phone
from fieldapp.pages import number_in

# A phone that has nothing new to say is written down again after so long.
REPEAT = 300.0  # seconds
MOST_PHONES = 20_000  # remembered; beyond that all may be written once more
LONGEST = timedelta(days=3650)

_table = Phone.__table__


def _upsert(insert: Any) -> Any:
    fresh = insert(_table)
    told = ("label", "waiting", "stuck", "oldest_at", "reported_at")
    return fresh.on_conflict_do_update(
        index_elements=["id", "user_id"], set_={name: fresh.excluded[name] for name in told}
    )


_REPORT = {"sqlite": _upsert(sqlite_insert), "postgresql": _upsert(pg_insert)}
# (phone, person) → (waiting, stuck, when it was written). Each process remembers for itself: what it does not know it
# writes once too often.
_written: dict[tuple[uuid.UUID, int], tuple[int, int, float]] = {}


def _number(name: str) -> int:
    return number_in(request.headers.get(name, "")) or 0


def note_report(response: Response) -> Response:
    """Remember the report that came with this request, if there is one and it says something new."""
    text = request.headers.get("Outbox-Phone")
    if text is None:
        return response
    # Whose phone it is: the lead's, when the lead brings in somebody else's entries.
    person = g.get("brought_by") or current_user._get_current_object()
    if not person.is_authenticated:
        return response
    try:
        phone = uuid.UUID(text)
    except ValueError:
        return response
    waiting, stuck, key = _number("Outbox-Waiting"), _number("Outbox-Stuck"), (phone, person.id)
    known = _written.get(key)
    if known is not None and known[:2] == (waiting, stuck) and time.monotonic() - known[2] < REPEAT:
        return response
    moment = now()
    # By the phone only how long: its clock may be wrong by a day.
    oldest = min(timedelta(seconds=_number("Outbox-Oldest")), LONGEST)
    row = {
        "id": phone,
        "user_id": person.id,
        "label": "|".join(agent_words(request.user_agent.string or ""))[:60],
        "waiting": waiting,
        "stuck": min(stuck, waiting),
        "oldest_at": moment - oldest if waiting else None,
        "reported_at": moment,
    }

    def write(session: Session) -> None:
        connection = session.connection()
        connection.execute(_REPORT[connection.dialect.name], row)

    afterwards(write)
    if len(_written) >= MOST_PHONES:
        _written.clear()
    _written[key] = (waiting, stuck, time.monotonic())
    return response


def forget_reports() -> None:
    """As after a restart."""
    _written.clear()
