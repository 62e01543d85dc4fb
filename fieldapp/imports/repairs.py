"""One cell at a time: what it says, repaired where there is exactly one way to read it, refused where there is not.

Every reader takes the raw value of a cell and gives a `Reading`: a clean value (or None) and the notes about it. A
repair is a note too, so nothing is changed that the person does not get to see. No reader raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from typing import Any

from stdnum.cn import uscc as stdnum_uscc

from fieldapp.coordinates import BD09, GCJ02, WGS84
from fieldapp.enterprises.industries import DIVISIONS
from fieldapp.imports.columns import UNITS
from fieldapp.imports.sheets import CellError, Value
from fieldapp.languages import N_


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


# --- text -----------------------------------------------------------------------------------------------------------

_INVISIBLE = re.compile(
    r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_CJK = r"\u3400-\u9fff\uf900-\ufaff\u3000-\u303f（）"
_SPACE_IN_CHINESE = re.compile(rf"(?<=[{_CJK}])\s+|\s+(?=[{_CJK}])")
# Full-width letters and digits, the ideographic space, and the look-alikes that PDF copies bring (⼀ for 一).
_WIDE = re.compile(
    r"[\u3000\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff06\uff0f\uff0b\uff0d\uff0e\u2f00-\u2fdf\uf900-\ufaff]"
)
_NOTHING = re.compile(
    r"^(?:[-－—–−_/\\\.。*＊]{1,6}|无|暂无|没有|空|未知|不详|待补|待补充|待定|未填|n/?a|none|null|nil|#|×{1,2})$",
    re.I,
)


def nothing(text: str) -> bool:
    """Ways in which offices write that there is nothing to write."""
    return bool(_NOTHING.match(text.strip()))


def _is_nothing(raw: Value) -> Reading | None:
    """A reading for the ways to say nothing; None when the cell says something."""
    if raw is None:
        return Reading(None)
    if isinstance(raw, CellError):
        if raw.code:
            return refused(
                raw, N_("这一格是 Excel 的错误值 %(code)s"), N_("，请把公式改好，或直接填数"), code=raw.code
            )
        return refused(
            raw, N_("这一格是公式，表里没有存计算结果"), N_("，请用 Excel 打开、保存一次再传，或直接填数")
        )
    if isinstance(raw, str):
        bare = _INVISIBLE.sub("", raw).strip()
        if not bare:
            return Reading(None)
        if nothing(bare):
            return repaired(None, raw, "", N_("当作没填"))
    return None


def clean_text(text: str) -> str:
    """Text as it should have been typed: half-width letters, no stray spaces, Chinese brackets kept Chinese."""
    text = _INVISIBLE.sub("", text)
    text = _WIDE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    text = re.sub(r"\s+", " ", text).strip()
    return _SPACE_IN_CHINESE.sub("", text)


def _as_text(raw: Value) -> str:
    """What was typed, for a text column in which Excel may have stored a number or a date."""
    return raw if isinstance(raw, str) else shown(raw)


def _text_difference(before: str, after: str) -> str:
    if _INVISIBLE.search(before):
        return N_("去掉看不见的字符")
    if re.sub(r"\s", "", before) == re.sub(r"\s", "", after):
        return N_("去掉空格")
    if re.sub(r"\s", "", unicodedata.normalize("NFKC", before)) == re.sub(
        r"\s", "", unicodedata.normalize("NFKC", after)
    ):
        return N_("统一全角和半角")
    return N_("统一写法")


def read_text(raw: Value, longest: int = 200) -> Reading:
    """Any short text: job title, address. Refused when longer than `longest` characters."""
    if (empty := _is_nothing(raw)) is not None:
        return empty
    text = _as_text(raw)
    clean = clean_text(text)
    if len(clean) > longest:
        return refused(raw, N_("有 %(length)s 个字，最多 %(most)s 个"), length=len(clean), most=longest)
    if clean != text:
        return repaired(clean, raw, clean, _text_difference(text, clean))
    return Reading(clean)


def read_name(raw: Value) -> Reading:
    """A company's name, brackets always （）. None when the cell is empty."""
    if (empty := _is_nothing(raw)) is not None:
        return empty if empty.refused else Reading(None)
    text = _as_text(raw)
    clean = clean_text(text)
    bracketed = re.sub(r"\s*[(（〔［]\s*", "（", clean)
    bracketed = re.sub(r"\s*[)）〕］]\s*", "）", bracketed)
    if len(bracketed) < 2 or not re.search(r"[^\W\d_]", bracketed):
        return refused(raw, N_("“%(name)s”不像企业名称"), name=shown(raw))
    if len(bracketed) > 120:
        return refused(raw, N_("有 %(length)s 个字，最多 %(most)s 个"), length=len(bracketed), most=120)
    if bracketed.count("（") != bracketed.count("）"):
        return asked(bracketed, raw, N_("企业名称里的括号不成对，是 %(name)s 吗？"), name=bracketed)
    if bracketed != text:
        sentence = N_("括号统一用（）") if bracketed != clean else _text_difference(text, clean)
        return repaired(bracketed, raw, bracketed, sentence)
    return Reading(bracketed)


def read_list(raw: Value, each: Reader = read_text) -> Reading:
    """Several texts in a cell, cut at 、；; and line ends. The value is a list."""
    if (empty := _is_nothing(raw)) is not None:
        empty.value = None if empty.refused else []
        return empty
    result = Reading([])
    for piece in re.split(r"[、；;|\n]|(?<=\S)[,，]", _as_text(raw)):
        reading = each(piece)
        if reading.refused:
            return reading
        if reading.value and reading.value not in result.value:
            result.value.append(reading.value)
    return result


def read_names(raw: Value) -> Reading:
    """Former names: a list of company names."""
    return read_list(raw, read_name)


_YES = {"是", "y", "yes", "true", "1", "√", "✓", "✔", "☑", "有", "对", "已认定", "高企", "规上", "科小"}
_NO = {
    "否",
    "n",
    "no",
    "false",
    "0",
    "×",
    "x",
    "✗",
    "✘",
    "☐",
    "不是",
    "没有",
    "无",
    "未认定",
    "非",
    "-",
    "—",
    "－",
    "/",
}


def read_yes(raw: Value) -> Reading:
    """True, False, or None when empty."""
    if raw is None or isinstance(raw, CellError):
        return _is_nothing(raw) or Reading(None)
    text = clean_text(_as_text(raw)).lower()
    if not text:
        return Reading(None)
    if text in ("是", "否"):
        return Reading(text == "是")
    if text in _YES:
        return repaired(True, raw, "是", N_("按“是”读"))
    if text in _NO:
        return repaired(False, raw, "否", N_("按“否”读"))
    return refused(raw, N_("写的是“%(said)s”，要填是或否"), said=shown(raw))


# --- credit code ----------------------------------------------------------------------------------------------------

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LOOK_ALIKE = str.maketrans("IOZSV", "1025U")
_ORGANISATION = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def uscc_check(code: str) -> str:
    """The check character that GB 32100-2015 gives to the first 17."""
    return str(stdnum_uscc.calc_check_digit(code[:17]))


def _organisation_check(code: str) -> bool:
    """GB 11714: characters 9–17 carry a check of their own, which tells where in a wrong code the mistake may be."""
    total = sum(
        _ORGANISATION.index(letter) * weight
        for letter, weight in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return "0123456789X0"[11 - total % 11] == code[16]


_USCC_SHAPE = re.compile(rf"^[1-9ANY][1-9]\d{{6}}[{USCC_ALPHABET}]{{10}}$")


def uscc_fault(code: str) -> tuple[str, str, dict[str, object]] | None:
    """(sentence, suggestion, values) of what is wrong with an upper-case code, or None when it follows GB 32100-2015.

    stdnum is stricter than the standard, which also knows the authorities A, N and Y; only its sum is used. The region
    digits are the place of registration and are never a reason.
    """
    length = len(code)
    if strange := sorted(set(re.sub(r"[0-9A-Z]", "", code))):
        return N_("有不该有的字符“%(letters)s”"), "", {"letters": "".join(strange)[:6]}
    if length == 15 and code.isdigit():
        return N_("是 15 位的老注册号"), N_("，请换成 18 位统一社会信用代码"), {}
    if length == 9:
        return N_("只有 9 位，像是组织机构代码"), N_("，请换成 18 位统一社会信用代码"), {}
    if length == 17:
        return N_("只有 17 位，可能掉了一位"), N_("，请对着营业执照补上"), {}
    if length < 18:
        return N_("只有 %(length)s 位，应为 18 位"), N_("，请对着营业执照补全"), {"length": length}
    if length > 18:
        return (
            N_("有 %(length)s 位，应为 18 位，多了 %(more)s 位"),
            "",
            {"length": length, "more": length - 18},
        )
    if wrong := sorted(set(code) & set("IOZSV")):
        guess = code.translate(_LOOK_ALIKE)
        values: dict[str, object] = {"letters": "、".join(wrong), "guess": guess}
        if _USCC_SHAPE.match(guess) and uscc_check(guess) == guess[17]:
            return N_("含有代码里不用的字母 %(letters)s"), N_("，是 %(guess)s 吗？"), values
        return N_("含有代码里不用的字母 %(letters)s"), N_("，常见的看错是 I→1、O→0、Z→2、S→5、V→U"), values
    if not _USCC_SHAPE.match(code):
        return (
            N_("前 8 位应当是登记机关、类别和 6 位数字的行政区划"),
            N_("，请对着营业执照核对"),
            {"code": code},
        )
    expected = uscc_check(code)
    if code[17] == expected:
        return None
    values = {"last": code[17], "expected": expected}
    if _organisation_check(code):
        return N_("校验位不对：末位是 %(last)s，按规则应为 %(expected)s"), N_("，请对着营业执照核对"), values
    return N_("校验位不对，而且前面 17 位里也像有写错的"), N_("，请对着营业执照逐位核对"), values


def read_uscc(raw: Value) -> Reading:
    """A credit code, upper case, 18 characters. None when the cell is empty."""
    if (empty := _is_nothing(raw)) is not None:
        return empty if empty.refused else Reading(None)
    if isinstance(raw, float | int) and abs(raw) >= 1e15:
        return refused(raw, N_("被 Excel 存成了数字，末几位已经丢了"), N_("，请把这一列设成文本，重新填"))
    text = _as_text(raw)
    half = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    code = re.sub(r"[\s'’‘`\"“”\-‐–—_.·:：]", "", half).upper()
    fault = uscc_fault(code)
    if fault:
        sentence, hint, values = fault
        reading = refused(raw, sentence, hint, **values)
        reading.value = (
            code  # kept so that two rows with the same wrong code can be told apart from two enterprises
        )
        return reading
    if code == text:
        return Reading(code)
    if re.sub(r"\s", "", text) == code:
        sentence = N_("去掉空格")
    elif _INVISIBLE.sub("", text) != half:
        sentence = N_("全角改半角")
    elif half.upper() != half and len(half) == 18:
        sentence = N_("小写改大写")
    else:
        sentence = N_("统一写法")
    return repaired(code, raw, code, sentence)


# --- regions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownRegion:
    """A region as the importer needs it: its GB/T 2260 code and its full name."""

    code: str
    name: str


_KINDS_OF_REGION = "市区县旗盟州"


def _is_short_for(short: str, name: str) -> bool:
    """达茂旗 for 达尔罕茂明安联合旗, 昆区 for 昆都仑区, 东河 for 东河区: same start, letters in the same order."""
    if len(short) < 2 or short[0] != name[0]:
        return False
    if short[-1] in _KINDS_OF_REGION and short[-1] != name[-1]:
        return False
    rest = iter(name)
    return all(letter in rest for letter in short)


def region_reader(regions: Sequence[KnownRegion]) -> Reader:
    """A reader whose value is the full name of one of `regions`."""
    names = [region.name for region in regions]
    codes = {region.code: region.name for region in regions if region.code}

    @lru_cache(maxsize=4096)
    def find(text: str) -> tuple[str | None, list[str]]:
        if text in names:
            return text, []
        if text in codes:
            return codes[text], []
        ending = [name for name in names if text.endswith(name)]  # 包头市昆都仑区
        if len(ending) == 1:
            return ending[0], []
        short = [name for name in names if _is_short_for(text, name)]
        if len(short) == 1:
            return short[0], []
        if len(short) > 1:
            return None, short
        after_city = re.sub(r"^.{2,4}?市", "", text)
        if after_city != text and after_city:
            return find(after_city)
        return None, get_close_matches(text, names, n=1, cutoff=0.5) or get_close_matches(
            text[:-1] + "区", names, n=1, cutoff=0.6
        )

    def read_region(raw: Value) -> Reading:
        if (empty := _is_nothing(raw)) is not None:
            return empty if empty.refused else Reading(None)
        text = re.sub(r"\s", "", clean_text(_as_text(raw)))
        name, near = find(text)
        if name is not None:
            if name == _as_text(raw):
                return Reading(name)
            said = N_("去掉空格") if name == text else N_("写成全称")
            return repaired(name, raw, name, said)
        if len(near) > 1:
            return refused(
                raw,
                N_("“%(said)s”可以是 %(names)s"),
                N_("，请写全称"),
                said=shown(raw),
                names="、".join(near[:4]),
            )
        if near:
            return refused(
                raw, N_("“%(said)s”不在名单里"), N_("，是%(name)s吗？"), said=shown(raw), name=near[0]
            )
        return refused(raw, N_("“%(said)s”不在名单里"), N_("，请写旗县区的全称"), said=shown(raw))

    return read_region


# --- numbers --------------------------------------------------------------------------------------------------------

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


# --- industry -------------------------------------------------------------------------------------------------------

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


# --- telephones -----------------------------------------------------------------------------------------------------

_MOBILE = r"(?:(?:\+|00)?86[-\s]?)?1[3-9]\d(?:[-\s]?\d){8}"
_SERVICE = r"[48]00[-\s]?\d{3}[-\s]?\d{4}|[48]00[-\s]?\d{4}[-\s]?\d{3}"
_EXTENSION = r"(?:(?:-|转|ext\.?|#)\s?\d{1,5}(?!\d))?"
_LANDLINE = r"(?:\(?(?:\+?86[-\s]?)?0\d{2,3}\)?[-\s]{0,2})?[2-9]\d{2,3}[-\s]?\d{4}" + _EXTENSION
_PHONE = re.compile(
    rf"(?<!\d)(?:(?P<mobile>{_MOBILE})|(?P<service>{_SERVICE})|(?P<landline>{_LANDLINE}))(?!\d)", re.I
)
MOST_PHONES = 3
_BETWEEN = re.compile(
    r"(?:[\s、,，;；/|\\.。:：()（）\-或和及]|手机号?码?|电话|座机|办公室?|办|宅电?|tel|固话|移动)*", re.I
)


def _tidy_phone(found: re.Match[str]) -> str:
    text = found.group()
    if found["mobile"]:
        return re.sub(r"\D", "", text)[-11:]
    if found["service"]:
        digits = re.sub(r"\D", "", text)
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    number, *extension = re.split(r"转|ext\.?|#|(?<=\d{7})-(?=\d{1,5}$)", text, flags=re.I)
    area = re.match(r"\(?(?:\+?86[-\s]?)?(0(?:10|2\d|[3-9]\d{2}))\)?[-\s]{0,2}(.*)$", number)
    digits = re.sub(r"\D", "", area[2] if area else number)
    tail = "-" + re.sub(r"\D", "", extension[0]) if extension and extension[0] else ""
    return (f"{area[1]}-" if area else "") + digits + tail


def read_phones(raw: Value) -> Reading:
    """A list of telephone numbers, the first mobile first. Digits are never added or dropped."""
    if (empty := _is_nothing(raw)) is not None:
        empty.value = None if empty.refused else []
        return empty
    if isinstance(raw, bool | date | time | timedelta):
        return refused(raw, N_("写的是“%(said)s”，不是电话号码"), said=shown(raw))
    text = shown(raw) if not isinstance(raw, str) else raw
    half = (
        unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
        .replace("—", "-")
        .replace("–", "-")
        .replace("−", "-")
    )
    half = re.sub(r"-{2,}", "-", half).strip().lstrip("'")
    if re.fullmatch(r"1\d{10}", half):
        numbers = [half] if half[1] in "3456789" else []
    else:
        numbers = [_tidy_phone(found) for found in _PHONE.finditer(half)]
    rest = _PHONE.sub("", half) if numbers else half
    if not numbers or not _BETWEEN.fullmatch(rest):
        return _phone_refusal(raw, half, rest if numbers else "")
    numbers = list(dict.fromkeys(numbers))
    numbers.sort(
        key=lambda number: not re.fullmatch(r"1\d{10}", number)
    )  # stable: the first mobile becomes the phone
    reading = Reading(numbers)
    if isinstance(raw, float | int):
        reading = repaired(numbers, raw, numbers[0], N_("存成了数字，按电话号码读"))
    elif len(numbers) > 1:
        sentence = N_("一格里有 %(count)s 个号码，分开存")
        reading = repaired(numbers, raw, " + ".join(numbers), sentence, count=len(numbers))
    elif numbers[0] != text:
        if re.sub(r"\s", "", text) == numbers[0]:
            sentence = N_("去掉空格")
        elif re.sub(r"[-\s]", "", text) == numbers[0]:
            sentence = N_("去掉横线")
        else:
            sentence = N_("统一写法")
        reading = repaired(numbers, raw, numbers[0], sentence)
    if re.fullmatch(r"\d{7,8}(-\d+)?", numbers[0]):
        reading.notes.append(
            Note(Kind.QUESTION, N_("座机 %(number)s 没有区号"), {"number": numbers[0]}, shown(raw))
        )
    return reading


def _phone_refusal(raw: Value, half: str, rest: str) -> Reading:
    digits = re.sub(r"\D", "", half)
    if "*" in half or "x" in half.lower():
        return refused(raw, N_("号码被遮住了：%(said)s"), N_("，请填完整的号码"), said=shown(raw))
    if rest and re.search(r"[^\W\d_]", rest):
        return refused(
            raw, N_("电话里夹着别的字：%(said)s"), N_("，请只留号码，姓名写到联系人那一列"), said=shown(raw)
        )
    if rest and (left := re.sub(r"^\W+|\W+$", "", rest)):
        return refused(raw, N_("“%(said)s”里的“%(rest)s”不是电话号码"), said=shown(raw), rest=left)
    if isinstance(raw, float | int) and len(digits) in (10, 11) and not digits.startswith("1"):
        guess = f"0{digits[:3]}-{digits[3:]}"
        return refused(
            raw,
            N_("开头的 0 可能被 Excel 去掉了：%(said)s"),
            N_("，是 %(guess)s 吗？"),
            said=shown(raw),
            guess=guess,
        )
    if digits.startswith("1") and len(digits) != 11 and len(digits) < 16:
        return refused(
            raw, N_("手机号有 %(count)s 位，应为 11 位：%(said)s"), count=len(digits), said=shown(raw)
        )
    return refused(raw, N_("写的是“%(said)s”，不是电话号码"), said=shown(raw))


# --- places ---------------------------------------------------------------------------------------------------------

_DMS = re.compile(
    r"^(?P<head>[nsew东西南北][经纬]?)?\s*(?P<sign>-)?(?P<d>\d{1,3}(?:\.\d+)?)\s*(?:°|度|º|˚)?\s*"
    r"(?:(?P<m>\d{1,2}(?:\.\d+)?)\s*(?:′|'|分|’)\s*)?(?:(?P<s>\d{1,2}(?:\.\d+)?)\s*(?:″|\"|秒|”|''|′′)?\s*)?(?P<tail>[nsew])?$"
)


def read_degrees(raw: Value) -> Reading:
    """Degrees as a float: 110.53, 110.53°E, 110°31′55.7″, 东经110度31分. None when empty."""
    if (empty := _is_nothing(raw)) is not None:
        return empty
    if isinstance(raw, float | int) and not isinstance(raw, bool):
        return Reading(float(raw))
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _as_text(raw))).strip().lower().replace("，", ".")
    text = re.sub(r"′′|''", '"', re.sub(r"\s+", " ", text))
    try:
        return Reading(float(text))
    except ValueError:
        pass
    found = _DMS.match(text)
    if not found or (found["s"] and not found["m"]) or isinstance(raw, date | time | timedelta):
        return refused(raw, N_("写的是“%(said)s”，要填度数"), N_("，例如 110.532145"), said=shown(raw))
    minutes, seconds = float(found["m"] or 0), float(found["s"] or 0)
    if minutes >= 60 or seconds >= 60:
        return refused(raw, N_("写的是“%(said)s”，要填度数"), N_("，例如 110.532145"), said=shown(raw))
    value = float(found["d"]) + minutes / 60 + seconds / 3600
    head = (found["head"] or found["tail"] or "")[:1]
    if found["sign"] or head in tuple("sw西南"):
        value = -value
    value = round(value, 7)
    return repaired(value, raw, f"{value:g}" if not found["m"] else f"{value:.6f}", N_("换成度"))


def read_pair(raw: Value) -> Reading:
    """Two numbers in one cell, `110.53,41.74` in either order; the value is a pair as written."""
    if (empty := _is_nothing(raw)) is not None:
        return empty
    pieces = [piece for piece in re.split(r"[,，;；、\s/|]+", _as_text(raw).strip("()（）[] ")) if piece]
    if len(pieces) == 2:
        first, second = (read_degrees(piece) for piece in pieces)
        if not first.refused and not second.refused:
            return Reading((first.value, second.value))
    return refused(
        raw, N_("写的是“%(said)s”，要填经度和纬度两个数"), N_("，例如 110.532145,41.741124"), said=shown(raw)
    )


_SYSTEMS = (
    (re.compile(r"gcj|火星|国测|高德|腾讯|谷歌中国|搜搜|amap"), GCJ02),
    (re.compile(r"bd-?0?9|百度|baidu"), BD09),
    (re.compile(r"wgs|gps|84|cgcs|2000|大地|北斗|天地图"), WGS84),
)


def read_crs(raw: Value) -> Reading:
    """One of coordinates.SYSTEMS, or None when empty. CGCS2000 differs from WGS-84 by centimetres and is read as it."""
    if (empty := _is_nothing(raw)) is not None:
        return empty
    text = _as_text(raw)
    if text in (GCJ02, BD09, WGS84):
        return Reading(text)
    bare = unicodedata.normalize("NFKC", text).lower()
    for pattern, system in _SYSTEMS:
        if pattern.search(bare):
            return repaired(system, raw, system, N_("统一写法"))
    return refused(
        raw,
        N_("不认识坐标系“%(said)s”"),
        N_("，请写 GCJ-02（高德、腾讯）、BD-09（百度）或 WGS-84（GPS）"),
        said=shown(raw),
    )
