"""Reading enterprises: every function takes the person first and returns what that person may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased

from fieldapp import clock
from fieldapp.accounts import Region, Team, User
from fieldapp.db import db
from fieldapp.enterprises import search
from fieldapp.enterprises.access import assigned_to, in_pool_of, led_by, visible_to
from fieldapp.enterprises.models import (
    Assignment,
    Contact,
    Enterprise,
    EnterpriseTag,
    EnterpriseYear,
    Qualification,
    QualificationKind,
    SearchToken,
)
from fieldapp.pages import keyset_cursor, keyset_place
from fieldapp.refusals import NotAllowed, NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# Counting stops here: "1000+" tells as much as an exact figure and costs the same at any size.
MOST_COUNTED = 1000


def find_enterprise(person: Person, enterprise_id: int, to: Callable[[Person, Enterprise], bool] | None = None) -> Enterprise:
    """The door: the enterprise, NotFound when this person may not see it, NotAllowed when `to` says no."""
    enterprise = db.session.scalar(sa.select(Enterprise).where(Enterprise.id == enterprise_id, visible_to(person)))
    if enterprise is None:
        raise NotFound
    if to is not None and not to(person, enterprise):
        raise NotAllowed
    return enterprise


@dataclass
class Filters:
    """What the list is asked for; every field comes from the address."""

    q: str = ""
    region: int | None = None
    industry: str = ""
    tag: str = ""
    scope: str = ""  # mine / team / pool / all
    due: str = ""  # never / overdue / soon
    page: str = ""

    terms: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.terms = search.terms_of(self.q)


@dataclass
class Found:
    """One page of the list. `rows` have id, name, region, industry, last_visited_on, visit_due_on, officer."""

    rows: list[Any]
    next_page: str | None
    count: int  # never more than MOST_COUNTED + 1


def _scope(person: Person, scope: str) -> list[Any]:
    """The narrowest true statement first, so that the planner can walk one index in order."""
    if person.is_officer and scope == "pool":
        return [in_pool_of(person.team_id)]
    if person.is_officer and scope != "team":
        return [Enterprise.id.in_(assigned_to(person.id))]
    if person.is_lead and scope == "pool":
        return [led_by(person), Enterprise.officer_id.is_(None)]
    return [visible_to(person)]


def _conditions(person: Person, filters: Filters) -> list[Any]:
    today = clock.today()
    conditions = _scope(person, filters.scope)
    if filters.region:
        conditions.append(Enterprise.region_id == filters.region)
    if filters.industry:
        conditions.append(Enterprise.division == filters.industry)
    if filters.tag:
        kind = next((k for k in QualificationKind if k.name.lower() == filters.tag.lower()), None)
        holders = (
            sa.select(Qualification.enterprise_id).where(
                Qualification.kind == kind, sa.or_(Qualification.valid_to.is_(None), Qualification.valid_to >= today)
            )
            if kind
            else sa.select(EnterpriseTag.enterprise_id).where(EnterpriseTag.tag == filters.tag)
        )
        conditions.append(Enterprise.id.in_(holders))
    if filters.due == "never":
        conditions.append(Enterprise.last_visited_on.is_(None))
    elif filters.due == "overdue":
        conditions.append(Enterprise.visit_due_on <= today)
    elif filters.due == "soon":
        conditions.append(Enterprise.visit_due_on <= today + timedelta(days=14))
    return conditions


def _begins(start: str) -> Any:
    start, end = search.stretch(start)
    return sa.and_(SearchToken.token >= start, SearchToken.token < end)


def _search(terms: list[str]) -> list[Any]:
    """Conditions for the words of the box.

    The rarest word leads: when its stretch is short its ids are fetched; when even that one is common, walking the
    list in order meets hits soon, and each row is asked whether it has such a token.
    """
    starts = [start for term in terms for start in search.starts_of(term)]
    if not starts:
        return []
    sizes = []
    for start in starts:
        bounded = sa.select(sa.literal(1)).select_from(SearchToken).where(_begins(start)).limit(search.RARE + 1)
        sizes.append(db.session.scalar(sa.select(sa.func.count()).select_from(bounded.subquery())) or 0)
    conditions: list[Any] = []
    lead = min(range(len(starts)), key=lambda i: sizes[i])
    for at, start in enumerate(starts):
        if at == lead and sizes[at] <= search.RARE:
            conditions.append(Enterprise.id.in_(sa.select(SearchToken.enterprise_id).where(_begins(start))))
        else:
            conditions.append(
                sa.exists().where(SearchToken.enterprise_id == Enterprise.id, _begins(start)).correlate(Enterprise)
            )
    return conditions


def list_enterprises(person: Person, filters: Filters) -> Found:
    """One page, sorted by need of a visit: longest overdue first, then the order they fall due."""
    conditions = _conditions(person, filters) + _search(filters.terms)
    size = current_app.config["PAGE_SIZE"]
    officer = aliased(User)
    query = (
        sa.select(
            Enterprise.id,
            Enterprise.name,
            Enterprise.industry,
            Enterprise.last_visited_on,
            Enterprise.visit_due_on,
            Enterprise.officer_id,
            Region.name.label("region"),
            officer.name.label("officer"),
        )
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(officer, officer.id == Enterprise.officer_id)
        .where(*conditions)
    )
    place = keyset_place(filters.page, int)
    if place:
        after = sa.tuple_(sa.literal(place[0].date()), sa.literal(place[1]))
        query = query.where(sa.tuple_(Enterprise.visit_due_on, Enterprise.id) > after)
    rows = db.session.execute(query.order_by(Enterprise.visit_due_on, Enterprise.id).limit(size + 1)).all()
    more = len(rows) > size
    if not filters.page and not more:
        total = len(rows)
    else:
        counted = sa.select(sa.literal(1)).select_from(Enterprise).where(*conditions).limit(MOST_COUNTED + 1)
        total = db.session.scalar(sa.select(sa.func.count()).select_from(counted.subquery())) or 0
    rows = rows[:size]
    return Found(rows, keyset_cursor(rows[-1].visit_due_on, rows[-1].id) if more else None, total)


def due_enterprises(person: Person, limit: int) -> list[Any]:
    """The first of an officer's own that want a visit now."""
    return list_enterprises(person, Filters(scope="mine", due="overdue")).rows[:limit]


def regions_of(person: Person) -> list[Any]:
    """Regions for the filter: the person's teams'."""
    teams = person.led_team_ids if person.is_lead else (person.team_id,)
    query = (
        sa.select(Region.id, Region.name)
        .join(Team.regions)
        .where(Team.id.in_([t for t in teams if t]))
        .order_by(Region.code)
    )
    return list(db.session.execute(query).all())


@dataclass
class Profile:
    """Who an enterprise is, in five queries."""

    enterprise: Enterprise
    region: str
    team: str
    office_phone: str
    officer: str | None
    tags: list[str]
    contacts: list[Contact]
    qualifications: list[Qualification]
    years: list[EnterpriseYear]
    helpers: list[str]


def profile(person: Person, enterprise_id: int) -> Profile:
    """Everything the head of the casefile shows. Raises NotFound outside the person's scope."""
    officer = aliased(User)
    tags = (
        sa.select(sa.func.aggregate_strings(EnterpriseTag.tag, "\n"))
        .where(EnterpriseTag.enterprise_id == Enterprise.id)
        .correlate(Enterprise)
        .scalar_subquery()
    )
    helper = aliased(User)
    helpers = (
        sa.select(sa.func.aggregate_strings(helper.name, "\n"))
        .select_from(Assignment)
        .join(helper, helper.id == Assignment.officer_id)
        .where(
            Assignment.enterprise_id == Enterprise.id, Assignment.ended_on.is_(None), Assignment.is_main.is_(False)
        )
        .correlate(Enterprise)
        .scalar_subquery()
    )
    row = db.session.execute(
        sa.select(
            Enterprise,
            Region.name.label("region"),
            Team.name.label("team"),
            Team.office_phone,
            officer.name.label("officer"),
            tags.label("tags"),
            helpers.label("helpers"),
        )
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(Team, Team.id == Enterprise.team_id)
        .outerjoin(officer, officer.id == Enterprise.officer_id)
        .where(Enterprise.id == enterprise_id, visible_to(person))
    ).first()
    if row is None:
        raise NotFound
    return Profile(
        enterprise=row.Enterprise,
        region=row.region,
        team=row.team or "",
        office_phone=row.office_phone or "",
        officer=row.officer,
        tags=sorted(row.tags.split("\n")) if row.tags else [],
        contacts=contacts_of(enterprise_id),
        qualifications=list(
            db.session.scalars(
                sa.select(Qualification).where(Qualification.enterprise_id == enterprise_id).order_by(Qualification.id)
            )
        ),
        years=list(
            db.session.scalars(
                sa.select(EnterpriseYear)
                .where(EnterpriseYear.enterprise_id == enterprise_id)
                .order_by(EnterpriseYear.year.desc())
                .limit(5)
            )
        ),
        helpers=row.helpers.split("\n") if row.helpers else [],
    )


def contacts_of(enterprise_id: int) -> list[Contact]:
    """Contacts still there, in the order they became known. The door has been asked for the enterprise before."""
    return list(
        db.session.scalars(
            sa.select(Contact).where(Contact.enterprise_id == enterprise_id, Contact.active).order_by(Contact.id)
        )
    )


def find_contact(person: Person, enterprise_id: int, contact_id: int) -> Contact:
    """A contact through its enterprise's door."""
    contact = db.session.scalar(
        sa.select(Contact)
        .join(Enterprise, Enterprise.id == Contact.enterprise_id)
        .where(Contact.id == contact_id, Contact.enterprise_id == enterprise_id, Contact.active, visible_to(person))
    )
    if contact is None:
        raise NotFound
    return contact
