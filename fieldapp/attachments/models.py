"""Photos and files. What came in is never served; a re-encoded copy without metadata is."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.db import db, named

JPEG, PDF = "image/jpeg", "application/pdf"


class CopySize(enum.Enum):
    FULL = "full"
    THUMB = "thumb"


class Attachment(db.Model):
    """One photo or PDF of one enterprise: who sees the enterprise sees its photos."""

    __tablename__ = "attachment"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # UUIDv7, made on the phone where it can
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"), index=True)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    sha256: Mapped[bytes] = mapped_column(
        sa.LargeBinary(32)
    )  # of what came in: the same photo twice is told by it
    media_type: Mapped[str] = mapped_column(sa.String(60))  # of the copies
    bytes: Mapped[int]  # of the full copy
    width: Mapped[int]  # of the picture; 0 for a PDF
    height: Mapped[int]
    original_name: Mapped[str] = mapped_column(sa.String(200), default="")
    created_at: Mapped[datetime]


class AttachmentCopy(db.Model):
    """The bytes that are served, apart from the row that lists read; in the database so that a photo is stored in the
    same transaction as its visit, and one backup holds everything."""

    __tablename__ = "attachment_copy"

    attachment_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("attachment.id"), primary_key=True)
    size: Mapped[CopySize] = mapped_column(named(CopySize), primary_key=True)
    data: Mapped[bytes] = mapped_column(sa.LargeBinary)
