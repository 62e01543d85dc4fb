"""The list of enterprises as an Excel file: the list's own filters, its own scope, phones masked unless asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from fieldapp import clock
from fieldapp.accounts import Region, Team, User
from fieldapp.db import fetch
from fieldapp.enterprises.access import visible_to
from fieldapp.enterprises.industries import industry_name
from fieldapp.enterprises.models import Assignment, Contact, Enterprise, EnterpriseTag, Qualification
from fieldapp.enterprises.queries import Filters, list_enterprises
from fieldapp.formats import masked_phone, spaced_phone, word
from fieldapp.languages import _, speaking
from fieldapp.workbook import Column, workbook

if TYPE_CHECKING:
    from fieldapp.accounts import Person

MOST_ROWS = 20_000
CHUNK = 500

_officer = aliased(User)


def _columns() -> list[Column]:
    return [
        Column(_("企业名称"), 34),
        Column(_("统一社会信用代码"), 22),
        Column(_("旗县区"), 12),
        Column(_("地址"), 34),
        Column(_("行业"), 22),
        Column(_("资质"), 18),
        Column(_("标签"), 16),
        Column(_("状态"), 8),
        Column(_("服务团"), 16),
        Column(_("负责干部"), 10),
        Column(_("协助干部"), 14),
        Column(_("上次走访"), 12, "date"),
        Column(_("下次走访"), 12, "date"),
        Column(_("联系人"), 10),
        Column(_("职务"), 12),
        Column(_("电话"), 17),
        Column(_("其他联系人"), 34),
    ]


def enterprises_file(person: Person, filters: Filters, *, phones: bool) -> tuple[bytes, int]:
    """(the file, how many enterprises are in it). Read and written a few hundred at a time."""
    count = 0

    def rows() -> Iterator[Sequence[Any]]:
        nonlocal count
        for row in _rows(person, filters, phones):
            count += 1
            yield row

    moment = clock.local(clock.now()).strftime("%Y-%m-%d %H:%M")
    sentences = [
        _("%(name)s 导出于 %(moment)s，按该走访的先后排列。", name=person.name, moment=moment),
        _("电话为完整号码，请妥善保管。") if phones else _("电话已脱敏。"),
        _("最多 %(most)s 家，超出的没有列出。", most=f"{MOST_ROWS:,}"),
    ]
    note = ("" if speaking() == "zh" else " ").join(sentences)
    content = workbook(_("企业名单"), note, _columns(), rows())
    return content, count


def _rows(person: Person, filters: Filters, phones: bool) -> Iterator[Sequence[Any]]:
    shown = spaced_phone if phones else masked_phone
    left = MOST_ROWS
    at: Filters | None = replace(filters, page="")
    while at is not None and left > 0:
        found = list_enterprises(person, at, min(CHUNK, left), counted=False)
        left -= len(found.rows)
        yield from _some(person, [row.id for row in found.rows], shown)
        at = replace(filters, page=found.next_page) if found.next_page else None


def _gathered(query: sa.Select) -> dict[int, list[Any]]:
    """Enterprise id, the first column of the query: its rows."""
    found: dict[int, list[Any]] = {}
    for row in fetch(query):
        found.setdefault(row[0], []).append(row)
    return found


def _some(person: Person, ids: list[int], shown: Any) -> Iterator[Sequence[Any]]:
    known = {
        row.id: row
        for row in fetch(
            sa.select(
                *Enterprise.__table__.c,
                Region.name.label("region"),
                Team.name.label("team"),
                _officer.name.label("officer"),
            )
            .join(Region, Region.id == Enterprise.region_id)
            .outerjoin(Team, Team.id == Enterprise.team_id)
            .outerjoin(_officer, _officer.id == Enterprise.officer_id)
            .where(Enterprise.id.in_(ids), visible_to(person))
        )
    }
    today = clock.today()
    helpers = _gathered(
        sa.select(Assignment.enterprise_id, User.name)
        .join(User, User.id == Assignment.officer_id)
        .where(
            Assignment.enterprise_id.in_(ids), Assignment.ended_on.is_(None), Assignment.is_main.is_(False)
        )
        .order_by(Assignment.id)
    )
    contacts = _gathered(
        sa.select(Contact.enterprise_id, Contact.name, Contact.title, Contact.phone, Contact.second_phone)
        .where(Contact.enterprise_id.in_(ids), Contact.active)
        .order_by(Contact.id)
    )
    held = _gathered(
        sa.select(Qualification.enterprise_id, Qualification.kind)
        .where(
            Qualification.enterprise_id.in_(ids),
            sa.or_(Qualification.valid_to.is_(None), Qualification.valid_to >= today),
        )
        .order_by(Qualification.id)
    )
    tags = _gathered(
        sa.select(EnterpriseTag.enterprise_id, EnterpriseTag.tag)
        .where(EnterpriseTag.enterprise_id.in_(ids))
        .order_by(EnterpriseTag.tag)
    )
    for id in ids:
        e, people = known[id], contacts.get(id, [])
        first = people[0] if people else None
        numbers = [shown(number) for number in (first.phone, first.second_phone) if number] if first else []
        yield (
            e.name,
            e.uscc,
            e.region,
            e.address,
            _(industry_name(e.industry)) if e.industry else "",
            _list(dict.fromkeys(word(row.kind) for row in held.get(id, []))),
            _list(row.tag for row in tags.get(id, [])),
            word(e.status),
            e.team,
            e.officer or _("待分配"),
            _list(row.name for row in helpers.get(id, [])),
            e.last_visited_on,
            e.visit_due_on,
            first.name if first else "",
            first.title if first else "",
            _list(numbers),
            _list(" ".join(filter(None, (p.name, p.title, shown(p.phone) if p.phone else ""))) for p in people[1:]),
        )  # fmt: skip


def _list(words: Any) -> str:
    return _("、").join(words)
