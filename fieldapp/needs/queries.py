"""Reading needs, always through who may see their enterprise."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased

from fieldapp.accounts import User
from fieldapp.db import db
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import ENDED, Need, NeedEvent
from fieldapp.pages import keyset_cursor, keyset_place
from fieldapp.refusals import NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person


@dataclass
class NeedFile:
    need: Need
    enterprise: str
    author: str
    events: list[Any]  # rows: at, after, note, by


def find_need(person: Person, need_id: uuid.UUID) -> NeedFile:
    """One need with its log. Raises NotFound outside the person's scope."""
    author = aliased(User)
    row = db.session.execute(
        sa.select(Need, Enterprise.name.label("enterprise"), author.name.label("author"))
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .outerjoin(author, author.id == Need.author_id)
        .where(Need.id == need_id, visible_to(person))
    ).first()
    if row is None:
        raise NotFound
    events = db.session.execute(
        sa.select(NeedEvent.at, NeedEvent.after, NeedEvent.note, User.name.label("by"))
        .outerjoin(User, User.id == NeedEvent.by_id)
        .where(NeedEvent.need_id == need_id)
        .order_by(NeedEvent.at, NeedEvent.id)
    ).all()
    return NeedFile(row.Need, row.enterprise, row.author or "", list(events))


def list_needs(person: Person, page: str = "", *, still_open: bool = False) -> tuple[list[Any], str | None]:
    """Newest first, a page at a time: (rows, next page's cursor)."""
    size = current_app.config["PAGE_SIZE"]
    query = (
        sa.select(
            Need.id,
            Need.title,
            Need.kind,
            Need.status,
            Need.created_at,
            Enterprise.id.label("enterprise_id"),
            Enterprise.name.label("enterprise"),
        )
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .where(visible_to(person))
    )
    if still_open:
        query = query.where(Need.status.not_in(ENDED))
    place = keyset_place(page, uuid.UUID)
    if place:
        query = query.where(sa.tuple_(Need.created_at, Need.id) < sa.tuple_(*map(sa.literal, place)))
    rows = db.session.execute(query.order_by(Need.created_at.desc(), Need.id.desc()).limit(size + 1)).all()
    cursor = keyset_cursor(rows[size - 1].created_at, rows[size - 1].id) if len(rows) > size else None
    return list(rows[:size]), cursor
