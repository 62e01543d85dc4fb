"""What a text file is written in: UTF-8, GBK with all that GB 18030 adds to it, or Excel's “Unicode 文本”."""

from __future__ import annotations

import codecs

DAMAGED = "\N{REPLACEMENT CHARACTER}"
FEW_DAMAGED = 3  # are nothing to worry about in the smallest file; in a larger one one in a hundred


def decoded(data: bytes) -> tuple[str, str] | None:
    """(text, the encoding's name); None for what is no text, or no table's.

    Of a file that was cut or copied badly all is read but the characters that are broken: DAMAGED stands for them.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        attempts: tuple[tuple[str, str], ...] = (("utf-16", "UTF-16"),)
    elif b"\0" in data:
        attempts = ()
    else:
        attempts = (("utf-8-sig", "UTF-8"), ("gb18030", "GBK"))
    for codec, label in attempts:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        if not _has_control(text):
            return text, label
    readings = [(data.decode(codec, "replace"), label) for codec, label in attempts]
    for text, label in sorted(readings, key=lambda one: one[0].count(DAMAGED))[:1]:
        foreign = sum(1 for letter in text if letter > "\x7f")
        if not _has_control(text) and text.count(DAMAGED) <= max(FEW_DAMAGED, foreign // 100):
            return text, label
    return None


def _has_control(text: str) -> bool:
    """Whether it holds what no table does."""
    return any(letter < " " and letter not in "\t\r\n" for letter in text[:20_000])
