"""Writing needs."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fieldapp import audit
from fieldapp.db import run
from fieldapp.needs.models import Need, NeedEvent, NeedKind, NeedSource, NeedStatus

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.enterprises.models import Enterprise


_NEED = sa.insert(Need.__table__)
_STEP = sa.insert(NeedEvent.__table__)


def submit(
    person: Person,
    enterprise: Enterprise,
    need_id: uuid.UUID,
    *,
    title: str,
    kind: NeedKind,
    at: datetime,
    description: str = "",
    budget: Decimal | None = None,
    visit_id: uuid.UUID | None = None,
    source: NeedSource = NeedSource.VISIT,
) -> None:
    """A need heard by an officer: it waits to be accepted."""
    need = {
        "id": need_id,
        "enterprise_id": enterprise.id,
        "visit_id": visit_id,
        "source": source,
        "title": title,
        "description": description,
        "kind": kind,
        "budget": budget,
        "status": NeedStatus.SUBMITTED,
        "author_id": person.id,
        "created_at": at,
        "updated_at": at,
    }
    run(_NEED, need)
    run(_STEP, {"need_id": need_id, "at": at, "by_id": person.id, "after": NeedStatus.SUBMITTED})
    audit.record("need_submitted", f"need:{need_id}", actor=person, enterprise=enterprise.id)
