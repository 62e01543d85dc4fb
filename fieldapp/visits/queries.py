"""Reading visits, always through who may see their enterprise."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app

from fieldapp.accounts import User
from fieldapp.db import db
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.followups import FollowUp
from fieldapp.needs import Need
from fieldapp.pages import keyset_cursor, keyset_place
from fieldapp.refusals import NotFound
from fieldapp.visits.models import HAPPENED, Visit, visit_contact

if TYPE_CHECKING:
    from fieldapp.accounts import Person


@dataclass
class VisitFile:
    visit: Visit
    enterprise: str
    officer: str
    met: list[Any]  # rows: name, title
    needs: list[Need]
    follow_ups: list[FollowUp]


def find_visit(person: Person, visit_id: uuid.UUID) -> VisitFile:
    """One visit with what came of it. Raises NotFound outside the person's scope."""
    row = db.session.execute(
        sa.select(Visit, Enterprise.name.label("enterprise"), User.name.label("officer"))
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .join(User, User.id == Visit.officer_id)
        .where(Visit.id == visit_id, visible_to(person))
    ).first()
    if row is None:
        raise NotFound
    met = db.session.execute(
        sa.select(Contact.name, Contact.title)
        .join(visit_contact, visit_contact.c.contact_id == Contact.id)
        .where(visit_contact.c.visit_id == visit_id)
        .order_by(Contact.id)
    ).all()
    needs = db.session.scalars(sa.select(Need).where(Need.visit_id == visit_id).order_by(Need.id)).all()
    promises = db.session.scalars(
        sa.select(FollowUp).where(FollowUp.visit_id == visit_id).order_by(FollowUp.id)
    ).all()
    return VisitFile(row.Visit, row.enterprise, row.officer, list(met), list(needs), list(promises))


def list_visits(
    person: Person,
    page: str = "",
    *,
    officer_id: int | None = None,
    since: datetime | None = None,
    size: int | None = None,
) -> tuple[list[Any], str | None]:
    """Newest first, a page at a time: (rows, next page's cursor)."""
    size = size or current_app.config["PAGE_SIZE"]
    query = (
        sa.select(
            Visit.id,
            Visit.arrived_at,
            Visit.status,
            Visit.way,
            Visit.purposes,
            Visit.said,
            Visit.late_entry,
            Enterprise.id.label("enterprise_id"),
            Enterprise.name.label("enterprise"),
            User.name.label("officer"),
        )
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .join(User, User.id == Visit.officer_id)
        .where(visible_to(person))
    )
    if officer_id is not None:
        query = query.where(Visit.officer_id == officer_id)
    if since is not None:
        query = query.where(Visit.arrived_at >= since)
    place = keyset_place(page, uuid.UUID)
    if place:
        query = query.where(sa.tuple_(Visit.arrived_at, Visit.id) < sa.tuple_(*map(sa.literal, place)))
    rows = db.session.execute(query.order_by(Visit.arrived_at.desc(), Visit.id.desc()).limit(size + 1)).all()
    cursor = keyset_cursor(rows[size - 1].arrived_at, rows[size - 1].id) if len(rows) > size else None
    return list(rows[:size]), cursor


def visited_since(person: Person, since: datetime) -> tuple[int, int]:
    """(visits made, enterprises visited) since then, in what this person sees."""
    row = db.session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.distinct(Visit.enterprise_id)))
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .where(
            Visit.arrived_at >= since,
            Visit.status.in_(HAPPENED),
            Visit.officer_id == person.id if person.is_officer else visible_to(person),
        )
    ).one()
    return row[0], row[1]
