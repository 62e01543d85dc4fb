"""Promises, until kept. Due and overdue are derived, never stored."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.clock import now
from fieldapp.db import db, named
from fieldapp.languages import N_


class FollowUpStatus(enum.Enum):
    OPEN = N_("待办")
    DONE = N_("已办好")
    DROPPED = N_("不再办")


class FollowUp(db.Model):
    __tablename__ = "follow_up"
    __table_args__ = (
        sa.Index(None, "assignee_id", "status", "due_on", "id"),
        sa.Index(None, "enterprise_id", "created_at"),
        sa.Index(None, "status", "due_on", "id"),
        sa.Index(None, "visit_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # UUIDv7, made on the phone
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("visit.id"))
    need_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("need.id"))
    title: Mapped[str] = mapped_column(sa.String(200))
    due_on: Mapped[date]
    assignee_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    status: Mapped[FollowUpStatus] = mapped_column(named(FollowUpStatus), default=FollowUpStatus.OPEN)
    result: Mapped[str] = mapped_column(sa.Text, default="")
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
