"""Reading what has been received."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from fieldapp.db import fetch
from fieldapp.entries.models import Entry

_OUTCOME = sa.select(Entry.status, Entry.location, Entry.body, Entry.created_at, Entry.revised_by).where(
    Entry.key == sa.bindparam("entry", type_=Entry.key.type), Entry.user_id == sa.bindparam("person")
)


@dataclass(frozen=True)
class Outcome:
    """What became of an entry that was carried out."""

    status: int
    location: str
    body: str
    created_at: datetime


def outcome_of(user_id: int, key: uuid.UUID) -> Outcome | str:
    """The person's own entry, or the word for why there is none: `unknown`, or `superseded` by a corrected one."""
    row = next(iter(fetch(_OUTCOME, {"entry": key, "person": user_id})), None)
    if row is None:
        return "unknown"
    if row.revised_by is not None:
        return "superseded"
    return Outcome(row.status, row.location, row.body, row.created_at)
