"""统一社会信用代码 (GB 32100-2015): repaired in writing, never in substance."""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import uscc as stdnum_uscc

from fieldapp.imports.readings import Reading, refused, repaired
from fieldapp.imports.sheets import Value
from fieldapp.imports.texts import _INVISIBLE, _as_text, _is_nothing
from fieldapp.languages import N_

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
