"""What an enterprise's pages are made of, as one short stamp each: the same stamp, the same pages.

A phone that names the stamp it has is spared the enterprise: nothing is rendered, nothing is sent. So a stamp must
change whenever any of the pages would; it may change more often. Whoever adds a table says here how its rows count
(tests/house/test_pack.py), and tests/web/test_pack.py holds every act against the pages it changes.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app

from fieldapp import clock
from fieldapp.accounts.models import Region, Team, User, team_lead, team_region
from fieldapp.attachments import Attachment
from fieldapp.db import db, fetch
from fieldapp.enterprises.models import (
    Assignment,
    Contact,
    Enterprise,
    EnterpriseTag,
    EnterpriseYear,
    Qualification,
)
from fieldapp.followups.models import FollowUp, FollowUpNote
from fieldapp.followups.queries import waiting
from fieldapp.needs.models import Need, NeedEvent, NeedRating, need_file
from fieldapp.orders.models import Order
from fieldapp.pages import static_version
from fieldapp.visits.models import Visit, VisitEvent, visit_companion, visit_contact, visit_photo

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# Few rows an enterprise: all they say counts.
WHOLE = (Enterprise, Contact, EnterpriseYear, EnterpriseTag, Qualification, Assignment)
# Rows that know when they were last changed.
DATED = (Visit, Need, FollowUp)
# Rows that are only ever added or taken away, and the record each belongs to.
ADDED: tuple[tuple[Any, Any, Any], ...] = (
    (VisitEvent.__table__, VisitEvent.id, (Visit, VisitEvent.visit_id)),
    (NeedEvent.__table__, NeedEvent.id, (Need, NeedEvent.need_id)),
    (FollowUpNote.__table__, FollowUpNote.id, (FollowUp, FollowUpNote.follow_up_id)),
    (visit_companion, visit_companion.c.officer_id, (Visit, visit_companion.c.visit_id)),
    (visit_contact, visit_contact.c.contact_id, (Visit, visit_contact.c.visit_id)),
    (visit_photo, visit_photo.c.position, (Visit, visit_photo.c.visit_id)),
    (NeedRating.__table__, NeedRating.id, (Need, NeedRating.need_id)),
    (need_file, need_file.c.position, (Need, need_file.c.need_id)),
)
# Names of people and teams may stand on any page: one of them changed, and all stamps do.
EVERYWHERE = (Team.__table__, Region.__table__, team_lead, team_region)
LENGTH = 8  # characters, 48 bits
ROOT = Path(__file__).resolve().parent.parent


def short(content: bytes, length: int = LENGTH) -> str:
    """A digest's beginning, as it stands in a header."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()[:length]


def _ids() -> sa.BindParameter[Any]:
    return sa.bindparam("ids", expanding=True, type_=sa.Integer)


@cache
def _statements() -> list[sa.Select]:
    """Each gives rows that begin with an enterprise's id."""
    count, latest, total = sa.func.count(), sa.func.max, sa.func.sum
    found = []
    for model in WHOLE:
        own = model.__table__.c
        of = own.id if model is Enterprise else own.enterprise_id
        found.append(sa.select(of, *own).where(of.in_(_ids())).order_by(*model.__table__.primary_key))
    for model in DATED:
        facts = (count, latest(model.updated_at), total(model.version))
        of = model.enterprise_id
        found.append(sa.select(of, *facts).where(of.in_(_ids())).group_by(of))
    for table, number, (model, parent) in ADDED:
        of = model.enterprise_id
        joined = table.join(model.__table__, model.id == parent)
        facts = (count, latest(number), total(number))
        found.append(sa.select(of, *facts).select_from(joined).where(of.in_(_ids())).group_by(of))
    order = Order.__table__  # whom to call is forgotten after a year, and then nowhere to be read
    joined = order.join(Need.__table__, Need.id == order.c.need_id)
    found.append(
        sa.select(Need.enterprise_id, *order.c)
        .select_from(joined)
        .where(Need.enterprise_id.in_(_ids()))
        .order_by(order.c.need_id)
    )
    of = Attachment.enterprise_id
    found.append(sa.select(of, count, latest(Attachment.created_at)).where(of.in_(_ids())).group_by(of))
    return found


_PEOPLE = sa.select(sa.func.count(), sa.func.max(User.updated_at), sa.func.sum(User.version))


@lru_cache(maxsize=1)
def build() -> str:
    """Changes with every deployment: whatever a page may be made by."""
    digest = hashlib.sha256(static_version().encode())
    for path in sorted(ROOT.rglob("*")):
        if path.suffix in {".py", ".html", ".mo"}:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _of_everything(person: Person) -> bytes:
    """What all pages of this person depend on: who they are, the day, the build, the settings, people and teams."""
    settings = {
        name: value
        for name, value in current_app.config.items()
        if isinstance(value, int | str | bool) and name not in {"SECRET_KEY", "DATABASE_URL"}
    }
    parts: list[Any] = [
        person.id, person.name, person.role.name, person.team_id, person.team_name, person.led_team_ids,
        person.language, person.theme, person.text_size, waiting(person), clock.today(), build(),
        sorted(settings.items()), *map(tuple, fetch(_PEOPLE)),
    ]  # fmt: skip
    for table in EVERYWHERE:
        parts.append([tuple(row) for row in fetch(sa.select(table).order_by(*table.primary_key))])
    return repr(parts).encode()


def stamps(person: Person, ids: Sequence[int]) -> dict[int, str]:
    """A stamp for each of these enterprises; the person may see them all."""
    if not ids:
        return {}
    common = _of_everything(person)
    facts: dict[int, list[Any]] = defaultdict(list)
    for number, statement in enumerate(_statements()):
        for row in fetch(statement, {"ids": list(ids)}):
            facts[row[0]].append((number, *row[1:]))
    return {one: short(common + repr(facts[one]).encode()) for one in ids}


def tables_that_count() -> Iterable[str]:
    """Names of all tables whose rows change a stamp; for the house test."""
    models = (*WHOLE, *DATED, Order, Attachment, User)
    tables = [model.__table__ for model in models] + [row[0] for row in ADDED] + list(EVERYWHERE)
    return {str(table.name) for table in tables} & set(db.metadata.tables)
