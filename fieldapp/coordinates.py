"""The three coordinate systems that Chinese places come in, and the way between them.

WGS-84 is what satellites and browsers give and what is stored. GCJ-02 (国测局, “火星坐标”) is what 高德 and 腾讯 maps
show, BD-09 what 百度 maps show. GCJ-02's offset was never published; the polynomial here is the one published in 2010
as “EvilTransform” (github.com/googollee/eviltransform, github.com/wandergis/coordtransform), which agrees with the map
services to about a metre. The way back has no formula: it is found by iteration to below 0.01 m.

All functions take and give (longitude, latitude) in degrees.
"""

from __future__ import annotations

from math import atan2, cos, hypot, pi, sin, sqrt

WGS84 = "WGS-84"
GCJ02 = "GCJ-02"
BD09 = "BD-09"
SYSTEMS = (WGS84, GCJ02, BD09)

_AXIS = 6378245.0  # Krasovsky 1940, metres
_ECCENTRICITY = 0.00669342162296594323
_BAIDU = pi * 3000.0 / 180.0


def in_china(lng: float, lat: float) -> bool:
    """Inside the rectangle in which the offset is applied (it reaches into the neighbours)."""
    return 73.0 <= lng <= 136.0 and 3.0 <= lat <= 54.0


def _offset(lng: float, lat: float) -> tuple[float, float]:
    x, y = lng - 105.0, lat - 35.0
    both = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + both
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + both
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    radians = lat / 180.0 * pi
    magic = 1.0 - _ECCENTRICITY * sin(radians) ** 2
    north = north * 180.0 / ((_AXIS * (1.0 - _ECCENTRICITY)) / (magic * sqrt(magic)) * pi)
    east = east * 180.0 / (_AXIS / sqrt(magic) * cos(radians) * pi)
    return east, north


def wgs84_to_gcj02(lng: float, lat: float) -> tuple[float, float]:
    """For links into 高德 and 腾讯 maps. Outside China the two are the same."""
    if not in_china(lng, lat):
        return lng, lat
    east, north = _offset(lng, lat)
    return lng + east, lat + north


def gcj02_to_wgs84(lng: float, lat: float) -> tuple[float, float]:
    """The place whose GCJ-02 position is the one given, to below 0.01 m."""
    if not in_china(lng, lat):
        return lng, lat
    found_lng, found_lat = lng, lat
    for _ in range(12):  # each round shrinks the error about a hundredfold; three or four suffice
        east, north = _offset(found_lng, found_lat)
        next_lng, next_lat = lng - east, lat - north
        moved = max(abs(next_lng - found_lng), abs(next_lat - found_lat))
        found_lng, found_lat = next_lng, next_lat
        if moved < 1e-9:
            break
    return found_lng, found_lat


def gcj02_to_bd09(lng: float, lat: float) -> tuple[float, float]:
    """For links into 百度 maps."""
    length = hypot(lng, lat) + 0.00002 * sin(lat * _BAIDU)
    angle = atan2(lat, lng) + 0.000003 * cos(lng * _BAIDU)
    return length * cos(angle) + 0.0065, length * sin(angle) + 0.006


def bd09_to_gcj02(lng: float, lat: float) -> tuple[float, float]:
    """The place whose BD-09 position is the one given, to below 0.01 m."""
    found_lng, found_lat = lng - 0.0065, lat - 0.006
    for _ in range(12):
        there_lng, there_lat = gcj02_to_bd09(found_lng, found_lat)
        found_lng, found_lat = found_lng + lng - there_lng, found_lat + lat - there_lat
        if max(abs(lng - there_lng), abs(lat - there_lat)) < 1e-9:
            break
    return found_lng, found_lat


def to_wgs84(lng: float, lat: float, system: str) -> tuple[float, float]:
    """From any of SYSTEMS. Raises ValueError for another."""
    if system == WGS84:
        return lng, lat
    if system == GCJ02:
        return gcj02_to_wgs84(lng, lat)
    if system == BD09:
        return gcj02_to_wgs84(*bd09_to_gcj02(lng, lat))
    raise ValueError(f"unknown coordinate system {system!r}")


def from_wgs84(lng: float, lat: float, system: str) -> tuple[float, float]:
    """Into any of SYSTEMS. Raises ValueError for another."""
    if system == WGS84:
        return lng, lat
    if system == GCJ02:
        return wgs84_to_gcj02(lng, lat)
    if system == BD09:
        return gcj02_to_bd09(*wgs84_to_gcj02(lng, lat))
    raise ValueError(f"unknown coordinate system {system!r}")


def metres_between(lng_a: float, lat_a: float, lng_b: float, lat_b: float) -> float:
    """Distance on a sphere of the mean earth radius, in metres."""
    a, b = lat_a * pi / 180, lat_b * pi / 180
    half_lat, half_lng = (b - a) / 2, (lng_b - lng_a) * pi / 360
    h = sin(half_lat) ** 2 + cos(a) * cos(b) * sin(half_lng) ** 2
    return 2 * 6_371_008.8 * atan2(sqrt(h), sqrt(max(0.0, 1 - h)))
