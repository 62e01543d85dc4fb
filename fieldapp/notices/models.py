"""What somebody should know of, the ways there are to tell them outside the app, and what waits to go that way."""

from __future__ import annotations

import enum
from datetime import datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.clock import now
from fieldapp.db import db, named, only_where
from fieldapp.languages import N_

KEYED = "key IS NOT NULL"
TEST = "test"  # the key of a channel's test message: the last one is looked at


class Notification(db.Model):
    """One thing told to one person. `kind` names the sentence, `details` fill it in, `path` is where it leads.

    `key`, where there is one, names what is told: the same person is told it once.
    """

    __tablename__ = "notification"
    __table_args__ = (
        sa.Index(None, "user_id", "read_at", "id"),
        sa.Index(None, "user_id", "key", unique=True, **only_where(KEYED)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    path: Mapped[str] = mapped_column(sa.String(300), default="")
    key: Mapped[str | None] = mapped_column(sa.String(120))
    urgent: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class ChannelKind(enum.Enum):
    DINGTALK = N_("钉钉群机器人")
    WECOM = N_("企业微信群机器人")
    MAIL = N_("邮件")


class Channel(db.Model):
    """A way out of the app: one of each kind for a person, one robot of each kind for a team.

    What reaches it (a robot's token and signing secret, a mail address) is never shown again and never logged; it goes
    when the channel is taken away, the row stays for what was sent through it.
    """

    __tablename__ = "channel"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "kind"),
        sa.UniqueConstraint("team_id", "kind"),
        sa.CheckConstraint("(user_id IS NULL) <> (team_id IS NULL)", name="has_one_owner"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("team.id"))
    kind: Mapped[ChannelKind] = mapped_column(named(ChannelKind))
    target: Mapped[str] = mapped_column(sa.String(254), default="")
    secret: Mapped[str] = mapped_column(sa.String(120), default="")
    active: Mapped[bool] = mapped_column(default=True)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class QuietTime(db.Model):
    """When a person wants nothing sent, where it is not what the settings say. Equal times: no quiet hours."""

    __tablename__ = "quiet_time"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), primary_key=True)
    starts: Mapped[time]
    ends: Mapped[time]
    days_off: Mapped[bool] = mapped_column(default=True)  # nor on days that are no working days
    digest: Mapped[bool] = mapped_column(default=True)  # what is not urgent waits for the morning


class DeliveryState(enum.Enum):
    WAITING = N_("等待发送")
    SENT = N_("已发出")
    DEAD = N_("没有发出去")
    GIVEN_UP = N_("不再发送")


class Delivery(db.Model):
    """The transactional outbox: what is to go through a channel, written in the transaction of the change.

    A person's is a notification on its way; a team's, and a test, have no notification and carry kind, details and
    path themselves.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        sa.Index(None, "state", "due_at", "id"),
        sa.Index(None, "channel_id", "key", unique=True, **only_where(KEYED)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(sa.ForeignKey("channel.id"))
    notification_id: Mapped[int | None] = mapped_column(sa.ForeignKey("notification.id"))
    kind: Mapped[str] = mapped_column(sa.String(40), default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    path: Mapped[str] = mapped_column(sa.String(300), default="")
    key: Mapped[str | None] = mapped_column(sa.String(120))
    urgent: Mapped[bool] = mapped_column(default=False)  # goes singly, as soon as it is not quiet
    test: Mapped[bool] = mapped_column(default=False)  # goes at once and once
    state: Mapped[DeliveryState] = mapped_column(named(DeliveryState), default=DeliveryState.WAITING)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    error: Mapped[str] = mapped_column(
        sa.String(40), default=""
    )  # a code of rules.FAULTS, never what was sent
    # Somebody is sending it just now. Of a worker that was killed meanwhile the claim runs out.
    claim: Mapped[str] = mapped_column(sa.String(32), default="")
    claimed_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
