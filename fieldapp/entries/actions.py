"""Opening and closing an entry around a write request."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Request, current_app, g, has_request_context, request
from flask_login import current_user
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fieldapp import audit, here
from fieldapp.clock import now
from fieldapp.db import db, fetch, keep_if_refused, run, run_last
from fieldapp.entries import late
from fieldapp.entries.models import Entry
from fieldapp.entries.rules import SUPERSEDED, fingerprint, key_without_script, read_keys, without_notice
from fieldapp.languages import lazy
from fieldapp.refusals import Conflict, NotAllowed, Refusal


class KeyReused(Refusal):
    message = lazy("这份内容和先前用同一编号提交的不一样，没有保存；这一份已另外留下，负责人能看到。")
    outbox_error = "key-reuse"


class BadKey(Refusal):
    status = 400
    message = lazy("提交编号不对，没有保存。请刷新页面再试一次。")
    outbox_error = "key"


class OtherPersonsEntry(NotAllowed):
    message = lazy("这条内容是另一位同事在这台手机上填的，请由本人登录后提交。")
    outbox_error = "user"


class Superseded(Conflict):
    message = lazy("这条内容后来改过，改过的那一份已经保存，这一份不用再提交。")
    outbox_error = "superseded"


class RevisedTooLate(Conflict):
    """`location` is where the entry to be corrected led when it was carried out."""

    message = lazy("要更正的那一份已经先保存了，这次的更正没有保存。请打开那条记录再改。")
    outbox_error = "revised-too-late"

    def __init__(self, location: str) -> None:
        super().__init__()
        g.outbox_location = location


_table = Entry.__table__
_entry = sa.bindparam("entry", type_=_table.c.key.type)
# RETURNING tells on both databases whether the key was free.
_CLAIM = {
    name: insert(_table).on_conflict_do_nothing(index_elements=["key"]).returning(_table.c.created_at)
    for name, insert in (("sqlite", sqlite_insert), ("postgresql", pg_insert))
}
_FIRST = sa.select(
    _table.c.user_id,
    _table.c.fingerprint,
    _table.c.status,
    _table.c.location,
    _table.c.body,
    _table.c.revised_by,
).where(_table.c.key == _entry)
_MADE_AT = sa.select(_table.c.created_at).where(_table.c.key == _entry)
_CLOSE = (
    sa.update(_table)
    .where(_table.c.key == _entry)
    .values(
        status=sa.bindparam("status"),
        location=sa.bindparam("location"),
        body=sa.bindparam("body"),
        made_of=sa.bindparam("record", type_=_table.c.made_of.type),
        made_version=sa.bindparam("version"),
    )
)
_MADE = (
    sa.select(sa.literal(1))
    .where(
        _table.c.key.in_(sa.bindparam("entries", expanding=True, type_=_table.c.key.type)),
        _table.c.user_id == sa.bindparam("person"),
        _table.c.made_of == sa.bindparam("record", type_=_table.c.made_of.type),
        _table.c.made_version == sa.bindparam("version"),
    )
    .limit(1)
)


@dataclass
class Answer:
    """The first answer to an entry, given again."""

    status: int
    location: str
    body: str


def asked_key() -> uuid.UUID | None:
    """The id the phone made, from the header or the hidden field; None when sent without script."""
    asked = here.request()
    text = asked.headers.get("Idempotency-Key") or asked.form.get("entry_id") or ""
    if not text:
        return None
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise BadKey from error


def content_fingerprint() -> bytes:
    """Keyed: some forms carry passwords, and a plain digest of one would undo the slow hash kept elsewhere."""
    noted = here.notes()
    if "entry_content" not in noted:
        asked, files = here.request(), []
        for name, file in asked.files.items(multi=True):
            digest = hashlib.file_digest(file.stream, "sha256").digest()  # type: ignore[arg-type]
            file.stream.seek(0)
            files.append((name, digest))
        path = asked.full_path.rstrip("?")
        plain = fingerprint(asked.method, path, asked.form.items(multi=True), files)
        secret = current_app.config["SECRET_KEY"].encode()
        noted.entry_content = hmac.digest(secret, b"entry:" + plain, "sha256")
    content: bytes = noted.entry_content
    return content


def _phones_clock(asked: Request) -> datetime | None:
    said = asked.headers.get("Outbox-At")
    if not said:
        return None
    try:
        moment = datetime.fromisoformat(said)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def written_at(received_at: datetime) -> datetime:
    """When this was written down: as long before it was received as the phone says that it waited, whatever its clock
    shows; by that clock where it does not say so; else when it was received.

    What lies ahead, or at a time from which no receipt would still be kept, is not believed. For words about a record
    only; what a rule decides over others is reckoned by the server's clock.
    """
    moment = None
    if has_request_context():
        asked = here.request()
        waited = asked.headers.get("Outbox-Waited", "")
        known = waited.isascii() and waited.isdecimal() and len(waited) < 9
        moment = received_at - timedelta(seconds=int(waited)) if known else _phones_clock(asked)
    if moment is None:
        return received_at
    oldest = received_at - timedelta(days=current_app.config["ENTRY_KEEP_DAYS"])
    return moment if oldest <= moment <= received_at else received_at


def rule_of() -> str:
    """The address without what it names: it may hold a code's token."""
    return request.url_rule.rule if request.url_rule else ""


def _keys(header: str) -> list[uuid.UUID]:
    return read_keys(request.headers.get(header, ""))


def known_answer(user_id: int) -> Answer | None:
    """The first answer, when the entry has been carried out; only reads. Raises what `open_entry` raises."""
    key = asked_key()
    if key is None:
        return None
    g.entry_key = key
    first = next(iter(fetch(_FIRST, {"entry": key})), None)
    return None if first is None else _first_answer(first, key, user_id)


def _first_answer(first: Any, key: uuid.UUID, user_id: int) -> Answer:
    if first.user_id != user_id:
        raise OtherPersonsEntry
    if first.revised_by is not None:
        raise Superseded
    if first.fingerprint != content_fingerprint():
        body = late.body_of(key, content_fingerprint(), user_id)
        keep_if_refused(lambda session: late.keep(session, body))
        audit.record("entry_came_late", f"user:{user_id}", survives=True, rule=rule_of())
        raise KeyReused
    g.entry_carried_out = True
    return Answer(first.status, first.location, first.body)


def open_entry(user_id: int) -> Answer | None:
    """First statement of a write: claim the key, or give the first answer again.

    `INSERT … ON CONFLICT DO NOTHING` waits on PostgreSQL for a twin that is still being handled; on SQLite the twin
    has already waited for the write lock. Raises KeyReused, OtherPersonsEntry, BadKey, Superseded, RevisedTooLate.
    """
    content = content_fingerprint()
    key = asked_key()
    if key is None:
        window = current_app.config["NO_SCRIPT_REPEAT_SECONDS"]
        key, before = key_without_script(user_id, content, now(), window)
        earlier = run(_MADE_AT, {"entry": before}).scalar()
        if earlier and now() - earlier < timedelta(seconds=window):
            key = before
    noted, asked = here.notes(), here.request()
    noted.entry_key = key
    row = {
        "key": key,
        "user_id": user_id,
        "method": asked.method,
        "path": asked.path[:300],  # the fingerprint has all of it
        "fingerprint": content,
        "status": 0,
        "location": "",
        "body": "",
        "revised_by": None,
        "client_at": _phones_clock(asked),
        "created_at": now(),
    }
    if not _claim(row):
        return _first_answer(fetch(_FIRST, {"entry": key})[0], key, user_id)
    noted.entry_carried_out = noted.entry_open = True
    for earlier_key in _keys("Outbox-Revises"):
        if earlier_key != key:
            _supersede(earlier_key, row)
    return None


def _claim(row: dict[str, Any]) -> bool:
    return run(_CLAIM[db.engine.dialect.name], row).scalar() is not None


def _supersede(key: uuid.UUID, by: dict[str, Any]) -> None:
    """Take the key of an entry that this one corrects, so that the original changes nothing when it comes after all.

    Raises RevisedTooLate when it, or another correction of it, has been carried out.
    """
    if _claim(by | {"key": key, "status": SUPERSEDED, "revised_by": by["key"]}):
        return
    first = fetch(_FIRST, {"entry": key})[0]
    if first.user_id != by["user_id"]:
        raise OtherPersonsEntry
    if first.revised_by is not None:
        first = next(iter(fetch(_FIRST, {"entry": first.revised_by})), first)
    raise RevisedTooLate(without_notice(first.location))


def close_entry(status: int, location: str, body: str) -> None:
    """Keep the answer with the entry, in the same transaction as the write."""
    noted = here.notes()
    record, version = noted.get("entry_made", (None, None))
    run_last(
        _CLOSE,
        {
            "entry": noted.entry_key,
            "status": status,
            "location": location[:500],
            "body": body,
            "record": record,
            "version": version,
        },
    )


def made(record_id: uuid.UUID, version: int) -> None:
    """This entry left `record_id` at `version`; a later edit from the same old page builds on it."""
    g.entry_made = (record_id, version)


def known_version(record_id: uuid.UUID, sent: int, current: int) -> int:
    """The version that an edit may claim to have begun with.

    A phone without a network edits one old page three times: the second edit still says the page's version, but also
    which entries of the same person came before it (`Outbox-After`). If one of these made the present version, nobody
    else has come between, and `current` is returned; otherwise what was `sent`.
    """
    before: Sequence[uuid.UUID] = _keys("Outbox-After") if sent != current else ()
    if not before:
        return sent
    asked = {"entries": before, "person": current_user.id, "record": record_id, "version": current}
    return current if fetch(_MADE, asked) else sent


__all__ = [
    "Answer",
    "close_entry",
    "content_fingerprint",
    "known_answer",
    "known_version",
    "made",
    "open_entry",
    "rule_of",
    "written_at",
]
