"""What phones say they still hold: how many and since when, never what."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import db


class Phone(db.Model):
    """One browser as one person last used it."""

    __tablename__ = "phone"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # made by the phone, kept in its outbox database
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), primary_key=True, index=True)
    label: Mapped[str] = mapped_column(sa.String(60), default="")  # which kind of phone, from its User-Agent
    waiting: Mapped[int]  # entries not yet acknowledged
    stuck: Mapped[int]  # of these, refused ones that need their owner
    oldest_at: Mapped[datetime | None]  # since when the oldest waits, by the server's clock
    reported_at: Mapped[datetime] = mapped_column(index=True)
