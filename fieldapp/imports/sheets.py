"""A file as offices send it, turned into grids of cells; everything that could hurt the machine is refused first.

`.xlsx` is read by python-calamine, but only after a gate of our own: the parts it will see are inflated here with a
byte budget (the sizes a zip directory states may lie), scanned once by expat (no DTD, bounded cells, bounded text), and
handed on in a fresh, uncompressed archive, so that two readers can never disagree about what the file contains.
The same scan notes what calamine drops: Excel's error cells and formulas whose result was never calculated.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from xml.parsers import expat

import python_calamine

from fieldapp.imports.encodings import DAMAGED, decoded
from fieldapp.languages import N_, lazy
from fieldapp.refusals import Refusal


class Unreadable(Refusal):
    """The file cannot be taken (422). `text` is the msgid, `params` its values; `plain()` needs no application."""

    title = lazy("这个文件读不了")

    def __init__(self, text: str, **params: object) -> None:
        super().__init__()
        self.text, self.params = text, params
        self.message = lazy(text, **params)
        self.args = (self.plain(),)

    def plain(self) -> str:
        return self.text % self.params if self.params else self.text


@dataclass(frozen=True, slots=True)
class Limits:
    """What one upload may weigh: bytes of the file, rows of data, bytes after unzipping."""

    size: int = 5 * 1024 * 1024
    rows: int = 20_000
    unzipped: int = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell without a usable value: `code` is Excel's `#REF!`, or empty for a formula that was never calculated. Of a
    `damaged` one it is what can still be read."""

    code: str
    damaged: bool = False


Value = Any  # None, str, float, int, bool, date, datetime, time, timedelta or CellError


@dataclass(slots=True)
class Grid:
    """One worksheet. `rows[0]` is row 1 of the sheet; `merged` leads from a covered cell to the one with the value."""

    name: str
    rows: list[list[Value]]
    merged: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def at(self, row: int, column: int) -> Value:
        """The value of a cell (0-based), None where nothing is."""
        try:
            return self.rows[row][column]
        except IndexError:
            return None


@dataclass(slots=True)
class Book:
    """The readable worksheets of a file. `form` is `xlsx` or `csv`; `encoding` is set for text files."""

    form: str
    grids: list[Grid]
    encoding: str = ""


MOST_ENTRIES = 2_000
MOST_CELLS = 900_000  # cells written in the XML, empty formatted ones included
MOST_ELEMENTS = 2_000_000  # XML elements in all sheets, or in one other part
MOST_TAGS = 3_200_000  # the same, counted without parsing: opening and closing tags
MOST_AREA = 3_000_000  # rows × columns that a reader would have to lay out
MOST_COLUMNS = 300
MOST_MERGES = 20_000
MOST_TEXT = 64 * 1024 * 1024  # characters, with every use of a shared text counted
MOST_SHEETS = 30
LONGEST_CELL = 32_767  # Excel's own limit
HEAD_ROWS = 60  # rows above the data that do not count against the limit of rows

_OLD_EXCEL = codecs.decode("d0cf11e0a1b11ae1", "hex")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_NEEDED = re.compile(
    r"^(\[Content_Types\]\.xml|_rels/\.rels|xl/[^/]+\.xml|xl/_rels/[^/]+\.rels|xl/worksheets/[^/]+\.xml)$",
    re.I,
)


def read_book(data: bytes, filename: str = "", limits: Limits | None = None) -> Book:
    """The grids in `data`. What it is decides, not what it is called. Raises Unreadable with a sentence to act on."""
    limits = limits or Limits()
    if not data:
        raise Unreadable(N_("这个文件是空的，里面没有内容。请打开看一看，保存后再传。"))
    if len(data) > limits.size:
        raise Unreadable(
            N_("文件有 %(size)s MB，最多 %(most)s MB。请删掉图片和用不着的工作表，或分成几个文件。"),
            size=f"{len(data) / 1048576:.1f}",
            most=f"{limits.size / 1048576:g}",
        )
    if data.startswith(_OLD_EXCEL):
        if _ENCRYPTED in data:
            raise Unreadable(N_("这个 Excel 文件加了打开密码。请在 Excel 里去掉密码，另存后再传。"))
        raise Unreadable(
            N_("这是老格式（.xls 或 .et）。请用 Excel 或 WPS 打开，另存为“Excel 工作簿（.xlsx）”再传。")
        )
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _read_xlsx(data, limits)
    return _read_text(data, filename, limits)


# --- xlsx -----------------------------------------------------------------------------------------------------------


def _broken() -> Unreadable:
    return Unreadable(N_("这个 Excel 文件坏了，打不开。请在电脑上打开它，另存为新的 .xlsx 再传。"))


def _too_big_inside(limits: Limits) -> Unreadable:
    return Unreadable(
        N_("文件解开后超过 %(most)s MB，不像是企业名单。请把数据复制到一个新表格里再传。"),
        most=f"{limits.unzipped / 1048576:g}",
    )


def _read_xlsx(data: bytes, limits: Limits) -> Book:
    parts = _inflate(data, limits)
    sheets = _sheet_parts(parts)
    shared = _shared_lengths(parts.get("xl/sharedStrings.xml") or parts.get("xl/sharedstrings.xml"))
    budget = _Budget(limits)
    if sum(parts[path].count(b"<") for _, path in sheets) > MOST_TAGS:
        raise _too_many_cells()
    scans = {path: _scan_sheet(parts[path], shared, budget) for _, path in sheets}
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    grids = []
    try:
        workbook = python_calamine.load_workbook(io.BytesIO(clean.getvalue()))
        visible = python_calamine.SheetVisibleEnum.Visible
        kept = {sheet.name for sheet in workbook.sheets_metadata if sheet.visible == visible}
        for name, path in sheets:
            if name in kept or len(sheets) == 1:
                grids.append(_grid(workbook.get_sheet_by_name(name), name, scans[path]))
    except python_calamine.CalamineError as error:
        raise _broken() from error
    if not any(grid.rows for grid in grids):
        raise Unreadable(N_("这个文件是空的，里面没有内容。请打开看一看，保存后再传。"))
    return Book("xlsx", [grid for grid in grids if grid.rows])


def _inflate(data: bytes, limits: Limits) -> dict[str, bytes]:
    """The XML parts that hold the cells, inflated within the budget, whatever sizes the directory states."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
        raise _broken() from error
    names = [entry.filename for entry in entries]
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > limits.unzipped:
        raise _too_big_inside(limits)
    if "xl/workbook.bin" in names:
        raise Unreadable(N_("这是二进制工作簿（.xlsb）。请另存为“Excel 工作簿（.xlsx）”再传。"))
    if "xl/workbook.xml" not in names:
        raise Unreadable(
            N_("这不是 Excel 表格（可能是压缩包、Word 或 WPS 的别的文件）。请传 .xlsx 或 .csv。")
        )
    if len(set(names)) != len(names):
        raise _broken()
    parts: dict[str, bytes] = {}
    left = limits.unzipped
    for entry in entries:
        if not _NEEDED.match(entry.filename):
            continue
        if entry.flag_bits & 1:
            raise Unreadable(N_("这个 Excel 文件加了打开密码。请在 Excel 里去掉密码，另存后再传。"))
        content = _inflate_entry(data, entry, left, limits)
        left -= len(content)
        _no_dtd(content)
        parts[entry.filename] = content
    return parts


def _inflate_entry(data: bytes, entry: zipfile.ZipInfo, left: int, limits: Limits) -> bytes:
    head = data[entry.header_offset : entry.header_offset + 30]
    if len(head) < 30 or not head.startswith(b"PK\x03\x04"):
        raise _broken()
    start = entry.header_offset + 30 + sum(struct.unpack("<HH", head[26:30]))
    packed = data[start : start + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        content = packed
    elif entry.compress_type == zipfile.ZIP_DEFLATED:
        inflater = zlib.decompressobj(-15)
        try:
            content = inflater.decompress(packed, left + 1)
        except zlib.error as error:
            raise _broken() from error
        if len(content) <= left and not inflater.eof:
            raise _broken()
    else:
        raise _broken()
    if len(content) > left:
        raise _too_big_inside(limits)
    if zlib.crc32(content) != entry.CRC:
        raise _broken()
    return content


class _Stop(Exception):
    """The scan has seen enough."""


def _no_dtd(content: bytes) -> None:
    """A workbook never carries a document type; one that does is an attack (entity bombs, outside files)."""
    parser = expat.ParserCreate()
    found: list[str] = []

    def doctype(*_args: object) -> None:
        found.append("doctype")
        raise _Stop

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "us-ascii", "ascii"):
            found.append("encoding")
            raise _Stop

    def element(*_args: object) -> None:
        raise _Stop

    parser.StartDoctypeDeclHandler = doctype
    parser.XmlDeclHandler = declaration
    parser.StartElementHandler = element
    try:
        for start in range(0, len(content), 65_536):
            parser.Parse(content[start : start + 65_536], False)
    except _Stop:
        pass
    except expat.ExpatError as error:
        raise _broken() from error
    if "doctype" in found:
        raise Unreadable(
            N_("这个文件里有不该有的代码（DTD），为了安全没有打开。请在 Excel 里另存为新的 .xlsx 再传。")
        )
    if found:
        raise _broken()


def _parse(parser: expat.XMLParserType, content: bytes) -> None:
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _broken() from error


def _sheet_parts(parts: dict[str, bytes]) -> list[tuple[str, str]]:
    """(name, path) of each worksheet, in the workbook's order."""
    listed: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def workbook(name: str, attributes: dict[str, str]) -> None:
        if name.split(":")[-1] == "sheet":
            link = next(
                (value for key, value in attributes.items() if key.split(":")[-1] == "id" and ":" in key), ""
            )
            listed.append((attributes.get("name", ""), link))

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name.split(":")[-1] == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    for path, handler in (("xl/workbook.xml", workbook), ("xl/_rels/workbook.xml.rels", relation)):
        if len(parts.get(path, b"")) > 4 * 1024 * 1024:
            raise _broken()
        parser = expat.ParserCreate()
        parser.StartElementHandler = handler
        _parse(parser, parts.get(path, b""))
    found = []
    for name, link in listed[:MOST_SHEETS]:
        target = targets.get(link, "")
        path = target.lstrip("/") if target.startswith("/") else "xl/" + target
        if path in parts:  # chart and dialogue sheets are not
            found.append((name, path))
    if not found:
        raise _broken()
    return found


def _shared_lengths(content: bytes | None) -> list[int]:
    """How long each shared text is: one long text used in every cell is a bomb that no file size shows."""
    lengths: list[int] = []
    if not content:
        return lengths

    if content.count(b"<") > MOST_TAGS:
        raise _broken()
    elements = count()

    def element(name: str, _attributes: object) -> None:
        if next(elements) > MOST_ELEMENTS:
            raise _broken()
        if name.split(":")[-1] == "si":
            lengths.append(0)

    def text(piece: str) -> None:
        if lengths:
            lengths[-1] += len(piece)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = element
    parser.CharacterDataHandler = text
    _parse(parser, content)
    if lengths and max(lengths) > 2 * LONGEST_CELL:  # phonetic guides may double a text
        raise _broken()
    return lengths


@dataclass(slots=True)
class _Budget:
    limits: Limits
    cells: int = 0
    elements: int = 0
    text: int = 0


@dataclass(slots=True)
class _Scan:
    """What calamine does not tell: errors and uncalculated formulas by (row, column), 0-based."""

    errors: dict[tuple[int, int], CellError] = field(default_factory=dict)
    last_row: int = -1
    last_column: int = -1


def _scan_sheet(content: bytes, shared: list[int], budget: _Budget) -> _Scan:
    scan = _Scan()
    limits = budget.limits
    most_rows = limits.rows + HEAD_ROWS
    kinds: dict[str, str] = {}
    columns: dict[str, int] = {}
    state: dict[str, Any] = {
        "row": -1,
        "column": -1,
        "filled_rows": 0,
        "row_filled": False,
        "type": "n",
        "formula": False,
    }
    state["has_value"] = False
    pieces: list[str] = []

    def column_of(letters: str) -> int:
        found = columns.get(letters)
        if found is None:
            found = 0
            for letter in letters.upper():
                if not "A" <= letter <= "Z" or len(letters) > 3:
                    raise _broken()
                found = found * 26 + ord(letter) - 64
            columns[letters] = found = found - 1
        return found

    def close_cell() -> None:
        if state["column"] < 0:
            return
        value = "".join(pieces)
        if state["type"] == "e" and state["has_value"]:
            scan.errors[state["row"], state["column"]] = CellError(value.strip()[:20] or "#ERROR")
        elif state["formula"] and not value and state["type"] != "str":
            scan.errors[state["row"], state["column"]] = CellError("")
        elif not value and state["type"] != "inlineStr":
            return
        row, column = state["row"], state["column"]
        if not state["row_filled"]:
            state["row_filled"] = True
            state["filled_rows"] += 1
            if state["filled_rows"] > most_rows:
                raise _too_many_rows(limits)
        scan.last_row = max(scan.last_row, row)
        scan.last_column = max(scan.last_column, column)
        if state["type"] == "s":
            try:
                budget.text += shared[int(value)]
            except (ValueError, IndexError):
                raise _broken() from None
        else:
            budget.text += len(value)
        if budget.text > MOST_TEXT:
            raise _too_big_inside(limits)

    def element(name: str, attributes: dict[str, str]) -> None:
        budget.elements += 1
        if budget.elements > MOST_ELEMENTS:
            raise _too_many_cells()
        kind = kinds.get(name)
        if kind is None:
            kind = kinds[name] = name.split(":")[-1]
        if kind == "c":
            close_cell()
            budget.cells += 1
            if budget.cells > MOST_CELLS:
                raise _too_many_cells()
            reference = attributes.get("r")
            if reference:
                letters = reference.rstrip("0123456789")
                if reference[len(letters) :] != str(state["row"] + 1):
                    raise _broken()
                state["column"] = column_of(letters)
            else:
                state["column"] += 1
            state["type"] = attributes.get("t", "n")
            state["formula"] = state["has_value"] = False
            pieces.clear()
            parser.CharacterDataHandler = None
        elif kind == "v":
            state["has_value"] = True
            pieces.clear()
            parser.CharacterDataHandler = pieces.append
        elif kind == "t" and state["type"] == "inlineStr":
            parser.CharacterDataHandler = pieces.append
        elif kind == "f":
            state["formula"] = True
            parser.CharacterDataHandler = None
        elif kind == "row":
            close_cell()
            state["column"] = -1
            pieces.clear()
            parser.CharacterDataHandler = None
            number = attributes.get("r")
            row = int(number) - 1 if number and number.isdigit() else state["row"] + 1
            if row <= state["row"] or row >= 1_048_576:
                raise _broken()
            state["row"], state["row_filled"] = row, False
        elif kind != "sheetData":
            # What follows the cells (choices, colours that depend on something) has texts and formulas of its own: none
            # of them is the last cell's. Inside a cell only an inline string has more elements, each with its `t`.
            parser.CharacterDataHandler = None
            if state["type"] != "inlineStr":
                close_cell()
                state["column"] = -1
                pieces.clear()

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = element
    _parse(parser, content)
    close_cell()
    if scan.last_column >= MOST_COLUMNS:
        raise Unreadable(
            N_("表格一直写到第 %(column)s 列，最多 %(most)s 列。请删掉右边用不着的列再传。"),
            column=scan.last_column + 1,
            most=MOST_COLUMNS,
        )
    if (scan.last_row + 1) * (scan.last_column + 1) > MOST_AREA:
        raise Unreadable(
            N_("表格一直写到第 %(row)s 行，中间隔着大片空行。请删掉下面用不着的内容再传。"),
            row=scan.last_row + 1,
        )
    return scan


def _too_many_cells() -> Unreadable:
    return Unreadable(
        N_("表格里的格子太多（很多是刷了格式的空格子）。请只把有数据的行和列复制到新表格里再传。")
    )


def _too_many_rows(limits: Limits) -> Unreadable:
    return Unreadable(
        N_("表格超过 %(most)s 行。请按旗县区分成几个文件，一个一个传。"), most=f"{limits.rows:,}"
    )


def _grid(sheet: python_calamine.CalamineSheet, name: str, scan: _Scan) -> Grid:
    rows: list[list[Value]] = [
        [None if value == "" else value for value in row] for row in sheet.to_python(skip_empty_area=False)
    ]
    for (row, column), error in scan.errors.items():
        while len(rows) <= row:
            rows.append([])
        rows[row].extend([None] * (column + 1 - len(rows[row])))
        rows[row][column] = error
    grid = Grid(name, _without_empty_end(rows))
    height = len(grid.rows)
    width = scan.last_column + 1
    covered = 0
    for number, (first, last) in enumerate(sheet.merged_cell_ranges or ()):
        bottom, right = min(last[0], height - 1), min(last[1], width - 1)
        covered += max(0, bottom - first[0] + 1) * max(0, right - first[1] + 1)
        if number >= MOST_MERGES or covered > MOST_CELLS:
            raise Unreadable(N_("合并的单元格太多。请取消合并，把数据复制到新表格里再传。"))
        for row in range(first[0], bottom + 1):
            for column in range(first[1], right + 1):
                if (row, column) != (first[0], first[1]):
                    grid.merged[row, column] = (first[0], first[1])
    return grid


def _without_empty_end(rows: list[list[Value]]) -> list[list[Value]]:
    end = len(rows)
    while end and all(value is None or value == "" for value in rows[end - 1]):
        end -= 1
    return rows[:end]


# --- text -----------------------------------------------------------------------------------------------------------

_OTHERS = (
    (b"%PDF", N_("这是 PDF 文件，读不出表格。请找原来的 Excel 表格（.xlsx）或 .csv 再传。")),
    (b"\x89PNG", N_("这是图片，读不出表格。请传 .xlsx 或 .csv。")),
    (b"\xff\xd8\xff", N_("这是图片，读不出表格。请传 .xlsx 或 .csv。")),
    (b"GIF8", N_("这是图片，读不出表格。请传 .xlsx 或 .csv。")),
    (b"Rar!", N_("这是压缩包。请解开以后，传里面的 .xlsx 或 .csv。")),
    (b"7z\xbc\xaf", N_("这是压缩包。请解开以后，传里面的 .xlsx 或 .csv。")),
    (b"\x1f\x8b", N_("这是压缩包。请解开以后，传里面的 .xlsx 或 .csv。")),
)


def _read_text(data: bytes, filename: str, limits: Limits) -> Book:
    for magic, sentence in _OTHERS:
        if data.startswith(magic):
            raise Unreadable(sentence)
    found = decoded(data)
    if found is None:
        raise Unreadable(
            N_("这个文件不是 Excel 表格，也不是能读的文字。请传 .xlsx，或者 UTF-8、GBK 编码的 .csv。")
        )
    text, encoding = found
    start = text[:2000].lstrip().lower()
    if start.startswith(("<html", "<!doctype", "<?xml", "<table", "{\\rtf")) or "<table" in start:
        raise Unreadable(
            N_("这个文件其实是网页，只是改了名字。请用 Excel 打开，另存为“Excel 工作簿（.xlsx）”再传。")
        )
    if not text.strip():
        raise Unreadable(N_("这个文件是空的，里面没有内容。请打开看一看，保存后再传。"))
    rows: list[list[Value]] = []
    filled = 0
    for row in _records(text, _delimiter(text)):
        cells = [_cell(text) for text in row]
        if any(cell is not None for cell in cells):
            filled += 1
        if filled > limits.rows + HEAD_ROWS or len(rows) > MOST_AREA // 10:
            raise _too_many_rows(limits)
        if len(cells) > MOST_COLUMNS:
            raise Unreadable(
                N_("表格一直写到第 %(column)s 列，最多 %(most)s 列。请删掉右边用不着的列再传。"),
                column=len(cells),
                most=MOST_COLUMNS,
            )
        rows.append(cells)
    return Book("csv", [Grid("", _without_empty_end(rows))], encoding)


def _cell(text: str) -> Value:
    if DAMAGED in text:
        return CellError(text, damaged=True)
    return text if text.strip() else None


def _delimiter(text: str) -> str:
    """Comma, tab or semicolon: the one that cuts the first lines into the most, and the most even, columns."""
    head = "".join(text.splitlines(keepends=True)[:40])
    best, most = ",", 0.0
    for candidate in ",\t;，":
        try:
            widths = [
                len(row) for row in csv.reader(io.StringIO(head, newline=""), delimiter=candidate) if row
            ]
        except csv.Error:
            continue
        wide = [width for width in widths if width > 1]
        usual = max(set(wide), key=wide.count) if wide else 1
        score = usual * wide.count(usual) / max(1, len(widths))
        if score > most:
            best, most = candidate, score
    return best


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """Rows of the file. A quote that is never closed would swallow the rest; it is refused with its row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a field over csv.field_size_limit
            raise _open_quote(number) from error
        if any(len(cell) > LONGEST_CELL or cell.count("\n") > 100 for cell in row):
            raise _open_quote(number)
        yield row


def _open_quote(row: int) -> Unreadable:
    return Unreadable(
        N_(
            "第 %(row)s 行的引号没有成对，后面的行都被连在一起了。请改好这一行，或用 Excel 另存为 .xlsx 再传。"
        ),
        row=row,
    )
