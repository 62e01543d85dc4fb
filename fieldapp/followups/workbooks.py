"""The list of promises as an Excel file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from fieldapp import clock
from fieldapp.followups.models import FollowUpStatus
from fieldapp.formats import full_moment, word
from fieldapp.languages import N_, _
from fieldapp.workbook import Column, workbook

_COLUMNS = (
    (N_("企业"), 30, "text"),
    (N_("旗县区"), 12, "text"),
    (N_("答应的事"), 40, "text"),
    (N_("类型"), 14, "text"),
    (N_("负责"), 10, "text"),
    (N_("应完成"), 12, "date"),
    (N_("状态"), 10, "text"),
    (N_("逾期（天）"), 10, "whole"),
    (N_("答应于"), 12, "date"),
    (N_("最近进展"), 17, "moment"),
    (N_("办结时间"), 17, "moment"),
    (N_("结果或原因"), 40, "text"),
)


def follow_ups_workbook(rows: Iterable[Any], at: datetime, count: int, *, cut: bool) -> bytes:
    """One line a promise, in the list's order. `cut`: there are more than fit."""
    note = _("导出时间 %(at)s，共 %(count)s 件", at=full_moment(at), count=f"{count:,}")
    if cut:
        note += _("（只导出前 %(count)s 件，请用筛选分几次导出）", count=f"{count:,}")
    columns = [Column(_(heading), width, kind) for heading, width, kind in _COLUMNS]
    return workbook(_("跟进清单"), note, columns, _lines(rows))


def _lines(rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    today = clock.today()
    for row in rows:
        late = (today - row.due_on).days if row.status is FollowUpStatus.OPEN else 0
        yield (
            row.enterprise,
            row.region,
            row.title,
            word(row.kind),
            row.assignee,
            row.due_on,
            word(row.status),
            late if late > 0 else None,
            clock.local(row.created_at).date(),
            row.last_note_at,
            row.closed_at,
            row.result,
        )
