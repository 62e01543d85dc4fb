"""Whether visits helped, without a name: counted, and told in sums that nobody can be picked out of.

An answer adds to the numbers of each officer who was there and of the enterprise's team, for the month in which it
came. A sum that is told at any time would give every single answer away: who looks before and after a confirmation
sees the difference. So only months that are over are told, and as many of them together as make enough answers; each
set is told once, and belongs to the period in which its last month lies. Ratings of needs are told by the same rule,
day by day (desk.outcomes).
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fieldapp import clock
from fieldapp.db import db, fetch, run
from fieldapp.languages import N_
from fieldapp.visits.models import OfficerRating, TeamRating


class Level(enum.Enum):
    """In the order of the page; the name is the column that counts it."""

    level_1 = N_("没有帮助")
    level_2 = N_("帮助不大")
    level_3 = N_("一般")
    level_4 = N_("有帮助")
    level_5 = N_("很有帮助")


class Trouble(enum.Enum):
    repeated_forms = N_("重复填表")
    standstill = N_("要求停产陪同")
    too_often = N_("来得太勤")
    bad_time = N_("选的时间不合适")


COUNTS = ("answers", *(level.name for level in Level), *(trouble.name for trouble in Trouble))


def _adding(insert: Any, table: Any, whose: str) -> Any:
    statement = insert(table)
    # Every number is written, also those that stay: which one has changed is to be seen nowhere.
    sums = {name: table.c[name] + statement.excluded[name] for name in COUNTS}
    return statement.on_conflict_do_update(index_elements=[whose, "month"], set_=sums)


_TABLES = {"officer_id": OfficerRating.__table__, "team_id": TeamRating.__table__}
_ADD = {
    (dialect, whose): _adding(insert, table, whose)
    for dialect, insert in (("sqlite", sqlite_insert), ("postgresql", pg_insert))
    for whose, table in _TABLES.items()
}


def count(
    officer_ids: Collection[int],
    team_id: int | None,
    month: date,
    level: Level | None,
    troubles: Collection[Trouble],
) -> None:
    """Add one answer to the sums; nothing when nothing was said."""
    said = {one.name for one in (level, *troubles) if one is not None}
    if not said:
        return
    numbers: dict[str, Any] = {name: int(name in said or name == "answers") for name in COUNTS}
    numbers["month"] = month.replace(day=1)
    dialect = db.engine.dialect.name
    for officer_id in sorted(officer_ids):  # in one order, so that two answers do not wait for each other
        run(_ADD[dialect, "officer_id"], numbers | {"officer_id": officer_id})
    if team_id is not None:
        run(_ADD[dialect, "team_id"], numbers | {"team_id": team_id})


@dataclass(frozen=True)
class Told:
    """What may be told: of all that was said, in whole sets."""

    numbers: Counter[str]
    least: int

    @cached_property
    def answers(self) -> int:
        return self.numbers["answers"]

    @cached_property
    def rated(self) -> int:
        return sum(self.numbers[level.name] for level in Level)

    @cached_property
    def average(self) -> float | None:
        """Of one to five; None as long as there are too few."""
        if self.rated < self.least:
            return None
        return round(sum(n * self.numbers[level.name] for n, level in enumerate(Level, 1)) / self.rated, 1)

    @property
    def levels(self) -> list[tuple[Level, int]]:
        return [(level, self.numbers[level.name]) for level in Level]

    @property
    def troubles(self) -> list[tuple[Trouble, int]]:
        """Those that were named, in the order of the page."""
        return [(one, self.numbers[one.name]) for one in Trouble if self.numbers[one.name]]


Numbers = Mapping[str, int]


def sets_of(
    stretches: Iterable[tuple[date, Numbers]], until: date, least: int
) -> list[tuple[date, list[Numbers]]]:
    """Stretches of time (months, days) that are over, put together to sets of at least so many answers: (the last
    one's first day, what is to be summed). What is left over waits for those to come, and so does everything from
    `until` on: nothing may be added any more to what has been told. They may come in any order, several of one month
    too."""
    sets: list[tuple[date, list[Numbers]]] = []
    waiting: list[Numbers] = []
    for day, some in groupby(sorted(stretches, key=_day), key=_day):
        if day >= until:
            break
        waiting += [numbers for _at, numbers in some]
        if sum(numbers["answers"] for numbers in waiting) >= max(least, 1):
            sets.append((day, waiting))
            waiting = []
    return sets


_day = itemgetter(0)


def within(sets: Iterable[tuple[date, list[Numbers]]], first: date | None, last: date | None) -> Counter[str]:
    """The sum of the sets that end within the period (None: from ever, for ever): whole sets, never a part of one."""
    sums: Counter[str] = Counter()
    for day, some in sets:
        if (first is None or day >= first) and (last is None or day <= last):
            for numbers in some:
                for name, number in numbers.items():
                    sums[name] += number
    return sums


def told(
    months: Iterable[tuple[date, Numbers]],
    today: date,
    least: int,
    first: date | None,
    last: date | None,
) -> Told:
    """The sets whose last month lies within the period (None: from ever, for ever)."""
    sets = sets_of(months, today.replace(day=1), least)
    return Told(within(sets, first.replace(day=1) if first else None, last), least)


_OF = {
    whose: sa.select(table).where(table.c[whose].in_(sa.bindparam("ids", expanding=True, type_=sa.Integer)))
    for whose, table in _TABLES.items()
}


def _told(whose: str, ids: Collection[int], first: date | None, last: date | None) -> Told:
    """Sets are made for each of them alone, so that no sum of several is more than what is told of each."""
    months: dict[int, list[tuple[date, Numbers]]] = {}
    for row in fetch(_OF[whose], {"ids": list(ids)}) if ids else []:
        numbers = dict(zip(COUNTS, _numbers(row), strict=True))
        months.setdefault(getattr(row, whose), []).append((row.month, numbers))
    least, today = current_app.config["RATINGS_SHOWN_FROM"], clock.today()
    sums: Counter[str] = Counter()
    for some in months.values():
        for name, number in told(some, today, least, first, last).numbers.items():
            sums[name] += number
    return Told(sums, least)


_numbers = attrgetter(*COUNTS)


def of_officer(officer_id: int, first: date | None = None, last: date | None = None) -> Told:
    """What may be told of the visits this officer was at."""
    return _told("officer_id", [officer_id], first, last)


def of_teams(team_ids: Collection[int], first: date | None = None, last: date | None = None) -> Told:
    """The same of teams: every answer counts once, however many officers were there."""
    return _told("team_id", team_ids, first, last)
