"""Pinyin without tones.

pypinyin's dictionaries take half a second to read: the first name that is spoken pays for that, not every start.
"""

from __future__ import annotations


def syllables(text: str) -> list[str]:
    """One for each character that has one; what is not Chinese stays together as it is."""
    from pypinyin import lazy_pinyin

    return list(lazy_pinyin(text))


__all__ = ["syllables"]
