"""One box finds an enterprise: any part of a name, former names, pinyin, initials, the code's end, a contact.

The index holds suffixes: 北疆新能源 is kept as 北疆新能源, 疆新能源, 新能源, 能源; whatever part of the name is typed
is the beginning of one of them, so a search is a walk over one stretch of a B-tree, on both databases alike, never a
LIKE over all rows. Pinyin starts at every syllable, initials at every letter, the credit code at its last characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from fieldapp.pinyin import syllables

# Characters of a suffix that are kept. A longer query is looked up by its head and its tail.
DEPTH = 12
PINYIN_DEPTH = 18
LAST_OF_CODE = 10
# How the hits of a searched word are brought into the list's order. Up to RARE are looked up one by one and sorted. Up
# to MIDDLING are collected, and the list, walked in its own order, is asked row by row whether it is among them. What
# is commoner is met so soon on that walk that each row is better asked for its tokens.
RARE = 1_000
MIDDLING = 10_000


def normal(text: str) -> str:
    """How texts are compared: NFKC (full-width becomes half-width), lower case, no spaces or punctuation."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(c for c in folded if c.isalnum())


def terms_of(query: str) -> list[str]:
    """What is asked for: the query's words, normalised, at most six."""
    words = unicodedata.normalize("NFKC", query).split()
    return [term for term in (normal(word) for word in words[:6]) if term]


@lru_cache(maxsize=20_000)
def _syllables(text: str) -> tuple[tuple[str, str], ...]:
    """(pinyin, initial) of each character; a run of Latin letters and digits stays whole in both."""
    parts: list[tuple[str, str]] = []
    for run in re.findall(r"[a-z0-9]+|[^a-z0-9]+", text):
        if run.isascii():
            parts.append((run, run))
        else:
            said = (normal(part) for part in syllables(run))
            parts += [(syllable, syllable[0]) for syllable in said if syllable]
    return tuple(parts)


def _suffixes(text: str, depth: int) -> Iterable[str]:
    return (text[at : at + depth] for at in range(len(text)))


def tokens_of(
    name: str, short_name: str, former_names: Iterable[str], uscc: str, contacts: Iterable[str]
) -> set[str]:
    """Every token under which an enterprise is found."""
    tokens: set[str] = set()
    for text in filter(None, (name, short_name, *former_names, *contacts)):
        plain = normal(text)
        tokens.update(_suffixes(plain, DEPTH))
        syllables = _syllables(plain)
        for at in range(len(syllables)):
            tokens.add("".join(said for said, _initial in syllables[at : at + PINYIN_DEPTH])[:PINYIN_DEPTH])
        tokens.update(_suffixes("".join(initial for _said, initial in syllables), DEPTH))
    code = normal(uscc)
    tokens.add(code[:DEPTH])
    tokens.add(code)
    tokens.update(code[-length:] for length in range(4, LAST_OF_CODE + 1))
    return tokens


@lru_cache(maxsize=20_000)
def _said(character: str) -> tuple[str, ...]:
    """The pinyin of one character."""
    return tuple(normal(syllable) for syllable in syllables(character))


def spot(text: str, terms: Iterable[str]) -> tuple[int, int] | None:
    """Where in `text` the first found term stands, as (start, end): by its characters, initials or pinyin."""
    places = [at for at, c in enumerate(text) if c.isalnum()]  # what normal() keeps, one character for one
    plain = normal("".join(text[at] for at in places))
    if len(plain) != len(places):
        return None
    syllables: list[str] = []
    for term in terms:
        at = plain.find(term)
        if at >= 0:
            return places[at], places[at + len(term) - 1] + 1
        if not term.isascii():
            continue
        syllables = syllables or [syllable for c in plain for syllable in _said(c)]
        if len(syllables) != len(plain):
            continue
        at = "".join(s[0] for s in syllables).find(term)
        if at >= 0:
            return places[at], places[at + len(term) - 1] + 1
        for at in range(len(syllables)):
            end, said = at, ""
            while end < len(syllables) and len(said) < len(term):
                said += syllables[end]
                end += 1
            if said.startswith(term):
                return places[at], places[end - 1] + 1
    return None


def starts_of(term: str) -> list[str]:
    """The beginnings that must all be found for `term`: itself, or head and tail when it is longer than the index."""
    depth = PINYIN_DEPTH if term.isascii() else DEPTH
    return [term] if len(term) <= depth else [term[:depth], term[-depth:]]


def stretch(start: str) -> tuple[str, str]:
    """The half-open stretch of tokens that begin with `start`."""
    return start, start + "\U0010ffff"
