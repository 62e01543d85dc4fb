"""Reading the trail, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app

from fieldapp.audit.models import EVERYDAY, RARE, AuditEvent
from fieldapp.clock import local_midnight
from fieldapp.db import db


@dataclass
class TrailFilters:
    """What the trail is asked for; every field comes from the address."""

    person: str = ""  # part of a name
    actor: int | None = None  # exactly this account
    action: str = ""
    day: date | None = None
    refused: bool = False
    page: int | None = None  # the id the page before ended with


def list_events(filters: TrailFilters) -> tuple[list[Any], int | None]:
    """One page: (rows, next page's cursor). Ids grow with time, so one index gives order and place."""
    size = current_app.config["PAGE_SIZE"]
    query = sa.select(AuditEvent)
    if filters.actor is not None:
        query = query.where(AuditEvent.actor_id == filters.actor)
    if filters.person:
        query = query.where(AuditEvent.actor_name.contains(filters.person, autoescape=True))
    if filters.action:
        query = query.where(AuditEvent.action == filters.action)
        if filters.action not in EVERYDAY:
            query = query.where(sa.text(RARE))
    if filters.day:
        query = query.where(
            AuditEvent.at >= local_midnight(filters.day),
            AuditEvent.at < local_midnight(filters.day + timedelta(days=1)),
        )
    if filters.refused:
        query = query.where(AuditEvent.outcome == "refused")
    if filters.page is not None:
        query = query.where(AuditEvent.id < filters.page)
    rows = list(db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(size + 1)))
    return rows[:size], rows[size - 1].id if len(rows) > size else None
