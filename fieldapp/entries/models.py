"""Receipts: an entry made on a phone happens once, however often it is sent (offline.md §5)."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import db


class Entry(db.Model):
    __tablename__ = "entry"

    key: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), index=True)
    method: Mapped[str] = mapped_column(sa.String(8))
    path: Mapped[str] = mapped_column(sa.String(300))
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    status: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # 0: the first answer is still being made
    location: Mapped[str] = mapped_column(sa.String(500), default="")
    body: Mapped[str] = mapped_column(sa.Text, default="")
    client_at: Mapped[datetime | None]  # the phone's clock: kept beside the server's, never trusted over it
    created_at: Mapped[datetime] = mapped_column(index=True)
