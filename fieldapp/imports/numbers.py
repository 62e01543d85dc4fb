"""Money in 万元, counts and dates, as offices write them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from fieldapp.imports.columns import UNITS
from fieldapp.imports.readings import Kind, Note, Reader, Reading, refused, repaired, shown
from fieldapp.imports.sheets import Value
from fieldapp.imports.texts import _INVISIBLE, _as_text, _is_nothing
from fieldapp.languages import N_

_NUMBER = re.compile(
    r"""^(?P<about>约|大约|近|将近|接近|约为|大概|≈|~)?\s*
        (?P<currency>人民币|rmb|cny|¥|￥)?\s*
        (?P<open>\()?(?P<number>[-+−–]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)(?P<close>\))?\s*
        (?P<more>余|多|来|左右|上下|以上|以内)?\s*
        (?P<unit>[^\d\s]*?)\s*(?P<after>左右|上下|以上|以内|余|\+)?$""",
    re.X | re.I,
)
_MONEY_UNITS = {
    "": None, "元": "元", "块": "元", "圆": "元", "千元": "千元", "千": "千元", "万元": "万元", "万": "万元",
    "百万元": "百万元", "百万": "百万元", "千万元": "千万元", "千万": "千万元", "亿元": "亿元", "亿": "亿元",
}  # fmt: skip
_PEOPLE_UNITS = {"", "人", "名", "位", "个", "口"}
CENT = Decimal("0.01")
LARGEST = Decimal("999999999999.99")  # Numeric(14, 2)


@dataclass(slots=True)
class _Number:
    number: Decimal
    about: bool
    unit: str
    plain: bool  # nothing but digits, sign and point
    grouped: bool  # written with thousands separators


def _number(raw: Value) -> _Number | None:
    """The one number a cell holds, or None when it holds something else."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, float | int):
        number = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
        return _Number(number, False, "", True, False) if number.is_finite() else None
    if not isinstance(raw, str) or len(raw) > 60:
        return None
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", raw)).replace("，", ",").replace("、", "?")
    text = re.sub(r"(?<=\d)\s+(?=\d{3}(?:\D|$))", ",", text).replace("'", "").strip().lower()
    found = _NUMBER.match(text)
    if not found or bool(found["open"]) != bool(found["close"]):
        return None
    digits = found["number"].replace("−", "-").replace("–", "-")
    whole = digits.split(".")[0].lstrip("+-").split("e")[0]
    if "," in whole and not (
        re.fullmatch(r"\d{1,3}(,\d{3})+", whole) or re.fullmatch(r"\d{1,4}(,\d{4})+", whole)
    ):
        return None
    try:
        number = Decimal(digits.replace(",", ""))
    except InvalidOperation:
        return None
    if found["open"]:
        number = -number  # accountants' (1,200)
    about = bool(found["about"] or found["more"] or found["after"])
    plain = raw == digits and re.fullmatch(r"[-0-9.]+", digits) is not None
    return _Number(number, about, found["unit"] or "", plain, "," in digits)


def money_reader(unit: str) -> Reader:
    """A reader of money in `unit` (one of UNITS) unless the cell states its own; the value is a Decimal of 万元."""
    factor = UNITS[unit]

    def read_money(raw: Value) -> Reading:
        if (empty := _is_nothing(raw)) is not None:
            return empty
        if isinstance(raw, date | time | timedelta):
            return refused(raw, N_("被 Excel 存成了日期"), N_("，请把这一格设成数字，重新填"))
        if isinstance(raw, str) and re.search(r"[%％]", raw):
            return refused(raw, N_("写的是百分比“%(said)s”，要填金额"), said=shown(raw))
        read = _number(raw)
        if read is None or read.unit not in _MONEY_UNITS:
            return refused(raw, N_("写的是“%(said)s”，要填数字"), said=shown(raw))
        if read.about:
            return refused(raw, N_("写的是“%(said)s”，金额要填准确的数字"), said=shown(raw))
        own = _MONEY_UNITS[read.unit]
        exact = read.number * (UNITS[own] if own else factor)
        if abs(exact) > LARGEST:
            return refused(raw, N_("数字太大：%(said)s"), said=shown(raw))
        value = exact.quantize(CENT)
        reading = Reading(value)
        if own and own != unit:
            reading = repaired(value, raw, f"{value:,} 万元", N_("按格子里写的单位换成万元"))
        elif own:
            reading = repaired(value, raw, f"{value:,} 万元", N_("去掉单位"))
        elif not read.plain:
            sentence = N_("去掉千分位逗号") if read.grouped else N_("统一写法")
            reading = repaired(value, raw, f"{value:,} 万元", sentence)
        if value < 0:
            reading.notes.append(
                Note(Kind.QUESTION, N_("是负数：%(said)s，对吗？"), {"said": shown(raw)}, shown(raw))
            )
        elif value > 10_000_000:  # 1,000 亿元
            reading.notes.append(
                Note(
                    Kind.QUESTION,
                    N_("有 %(billion)s 亿元，单位写对了吗？"),
                    {"billion": f"{value / 10_000:,.0f}"},
                    shown(raw),
                )
            )
        return reading

    return read_money


def read_count(raw: Value) -> Reading:
    """A number of people: a whole number, or None. 约120人 is 120, and says so."""
    if (empty := _is_nothing(raw)) is not None:
        return empty
    if isinstance(raw, date | time | timedelta):
        return refused(raw, N_("被 Excel 存成了日期"), N_("，请把这一格设成数字，重新填"))
    read = _number(raw)
    if read is None or read.unit not in _PEOPLE_UNITS:
        return refused(raw, N_("写的是“%(said)s”，要填人数"), said=shown(raw))
    if read.number != read.number.to_integral_value():
        return refused(raw, N_("人数不能带小数：%(said)s"), said=shown(raw))
    value = int(read.number)
    if value < 0:
        return refused(raw, N_("人数不能是负数：%(said)s"), said=shown(raw))
    if value > 2_000_000_000:
        return refused(raw, N_("数字太大：%(said)s"), said=shown(raw))
    if read.about:
        reading = repaired(value, raw, value, N_("是大约数"))
    elif not read.plain:
        reading = repaired(
            value, raw, value, N_("去掉千分位逗号") if read.grouped and not read.unit else N_("只留数字")
        )
    else:
        reading = Reading(value)
    if value > 300_000:
        reading.notes.append(
            Note(Kind.QUESTION, N_("有 %(number)s 人，对吗？"), {"number": f"{value:,}"}, shown(raw))
        )
    return reading


def read_date(raw: Value) -> Reading:
    """A day; Excel's serial numbers and 2023年10月12日 are understood, a month alone is not."""
    if (empty := _is_nothing(raw)) is not None:
        return empty
    if isinstance(raw, datetime):
        return Reading(raw.date())
    if isinstance(raw, date):
        return Reading(raw)
    if (
        isinstance(raw, float | int)
        and not isinstance(raw, bool)
        and 20_000 <= raw <= 80_000
        and float(raw).is_integer()
    ):
        day = date(1899, 12, 30) + timedelta(days=int(raw))
        return repaired(day, raw, day.isoformat(), N_("Excel 的日期序号换成日期"))
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", _as_text(raw)))
    found = re.fullmatch(r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?|(\d{4})(\d{2})(\d{2})", text)
    if found:
        year, month, on = (int(part) for part in found.groups() if part is not None)
        try:
            day = date(year, month, on)
        except ValueError:
            return refused(raw, N_("没有这一天：%(said)s"), said=shown(raw))
        if text == day.isoformat():
            return Reading(day)
        return repaired(day, raw, day.isoformat(), N_("统一日期写法"))
    return refused(raw, N_("写的是“%(said)s”，要填年月日"), N_("，例如 2025-11-03"), said=shown(raw))
