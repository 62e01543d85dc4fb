"""What the form of a visit begins with: the enterprise, who can be met there, the visit that coming now continues."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import sqlalchemy as sa

from fieldapp import clock
from fieldapp.db import fetch
from fieldapp.enterprises.access import Scope
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.enterprises.queries import door, find_enterprise
from fieldapp.visits.models import Visit, VisitStatus, visit_companion

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# A plan for the days to come is kept by a visit made a little earlier; one further away is another visit.
EARLY = timedelta(days=7)
# What a visit that is continued hands on to the form and to actions.record_visit.
CONTINUED = (
    "id", "status", "version", "planned_on", "planned_at", "arrived_at", "purposes", "said", "override_reason",
    "next_contact_on", "photos_expected", "lat", "lng", "accuracy", "fixed_at", "distance", "far_reason",
)  # fmt: skip
# Between the parts of a contact, and after each: nobody's name has them, see forms.no_control_characters and
# imports.texts.
PART, END = "\x1f", "\x1e"
# Written out: SQLAlchemy puts in a plain text anew in every request.
_part: Any = sa.literal_column(f"'{PART}'")
_end: Any = sa.literal_column(f"'{END}'")


class ContactName(NamedTuple):
    id: int
    name: str
    title: str


class Opening(NamedTuple):
    enterprise: Enterprise
    contacts: list[ContactName]
    visit: Visit | None  # a row of CONTINUED


def _continued(enterprise: Any) -> sa.Select:
    """The id of the visit that coming now continues: the one they signed in to, else their nearest plan there (theirs
    or joined) up to a week ahead."""
    viewer = sa.bindparam("viewer", type_=sa.Integer)
    joined = sa.select(visit_companion.c.visit_id).where(visit_companion.c.officer_id == viewer)
    until = sa.bindparam("until", type_=sa.Date)
    return (
        sa.select(Visit.id)
        .where(
            Visit.enterprise_id == enterprise,
            sa.or_(
                Visit.status == VisitStatus.ARRIVED,
                sa.and_(Visit.status == VisitStatus.PLANNED, Visit.planned_on <= until),
            ),
            sa.or_(Visit.officer_id == viewer, Visit.id.in_(joined)),
        )
        .order_by(sa.case((Visit.status == VisitStatus.ARRIVED, 0), else_=1), Visit.planned_on, Visit.id)
        .limit(1)
    )


@cache
def _open() -> sa.Select:
    chosen = _continued(sa.bindparam("enterprise", type_=sa.Integer)).scalar_subquery()
    visit = Visit.__table__.alias()
    return sa.select(*(visit.c[name] for name in CONTINUED)).where(visit.c.id == chosen)


def _until() -> dict[str, Any]:
    return {"until": clock.today() + EARLY}


def open_visit(person: Person, enterprise_id: int) -> Visit | None:
    """The visit that coming now continues, as a row of CONTINUED. The door has been asked for the enterprise before."""
    values = {"viewer": person.id, "enterprise": enterprise_id, **_until()}
    return cast("Visit | None", next(iter(fetch(_open(), values)), None))


@cache
def _door(scope: Scope) -> sa.Select:
    visit = Visit.__table__.alias("opened")
    chosen = _continued(Enterprise.id).correlate(Enterprise).scalar_subquery()
    contact = sa.cast(Contact.id, sa.String) + _part + Contact.name + _part + Contact.title
    contacts = (
        sa.select(sa.func.aggregate_strings(contact, _end))
        .where(Contact.enterprise_id == Enterprise.id, Contact.active)
        .correlate(Enterprise)
        .scalar_subquery()
    )
    return (
        door(scope)
        .add_columns(
            contacts.label("contacts"), *(visit.c[name].label(f"opened_{name}") for name in CONTINUED)
        )
        .outerjoin(visit, visit.c.id == chosen)
    )


def opening(person: Person, enterprise_id: int, to: Callable[[Person, Enterprise], bool]) -> Opening:
    """Everything in one statement instead of three: this is asked by every form of a visit, and again by every submit.
    Raises what find_enterprise raises."""
    row: Any = find_enterprise(person, enterprise_id, to, through=_door, **_until())
    contacts = [ContactName(int(number), name, title) for number, name, title in _parts(row.contacts)]
    visit = None
    if row.opened_id is not None:
        visit = SimpleNamespace(**{name: getattr(row, f"opened_{name}") for name in CONTINUED})
    return Opening(row, sorted(contacts), cast("Visit | None", visit))


def _parts(text: str | None) -> list[list[str]]:
    return [contact.split(PART) for contact in text.split(END)] if text else []
