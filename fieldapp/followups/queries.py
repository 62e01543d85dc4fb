"""Reading promises, always through who may see their enterprise."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app

from fieldapp.accounts import User
from fieldapp.db import db, fetch
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.pages import keyset_cursor, keyset_place
from fieldapp.refusals import NotAllowed, NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def overdue(on: date) -> Any:
    return sa.and_(FollowUp.status == FollowUpStatus.OPEN, FollowUp.due_on < on)


def _theirs(person: Person) -> Any:
    """An officer's list is what they promised; a lead's is the team's."""
    return FollowUp.assignee_id == person.id if person.is_officer else visible_to(person)


def _rows() -> sa.Select:
    return (
        sa.select(
            FollowUp.id,
            FollowUp.title,
            FollowUp.due_on,
            FollowUp.status,
            FollowUp.closed_at,
            User.name.label("assignee"),
            Enterprise.id.label("enterprise_id"),
            Enterprise.name.label("enterprise"),
        )
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .join(User, User.id == FollowUp.assignee_id)
    )


def list_follow_ups(person: Person, page: str = "", *, closed: bool = False) -> tuple[list[Any], str | None]:
    """Open ones by due date, closed ones newest first: (rows, next page's cursor)."""
    size = current_app.config["PAGE_SIZE"]
    query = _rows().where(_theirs(person))
    place = keyset_place(page, uuid.UUID)
    key = sa.tuple_(FollowUp.due_on, FollowUp.id)
    if closed:
        query = query.where(FollowUp.status != FollowUpStatus.OPEN).order_by(
            FollowUp.due_on.desc(), FollowUp.id.desc()
        )
        if place:
            query = query.where(key < sa.tuple_(sa.literal(place[0].date()), sa.literal(place[1])))
    else:
        query = query.where(FollowUp.status == FollowUpStatus.OPEN).order_by(FollowUp.due_on, FollowUp.id)
        if place:
            query = query.where(key > sa.tuple_(sa.literal(place[0].date()), sa.literal(place[1])))
    rows = db.session.execute(query.limit(size + 1)).all()
    cursor = keyset_cursor(rows[size - 1].due_on, rows[size - 1].id) if len(rows) > size else None
    return list(rows[:size]), cursor


_WAITING = sa.select(sa.func.count()).select_from(
    sa.select(FollowUp.due_on)
    .where(FollowUp.assignee_id == sa.bindparam("assignee"), FollowUp.status == FollowUpStatus.OPEN)
    .limit(100)
    .subquery()
)


def waiting(person: Person) -> int:
    """Open promises of this person, for the tab's badge; counted to 100 at most."""
    return fetch(_WAITING, {"assignee": person.id})[0][0]


def find_follow_up(
    person: Person, follow_up_id: uuid.UUID, to: Callable[[Person, FollowUp], bool] | None = None
) -> tuple[FollowUp, str, str]:
    """(promise, enterprise's name, assignee's name). Raises NotFound, NotAllowed."""
    row = db.session.execute(
        sa.select(FollowUp, Enterprise.name, User.name)
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .join(User, User.id == FollowUp.assignee_id)
        .where(FollowUp.id == follow_up_id, visible_to(person))
    ).first()
    if row is None:
        raise NotFound
    if to is not None and not to(person, row[0]):
        raise NotAllowed
    return row[0], row[1], row[2]
