"""Writing the trail. No personal data goes into `detail`: ids, states and counts only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import g, has_request_context
from flask_login import current_user
from sqlalchemy.orm import Session

from fieldapp import here
from fieldapp.audit.models import AuditEvent
from fieldapp.clock import now
from fieldapp.db import afterwards, keep_if_refused, run, run_last

_INSERT = sa.insert(AuditEvent.__table__)


def _insert(session: Session, row: dict[str, Any]) -> None:
    session.connection().execute(_INSERT, row)


def record(
    action: str,
    subject: object = "",
    *,
    survives: bool = False,
    later: bool = False,
    nameless: bool = False,
    actor: Any = None,
    **detail: Any,
) -> None:
    """Add one event to the present transaction.

    `survives=True` is for refused acts: the event is written after the request has been rolled back. `later=True` is
    for sensitive reading (printing, exporting): a GET writes nothing itself, so the trail is told when it is over.
    `nameless=True` is for what enterprises do at their own door, who were promised that no address is kept of them.
    `actor` defaults to the signed-in person (None: the system). The insert is a plain statement because the trail
    is written in every request and is never read back in the same one; what is undone is not told.
    """
    person, asked, request_id = actor, None, ""
    if has_request_context():
        asked, request_id = here.request(), here.notes().get("request_id", "")
        if person is None and current_user and current_user.is_authenticated:
            person = current_user
    row = {
        "at": now(),
        "actor_id": getattr(person, "id", None),
        "actor_name": (getattr(person, "name", "") or "")[:80],
        "action": action,
        "subject": str(subject)[:120],
        "outcome": "refused" if survives else "done",
        "detail": detail,
        "address": (asked.remote_addr or "") if asked and not nameless else "",
        "request_id": request_id,
    }
    if survives:
        g.refusal_told = True  # this refusal has its own line; the general one need not be added
        keep_if_refused(lambda session: _insert(session, row))
    elif later:
        afterwards(lambda session: _insert(session, row))
    elif request_id:  # a real request
        run_last(_INSERT, row)
    else:
        run(_INSERT, row)
