"""Telephone numbers: several in one cell, dashes, numbers kept as numbers."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time, timedelta

from fieldapp.imports.readings import Kind, Note, Reading, refused, repaired, shown
from fieldapp.imports.sheets import Value
from fieldapp.imports.texts import _INVISIBLE, _is_nothing
from fieldapp.languages import N_

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
