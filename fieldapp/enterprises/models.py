"""Enterprises, their people, their years, their qualifications, and who serves them."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.clock import now
from fieldapp.db import db, named, only_where
from fieldapp.languages import N_

Money = sa.Numeric(14, 2)  # 万元


class EnterpriseStatus(enum.Enum):
    ACTIVE = N_("正常")
    MOVED = N_("已搬迁")
    CLOSED = N_("已停产")


class QualificationKind(enum.Enum):
    HNTE = N_("高新技术企业")
    TECH_SME = N_("科技型中小企业")
    SPECIALISED = N_("专精特新")
    PLATFORM = N_("科技平台")


# Of the index that only counting goes along, see Enterprise.
COUNTED_ALONG = "region_id > 0"


class Enterprise(db.Model):
    __tablename__ = "enterprise"
    # Every list is sorted by need of a visit (visit_due_on, id): one index per scope it is walked in.
    __table_args__ = (
        # A lead of several teams: who may see a row is told by the index itself, so that a walk touches no row in vain.
        sa.Index(None, "visit_due_on", "id", "team_id", "officer_id"),
        sa.Index(None, "team_id", "visit_due_on", "id"),
        sa.Index(None, "officer_id", "visit_due_on", "id"),
        sa.Index(None, "team_id", "officer_id", "visit_due_on", "id"),
        # The board counts along it, and nobody else: it is there for who asks for its condition, true of every row.
        # Without statistics SQLite guesses which index leads a list; one more for all would be one more wrong guess.
        sa.Index(None, "team_id", "officer_id", "region_id", **only_where(COUNTED_ALONG)),
        sa.Index(None, "region_id", "visit_due_on", "id"),
        sa.Index(None, "team_id", "division", "visit_due_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    short_name: Mapped[str] = mapped_column(sa.String(80), default="")
    former_names: Mapped[list[str]] = mapped_column(default=list)
    uscc: Mapped[str] = mapped_column(sa.String(18), unique=True)
    region_id: Mapped[int] = mapped_column(sa.ForeignKey("region.id"))
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("team.id"))
    officer_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("user.id")
    )  # main officer; None: the shared pool
    address: Mapped[str] = mapped_column(sa.String(300), default="")
    # WGS-84 for every reckoning; beside it what was given, in the system it was given in.
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    given_lat: Mapped[float | None]
    given_lng: Mapped[float | None]
    given_crs: Mapped[str] = mapped_column(sa.String(8), default="")
    industry: Mapped[str] = mapped_column(sa.String(8), default="")  # GB/T 4754-2017
    division: Mapped[str] = mapped_column(sa.String(2), default="")  # its first two digits
    staff: Mapped[int | None]
    quiet_times: Mapped[str] = mapped_column(sa.String(200), default="")
    quiet_asked: Mapped[str] = mapped_column(sa.String(200), default="")  # what it would like there instead
    quiet_asked_at: Mapped[datetime | None]  # None: nothing is asked for
    checkin_radius: Mapped[int] = mapped_column(default=500)  # metres
    status: Mapped[EnterpriseStatus] = mapped_column(named(EnterpriseStatus), default=EnterpriseStatus.ACTIVE)
    last_visited_on: Mapped[date | None]
    visit_due_on: Mapped[date]  # when it next wants a visit; a date does not go stale as "overdue" would
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Contact(db.Model):
    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.String(60), default="")
    phone: Mapped[str] = mapped_column(sa.String(40), default="")
    second_phone: Mapped[str] = mapped_column(sa.String(40), default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class EnterpriseYear(db.Model):
    """One row a year; 万元. None is unknown, which is not zero."""

    __tablename__ = "enterprise_year"

    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    above_scale: Mapped[bool | None]
    revenue: Mapped[Decimal | None] = mapped_column(Money)
    cost: Mapped[Decimal | None] = mapped_column(Money)
    rd_spend: Mapped[Decimal | None] = mapped_column(Money)
    high_tech_revenue: Mapped[Decimal | None] = mapped_column(Money)
    net_assets: Mapped[Decimal | None] = mapped_column(Money)
    assets: Mapped[Decimal | None] = mapped_column(Money)
    liabilities: Mapped[Decimal | None] = mapped_column(Money)
    staff: Mapped[int | None]
    rd_staff: Mapped[int | None]
    graduates: Mapped[int | None]
    source: Mapped[str] = mapped_column(sa.String(120), default="")
    confirmed_by: Mapped[str] = mapped_column(sa.String(80), default="")


class EnterpriseTag(db.Model):
    __tablename__ = "enterprise_tag"
    __table_args__ = (sa.Index(None, "tag", "enterprise_id"),)

    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(sa.String(30), primary_key=True)


class Qualification(db.Model):
    __tablename__ = "qualification"

    id: Mapped[int] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), index=True)
    kind: Mapped[QualificationKind] = mapped_column(named(QualificationKind))
    number: Mapped[str] = mapped_column(sa.String(60), default="")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    source: Mapped[str] = mapped_column(sa.String(120), default="")


class Assignment(db.Model):
    """Who served an enterprise from when to when; at most one open main row, which Enterprise.officer_id repeats."""

    __tablename__ = "assignment"
    __table_args__ = (sa.Index(None, "officer_id", "ended_on", "enterprise_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), index=True)
    officer_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    is_main: Mapped[bool] = mapped_column(default=True)
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    end_reason: Mapped[str] = mapped_column(sa.String(200), default="")


class SearchToken(db.Model):
    """The search index, see search.py. Walked by token, and emptied by enterprise when a name changes."""

    __tablename__ = "search_token"
    __table_args__ = (sa.Index(None, "enterprise_id", "token"), {"sqlite_with_rowid": False})

    token: Mapped[str] = mapped_column(
        sa.String(24, collation="C").with_variant(sa.String(24), "sqlite"), primary_key=True
    )
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), primary_key=True)
