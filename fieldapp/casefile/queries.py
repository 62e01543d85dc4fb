"""One enterprise's whole story, gathered from the slices before; only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import current_app

from fieldapp.accounts import User
from fieldapp.db import UtcDateTime, fetch
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.needs import Need, NeedKind, NeedStatus
from fieldapp.visits import Visit, VisitPurpose, VisitStatus, VisitWay

KINDS = ("visit", "need", "follow_up")


@dataclass
class Happening:
    """One line of the timeline."""

    kind: str
    id: Any
    at: datetime
    title: str
    by: str
    status: Any
    purposes: list[str]
    way: Any


def _branch(
    model: Any, kind: str, at: Any, title: Any, by_id: Any, way: Any = None, purposes: Any = None
) -> sa.Select:
    """One kind of happening in the columns that all kinds share."""

    def text(column: Any) -> Any:
        return sa.literal("") if column is None else sa.cast(column, sa.String)

    return sa.select(
        sa.literal(kind).label("kind"),
        model.id.label("id"),
        at.label("at"),
        title.label("title"),
        by_id.label("by_id"),
        text(model.status).label("status"),
        text(way).label("way"),
        text(purposes).label("purposes"),
    )


def _branches() -> dict[str, sa.Select]:
    enterprise_id = sa.bindparam("enterprise", type_=sa.Integer)
    said = sa.func.substr(Visit.said, 1, 120)
    return {
        "visit": _branch(
            Visit, "visit", Visit.arrived_at, said, Visit.officer_id, Visit.way, Visit.purposes
        ).where(Visit.enterprise_id == enterprise_id),
        "need": _branch(Need, "need", Need.created_at, Need.title, Need.author_id, Need.kind).where(
            Need.enterprise_id == enterprise_id
        ),
        "follow_up": _branch(
            FollowUp, "follow_up", FollowUp.created_at, FollowUp.title, FollowUp.assignee_id
        ).where(FollowUp.enterprise_id == enterprise_id),
    }


def _word(row: Any) -> Any:
    states = {"visit": VisitStatus, "need": NeedStatus, "follow_up": FollowUpStatus}
    return states[row.kind][row.status]


@cache
def _timeline_of(kind: str) -> sa.Select:
    branches = _branches()
    chosen = [branches[kind]] if kind in branches else list(branches.values())
    limited = []
    for branch in chosen:
        at = branch.selected_columns.at
        # Each branch gives no more than could be shown, so a long history costs what a short one does.
        limited.append(
            sa.select(branch.order_by(at.desc()).limit(sa.bindparam("depth", type_=sa.Integer)).subquery())
        )
    union = sa.union_all(*limited).subquery()
    columns = [sa.type_coerce(c, UtcDateTime()).label("at") if c.key == "at" else c for c in union.c]
    return (
        sa.select(*columns, User.name.label("by"))
        .select_from(union)
        .outerjoin(User, User.id == union.c.by_id)
        .order_by(union.c.at.desc(), union.c.id.desc())
        .offset(sa.bindparam("skip", type_=sa.Integer))
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


def timeline(enterprise_id: int, kind: str = "", page: int = 1) -> tuple[list[Happening], bool]:
    """Newest first, `kind` of KINDS or all: (happenings, whether more follow). The door has been asked before."""
    size = current_app.config["PAGE_SIZE"] // 2
    values = {
        "enterprise": enterprise_id,
        "depth": page * size + 1,
        "skip": (page - 1) * size,
        "most": size + 1,
    }
    rows = fetch(_timeline_of(kind), values)
    happenings = []
    for row in rows[:size]:
        way = (
            VisitWay[row.way] if row.kind == "visit" else (NeedKind[row.way] if row.kind == "need" else None)
        )
        happenings.append(
            Happening(row.kind, row.id, row.at, row.title, row.by or "", _word(row), _purposes(row), way)
        )
    return happenings, len(rows) > size


def _purposes(row: Any) -> list[Any]:
    if row.kind != "visit":
        return []
    return [purpose for purpose in VisitPurpose if f'"{purpose.name}"' in row.purposes]


_TALLIES = sa.select(
    *(
        sa.select(sa.func.count())
        .select_from(model)
        .where(model.enterprise_id == sa.bindparam("enterprise", type_=sa.Integer))
        .scalar_subquery()
        for model in (Visit, Need, FollowUp)
    )
)


def tallies(enterprise_id: int) -> dict[str, int]:
    """How many of each kind, in one query."""
    return dict(zip(KINDS, fetch(_TALLIES, {"enterprise": enterprise_id})[0], strict=True))
