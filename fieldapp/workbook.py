"""Tables as Excel files: a title, a header that stays, numbers as numbers, and no cell that Excel would calculate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

from flask import Response

from fieldapp import clock
from fieldapp.pages import named

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a spreadsheet takes for a formula when somebody types it (OWASP's list, and DDE's bar).
# East Asian Excel reads the full-width signs the same way.
_FORMULA = re.compile(r"\s*[=+\-@|＝＋－＠]|[\t\r\n]")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_CELL = 32_767


@dataclass(frozen=True)
class Column:
    """One column: its heading (with the unit, e.g. 预算（万元）), its width in characters, and how it is shown."""

    heading: str
    width: int = 14
    kind: str = "text"  # text / whole / money / date / moment


_FORMATS: dict[str, dict[str, Any]] = {
    "text": {"text_wrap": True, "valign": "top", "num_format": "@"},
    "whole": {"valign": "top", "num_format": "#,##0"},
    "money": {"valign": "top", "num_format": "#,##0.00"},
    "date": {"valign": "top", "num_format": "yyyy-mm-dd"},
    "moment": {"valign": "top", "num_format": "yyyy-mm-dd hh:mm"},
}


def legible(text: str) -> str:
    """Text as a cell can hold it: no control characters, at most Excel's length."""
    return _ILLEGAL.sub("", text)[:_LONGEST_CELL]


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet would calculate this, were it typed in."""
    return _FORMULA.match(text) is not None


def workbook(title: str, note: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> bytes:
    """One sheet: title in row 1, `note` (scope, units, time) in row 2, headings in row 3 (frozen, filtered), then rows.

    Rows are as long as `columns`; None is an empty cell, an aware datetime is written as the office's wall clock.

    What people wrote is never calculated. Whether a cell is a formula is said by the file, not by its text: only an
    `<f>` is one, and every text here is written as a string. What remains is somebody who opens such a cell and
    presses Enter; text format (`@`) and, where the text looks like a formula, Excel's own quote prefix keep it text
    then, too. A visible apostrophe before the text would add nothing to that and would falsify names, "-5℃" and
    "+86 …", and come back with the next import.
    """
    import xlsxwriter  # here, not above: a tenth of a second at every start

    out = BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "constant_memory": True,
        },
    )
    sheet = book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31].strip("' ") or "1")
    formats = {kind: book.add_format(look) for kind, look in _FORMATS.items()}
    quoted = book.add_format(_FORMATS["text"] | {"quote_prefix": True})
    heading = book.add_format({"bold": True, "bg_color": "#E0F4F2", "bottom": 1, "text_wrap": True})
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width)
    sheet.write_string(0, 0, legible(title), book.add_format({"bold": True, "font_size": 14}))
    sheet.write_string(1, 0, legible(note), book.add_format({"font_color": "#555555"}))
    for at, column in enumerate(columns):
        sheet.write_string(2, at, column.heading, heading)
    sheet.freeze_panes(3, 1)
    line = 2
    for line, row in enumerate(rows, start=3):
        for at, (column, value) in enumerate(zip(columns, row, strict=True)):
            look = formats[column.kind]
            if value is None or value == "":
                continue
            if isinstance(value, datetime):
                sheet.write_datetime(line, at, clock.local(value).replace(tzinfo=None, microsecond=0), look)
            elif isinstance(value, date):
                sheet.write_datetime(line, at, datetime(value.year, value.month, value.day), look)
            elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
                sheet.write_number(line, at, float(value), look)
            else:
                text = legible(str(value))
                sheet.write_string(line, at, text, quoted if looks_like_formula(text) else formats["text"])
    sheet.autofilter(2, 0, max(line, 3), len(columns) - 1)
    sheet.repeat_rows(2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    book.close()
    return out.getvalue()


def excel_answer(name: str, content: bytes) -> Response:
    """The file as a download called `name`.xlsx."""
    response = Response(content, mimetype=EXCEL)
    response.headers["Cache-Control"] = "no-store"
    return named(response, f"{name}.xlsx", "export.xlsx")
