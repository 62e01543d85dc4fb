"""The pool of needs: what is open by its light, what is over newest first; counted, searched, exported alike.

What is open is sorted by what falls due: first what runs (red, yellow, green fall out of `due_at` by themselves), then
what is paused. Both are walks over an index that knows no ended need, so years of history cost nothing.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session, aliased

from fieldapp import clock
from fieldapp.accounts import Region, Role, Team, User
from fieldapp.db import db, fetch, last_asked, one_of
from fieldapp.enterprises import search
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible, visible_to
from fieldapp.enterprises.models import Assignment, Contact, Enterprise, SearchToken
from fieldapp.languages import _
from fieldapp.needs import titles
from fieldapp.needs.clock import light_is
from fieldapp.needs.disclosure import names_enterprise, names_of, shared_with, without_names
from fieldapp.needs.models import (
    ENDED,
    Ending,
    Light,
    Need,
    NeedField,
    NeedKind,
    NeedSource,
    NeedStatus,
    NeedToken,
    Urgency,
)
from fieldapp.needs.queries import CALL_AT
from fieldapp.notices.badges import Number
from fieldapp.pages import keyset_cursor, keyset_place

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# The work on these is done, whatever came of it; what was declined or withdrawn was never worked on.
CLOSED = (NeedStatus.RESOLVED, NeedStatus.RATED)
OPEN = tuple(status for status in NeedStatus if status not in (*ENDED, NeedStatus.DRAFT))
# Counting stops here: "1000+" tells as much as an exact figure and costs the same at any size.
MOST_COUNTED = 1000
# An export holds no more than this, and says so.
MOST_EXPORTED = 20_000
# A searched word with fewer hits is looked up hit by hit; a commoner one is met soon on the walk, and asked row by row.
# Of what is open there is little to walk.
RARE, RARE_AMONG_OPEN = 1000, 100
# Bounds of an instant, for conditions that an index can answer: "is not null" is none to SQLite.
EVER, NEVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

_author, _holder = aliased(User), aliased(User)
# The orders' own slice stands later; of it only the number on the receipt is asked here.
_order = sa.table("enterprise_order", sa.column("need_id", Need.id.type), sa.column("number", sa.String))


@dataclass
class Filters:
    """What the list is asked for; every field comes from the address."""

    state: str = "open"  # open / closed / ended / all / a NeedStatus in small letters
    q: str = ""
    light: Light | None = None
    kind: NeedKind | None = None
    field: NeedField | None = None
    source: NeedSource | None = None
    urgency: Urgency | None = None
    ending: Ending | None = None
    region: int | None = None
    holder: str = ""  # who works on it: "none" or an id
    mine: bool = False
    since: date | None = None  # when it came in
    until: date | None = None  # that day included
    officer: int | None = None  # who mainly serves the enterprise
    shared: bool = False  # other teams' instead of one's own, see disclosure.py
    page: str = ""

    terms: list[str] = dataclasses.field(init=False, repr=False)
    # What a search of the longest word found (see _hits): asked once, for the tiles and for the list.
    hits: list[uuid.UUID] | None = dataclasses.field(init=False, repr=False, compare=False, default=None)
    asked: bool = dataclasses.field(init=False, repr=False, compare=False, default=False)
    # Titles that are not in the index yet.
    waiting: titles.Waiting = dataclasses.field(
        init=False, repr=False, compare=False, default_factory=titles.Waiting
    )

    def __post_init__(self) -> None:
        self.terms = search.terms_of(self.q)
        if self.shared:  # who works for whom is no business of others
            self.holder, self.officer, self.mine = "", None, False
        if self.light and not self.by_light:
            self.state = "open"

    @property
    def status(self) -> NeedStatus | None:
        return NeedStatus.__members__.get(self.state.upper())

    @property
    def by_light(self) -> bool:
        """Whether only what is open is asked for: that has lights and is sorted by them."""
        return self.state == "open" or (self.status is not None and self.status in OPEN)


def _moment(value: datetime) -> Any:
    return sa.literal(value, Need.due_at.type)


def _scope(person: Person, filters: Filters, way: str) -> Any:
    """Whose needs. `way`: "in", a way to the rows; "walk", these are walked in their own order; "ask", asked last."""
    if filters.shared:
        return last_asked(shared_with(person))
    if not person.is_officer:
        return visible_to(person) if way == "in" else last_asked(visible_to(person))
    # An officer's enterprises are few, and each has few needs that are open; with OR no planner finds that way.
    own: Any = sa.select(Assignment.enterprise_id).where(
        Assignment.officer_id == person.id, Assignment.ended_on.is_(None)
    )
    if scope_of(person).has_team:
        pool = sa.select(Enterprise.id).where(
            Enterprise.team_id == person.team_id, Enterprise.officer_id.is_(None)
        )
        own = sa.union(own, pool)
    served = Need.enterprise_id.in_(own)
    return last_asked(served) if way == "ask" else served


def _within(column: Any, start: str) -> Any:
    first, last = search.stretch(start)
    return sa.and_(column >= first, column < last)


def _says(term: str, filters: Filters) -> Any:
    """Title, enterprise or receipt number hold the searched word."""
    of_title = [
        sa.exists().where(NeedToken.need_id == Need.id, _within(NeedToken.token, start)).correlate(Need)
        for start in titles.starts_of(term)
    ]
    of_enterprise = [
        sa.exists()
        .where(SearchToken.enterprise_id == Need.enterprise_id, _within(SearchToken.token, start))
        .correlate(Need)
        for start in search.starts_of(term)
    ]
    by_name = sa.and_(*of_enterprise)
    by_title = sa.and_(*of_title)
    if new := filters.waiting.saying(titles.starts_of(term)):
        by_title = sa.or_(by_title, Need.id.in_(new))
    if filters.shared:
        return sa.or_(by_title, sa.and_(names_enterprise(), by_name))
    numbered = sa.exists().where(_order.c.need_id == Need.id, _order.c.number == term.upper()).correlate(Need)
    return sa.or_(by_title, by_name, *([numbered] if len(term) == NUMBER else []))


NUMBER = 8  # characters of a receipt's number


def _hits(filters: Filters) -> list[uuid.UUID] | None:
    """Ids of the needs in which the longest searched word may stand, when they are few; else None."""
    if not filters.asked:
        filters.hits, filters.asked = _looked_up(filters) if filters.terms else None, True
    return filters.hits


def _looked_up(filters: Filters) -> list[uuid.UUID] | None:
    term = max(filters.terms, key=len)
    rare = RARE_AMONG_OPEN if filters.by_light and not filters.shared else RARE
    by_title = (
        sa.select(NeedToken.need_id.label("id"))
        .where(_within(NeedToken.token, titles.starts_of(term)[0]))
        .limit(rare + 1)
    )
    by_name = (
        sa.select(Need.id)
        .join(SearchToken, SearchToken.enterprise_id == Need.enterprise_id)
        .where(_within(SearchToken.token, search.starts_of(term)[0]))
        .limit(rare + 1)
    )
    branches = [by_title, by_name]
    new = filters.waiting.saying(titles.starts_of(term)[:1])  # first: from here titles go into the index
    if len(term) == NUMBER:
        branches.append(sa.select(_order.c.need_id).where(_order.c.number == term.upper()))
    rows = fetch(sa.union_all(*(sa.select(branch.subquery()) for branch in branches)))
    if len(rows) > rare:
        return None
    ids = list({row.id for row in rows} | new)
    return [one.id for one in _spoken_for(_of_ids(ids), filters)] if filters.shared and ids else ids


def _of_ids(ids: list[uuid.UUID]) -> list[Any]:
    chosen = sa.select(Need.id).where(Need.id.in_(ids)).subquery()
    return list(fetch(_joined(_SHARED, chosen)))


def _conditions(
    person: Person, filters: Filters, hits: list[uuid.UUID] | None, way: str = "walk"
) -> list[Any]:
    """Everything but the light, and but the state of what is open: its clock tells that."""
    conditions: list[Any] = [_scope(person, filters, "ask" if hits is not None else way)]
    if hits is not None:
        conditions.insert(0, Need.id.in_(hits))
    if filters.status is not None:
        conditions.append(Need.status == filters.status)
    elif filters.state == "closed":
        conditions.append(last_asked(one_of(Need.status, CLOSED)))
    elif filters.state == "ended":
        conditions.append(last_asked(one_of(Need.status, ENDED)))
    for column, wanted in (
        (Need.kind, filters.kind),
        (Need.field, filters.field),
        (Need.source, filters.source),
        (Need.urgency, filters.urgency),
        (Need.ending, filters.ending),
        (Enterprise.region_id, filters.region),
        (Enterprise.officer_id, filters.officer),
    ):
        if wanted is not None:
            conditions.append(last_asked(column == wanted))
    if filters.holder == "none":
        conditions.append(Need.claimed_by_id.is_(None))
    elif filters.holder:
        conditions.append(Need.claimed_by_id == int(filters.holder))
    if filters.mine:
        conditions.append(sa.or_(Need.claimed_by_id == person.id, Need.author_id == person.id))
    if filters.since:
        conditions.append(Need.created_at >= clock.local_midnight(filters.since))
    if filters.until:
        conditions.append(Need.created_at < clock.local_midnight(filters.until + timedelta(days=1)))
    return conditions + [_says(term, filters) for term in filters.terms]


def _still(light: Light | None) -> list[Any]:
    """Open, and no promise runs: paused (grey), or from before promises were kept."""
    if light is Light.GREY:
        return [Need.paused_at >= EVER, light_is(Light.GREY, EVER)]
    return [Need.due_at.is_(None), one_of(Need.status, OPEN)]


def officer_words(person: Person, officer_id: int) -> str:
    """The filter `officer` in words; the name only of somebody who has an enterprise in sight."""
    has_one = sa.exists().where(Enterprise.officer_id == User.id, visible_to(person)).correlate(User)
    name = db.session.scalar(sa.select(User.name).where(User.id == officer_id, has_one))
    return _("%(name)s负责的企业", name=name or "—")


def holders_of(person: Person, asked: int | None = None) -> list[Any]:
    """Who may hold what this person sees: the active officers of their teams, and who is `asked` for although they have
    left. Rows of id, name."""
    teams = person.led_team_ids if person.is_lead else (person.team_id,)
    query = sa.select(User.id, User.name).where(
        User.team_id.in_([team for team in teams if team]),
        User.role == Role.OFFICER,
        sa.or_(User.active, User.id == asked),
    )
    return list(fetch(query.order_by(User.name, User.id)))


# Counting.


@dataclass
class Counts:
    """How many open needs have which light, each never more than MOST_COUNTED + 1."""

    lights: dict[Light, int]
    total: int
    over: bool  # the total is more than that

    def of(self, light: Light | None) -> int:
        return self.lights[light] if light else self.total


def light_counts(person: Person, filters: Filters, now: datetime) -> Counts:
    """The tiles: what the other filters leave, by its light. One statement, of what is open alone."""
    hits = _hits(filters)
    if not filters.by_light:
        asked, filters = filters, replace(filters, state="open")
        filters.waiting = asked.waiting

    def counted(name: str, way: str, *more: Any) -> Any:
        conditions = _conditions(person, filters, hits, way)
        some = (
            sa.select(sa.literal(1))
            .select_from(Need)
            .join(Enterprise, Enterprise.id == Need.enterprise_id)
            .where(*conditions, *more)
            .limit(MOST_COUNTED + 1)
        )
        return sa.select(sa.func.count()).select_from(some.subquery()).scalar_subquery().label(name)

    row = fetch(
        sa.select(
            *(counted(light.name, "in", *_lit(light, now)) for light in Light),
            counted("none", "ask", *_still(None), last_asked(Need.paused_at.is_(None))),
        )
    )[0]
    lights = {light: getattr(row, light.name) for light in Light}
    total = sum(lights.values()) + row.none
    return Counts(lights, min(total, MOST_COUNTED + 1), total > MOST_COUNTED)


def _lit(light: Light, now: datetime) -> list[Any]:
    if light is Light.GREY:
        return _still(light)
    # The bound of due_at follows from the light: it is written out for the index.
    return [light_is(light, now), Need.due_at >= (EVER if light is Light.RED else now)]


# The list.


@dataclass
class Found:
    """One page of the list; `rows` have the columns of _COLUMNS."""

    rows: list[Any]
    next_page: str | None
    count: int | None  # never more than MOST_COUNTED + 1; None: more than a page of what was searched for


_COLUMNS = (
    Need.id, Need.title, Need.kind, Need.field, Need.urgency, Need.status, Need.ending, Need.budget, Need.source,
    Need.created_at, Need.clock, Need.due_at, Need.warn_at, Need.paused_at, Need.reopened, Need.claimed_by_id,
    Need.disclosure, Enterprise.id.label("enterprise_id"), Enterprise.name.label("enterprise"),
    Region.name.label("region"), _holder.name.label("holder"), CALL_AT,
)  # fmt: skip
# Of other teams': what names the enterprise is there to be taken out of the texts, and goes no further than here.
_SHARED = (
    Need.id, Need.title, Need.kind, Need.field, Need.urgency, Need.status, Need.ending, Need.budget, Need.source,
    Need.created_at, Need.clock, Need.due_at, Need.warn_at, Need.paused_at, Need.disclosure, Need.enterprise_id,
    Enterprise.name, Enterprise.short_name, Enterprise.former_names, Enterprise.address, Region.name.label("region"),
    Team.name.label("team"),
)  # fmt: skip


def _joined(columns: tuple[Any, ...], chosen: Any) -> sa.Select:
    query = (
        sa.select(*columns)
        .select_from(chosen)
        .join(Need, Need.id == chosen.c.id)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
    )
    if columns is _SHARED:
        return query.outerjoin(Team, Team.id == Enterprise.team_id)
    return query.outerjoin(_holder, _holder.id == Need.claimed_by_id)


def _order_of(stage: str) -> tuple[Any, Any, bool]:
    """(first key, second key, whether backwards) of a stretch of the list: d what runs, p what is paused, n newest."""
    if stage == "d":
        return Need.due_at, Need.id, False
    if stage == "p":
        return sa.func.coalesce(Need.paused_at, _moment(NEVER)), Need.id, False
    return Need.created_at, Need.id, True


def _stretch(columns: tuple[Any, ...], stage: str, conditions: list[Any], place: Any, most: int) -> list[Any]:
    """Up to `most` rows. The page's ids first, along one index and no further than needed; names join those."""
    first, second, backwards = _order_of(stage)
    ids = sa.select(Need.id).join(Enterprise, Enterprise.id == Need.enterprise_id).where(*conditions)
    if place:
        here = sa.tuple_(_moment(place[0]), sa.literal(place[1], Need.id.type))
        at = sa.tuple_(first, second)
        ids = ids.where(at < here if backwards else at > here)
    order = (first.desc(), second.desc()) if backwards else (first, second)
    chosen = ids.order_by(*order).limit(most).subquery()
    return list(fetch(_joined(columns, chosen).order_by(*order)))


def _cursor(stage: str, row: Any) -> str:
    when = {"d": row.due_at, "p": row.paused_at or NEVER, "n": row.created_at}[stage]
    return stage + keyset_cursor(when, row.id)


def search_needs(person: Person, filters: Filters, now: datetime, counts: Counts | None = None) -> Found:
    """A page of the list; `counts` spares counting what they know."""
    size = current_app.config["PAGE_SIZE"]
    columns = _SHARED if filters.shared else _COLUMNS
    stage, place = filters.page[:1], keyset_place(filters.page[1:], uuid.UUID)
    hits = _hits(filters)
    conditions = _conditions(person, filters, hits, "walk" if filters.by_light else "ask")
    rows: list[tuple[str, Any]] = []
    total: int | None
    if filters.by_light:
        light = filters.light
        if light is not Light.GREY and not (stage == "p" and place):
            running = [Need.due_at >= EVER] if light is None else _lit(light, now)
            at = place if stage == "d" else None
            rows = [("d", r) for r in _stretch(columns, "d", [*conditions, *running], at, size + 1)]
        if light in (None, Light.GREY) and len(rows) <= size:
            at = place if stage == "p" else None
            still = [*_conditions(person, filters, hits, "ask"), *_still(light)]
            rows += [("p", r) for r in _stretch(columns, "p", still, at, size + 1 - len(rows))]
    else:
        at = place if stage == "n" else None
        rows = [("n", row) for row in _stretch(columns, "n", conditions, at, size + 1)]
    more = len(rows) > size
    shown = [row for _stage, row in rows[:size]]
    if filters.by_light and counts is not None:
        total = counts.of(filters.light)
    elif not more and place is None:
        total = len(rows)
    else:
        # Counting what was searched for in all the years would cost more than finding it.
        total = None if filters.terms else _counted(conditions)
    next_page = _cursor(*rows[size - 1]) if more else None
    if filters.shared:
        shown = _spoken_for(shown, filters)
    return Found(shown, next_page, total)


def _counted(conditions: list[Any]) -> int:
    some = (
        sa.select(sa.literal(1))
        .select_from(Need)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .where(*conditions)
        .limit(MOST_COUNTED + 1)
    )
    return fetch(sa.select(sa.func.count().label("n")).select_from(some.subquery()))[0].n


# Other teams'.


class Shared:
    """A need of another team as far as the enterprise lets it be known: texts without names where it wants none."""

    # What no level shows: there is no such thing here.
    enterprise_id = holder = contact = contact_phone = author = uscc = None
    claimed_by_id = call_at = None
    reopened = 0

    def __init__(self, row: Any, people: tuple[str, ...] = ()) -> None:
        self._row = row
        known = bool(row.disclosure.name == "PUBLIC")
        self.names = () if known else (*names_of(row), *people)
        self.people = people
        self.known = known
        self.enterprise = row.name if known else None
        self.whole = row.title  # to be compared, never shown
        self.title = self.said(row.title)

    def said(self, text: str) -> str:
        """A text of the enterprise's, as others may read it: never with a person's name or a telephone number in it."""
        return without_names(text, self.names or self.people)

    @property
    def description(self) -> str:
        return self.said(self._row.description)

    @property
    def conditions(self) -> str:
        return self.said(self._row.conditions)

    @property
    def indicators(self) -> list[dict[str, str]]:
        return [
            {key: self.said(str(value)) for key, value in row.items()} for row in self._row.indicators or ()
        ]

    def __getattr__(self, name: str) -> Any:
        if name not in _TOLD:
            raise AttributeError(name)
        return getattr(self._row, name)


_TOLD = {
    "id", "kind", "field", "urgency", "status", "ending", "budget", "source", "created_at", "clock", "due_at",
    "warn_at", "paused_at", "disclosure", "region", "team", "office_phone", "deadline", "cooperation",
    "ip_ownership", "ended_at",
}  # fmt: skip


def _spoken_for(rows: list[Any], filters: Filters) -> list[Any]:
    """As others may read them; what a search found only by a name that is not shown is left out."""
    people = _people_of({row.enterprise_id for row in rows})
    shown = [Shared(row, people.get(row.enterprise_id, ())) for row in rows]
    return [one for one in shown if _found_openly(one, filters)]


def _found_openly(one: Shared, filters: Filters) -> bool:
    """Whether a search found it by what it shows, and not by a name that it hides."""
    shown, whole = search.normal(one.title), search.normal(one.whole)
    return all(term in shown or (one.known and term not in whole) for term in filters.terms)


_WHOLE = (
    *Need.__table__.c, Enterprise.name, Enterprise.short_name, Enterprise.former_names, Enterprise.address,
    Region.name.label("region"),
    Team.name.label("team"), Team.office_phone,
)  # fmt: skip


def _people_of(enterprise_ids: set[int]) -> dict[int, tuple[str, ...]]:
    """Names of the enterprises' people, to be taken out of texts."""
    if not enterprise_ids:
        return {}
    found: dict[int, tuple[str, ...]] = {}
    query = sa.select(Contact.enterprise_id, Contact.name).where(Contact.enterprise_id.in_(enterprise_ids))
    for row in fetch(query.order_by(Contact.id)):
        found[row.enterprise_id] = (*found.get(row.enterprise_id, ()), row.name)
    return found


def find_shared(person: Person, need_id: uuid.UUID) -> Shared | None:
    """One need of another team, or None when it is not for this person."""
    query = (
        sa.select(*_WHOLE)
        .select_from(Need)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(Team, Team.id == Enterprise.team_id)
        .where(Need.id == need_id, shared_with(person))
    )
    row = next(iter(fetch(query)), None)
    if row is None:
        return None
    return Shared(row, _people_of({row.enterprise_id}).get(row.enterprise_id, ()))


# What goes out as a file.


def _all_of(person: Person, filters: Filters) -> list[Any]:
    conditions = _conditions(person, filters, _hits(filters), "ask")
    now = clock.now()
    if filters.light:
        return [*conditions, *_lit(filters.light, now)]
    return [*conditions, one_of(Need.status, OPEN)] if filters.state == "open" else conditions


def exported_needs(session: Session, person: Person, filters: Filters) -> Iterator[Any]:
    """Every row of the list with all that an export tells, newest first, one more than MOST_EXPORTED at most."""
    conditions = _all_of(person, filters)
    newest = (Need.created_at.desc(), Need.id.desc())
    if filters.shared:
        query = (
            sa.select(*_WHOLE)
            .select_from(Need)
            .join(Enterprise, Enterprise.id == Need.enterprise_id)
            .join(Region, Region.id == Enterprise.region_id)
            .outerjoin(Team, Team.id == Enterprise.team_id)
        )
    else:
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
        )
    limited = query.where(*conditions).order_by(*newest).limit(MOST_EXPORTED + 1)
    found = session.execute(limited, execution_options={"yield_per": 500})
    if not filters.shared:
        yield from found
        return
    for rows in found.partitions():
        people = _people_of({row.enterprise_id for row in rows})
        for row in rows:
            one = Shared(row, people.get(row.enterprise_id, ()))
            if _found_openly(one, filters):
                yield one


# What waits for a lead.

MOST_WAITING = 100


@cache
def _to_accept(scope: Scope) -> sa.ScalarSelect[int]:
    some = (
        sa.select(Need.id)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .where(Need.status == NeedStatus.SUBMITTED, last_asked(visible(scope)))
        .limit(MOST_WAITING)
        .subquery()
    )
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def to_accept_badge(person: Person) -> Number | None:
    """Needs that a lead has to accept, for the side bar, which leads have; counted to 100 at most. What is accepted
    already waits for officers."""
    return (_to_accept(scope_of(person)), scope_values(person)) if person.is_lead else None


# 今日: what presses on one's own desk.


@cache
def _pressing(scope: Scope) -> sa.Select:
    return (
        sa.select(*_COLUMNS)
        .select_from(Need)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(_holder, _holder.id == Need.claimed_by_id)
        .where(
            Need.claimed_by_id == sa.bindparam("viewer", type_=sa.Integer),
            one_of(Need.status, OPEN),
            last_asked(Need.warn_at <= sa.bindparam("now", type_=Need.due_at.type)),
            last_asked(visible(scope)),
        )
        .order_by(Need.due_at, Need.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


def pressing(person: Person, now: datetime, most: int) -> list[Any]:
    """The person's own needs with a red or a yellow light, what falls due first before the others."""
    values = scope_values(person) | {"now": now, "most": most}
    return list(fetch(_pressing(scope_of(person)), values))
