"""Bodies that came under a key already used for other content: refused, and kept for the lead to read."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from flask import request
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from fieldapp.clock import now
from fieldapp.entries.models import LateEntry, LateFile
from fieldapp.entries.rules import kept_fields

_KEEP = {
    name: insert(LateEntry.__table__)
    .on_conflict_do_nothing(index_elements=["key", "fingerprint"])
    .returning(LateEntry.__table__.c.id)
    for name, insert in (("sqlite", sqlite_insert), ("postgresql", pg_insert))
}
_KEEP_FILE = sa.insert(LateFile.__table__)


def body_of(key: uuid.UUID, content: bytes, user_id: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """This request's body as rows, taken before the request is over: (the entry, its files)."""
    files = []
    for field, file in request.files.items(multi=True):
        if file.filename:
            files.append({"field": field[:80], "name": file.filename[:200], "data": file.stream.read()})
            file.stream.seek(0)
    entry = {
        "key": key,
        "fingerprint": content,
        "user_id": user_id,
        "method": request.method,
        "path": request.full_path.rstrip("?")[:300],
        "fields": kept_fields(request.form.items(multi=True)),
        "received_at": now(),
    }
    return entry, files


def keep(session: Session, body: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    """Once, however often it comes."""
    entry, files = body
    connection = session.connection()
    late_id = connection.execute(_KEEP[connection.dialect.name], entry).scalar()
    if late_id is not None and files:
        connection.execute(_KEEP_FILE, [file | {"late_entry_id": late_id} for file in files])
