"""Chinese text on printed codes: which of our fonts has a character, how wide it runs, where a line may break.

Pure: no Flask, no database. The same metrics serve PDF, PNG and SVG, so one name breaks alike in all three.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

FONTS = Path(__file__).resolve().parent / "fonts"
FILES = {
    "regular": FONTS / "NotoSansSC-Regular.ttf",
    "bold": FONTS / "NotoSansSC-Bold.ttf",
    "rare": FONTS / "DroidSansFallback-Rare.ttf",
}
MISSING = "〓"  # the printer's own sign for a character that the fount lacks

# The legal form is one piece for the eye: 有限 / 公司 on two lines reads like two names.
_LEGAL_FORM = re.compile(r"(?:股份有限|有限责任|有限)公司")
# （集团） likewise, and a place in brackets.
_BRACKETED = r"[（(][^（()）]{1,4}[)）]"
_PIECE = re.compile(rf"{_LEGAL_FORM.pattern}|{_BRACKETED}|[A-Za-z0-9][A-Za-z0-9.&'’/+-]*|\s+|.", re.DOTALL)
_NOT_AT_START = set("，。、；：！？）》」』】〕〉…—·,.;:!?)]}%")
_NOT_AT_END = set("（《「『【〔〈([{")


@dataclass(frozen=True)
class Run:
    """Neighbouring characters that one font draws. `face` is a key of FILES."""

    face: str
    text: str


@lru_cache(maxsize=len(FILES))
def _advances(face: str) -> dict[int, float]:
    """Code point → advance width in em, for every character of the font."""
    font = TTFont(FILES[face], lazy=True)
    units, widths = font["head"].unitsPerEm, font["hmtx"]
    return {code: widths[glyph][0] / units for code, glyph in font.getBestCmap().items()}


def clean(text: str) -> str:
    """One line without control, format or bidi characters, which would show as boxes or turn the text around."""
    text = "".join(" " if c.isspace() else c for c in unicodedata.normalize("NFC", text))
    text = "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    # Variation selectors choose a glyph that we do not have; the plain character is the right fallback.
    text = "".join(c for c in text if not 0xFE00 <= ord(c) <= 0xFE0F and not 0xE0100 <= ord(c) <= 0xE01EF)
    return re.sub(r" {2,}", " ", text).strip()


def runs(text: str, face: str = "regular") -> list[Run]:
    """`text` cut into runs: the wanted face, else another that has the character, else 〓."""
    found: list[Run] = []
    for char in text:
        code, used = ord(char), face
        if code not in _advances(face):
            # `rare` comes last and is looked into for Han characters only: reading it takes a while.
            others = ("bold", "rare") if code > 0x2E80 else ("bold",)
            used = next((other for other in others if code in _advances(other)), "bold")
            char = char if code in _advances(used) else MISSING
        if found and found[-1].face == used:
            found[-1] = Run(used, found[-1].text + char)
        else:
            found.append(Run(used, char))
    return found


def width(text: str, face: str = "regular") -> float:
    """Width in em."""
    return sum(_advances(run.face)[ord(char)] for run in runs(text, face) for char in run.text)


def _pieces(text: str, room: float, face: str) -> Iterator[str]:
    """The unbreakable pieces of a line, punctuation kept with its neighbour; too wide ones fall apart."""
    held = ""
    parts = _PIECE.findall(text)
    for at, part in enumerate(parts):
        if part in _NOT_AT_END or (at + 1 < len(parts) and parts[at + 1] in _NOT_AT_START):
            held += part
            continue
        part, held = held + part, ""
        if width(part, face) <= room:
            yield part
        else:
            yield from part
    if held:
        yield held


def lines(text: str, room: float, face: str = "regular") -> list[str]:
    """`text` broken into lines of at most `room` em, never inside 有限公司 or a Latin word that fits a line."""
    broken: list[str] = []
    line = ""
    for piece in _pieces(text, room, face):
        if line and width(line + piece.rstrip(), face) > room:
            broken.append(line.rstrip())
            line = ""
        line += piece if line else piece.lstrip()
    return [*broken, line.rstrip()] if line.strip() else broken


@dataclass(frozen=True)
class Fitted:
    """Text set in a size: `size` in the caller's unit, the lines, and whether it had to be cut."""

    size: float
    lines: list[str]
    cut: bool = False


def fit(text: str, room: float, sizes: Sequence[tuple[float, int]], face: str = "regular") -> Fitted:
    """The first of `sizes` (size, most lines) in which `text` fits `room` (same unit as size), else cut with ….

    Raises ValueError when `sizes` is empty.
    """
    if not sizes:
        raise ValueError("no sizes")
    for size, most in sizes:
        broken = lines(text, room / size, face)
        if len(broken) <= most:
            return Fitted(size, broken)
    last = broken[most - 1]
    while last and width(last + "…", face) > room / size:
        last = last[:-1]
    return Fitted(size, [*broken[: most - 1], last + "…"], cut=True)
