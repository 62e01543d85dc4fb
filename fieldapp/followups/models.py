"""Promises, until kept. Due and overdue are derived, never stored."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.clock import now
from fieldapp.db import db, named, only_where
from fieldapp.languages import N_


class FollowUpStatus(enum.Enum):
    OPEN = N_("待办")
    DONE = N_("已办好")
    DROPPED = N_("不再办")


class FollowUpKind(enum.Enum):
    POLICY = N_("政策解读")
    APPLICATION = N_("项目申报辅导")
    MATCHING = N_("技术对接")
    FINANCING = N_("融资")
    TESTING = N_("检测")
    TALENT = N_("人才")
    OTHER = N_("其他")


class FollowUpStep(enum.Enum):
    """What the log of a promise is made of. Its beginning is told by the promise itself; up to 0.5.0 it was a line."""

    PROMISED = N_("答应企业，建立跟进")
    NOTED = N_("记了进展")
    EDITED = N_("改了内容")
    POSTPONED = N_("改期")
    REASSIGNED = N_("转给别人")
    REOPENED = N_("重新打开")
    DONE = N_("办好了")
    DROPPED = N_("不再办")


class FollowUp(db.Model):
    __tablename__ = "follow_up"
    __table_args__ = (
        sa.Index(None, "assignee_id", "status", "due_on", "id"),
        sa.Index(None, "assignee_id", "closed_at", **only_where("closed_at IS NOT NULL")),
        sa.Index(None, "created_at", "id"),
        sa.Index(None, "enterprise_id", "created_at"),
        sa.Index(None, "status", "due_on", "id"),
        sa.Index(None, "visit_id", **only_where("visit_id IS NOT NULL")),
        sa.Index(None, "need_id", **only_where("need_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # UUIDv7, made on the phone
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("visit.id"))
    need_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("need.id"))
    kind: Mapped[FollowUpKind] = mapped_column(named(FollowUpKind), default=FollowUpKind.OTHER)
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


class FollowUpNote(db.Model):
    """One line of a promise's log."""

    __tablename__ = "follow_up_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    follow_up_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("follow_up.id"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    step: Mapped[FollowUpStep] = mapped_column(named(FollowUpStep))
    text: Mapped[str] = mapped_column(sa.Text, default="")


class CalendarFeed(db.Model):
    """A private calendar address; the address holds a token, the row only its SHA-256."""

    __tablename__ = "calendar_feed"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
