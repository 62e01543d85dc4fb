"""Reading promises, always through who may see their enterprise."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased

from fieldapp import clock
from fieldapp.accounts import Role, User
from fieldapp.accounts.models import Region, team_lead
from fieldapp.db import db, fetch
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible, visible_to
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.followups.models import FollowUp, FollowUpNote, FollowUpStatus, FollowUpStep
from fieldapp.followups.rules import moved_dates, week_ends
from fieldapp.languages import _
from fieldapp.needs.models import Need
from fieldapp.notices.badges import Number
from fieldapp.pages import keyset_cursor, keyset_place
from fieldapp.refusals import NotAllowed, NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

MOST_LINES = 200  # of one log shown
MOST_WAITING = 100
MOST_EXPORTED = 20_000
CLOSED = (FollowUpStatus.DONE, FollowUpStatus.DROPPED)


@dataclass(frozen=True)
class Filters:
    """What a list of promises is asked for; every field comes from the address."""

    closed: bool = False
    officer: int | None = None  # leads only: whose promises
    region: int | None = None
    due: str = ""  # "" all / overdue / week: overdue and until this Sunday
    page: str = ""


def overdue(on: date) -> Any:
    return sa.and_(FollowUp.status == FollowUpStatus.OPEN, FollowUp.due_on < on)


def _theirs(person: Person) -> Any:
    """An officer's list is what they promised, where they still serve; a lead's is the team's."""
    if person.is_officer:
        return sa.and_(FollowUp.assignee_id == person.id, visible_to(person))
    return visible_to(person)


_LISTED = (
    FollowUp.id,
    FollowUp.title,
    FollowUp.kind,
    FollowUp.due_on,
    FollowUp.status,
    FollowUp.closed_at,
    User.name.label("assignee"),
    Enterprise.id.label("enterprise_id"),
    Enterprise.name.label("enterprise"),
)


def _rows(*columns: Any) -> sa.Select:
    return (
        sa.select(*(columns or _LISTED))
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .join(User, User.id == FollowUp.assignee_id)
    )


def _wanted(person: Person, filters: Filters) -> list[Any]:
    """Everything asked for but whether it is open."""
    conditions = [_theirs(person)]
    if filters.officer is not None and not person.is_officer:
        conditions.append(FollowUp.assignee_id == filters.officer)
    if filters.region is not None:
        conditions.append(Enterprise.region_id == filters.region)
    if not filters.closed:
        today = clock.today()
        if filters.due == "overdue":
            conditions.append(FollowUp.due_on < today)
        elif filters.due == "week":
            conditions.append(FollowUp.due_on <= week_ends(today))
    return conditions


_KEY = sa.tuple_(FollowUp.due_on, FollowUp.id)


def _in_order(person: Person, filters: Filters, most: int, columns: tuple[Any, ...] = ()) -> sa.Select:
    """Open ones, the longest overdue first; closed ones by due date, newest first. At most so many."""
    conditions = _wanted(person, filters)
    place = keyset_place(filters.page, uuid.UUID)
    at = sa.tuple_(sa.literal(place[0].date()), sa.literal(place[1])) if place else None
    if not filters.closed:
        if at is not None:
            conditions.append(at < _KEY)
        query = _rows(*columns).where(FollowUp.status == FollowUpStatus.OPEN, *conditions)
        return query.order_by(FollowUp.due_on, FollowUp.id).limit(most)
    if at is not None:
        conditions.append(at > _KEY)
    # Each state is walked along the index for itself, so that nothing has to be sorted to find the first page.
    walks = [
        sa.select(FollowUp.id, FollowUp.due_on)
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .where(FollowUp.status == status, *conditions)
        .order_by(FollowUp.due_on.desc(), FollowUp.id.desc())
        .limit(most)
        .subquery()
        for status in CLOSED
    ]
    found = sa.union_all(*(sa.select(walk.c.id) for walk in walks)).subquery()
    query = _rows(*columns).join(found, found.c.id == FollowUp.id)
    return query.order_by(FollowUp.due_on.desc(), FollowUp.id.desc()).limit(most)


def list_follow_ups(
    person: Person, page: str = "", *, closed: bool = False, filters: Filters | None = None
) -> tuple[list[Any], str | None]:
    """A page of promises, see _in_order: (rows, next page's cursor)."""
    size = current_app.config["PAGE_SIZE"]
    filters = filters or Filters(closed=closed, page=page)
    rows = db.session.execute(_in_order(person, filters, size + 1)).all()
    cursor = keyset_cursor(rows[size - 1].due_on, rows[size - 1].id) if len(rows) > size else None
    return list(rows[:size]), cursor


def promises_about(person: Person, need_id: uuid.UUID) -> list[Any]:
    """What was promised because of a need: open ones first, then by due date; the first fifty."""
    query = _rows().where(FollowUp.need_id == need_id, visible_to(person))
    is_open = sa.case((FollowUp.status == FollowUpStatus.OPEN, 0), else_=1)
    return list(db.session.execute(query.order_by(is_open, FollowUp.due_on, FollowUp.id).limit(50)).all())


@cache
def _waiting(scope: Scope) -> sa.ScalarSelect[int]:
    some = (
        sa.select(FollowUp.due_on)
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .where(
            FollowUp.assignee_id == sa.bindparam("assignee"),
            FollowUp.status == FollowUpStatus.OPEN,
            visible(scope),
        )
        .limit(MOST_WAITING)
        .subquery()
    )
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def waiting_badge(person: Person) -> Number | None:
    """Open promises of this person, for the tab of officers; counted to 100 at most."""
    if not person.is_officer:
        return None
    return _waiting(scope_of(person)), {"assignee": person.id, **scope_values(person)}


def waiting(person: Person) -> int:
    """The same number by itself."""
    number, asked = _waiting(scope_of(person)), {"assignee": person.id, **scope_values(person)}
    return int(fetch(sa.select(number), asked)[0][0])


def officers_of(person: Person, asked: int | None = None) -> list[Any]:
    """Who a lead may filter by: the active people of their teams, themselves included, and who is `asked` for although
    they have left. Rows id, name."""
    query = (
        sa.select(User.id, User.name)
        .where(
            sa.or_(User.team_id.in_(person.led_team_ids), User.id == person.id),
            sa.or_(User.active, User.id == asked),
        )
        .order_by(User.name, User.id)
        .limit(500)
    )
    return list(db.session.execute(query).all())


# One promise.


@dataclass(frozen=True)
class Line:
    """A line of the log as the page shows it."""

    step: FollowUpStep
    at: datetime
    by: str
    text: str
    from_on: date | None = None
    to_on: date | None = None


@dataclass(frozen=True)
class PromiseFile:
    """A promise with what stands around it. `lines` newest first; `closed_by` is (id, name) of who ended it."""

    follow_up: FollowUp
    enterprise: str
    assignee: str
    need: str | None
    lines: list[Line]
    closed_by: tuple[int | None, str]


_author = aliased(User)


def find_follow_up(
    person: Person,
    follow_up_id: uuid.UUID,
    to: Callable[[Person, FollowUp], bool] | None = None,
    *,
    to_write: bool = False,
) -> FollowUp:
    """The promise, locked when it is going to be changed. Raises NotFound, NotAllowed."""
    query = (
        sa.select(FollowUp)
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .where(FollowUp.id == follow_up_id, visible_to(person))
    )
    if to_write:
        query = query.with_for_update(of=FollowUp).execution_options(populate_existing=True)
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    if to is not None and not to(person, found):
        raise NotAllowed
    return found


def file_of(follow_up: FollowUp) -> PromiseFile:
    """Everything the page of a promise tells. The door has been asked before."""
    about = db.session.execute(
        sa.select(
            Enterprise.name.label("enterprise"),
            User.name.label("assignee"),
            _author.name.label("author"),
            Need.title.label("need"),
        )
        .select_from(FollowUp)
        .join(Enterprise, Enterprise.id == FollowUp.enterprise_id)
        .join(User, User.id == FollowUp.assignee_id)
        .outerjoin(_author, _author.id == FollowUp.author_id)
        .outerjoin(Need, Need.id == FollowUp.need_id)
        .where(FollowUp.id == follow_up.id)
    ).one()
    notes = db.session.execute(
        sa.select(
            FollowUpNote.step,
            FollowUpNote.at,
            FollowUpNote.text,
            FollowUpNote.by_id,
            User.name.label("by"),
        )
        .outerjoin(User, User.id == FollowUpNote.by_id)
        .where(FollowUpNote.follow_up_id == follow_up.id, FollowUpNote.step != FollowUpStep.PROMISED)
        .order_by(FollowUpNote.id.desc())
        .limit(MOST_LINES)
    ).all()
    lines = [_line(row.step, row.at, row.by or "", row.text) for row in notes]
    if len(notes) < MOST_LINES:
        lines.append(Line(FollowUpStep.PROMISED, follow_up.created_at, about.author or "", ""))
    ended = next((row for row in notes if row.step.name in {status.name for status in CLOSED}), None)
    closed_by: tuple[int | None, str] = (None, "")
    if follow_up.status is not FollowUpStatus.OPEN:
        closed_by = (ended.by_id, ended.by or "") if ended else (follow_up.assignee_id, about.assignee)
    return PromiseFile(follow_up, about.enterprise, about.assignee, about.need, lines, closed_by)


def _line(step: FollowUpStep, at: datetime, by: str, text: str) -> Line:
    moved = moved_dates(text) if step in (FollowUpStep.POSTPONED, FollowUpStep.EDITED) else None
    if moved:
        return Line(step, at, by, moved[2], moved[0], moved[1])
    if step is FollowUpStep.EDITED:
        text = "\n".join(_(line) for line in text.split("\n"))
    return Line(step, at, by, text)


@dataclass(frozen=True)
class Colleague:
    """Somebody a promise may be passed to. Who does not serve the enterprise yet would become its helper."""

    id: int
    name: str
    serves: bool


def colleagues_for(person: Person, follow_up: FollowUp) -> list[Colleague]:
    """Whom this person may pass the promise to.

    Who serves the enterprise already, and the team's leads; a lead may choose anybody else of the team too.
    """
    enterprise = db.session.execute(
        sa.select(Enterprise.team_id, Enterprise.officer_id).where(Enterprise.id == follow_up.enterprise_id)
    ).one()
    assigned = sa.select(Assignment.officer_id).where(
        Assignment.enterprise_id == follow_up.enterprise_id, Assignment.ended_on.is_(None)
    )
    leads = sa.select(team_lead.c.user_id).where(team_lead.c.team_id == enterprise.team_id)
    of_team = sa.and_(User.team_id == enterprise.team_id, User.role == Role.OFFICER)
    serving = sa.or_(
        sa.and_(User.id.in_(assigned), User.role == Role.OFFICER),
        sa.and_(User.id.in_(leads), User.role == Role.LEAD),
    )
    if enterprise.officer_id is None:
        serving = sa.or_(serving, of_team)  # the shared pool is everybody's
    query = (
        sa.select(User.id, User.name, serving.label("serves"))
        .where(
            User.active,
            User.id != follow_up.assignee_id,
            sa.or_(serving, of_team) if person.is_lead else serving,
        )
        .order_by(serving.desc(), User.name, User.id)
        .limit(500)
    )
    return [Colleague(row.id, row.name, bool(row.serves)) for row in db.session.execute(query)]


# The export.

_EXPORTED = (
    FollowUp.id,
    Enterprise.name.label("enterprise"),
    Region.name.label("region"),
    FollowUp.title,
    FollowUp.kind,
    User.name.label("assignee"),
    FollowUp.due_on,
    FollowUp.status,
    FollowUp.closed_at,
    FollowUp.result,
    FollowUp.created_at,
    sa.func.coalesce(
        sa.select(FollowUpNote.at)
        .where(FollowUpNote.follow_up_id == FollowUp.id)
        .order_by(FollowUpNote.id.desc())
        .limit(1)
        .scalar_subquery(),
        FollowUp.created_at,
    ).label("last_note_at"),
)


def count_follow_ups(person: Person, filters: Filters) -> int:
    """How many there are, one more than MOST_EXPORTED at most."""
    found = _in_order(person, filters, MOST_EXPORTED + 1, (FollowUp.id,)).order_by(None).subquery()
    return int(db.session.scalar(sa.select(sa.func.count()).select_from(found)) or 0)


def export_follow_ups(person: Person, filters: Filters) -> Iterator[Any]:
    """The same rows as the list, all of them up to MOST_EXPORTED, a few at a time."""
    query = _in_order(person, filters, MOST_EXPORTED, _EXPORTED).join(
        Region, Region.id == Enterprise.region_id
    )
    yield from db.session.execute(query.execution_options(yield_per=500))


# The calendar feed.


def for_feed(person: Person, limit: int) -> list[Any]:
    """Their own open promises, the longest overdue first."""
    mine = sa.and_(
        FollowUp.assignee_id == person.id, FollowUp.status == FollowUpStatus.OPEN, visible_to(person)
    )
    query = _rows(*_LISTED, FollowUp.version, FollowUp.created_at, FollowUp.updated_at).where(mine)
    return list(db.session.execute(query.order_by(FollowUp.due_on, FollowUp.id).limit(limit)))
