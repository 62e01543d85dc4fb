"""People, teams, the regions they serve, and their sessions."""

from __future__ import annotations

import enum
import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.clock import now
from fieldapp.db import db, named
from fieldapp.languages import N_


class Role(enum.Enum):
    OFFICER = N_("青年干部")
    LEAD = N_("负责人")
    ADMIN = N_("管理员")
    AUDITOR = N_("审计员")


team_region = sa.Table(
    "team_region",
    db.metadata,
    sa.Column("team_id", sa.ForeignKey("team.id"), primary_key=True),
    sa.Column(
        "region_id", sa.ForeignKey("region.id"), primary_key=True, unique=True
    ),  # one team serves a region
)

team_lead = sa.Table(
    "team_lead",
    db.metadata,
    sa.Column("team_id", sa.ForeignKey("team.id"), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("user.id"), primary_key=True, index=True),
)


class Region(db.Model):
    """旗县区."""

    __tablename__ = "region"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(12), unique=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)


class Team(db.Model):
    """服务团."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    office_phone: Mapped[str] = mapped_column(sa.String(40), default="")
    version: Mapped[int] = mapped_column(default=1)
    regions: Mapped[list[Region]] = relationship(secondary=team_region, order_by=Region.code)
    leads: Mapped[list[User]] = relationship(secondary=team_lead, order_by="User.name")


class User(db.Model):
    __tablename__ = "user"
    __table_args__ = (sa.Index(None, "team_id", "active"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(sa.String(40), unique=True)  # lower case
    name: Mapped[str] = mapped_column(sa.String(40))
    phone: Mapped[str] = mapped_column(sa.String(20), default="")
    role: Mapped[Role] = mapped_column(named(Role))
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("team.id"))
    active: Mapped[bool] = mapped_column(default=True)
    birth_year: Mapped[int | None]
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    password_is_one_time: Mapped[bool] = mapped_column(default=True)
    # What this person's phones keep is sealed with a key made from this (offline.md of the docs); never shown.
    phone_seed: Mapped[bytes] = mapped_column(sa.LargeBinary(32), default=lambda: secrets.token_bytes(32))
    password_set_at: Mapped[datetime] = mapped_column(default=now)  # a one-time password grows stale
    language: Mapped[str] = mapped_column(sa.String(4), default="zh")
    theme: Mapped[str] = mapped_column(sa.String(8), default="auto")  # auto / light / dark
    text_size: Mapped[str] = mapped_column(sa.String(8), default="normal")  # normal / large
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    team: Mapped[Team | None] = relationship()


class Session(db.Model):
    """One signed-in browser. The cookie holds the token, the row only its SHA-256."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"), index=True)
    role: Mapped[Role] = mapped_column(named(Role))  # the role it was opened for: another role ends it
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(sa.String(64), default="")  # hashed: told apart, never read
    agent: Mapped[str] = mapped_column(sa.String(200), default="")
    kept: Mapped[bool] = mapped_column(default=True)  # the cookie outlives the browser's closing


class Throttle(db.Model):
    """Failed tries, per account, per address and per pair; survives a restart."""

    __tablename__ = "sign_in_throttle"

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_failed_at: Mapped[datetime] = mapped_column(index=True)
    refusal_noted_at: Mapped[
        datetime | None
    ]  # tries turned away unchecked are told to the trail once a minute
