"""One enterprise's whole story, gathered from the slices before; only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import aliased

from fieldapp import clock
from fieldapp.accounts import User
from fieldapp.db import UtcDateTime, fetch, one_of
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.needs import Need, NeedKind, NeedStatus
from fieldapp.needs.clock import lit
from fieldapp.needs.models import Light
from fieldapp.visits import Answer, Visit, VisitPurpose, VisitStatus, VisitWay
from fieldapp.visits.models import HAPPENED, visit_companion

KINDS = ("visit", "need", "follow_up")

_happened = one_of(Visit.status, HAPPENED)
# Written out: a plain "\n" makes SQLAlchemy assemble the statement anew in every request.
_line_end: Any = sa.literal_column("'\n'")


@dataclass
class Happening:
    """One line of the timeline."""

    kind: str
    id: Any
    at: datetime  # a cancelled visit: when it was called off
    title: str
    by: list[str]  # who, companions of a visit last
    status: Any
    purposes: list[str]
    way: Any
    answer: Answer | None = None  # what the enterprise says of a visit
    light: Light | None = None  # of an open need, and its words
    light_words: str = ""


INSTANTS = ("due_at", "warn_at", "paused_at")


def _branch(
    model: Any,
    kind: str,
    at: Any,
    title: Any,
    by_id: Any,
    way: Any = None,
    purposes: Any = None,
    answer: Any = None,
) -> sa.Select:
    """One kind of happening in the columns that all kinds share."""

    def text(column: Any) -> Any:
        return sa.literal("") if column is None else sa.cast(column, sa.String)

    # Only a need's promises have a clock: the others say nothing here.
    instants = (
        (model.due_at, model.warn_at, model.paused_at)
        if model is Need
        else (sa.cast(sa.null(), UtcDateTime()),) * 3
    )
    return sa.select(
        *(instant.label(name) for name, instant in zip(INSTANTS, instants, strict=True)),
        sa.literal(kind).label("kind"),
        model.id.label("id"),
        at.label("at"),
        title.label("title"),
        by_id.label("by_id"),
        text(model.status).label("status"),
        text(way).label("way"),
        text(purposes).label("purposes"),
        text(answer).label("answer"),
    )


def _branches() -> dict[str, sa.Select]:
    enterprise_id = sa.bindparam("enterprise", type_=sa.Integer)
    said = sa.func.substr(Visit.said, 1, 120)
    return {
        # Plans have not happened: they stand at the head of the casefile.
        "visit": _branch(
            Visit,
            "visit",
            Visit.arrived_at,
            said,
            Visit.officer_id,
            Visit.way,
            Visit.purposes,
            Visit.answer,
        ).where(Visit.enterprise_id == enterprise_id, _happened),
        "cancelled": _branch(
            Visit,
            "visit",
            Visit.updated_at,
            Visit.cancel_reason,
            Visit.officer_id,
            Visit.way,
            Visit.purposes,
        ).where(Visit.enterprise_id == enterprise_id, Visit.status == VisitStatus.CANCELLED),
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


def _tally(model: Any, name: str, *conditions: Any) -> Any:
    here = model.enterprise_id == sa.bindparam("enterprise", type_=sa.Integer)
    return (
        sa.select(sa.func.count()).select_from(model).where(here, *conditions).scalar_subquery().label(name)
    )


_TALLIES = (
    _tally(Visit, "visits", _happened),
    _tally(Need, "needs"),
    _tally(FollowUp, "follow_ups"),
)
_NOTHING_ELSE = sa.select(*_TALLIES)


@cache
def _timeline_of(kind: str) -> sa.Select:
    branches = _branches()
    names = {"visit": ["visit", "cancelled"], "": list(branches)}.get(kind, [kind])
    chosen = [branches[name] for name in names]
    limited = []
    for branch in chosen:
        at = branch.selected_columns.at
        # Each branch gives no more than could be shown, so a long history costs what a short one does.
        limited.append(
            sa.select(branch.order_by(at.desc()).limit(sa.bindparam("depth", type_=sa.Integer)).subquery())
        )
    union = sa.union_all(*limited).subquery()
    columns = [
        sa.type_coerce(c, UtcDateTime()).label(c.key) if c.key in {"at", *INSTANTS} else c for c in union.c
    ]
    companion = aliased(User)
    companions = (
        sa.select(sa.func.aggregate_strings(companion.name, _line_end))
        .join(visit_companion, visit_companion.c.officer_id == companion.id)
        .where(visit_companion.c.visit_id == union.c.id, union.c.kind == "visit")
        .correlate(union)
        .scalar_subquery()
    )
    return (
        sa.select(*columns, User.name.label("by"), companions.label("companions"), *_TALLIES)
        .select_from(union)
        .outerjoin(User, User.id == union.c.by_id)
        .order_by(union.c.at.desc(), union.c.id.desc())
        .offset(sa.bindparam("skip", type_=sa.Integer))
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


class Timeline(NamedTuple):
    happenings: list[Happening]
    more: bool  # pages follow
    tallies: dict[str, int]  # how many of each of KINDS, whatever is shown; visits are those that were made


def timeline(enterprise_id: int, kind: str = "", page: int = 1) -> Timeline:
    """Newest first, `kind` of KINDS or all. The door has been asked before."""
    size = current_app.config["PAGE_SIZE"] // 2
    values = {
        "enterprise": enterprise_id,
        "depth": page * size + 1,
        "skip": (page - 1) * size,
        "most": size + 1,
    }
    rows, now = fetch(_timeline_of(kind), values), clock.now()
    happenings = []
    for row in rows[:size]:
        way = (
            VisitWay[row.way] if row.kind == "visit" else (NeedKind[row.way] if row.kind == "need" else None)
        )
        light, words = lit(_Promised(row), now) if row.kind == "need" else (None, "")
        happenings.append(
            Happening(
                row.kind,
                row.id,
                row.at,
                row.title,
                _by(row),
                _word(row),
                _purposes(row),
                way,
                Answer[row.answer] if row.answer else None,
                light,
                words,
            )
        )
    counted = rows or fetch(_NOTHING_ELSE, values)  # nothing of that kind, or a page after the last
    tallies = {one: getattr(counted[0], f"{one}s") for one in KINDS}
    return Timeline(happenings, len(rows) > size, tallies)


class _Promised:
    """As much of a need as its light is read from. Instants and pauses are there only while a promise runs."""

    def __init__(self, row: Any) -> None:
        self.status, self.clock = NeedStatus[row.status], True
        self.due_at, self.warn_at, self.paused_at = row.due_at, row.warn_at, row.paused_at


def _by(row: Any) -> list[str]:
    return [name for name in (row.by, *sorted((row.companions or "").split("\n"))) if name]


def _purposes(row: Any) -> list[Any]:
    if row.kind != "visit":
        return []
    return [purpose for purpose in VisitPurpose if f'"{purpose.name}"' in row.purposes]


MOST_PLANS = 5
_PLANS = (
    sa.select(
        Visit.id,
        Visit.planned_on,
        Visit.planned_at,
        Visit.officer_id,
        Visit.purposes,
        User.name.label("officer"),
    )
    .join(User, User.id == Visit.officer_id)
    .where(
        Visit.enterprise_id == sa.bindparam("enterprise", type_=sa.Integer),
        Visit.status == VisitStatus.PLANNED,
        Visit.planned_on.is_not(
            None
        ),  # plans always have a day; said, it lets SQLite skip the visits without one
    )
    .order_by(Visit.planned_on, Visit.planned_at, Visit.id)
    .limit(MOST_PLANS)
)


def plans(enterprise_id: int) -> list[Any]:
    """Who plans to come, and when: the first few, missed ones first. Rows: id, planned_on, planned_at, officer_id,
    purposes, officer."""
    return list(fetch(_PLANS, {"enterprise": enterprise_id}))
