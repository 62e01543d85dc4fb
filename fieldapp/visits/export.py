"""The list of visits as an Excel file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from fieldapp import clock
from fieldapp.accounts import Region, User
from fieldapp.db import reading
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.followups import FollowUp
from fieldapp.formats import day, masked_phone, word
from fieldapp.languages import _
from fieldapp.needs import Need
from fieldapp.visits.history import confirmed_word
from fieldapp.visits.models import (
    Visit,
    VisitPurpose,
    visit_companion,
    visit_contact,
    visit_photo,
)
from fieldapp.visits.queries import in_order, wanted
from fieldapp.workbook import Column, workbook

if TYPE_CHECKING:
    from fieldapp.accounts import Person

MOST = 20_000
# Between people, and between what is told of one: characters that no form lets in.
_NEXT, _PART = "\x1e", "\x1f"


def _columns() -> list[Column]:
    return [
        Column(_("企业"), 28),
        Column(_("统一社会信用代码"), 20),
        Column(_("旗县区"), 10),
        Column(_("干部"), 16),
        Column(_("计划日期"), 12, "date"),
        Column(_("计划时间"), 9),
        Column(_("到访"), 16, "moment"),
        Column(_("离开"), 16, "moment"),
        Column(_("补录"), 6),
        Column(_("方式"), 8),
        Column(_("目的"), 18),
        Column(_("见到的人"), 32),
        Column(_("聊了什么"), 60),
        Column(_("距企业（米）"), 10, "whole"),
        Column(_("距离远的原因"), 16),
        Column(_("照片（张）"), 8, "whole"),
        Column(_("需求（件）"), 8, "whole"),
        Column(_("答应的事（件）"), 10, "whole"),
        Column(_("下次联系"), 12, "date"),
        Column(_("状态"), 10),
        Column(_("审阅意见"), 36),
        Column(_("审阅人"), 10),
        Column(_("取消原因"), 24),
        Column(_("企业确认"), 10),
        Column(_("企业的说明"), 36),
    ]


def _count(model_id: Any, condition: Any) -> Any:
    return sa.select(sa.func.count(model_id)).where(condition).correlate(Visit).scalar_subquery()


def _found(
    session: Session,
    person: Person,
    *,
    state: str,
    officer_id: int | None,
    region_id: int | None,
    since: datetime | None,
    until: datetime | None,
    confirmed: str,
) -> Iterator[Any]:
    """Every row of the list, in the list's order, one more than MOST at most."""
    officer, companion, reviewer = aliased(User), aliased(User), aliased(User)
    companions = (
        sa.select(sa.func.aggregate_strings(companion.name, _NEXT))
        .join(visit_companion, visit_companion.c.officer_id == companion.id)
        .where(visit_companion.c.visit_id == Visit.id)
        .correlate(Visit)
        .scalar_subquery()
    )
    one = (
        sa.cast(Contact.id, sa.String) + _PART + Contact.name + _PART + Contact.title + _PART + Contact.phone
    )
    met = (
        sa.select(sa.func.aggregate_strings(one, _NEXT))
        .join(visit_contact, visit_contact.c.contact_id == Contact.id)
        .where(visit_contact.c.visit_id == Visit.id)
        .correlate(Visit)
        .scalar_subquery()
    )
    query = (
        sa.select(
            *Visit.__table__.c,
            Enterprise.name.label("enterprise"),
            Enterprise.uscc,
            Region.name.label("region"),
            officer.name.label("officer"),
            reviewer.name.label("reviewer"),
            companions.label("companions"),
            met.label("met"),
            _count(Need.id, Need.visit_id == Visit.id).label("needs"),
            _count(FollowUp.id, FollowUp.visit_id == Visit.id).label("promises"),
            _count(visit_photo.c.attachment_id, visit_photo.c.visit_id == Visit.id).label("photos"),
        )
        .select_from(Visit)
        .join(Enterprise, Enterprise.id == Visit.enterprise_id)
        .join(Region, Region.id == Enterprise.region_id)
        .join(officer, officer.id == Visit.officer_id)
        .outerjoin(reviewer, reviewer.id == Visit.reviewed_by_id)
        .where(*wanted(person, state, officer_id, region_id, since, until, confirmed))
        .order_by(*in_order(state))
        .limit(MOST + 1)
    )
    yield from session.execute(query, execution_options={"yield_per": 500})


def _people(text: str | None, *, with_phones: bool) -> str:
    """周岚 技术副总 138 **** 5621, one a line, in the order they became known."""
    people = sorted(
        (one.split(_PART) for one in (text or "").split(_NEXT) if one), key=lambda one: int(one[0])
    )
    lines = []
    for _id, name, title, phone in people:
        shown = (phone if with_phones else masked_phone(phone)) if phone else ""
        lines.append(" ".join(filter(None, [name, title, shown])))
    return "\n".join(lines)


def _row(visit: Any, *, with_phones: bool) -> list[Any]:
    # A plan has not been made in any way yet, and nobody has been met.
    came = visit.arrived_at is not None
    met = _("未见到人") if came and visit.met_nobody else _people(visit.met, with_phones=with_phones)
    return [
        visit.enterprise,
        visit.uscc,
        visit.region,
        _("、").join([visit.officer, *sorted(filter(None, (visit.companions or "").split(_NEXT)))]),
        visit.planned_on,
        visit.planned_at,
        visit.arrived_at,
        visit.left_at,
        _("是") if visit.late_entry else "",
        word(visit.way) if came else "",
        _("、").join(word(VisitPurpose[name]) for name in visit.purposes),
        met,
        visit.said,
        visit.distance,
        visit.far_reason,
        visit.photos,
        visit.needs,
        visit.promises,
        visit.next_contact_on,
        word(visit.status),
        visit.review_comment,
        visit.reviewer or "",
        visit.cancel_reason,
        confirmed_word(visit.answer) if came else "",
        visit.answer_text,
    ]


def _span(since: datetime | None, until: datetime | None) -> str:
    """11月1日–11月30日: both days included."""
    if since is None or until is None:
        return ""
    return f"{day(since)}–{day(until - timedelta(seconds=1))}"


def workbook_of(
    person: Person,
    *,
    scope: str,
    with_phones: bool,
    state: str = "",
    officer_id: int | None = None,
    region_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    confirmed: str = "",
) -> tuple[bytes, int]:
    """(the file, how many visits are in it). `scope` says in words what was asked for.

    Reads beside the request's transaction: writers need not wait for it.
    """
    told = 0
    columns = _columns()

    def rows(found: Iterator[Any]) -> Iterator[list[Any]]:
        nonlocal told
        for visit in found:
            if told == MOST:
                cut = _("只导出了前 %(most)s 条，请用筛选分几次导出。", most=f"{MOST:,}")
                yield [cut] + [None] * (len(columns) - 1)
                return
            told += 1
            yield _row(visit, with_phones=with_phones)

    note = _(
        "%(scope)s；%(name)s 于 %(day)s 导出；只含本人可见的企业；时间：北京时间；距离：米；%(phones)s",
        scope=" ".join(filter(None, [scope, _span(since, until)])),
        name=person.name,
        day=day(clock.today()),
        phones=_("含联系电话，请妥善保管") if with_phones else _("电话已脱敏"),
    )
    with reading() as session:
        found = _found(
            session,
            person,
            state=state,
            officer_id=officer_id,
            region_id=region_id,
            since=since,
            until=until,
            confirmed=confirmed,
        )
        content = workbook(_("走访记录"), note, columns, rows(found))
    return content, told
