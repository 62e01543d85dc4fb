"""The numbers beside the tabs: each slice brings its own, and a page asks for all of them in one statement."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import g

from fieldapp.db import fetch
from fieldapp.notices.queries import unread_number

if TYPE_CHECKING:
    from fieldapp.accounts import Person

# A number as a part of the statement (the same object for everybody of one scope), and the values it asks for; None
# for whoever has no such tab.
Number = tuple[sa.ScalarSelect[int], dict[str, Any]]

_brought: dict[str, Callable[[Person], Number | None]] = {}
_UNREAD = unread_number(sa.bindparam("person", type_=sa.Integer))


def bring(name: str, number: Callable[[Person], Number | None]) -> None:
    """Count `name` along with the notices that nobody has put away; counts are bounded by whoever brings them."""
    _brought[name] = number


@cache
def _together(names: tuple[str, ...], numbers: tuple[sa.ScalarSelect[int], ...]) -> sa.Select:
    return sa.select(*(number.label(name) for name, number in zip(names, numbers, strict=True)))


def badges(person: Person) -> dict[str, int]:
    """All numbers of this person's tabs, `notices` among them, asked once a page."""
    if "badges" not in g:
        parts, values = {"notices": _UNREAD}, {"person": person.id}
        for name, number in _brought.items():
            if (found := number(person)) is not None:
                parts[name] = found[0]
                values |= found[1]
        row = fetch(_together(tuple(parts), tuple(parts.values())), values)[0]
        g.badges = {name: int(getattr(row, name)) for name in parts}
    numbers: dict[str, int] = g.badges
    return numbers
