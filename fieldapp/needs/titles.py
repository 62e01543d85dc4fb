"""Words of titles, kept so that a need is found by any part of its title on both databases alike.

The index holds every place of a title, three characters deep: 余热回收 is kept as 余热回, 热回收, 回收 and 收. Up
to three typed characters are the beginning of one of them, more are all of theirs; never a LIKE over all rows. The
enterprise's own names are left out: those are found through the enterprise, by whoever may know whose need it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from fieldapp.db import fetch, run
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.search import normal
from fieldapp.needs.disclosure import names_of, without_names
from fieldapp.needs.models import NeedToken

DEPTH = 3
_TOKENS = sa.insert(NeedToken.__table__)


def tokens_of(title: str, names: Iterable[str]) -> set[str]:
    """Every token under which a need is found."""
    tokens: set[str] = set()
    for part in without_names(title, names, "\n").split("\n"):
        plain = normal(part)
        tokens.update(plain[at : at + DEPTH] for at in range(len(plain)))
    return tokens


def starts_of(term: str) -> list[str]:
    """The beginnings that must all be found for `term`."""
    if len(term) <= DEPTH:
        return [term]
    return [term[at : at + DEPTH] for at in range(len(term) - DEPTH + 1)]


_NAMES = sa.select(Enterprise.name, Enterprise.short_name, Enterprise.former_names, Enterprise.address).where(
    Enterprise.id == sa.bindparam("enterprise", type_=sa.Integer)
)


def enterprise_names(enterprise_id: int, known: Any = None) -> tuple[str, ...]:
    """Every name of that enterprise; `known` is a row that may have them already."""
    if known is None or not hasattr(known, "address"):
        known = fetch(_NAMES, {"enterprise": enterprise_id})[0]
    return names_of(known)


def index_title(need_id: uuid.UUID, title: str, names: Iterable[str], *, anew: bool = False) -> None:
    """Put a title into the index; `anew` when there was another one."""
    table = NeedToken.__table__
    if anew:
        run(sa.delete(table).where(table.c.need_id == need_id))
    tokens = [{"token": token, "need_id": need_id} for token in sorted(tokens_of(title, names))]
    if tokens:
        run(_TOKENS, tokens)
