"""Visits: planned, made, recorded, reviewed."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.clock import now
from fieldapp.db import db, named
from fieldapp.languages import N_


class VisitStatus(enum.Enum):
    PLANNED = N_("已计划")
    ARRIVED = N_("已到访")
    RECORDED = N_("已记录")
    RETURNED = N_("待补充")
    ACCEPTED = N_("已审阅")
    CANCELLED = N_("已取消")


class VisitWay(enum.Enum):
    ON_SITE = N_("上门")
    ONLINE = N_("线上")
    PHONE = N_("电话")
    OFFICE = N_("来访")


class VisitPurpose(enum.Enum):
    NEEDS = N_("了解需求")
    POLICY = N_("政策宣讲")
    TECHNOLOGY = N_("技术对接")
    REVISIT = N_("回访")
    APPLICATION = N_("项目申报")


# What made a visit: planned ones have not happened, cancelled ones never did.
HAPPENED = (VisitStatus.ARRIVED, VisitStatus.RECORDED, VisitStatus.RETURNED, VisitStatus.ACCEPTED)

visit_contact = sa.Table(
    "visit_contact",
    db.metadata,
    sa.Column("visit_id", sa.ForeignKey("visit.id"), primary_key=True),
    sa.Column("contact_id", sa.ForeignKey("contact.id"), primary_key=True, index=True),
)


class Visit(db.Model):
    __tablename__ = "visit"
    __table_args__ = (
        sa.Index(None, "enterprise_id", "arrived_at"),
        sa.Index(None, "officer_id", "arrived_at"),
        sa.Index(None, "arrived_at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # UUIDv7, made on the phone
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"))
    officer_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    status: Mapped[VisitStatus] = mapped_column(named(VisitStatus))
    arrived_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    device_at: Mapped[datetime | None]  # the phone's clock at submit; kept, never trusted over the server's
    way: Mapped[VisitWay] = mapped_column(named(VisitWay))
    purposes: Mapped[list[str]] = mapped_column(default=list)  # names of VisitPurpose
    met_nobody: Mapped[bool] = mapped_column(default=False)
    said: Mapped[str] = mapped_column(sa.Text, default="")
    late_entry: Mapped[bool] = mapped_column(default=False)  # 补录: recorded on a later day
    next_contact_on: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
