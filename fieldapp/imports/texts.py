"""Names, lists and yes or no: texts, tidied where there is exactly one way to read them."""

from __future__ import annotations

import re
import unicodedata

from fieldapp.forms import UNSEEN
from fieldapp.imports.readings import Reader, Reading, asked, refused, repaired, shown
from fieldapp.imports.sheets import CellError, Value
from fieldapp.languages import N_

_INVISIBLE = re.compile(rf"[{UNSEEN}\u200c\u200d\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
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
        if raw.damaged:
            return refused(raw, N_("这一格里有坏掉的字，读不出来"), N_("，请对照原来的表改好这一格再传"))
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
