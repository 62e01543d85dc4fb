"""An edit that meets another: what differs, both texts side by side, and what the officer chose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fieldapp import clock
from fieldapp.languages import N_, _
from fieldapp.visits.history import change_words
from fieldapp.visits.models import VisitPurpose, VisitWay
from fieldapp.visits.rules import Fix

# What can be changed, in the order of the form, and what it is called.
LABELS = {
    "met": N_("见到的人"),
    "purposes": N_("走访目的"),
    "said": N_("聊了什么"),
    "place": N_("到访位置"),
    "arrived_at": N_("到访时间"),
    "left_at": N_("离开时间"),
    "way": N_("怎么走访"),
    "next_contact_on": N_("约好下次联系"),
    "companions": N_("同行的同事"),
    "override_reason": N_("为什么这时候来"),
}
FIELDS = tuple(LABELS)
# Of these both can be kept: one text after the other, or everybody that either names.
JOINABLE = frozenset({"said", "met", "purposes", "companions"})
CHOICES = ("stored", "mine", "both")


@dataclass(frozen=True)
class Place:
    """Where the officer stood, and why there."""

    fix: Fix | None = None
    distance: int | None = None
    far_reason: str = ""


@dataclass(frozen=True)
class Met:
    """Who was met: ids of contacts, or nobody."""

    ids: frozenset[int] = frozenset()
    nobody: bool = False


Values = dict[str, Any]  # one per name of FIELDS


def _minute(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(second=0, microsecond=0)


def same(field: str, one: Any, other: Any) -> bool:
    """Whether two values say the same: times to the minute, sets in any order."""
    if field in {"arrived_at", "left_at"}:
        return _minute(one) == _minute(other)
    if field in {"purposes", "companions"}:
        return set(one) == set(other)
    return bool(one == other)


def differing(stored: Values, mine: Values) -> list[str]:
    """Fields whose stored value is not the submitted one."""
    return [field for field in FIELDS if not same(field, stored[field], mine[field])]


def join(field: str, stored: Any, mine: Any) -> Any:
    """Both: the stored first, nothing twice."""
    if field == "said":
        if not stored or stored in mine:
            return mine
        return stored if mine in stored else f"{stored}\n\n{mine}"
    if field == "met":
        ids = stored.ids | mine.ids
        return Met(ids, (stored.nobody or mine.nobody) and not ids)
    return [*stored, *(one for one in mine if one not in stored)]


def resolve(stored: Values, mine: Values, choices: Mapping[str, str]) -> Values:
    """What is to be stored after the officer has chosen; fields without a choice are as submitted."""
    made = dict(mine)
    for field, choice in choices.items():
        if choice == "stored":
            made[field] = stored[field]
        elif choice == "both" and field in JOINABLE:
            made[field] = join(field, stored[field], mine[field])
    return made


class Names:
    """Values as the history keeps them: texts, names, ISO moments, names of enums (see history.note). `contacts` and
    `officers` are names by id."""

    def __init__(self, contacts: Mapping[int, str], officers: Mapping[int, str]) -> None:
        self._contacts, self._officers = contacts, officers

    def told(self, field: str, value: Any) -> Any:
        if isinstance(value, Met):
            return [self._contacts.get(one, f"#{one}") for one in sorted(value.ids)]
        if isinstance(value, Place):
            return self._place(value)
        if isinstance(value, VisitWay):
            return value.name
        if isinstance(value, datetime):
            return clock.local(value).isoformat(timespec="minutes")
        if isinstance(value, date):
            return value.isoformat()
        if field == "companions":
            return [self._officers.get(one, f"#{one}") for one in sorted(value)]
        if field == "purposes":
            return [purpose.name for purpose in VisitPurpose if purpose.name in value]
        return value

    def _place(self, value: Place) -> list[str]:
        if value.fix is None:
            return []
        parts = [] if value.distance is None else [f"{value.distance} m"]
        parts += [f"±{round(value.fix.accuracy)} m", clock.local(value.fix.fixed_at).strftime("%H:%M")]
        return [*parts, value.far_reason] if value.far_reason else parts


@dataclass(frozen=True)
class Versus:
    """One field with both texts."""

    field: str
    label: str
    stored: str
    mine: str
    joinable: bool
    chosen: str


def versus(
    fields: Iterable[str], stored: Values, mine: Values, names: Names, choices: Mapping[str, str]
) -> list[Versus]:
    """The rows of the conflict panel."""
    rows = []
    for field in fields:
        pair = [names.told(field, stored[field]), names.told(field, mine[field])]
        _label, theirs, ours = change_words({field: pair})[0]
        if field == "met":
            theirs, ours = (
                _("未见到人") if value[field].nobody else words
                for value, words in ((stored, theirs), (mine, ours))
            )
        rows.append(Versus(field, _(LABELS[field]), theirs, ours, field in JOINABLE, choices.get(field, "")))
    return rows


def changes_between(before: Values, after: Values, names: Names) -> dict[str, list[Any]]:
    """For the history: {field: [before, after]}, only what changed."""
    changes = {
        field: [names.told(field, before[field]), names.told(field, after[field])]
        for field in differing(before, after)
    }
    if before["met"].nobody != after["met"].nobody:
        changes["met_nobody"] = [before["met"].nobody, after["met"].nobody]
    if changes.get("met") == [[], []]:
        del changes["met"]
    return changes
