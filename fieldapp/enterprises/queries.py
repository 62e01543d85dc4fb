"""Reading enterprises: every function takes the person first and returns what that person may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from fieldapp import clock
from fieldapp.accounts import Region, Role, Team, User
from fieldapp.accounts.models import team_lead
from fieldapp.db import db, fetch
from fieldapp.enterprises import search
from fieldapp.enterprises.access import Scope, assigned, pooled, scope_of, scope_values, visible, visible_to
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
from fieldapp.statements import VALUES_DECIDE

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# How far ahead a filter looks; "never" looks at the last visit instead.
DUE = {"never": timedelta(0), "overdue": timedelta(0), "soon": timedelta(days=14)}

# Counting stops here: "1000+" tells as much as an exact figure and costs the same at any size.
MOST_COUNTED = 1000


@cache
def door(scope: Scope) -> sa.Select:
    """One enterprise's columns, for who may see it."""
    return sa.select(*Enterprise.__table__.c).where(
        Enterprise.id == sa.bindparam("enterprise"), visible(scope)
    )


def find_enterprise(
    person: Person,
    enterprise_id: int,
    to: Callable[[Person, Enterprise], bool] | None = None,
    *,
    through: Callable[[Scope], sa.Select] = door,
    **values: Any,
) -> Enterprise:
    """The door: the enterprise's columns, NotFound when this person may not see it, NotAllowed when `to` says no.
    `through` is a door that brings more columns, with its own `values`."""
    asked = {"enterprise": enterprise_id, **scope_values(person), **values}
    found = fetch(through(scope_of(person)), asked)
    if not found:
        raise NotFound
    enterprise = cast("Enterprise", found[0])  # a row with every column; actions change tables, not rows
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
    scope: str = ""  # mine / team / pool / all; for leads also taken / loose (see is_loose)
    due: str = ""  # never / overdue / soon
    page: str = ""
    officer: int | None = None  # the main officer

    terms: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.terms = search.terms_of(self.q)


@dataclass
class Found:
    """One page of the list.

    `rows` have id, name, region, industry, last_visited_on, visit_due_on, officer_id, officer.
    """

    rows: list[Any]
    next_page: str | None
    count: int | None  # never more than MOST_COUNTED + 1; None: more than a page of what was searched for


class _Shape(NamedTuple):
    """All that changes a list's statement; everything else travels as bind values."""

    scope: Scope
    part: str
    officer: bool
    region: bool
    industry: bool
    tag: str  # "" / qualification / tag
    due: str
    plan: tuple[str, ...]  # per start of a searched word: "lead", "sift", "ask" or "each", see search.RARE
    paged: bool


def _part(person: Person, asked: str) -> str:
    """mine / pool / all: the narrowest true statement first, so that the planner can walk one index in order."""
    if asked == "pool" or (asked in {"taken", "loose"} and not person.is_officer):
        return asked
    return "mine" if person.is_officer and asked != "team" else "all"


def is_loose() -> ColumnElement[bool]:
    """Somebody has it who can no longer serve it: a disabled account, another role, or not of the enterprise's team."""
    fit = sa.exists().where(
        User.id == Enterprise.officer_id,
        User.active,
        User.role == Role.OFFICER,
        User.team_id == Enterprise.team_id,
    )
    return sa.and_(Enterprise.officer_id.is_not(None), ~fit.correlate(Enterprise))


def _parts(shape: _Shape) -> list[tuple[_Shape, Any]]:
    """Whose enterprises: conditions that each walk one index in order. A row may be in more than one of them."""
    # An officer's own are so few that each can be asked for a searched word, token by token.
    own = (shape._replace(part="mine", plan=("each",) * len(shape.plan)), Enterprise.id.in_(assigned()))
    if shape.part == "mine":
        return [own]
    if shape.part == "all":
        if shape.scope.role == "OFFICER" and shape.scope.has_team:
            return [own, (shape, pooled())]  # with OR no planner finds either index
        return [(shape, visible(shape.scope))]
    if shape.scope.role == "OFFICER":
        return [(shape, pooled())]
    state = {
        "pool": Enterprise.officer_id.is_(None),
        "taken": Enterprise.officer_id.is_not(None),
        "loose": is_loose(),
    }
    return [(shape, sa.and_(visible(shape.scope), state[shape.part]))]


def _conditions(shape: _Shape, part: Any) -> list[Any]:
    if shape.officer:
        part = sa.and_(part, Enterprise.officer_id == sa.bindparam("officer", type_=sa.Integer))
    conditions = [part]
    narrowed = shape.officer or shape.industry or shape.tag
    in_order = shape.plan or (shape.part == "all" and not narrowed)
    if shape.part != "mine" and ("lead" in shape.plan or (in_order and shape.scope.leads > 1)):
        # A few found ids lead the way, or the list's own order does (several teams are no order at all): inside a CASE
        # neither planner mistakes the scope for the better index.
        conditions = [_judged(part)]
    if shape.region:
        conditions.append(Enterprise.region_id == sa.bindparam("region"))
    if shape.industry:
        conditions.append(Enterprise.division == sa.bindparam("industry"))
    if shape.tag == "qualification":
        holders = sa.select(Qualification.enterprise_id).where(
            Qualification.kind == sa.bindparam("kind", type_=Qualification.kind.type),
            sa.or_(
                Qualification.valid_to.is_(None),
                Qualification.valid_to >= sa.bindparam("today", type_=sa.Date),
            ),
        )
        conditions.append(Enterprise.id.in_(holders))
    elif shape.tag == "tag":
        tagged = sa.select(EnterpriseTag.enterprise_id).where(EnterpriseTag.tag == sa.bindparam("tag"))
        conditions.append(Enterprise.id.in_(tagged))
    if shape.due == "never":
        conditions.append(Enterprise.last_visited_on.is_(None))
    elif shape.due:
        conditions.append(Enterprise.visit_due_on <= sa.bindparam("due", type_=sa.Date))
    for at, way in enumerate(shape.plan):
        # "each" hides the token from the planners: guessing wrong, PostgreSQL would go through all hits for each row.
        token = SearchToken.token.concat("") if way == "each" else SearchToken.token
        hits = sa.select(SearchToken.enterprise_id).where(_begins(at, token))
        if way == "lead":
            conditions.append(Enterprise.id.in_(hits))
        elif way == "sift":
            conditions.insert(0, _judged(Enterprise.id.in_(hits)))
        else:
            of_this_row = hits.where(SearchToken.enterprise_id == Enterprise.id).correlate(Enterprise)
            conditions.append(of_this_row.exists())
    return conditions


def _judged(condition: Any) -> Any:
    """The condition as something to ask of each row met, not as a way to the rows.

    A truth by itself: of something that equals a number PostgreSQL expects one row in two hundred, of two such none,
    and would rather read and sort the whole table than walk the list until a page is full.
    """
    return sa.case((condition, sa.true()), else_=sa.false())


def _begins(at: int, token: Any = SearchToken.token) -> Any:
    """Tokens in the stretch of the searched start number `at`."""
    return sa.and_(token >= sa.bindparam(f"start_{at}"), token < sa.bindparam(f"end_{at}"))


@cache
def _stretch_size() -> sa.Select:
    bounded = sa.select(sa.literal(1)).select_from(SearchToken).where(_begins(0)).limit(search.MIDDLING + 1)
    return sa.select(sa.func.count()).select_from(bounded.subquery())


def _plan(starts: list[str], part: str, narrowed: bool) -> tuple[str, ...]:
    """How each word is searched, see search.RARE: the rarest one chooses, the rest are asked of what it found.

    `narrowed`: another filter leaves so few rows that a walk would not end soon.
    """
    if part == "mine":
        return ("each",) * len(starts)
    sizes = []
    for start in starts:
        first, last = search.stretch(start)
        sizes.append(fetch(_stretch_size(), {"start_0": first, "end_0": last})[0][0])
    rarest = min(range(len(sizes)), key=sizes.__getitem__, default=-1)
    ways = ["ask"] * len(starts)
    if starts and sizes[rarest] <= search.MIDDLING:
        ways[rarest] = "lead" if narrowed or sizes[rarest] <= search.RARE else "sift"
    return tuple(ways)


_officer = aliased(User)


def _joined(shape: _Shape, most: Any, *, ordered: bool = True) -> sa.Select:
    """The first `most` (id, visit_due_on) of the list; in any order when they are only counted."""
    columns = (Enterprise.id, Enterprise.visit_due_on)
    branches = []
    for asked, part in _parts(shape):
        branch = sa.select(*columns).where(*_conditions(asked, part)).limit(most)
        if shape.paged:
            place = sa.tuple_(
                sa.bindparam("after_due", type_=sa.Date), sa.bindparam("after_id", type_=sa.Integer)
            )
            branch = branch.where(sa.tuple_(Enterprise.visit_due_on, Enterprise.id) > place)
        branches.append(branch.order_by(Enterprise.visit_due_on, Enterprise.id) if ordered else branch)
    if len(branches) == 1:
        return branches[0]
    # Each branch gives no more than could be shown; UNION takes out what both have found.
    union = sa.union(*(sa.select(branch.subquery()) for branch in branches)).subquery()
    joined = sa.select(union).limit(most)
    return joined.order_by(union.c.visit_due_on, union.c.id) if ordered else joined


@lru_cache(maxsize=500)
def _page_of(shape: _Shape) -> sa.Select:
    # The page's ids come from the enterprises alone, along one index and no further than needed; names of regions and
    # officers are joined to those few. In one statement SQLite would sort the whole scope first.
    ids = _joined(shape, sa.bindparam("most", type_=sa.Integer))
    chosen = ids.subquery()
    counted = [] if shape.plan else [_count_of(shape._replace(paged=False)).scalar_subquery().label("total")]
    filtered = shape.plan or shape.region or shape.industry or shape.tag or shape.due
    return (
        sa.select(
            *counted,
            Enterprise.id,
            Enterprise.name,
            Enterprise.industry,
            Enterprise.last_visited_on,
            Enterprise.visit_due_on,
            Enterprise.officer_id,
            Region.name.label("region"),
            _officer.name.label("officer"),
        )
        .select_from(chosen)
        .join(Enterprise, Enterprise.id == chosen.c.id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(_officer, _officer.id == Enterprise.officer_id)
        .order_by(chosen.c.visit_due_on, chosen.c.id)
        .execution_options(**{VALUES_DECIDE: bool(filtered)})
    )


@lru_cache(maxsize=500)
def _count_of(shape: _Shape) -> sa.Select:
    counted = _joined(shape, sa.literal(MOST_COUNTED + 1), ordered=False)
    return (
        sa.select(sa.func.count()).select_from(counted.subquery()).execution_options(**{VALUES_DECIDE: True})
    )


def _kind_named(tag: str) -> QualificationKind | None:
    return next((kind for kind in QualificationKind if kind.name.lower() == tag.lower()), None)


def list_enterprises(person: Person, filters: Filters, size: int = 0, *, counted: bool = True) -> Found:
    """One page, sorted by need of a visit: longest overdue first, then the order they fall due.

    `size` is how many make a page (0: as set). `counted=False` leaves the count out.
    """
    today = clock.today()
    size = size or current_app.config["PAGE_SIZE"]
    starts = [start for term in filters.terms for start in search.starts_of(term)]
    kind = _kind_named(filters.tag)
    place = keyset_place(filters.page, int)
    part = _part(person, filters.scope)
    shape = _Shape(
        scope_of(person),
        part,
        filters.officer is not None,
        bool(filters.region),
        bool(filters.industry),
        "qualification" if kind else "tag" if filters.tag else "",
        filters.due if filters.due in DUE else "",
        _plan(starts, part, bool(kind or filters.tag or filters.officer is not None)),
        place is not None,
    )
    values = scope_values(person) | {
        "officer": filters.officer,
        "region": filters.region,
        "industry": filters.industry,
        "kind": kind,
        "tag": filters.tag,
        "today": today,
        "due": today + DUE.get(filters.due, timedelta(0)),
        "most": size + 1,
    }
    for at, start in enumerate(starts):
        values[f"start_{at}"], values[f"end_{at}"] = search.stretch(start)
    if place is not None:
        values["after_due"], values["after_id"] = place[0].date(), place[1]
    rows = fetch(_page_of(shape), values)
    more = len(rows) > size
    if place is None and not more:
        total = len(rows)
    elif starts or not counted:
        # Counting what was searched for would cost more than finding it; "more than a page" is what people need.
        total = None
    elif rows:
        total = rows[0].total
    else:  # a page after the last one
        total = fetch(_count_of(shape._replace(paged=False)), values)[0][0]
    rows = rows[:size]
    return Found(list(rows), keyset_cursor(rows[-1].visit_due_on, rows[-1].id) if more else None, total)


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


def serving(person: Person) -> int | None:
    """How many enterprises an officer serves today; None for everybody else."""
    if not person.is_officer:
        return None
    return fetch(sa.select(sa.func.count()).select_from(assigned().subquery()), scope_values(person))[0][0]


def tags_in_use(person: Person) -> list[str]:
    """The tags of what this person sees, for the filter; the first fifty."""
    query = (
        sa.select(EnterpriseTag.tag)
        .join(Enterprise, Enterprise.id == EnterpriseTag.enterprise_id)
        .where(visible_to(person))
        .distinct()
        .order_by(EnterpriseTag.tag)
        .limit(50)
    )
    return list(db.session.scalars(query))


class Holding(NamedTuple):
    """A qualification that an enterprise holds; without an end it holds for good."""

    kind: QualificationKind
    valid_to: date | None


@dataclass
class Profile:
    """Who an enterprise is, in three queries. `enterprise` has every column of the table."""

    enterprise: Any
    region: str
    team: str
    office_phone: str
    officer: str | None
    tags: list[str]
    contacts: Sequence[Any]
    qualifications: list[Holding]
    years: Sequence[Any]
    helpers: list[str]


# Written out: what SQLAlchemy puts in for a plain "\n" makes it assemble the statement anew in every request.
_line_end: Any = sa.literal_column("'\n'")


@cache
def _profile_of(scope: Scope) -> sa.Select:
    tags = (
        sa.select(sa.func.aggregate_strings(EnterpriseTag.tag, _line_end))
        .where(EnterpriseTag.enterprise_id == Enterprise.id)
        .correlate(Enterprise)
        .scalar_subquery()
    )
    until = sa.func.coalesce(sa.cast(Qualification.valid_to, sa.String), "")
    held = sa.cast(Qualification.id, sa.String) + " " + sa.cast(Qualification.kind, sa.String) + " " + until
    qualifications = (
        sa.select(sa.func.aggregate_strings(held, _line_end))
        .where(Qualification.enterprise_id == Enterprise.id)
        .correlate(Enterprise)
        .scalar_subquery()
    )
    helper = aliased(User)
    helpers = (
        sa.select(sa.func.aggregate_strings(helper.name, _line_end))
        .select_from(Assignment)
        .join(helper, helper.id == Assignment.officer_id)
        .where(
            Assignment.enterprise_id == Enterprise.id,
            Assignment.ended_on.is_(None),
            Assignment.is_main.is_(False),
        )
        .correlate(Enterprise)
        .scalar_subquery()
    )
    return (
        sa.select(
            *Enterprise.__table__.c,
            Region.name.label("region_name"),
            Team.name.label("team_name"),
            Team.office_phone,
            _officer.name.label("officer_name"),
            tags.label("tags"),
            helpers.label("helpers"),
            qualifications.label("qualifications"),
        )
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(Team, Team.id == Enterprise.team_id)
        .outerjoin(_officer, _officer.id == Enterprise.officer_id)
        .where(Enterprise.id == sa.bindparam("enterprise"), visible(scope))
    )


_CONTACTS = (
    sa.select(*Contact.__table__.c)
    .where(Contact.enterprise_id == sa.bindparam("enterprise"), Contact.active)
    .order_by(Contact.id)
)
_YEARS = (
    sa.select(*EnterpriseYear.__table__.c)
    .where(EnterpriseYear.enterprise_id == sa.bindparam("enterprise"))
    .order_by(EnterpriseYear.year.desc())
    .limit(5)
)


def _holdings(text: str | None) -> list[Holding]:
    """What _profile_of has put into one line each, in the order they were entered."""
    lines = sorted((line.split(" ") for line in (text or "").splitlines()), key=lambda line: int(line[0]))
    return [
        Holding(QualificationKind[kind], date.fromisoformat(until) if until else None)
        for _id, kind, until in lines
    ]


def profile(person: Person, enterprise_id: int) -> Profile:
    """Everything the head of the casefile shows. Raises NotFound outside the person's scope."""
    one = {"enterprise": enterprise_id}
    found = fetch(_profile_of(scope_of(person)), one | scope_values(person))
    if not found:
        raise NotFound
    row = found[0]
    return Profile(
        enterprise=row,
        region=row.region_name,
        team=row.team_name or "",
        office_phone=row.office_phone or "",
        officer=row.officer_name,
        tags=sorted(row.tags.split("\n")) if row.tags else [],
        contacts=contacts_of(enterprise_id),
        qualifications=_holdings(row.qualifications),
        years=fetch(_YEARS, one),
        helpers=row.helpers.split("\n") if row.helpers else [],
    )


def contacts_of(enterprise_id: int) -> Sequence[Any]:
    """Contacts still there, in the order they became known. The door has been asked for the enterprise before."""
    return fetch(_CONTACTS, {"enterprise": enterprise_id})


def find_contact(person: Person, enterprise_id: int, contact_id: int) -> Contact:
    """A contact through its enterprise's door."""
    contact = db.session.scalar(
        sa.select(Contact)
        .join(Enterprise, Enterprise.id == Contact.enterprise_id)
        .where(
            Contact.id == contact_id,
            Contact.enterprise_id == enterprise_id,
            Contact.active,
            visible_to(person),
        )
    )
    if contact is None:
        raise NotFound
    return contact


class _Viewer(NamedTuple):
    """As much of a person as the one condition asks for, about somebody who is not signed in here."""

    id: int
    role: Role
    team_id: int | None
    led_team_ids: tuple[int, ...]


def may_see(user_id: int, enterprise_id: int) -> bool:
    """Whether that colleague may open that enterprise."""
    user = db.session.execute(
        sa.select(User.id, User.role, User.team_id).where(User.id == user_id, User.active)
    ).first()
    if user is None:
        return False
    led = db.session.scalars(sa.select(team_lead.c.team_id).where(team_lead.c.user_id == user_id))
    viewer = cast("Person", _Viewer(user.id, user.role, user.team_id, tuple(led)))
    query = sa.select(Enterprise.id).where(Enterprise.id == enterprise_id, visible_to(viewer))
    return db.session.execute(query).first() is not None
