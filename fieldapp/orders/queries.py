"""Reading orders: the enterprise by its receipt, those who serve it through the need."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from fieldapp.accounts import Team
from fieldapp.attachments.models import Attachment
from fieldapp.codes.models import QrCode
from fieldapp.db import db, fetch
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import Need, NeedEvent, need_file
from fieldapp.orders.models import Order, ReceiptAct

_order = Order.__table__

_BY_NEED = sa.select(_order).where(_order.c.need_id == sa.bindparam("need", type_=_order.c.need_id.type))
_RECEIPT = (
    sa.select(
        _order.c.need_id,
        _order.c.receipt,
        _order.c.number,
        _order.c.created_at,
        Need.title,
        Need.merged_into_id,
        Enterprise.name.label("enterprise"),
        Team.name.label("team"),
        Team.office_phone,
        QrCode.token.label("code"),
    )
    .join(Need, Need.id == _order.c.need_id)
    .join(Enterprise, Enterprise.id == Need.enterprise_id)
    .outerjoin(QrCode, sa.and_(QrCode.enterprise_id == Need.enterprise_id, QrCode.revoked_at.is_(None)))
    .outerjoin(Team, Team.id == Enterprise.team_id)
    .where(_order.c.receipt == sa.bindparam("receipt"))
)
_BY_NUMBER = (
    sa.select(_order.c.receipt)
    .join(Need, Need.id == _order.c.need_id)
    .where(_order.c.number == sa.bindparam("number"), Need.enterprise_id == sa.bindparam("enterprise"))
)


def order_of(need_id: uuid.UUID) -> Any | None:
    """The order a need came in by: columns of Order; None for a need that came otherwise. The need's door was asked."""
    return next(iter(fetch(_BY_NEED, {"need": need_id})), None)


def find_receipt(receipt: str) -> Any | None:
    """What the enterprise may see of its order."""
    if not 16 <= len(receipt) <= 32 or not receipt.isascii():
        return None
    return next(iter(fetch(_RECEIPT, {"receipt": receipt})), None)


def receipt_by_number(enterprise_id: int, number: str) -> str | None:
    """The receipt of that enterprise's order with that number."""
    found = fetch(_BY_NUMBER, {"number": number, "enterprise": enterprise_id})
    return found[0].receipt if found else None


# Codes first, then addresses: two that wait for each other's locks never come about.
_LINE = sa.select(
    sa.func.pg_advisory_xact_lock(1, sa.bindparam("code", type_=sa.Integer)),
    sa.func.pg_advisory_xact_lock(2, sa.func.hashtext(sa.bindparam("address"))),
)


def stand_in_line(code_id: int, address: str) -> None:
    """Until this transaction ends nobody else is counted for that code or address: ten orders sent at once are counted
    one after the other. On SQLite whoever writes is alone anyway."""
    if db.engine.dialect.name == "postgresql":
        fetch(_LINE, {"code": code_id, "address": address})


def _last_but(name: str, column: Any) -> Any:
    """When the order was placed that stands last among the most that are allowed; nothing while there are fewer."""
    return (
        sa.select(_order.c.created_at)
        .where(column == sa.bindparam(name), _order.c.created_at > _since(f"{name}_since"))
        .order_by(_order.c.created_at.desc())
        .offset(sa.bindparam(f"{name}_most", type_=sa.Integer))
        .limit(1)
        .scalar_subquery()
        .label(name)
    )


def _since(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=_order.c.created_at.type)


_TWIN = (
    sa.select(_order.c.need_id)
    .where(
        _order.c.code_id == sa.bindparam("code"),
        _order.c.created_at > _since("address_since"),
        _order.c.fingerprint == sa.bindparam("content", type_=_order.c.fingerprint.type),
    )
    .order_by(_order.c.created_at.desc())
    .limit(1)
    .scalar_subquery()
    .label("twin")
)
_CROWD = sa.select(_last_but("address", _order.c.address), _last_but("code", _order.c.code_id), _TWIN)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def crowd(
    address: str, most_of_address: int, code_id: int, most_of_code: int, content: bytes, moment: datetime
) -> tuple[int, uuid.UUID | None]:
    """(seconds until one more order is welcome, 0 for now: so many an hour from one address, a day through one code;
    the order that came through this code within the hour and says the very same, from another form)."""
    row = fetch(
        _CROWD,
        {
            "address": address, "address_since": moment - HOUR, "address_most": most_of_address - 1,
            "code": code_id, "code_since": moment - DAY, "code_most": most_of_code - 1, "content": content,
        },
    )[0]  # fmt: skip
    free = [at + window for at, window in ((row.address, HOUR), (row.code, DAY)) if at is not None]
    return max(1, int((max(free) - moment).total_seconds()) + 1) if free else 0, row.twin


_act = ReceiptAct.__table__
_ACT_OF = sa.select(_act).where(_act.c.id == sa.bindparam("ticket", type_=_act.c.id.type))
_LAST_CALL = (
    sa.select(sa.func.max(_act.c.at).label("at"))
    .where(
        _act.c.need_id == sa.bindparam("need", type_=_act.c.need_id.type),
        _act.c.step == "call",
        _act.c.at > sa.bindparam("since", type_=_act.c.at.type),
    )
)  # fmt: skip


def act_of(ticket: uuid.UUID) -> Any | None:
    """What was done with that ticket: a row of need_id, step, fingerprint, at; None while nothing was."""
    return next(iter(fetch(_ACT_OF, {"ticket": ticket})), None)


def last_call(need_id: uuid.UUID, since: datetime) -> datetime | None:
    """When a call was last asked for, after `since`."""
    found: datetime | None = fetch(_LAST_CALL, {"need": need_id, "since": since})[0].at
    return found


_SAID = sa.select(_act.c.id).where(
    _act.c.need_id == sa.bindparam("need", type_=_act.c.need_id.type),
    _act.c.at > sa.bindparam("since", type_=_act.c.at.type),
    _act.c.step == sa.bindparam("step"),
    _act.c.fingerprint == sa.bindparam("content", type_=_act.c.fingerprint.type),
    ~sa.exists().where(
        NeedEvent.need_id == sa.bindparam("goes_on", type_=Need.id.type),
        NeedEvent.at > _act.c.at,
        ~NeedEvent.from_enterprise,
    ),
)


def was_said(need_id: uuid.UUID, goes_on: uuid.UUID, step: str, content: bytes, since: datetime) -> bool:
    """Whether the very same was sent at this receipt after `since`, from another form, and the office has done nothing
    on the need that `goes_on` there since: "可以" to another question is another answer."""
    asked = {"need": need_id, "goes_on": goes_on, "step": step, "content": content, "since": since}
    return bool(fetch(_SAID, asked))


def acts_since(need_id: uuid.UUID, since: datetime, most: int) -> datetime | None:
    """When the oldest of the last `most` acts after `since` was; None when there were fewer."""
    query = (
        sa.select(_act.c.at)
        .where(_act.c.need_id == need_id, _act.c.at > since, _act.c.step != "call")
        .order_by(_act.c.at.desc())
        .offset(most - 1)
        .limit(1)
    )
    found = fetch(query)
    return found[0].at if found else None


_AT_DOOR = (
    sa.select(
        Attachment.id,
        Attachment.bytes,
        Attachment.media_type,
        Attachment.original_name,
        need_file.c.need_id,
        need_file.c.event_id,
        NeedEvent.from_enterprise,
        NeedEvent.through_id,
    )
    .join(need_file, need_file.c.attachment_id == Attachment.id)
    .outerjoin(NeedEvent, NeedEvent.id == need_file.c.event_id)
    .where(sa.or_(need_file.c.event_id.is_(None), NeedEvent.shown, NeedEvent.from_enterprise))
)
_FILES_AT_DOOR = _AT_DOOR.where(
    need_file.c.need_id == sa.bindparam("need", type_=need_file.c.need_id.type)
).order_by(need_file.c.event_id, need_file.c.position)
_FILE_AT_DOOR = _AT_DOOR.where(Attachment.id == sa.bindparam("file", type_=Attachment.id.type))


def _is_for(file: Any, own: uuid.UUID) -> bool:
    """Whether who holds the receipt of the order `own` may have that file: what the office sent, and what was sent at
    that receipt. Of two orders merged into one neither reads what was said at the other's."""
    return file.from_enterprise is False or (file.through_id or file.need_id) == own


def files_at_door(need_id: uuid.UUID, own: uuid.UUID) -> list[Any]:
    """What the enterprise sent at the receipt of `own` and what it was sent: rows of id, bytes, media_type,
    original_name, event_id, from_enterprise. What officers keep for themselves is not among them."""
    return [file for file in fetch(_FILES_AT_DOOR, {"need": need_id}) if _is_for(file, own)]


def file_at_door(needs: set[uuid.UUID], attachment_id: uuid.UUID, *, own: uuid.UUID) -> Any | None:
    """One of them, when it belongs to one of these needs."""
    for file in fetch(_FILE_AT_DOOR, {"file": attachment_id}):
        if file.need_id in needs and _is_for(file, own):
            return file
    return None
