"""Words of titles, kept so that a need is found by any part of its title on both databases alike.

The index holds every place of a title, three characters deep: 余热回收 is kept as 余热回, 热回收, 回收 and 收. Up
to three typed characters are the beginning of one of them, more are all of theirs; never a LIKE over all rows. The
enterprise's own names are left out: those are found through the enterprise, by whoever may know whose need it is.

A title has a place for each of its characters, all over the index, so whoever submits a need does not wait for that: it
is taken in by a job soon afterwards, many at once. Until then the need waits (`Need.title_waits`) and is found by its
title itself; what waits is read by every search, and is little.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

import sqlalchemy as sa

from fieldapp.db import fetch, run
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.search import normal
from fieldapp.needs.disclosure import names_of, without_names
from fieldapp.needs.models import Need, NeedToken

DEPTH = 3
_need, _token = Need.__table__, NeedToken.__table__
_TOKENS = sa.insert(_token)


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


MOST_WAITING = 500  # that a search reads: as many as come in while no worker runs for days
MOST_AT_ONCE = 200  # that are taken in by one transaction
_WAITING = (
    sa.select(
        Need.id,
        Need.title,
        Enterprise.name,
        Enterprise.short_name,
        Enterprise.former_names,
        Enterprise.address,
    )
    .join(Enterprise, Enterprise.id == Need.enterprise_id)
    .where(Need.title_waits >= datetime.min.replace(tzinfo=UTC))
    .order_by(Need.title_waits.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
)
# On PostgreSQL whoever changes one of these titles waits until it is in the index, and takes it out again. What others
# have in hand is left for the next time: two who wait for each other's rows would end one of them.
_HELD = _WAITING.with_for_update(of=Need, skip_locked=True, key_share=True)
# No page changes by it, so `updated_at` stays.
_TAKEN_IN = (
    sa.update(_need)
    .where(_need.c.id.in_(sa.bindparam("needs", expanding=True, type_=_need.c.id.type)))
    .values(title_waits=None, updated_at=_need.c.updated_at)
)
_FORGET = sa.delete(_token).where(
    _token.c.need_id.in_(sa.bindparam("needs", expanding=True, type_=_token.c.need_id.type))
)


def _read(statement: sa.Executable, most: int) -> list[tuple[uuid.UUID, set[str]]]:
    """Needs that wait, the newest first, each with the tokens under which it will be found."""
    return [(row.id, tokens_of(row.title, names_of(row))) for row in fetch(statement, {"most": most})]


class Waiting:
    """What a search must look through besides the index; read when it is first asked, and once."""

    def __init__(self) -> None:
        self._needs: list[tuple[uuid.UUID, set[str]]] | None = None

    def saying(self, starts: list[str]) -> set[uuid.UUID]:
        """Ids of those in whose titles all of these beginnings are found."""
        if self._needs is None:
            self._needs = _read(_WAITING, MOST_WAITING)
        return {
            need_id
            for need_id, tokens in self._needs
            if all(any(token.startswith(start) for token in tokens) for start in starts)
        }


def take_in(_now: datetime) -> bool:
    """The worker's job: titles that wait come into the index; whether there are more."""
    taken = _read(_HELD, MOST_AT_ONCE)
    ids = [need_id for need_id, _tokens in taken]
    rows = [{"token": token, "need_id": need_id} for need_id, tokens in taken for token in sorted(tokens)]
    if ids:
        run(_FORGET, {"needs": ids})  # an older program beside this one may have taken a title in by itself
        run(_TAKEN_IN, {"needs": ids})
    if rows:
        run(_TOKENS, rows)
    return len(taken) == MOST_AT_ONCE


def forget(need_id: uuid.UUID) -> None:
    """Take a title that has been changed out of the index; the new one waits."""
    run(_FORGET, {"needs": [need_id]})
