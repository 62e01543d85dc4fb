"""Sessions as rows: opening, finding, ending. Only signing in, signing out and a new password touch the cookie."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Request, Response, current_app, request
from flask_login import UserMixin
from sqlalchemy.orm import Session as DbSession

from fieldapp.accounts.models import Role, Session, Team, User, team_lead
from fieldapp.accounts.throttle import place_of
from fieldapp.clock import now
from fieldapp.db import afterwards, db, fetch
from fieldapp.pages import number_in

LONGEST_TOKEN = 64  # ours have 43 characters


@dataclass(frozen=True, slots=True)
class Person(UserMixin):
    """The signed-in person as every slice sees them: one row, no lazy loading."""

    id: int
    username: str
    name: str
    role: Role
    team_id: int | None
    team_name: str
    led_team_ids: tuple[int, ...]
    language: str
    theme: str
    text_size: str
    must_change_password: bool
    session_id: int
    csrf_seed: bytes = field(repr=False)

    @property
    def is_officer(self) -> bool:
        return self.role is Role.OFFICER

    @property
    def is_lead(self) -> bool:
        return self.role is Role.LEAD

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    @property
    def is_auditor(self) -> bool:
        return self.role is Role.AUDITOR

    def get_id(self) -> str:
        return str(self.id)


def cookie_name() -> str:
    # __Host- binds the cookie to this host and to https; plain http (development) cannot have the prefix.
    return "__Host-fieldapp" if current_app.config["SECURE_COOKIES"] else "fieldapp"


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def limits(role: Role) -> tuple[timedelta, timedelta]:
    """(idle, absolute) of a role's sessions."""
    config = current_app.config
    return (
        timedelta(hours=config[f"SESSION_IDLE_{role.name}"]),
        timedelta(hours=config[f"SESSION_MAX_{role.name}"]),
    )


# Written out: what SQLAlchemy puts in for a plain "," makes it assemble the statement anew in every request.
_comma: Any = sa.literal_column("','")
_led = (
    sa.select(sa.func.aggregate_strings(sa.cast(team_lead.c.team_id, sa.String), _comma))
    .where(team_lead.c.user_id == User.id)
    .scalar_subquery()
)
_QUERY = (
    sa.select(
        Session.id.label("session_id"),
        Session.token_hash,
        Session.created_at,
        Session.seen_at,
        Session.role.label("session_role"),
        User.id,
        User.username,
        User.name,
        User.role,
        User.team_id,
        User.language,
        User.theme,
        User.text_size,
        User.password_is_one_time,
        Team.name.label("team_name"),
        _led.label("led"),
    )
    .join(User, User.id == Session.user_id)
    .outerjoin(Team, Team.id == User.team_id)
    .where(Session.token_hash == sa.bindparam("token_hash"), Session.ended_at.is_(None), User.active)
)

_END = (
    sa.select(Session.ended_at, Session.role.label("session_role"), User.role, User.active)
    .join(User, User.id == Session.user_id)
    .where(Session.token_hash == sa.bindparam("token_hash"))
)


def browser_hash(request: Request) -> bytes | None:
    """The hash of the token this browser holds, whether or not it still opens anything."""
    token = request.cookies.get(cookie_name())
    return hash_token(token) if token and len(token) <= LONGEST_TOKEN else None


def find_person(request: Request) -> Person | None:
    """Flask-Login's request loader: who this cookie belongs to, or None."""
    token_hash = browser_hash(request)
    if token_hash is None:
        return None
    row = next(iter(fetch(_QUERY, {"token_hash": token_hash})), None)
    if row is None or row.session_role is not row.role:
        return None
    moment = now()
    idle, longest = limits(row.role)
    if moment - row.seen_at > idle or moment - row.created_at > longest:
        return None
    if (moment - row.seen_at).total_seconds() > current_app.config["SESSION_TOUCH_EVERY"]:
        seen = sa.update(Session).where(Session.id == row.session_id).values(seen_at=moment)

        def touch(session: DbSession) -> None:
            session.execute(seen)

        afterwards(touch)
    return Person(
        id=row.id,
        username=row.username,
        name=row.name,
        role=row.role,
        team_id=row.team_id,
        team_name=row.team_name or "",
        led_team_ids=tuple(int(part) for part in row.led.split(",")) if row.led else (),
        language=row.language,
        theme=row.theme,
        text_size=row.text_size,
        must_change_password=row.password_is_one_time,
        session_id=row.session_id,
        csrf_seed=row.token_hash,
    )


def was_ended(request: Request) -> bool:
    """Whether the session that this browser holds was ended on purpose (from another device, by disabling the account,
    by another role), and did not just run out."""
    row = next(iter(fetch(_END, {"token_hash": browser_hash(request)})), None)
    return row is not None and (
        row.ended_at is not None or not row.active or row.session_role is not row.role
    )


def officer_of_lead(lead: Person, number: str) -> Person | None:
    """An officer, still active or not, of a team that `lead` leads, as the person whom this request is to act for.

    Tokens on the pages that answer it stay those of the lead's session.
    """
    officer_id = number_in(number)
    if officer_id is None or not lead.is_lead:
        return None
    query = (
        sa.select(User.id, User.username, User.name, User.team_id, Team.name.label("team_name"))
        .join(Team, Team.id == User.team_id)
        .where(User.id == officer_id, User.role == Role.OFFICER, User.team_id.in_(lead.led_team_ids))
    )
    row = next(iter(fetch(query)), None)
    return None if row is None else replace(lead, **row._mapping, role=Role.OFFICER, led_team_ids=())


def open_session(user: User, moment: datetime, *, kept: bool = True) -> str:
    """A new session for `user`; returns the token for the cookie. 256 bits, new at every sign-in."""
    token = secrets.token_urlsafe(32)
    db.session.add(
        Session(
            token_hash=hash_token(token),
            user_id=user.id,
            role=user.role,
            created_at=moment,
            seen_at=moment,
            address=place_of(request.remote_addr or ""),
            agent=(request.user_agent.string or "")[:200],
            kept=kept,
        )
    )
    return token


def end_sessions(user_id: int, *, but: int | None = None, only: int | None = None) -> int:
    """End a person's open sessions: all, all `but` one, or `only` one. Returns how many ended."""
    query = (
        sa.update(Session)
        .where(Session.user_id == user_id, Session.ended_at.is_(None))
        .values(ended_at=now())
    )
    if but is not None:
        query = query.where(Session.id != but)
    if only is not None:
        query = query.where(Session.id == only)
    # RETURNING tells the number on both databases.
    return len(db.session.execute(query.returning(Session.id)).all())


def is_kept(session_id: int) -> bool:
    return bool(db.session.scalar(sa.select(Session.kept).where(Session.id == session_id)))


def give_cookie(response: Response, token: str, role: Role, *, kept: bool = True) -> Response:
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(limits(role)[1].total_seconds()) if kept else None,
        httponly=True,
        secure=current_app.config["SECURE_COOKIES"],
        samesite="Lax",
        path="/",
    )
    return response


def take_cookie(response: Response) -> Response:
    response.delete_cookie(
        cookie_name(), path="/", secure=current_app.config["SECURE_COOKIES"], httponly=True, samesite="Lax"
    )
    # "storage" would erase entries still waiting on this phone (offline.md §8).
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
