"""Placing an order: the need, who to call, photos, and word to those who serve the enterprise."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import url_for

from fieldapp.accounts import User
from fieldapp.accounts.models import team_lead
from fieldapp.attachments.actions import keep_all
from fieldapp.db import fetch, run
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.actions import submit
from fieldapp.needs.models import Need, NeedSource
from fieldapp.notices.actions import tell
from fieldapp.orders.models import Order, need_photo
from fieldapp.orders.rules import PRIVACY, new_number

if TYPE_CHECKING:
    from fieldapp.attachments.pictures import Photo

CALLERS_KEPT = timedelta(days=365)  # privacy text 2026-11

_ORDER = sa.insert(Order.__table__)
_PHOTO = sa.insert(need_photo)
# Who is told: the main officer, and the team's leads.
_TOLD = sa.union(
    sa.select(Enterprise.officer_id.label("id")).where(
        Enterprise.id == sa.bindparam("enterprise"), Enterprise.officer_id.is_not(None)
    ),
    sa.select(team_lead.c.user_id.label("id"))
    .join(Enterprise, Enterprise.team_id == team_lead.c.team_id)
    .join(User, User.id == team_lead.c.user_id)
    .where(Enterprise.id == sa.bindparam("enterprise"), User.active),
)


def place(
    enterprise: Any,
    code_id: int,
    need_id: uuid.UUID,
    at: datetime,
    *,
    words: dict[str, Any],
    contact: dict[str, Any],
    photos: Sequence[Photo],
    fingerprint: bytes,
    address: str,
) -> str:
    """One order in one act; returns its receipt. Raises needs.actions.IdTaken when the form was sent before.

    `enterprise` has id and name, `words` are what needs.actions.submit takes, `contact` the order's own columns.
    """
    submit(None, enterprise, need_id, at=at, source=NeedSource.ORDER, **words)
    receipt = secrets.token_urlsafe(16)
    run(
        _ORDER,
        {
            "need_id": need_id,
            "code_id": code_id,
            "receipt": receipt,
            "number": new_number(),
            "fingerprint": fingerprint,
            "privacy": PRIVACY,
            "address": address,
            "created_at": at,
        }
        | contact,
    )
    kept = keep_all(None, enterprise.id, photos, at)
    if kept:
        run(
            _PHOTO,
            [{"need_id": need_id, "attachment_id": one, "position": n} for n, one in enumerate(kept, 1)],
        )
    path = url_for("needs.show", need_id=need_id)
    for row in fetch(_TOLD, {"enterprise": enterprise.id}):
        tell(row.id, "order_placed", at, path, enterprise=enterprise.name, title=words["title"])
    return receipt


def forget_callers(at: datetime) -> int:
    """Delete who to call for orders whose need ended 12 months ago, as the privacy text promises; returns how many."""
    order, need = Order.__table__, Need.__table__
    over = sa.select(need.c.id).where(need.c.ended_at < at - CALLERS_KEPT)
    return run(
        sa.update(order)
        .where(order.c.need_id.in_(over), order.c.contact_name != "")
        .values(contact_name="", phone="", address="")
    ).rowcount
