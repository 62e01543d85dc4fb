"""Industry codes and names of GB/T 4754-2017."""

from __future__ import annotations

import re

from fieldapp.enterprises.industries import DIVISIONS
from fieldapp.imports.readings import Reading, asked, refused, repaired, shown
from fieldapp.imports.sheets import Value
from fieldapp.imports.texts import _as_text, _is_nothing, clean_text
from fieldapp.languages import N_

# GB/T 4754-2017: the first and last division (two digits) of each section.
_SECTIONS = (
    ("A", 1, 5), ("B", 6, 12), ("C", 13, 43), ("D", 44, 46), ("E", 47, 50), ("F", 51, 52), ("G", 53, 60), ("H", 61, 62),
    ("I", 63, 65), ("J", 66, 69), ("K", 70, 70), ("L", 71, 72), ("M", 73, 75), ("N", 76, 79), ("O", 80, 82),
    ("P", 83, 83), ("Q", 84, 85), ("R", 86, 90), ("S", 91, 96), ("T", 97, 97),
)  # fmt: skip
_BY_NAME = {name: division for division, name in DIVISIONS.items()}


def _section(digits: str) -> str | None:
    division = int(digits[:2])
    return next((letter for letter, first, last in _SECTIONS if first <= division <= last), None)


def read_industry(raw: Value) -> Reading:
    """A GB/T 4754-2017 code such as C3511. A text that is no code is left out, with a question."""
    if (empty := _is_nothing(raw)) is not None:
        return empty
    text = clean_text(_as_text(raw)).upper()
    if isinstance(raw, float | int) and len(text) in (1, 3) and text.isdigit() and int(text) < 1000:
        text = "0" + text  # Excel ate the zero of 0610 or 06
    found = re.match(r"^([A-T])?\s*(\d{2,4})(?=$|\D)\s*(.*)$", text)
    if found:
        letter, digits = found[1], found[2]
        section = _section(digits)
        if section is None or (letter and letter != section):
            return refused(raw, N_("“%(said)s”不是国标行业代码（GB/T 4754-2017）"), said=shown(raw))
        code = section + digits
        if code == _as_text(raw):
            return Reading(code)
        if not letter:
            return repaired(code, raw, code, N_("补上门类字母"))
        return repaired(
            code, raw, code, N_("小写改大写") if code == _as_text(raw).upper() else N_("只留代码")
        )
    if text in _BY_NAME:
        code = f"{_section(_BY_NAME[text])}{_BY_NAME[text]}"
        return repaired(code, raw, code, N_("按行业名称写成代码"))
    return asked(None, raw, N_("“%(said)s”不是国标行业代码，这一格没有导入"), said=shown(raw))
