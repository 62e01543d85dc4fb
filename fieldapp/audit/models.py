"""The audit trail: who did what, when, to what; written in the transaction of the change itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import db, only_where

# What is done all day long is met at once by whoever walks through the trail; the others are looked up. Whoever asks
# for one of these says this condition, too, and both planners know that they may use the index.
EVERYDAY = ("visit_recorded", "need_submitted", "promised")
RARE = f"action NOT IN ({', '.join(map(repr, EVERYDAY))})"


class AuditEvent(db.Model):
    __tablename__ = "audit_event"
    __table_args__ = (sa.Index(None, "action", "id", **only_where(RARE)),)

    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(index=True)  # no foreign key: the trail outlives accounts
    actor_name: Mapped[str] = mapped_column(sa.String(80), default="")
    action: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(120), default="")  # "enterprise:12", "visit:0192…"
    outcome: Mapped[str] = mapped_column(sa.String(12), default="done")  # done / refused
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    address: Mapped[str] = mapped_column(sa.String(64), default="")
    request_id: Mapped[str] = mapped_column(sa.String(36), default="")


class TrailIsFinal(RuntimeError):
    """Somebody tried to change what has been written down."""


@event.listens_for(AuditEvent, "before_update")
@event.listens_for(AuditEvent, "before_delete")
def _refuse(*_event: Any) -> None:
    raise TrailIsFinal
