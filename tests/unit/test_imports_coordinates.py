"""Between WGS-84, GCJ-02 and BD-09."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.coordinates import (
    BD09,
    GCJ02,
    SYSTEMS,
    WGS84,
    bd09_to_gcj02,
    from_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    metres_between,
    to_wgs84,
    wgs84_to_gcj02,
)

IN_CHINA = (st.floats(73.6, 135.0), st.floats(18.2, 53.5))


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [  # published with coordtransform and its ports
        ((118.0, 32.0), (118.00543101, 31.99796438)),
        ((121.5272106, 31.1774276), (121.5315419, 31.1753040)),
        ((113.912316, 22.543847), (113.9171765, 22.5407961)),
        ((116.377817, 39.911954), (116.3840472, 39.9133455)),
    ],
)
def test_known_places(wgs, gcj):
    assert metres_between(*wgs84_to_gcj02(*wgs), *gcj) < 1.5
    assert metres_between(*gcj02_to_wgs84(*gcj), *wgs) < 1.5


def test_known_place_of_baidu():
    assert metres_between(*gcj02_to_bd09(118.0, 32.0), 118.00653128313961, 32.00581846664105) < 0.001


@given(*IN_CHINA)
def test_there_and_back_is_the_same_place(lng, lat):
    for system in SYSTEMS:
        assert metres_between(*to_wgs84(*from_wgs84(lng, lat, system), system), lng, lat) < 0.1


@given(*IN_CHINA)
def test_back_and_there_is_the_same_place(lng, lat):
    assert metres_between(*wgs84_to_gcj02(*gcj02_to_wgs84(lng, lat)), lng, lat) < 0.1
    assert metres_between(*gcj02_to_bd09(*bd09_to_gcj02(lng, lat)), lng, lat) < 0.1


@given(*IN_CHINA)
def test_the_offset_is_some_hundred_metres(lng, lat):
    assert 10 < metres_between(*wgs84_to_gcj02(lng, lat), lng, lat) < 1_500


def test_outside_china_nothing_moves():
    assert wgs84_to_gcj02(2.35, 48.85) == (2.35, 48.85)
    assert gcj02_to_wgs84(-74.0, 40.7) == (-74.0, 40.7)


def test_an_unknown_system_is_an_error():
    assert to_wgs84(110.0, 40.0, WGS84) == (110.0, 40.0)
    for convert in (to_wgs84, from_wgs84):
        with pytest.raises(ValueError, match="unknown"):
            convert(110.0, 40.0, "西安80")
    assert {GCJ02, BD09, WGS84} == set(SYSTEMS)
