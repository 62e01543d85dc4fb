"""Reading needs, always through who may see their enterprise."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session, aliased

from fieldapp import clock
from fieldapp.accounts import Region, User
from fieldapp.db import db, fetch
from fieldapp.enterprises.access import Scope, assigned, scope_of, scope_values, visible, visible_to
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.languages import _
from fieldapp.needs.models import (
    ENDED,
    Ending,
    Need,
    NeedEvent,
    NeedField,
    NeedKind,
    NeedStatus,
    Urgency,
)
from fieldapp.pages import keyset_cursor, keyset_place
from fieldapp.refusals import NotAllowed, NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# The work on these is done, whatever came of it; withdrawn, declined and merged ones were never worked on.
CLOSED = (NeedStatus.RESOLVED, NeedStatus.RATED)
# Their work is done, whatever became of it; what was declined or withdrawn was never worked on.
CLOSED = (NeedStatus.RESOLVED, NeedStatus.RATED)

# Counting stops here: "1000+" tells as much as an exact figure and costs the same at any size.
MOST_COUNTED = 1000
# An export holds no more than this, and says so.
MOST_EXPORTED = 20_000

_author, _holder = aliased(User), aliased(User)


@cache
def _need_of(scope: Scope) -> sa.Select:
    return (
        sa.select(
            *Need.__table__.c,
            Enterprise.name.label("enterprise"),
            Region.name.label("region"),
            _author.name.label("author"),
            _holder.name.label("holder"),
            Contact.name.label("contact"),
            Contact.title.label("contact_title"),
            Contact.phone.label("contact_phone"),
            Enterprise.id.in_(assigned()).label("serves"),
        )
        .select_from(Need)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(_author, _author.id == Need.author_id)
        .outerjoin(_holder, _holder.id == Need.claimed_by_id)
        .outerjoin(Contact, Contact.id == Need.contact_id)
        .where(Need.id == sa.bindparam("need", type_=Need.id.type), visible(scope))
    )


def find_need(person: Person, need_id: uuid.UUID, to: Callable[[Person, Any], bool] | None = None) -> Any:
    """One need: its columns, and enterprise, region, author, holder, contact, contact_title, contact_phone, serves.

    Raises NotFound outside the person's scope, NotAllowed when `to` says no.
    """
    found = fetch(_need_of(scope_of(person)), {"need": need_id, **scope_values(person)})
    if not found:
        raise NotFound
    if to is not None and not to(person, found[0]):
        raise NotAllowed
    return found[0]


_EVENTS = (
    sa.select(NeedEvent.id, NeedEvent.at, NeedEvent.before, NeedEvent.after, NeedEvent.note, User.name.label("by"))
    .outerjoin(User, User.id == NeedEvent.by_id)
    .where(NeedEvent.need_id == sa.bindparam("need", type_=Need.id.type))
    .order_by(NeedEvent.at, NeedEvent.id)
)  # fmt: skip


def events_of(need_id: uuid.UUID) -> list[Any]:
    """The log, oldest first: id, at, before, after, note, by. The door has been asked for the need before."""
    return list(fetch(_EVENTS, {"need": need_id}))


@dataclass
class Filters:
    """What the list is asked for; every field comes from the address."""

    state: str = "open"  # open / closed / ended / all / a NeedStatus in small letters
    kind: NeedKind | None = None
    field: NeedField | None = None
    urgency: Urgency | None = None
    ending: Ending | None = None
    region: int | None = None
    mine: bool = False
    since: date | None = None  # when it came in
    until: date | None = None  # that day included
    officer: int | None = None  # who mainly serves the enterprise
    page: str = ""

    @property
    def status(self) -> NeedStatus | None:
        return NeedStatus.__members__.get(self.state.upper())


def _conditions(person: Person, filters: Filters) -> list[Any]:
    conditions: list[Any] = [visible_to(person)]
    if filters.status is not None:
        conditions.append(Need.status == filters.status)
    elif filters.state == "closed":
        conditions.append(Need.status.in_(CLOSED))
    elif filters.state == "ended":
        conditions.append(Need.status.in_(ENDED))
    elif filters.state != "all":
        conditions.append(Need.status.not_in((*ENDED, NeedStatus.DRAFT)))
    for column, wanted in (
        (Need.kind, filters.kind),
        (Need.field, filters.field),
        (Need.urgency, filters.urgency),
        (Need.ending, filters.ending),
        (Enterprise.region_id, filters.region),
        (Enterprise.officer_id, filters.officer),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if filters.mine:
        conditions.append(sa.or_(Need.claimed_by_id == person.id, Need.author_id == person.id))
    if filters.since:
        conditions.append(Need.created_at >= clock.local_midnight(filters.since))
    if filters.until:
        conditions.append(Need.created_at < clock.local_midnight(filters.until + timedelta(days=1)))
    return conditions


def officer_words(person: Person, officer_id: int) -> str:
    """The filter `officer` in words; the name only of somebody who has an enterprise in sight."""
    has_one = sa.exists().where(Enterprise.officer_id == User.id, visible_to(person)).correlate(User)
    name = db.session.scalar(sa.select(User.name).where(User.id == officer_id, has_one))
    return _("%(name)s负责的企业", name=name or "—")


def _newest_first(query: sa.Select) -> sa.Select:
    return query.order_by(Need.created_at.desc(), Need.id.desc())


@dataclass
class Found:
    """One page of the list. `rows` have id, title, kind, field, urgency, status, ending, budget, source, created_at,
    enterprise_id, enterprise, region, holder."""

    rows: list[Any]
    next_page: str | None
    count: int  # never more than MOST_COUNTED + 1


def search_needs(person: Person, filters: Filters) -> Found:
    """Newest first, a page at a time."""
    size = current_app.config["PAGE_SIZE"]
    conditions = _conditions(person, filters)
    place = keyset_place(filters.page, uuid.UUID)
    # The page's ids first, along one index and no further than needed; names are joined to those few.
    ids = sa.select(Need.id).join(Enterprise, Enterprise.id == Need.enterprise_id).where(*conditions)
    if place:
        ids = ids.where(sa.tuple_(Need.created_at, Need.id) < sa.tuple_(*map(sa.literal, place)))
    chosen = _newest_first(ids).limit(size + 1).subquery()
    query = (
        sa.select(
            Need.id,
            Need.title,
            Need.kind,
            Need.field,
            Need.urgency,
            Need.status,
            Need.ending,
            Need.budget,
            Need.source,
            Need.created_at,
            Enterprise.id.label("enterprise_id"),
            Enterprise.name.label("enterprise"),
            Region.name.label("region"),
            _holder.name.label("holder"),
        )
        .select_from(chosen)
        .join(Need, Need.id == chosen.c.id)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(_holder, _holder.id == Need.claimed_by_id)
    )
    rows = list(db.session.execute(_newest_first(query)).all())
    more = len(rows) > size
    total = len(rows)
    if more or place is not None:
        counted = (
            sa.select(sa.literal(1))
            .select_from(Need)
            .join(Enterprise, Enterprise.id == Need.enterprise_id)
            .where(*conditions)
            .limit(MOST_COUNTED + 1)
        )
        total = db.session.scalar(sa.select(sa.func.count()).select_from(counted.subquery())) or 0
    rows = rows[:size]
    return Found(rows, keyset_cursor(rows[-1].created_at, rows[-1].id) if more else None, total)


def exported_needs(session: Session, person: Person, filters: Filters) -> Iterator[Any]:
    """Every row of the list with all that an export tells, newest first, one more than MOST_EXPORTED at most."""
    query = (
        sa.select(
            *Need.__table__.c,
            Enterprise.name.label("enterprise"),
            Enterprise.uscc,
            Region.name.label("region"),
            _author.name.label("author"),
            _holder.name.label("holder"),
            Contact.name.label("contact"),
            Contact.phone.label("contact_phone"),
        )
        .select_from(Need)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(_author, _author.id == Need.author_id)
        .outerjoin(_holder, _holder.id == Need.claimed_by_id)
        .outerjoin(Contact, Contact.id == Need.contact_id)
        .where(*_conditions(person, filters))
    )
    limited = _newest_first(query).limit(MOST_EXPORTED + 1)
    yield from session.execute(limited, execution_options={"yield_per": 500})
