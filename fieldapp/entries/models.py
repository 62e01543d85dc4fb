"""Receipts: an entry made on a phone happens once, however often it is sent (offline.md §5)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import db


class Entry(db.Model):
    __tablename__ = "entry"
    __table_args__ = (sa.Index(None, "user_id", "created_at"),)

    key: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    method: Mapped[str] = mapped_column(sa.String(8))
    path: Mapped[str] = mapped_column(sa.String(300))
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    status: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # 0: the first answer is still being made
    location: Mapped[str] = mapped_column(sa.String(500), default="")
    body: Mapped[str] = mapped_column(sa.Text, default="")
    # Which record the entry changed and the version it left: a later edit of the same person from the same old page
    # is no conflict with it.
    made_of: Mapped[uuid.UUID | None]
    made_version: Mapped[int | None]
    revised_by: Mapped[uuid.UUID | None]  # never carried out: the phone sent a corrected one instead
    client_at: Mapped[datetime | None]  # the phone's clock: kept beside the server's, never trusted over it
    created_at: Mapped[datetime] = mapped_column(index=True)


class LateEntry(db.Model):
    """A body that came under the key of another, already kept entry: refused, but nothing submitted is dropped.

    The lead reads it and says that it has been dealt with.
    """

    __tablename__ = "late_entry"
    __table_args__ = (sa.UniqueConstraint("key", "fingerprint"), sa.Index(None, "seen_at", "received_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[uuid.UUID]
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), index=True)
    method: Mapped[str] = mapped_column(sa.String(8))
    path: Mapped[str] = mapped_column(sa.String(300))
    fields: Mapped[list[Any]] = mapped_column(sa.JSON)  # [name, value] pairs, tokens and passwords left out
    received_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    seen_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))


class LateFile(db.Model):
    """A file of a late entry, as it came."""

    __tablename__ = "late_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    late_entry_id: Mapped[int] = mapped_column(sa.ForeignKey("late_entry.id"), index=True)
    field: Mapped[str] = mapped_column(sa.String(80))
    name: Mapped[str] = mapped_column(sa.String(200))
    data: Mapped[bytes] = mapped_column(sa.LargeBinary)
