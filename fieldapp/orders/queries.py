"""Reading orders: the enterprise by its receipt, those who serve it through the need."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fieldapp.accounts import Region, Team, User
from fieldapp.attachments.models import Attachment
from fieldapp.codes.models import QrCode
from fieldapp.db import fetch
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import Need
from fieldapp.orders.models import Order, need_photo

_order = Order.__table__
_holder = aliased(User)

_BY_NEED = sa.select(_order).where(_order.c.need_id == sa.bindparam("need", type_=_order.c.need_id.type))
_RECEIPT = (
    sa.select(
        _order.c.need_id,
        _order.c.receipt,
        _order.c.number,
        _order.c.created_at,
        Need.title,
        Need.status,
        Need.ending,
        Enterprise.name.label("enterprise"),
        Region.name.label("region"),
        Team.name.label("team"),
        Team.office_phone,
        _holder.name.label("holder"),
        QrCode.token.label("code"),
    )
    .join(Need, Need.id == _order.c.need_id)
    .join(Enterprise, Enterprise.id == Need.enterprise_id)
    .join(Region, Region.id == Enterprise.region_id)
    .join(QrCode, QrCode.id == _order.c.code_id)
    .outerjoin(Team, Team.id == Enterprise.team_id)
    .outerjoin(_holder, _holder.id == Need.claimed_by_id)
    .where(_order.c.receipt == sa.bindparam("receipt"))
)
_BY_NUMBER = (
    sa.select(_order.c.receipt)
    .join(Need, Need.id == _order.c.need_id)
    .where(_order.c.number == sa.bindparam("number"), Need.enterprise_id == sa.bindparam("enterprise"))
)
_PHOTOS = (
    sa.select(Attachment.id, Attachment.width, Attachment.height)
    .join(need_photo, need_photo.c.attachment_id == Attachment.id)
    .where(need_photo.c.need_id == sa.bindparam("need", type_=need_photo.c.need_id.type))
    .order_by(need_photo.c.position)
)


def order_of(need_id: uuid.UUID) -> Any | None:
    """The order a need came in by: columns of Order; None for a need that came otherwise. The need's door was asked."""
    return next(iter(fetch(_BY_NEED, {"need": need_id})), None)


def photos_of_need(need_id: uuid.UUID) -> list[Any]:
    """Rows of id, width, height."""
    return list(fetch(_PHOTOS, {"need": need_id}))


def find_receipt(receipt: str) -> Any | None:
    """What the enterprise may see of its order."""
    if not 16 <= len(receipt) <= 32 or not receipt.isascii():
        return None
    return next(iter(fetch(_RECEIPT, {"receipt": receipt})), None)


def receipt_by_number(enterprise_id: int, number: str) -> str | None:
    """The receipt of that enterprise's order with that number."""
    found = fetch(_BY_NUMBER, {"number": number, "enterprise": enterprise_id})
    return found[0].receipt if found else None


def wait_for(column: Any, value: Any, most: int, window: timedelta, moment: datetime) -> int:
    """Seconds until one more order is welcome; 0 for now. `most` within any `window`."""
    query = (
        sa.select(_order.c.created_at)
        .where(column == value, _order.c.created_at > moment - window)
        .order_by(_order.c.created_at.desc())
        .offset(most - 1)
        .limit(1)
    )
    crowded = fetch(query)
    return max(1, int((crowded[0].created_at + window - moment).total_seconds()) + 1) if crowded else 0
