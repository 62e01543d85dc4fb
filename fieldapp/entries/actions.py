"""Opening and closing an entry around a write request."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app, g, request
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fieldapp.clock import now
from fieldapp.db import db, fetch, run
from fieldapp.entries.models import Entry
from fieldapp.entries.rules import fingerprint, key_without_script
from fieldapp.languages import lazy
from fieldapp.refusals import NotAllowed, Refusal


class KeyReused(Refusal):
    message = lazy("这份内容和先前用同一编号提交的不一样，没有保存。请返回重新打开表单再填一次。")
    outbox_error = "key-reuse"


class BadKey(Refusal):
    status = 400
    message = lazy("提交编号不对，没有保存。请刷新页面再试一次。")
    outbox_error = "key"


class OtherPersonsEntry(NotAllowed):
    message = lazy("这条内容是另一位同事在这台手机上填的，请由本人登录后提交。")
    outbox_error = "user"


_table = Entry.__table__
_entry = sa.bindparam("entry", type_=_table.c.key.type)
# RETURNING tells on both databases whether the key was free.
_CLAIM = {
    name: insert(_table)
    .values(status=0, location="", body="", client_at=None)
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(_table.c.created_at)
    for name, insert in (("sqlite", sqlite_insert), ("postgresql", pg_insert))
}
_FIRST = sa.select(
    _table.c.user_id, _table.c.fingerprint, _table.c.status, _table.c.location, _table.c.body
).where(_table.c.key == _entry)
_MADE_AT = sa.select(_table.c.created_at).where(_table.c.key == _entry)
_CLOSE = (
    sa.update(_table)
    .where(_table.c.key == _entry)
    .values(status=sa.bindparam("status"), location=sa.bindparam("location"), body=sa.bindparam("body"))
)


@dataclass
class Answer:
    """The first answer to an entry, given again."""

    status: int
    location: str
    body: str


def asked_key() -> uuid.UUID | None:
    """The id the phone made, from the header or the hidden field; None when sent without script."""
    text = request.headers.get("Idempotency-Key") or request.form.get("entry_id") or ""
    if not text:
        return None
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise BadKey from error


def content_fingerprint() -> bytes:
    """Keyed: some forms carry passwords, and a plain digest of one would undo the slow hash kept elsewhere."""
    files = []
    for name, file in request.files.items(multi=True):
        digest = hashlib.file_digest(file.stream, "sha256").digest()  # type: ignore[arg-type]
        file.stream.seek(0)
        files.append((name, digest))
    plain = fingerprint(request.method, request.full_path.rstrip("?"), request.form.items(multi=True), files)
    return hmac.digest(current_app.config["SECRET_KEY"].encode(), b"entry:" + plain, "sha256")


def open_entry(user_id: int) -> Answer | None:
    """First statement of a write: claim the key, or give the first answer again.

    `INSERT … ON CONFLICT DO NOTHING` waits on PostgreSQL for a twin that is still being handled; on SQLite the twin
    has already waited for the write lock. Raises KeyReused, OtherPersonsEntry, BadKey.
    """
    content = content_fingerprint()
    key = asked_key()
    if key is None:
        window = current_app.config["NO_SCRIPT_REPEAT_SECONDS"]
        key, before = key_without_script(user_id, content, now(), window)
        earlier = run(_MADE_AT, {"entry": before}).scalar()
        if earlier and now() - earlier < timedelta(seconds=window):
            key = before
    row = {
        "key": key,
        "user_id": user_id,
        "method": request.method,
        "path": request.path[:300],  # the fingerprint has all of it
        "fingerprint": content,
        "created_at": now(),
    }
    claimed = run(_CLAIM[db.engine.dialect.name], row).scalar()
    g.entry_key = key
    if claimed is not None:
        g.entry_open = True
        return None
    first = fetch(_FIRST, {"entry": key})[0]
    if first.user_id != user_id:
        raise OtherPersonsEntry
    if first.fingerprint != content:
        raise KeyReused
    return Answer(first.status, first.location, first.body)


def close_entry(status: int, location: str, body: str) -> None:
    """Keep the answer with the entry, in the same transaction as the write."""
    run(_CLOSE, {"entry": g.entry_key, "status": status, "location": location[:500], "body": body})
