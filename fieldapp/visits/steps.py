"""Writing what happens around a visit: planning it, going along, calling it off, and the lead's review.

Each step is one UPDATE that names the states it may start from (and the version that was looked at): of two people at
once one comes first, the other is told what happened, and nothing is half-written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fieldapp import audit, clock
from fieldapp.db import fetch, run
from fieldapp.enterprises.actions import forget_visit, note_visit
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.queries import may_see
from fieldapp.entries.actions import made
from fieldapp.languages import lazy
from fieldapp.needs.queries import those_serving
from fieldapp.notices.actions import tell
from fieldapp.refusals import Conflict
from fieldapp.visits import history
from fieldapp.visits.lifecycle import FROM, require_possible
from fieldapp.visits.models import HAPPENED, Visit, VisitStatus, VisitStep, VisitWay, visit_companion
from fieldapp.visits.queries import VisitFile

if TYPE_CHECKING:
    from fieldapp.accounts import Person

_table = Visit.__table__
_VISIT = sa.insert(_table)
_JOIN = sa.insert(visit_companion)


class IdTaken(Conflict):
    message = lazy("这次走访已经安排过了，不用再提交。请到走访列表里看一看。")


class Stale(Conflict):
    """Somebody else was quicker; the visit is still in a state that allows the step."""

    message = lazy("你打开之后，这次走访有人改过。请看一下最新内容再保存。")


class AlreadyComing(Conflict):
    message = lazy("你已经在这次走访里了。")


def hold(enterprise_id: int) -> None:
    """Until this transaction ends nobody else plans at this enterprise: two plans made at once are told of each other.

    PostgreSQL locks the row (visits being recorded there do not wait for it); SQLite's one writer holds all already.
    """
    fetch(sa.select(Enterprise.id).where(Enterprise.id == enterprise_id).with_for_update(key_share=True))


def _move(
    visit_id: uuid.UUID, step: VisitStep, at: datetime, *, version: int | None = None, **values: Any
) -> None:
    """The one UPDATE of a step. Raises WrongMoment when the state forbids it, Stale when the version is another."""
    conditions = [_table.c.id == visit_id, _table.c.status.in_(FROM[step])]
    if version is not None:
        conditions.append(_table.c.version == version)
    change = (
        sa.update(_table)
        .where(*conditions)
        .values(version=_table.c.version + 1, updated_at=at, **values)
        .returning(_table.c.version)
    )
    version = run(change).scalar()
    if version is None:
        status = fetch(sa.select(_table.c.status).where(_table.c.id == visit_id))[0][0]
        require_possible(step, status)
        raise Stale
    made(visit_id, version)


def _tell(
    user_ids: Iterable[int], kind: str, file: VisitFile, by: Person, at: datetime, **details: Any
) -> None:
    """Everybody but the one who acted; the way to the record only for those who may open it."""
    for user_id in dict.fromkeys(user_ids):
        if user_id != by.id:
            path = f"/visits/{file.visit.id}" if may_see(user_id, file.visit.enterprise_id) else ""
            tell(user_id, kind, at, path, by=by.name, enterprise=file.enterprise, **details)


def _record(action: str, file: VisitFile, by: Person, **details: Any) -> None:
    audit.record(action, f"visit:{file.visit.id}", actor=by, enterprise=file.visit.enterprise_id, **details)


# Plans.


def plan(
    person: Person,
    enterprise: Enterprise,
    visit_id: uuid.UUID,
    at: datetime,
    *,
    on: date,
    time: str,
    purposes: list[str],
    companions: Sequence[int],
    override_reason: str,
) -> None:
    """A visit to come. The caller has held the enterprise and shown the officer what there is to think about.

    Raises IdTaken.
    """
    visit = {
        "id": visit_id,
        "enterprise_id": enterprise.id,
        "officer_id": person.id,
        "status": VisitStatus.PLANNED,
        "planned_on": on,
        "planned_at": time,
        "override_reason": override_reason,
        "way": VisitWay.ON_SITE,
        "purposes": purposes,
        "created_at": at,
        "updated_at": at,
    }
    try:
        run(_VISIT, visit)
    except IntegrityError as error:
        raise IdTaken from error
    if companions:
        run(_JOIN, [{"visit_id": visit_id, "officer_id": one} for one in companions])
    history.note(visit_id, VisitStep.PLANNED, person, at)
    audit.record("visit_planned", f"visit:{visit_id}", actor=person, enterprise=enterprise.id)
    for user_id in companions:
        path = f"/visits/{visit_id}" if may_see(user_id, enterprise.id) else ""
        tell(user_id, "visit_joined", at, path, by=person.name, enterprise=enterprise.name, day=on)


def replan(
    person: Person,
    file: VisitFile,
    at: datetime,
    *,
    version: int,
    on: date,
    time: str,
    purposes: list[str],
    companions: Sequence[Any],
    override_reason: str,
) -> None:
    """Another day, other purposes, other company. `companions` are rows of id, name. Raises Stale, WrongMoment."""
    visit = file.visit
    before: dict[str, Any] = {
        "planned_on": visit.planned_on.isoformat() if visit.planned_on else None,
        "planned_at": visit.planned_at,
        "purposes": list(visit.purposes),
        "companions": [row.name for row in file.companions],
        "override_reason": visit.override_reason,
    }
    after: dict[str, Any] = {
        "planned_on": on.isoformat(),
        "planned_at": time,
        "purposes": purposes,
        "companions": [row.name for row in companions],
        "override_reason": override_reason,
    }
    _move(
        visit.id,
        VisitStep.REPLANNED,
        at,
        version=version,
        planned_on=on,
        planned_at=time,
        purposes=purposes,
        override_reason=override_reason,
    )
    stay, wanted = set(file.companion_ids), {row.id for row in companions}
    gone, new = sorted(stay - wanted), sorted(wanted - stay)
    if gone:
        run(
            sa.delete(visit_companion).where(
                visit_companion.c.visit_id == visit.id, visit_companion.c.officer_id.in_(gone)
            )
        )
    if new:
        run(_JOIN, [{"visit_id": visit.id, "officer_id": one} for one in new])
    history.note(visit.id, VisitStep.REPLANNED, person, at, changes=history.compared(before, after))
    _record("visit_replanned", file, person)
    if (visit.planned_on, visit.planned_at) != (on, time):
        _tell([visit.officer_id, *sorted(stay & wanted)], "visit_moved", file, person, at, day=on)
    _tell(new, "visit_joined", file, person, at, day=on)
    _tell(gone, "visit_left", file, person, at, day=on)


def join(person: Person, file: VisitFile, at: datetime) -> None:
    """Go along with a colleague instead of coming twice. Raises WrongMoment, AlreadyComing."""
    visit = file.visit
    _move(visit.id, VisitStep.JOINED, at)
    try:
        run(_JOIN, {"visit_id": visit.id, "officer_id": person.id})
    except IntegrityError as error:  # a second tap that was quicker than the page
        raise AlreadyComing from error
    history.note(visit.id, VisitStep.JOINED, person, at)
    _record("visit_joined", file, person)
    _tell([visit.officer_id], "visit_joined", file, person, at, day=visit.planned_on)


def leave(person: Person, file: VisitFile, at: datetime) -> None:
    """Not come along after all. Raises WrongMoment."""
    visit = file.visit
    _move(visit.id, VisitStep.LEFT, at)
    run(
        sa.delete(visit_companion).where(
            visit_companion.c.visit_id == visit.id, visit_companion.c.officer_id == person.id
        )
    )
    history.note(visit.id, VisitStep.LEFT, person, at)
    _record("visit_left", file, person)
    _tell([visit.officer_id], "visit_left", file, person, at, day=visit.planned_on)


def cancel(person: Person, file: VisitFile, reason: str, at: datetime) -> None:
    """Call a visit off before it is recorded. Raises WrongMoment."""
    visit = file.visit
    _move(visit.id, VisitStep.CANCELLED, at, status=VisitStatus.CANCELLED, cancel_reason=reason)
    history.note(visit.id, VisitStep.CANCELLED, person, at, text=reason)
    _record("visit_cancelled", file, person)
    # Whoever came along until this very moment: the row is ours now, so the list is true.
    companions = fetch(sa.select(visit_companion.c.officer_id).where(visit_companion.c.visit_id == visit.id))
    people = [visit.officer_id, *(row[0] for row in companions)]
    _tell(people, "visit_cancelled", file, person, at, day=visit.planned_on, reason=reason)
    if visit.arrived_at is not None:
        _undo_arrival(visit.enterprise_id, at)


_LATEST = (
    sa.select(_table.c.arrived_at, _table.c.next_contact_on)
    .where(
        _table.c.enterprise_id == sa.bindparam("enterprise", type_=sa.Integer),
        _table.c.status.in_(HAPPENED),
        _table.c.arrived_at.is_not(None),
    )
    .order_by(_table.c.arrived_at.desc())
    .limit(1)
)


def _undo_arrival(enterprise_id: int, at: datetime) -> None:
    """Signing in had counted as a visit: the enterprise is due again after the one before."""
    latest = fetch(_LATEST, {"enterprise": enterprise_id})
    if latest:
        visited_on = clock.local(latest[0].arrived_at).date()
        note_visit(enterprise_id, visited_on, latest[0].next_contact_on, corrected=True)
    else:
        forget_visit(enterprise_id, clock.local(at).date())


# The lead's review.


def _came_on(visit: Visit) -> date | None:
    """The day of the visit on the office's calendar."""
    return clock.local(visit.arrived_at).date() if visit.arrived_at else None


def accept(person: Person, file: VisitFile, version: int, comment: str, at: datetime) -> None:
    """The record is complete. Raises Stale when it was changed since it was read, WrongMoment."""
    visit = file.visit
    _move(
        visit.id,
        VisitStep.ACCEPTED,
        at,
        version=version,
        status=VisitStatus.ACCEPTED,
        reviewed_by_id=person.id,
        reviewed_at=at,
        review_comment=comment,
    )
    history.note(visit.id, VisitStep.ACCEPTED, person, at, text=comment)
    _record("visit_accepted", file, person)
    if comment:  # a word of thanks is told; that all is well is not worth a notice
        _tell([visit.officer_id], "visit_accepted", file, person, at, day=_came_on(visit))


def send_back(person: Person, file: VisitFile, version: int, comment: str, at: datetime) -> None:
    """Something is missing. Raises Stale, WrongMoment."""
    visit = file.visit
    _move(
        visit.id,
        VisitStep.RETURNED,
        at,
        version=version,
        status=VisitStatus.RETURNED,
        reviewed_by_id=person.id,
        reviewed_at=at,
        review_comment=comment,
    )
    history.note(visit.id, VisitStep.RETURNED, person, at, text=comment)
    _record("visit_returned", file, person)
    who = [visit.officer_id]
    if not may_see(
        visit.officer_id, visit.enterprise_id
    ):  # handed over meanwhile: whoever serves it completes it
        who += those_serving(visit.enterprise_id)
    _tell(who, "visit_returned", file, person, at, day=_came_on(visit), comment=comment)
