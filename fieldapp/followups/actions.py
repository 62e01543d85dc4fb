"""Writing promises."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fieldapp import audit
from fieldapp.db import run
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.languages import lazy
from fieldapp.refusals import Conflict

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.enterprises.models import Enterprise


_PROMISE = sa.insert(FollowUp.__table__)


class AlreadyClosed(Conflict):
    message = lazy("这件事已经有人记为办结了，请刷新看看结果。")


def promise(
    person: Person,
    enterprise: Enterprise,
    follow_up_id: uuid.UUID,
    *,
    title: str,
    due_on: date,
    at: datetime,
    visit_id: uuid.UUID | None = None,
) -> None:
    """Something promised to an enterprise, kept by the one who promised it."""
    follow_up = {
        "id": follow_up_id,
        "enterprise_id": enterprise.id,
        "visit_id": visit_id,
        "title": title,
        "due_on": due_on,
        "assignee_id": person.id,
        "author_id": person.id,
        "status": FollowUpStatus.OPEN,
        "created_at": at,
        "updated_at": at,
    }
    run(_PROMISE, follow_up)
    audit.record("promised", f"follow_up:{follow_up_id}", actor=person, enterprise=enterprise.id)


def close(person: Person, follow_up: FollowUp, status: FollowUpStatus, result: str, at: datetime) -> None:
    """Kept, or dropped with a reason. Raises AlreadyClosed."""
    if follow_up.status is not FollowUpStatus.OPEN:
        raise AlreadyClosed
    follow_up.status = status
    follow_up.result = result
    follow_up.closed_at = at
    follow_up.version += 1
    audit.record("follow_up_closed", f"follow_up:{follow_up.id}", actor=person, status=status.name)
