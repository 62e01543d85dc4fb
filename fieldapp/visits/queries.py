"""Reading visits, always through who may see their enterprise."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from fieldapp import clock
from fieldapp.accounts import Region, Role, Team, User
from fieldapp.accounts.models import team_lead
from fieldapp.attachments import Attachment
from fieldapp.db import db, fetch, one_of
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.models import Assignment, Contact, Enterprise
from fieldapp.followups import FollowUp
from fieldapp.needs import Need
from fieldapp.pages import keyset_cursor, keyset_place
from fieldapp.refusals import NotAllowed, NotFound
from fieldapp.visits.access import KnownVisit
from fieldapp.visits.burden import Nearby
from fieldapp.visits.models import (
    HAPPENED,
    Answer,
    Visit,
    VisitCode,
    VisitEvent,
    VisitStatus,
    VisitStep,
    visit_companion,
    visit_contact,
    visit_photo,
)

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# What the list can be asked for; "" is whatever happened.
STATES: dict[str, tuple[VisitStatus, ...]] = {
    "": HAPPENED,
    "planned": (VisitStatus.PLANNED,),
    "review": (VisitStatus.RECORDED,),
    "returned": (VisitStatus.RETURNED,),
    "accepted": (VisitStatus.ACCEPTED,),
    "cancelled": (VisitStatus.CANCELLED,),
}
# Of what happened, which the enterprise has confirmed; "" is all of it.
CONFIRMED = ("", "yes", "no", "disputed")

_BEGINNINGS = frozenset({VisitStep.PLANNED, VisitStep.ARRIVED, VisitStep.RECORDED})

_officer = aliased(User)
_reviewer = aliased(User)


@dataclass
class VisitFile:
    """A visit with everything on its record; what access.KnownVisit asks for is here too."""

    visit: Visit
    enterprise: str
    officer: str
    met: list[Any]  # rows: id, name, title, phone
    needs: list[Need]
    follow_ups: list[FollowUp]
    companions: list[Any] = field(default_factory=list)  # rows: id, name
    photos: list[Any] = field(default_factory=list)  # rows: id, width, height
    events: list[Any] = field(default_factory=list)  # rows: at, step, note, changes, by
    reviewer: str = ""
    region: str = ""
    quiet_times: str = ""
    team_id: int | None = None
    serves: bool = False
    other_leads: bool = False
    asked_until: datetime | None = None  # codes or links for the enterprise are good until then

    @property
    def officer_id(self) -> int:
        return self.visit.officer_id

    @property
    def photos_coming(self) -> list[uuid.UUID]:
        """Ids of the photos that are still on a phone, in order."""
        come = {str(photo.id) for photo in self.photos}
        return [uuid.UUID(one) for one in self.visit.photos_expected if one not in come]

    @property
    def companion_ids(self) -> list[int]:
        return [row.id for row in self.companions]


_LAST_MADE = (
    sa.select(Visit.arrived_at, Team.name.label("team"), User.name.label("officer"))
    .join(User, User.id == Visit.officer_id)
    .outerjoin(Team, Team.id == User.team_id)
    .where(Visit.enterprise_id == sa.bindparam("enterprise"), one_of(Visit.status, HAPPENED))
    .order_by(Visit.arrived_at.desc())
    .limit(3)
)


def last_made(enterprise_id: int) -> Sequence[Any]:
    """Who came last, newest first: rows of arrived_at, team, officer. For the card behind the code on the door."""
    return fetch(_LAST_MADE, {"enterprise": enterprise_id})


def _has_other_lead(viewer_id: Any) -> Any:
    """The enterprise's team has an active lead besides this person."""
    lead = aliased(User)
    return (
        sa.exists()
        .where(
            team_lead.c.team_id == Enterprise.team_id,
            team_lead.c.user_id == lead.id,
            lead.id != viewer_id,
            lead.active,
            lead.role == Role.LEAD,
        )
        .correlate(Enterprise)
    )


def not_own_where_another_reviews(viewer_id: Any) -> ColumnElement[bool]:
    """What access.can_review asks of one visit, of many: a lead's own record waits for another lead of the team."""
    return sa.or_(Visit.officer_id != viewer_id, sa.not_(_has_other_lead(viewer_id)))


_ASKED_UNTIL = (
    sa.select(sa.func.max(VisitCode.expires_at))
    .where(VisitCode.visit_id == Visit.id, VisitCode.revoked_at.is_(None))
    .correlate(Visit)
    .scalar_subquery()
)


def _head(person: Person, visit_id: uuid.UUID) -> VisitFile:
    serves = sa.exists().where(
        Assignment.enterprise_id == Visit.enterprise_id,
        Assignment.officer_id == person.id,
        Assignment.ended_on.is_(None),
    )
    row = db.session.execute(
        sa.select(
            Visit,
            Enterprise.name.label("enterprise"),
            Enterprise.team_id,
            Enterprise.quiet_times,
            Region.name.label("region"),
            _officer.name.label("officer"),
            _reviewer.name.label("reviewer"),
            serves.correlate(Visit).label("serves"),
            _has_other_lead(person.id).label("other_leads"),
            _ASKED_UNTIL.label("asked_until"),
        )
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .join(_officer, _officer.id == Visit.officer_id)
        .outerjoin(_reviewer, _reviewer.id == Visit.reviewed_by_id)
        .where(Visit.id == visit_id, visible_to(person))
        # An act that asks twice in one transaction wants to know what is true now.
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound
    return VisitFile(
        visit=row.Visit,
        enterprise=row.enterprise,
        officer=row.officer,
        met=[],
        needs=[],
        follow_ups=[],
        companions=companions_of(visit_id),
        reviewer=row.reviewer or "",
        region=row.region,
        quiet_times=row.quiet_times,
        team_id=row.team_id,
        serves=bool(row.serves),
        other_leads=bool(row.other_leads),
        asked_until=row.asked_until if row.asked_until and row.asked_until > clock.now() else None,
    )


_COMPANIONS = (
    sa.select(User.id, User.name)
    .join(visit_companion, visit_companion.c.officer_id == User.id)
    .where(visit_companion.c.visit_id == sa.bindparam("visit", type_=visit_companion.c.visit_id.type))
    .order_by(User.name, User.id)
)


def companions_of(visit_id: uuid.UUID) -> list[Any]:
    """Who comes along: rows of id, name."""
    return list(fetch(_COMPANIONS, {"visit": visit_id}))


def _fill(file: VisitFile) -> None:
    visit_id = file.visit.id
    file.met = list(
        db.session.execute(
            sa.select(Contact.id, Contact.name, Contact.title, Contact.phone)
            .join(visit_contact, visit_contact.c.contact_id == Contact.id)
            .where(visit_contact.c.visit_id == visit_id)
            .order_by(Contact.id)
        ).all()
    )
    file.needs = list(db.session.scalars(sa.select(Need).where(Need.visit_id == visit_id).order_by(Need.id)))
    file.follow_ups = list(
        db.session.scalars(sa.select(FollowUp).where(FollowUp.visit_id == visit_id).order_by(FollowUp.id))
    )
    file.photos = list(
        db.session.execute(
            sa.select(Attachment.id, Attachment.width, Attachment.height)
            .join(visit_photo, visit_photo.c.attachment_id == Attachment.id)
            .where(visit_photo.c.visit_id == visit_id)
            .order_by(visit_photo.c.position, Attachment.id)
        ).all()
    )
    file.events = _events(file)


@dataclass(frozen=True)
class Beginning:
    """The first step of a visit that was recorded without a plan or a check-in, told by the visit itself."""

    at: datetime
    by: str
    step: VisitStep = VisitStep.RECORDED
    note: str = ""
    changes: None = None


def _events(file: VisitFile) -> list[Any]:
    found = db.session.execute(
        sa.select(VisitEvent.at, VisitEvent.step, VisitEvent.note, VisitEvent.changes, User.name.label("by"))
        .outerjoin(User, User.id == VisitEvent.by_id)
        .where(VisitEvent.visit_id == file.visit.id)
        .order_by(VisitEvent.at, VisitEvent.id)
    ).all()
    # Up to 0.5.3 that was a line of the history, too.
    if any(event.step in _BEGINNINGS for event in found):
        return list(found)
    return [Beginning(file.visit.created_at, file.officer), *found]


def find_visit(
    person: Person,
    visit_id: uuid.UUID,
    to: Callable[[Person, KnownVisit], bool] | None = None,
    *,
    whole: bool = True,
) -> VisitFile:
    """The door of a visit: NotFound outside the person's scope, NotAllowed when `to` (see access.py) says no.

    `whole=False` leaves out what only the record's page shows: people met, needs, promises, photos, history.
    """
    file = _head(person, visit_id)
    if to is not None and not to(person, file):
        raise NotAllowed
    if whole:
        _fill(file)
    return file


# Lists.


def _rows() -> sa.Select:
    return (
        sa.select(
            Visit.id,
            Visit.planned_on,
            Visit.planned_at,
            Visit.arrived_at,
            Visit.status,
            Visit.way,
            Visit.purposes,
            Visit.said,
            Visit.late_entry,
            Visit.review_comment,
            Visit.cancel_reason,
            Visit.answer,
            Enterprise.id.label("enterprise_id"),
            Enterprise.name.label("enterprise"),
            Region.name.label("region"),
            _officer.name.label("officer"),
        )
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .join(_officer, _officer.id == Visit.officer_id)
    )


def wanted(
    person: Person,
    state: str,
    officer_id: int | None,
    region_id: int | None,
    since: datetime | None,
    until: datetime | None,
    confirmed: str = "",
) -> list[Any]:
    """The conditions of a list; `since` and `until` (left out) bound the arrival, or for plans the planned day.

    `confirmed` is one of CONFIRMED, and nothing for what has not happened.
    """
    statuses = STATES.get(state, HAPPENED)
    conditions: list[Any] = [
        visible_to(person),
        Visit.status == statuses[0] if len(statuses) == 1 else Visit.status.in_(statuses),
    ]
    if state == "review" and person.is_lead:
        conditions.append(not_own_where_another_reviews(person.id))
    if officer_id is not None:
        conditions.append(Visit.officer_id == officer_id)
    if region_id is not None:
        conditions.append(Enterprise.region_id == region_id)
    if confirmed and all(one in HAPPENED for one in statuses):
        conditions.append(answered(confirmed))
    if state in {"planned", "cancelled"}:
        # By the day it was meant for; a visit broken off without a plan has none, and is in no period.
        if since is not None:
            conditions.append(Visit.planned_on >= clock.local(since).date())
        if until is not None:
            conditions.append(Visit.planned_on < clock.local(until).date())
    else:
        conditions.append(Visit.arrived_at.is_not(None) if since is None else Visit.arrived_at >= since)
        if until is not None:
            conditions.append(Visit.arrived_at < until)
    return conditions


def answered(confirmed: str) -> ColumnElement[bool]:
    """What the enterprise has said: "yes", "no" (nothing at all), or "disputed"."""
    if confirmed == "no":
        return Visit.answer.is_(None)
    if confirmed == "yes":
        return Visit.answer == Answer.CONFIRMED
    return Visit.answer.in_((Answer.DIFFERS, Answer.DENIED))


def in_order(state: str) -> tuple[Any, ...]:
    """What happened comes newest first, plans by their day, cancelled ones by when they were entered, newest first."""
    if state == "planned":
        return Visit.planned_on, Visit.id
    if state == "cancelled":
        # Ids are UUIDv7: their order is that of entering, and there may be no day to sort by.
        return (Visit.id.desc(),)
    return Visit.arrived_at.desc(), Visit.id.desc()


def list_visits(
    person: Person,
    page: str = "",
    *,
    state: str = "",
    officer_id: int | None = None,
    region_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    confirmed: str = "",
    size: int | None = None,
) -> tuple[list[Any], str | None]:
    """A page of visits, see in_order: (rows, next page's cursor). `state` is one of STATES.

    Rows: id, planned_on, planned_at, arrived_at, status, way, purposes, said, late_entry, review_comment,
    cancel_reason, answer, enterprise_id, enterprise, region, officer.
    """
    size = size or current_app.config["PAGE_SIZE"]
    query = _rows().where(*wanted(person, state, officer_id, region_id, since, until, confirmed))
    place = keyset_place(page, uuid.UUID)
    if place and state == "planned":
        after = sa.tuple_(sa.literal(place[0].date()), sa.literal(place[1]))
        query = query.where(sa.tuple_(Visit.planned_on, Visit.id) > after)
    elif place and state == "cancelled":
        query = query.where(Visit.id < place[1])
    elif place:
        query = query.where(sa.tuple_(Visit.arrived_at, Visit.id) < sa.tuple_(*map(sa.literal, place)))
    rows = db.session.execute(query.order_by(*in_order(state)).limit(size + 1)).all()
    if len(rows) <= size:
        return list(rows), None
    last = rows[size - 1]
    when = {"planned": last.planned_on, "cancelled": date.min}.get(state, last.arrived_at)
    return list(rows[:size]), keyset_cursor(when, last.id)


def _viewer() -> Any:
    return sa.bindparam("viewer", type_=sa.Integer)


def officers_of(person: Person, asked: int | None = None) -> Sequence[Any]:
    """Who a lead may ask the list for: rows of id, name, active people of the led teams, who is `asked` for although
    they have left."""
    query = (
        sa.select(User.id, User.name)
        .where(
            User.team_id.in_(person.led_team_ids),
            sa.or_(User.active, User.id == asked),
            User.role.in_((Role.OFFICER, Role.LEAD)),
        )
        .order_by(User.name, User.id)
        .limit(200)
    )
    return db.session.execute(query).all()


def colleagues(person: Person, team_id: int | None) -> Sequence[Any]:
    """Who might come along to an enterprise of this team: rows of id, name, without the person themselves."""
    teams = [team for team in {team_id, person.team_id} if team is not None]
    its_leads = sa.select(team_lead.c.user_id).where(team_lead.c.team_id.in_(teams))
    query = (
        sa.select(User.id, User.name)
        .where(
            sa.or_(User.team_id.in_(teams), User.id.in_(its_leads)),
            User.active,
            User.role.in_((Role.OFFICER, Role.LEAD)),
            User.id != person.id,
        )
        .order_by(User.role, User.name, User.id)
        .limit(100)
    )
    return db.session.execute(query).all()


MOST_NEARBY = 10


def visits_nearby(
    officer_id: int, enterprise_id: int, first: date, last: date, without: uuid.UUID | None = None
) -> list[Nearby]:
    """Visits of others at an enterprise from the first day to the last, and plans of everybody, this officer's own
    marked. Visits the officer took part in are nobody else's. The door has been asked for the enterprise before.
    """
    took_part = sa.or_(
        Visit.officer_id == officer_id,
        sa.exists()
        .where(visit_companion.c.visit_id == Visit.id, visit_companion.c.officer_id == officer_id)
        .correlate(Visit),
    )
    here = [Visit.enterprise_id == enterprise_id]
    if without is not None:
        here.append(Visit.id != without)
    came = (
        sa.select(Visit.id)
        .where(
            *here,
            Visit.status.in_(HAPPENED),
            Visit.arrived_at >= clock.local_midnight(first),
            Visit.arrived_at < clock.local_midnight(last + timedelta(days=1)),
            sa.not_(took_part),
        )
        .order_by(Visit.arrived_at.desc())
        .limit(MOST_NEARBY)
    )
    comes = (
        sa.select(Visit.id)
        .where(*here, Visit.status == VisitStatus.PLANNED, Visit.planned_on.between(first, last))
        .order_by(Visit.planned_on)
        .limit(MOST_NEARBY)
    )
    ids = sa.union_all(sa.select(came.subquery()), sa.select(comes.subquery()))
    rows = db.session.execute(
        sa.select(
            Visit.id,
            Visit.status,
            Visit.planned_on,
            Visit.planned_at,
            Visit.arrived_at,
            took_part.label("own"),
            _officer.name.label("officer"),
        )
        .join(_officer, _officer.id == Visit.officer_id)
        .where(Visit.id.in_(ids))
    ).all()
    return [
        Nearby(
            id=row.id,
            on=row.planned_on if row.status is VisitStatus.PLANNED else clock.local(row.arrived_at).date(),
            at=row.planned_at if row.status is VisitStatus.PLANNED else "",
            officer=row.officer,
            planned=row.status is VisitStatus.PLANNED,
            own=bool(row.own),
        )
        for row in rows
    ]
