"""Pages told as what differs from pages told before: sixty forms for sixty enterprises are nearly one form.

A page is told as a list: a text is a line of its own, two numbers are so many lines from there in what is remembered.
Remembered are the lines that came as texts, and the whole of every page that was marked as the first of its kind. The
phone puts it together the same way (static/js/offline/pack.js). Compression alone sees 32 KB back, which is one page.
"""

from __future__ import annotations

MOST_LINES = 40_000  # remembered; a pack with more begins anew and says so
AHEAD = 24  # lines looked at for where the first page of the kind goes on
SHORT = 12  # characters that cost less than two numbers

Told = list[str | int]


class Teller:
    """One stream's memory."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._at: dict[str, int] = {}
        self._first: dict[str, int] = {}

    def forget(self) -> bool:
        """Begin anew if there is too much to remember; whether it did."""
        if len(self._lines) < MOST_LINES:
            return False
        self._lines.clear()
        self._at.clear()
        self._first.clear()
        return True

    def tell(self, kind: str, text: str) -> tuple[Told, bool]:
        """(the page as it is told, whether it is the first of its kind and to be remembered whole)."""
        lines, said = text.split("\n"), self._lines
        told: Told = []
        first = kind not in self._first
        expected = self._first.get(kind, -1)
        start = count = 0
        for line in lines:
            at = self._place(line, expected)
            if at < 0:
                if count:
                    told += (start, count)
                    count = 0
                told.append(line)
                self._at.setdefault(line, len(said))
                said.append(line)
                continue
            if count and at == start + count:
                count += 1
            else:
                if count:
                    told += (start, count)
                start, count = at, 1
            if first or expected <= at < expected + AHEAD:
                expected = at + 1
        if count:
            told += (start, count)
        if first:
            self._first[kind] = len(said)
            said += lines
        return told, first

    def _place(self, line: str, expected: int) -> int:
        """Where this line stands in memory, where the first page of the kind goes on if it can be; -1: it is new."""
        said = self._lines
        if expected >= 0:
            for at in range(expected, min(expected + AHEAD, len(said))):
                if said[at] == line:
                    return at
        return self._at.get(line, -1) if len(line) > SHORT else -1


def heard(told: Told, first: bool, memory: list[str]) -> str:
    """The page again, as the phone makes it."""
    page: list[str] = []
    at = 0
    while at < len(told):
        part = told[at]
        if isinstance(part, str):
            memory.append(part)
            page.append(part)
            at += 1
        else:
            page += memory[part : part + int(told[at + 1])]
            at += 2
    if first:
        memory += page
    return "\n".join(page)
