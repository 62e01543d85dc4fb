"""The list of needs as an Excel file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fieldapp import clock
from fieldapp.db import reading
from fieldapp.formats import day, masked_phone, word
from fieldapp.languages import _
from fieldapp.needs.clock import light_of, light_words
from fieldapp.needs.listing import MOST_EXPORTED, Filters, exported_needs
from fieldapp.needs.rules import PARTS, quality
from fieldapp.workbook import Column, workbook

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def _columns() -> list[Column]:
    return [
        Column(_("需求"), 36),
        Column(_("企业"), 28),
        Column(_("统一社会信用代码"), 20),
        Column(_("旗县区"), 10),
        Column(_("类型"), 10),
        Column(_("技术领域"), 16),
        Column(_("状态"), 12),
        Column(_("紧急程度"), 8),
        Column(_("具体说明"), 48),
        Column(_("技术指标"), 36),
        Column(_("希望什么时候解决"), 12, "date"),
        Column(_("预算（万元）"), 12, "money"),
        Column(_("合作方式"), 14),
        Column(_("知识产权归谁"), 16),
        Column(_("对合作方的要求"), 36),
        Column(_("可以公开到什么程度"), 16),
        Column(_("企业联系人"), 12),
        Column(_("联系电话"), 16),
        Column(_("来源"), 10),
        Column(_("提出人"), 10),
        Column(_("接单人"), 10),
        Column(_("灯"), 8),
        Column(_("期限（工作日）"), 12),
        Column(_("应在何时前"), 16, "moment"),
        Column(_("现在这一步"), 10),
        Column(_("重新打开次数"), 8, "whole"),
        Column(_("提出时间"), 16, "moment"),
        Column(_("结束时间"), 16, "moment"),
        Column(_("办结结果"), 12),
        Column(_("完整度（满分 %(most)s）", most=len(PARTS)), 10, "whole"),
    ]


def indicator_words(row: dict[str, str]) -> str:
    """良品率：91 → 95 %."""
    now, target, unit = (row.get(key, "") for key in ("now", "target", "unit"))
    return f"{row.get('name', '')}{_('：')}{' → '.join(filter(None, [now, target]))} {unit}".strip()


def _said(value: Any) -> str:
    return word(value) if value is not None else ""


def _row(need: Any, now: datetime, *, phones: bool) -> list[Any]:
    phone = need.contact_phone or ""
    light = light_of(need, now)
    return [
        need.title,
        need.enterprise,
        need.uscc,
        need.region,
        _said(need.kind),
        _said(need.field),
        _said(need.status),
        _said(need.urgency),
        need.description,
        "\n".join(indicator_words(row) for row in need.indicators),
        need.deadline,
        need.budget,
        _said(need.cooperation),
        _said(need.ip_ownership),
        need.conditions,
        _said(need.disclosure),
        need.contact,
        (phone if phones else masked_phone(phone)) if phone else "",
        _said(need.source),
        need.author,
        need.holder,
        _said(light),
        light_words(need, now),
        need.due_at,
        _said(need.clock),
        need.reopened,
        need.created_at,
        need.ended_at,
        _said(need.ending),
        quality(need).score,
    ]


def needs_workbook(person: Person, filters: Filters, *, phones: bool) -> tuple[bytes, int]:
    """(the file, how many needs are in it). Reads beside the request's transaction: writers need not wait for it."""
    told = 0

    def rows(found: Iterator[Any]) -> Iterator[list[Any]]:
        nonlocal told
        for need in found:
            if told == MOST_EXPORTED:
                yield [_("只导出了前 %(most)s 条，请用筛选分几次导出。", most=f"{MOST_EXPORTED:,}")] + [
                    None
                ] * (len(columns) - 1)
                return
            told += 1
            yield _row(need, now, phones=phones)

    columns, now = _columns(), clock.now()
    note = _(
        "%(name)s 于 %(day)s 导出；%(scope)s；金额单位：万元；%(phones)s",
        name=person.name,
        day=day(clock.today()),
        scope=_("别的服务团的需求，按企业同意的公开程度列出") if filters.shared else _("只含本人可见的企业"),
        phones=_("含联系电话，请妥善保管") if phones else _("电话已脱敏"),
    )
    with reading() as session:
        content = workbook(_("需求"), note, columns, rows(exported_needs(session, person, filters)))
    return content, told
