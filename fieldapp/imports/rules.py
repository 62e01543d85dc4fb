"""A sheet and a mapping in, one outcome per row out: taken, repaired, refused or skipped, each with its reasons.

Nothing here knows a database or a request; regions, limits and the coordinate system to assume are handed in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from fieldapp.coordinates import GCJ02, in_china, to_wgs84
from fieldapp.imports.columns import COUNTS, FIELDS, MONEY, UNITS, YEARLY, Mapping, tidy
from fieldapp.imports.credit_codes import read_uscc
from fieldapp.imports.industries import read_industry
from fieldapp.imports.numbers import money_reader, read_count, read_date
from fieldapp.imports.phones import read_phones
from fieldapp.imports.places import read_crs, read_degrees, read_pair
from fieldapp.imports.readings import Kind, Note, Reader, Reading, shown
from fieldapp.imports.regions import KnownRegion, region_reader
from fieldapp.imports.sheets import CellError, Grid, Limits, Unreadable, Value
from fieldapp.imports.texts import clean_text, read_list, read_name, read_names, read_text, read_yes
from fieldapp.languages import N_


class Verdict(Enum):
    """What becomes of a row."""

    TAKEN = N_("可入库")
    REPAIRED = N_("已改好")
    REFUSED = N_("不能入库")
    SKIPPED = N_("跳过")


@dataclass(slots=True)
class EnterpriseRow:
    """What a good row says. None and empty lists mean that the sheet says nothing about it.

    Money is in 万元. `lng`/`lat` are WGS-84; `given_*` is what the sheet says, `given_crs` None where it names no
    system. `years` holds the figures by year and field (names of columns.YEARLY).
    """

    name: str = ""
    uscc: str = ""
    region: str | None = None
    address: str | None = None
    industry: str | None = None
    lng: float | None = None
    lat: float | None = None
    given_lng: float | None = None
    given_lat: float | None = None
    given_crs: str | None = None
    staff: int | None = None
    contact_name: str | None = None
    contact_title: str | None = None
    phones: list[str] = field(default_factory=list)
    short_name: str | None = None
    former_names: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    hnte: bool | None = None
    hnte_number: str | None = None
    hnte_from: date | None = None
    hnte_to: date | None = None
    tech_sme: bool | None = None
    years: dict[int, dict[str, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values: decimals and days as text, empty ones left out."""
        stored = {name: value for name, value in asdict(self).items() if value not in (None, [], {}, "")}
        for name in ("hnte_from", "hnte_to"):
            if name in stored:
                stored[name] = stored[name].isoformat()
        if "years" in stored:
            stored["years"] = {
                str(year): {
                    name: str(value) if isinstance(value, Decimal) else value
                    for name, value in figures.items()
                }
                for year, figures in stored["years"].items()
            }
        return stored

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> EnterpriseRow:
        values = dict(stored)
        for name in ("hnte_from", "hnte_to"):
            if name in values:
                values[name] = date.fromisoformat(values[name])
        values["years"] = {
            int(year): {name: Decimal(value) if name in MONEY else value for name, value in figures.items()}
            for year, figures in values.get("years", {}).items()
        }
        return cls(**values)


@dataclass(slots=True)
class RowResult:
    """The outcome of one row. `row` is its number as Excel shows it; `enterprise` is None unless it is taken."""

    row: int
    verdict: Verdict
    notes: list[Note] = field(default_factory=list)
    enterprise: EnterpriseRow | None = None
    name: str = ""
    uscc: str = ""

    @property
    def asks(self) -> bool:
        """Something about it looks odd; a person should look, it is taken all the same."""
        return any(note.kind is Kind.QUESTION for note in self.notes)

    def lines(self) -> list[str]:
        """`列：before → after，sentence`, for the command line and the tests."""
        said = []
        for note in self.notes:
            change = f"{note.before} → {note.after or '（空）'}，" if note.kind is Kind.REPAIR else ""
            said.append(f"{note.column}：{change}{note.plain()}" if note.column else note.plain())
        return said


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules need to know from outside."""

    regions: Sequence[KnownRegion]
    default_crs: str = GCJ02  # for places whose system nobody wrote down
    limits: Limits = field(default_factory=Limits)


def check(
    grid: Grid, mapping: Mapping, terms: Terms, progress: Callable[[int, int], None] | None = None
) -> list[RowResult]:
    """The outcome of every row under the header, in order. `progress(done, all)` is called now and then."""
    readers = _readers(mapping, terms)
    results: list[RowResult] = []
    raw_values: dict[int, tuple[Value, ...]] = {}
    last = len(grid.rows)
    filled = 0
    for index in range(mapping.first_row, last):
        reason = _skip_reason(grid, index, mapping)
        if reason is not None:
            results.append(RowResult(index + 1, Verdict.SKIPPED, [Note(Kind.SKIP, reason)]))
        else:
            filled += 1
            if filled > terms.limits.rows:
                raise Unreadable(
                    N_("表格超过 %(most)s 行。请按旗县区分成几个文件，一个一个传。"),
                    most=f"{terms.limits.rows:,}",
                )
            result = _check_row(grid, index, mapping, readers, terms)
            results.append(result)
            raw_values[result.row] = tuple(
                grid.at(index, column) for column, name in mapping.columns.items() if name
            )
        if progress and index % 200 == 0:
            progress(index, last)
    _find_doubles(results, raw_values, mapping)
    return results


def count(results: Iterable[RowResult]) -> dict[str, int]:
    """How many rows ended how, by the names of Verdict in lower case."""
    counts = {verdict.name.lower(): 0 for verdict in Verdict}
    for result in results:
        counts[result.verdict.name.lower()] += 1
    return counts


# --- rows that are not enterprises ----------------------------------------------------------------------------------

_TOTAL = re.compile(r".{0,14}(合计|小计|总计|共计|累计|平均)数?")
_REMARK = re.compile(
    r"(填表说明|填报说明|填写说明|说明|注|备注|附注|填表人|填报人|制表人?|审核人?|单位负责人|统计负责人|负责人|经办人|填表日期|填报日期"
    r"|填报时间|报出日期|联系电话)\s*[:：0-9一二三四五]|^(填表说明|填报说明|填写说明|以下无正文|以下空白|制表人?|注)"
    r"|^[(（]?[0-9一二三四五六七八九十]+[)）.、．]\s*.*(填|请|应|指|按|不得|以上|如)"
)
_LABELS = re.compile(r"^[甲乙丙丁戊己庚辛壬癸]$|^\(?\d{1,2}\)?$|^[—-]+$")


def _skip_reason(grid: Grid, index: int, mapping: Mapping) -> str | None:
    """Why this row is no enterprise, or None."""
    cells = [(column, value) for column, value in enumerate(grid.rows[index]) if value is not None]
    texts = [
        (column, str(value).strip()) for column, value in cells if isinstance(value, str) and value.strip()
    ]
    if not texts and not any(
        mapping.columns.get(column) for column, value in cells if not isinstance(value, str)
    ):  # also a row in which only the serial number is filled
        return N_("空行")
    if any(text in ("示例", "例", "样例", "填写示例") for column, text in texts[:2]):
        return N_("示例行")
    code_column, name_column = mapping.column_of("uscc"), mapping.column_of("name")
    code = "" if code_column is None else str(grid.at(index, code_column) or "").strip()
    if re.search(r"[0-9A-Za-z]{9}", code):
        return None  # an enterprise, whatever else its row says
    name = "" if name_column is None else str(grid.at(index, name_column) or "").strip()
    same = sum(
        1
        for column, text in texts
        if mapping.columns.get(column)
        and any(tidy(text) == tidy(grid.at(row, column)) for row in mapping.header_rows)
    )
    mapped = sum(1 for column, _ in cells if mapping.columns.get(column))
    if same >= 2 and same * 2 > mapped:
        return N_("重复的表头")
    if len(code) >= 9:
        return None
    bare = [(column, re.sub(r"[\s　:：]", "", text)) for column, text in texts]
    if any(_TOTAL.fullmatch(text) for _, text in bare[:3]):
        return N_("合计行")
    if texts and len(texts) <= 4 and _REMARK.match(texts[0][1]) and (not code or len(texts) == 1):
        return N_("说明文字")
    if len(cells) >= 3 and all(_LABELS.match(shown(value).strip()) or _is_unit(value) for _, value in cells):
        return N_("栏目编号或单位行")
    if len(texts) == 1 and not code and not name and len(cells) <= 2 and len(texts[0][1]) > 12:
        return N_("说明文字")
    return None


def _is_unit(value: Value) -> bool:
    return isinstance(value, str) and value.strip() in {*UNITS, "人", "%", "个", "家", "度"}


# --- one row --------------------------------------------------------------------------------------------------------


def _readers(mapping: Mapping, terms: Terms) -> dict[int, Reader]:
    """The reader of each mapped column."""
    plain: dict[str, Reader] = {
        "name": read_name,
        "uscc": read_uscc,
        "region": region_reader(terms.regions),
        "industry": read_industry,
        "lng": read_degrees,
        "lat": read_degrees,
        "lnglat": read_pair,
        "crs": read_crs,
        "contact_name": lambda raw: read_text(raw, 40),
        "contact_title": lambda raw: read_text(raw, 40),
        "contact_phone": read_phones,
        "second_phone": read_phones,
        "short_name": lambda raw: read_text(raw, 80),
        "former_names": read_names,
        "tags": lambda raw: read_list(raw, lambda piece: read_text(piece, 30)),
        "hnte_number": lambda raw: read_text(raw, 60),
        "hnte_from": read_date,
        "hnte_to": read_date,
    }
    for name in ("above_scale", "hnte", "tech_sme"):
        plain[name] = read_yes
    for name in COUNTS:
        plain[name] = read_count
    readers: dict[int, Reader] = {}
    for column, name in mapping.columns.items():
        if name in MONEY:
            readers[column] = money_reader(mapping.units.get(column, "万元"))
        elif name:
            readers[column] = plain.get(name, read_text)
    return readers


def _check_row(
    grid: Grid, index: int, mapping: Mapping, readers: dict[int, Reader], terms: Terms
) -> RowResult:
    values: dict[str, Any] = {}
    years: dict[int, dict[str, Any]] = defaultdict(dict)
    notes: list[Note] = []
    raws: dict[str, Value] = {}
    refused_fields: set[str] = set()
    for column, reader in readers.items():
        name = mapping.columns[column]
        raw = grid.at(index, column)
        filled_from = None
        if raw is None and (origin := grid.merged.get((index, column))) and origin[1] == column:
            raw = grid.at(*origin)
            filled_from = origin[0]
        reading = reader(raw)
        if filled_from is not None and raw is not None and not reading.refused:
            reading.notes = [
                Note(
                    Kind.REPAIR,
                    N_("合并的单元格，用第 %(row)s 行的值"),
                    {"row": filled_from + 1},
                    "",
                    shown(raw),
                )
            ]
        for note in reading.notes:
            note.column = mapping.headers.get(column) or _letters(column)
            note.field = name
            notes.append(note)
        if reading.refused:
            refused_fields.add(name)
        raws[name] = raw
        if name in YEARLY and column in mapping.years:
            if reading.value is not None:
                years[mapping.years[column]][name] = reading.value
        else:
            values[name] = reading.value
    enterprise = EnterpriseRow(
        **{
            name: values[name]
            for name in (
                "region", "address", "industry", "contact_name", "contact_title", "short_name", "hnte", "hnte_number",
                "hnte_from", "hnte_to", "tech_sme",
            )
            if values.get(name) is not None
        }
    )  # fmt: skip
    enterprise.name, enterprise.uscc = values.get("name") or "", values.get("uscc") or ""
    enterprise.former_names = [name for name in values.get("former_names") or [] if name != enterprise.name]
    enterprise.tags = values.get("tags") or []
    enterprise.phones = list(
        dict.fromkeys([*(values.get("contact_phone") or []), *(values.get("second_phone") or [])])
    )
    enterprise.years = dict(years)
    staffed = [year for year, figures in years.items() if "staff" in figures]
    enterprise.staff = years[max(staffed)]["staff"] if staffed else values.get("staff")
    for name in ("name", "uscc", "region"):
        if name in raws and name not in refused_fields and not values.get(name):
            notes.append(_missing(name))
    if not {"lng", "lat", "lnglat", "crs"} & refused_fields:
        notes.extend(_place(values, enterprise, terms, mapping))
    notes.extend(_odd_figures(enterprise, mapping))
    if enterprise.hnte_from and enterprise.hnte_to and enterprise.hnte_to <= enterprise.hnte_from:
        notes.append(_about("hnte_to", mapping, Kind.REFUSAL, N_("有效期早于发证日期")))
    name = enterprise.name or clean_text(shown(raws.get("name")))
    if any(note.kind is Kind.REFUSAL for note in notes):
        return RowResult(index + 1, Verdict.REFUSED, notes, None, name, enterprise.uscc)
    verdict = Verdict.REPAIRED if any(note.kind is Kind.REPAIR for note in notes) else Verdict.TAKEN
    return RowResult(index + 1, verdict, notes, enterprise, name, enterprise.uscc)


_MISSING = {"name": N_("没有企业名称"), "uscc": N_("没有统一社会信用代码"), "region": N_("没有填旗县区")}


def _missing(name: str) -> Note:
    return Note(Kind.REFUSAL, _MISSING[name], field=name)


def _about(name: str, mapping: Mapping, kind: Kind, text: str, **params: Any) -> Note:
    column = mapping.column_of(name)
    heading = "" if column is None else mapping.headers.get(column) or _letters(column)
    before = str(params.pop("before", ""))
    after = str(params.pop("after", ""))
    return Note(kind, text, params, before, after, column=heading or FIELDS[name], field=name)


def _letters(column: int) -> str:
    """Excel's name of a 0-based column, for one without a heading."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _place(values: dict[str, Any], enterprise: EnterpriseRow, terms: Terms, mapping: Mapping) -> list[Note]:
    """Checks the two numbers together, puts them the right way round and converts them to WGS-84."""
    lng, lat = values.get("lng"), values.get("lat")
    field_name = "lng"
    if lng is None and lat is None and values.get("lnglat"):
        lng, lat = values["lnglat"]
        field_name = "lnglat"
    if lng is None and lat is None:
        return []
    if lng is None or lat is None:
        missing, there = ("lng", "lat") if lng is None else ("lat", "lng")
        if mapping.column_of(missing) is None:
            return []  # the sheet has only one of the two columns; nothing can be said about the row
        text = N_("只填了纬度，没有经度") if missing == "lng" else N_("只填了经度，没有纬度")
        return [_about(there, mapping, Kind.REFUSAL, text)]
    notes: list[Note] = []
    if lng == 0 and lat == 0:
        return [_about(field_name, mapping, Kind.REPAIR, N_("当作没填"), before="0, 0")]
    if not in_china(lng, lat):
        if not in_china(lat, lng):
            return [
                _about(
                    field_name,
                    mapping,
                    Kind.REFUSAL,
                    N_("坐标 %(lng)s, %(lat)s 不在中国范围内，请核对"),
                    lng=f"{lng:g}",
                    lat=f"{lat:g}",
                )
            ]
        notes.append(
            _about(
                field_name,
                mapping,
                Kind.REPAIR,
                N_("经度和纬度填反了，换过来"),
                before=f"{lng:.6f}, {lat:.6f}",
                after=f"{lat:.6f}, {lng:.6f}",
            )
        )
        lng, lat = lat, lng
    if round(lng, 2) == lng and round(lat, 2) == lat:
        notes.append(_about(field_name, mapping, Kind.QUESTION, N_("坐标只写到小数点后两位，会差一公里左右")))
    enterprise.given_lng, enterprise.given_lat = lng, lat
    enterprise.given_crs = values.get("crs")
    placed = to_wgs84(lng, lat, enterprise.given_crs or terms.default_crs)
    enterprise.lng, enterprise.lat = round(placed[0], 7), round(placed[1], 7)
    return notes


def _odd_figures(enterprise: EnterpriseRow, mapping: Mapping) -> list[Note]:
    notes = []
    for figures in enterprise.years.values():
        revenue, spend = figures.get("revenue"), figures.get("rd_spend")
        if revenue is not None and spend is not None and spend > max(revenue, Decimal(0)) and revenue >= 0:
            notes.append(
                _about(
                    "rd_spend", mapping, Kind.QUESTION,
                    N_("研发费用 %(spend)s 万元比营业收入 %(revenue)s 万元还多，对吗？"),
                    spend=f"{spend:,}", revenue=f"{revenue:,}",
                )
            )  # fmt: skip
        staff = figures.get("staff", enterprise.staff)
        if staff is not None and (figures.get("rd_staff") or 0) > staff:
            notes.append(
                _about(
                    "rd_staff", mapping, Kind.QUESTION, N_("研发人员 %(some)s 人比职工 %(all)s 人还多，对吗？"),
                    some=figures["rd_staff"], all=staff,
                )
            )  # fmt: skip
    return notes


# --- rows together --------------------------------------------------------------------------------------------------


def _find_doubles(results: list[RowResult], raws: dict[int, tuple[Value, ...]], mapping: Mapping) -> None:
    """The same code twice: the same content is skipped, other content refuses both, each naming the other's row."""
    by_code: dict[str, list[RowResult]] = defaultdict(list)
    by_name: dict[str, list[RowResult]] = defaultdict(list)
    for result in results:
        if result.verdict is Verdict.SKIPPED:
            continue
        if result.uscc:
            by_code[result.uscc].append(result)
        if result.name and result.enterprise is not None:
            by_name[result.name].append(result)
    for group in by_code.values():
        if len(group) > 1:
            _settle_doubles(group, raws, mapping)
    for group in by_name.values():
        taken = [result for result in group if result.enterprise is not None]
        if len({result.uscc for result in taken}) < 2:
            continue
        for result in taken:
            other = next(one for one in taken if one.uscc != result.uscc)
            result.notes.append(
                _about(
                    "name",
                    mapping,
                    Kind.QUESTION,
                    N_("和第 %(row)s 行同名，信用代码不同，是两家企业吗？"),
                    row=other.row,
                )
            )


def _settle_doubles(group: list[RowResult], raws: dict[int, tuple[Value, ...]], mapping: Mapping) -> None:
    def same(one: RowResult, other: RowResult) -> bool:
        if one.enterprise is not None and other.enterprise is not None:
            return one.enterprise == other.enterprise
        return raws[one.row] == raws[other.row]

    first, *others = group
    if all(same(first, other) for other in others):
        for other in others:
            other.verdict, other.enterprise = Verdict.SKIPPED, None
            other.notes = [Note(Kind.SKIP, N_("和第 %(row)s 行完全相同"), {"row": first.row})]
        return
    for result in group:
        rows = [other.row for other in group if other is not result]
        differing = _differing(result, group, raws, mapping)
        result.verdict, result.enterprise = Verdict.REFUSED, None
        result.notes = [note for note in result.notes if note.kind is Kind.REFUSAL]
        result.notes.append(
            _about(
                "uscc", mapping, Kind.REFUSAL, N_("和第 %(rows)s 行重复：信用代码相同，%(columns)s不同，请留一行"),
                rows="、".join(str(row) for row in rows[:5]), columns=differing,
            )
        )  # fmt: skip


def _differing(
    result: RowResult, group: list[RowResult], raws: dict[int, tuple[Value, ...]], mapping: Mapping
) -> str:
    headings = [
        mapping.headers.get(column) or _letters(column) for column, name in mapping.columns.items() if name
    ]
    different = [
        heading
        for position, heading in enumerate(headings)
        if any(
            shown(raws[other.row][position]).strip() != shown(raws[result.row][position]).strip()
            for other in group
        )
    ]
    return "、".join(different[:4]) + (N_("等") if len(different) > 4 else "")


__all__ = ["CellError", "EnterpriseRow", "Reading", "RowResult", "Terms", "Verdict", "check", "count"]
