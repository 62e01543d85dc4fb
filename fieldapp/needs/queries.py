"""Reading needs, always through who may see their enterprise."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fieldapp.accounts import Region, User
from fieldapp.accounts.models import Role, team_lead
from fieldapp.attachments.models import Attachment
from fieldapp.db import fetch, last_asked, one_of
from fieldapp.enterprises.access import Scope, assigned, scope_of, scope_values, visible, visible_to
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.needs import titles
from fieldapp.needs.models import (
    ENDED,
    Need,
    NeedEvent,
    NeedRating,
    NeedSource,
    NeedStatus,
    NeedToken,
    need_file,
)
from fieldapp.needs.steps import CALLED_BY, HELD, STEPS
from fieldapp.refusals import NotAllowed, NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

_author, _holder = aliased(User), aliased(User)


# Since when the enterprise wishes to be called: its last word of that, unless somebody has called since.
CALL_AT: sa.Label[Any] = (
    sa.select(
        sa.case(
            (sa.and_(NeedEvent.step == "call", one_of(Need.status, tuple(STEPS["call"].moves))), NeedEvent.at)
        )
    )
    .where(NeedEvent.need_id == Need.id, NeedEvent.step.in_(("call", *CALLED_BY)))
    .order_by(NeedEvent.id.desc())
    .limit(1)
    .correlate(Need)
    .scalar_subquery()
    .label("call_at")
)


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
            CALL_AT,
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
    """One need: its columns, and enterprise, region, author, holder, contact, contact_title, contact_phone, serves,
    call_at.

    Raises NotFound outside the person's scope, NotAllowed when `to` says no.
    """
    found = fetch(_need_of(scope_of(person)), {"need": need_id, **scope_values(person)})
    if not found:
        raise NotFound
    if to is not None and not to(person, found[0]):
        raise NotAllowed
    return found[0]


@cache
def _at_door() -> sa.Select:
    return (
        sa.select(
            *Need.__table__.c, Enterprise.name.label("enterprise"), _holder.name.label("holder"), CALL_AT
        )
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .outerjoin(_holder, _holder.id == Need.claimed_by_id)
        .where(Need.id == sa.bindparam("need", type_=Need.id.type))
    )


def need_at_door(need_id: uuid.UUID) -> Any | None:
    """One need as the enterprise's own door and the clock know it: its columns, enterprise, holder, call_at. The
    caller has asked for the receipt."""
    return next(iter(fetch(_at_door(), {"need": need_id})), None)


_LEADS = (
    sa.select(User.id)
    .join(team_lead, team_lead.c.user_id == User.id)
    .join(Enterprise, Enterprise.team_id == team_lead.c.team_id)
    .where(Enterprise.id == sa.bindparam("enterprise"), User.active)
    .order_by(User.id)
)
_OFFICER = (
    sa.select(User.id)
    .join(Enterprise, Enterprise.officer_id == User.id)
    .where(Enterprise.id == sa.bindparam("enterprise"), User.active)
)


_TEAM = sa.select(Enterprise.team_id).where(Enterprise.id == sa.bindparam("enterprise"))


def leads_of(enterprise_id: int) -> list[int]:
    """Ids of who leads the team that serves that enterprise."""
    return [row.id for row in fetch(_LEADS, {"enterprise": enterprise_id})]


def team_of(enterprise_id: int) -> int | None:
    """The team that serves that enterprise."""
    team_id: int | None = fetch(_TEAM, {"enterprise": enterprise_id})[0].team_id
    return team_id


def those_serving(enterprise_id: int) -> list[int]:
    """Who hears of an enterprise's need that nobody has claimed: its main officer, or the leads."""
    return [row.id for row in fetch(_OFFICER, {"enterprise": enterprise_id})] or leads_of(enterprise_id)


def officers_for(need: Any) -> list[Any]:
    """Who could take that need: active officers of the enterprise's team. Rows of id, name, open (needs in work)."""
    held = (
        sa.select(sa.func.count())
        .where(Need.claimed_by_id == User.id, one_of(Need.status, HELD))
        .scalar_subquery()
        .label("open")
    )
    team = sa.select(Enterprise.team_id).where(Enterprise.id == need.enterprise_id).scalar_subquery()
    query = sa.select(User.id, User.name, held).where(
        User.team_id == team, User.active, User.role == Role.OFFICER
    )
    return list(fetch(query.order_by("open", User.name, User.id)))


def twins_for(need: Any) -> list[Any]:
    """Other open needs of the same enterprise: rows of id, title, created_at, newest first."""
    query = sa.select(Need.id, Need.title, Need.created_at).where(
        Need.enterprise_id == need.enterprise_id, Need.id != need.id, Need.status.not_in(ENDED)
    )
    if need.source is NeedSource.ORDER:  # whoever holds a receipt is to be heard: only an order has a door
        query = query.where(Need.source == NeedSource.ORDER)
    return list(fetch(query.order_by(Need.created_at.desc(), Need.id.desc()).limit(50)))


_RATINGS = (
    sa.select(
        NeedRating.at, NeedRating.solved, NeedRating.level, NeedRating.comment, User.name.label("officer")
    )
    .outerjoin(User, User.id == NeedRating.officer_id)
    .where(NeedRating.need_id == sa.bindparam("need", type_=Need.id.type))
    .order_by(NeedRating.at, NeedRating.id)
)


def ratings_of(need_id: uuid.UUID) -> list[Any]:
    """What the enterprise said of each result, oldest first; for leads. The door has been asked."""
    return list(fetch(_RATINGS, {"need": need_id}))


_EVENTS = (
    sa.select(
        NeedEvent.id,
        NeedEvent.at,
        NeedEvent.before,
        NeedEvent.after,
        NeedEvent.note,
        NeedEvent.step,
        NeedEvent.shown,
        NeedEvent.from_enterprise,
        NeedEvent.through_id,
        User.name.label("by"),
    )
    .outerjoin(User, User.id == NeedEvent.by_id)
    # Up to 0.5.0 the beginning was a line, too: the only one that nothing was before.
    .where(NeedEvent.need_id == sa.bindparam("need", type_=Need.id.type), NeedEvent.before.is_not(None))
    .order_by(NeedEvent.at, NeedEvent.id)
)  # fmt: skip


@dataclass(frozen=True)
class Beginning:
    """The first line of a need's log, told by the need itself: a line of nobody's number."""

    at: datetime
    by: str | None = None
    id: int = 0
    before: None = None
    after: NeedStatus = NeedStatus.SUBMITTED
    note: str = ""
    step: str = ""
    shown: bool = False
    from_enterprise: bool = False
    through_id: None = None


def events_of(need: Any, author: str | None = None) -> list[Any]:
    """The log, oldest first: id, at, before, after, note, step, shown, from_enterprise, by. `author` is the name of who
    heard the need, for those who may read it. The door has been asked."""
    return [Beginning(need.created_at, author), *fetch(_EVENTS, {"need": need.id})]


_FILES = (
    sa.select(
        Attachment.id,
        Attachment.width,
        Attachment.height,
        Attachment.bytes,
        Attachment.media_type,
        Attachment.original_name,
        need_file.c.event_id,
    )
    .join(need_file, need_file.c.attachment_id == Attachment.id)
    .where(need_file.c.need_id == sa.bindparam("need", type_=need_file.c.need_id.type))
    .order_by(Attachment.created_at, need_file.c.position)
)


def files_of(need_id: uuid.UUID) -> dict[int | None, list[Any]]:
    """Photos and PDFs by the line of the log they came with, None for those that came with the need itself: rows of id,
    width, height, bytes, media_type, original_name. The door has been asked."""
    found: dict[int | None, list[Any]] = {}
    for row in fetch(_FILES, {"need": need_id}):
        found.setdefault(row.event_id, []).append(row)
    return found


# What may be the same.

_LOOKED_AT = 30  # of the enterprise's own, and of what shares a token, newest first
_TOKENS_TRIED = 12


def candidates_for(person: Person, need: Any) -> list[Any]:
    """Needs in this person's sight that could be the same: rows of id, title, description, enterprise_id, enterprise,
    status, created_at. Bounded by the newest that share a piece of the title, however many there are; those of other
    enterprises once their titles have been taken in."""
    names = (need.enterprise,)
    tokens = sorted(t for t in titles.tokens_of(need.title, names) if len(t) == titles.DEPTH)
    step = max(1, len(tokens) // _TOKENS_TRIED)
    branches = [
        sa.select(Need.id)
        .where(Need.enterprise_id == need.enterprise_id, Need.id != need.id)
        .order_by(Need.created_at.desc(), Need.id.desc())
        .limit(_LOOKED_AT)
    ]
    branches += [
        sa.select(NeedToken.need_id.label("id"))
        .where(NeedToken.token == token)
        .order_by(NeedToken.need_id.desc())
        .limit(_LOOKED_AT)
        for token in tokens[::step][:_TOKENS_TRIED]
    ]
    ids = sa.union(*(sa.select(branch.subquery()) for branch in branches)).subquery()
    query = (
        sa.select(
            Need.id,
            Need.title,
            sa.func.substr(Need.description, 1, 400).label("description"),
            Need.status,
            Need.created_at,
            Need.enterprise_id,
            Enterprise.name.label("enterprise"),
        )
        .select_from(ids)
        .join(Need, Need.id == ids.c.id)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .where(
            Need.id != need.id,
            Need.status.not_in((NeedStatus.DRAFT, NeedStatus.WITHDRAWN, NeedStatus.MERGED)),
            last_asked(visible_to(person)),
        )
    )
    return list(fetch(query))
