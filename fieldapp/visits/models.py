"""Visits: planned, made, recorded, reviewed."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.attachments import Attachment  # noqa: F401  (visit_photo points at its table)
from fieldapp.clock import now
from fieldapp.db import db, named, only_where
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


class VisitStep(enum.Enum):
    """What can happen to a visit; the history on the record is made of these."""

    PLANNED = N_("安排了走访")
    REPLANNED = N_("改了计划")
    JOINED = N_("加入同行")
    LEFT = N_("退出同行")
    ARRIVED = N_("签到")
    RECORDED = N_("记录了走访")
    AMENDED = N_("改了记录")
    RETURNED = N_("退回补充")
    ACCEPTED = N_("审阅通过")
    CANCELLED = N_("取消了走访")
    ANSWERED = N_("企业回答了走访确认")


class Answer(enum.Enum):
    """What the enterprise says of a visit. Nobody has to say anything: no answer is no fault."""

    CONFIRMED = N_("已确认")
    DIFFERS = N_("有出入")
    DENIED = N_("没有来过")


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

# Colleagues who came along: a joint visit is one visit.
visit_companion = sa.Table(
    "visit_companion",
    db.metadata,
    sa.Column("visit_id", sa.ForeignKey("visit.id"), primary_key=True),
    sa.Column("officer_id", sa.ForeignKey("user.id"), primary_key=True, index=True),
)

visit_photo = sa.Table(
    "visit_photo",
    db.metadata,
    sa.Column("visit_id", sa.ForeignKey("visit.id"), primary_key=True),
    sa.Column("attachment_id", sa.ForeignKey("attachment.id"), primary_key=True, index=True),
    sa.Column("position", sa.SmallInteger, nullable=False),
)


class Visit(db.Model):
    __tablename__ = "visit"
    __table_args__ = (
        sa.Index(None, "enterprise_id", "arrived_at", "status", "answer"),  # the board counts along it
        sa.Index(None, "officer_id", "arrived_at"),
        sa.Index(None, "arrived_at", "id"),
        sa.Index(None, "officer_id", "status", "planned_on"),
        sa.Index(None, "enterprise_id", "planned_on", **only_where("planned_on IS NOT NULL")),
        sa.Index(None, "status", "arrived_at", "id"),
        sa.Index(None, "answer", "arrived_at", "id", **only_where("answer IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # UUIDv7, made on the phone
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"))
    officer_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    status: Mapped[VisitStatus] = mapped_column(named(VisitStatus))
    planned_on: Mapped[date | None]  # None: nobody planned it, it was made
    planned_at: Mapped[str] = mapped_column(
        sa.String(5), default=""
    )  # 14:30 on the office's clock, or not said
    override_reason: Mapped[str] = mapped_column(sa.String(200), default="")  # why in spite of quiet times
    arrived_at: Mapped[datetime | None]  # None: planned, or cancelled before it was made
    left_at: Mapped[datetime | None]
    device_at: Mapped[datetime | None]  # the phone's clock at submit; kept, never trusted over the server's
    way: Mapped[VisitWay] = mapped_column(named(VisitWay))
    purposes: Mapped[list[str]] = mapped_column(default=list)  # names of VisitPurpose
    met_nobody: Mapped[bool] = mapped_column(default=False)
    said: Mapped[str] = mapped_column(sa.Text, default="")
    # Where the officer stood when they tapped: one point, WGS-84, or nothing at all.
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    accuracy: Mapped[float | None]  # metres, as the phone believes
    fixed_at: Mapped[datetime | None]  # when the phone took the fix
    distance: Mapped[int | None]  # metres to the enterprise; advice, never a verdict
    far_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    late_entry: Mapped[bool] = mapped_column(default=False)  # 补录: recorded on a later day
    next_contact_on: Mapped[date | None]
    photos_expected: Mapped[list[str]] = mapped_column(
        default=list
    )  # ids of the photos that come by themselves, after the words; what has come is in visit_photo
    recorded_at: Mapped[datetime | None]  # when it was first written down, on the server's clock
    reviewed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    reviewed_at: Mapped[datetime | None]
    review_comment: Mapped[str] = mapped_column(sa.Text, default="")
    cancel_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    # What the enterprise says of it; an answer is no edit of the record, so `version` does not count it.
    answer: Mapped[Answer | None] = mapped_column(named(Answer))
    answer_text: Mapped[str] = mapped_column(sa.Text, default="")  # what differs
    answered_at: Mapped[datetime | None]  # first; put right until a day later
    answer_version: Mapped[int] = mapped_column(sa.SmallInteger, default=0)  # how often it was given
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class VisitEvent(db.Model):
    """One step of a visit; the record's history, oldest first. What was recorded at once begins with its own row."""

    __tablename__ = "visit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("visit.id"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    step: Mapped[VisitStep] = mapped_column(named(VisitStep))
    note: Mapped[str] = mapped_column(sa.Text, default="")  # the lead's comment, the reason of a cancellation
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)  # field: [before, after], as words


class CodeKind(enum.Enum):
    SHOWN = "SHOWN"  # on the officer's phone: scanned, or its six digits typed
    LINK = "LINK"  # sent by the officer's own means
    TYPED = "TYPED"  # what the right six digits lead to


class VisitCode(db.Model):
    """One way for the enterprise to the page where it says whether somebody was there. Only hashes are kept."""

    __tablename__ = "visit_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("visit.id"), index=True)
    kind: Mapped[CodeKind] = mapped_column(named(CodeKind))
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)  # of 128 random bits and more
    # Keyed, and of one enterprise: six digits alone could be tried out, and count at that enterprise only.
    digits_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32), index=True)
    wrong_tries: Mapped[int] = mapped_column(
        sa.SmallInteger, default=0
    )  # at the enterprise, while it was shown
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class _Rating:
    """What enterprises said of visits without their name: sums by the month, and not one row for one answer.

    Nothing leads from here to a visit, an enterprise or a moment: there is no order in which answers came, a joint
    visit counts for each officer alone, and all numbers of a row are written anew with each answer.
    """

    month: Mapped[date] = mapped_column(primary_key=True)  # the first day of that in which they came
    answers: Mapped[int] = mapped_column(default=0)  # how many said anything of what follows
    level_1: Mapped[int] = mapped_column(default=0)
    level_2: Mapped[int] = mapped_column(default=0)
    level_3: Mapped[int] = mapped_column(default=0)
    level_4: Mapped[int] = mapped_column(default=0)
    level_5: Mapped[int] = mapped_column(default=0)
    repeated_forms: Mapped[int] = mapped_column(default=0)
    standstill: Mapped[int] = mapped_column(default=0)
    too_often: Mapped[int] = mapped_column(default=0)
    bad_time: Mapped[int] = mapped_column(default=0)


class OfficerRating(_Rating, db.Model):
    __tablename__ = "officer_rating"

    officer_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), primary_key=True, sort_order=-1)


class TeamRating(_Rating, db.Model):
    __tablename__ = "team_rating"

    team_id: Mapped[int] = mapped_column(sa.ForeignKey("team.id"), primary_key=True, sort_order=-1)
