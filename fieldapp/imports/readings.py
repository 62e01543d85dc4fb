"""What a reader of one cell gives: a clean value (or None) and the notes about it.

A repair is a note too, so nothing is changed that the person does not get to see. No reader raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import Enum
from typing import Any

from fieldapp.imports.sheets import CellError, Value


class Kind(Enum):
    """What a note means for its row."""

    REPAIR = "已改好"
    QUESTION = "请核对"
    REFUSAL = "不能入库"
    SKIP = "跳过"


@dataclass(slots=True)
class Note:
    """One sentence about one cell. `text` and `hint` are msgids, `params` their values; `before`/`after` the change."""

    kind: Kind
    text: str
    params: dict[str, Any] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    hint: str = ""
    column: str = ""
    field: str = ""

    def plain(self) -> str:
        """The sentence without a catalogue, for the command line and for tests."""
        said = self.text % self.params if self.params else self.text
        return said + (self.hint % self.params if self.params else self.hint)


@dataclass(slots=True)
class Reading:
    """A clean value and what is to be said about it."""

    value: Any = None
    notes: list[Note] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return any(note.kind is Kind.REFUSAL for note in self.notes)


Reader = Callable[[Value], Reading]


def shown(value: Value) -> str:
    """A cell as the person sees it, cut to a length that fits a line."""
    if value is None:
        return ""
    if isinstance(value, CellError):
        return value.code
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime) and value.time() == time(0):
        value = value.date()
    text = " ".join(str(value).split("\n")).strip("\r")
    return text if len(text) <= 80 else text[:79] + "…"


def repaired(value: Any, raw: Value, after: object, text: str, **params: object) -> Reading:
    return Reading(value, [Note(Kind.REPAIR, text, dict(params), shown(raw), str(after))])


def refused(raw: Value, text: str, hint: str = "", **params: object) -> Reading:
    return Reading(None, [Note(Kind.REFUSAL, text, dict(params), shown(raw), "", hint)])


def asked(value: Any, raw: Value, text: str, hint: str = "", **params: object) -> Reading:
    return Reading(value, [Note(Kind.QUESTION, text, dict(params), shown(raw), "", hint)])
