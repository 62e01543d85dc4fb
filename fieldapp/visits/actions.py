"""Writing visits."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from fieldapp import audit, clock
from fieldapp.db import run
from fieldapp.enterprises.actions import add_contact, note_visit
from fieldapp.followups.actions import promise
from fieldapp.languages import lazy
from fieldapp.needs import NeedKind
from fieldapp.needs.actions import submit
from fieldapp.refusals import Conflict
from fieldapp.visits.models import Visit, VisitStatus, VisitWay, visit_contact
from fieldapp.visits.rules import is_late_entry, require_possible

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.enterprises.models import Enterprise


_VISIT = sa.insert(Visit.__table__)
_MET = sa.insert(visit_contact)


class IdTaken(Conflict):
    message = lazy("这次走访已经保存过了，不用再提交。请到走访列表里看一看。")


def record_visit(
    person: Person,
    enterprise: Enterprise,
    at: datetime,
    *,
    arrived_at: datetime,
    left_at: datetime | None,
    way: VisitWay,
    purposes: list[str],
    met: list[int],
    met_nobody: bool,
    new_contact: tuple[str, str, str],
    said: str,
    need: tuple[str, NeedKind, Decimal | None],
    promise_made: tuple[str, date | None],
    next_contact_on: date | None,
    visit_id: uuid.UUID | None = None,
    need_id: uuid.UUID | None = None,
    follow_up_id: uuid.UUID | None = None,
    device_at: datetime | None = None,
) -> uuid.UUID:
    """Everything of one visit in one act: who was met, what was said, one need, one promise. Returns the visit's id.

    Plain inserts, past the mapper: what is written here is read again by other requests only.

    `met` are ids of this enterprise's contacts (the form has checked that). Raises the refusals of
    rules.require_possible and IdTaken.
    """
    require_possible(arrived_at, left_at, at)
    visited_on = clock.local(arrived_at).date()
    visit_id = visit_id or uuid7()
    visit = {
        "id": visit_id,
        "enterprise_id": enterprise.id,
        "officer_id": person.id,
        "status": VisitStatus.RECORDED,
        "arrived_at": arrived_at,
        "left_at": left_at,
        "device_at": device_at,
        "way": way,
        "purposes": purposes,
        "met_nobody": met_nobody,
        "said": said,
        "late_entry": is_late_entry(visited_on, clock.local(at).date()),
        "next_contact_on": next_contact_on,
        "created_at": at,
        "updated_at": at,
    }
    try:
        # The second net behind the receipt: the phone's id is unique, whatever key it travelled under.
        run(_VISIT, visit)
    except IntegrityError as error:
        raise IdTaken from error
    if new_contact[0]:
        met = [*met, add_contact(enterprise, *new_contact).id]
    if met:
        run(_MET, [{"visit_id": visit_id, "contact_id": contact_id} for contact_id in dict.fromkeys(met)])
    if need[0]:
        submit(
            person,
            enterprise,
            need_id or uuid7(),
            title=need[0],
            kind=need[1],
            budget=need[2],
            at=at,
            visit_id=visit_id,
        )
    if promise_made[0] and promise_made[1]:
        promise(
            person,
            enterprise,
            follow_up_id or uuid7(),
            title=promise_made[0],
            due_on=promise_made[1],
            at=at,
            visit_id=visit_id,
        )
    note_visit(enterprise.id, visited_on, next_contact_on)
    audit.record("visit_recorded", f"visit:{visit_id}", actor=person, enterprise=enterprise.id)
    return visit_id
