"""An order (企业点单): a need that came in at the enterprise's own door, and who to call about it."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.codes.models import QrCode  # noqa: F401
from fieldapp.db import db, named
from fieldapp.languages import N_


class CallAt(enum.Enum):
    ANY = N_("都可以")
    MORNING = N_("上午")
    AFTERNOON = N_("下午")
    EVENING = N_("晚上")


class BudgetBand(enum.Enum):
    UNKNOWN = N_("还没想好")
    UNDER_10 = N_("10 万元以内")
    UNDER_50 = N_("10–50 万元")
    UNDER_200 = N_("50–200 万元")
    ABOVE_200 = N_("200 万元以上")


class Order(db.Model):
    """What the need itself does not hold. The person's name and number are for this matter only."""

    __tablename__ = "enterprise_order"
    __table_args__ = (sa.Index(None, "address", "created_at"), sa.Index(None, "code_id", "created_at"))

    need_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("need.id"), primary_key=True)
    code_id: Mapped[int] = mapped_column(sa.ForeignKey("qr_code.id"))  # the code on the wall it came through
    receipt: Mapped[str] = mapped_column(sa.String(32), unique=True)  # 128 random bits: the address
    number: Mapped[str] = mapped_column(sa.String(8), unique=True)  # to be said on the telephone
    fingerprint: Mapped[bytes] = mapped_column(
        sa.LargeBinary(32)
    )  # of the content: the same again is the same
    contact_name: Mapped[str] = mapped_column(sa.String(40))
    phone: Mapped[str] = mapped_column(sa.String(40))
    call_at: Mapped[CallAt] = mapped_column(named(CallAt))
    budget: Mapped[BudgetBand] = mapped_column(named(BudgetBand))
    privacy: Mapped[str] = mapped_column(sa.String(10))  # which version of the privacy text was agreed to
    address: Mapped[str] = mapped_column(sa.String(32))  # hashed: counted, never read
    created_at: Mapped[datetime]


class ReceiptAct(db.Model):
    """One form sent at a receipt: sent again it is known by its ticket."""

    __tablename__ = "receipt_act"
    __table_args__ = (sa.Index(None, "need_id", "at"), sa.Index(None, "at"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # the form's ticket
    need_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("enterprise_order.need_id"))
    step: Mapped[str] = mapped_column(sa.String(20))  # of needs.steps.STEPS, or "call"
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    at: Mapped[datetime]
