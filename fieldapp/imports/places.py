"""Coordinates and the system they are in."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, time, timedelta

from fieldapp.coordinates import BD09, GCJ02, WGS84
from fieldapp.imports.readings import Reading, refused, repaired, shown
from fieldapp.imports.sheets import Value
from fieldapp.imports.texts import _INVISIBLE, _as_text, _is_nothing
from fieldapp.languages import N_

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
