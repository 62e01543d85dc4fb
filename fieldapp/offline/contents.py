"""What a person takes along: their day, the enterprises they serve, and for each the pages and forms of a visit."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import url_for

from fieldapp import clock
from fieldapp.accounts import Region
from fieldapp.codes.models import QrCode
from fieldapp.db import UtcDateTime, fetch
from fieldapp.enterprises.access import Scope, assigned, scope_of, scope_values, visible
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.enterprises.search import normal
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.needs import Need
from fieldapp.needs.models import ENDED
from fieldapp.offline.stamps import stamps
from fieldapp.pages import MOST_PACKED, link
from fieldapp.pinyin import syllables
from fieldapp.visits import Visit, VisitStatus
from fieldapp.visits.models import HAPPENED, visit_companion

if TYPE_CHECKING:
    from fieldapp.accounts import Person

DESK = "d"  # the group of pages that belong to no enterprise; made anew every time
RECENT = timedelta(days=30)
# Of one enterprise's; more than that nobody carries about.
MOST_VISITS, MOST_NEEDS, MOST_PROMISES = 6, 12, 20
_UNDER_WAY = (VisitStatus.PLANNED, VisitStatus.ARRIVED, VisitStatus.RETURNED)


@dataclass
class Group:
    """Pages that come and go together: an enterprise's, or the desk's. `key` is its number, or DESK."""

    key: str
    stamp: str
    paths: list[str] = field(default_factory=list)


def _viewer() -> sa.BindParameter[int]:
    return sa.bindparam("viewer", type_=sa.Integer)


@cache
def _own_visits() -> sa.ColumnElement[bool]:
    joined = sa.select(visit_companion.c.visit_id).where(visit_companion.c.officer_id == _viewer())
    return sa.or_(Visit.officer_id == _viewer(), Visit.id.in_(joined))


@cache
def _taken(scope: Scope) -> sa.Select:
    """Ids: those with an own visit under way first, today's before later ones, then by need of a visit."""
    under_way = (
        sa.select(
            Visit.enterprise_id.label("id"),
            sa.func.min(sa.func.coalesce(Visit.planned_on, sa.bindparam("today", type_=sa.Date))).label("on"),
        )
        .where(_own_visits(), Visit.status.in_(_UNDER_WAY))
        .group_by(Visit.enterprise_id)
        .subquery()
    )
    promised = sa.select(FollowUp.enterprise_id).where(
        FollowUp.assignee_id == _viewer(), FollowUp.status == FollowUpStatus.OPEN
    )
    claimed = sa.select(Need.enterprise_id).where(Need.claimed_by_id == _viewer(), Need.status.not_in(ENDED))
    visited = sa.select(Visit.enterprise_id).where(
        Visit.officer_id == _viewer(), Visit.arrived_at >= sa.bindparam("since", type_=UtcDateTime())
    )
    theirs = sa.union(assigned(), promised, claimed, visited, sa.select(under_way.c.id)).subquery()
    return (
        sa.select(Enterprise.id)
        .outerjoin(under_way, under_way.c.id == Enterprise.id)
        .where(Enterprise.id.in_(sa.select(theirs.c[0])), visible(scope))
        .order_by(under_way.c.on.is_(None), under_way.c.on, Enterprise.visit_due_on, Enterprise.id)
        .limit(MOST_PACKED)
    )


def _ids() -> sa.BindParameter[Any]:
    return sa.bindparam("ids", expanding=True, type_=sa.Integer)


@cache
def _visits() -> sa.Select:
    recent = sa.and_(
        Visit.status.in_(HAPPENED), Visit.arrived_at >= sa.bindparam("since", type_=UtcDateTime())
    )
    return (
        sa.select(Visit.enterprise_id, Visit.id)
        .where(
            Visit.enterprise_id.in_(_ids()),
            sa.or_(Visit.status.in_(_UNDER_WAY), sa.and_(recent, _own_visits())),
        )
        .order_by(Visit.status.in_(_UNDER_WAY).desc(), Visit.arrived_at.desc(), Visit.id)
    )


@cache
def _needs() -> sa.Select:
    return (
        sa.select(Need.enterprise_id, Need.id)
        .where(Need.enterprise_id.in_(_ids()), Need.status.not_in(ENDED))
        .order_by(Need.created_at.desc(), Need.id)
    )


@cache
def _promises() -> sa.Select:
    return (
        sa.select(FollowUp.enterprise_id, FollowUp.id)
        .where(FollowUp.enterprise_id.in_(_ids()), FollowUp.status == FollowUpStatus.OPEN)
        .order_by(FollowUp.due_on, FollowUp.id)
    )


def enterprises_taken(person: Person) -> list[int]:
    """The ids of the enterprises this person takes along, the next one to be visited first."""
    values = scope_values(person) | {
        "viewer": person.id, "since": clock.now() - RECENT, "today": clock.today()
    }  # fmt: skip
    return [row.id for row in fetch(_taken(scope_of(person)), values)]


def desk_of(person: Person) -> Group:
    """The pages that belong to the person and not to an enterprise."""
    paths = [url_for("desk.today"), url_for("offline.pack_page"), url_for("offline.nothing")]
    paths += [url_for("enterprises.index"), url_for("codes.scan"), url_for("offline.outbox")]
    paths += [url_for("followups.index"), url_for("needs.index"), url_for("visits.index")]
    paths += [url_for("visits.index", state="planned"), url_for("notices.index"), url_for("accounts.me")]
    paths += [url_for("desk.choose", what=what) for what in ("need", "visit", "plan")]
    if person.is_lead:
        paths.append(url_for("desk.lead"))
    return Group(DESK, "", paths)


def groups_of(person: Person, ids: Sequence[int]) -> list[Group]:
    """One group for each enterprise. What else its pages lead to, `forms_on` finds when they are made."""
    values = {"ids": list(ids), "viewer": person.id, "since": clock.now() - RECENT}
    paths: dict[int, list[str]] = {
        one: [
            link(endpoint, enterprise_id=one)
            for endpoint in ("casefile.show", "visits.new", "visits.plan", "needs.new", "followups.new")
        ]
        for one in ids
    }
    for endpoint, name, statement, most in (
        ("visits.show", "visit_id", _visits(), MOST_VISITS),
        ("needs.show", "need_id", _needs(), MOST_NEEDS),
        ("followups.show", "follow_up_id", _promises(), MOST_PROMISES),
    ):
        counted: dict[int, int] = defaultdict(int)
        for row in fetch(statement, values) if ids else ():
            counted[row.enterprise_id] += 1
            if counted[row.enterprise_id] <= most:
                paths[row.enterprise_id].append(link(endpoint, **{name: row.id}))
    made = stamps(person, ids)
    return [Group(str(one), made[one], paths[one]) for one in ids]


_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_FORMS = re.compile(
    rf'href="((?:/visits/{_UUID}/(?:edit|plan)|/needs/{_UUID}/(?:edit|steps/[a-z_]+)'
    rf"|/follow-ups/{_UUID}/(?:edit|close|postpone|reassign)"
    rf'|/enterprises/\d+/follow-ups/new\?need={_UUID}))"'
)


def forms_on(html: str) -> list[str]:
    """The forms that a record's page leads to."""
    return list(dict.fromkeys(_FORMS.findall(html)))


# The list for searching and scanning.

_SAID = (
    sa.select(
        Enterprise.id,
        Enterprise.name,
        Enterprise.short_name,
        Enterprise.former_names,
        Enterprise.uscc,
        Region.name.label("region"),
        QrCode.token,
        QrCode.short_code,
    )
    .join(Region, Region.id == Enterprise.region_id)
    .outerjoin(QrCode, sa.and_(QrCode.enterprise_id == Enterprise.id, QrCode.revoked_at.is_(None)))
    .where(Enterprise.id.in_(_ids()))
    .order_by(Enterprise.id)
)
_MET = (
    sa.select(Contact.enterprise_id, Contact.name)
    .where(Contact.enterprise_id.in_(_ids()), Contact.active)
    .order_by(Contact.id)
)


def _spoken(text: str) -> str:
    """The pinyin of a name, a space before every syllable."""
    runs = re.findall(r"[a-z0-9]+|[^a-z0-9]+", normal(text))
    return " ".join(run if run.isascii() else " ".join(map(normal, syllables(run))) for run in runs)


def index_of(ids: Sequence[int]) -> list[list[Any]]:
    """[id, name, token, number, words, pinyin] of each; the person has been asked for before."""
    if not ids:
        return []
    met: dict[int, list[str]] = defaultdict(list)
    for row in fetch(_MET, {"ids": list(ids)}):
        met[row.enterprise_id].append(row.name)
    found = []
    for row in fetch(_SAID, {"ids": list(ids)}):
        names = [row.short_name, *(row.former_names or ()), *met[row.id]]
        words = " ".join(filter(None, [*names, row.region, row.uscc]))
        spoken = "|".join(_spoken(text) for text in (row.name, *names) if text)
        found.append([row.id, row.name, row.token or "", row.short_code or "", words, spoken])
    return found
