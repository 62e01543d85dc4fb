"""Reading codes: for people inside through the enterprise's door, for the public through a token alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fieldapp.accounts import Region, Team, User
from fieldapp.codes.models import QrCode
from fieldapp.db import db, fetch
from fieldapp.enterprises.access import Scope, scope_of, scope_values, serves_enterprises, visible, visible_to
from fieldapp.enterprises.models import Enterprise
from fieldapp.refusals import NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

MOST_LABELS = 500
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,32}")


def current_code(enterprise_id: int) -> QrCode | None:
    """The code in use. The door has been asked for the enterprise before."""
    return db.session.scalar(
        sa.select(QrCode)
        .where(QrCode.enterprise_id == enterprise_id, QrCode.revoked_at.is_(None))
        .order_by(QrCode.id.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class Revoked:
    """A code that is no longer in use, for the history under the present one."""

    short_code: str
    issued_at: datetime
    revoked_at: datetime | None
    by: str
    reason: str


def revoked_codes(enterprise_id: int, limit: int = 10) -> list[Revoked]:
    """The last revoked ones, newest first. The door has been asked for the enterprise before."""
    by = aliased(User)
    rows = db.session.execute(
        sa.select(QrCode.short_code, QrCode.issued_at, QrCode.revoked_at, by.name, QrCode.reason)
        .outerjoin(by, by.id == QrCode.revoked_by_id)
        .where(QrCode.enterprise_id == enterprise_id, QrCode.revoked_at.is_not(None))
        .order_by(QrCode.revoked_at.desc(), QrCode.id.desc())
        .limit(limit)
    )
    return [
        Revoked(short, issued, revoked, name or "", reason) for short, issued, revoked, name, reason in rows
    ]


@dataclass(frozen=True)
class Card:
    """What a code tells somebody who is not signed in: the enterprise and the office that serves it."""

    enterprise_id: int
    name: str
    region: str
    team: str
    office_phone: str
    officer: str  # shown only where the setting CARD_NAMES allows
    code_id: int
    revoked: bool
    entitled: bool  # whoever asked may open the casefile


@cache
def _card_of(scope: Scope | None) -> sa.Select:
    """The card by its token; `entitled` tells whether a viewer of this scope sees the enterprise."""
    return (
        sa.select(
            Enterprise.id,
            Enterprise.name,
            Region.name.label("region"),
            Team.name.label("team"),
            Team.office_phone,
            User.name.label("officer"),
            QrCode.id.label("code_id"),
            QrCode.revoked_at,
            (sa.false() if scope is None else sa.func.coalesce(visible(scope), sa.false())).label("entitled"),
        )
        .select_from(QrCode)
        .join(Enterprise, Enterprise.id == QrCode.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .outerjoin(Team, Team.id == Enterprise.team_id)
        .outerjoin(User, User.id == Enterprise.officer_id)
        .where(QrCode.token == sa.bindparam("token"))
    )


def find_card(token: str, person: Person | None = None) -> Card | None:
    """What the token leads to, and whether this person may open the casefile; None when it was never issued."""
    if not _TOKEN.fullmatch(token):  # PostgreSQL refuses some texts even as a question
        return None
    insider = person is not None and serves_enterprises(person)
    values = scope_values(person) if insider and person else {}
    found = fetch(_card_of(scope_of(person) if insider and person else None), {"token": token} | values)
    if not found:
        return None
    row = found[0]
    return Card(
        row.id,
        row.name,
        row.region,
        row.team or "",
        row.office_phone or "",
        row.officer or "",
        row.code_id,
        row.revoked_at is not None,
        bool(row.entitled),
    )


@dataclass(frozen=True)
class Typed:
    enterprise_id: int
    revoked: bool


def find_typed(person: Person, short_code: str) -> Typed | None:
    """The enterprise behind a typed code, None when there is none that this person may see."""
    row = db.session.execute(
        sa.select(QrCode.enterprise_id, QrCode.revoked_at)
        .join(Enterprise, Enterprise.id == QrCode.enterprise_id)
        .where(QrCode.short_code == short_code, visible_to(person))
    ).first()
    return Typed(row.enterprise_id, row.revoked_at is not None) if row else None


@dataclass(frozen=True)
class Choice:
    """Which enterprises to print: these ids, or everything the filters find."""

    ids: tuple[int, ...] = ()
    q: str = ""
    region: int | None = None
    scope: str = ""  # mine / pool / "" = all that the person sees


@dataclass(frozen=True)
class Printable:
    id: int
    name: str
    region: str
    token: str
    short_code: str


def printable(person: Person, choice: Choice) -> list[Printable]:
    """At most MOST_LABELS + 1 enterprises with a code in use, by region and name.

    Raises NotFound when one of `choice.ids` is not this person's: half a print run would hide that something is
    missing, and a foreign id must not be told from an absent one.
    """
    query = (
        sa.select(
            Enterprise.id, Enterprise.name, Region.name.label("region"), QrCode.token, QrCode.short_code
        )
        .join(Region, Region.id == Enterprise.region_id)
        .join(QrCode, sa.and_(QrCode.enterprise_id == Enterprise.id, QrCode.revoked_at.is_(None)))
        .where(visible_to(person), *_narrowed(person, choice))
        .order_by(Region.code, Enterprise.name, Enterprise.id)
        .limit(MOST_LABELS + 1)
    )
    rows = db.session.execute(query).all()
    if choice.ids and {row.id for row in rows} != set(choice.ids):
        raise NotFound
    return [Printable(*row) for row in rows]


def _narrowed(person: Person, choice: Choice) -> Sequence[Any]:
    if choice.ids:
        return [Enterprise.id.in_(choice.ids)]
    conditions: list[Any] = []
    if choice.region:
        conditions.append(Enterprise.region_id == choice.region)
    if choice.q:
        # A print run is prepared rarely and by few: a plain scan of the names is good enough here.
        conditions.append(Enterprise.name.contains(choice.q, autoescape=True))
    if choice.scope == "pool":
        conditions.append(Enterprise.officer_id.is_(None))
    elif choice.scope == "mine":
        conditions.append(Enterprise.officer_id == person.id)
    return conditions
