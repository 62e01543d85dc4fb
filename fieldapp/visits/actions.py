"""Writing visits: the whole of one in one act, and what is changed afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from fieldapp import audit, clock
from fieldapp.attachments.actions import keep_all
from fieldapp.attachments.models import Attachment, AttachmentCopy
from fieldapp.db import fetch, run, together
from fieldapp.enterprises.actions import add_contact, note_visit
from fieldapp.entries.actions import made, written_at
from fieldapp.followups.actions import promise
from fieldapp.languages import lazy
from fieldapp.needs.actions import submit
from fieldapp.refusals import Conflict
from fieldapp.visits import history
from fieldapp.visits.editing import Met, Names, Place, Values, changes_between
from fieldapp.visits.models import (
    HAPPENED,
    Visit,
    VisitStatus,
    VisitStep,
    VisitWay,
    visit_companion,
    visit_contact,
    visit_photo,
)
from fieldapp.visits.rules import is_late_entry, require_possible
from fieldapp.visits.steps import Stale

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.attachments.pictures import Photo
    from fieldapp.enterprises.models import Enterprise


_table = Visit.__table__
_VISIT = sa.insert(_table)
_MET = sa.insert(visit_contact)
_KNOWN = sa.select(visit_contact.c.contact_id).where(
    visit_contact.c.visit_id == sa.bindparam("visit", type_=visit_contact.c.visit_id.type)
)
_COMPANION = sa.insert(visit_companion)
_PHOTO = sa.insert(visit_photo)
_LAST_PLACE = sa.select(sa.func.max(visit_photo.c.position)).where(
    visit_photo.c.visit_id == sa.bindparam("visit", type_=visit_photo.c.visit_id.type)
)
_ON = sa.and_(
    _table.c.id == sa.bindparam("which", type_=_table.c.id.type),
    _table.c.version == sa.bindparam("known", type_=sa.Integer),
    _table.c.status.in_(
        (VisitStatus.PLANNED, VisitStatus.ARRIVED, VisitStatus.RECORDED, VisitStatus.RETURNED)
    ),
)
# The columns that are set are those that a call names.
_CHANGE = sa.update(_table).where(_ON)
_UNMEET = sa.delete(visit_contact).where(
    visit_contact.c.visit_id == sa.bindparam("which", type_=visit_contact.c.visit_id.type),
    visit_contact.c.contact_id == sa.bindparam("whom", type_=sa.Integer),
)
_PART = sa.delete(visit_companion).where(
    visit_companion.c.visit_id == sa.bindparam("which", type_=visit_companion.c.visit_id.type),
    visit_companion.c.officer_id == sa.bindparam("whom", type_=sa.Integer),
)
_UNLINK = sa.delete(visit_photo).where(
    visit_photo.c.visit_id == sa.bindparam("which", type_=visit_photo.c.visit_id.type),
    visit_photo.c.attachment_id == sa.bindparam("photo", type_=visit_photo.c.attachment_id.type),
)
# A photo that no visit shows any more: first its bytes, then itself.
_DISCARD = [
    sa.delete(table).where(
        which.in_(sa.bindparam("photos", expanding=True)),
        ~sa.exists().where(visit_photo.c.attachment_id == which),
    )
    for table, which in (
        (AttachmentCopy.__table__, AttachmentCopy.__table__.c.attachment_id),
        (Attachment.__table__, Attachment.__table__.c.id),
    )
]
_LATEST = (
    sa.select(Visit.arrived_at, Visit.next_contact_on)
    .where(
        Visit.enterprise_id == sa.bindparam("enterprise", type_=sa.Integer),
        Visit.status.in_(HAPPENED),
        Visit.arrived_at.is_not(None),
    )
    .order_by(Visit.arrived_at.desc())
    .limit(1)
)


class IdTaken(Conflict):
    message = lazy(
        "这次走访，或者其中一条需求、一件答应的事，先前已经保存过了；这一份没有保存。请到走访列表里看一看。"
    )


def record_visit(
    person: Person,
    enterprise: Enterprise,
    at: datetime,
    *,
    arrived_at: datetime,
    way: VisitWay,
    purposes: list[str],
    met: Collection[int],
    met_nobody: bool,
    said: str,
    left_at: datetime | None = None,
    new_contacts: Sequence[dict[str, str]] = (),
    needs: Sequence[dict[str, Any]] = (),
    promises: Sequence[dict[str, Any]] = (),
    photos: Sequence[Photo] = (),
    expected: Sequence[uuid.UUID] = (),
    companions: Collection[int] = (),
    next_contact_on: date | None = None,
    place: Place | None = None,
    override_reason: str = "",
    visit_id: uuid.UUID | None = None,
    device_at: datetime | None = None,
    arriving: bool = False,
    opened: Visit | None = None,
    companions_before: Collection[int] = (),
) -> uuid.UUID:
    """Everything of one visit in one act: who was met, what was said, needs, promises, photos. Returns its id.

    `arriving` stores a check-in to be finished later. `opened` is the plan or check-in that this fulfils: the visit
    keeps its id, and what is left empty now keeps what was said then. `met` and `companions` are ids that the form
    has checked; `expected` are ids of photos that come by themselves, after this; each of `needs` and `promises`
    holds its id (need_id, follow_up_id; None: one is made here) and what needs.actions.submit and
    followups.actions.promise take.

    Plain statements, past the mapper: what is written here is read again by other requests only. Raises the refusals
    of rules.require_possible, IdTaken, and Stale where `opened` has been changed since it was read.
    """
    require_possible(arrived_at, left_at, at)
    visited_on = clock.local(arrived_at).date()
    place = place or Place()
    if opened is not None and opened.status is VisitStatus.ARRIVED:
        known = {row.contact_id for row in fetch(_KNOWN, {"visit": opened.id})}
        met, met_nobody = [one for one in met if one not in known], met_nobody and not known
    values = {
        "status": VisitStatus.ARRIVED if arriving else VisitStatus.RECORDED,
        "arrived_at": arrived_at,
        "left_at": left_at,
        "device_at": device_at,
        "way": way,
        "purposes": purposes,
        "met_nobody": met_nobody,
        "said": said,
        **_place_columns(place),
        "override_reason": override_reason,
        "late_entry": _is_late(arrived_at, opened.arrived_at if opened else None, written_at(at)),
        "next_contact_on": next_contact_on,
        "recorded_at": None if arriving else at,
        "photos_expected": still_coming(opened, expected),
        "updated_at": at,
    }
    if opened is None:
        visit_id = visit_id or uuid7()
    else:
        visit_id = opened.id
        _fulfil(opened, values, companions_before)
    try:
        with together():
            if opened is None:
                # The second net behind the receipt: the phone's ids are unique, whatever key they travelled under.
                own = {
                    "id": visit_id,
                    "enterprise_id": enterprise.id,
                    "officer_id": person.id,
                    "created_at": at,
                }
                run(_VISIT, values | own)
            if opened is not None or arriving:  # the history of others begins with the visit itself
                history.note(visit_id, VisitStep.ARRIVED if arriving else VisitStep.RECORDED, person, at)
            newcomers = [one for one in companions if one not in companions_before and one != person.id]
            if newcomers:
                run(
                    _COMPANION,
                    [{"visit_id": visit_id, "officer_id": one} for one in dict.fromkeys(newcomers)],
                )
            _add(person, enterprise, visit_id, at, met, new_contacts, needs, promises, photos)
            note_visit(enterprise.id, visited_on, next_contact_on)
    except IntegrityError as error:
        raise IdTaken from error
    action = "visit_arrived" if arriving else "visit_recorded"
    audit.record(action, f"visit:{visit_id}", actor=person, enterprise=enterprise.id)
    return visit_id


def _place_columns(place: Place) -> dict[str, Any]:
    fix = place.fix
    return {
        "lat": fix.lat if fix else None,
        "lng": fix.lng if fix else None,
        "accuracy": fix.accuracy if fix else None,
        "fixed_at": fix.fixed_at if fix else None,
        "distance": place.distance,
        "far_reason": place.far_reason,
    }


def still_coming(
    visit: Visit | None, more: Sequence[uuid.UUID] = (), gone: Collection[uuid.UUID] = ()
) -> list[str]:
    """The photos a visit waits for, in order: those it waited for, and `more`; `gone` were taken off."""
    waited = visit.photos_expected if visit else []
    return [one for one in dict.fromkeys([*waited, *map(str, more)]) if one not in {str(g) for g in gone}]


def _is_late(arrived_at: datetime, checked_in_at: datetime | None, written: datetime) -> bool:
    """补录, unless the officer checked in on that day: then somebody was there, whenever it is written down.

    A visit written down at the gate that waited for a network is none: `written` is when it was, not when it came.
    """
    visited_on = clock.local(arrived_at).date()
    if checked_in_at is not None and clock.local(checked_in_at).date() == visited_on:
        return False
    return is_late_entry(visited_on, clock.local(written).date())


def _still_late(visit: Visit, arrived_at: datetime, at: datetime) -> bool:
    """Whether it counts as 补录 after an edit: only a visit moved to another day is reckoned anew."""
    if visit.recorded_at is None:
        return _is_late(arrived_at, visit.arrived_at, at)
    moved = visit.arrived_at is None or clock.local(visit.arrived_at).date() != clock.local(arrived_at).date()
    return _is_late(arrived_at, None, visit.recorded_at) if moved else visit.late_entry


def _fulfil(opened: Visit, values: dict[str, Any], companions_before: Collection[int]) -> None:
    """The plan or check-in becomes the visit. What was said at the check-in is not wiped by an empty field."""
    kept = {
        name: getattr(opened, name) for name in ("said", "purposes", "override_reason", "next_contact_on")
    }
    values |= {name: value for name, value in kept.items() if value and not values[name]}
    if values["lat"] is None and opened.lat is not None:
        values |= {name: getattr(opened, name) for name in _place_columns(Place())}
    values["version"] = opened.version + 1
    if not run(_CHANGE, values | {"which": opened.id, "known": opened.version}).rowcount:
        raise Stale  # somebody joined or moved the plan while this was on its way
    made(opened.id, opened.version + 1)


def _add(
    person: Person,
    enterprise: Enterprise,
    visit_id: uuid.UUID,
    at: datetime,
    met: Iterable[int],
    new_contacts: Iterable[dict[str, str]],
    needs: Iterable[dict[str, Any]],
    promises: Iterable[dict[str, Any]],
    photos: Sequence[Photo],
    after: int = 0,
) -> None:
    """What comes to a visit beside its own columns. `after` is the place of the last photo there is."""
    met = [*met, *(add_contact(enterprise, **contact).id for contact in new_contacts)]
    if met:
        run(_MET, [{"visit_id": visit_id, "contact_id": contact_id} for contact_id in dict.fromkeys(met)])
    for need in needs:
        words = dict(need)
        submit(person, enterprise, words.pop("need_id", None) or uuid7(), at=at, visit_id=visit_id, **words)
    for promised in promises:
        words = dict(promised)
        follow_up_id = words.pop("follow_up_id", None) or uuid7()
        promise(person, enterprise, follow_up_id, at=at, visit_id=visit_id, **words)
    kept = keep_all(person, enterprise.id, photos, at)
    if kept:
        run(
            _PHOTO,
            [
                {"visit_id": visit_id, "attachment_id": photo_id, "position": after + n}
                for n, photo_id in enumerate(kept, 1)
            ],
        )


def amend(
    person: Person,
    enterprise: Enterprise,
    visit: Visit,
    at: datetime,
    *,
    before: Values,
    after: Values,
    names: Names,
    recorded: bool,
    photos_before: int = 0,
    new_contacts: Sequence[dict[str, str]] = (),
    needs: Sequence[dict[str, Any]] = (),
    promises: Sequence[dict[str, Any]] = (),
    photos: Sequence[Photo] = (),
    expected: Sequence[uuid.UUID] = (),
    photos_removed: Collection[uuid.UUID] = (),
) -> bool:
    """Store an edit of `visit` as it stands in `before`; False when there was nothing to store.

    `recorded`: a check-in is finished, a returned record goes back to the lead. The visit must still have the version
    it was read with, else Stale. Raises the refusals of rules.require_possible, and IdTaken.
    """
    # Only the minutes are in the form: a moment that was not changed keeps its seconds.
    after = after | {
        name: before[name] for name in ("arrived_at", "left_at") if _same_minute(before, after, name)
    }
    require_possible(after["arrived_at"], after["left_at"], at)
    changes = changes_between(before, after, names)
    status = VisitStatus.RECORDED if recorded else visit.status
    changes |= _additions(before, after, names, new_contacts, needs, promises)
    if photos or expected or photos_removed:
        more = len(photos) + len(expected) - len(photos_removed)
        changes["photos"] = [photos_before, photos_before + more]
    if not changes and status is visit.status:
        return False
    met: Met = after["met"]
    values = {
        "status": status,
        "arrived_at": after["arrived_at"],
        "left_at": after["left_at"],
        "way": after["way"],
        "purposes": after["purposes"],
        "met_nobody": met.nobody,
        "said": after["said"],
        **_place_columns(after["place"]),
        "override_reason": after["override_reason"],
        "late_entry": _still_late(visit, after["arrived_at"], at),
        "next_contact_on": after["next_contact_on"],
        "recorded_at": visit.recorded_at or (at if recorded else None),
        "photos_expected": still_coming(visit, expected, photos_removed),
        "version": visit.version + 1,
        "updated_at": at,
        "which": visit.id,
        "known": visit.version,
    }
    if not run(_CHANGE, values).rowcount:
        raise Stale
    made(visit.id, visit.version + 1)
    gone = before["met"].ids - met.ids
    if gone:
        run(_UNMEET, [{"which": visit.id, "whom": one} for one in sorted(gone)])
    _change_companions(visit.id, set(before["companions"]), set(after["companions"]))
    if photos_removed:
        _remove_photos(person, visit, photos_removed)
    last = fetch(_LAST_PLACE, {"visit": visit.id})[0][0] if photos else None
    try:
        _add(
            person, enterprise, visit.id, at, sorted(met.ids - before["met"].ids), new_contacts, needs, promises,
            photos, last or 0,
        )  # fmt: skip
    except IntegrityError as error:
        raise IdTaken from error
    finished = recorded and visit.status is VisitStatus.ARRIVED
    history.note(visit.id, VisitStep.RECORDED if finished else VisitStep.AMENDED, person, at, changes=changes)
    if {"arrived_at", "next_contact_on"} & set(changes):
        _tell_enterprise(enterprise.id)
    action = "visit_recorded" if finished else "visit_amended"
    audit.record(action, f"visit:{visit.id}", actor=person, enterprise=enterprise.id, fields=sorted(changes))
    return True


def _additions(
    before: Values,
    after: Values,
    names: Names,
    new_contacts: Sequence[dict[str, str]],
    needs: Sequence[dict[str, Any]],
    promises: Sequence[dict[str, Any]],
) -> dict[str, list[Any]]:
    """What the history tells of things that are added."""
    told: dict[str, list[Any]] = {}
    if new_contacts:
        known = names.told("met", after["met"])
        newcomers = [contact["name"] for contact in new_contacts]
        told["met"] = [names.told("met", before["met"]), [*known, *newcomers]]
    if needs:
        told["needs"] = [None, [need["title"] for need in needs]]
    if promises:
        told["promises"] = [None, [made["title"] for made in promises]]
    return told


def _same_minute(before: Values, after: Values, name: str) -> bool:
    was, now = before[name], after[name]
    return was is not None and now is not None and was.replace(second=0, microsecond=0) == now


def _change_companions(visit_id: uuid.UUID, before: set[int], after: set[int]) -> None:
    if before - after:
        run(_PART, [{"which": visit_id, "whom": one} for one in sorted(before - after)])
    if after - before:
        run(_COMPANION, [{"visit_id": visit_id, "officer_id": one} for one in sorted(after - before)])


def _remove_photos(person: Person, visit: Visit, photos: Collection[uuid.UUID]) -> None:
    """Off the record and out of the database: who takes a photo away means it. Another visit may still show it."""
    run(_UNLINK, [{"which": visit.id, "photo": one} for one in photos])
    for discard in _DISCARD:
        run(discard, {"photos": list(photos)})
    audit.record(
        "photos_removed", f"visit:{visit.id}", actor=person, enterprise=visit.enterprise_id, count=len(photos)
    )


def _tell_enterprise(enterprise_id: int) -> None:
    """The enterprise is due again after its latest visit, which this edit may have moved."""
    latest = fetch(_LATEST, {"enterprise": enterprise_id})
    if latest:
        visited_on = clock.local(latest[0].arrived_at).date()
        note_visit(enterprise_id, visited_on, latest[0].next_contact_on, corrected=True)
