"""Reading people, teams and sessions. Who may ask is decided by the routes: admins, or oneself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import selectinload

from fieldapp.accounts.models import Region, Role, Session, Team, User, team_lead, team_region
from fieldapp.accounts.rules import agent_words
from fieldapp.accounts.sessions import limits
from fieldapp.db import db
from fieldapp.refusals import NotFound

if TYPE_CHECKING:
    from fieldapp.accounts.sessions import Person

MOST_SESSIONS = 50


@dataclass
class PeopleFilters:
    """What the list of accounts is asked for; every field comes from the address."""

    q: str = ""
    role: Role | None = None
    team: int | None = None
    active: str = ""  # "" all / yes / no
    page: str = ""  # the username the page before ended with


@dataclass(frozen=True)
class OpenSession:
    id: int
    device: str  # kinds in words, "" when the browser does not tell
    browser: str
    since: datetime
    seen: datetime
    same_place: bool  # the same network as the one asking: told without showing an address
    present: bool  # the browser that asks


def _in_order() -> Any:
    """By username, byte by byte: PostgreSQL's own order for a language would skip dots and dashes."""
    return User.username.collate("C" if db.engine.dialect.name == "postgresql" else "BINARY")


def list_people(filters: PeopleFilters) -> tuple[list[Any], str | None]:
    """One page of accounts by username: (rows, next page's cursor)."""
    size = current_app.config["PAGE_SIZE"]
    by_name = _in_order()
    query = sa.select(
        User.id,
        User.username,
        User.name,
        User.phone,
        User.role,
        User.active,
        User.password_is_one_time,
        Team.name.label("team"),
    ).outerjoin(Team, Team.id == User.team_id)
    if filters.q:
        word = filters.q.strip()
        query = query.where(
            sa.or_(
                User.username.contains(word.lower(), autoescape=True),
                User.name.contains(word, autoescape=True),
                User.phone.contains(word, autoescape=True),
            )
        )
    if filters.role:
        query = query.where(User.role == filters.role)
    if filters.team:
        leads = sa.select(team_lead.c.user_id).where(team_lead.c.team_id == filters.team)
        query = query.where(sa.or_(User.team_id == filters.team, User.id.in_(leads)))
    if filters.active:
        query = query.where(User.active.is_(filters.active == "yes"))
    if filters.page:
        query = query.where(by_name > filters.page)
    rows = list(db.session.execute(query.order_by(by_name).limit(size + 1)))
    return rows[:size], rows[size - 1].username if len(rows) > size else None


def find_user(user_id: int) -> User:
    """An account, disabled or not."""
    return _one(sa.select(User).where(User.id == user_id))


def lock_user(user_id: int) -> User:
    """An account that this request is going to change, as it is now."""
    return _one(
        sa.select(User).where(User.id == user_id).with_for_update().execution_options(populate_existing=True)
    )


def lock_user_for_admin(user_id: int) -> tuple[User, list[int]]:
    """(the account, ids of all admins who can act), locked.

    The admins first and in one order, whoever is edited: two admins who demote each other at the same moment come
    one after the other instead of both succeeding, or both waiting for each other.
    """
    admins = (
        sa.select(User.id).where(User.role == Role.ADMIN, User.active).order_by(User.id).with_for_update()
    )
    ids = list(db.session.scalars(admins))
    return lock_user(user_id), ids


def _one(query: Any) -> Any:
    found = db.session.scalars(query).first()
    if found is None:
        raise NotFound
    return found


def led_teams(user_id: int) -> frozenset[int]:
    return frozenset(db.session.scalars(sa.select(team_lead.c.team_id).where(team_lead.c.user_id == user_id)))


def list_teams() -> list[Team]:
    """Teams by name with regions and leads."""
    query = sa.select(Team).options(selectinload(Team.regions), selectinload(Team.leads)).order_by(Team.name)
    return list(db.session.scalars(query))


def team_choices() -> list[Any]:
    """Rows id, name."""
    return list(db.session.execute(sa.select(Team.id, Team.name).order_by(Team.name)))


def officers_per_team() -> dict[int, int]:
    """team id → active officers."""
    query = (
        sa.select(User.team_id, sa.func.count())
        .where(User.active, User.role == Role.OFFICER, User.team_id.is_not(None))
        .group_by(User.team_id)
    )
    return {team_id: number for team_id, number in db.session.execute(query) if team_id is not None}


def find_team(team_id: int) -> Team:
    return _one(sa.select(Team).where(Team.id == team_id))


def lock_team(team_id: int) -> Team:
    return _one(
        sa.select(Team).where(Team.id == team_id).with_for_update().execution_options(populate_existing=True)
    )


def list_regions() -> list[Any]:
    """Rows id, code, name, team_id, team: with the team that serves each, if any."""
    query = (
        sa.select(Region.id, Region.code, Region.name, team_region.c.team_id, Team.name.label("team"))
        .outerjoin(team_region, team_region.c.region_id == Region.id)
        .outerjoin(Team, Team.id == team_region.c.team_id)
        .order_by(Region.code)
    )
    return list(db.session.execute(query))


def lead_choices(team: Team | None = None) -> list[Any]:
    """Rows id, name of the leads who may be put over a team; those who are, even when disabled since."""
    allowed = sa.and_(User.role == Role.LEAD, User.active)
    if team is not None:
        present = sa.select(team_lead.c.user_id).where(team_lead.c.team_id == team.id)
        allowed = sa.or_(allowed, User.id.in_(present))
    return list(db.session.execute(sa.select(User.id, User.name).where(allowed).order_by(User.name, User.id)))


def sessions_of(person: Person, moment: datetime, place: str) -> list[OpenSession]:
    """The person's own signed-in browsers: the present one first, then by when they were last seen."""
    idle, longest = limits(person.role)
    query = (
        sa.select(Session.id, Session.agent, Session.created_at, Session.seen_at, Session.address)
        .where(
            Session.user_id == person.id,
            Session.role == person.role,
            Session.ended_at.is_(None),
            Session.seen_at > moment - idle,
            Session.created_at > moment - longest,
        )
        .order_by((Session.id == person.session_id).desc(), Session.seen_at.desc(), Session.id.desc())
        .limit(MOST_SESSIONS)
    )
    return [
        OpenSession(
            row.id,
            *agent_words(row.agent),
            since=row.created_at,
            seen=row.seen_at,
            same_place=row.address == place,
            present=row.id == person.session_id,
        )
        for row in db.session.execute(query)
    ]
