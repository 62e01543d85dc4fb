"""How alike two needs are, by the pairs of characters that both have. Plain texts in, numbers out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from fieldapp.enterprises.search import normal

# From here on a need is shown as perhaps the same. At one's own enterprise less is enough: it rarely asks for two
# things in nearly the same words.
ALIKE, ALIKE_AT_HOME = 0.45, 0.3
MOST = 4
# Of a description no more is compared: what is meant stands at its beginning.
READ = 400


def pairs(text: str) -> frozenset[str]:
    """The pairs of neighbouring characters, without spaces and punctuation; a single character is itself."""
    plain = normal(text)
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1)) or frozenset(plain)


def likeness(one: str, other: str) -> float:
    """0 nothing in common … 1 the same pairs (Dice)."""
    a, b = pairs(one), pairs(other)
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


def of_needs(one: Any, other: Any) -> float:
    """Of two needs with title and description: titles tell most, what is said below them helps."""
    titles = likeness(one.title, other.title)
    if not (one.description and other.description):
        return titles
    said = likeness(one.description[:READ], other.description[:READ])
    whole = likeness(f"{one.title} {one.description[:READ]}", f"{other.title} {other.description[:READ]}")
    return max(titles, 0.6 * titles + 0.4 * said, whole)


class Alike(NamedTuple):
    need: Any
    at_home: bool  # of the same enterprise
    share: float


def alike(need: Any, candidates: Iterable[Any], most: int = MOST) -> list[Alike]:
    """Those that may be the same, the enterprise's own first, then the most alike."""
    found = []
    for other in candidates:
        if other.id == need.id:
            continue
        at_home = other.enterprise_id == need.enterprise_id
        share = of_needs(need, other)
        if share >= (ALIKE_AT_HOME if at_home else ALIKE):
            found.append(Alike(other, at_home, share))
    found.sort(key=lambda one: (not one.at_home, -one.share, str(one.need.id)))
    return found[:most]
