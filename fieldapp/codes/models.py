"""The code on an enterprise's door."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import db


class QrCode(db.Model):
    """One printed code. Revoked ones stay, so that an old print can be told what it is."""

    __tablename__ = "qr_code"
    # One code in use an enterprise, whoever presses the button at the same moment.
    __table_args__ = (
        sa.Index(
            "uq_qr_code_in_use",
            "enterprise_id",
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), index=True)
    token: Mapped[str] = mapped_column(sa.String(32), unique=True)  # 128 random bits, never the uscc
    short_code: Mapped[str] = mapped_column(sa.String(6), unique=True)  # for typing; signed-in people only
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    revoked_at: Mapped[datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
