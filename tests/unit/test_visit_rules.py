"""Decisions about visits: times that can be, positions that can be, and two edits put together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.coordinates import metres_between
from fieldapp.visits.editing import FIELDS, Met, Names, Place, changes_between, differing, join, resolve
from fieldapp.visits.models import VisitWay
from fieldapp.visits.rules import (
    CLOCK_SKEW,
    FAR_REASONS,
    Fix,
    LeftBeforeArriving,
    NotYetArrived,
    TooLongAgo,
    distance_to,
    far_reason,
    is_coarse,
    is_far,
    is_late_entry,
    read_far_reason,
    read_fix,
    require_possible,
)

NOW = datetime(2026, 11, 23, 7, 2, tzinfo=UTC)
HERE = ("40.6580", "109.8410", "18.5")


def _at(**ago: float) -> str:
    return (NOW - timedelta(**ago)).isoformat()


# --- times ----------------------------------------------------------------------------------------------------------


def test_times_that_can_be_pass():
    require_possible(NOW, None, NOW)
    require_possible(NOW - timedelta(hours=2), NOW - timedelta(hours=1), NOW)
    require_possible(NOW + CLOCK_SKEW, None, NOW)  # a phone's clock that runs ahead


@pytest.mark.parametrize(
    ("arrived", "left", "refusal"),
    [
        (NOW + timedelta(hours=1), None, NotYetArrived),
        (NOW - timedelta(days=400), None, TooLongAgo),
        (NOW, NOW - timedelta(minutes=1), LeftBeforeArriving),
    ],
)
def test_times_that_cannot_be_are_refused(arrived, left, refusal):
    with pytest.raises(refusal):
        require_possible(arrived, left, NOW)


def test_a_visit_written_down_on_a_later_day_is_added_later():
    assert is_late_entry(date(2026, 11, 22), date(2026, 11, 23))
    assert not is_late_entry(date(2026, 11, 23), date(2026, 11, 23))


# --- positions ------------------------------------------------------------------------------------------------------


def test_a_position_is_kept_however_long_the_officer_types_afterwards():
    fix = read_fix(*HERE, _at(minutes=60), NOW, asked_at=_at(minutes=60, seconds=4))
    assert fix == Fix(40.658, 109.841, 18.5, NOW - timedelta(minutes=60))


def test_a_position_known_longer_than_a_minute_before_the_tap_is_dropped():
    assert read_fix(*HERE, _at(seconds=61), NOW, asked_at=_at()) is None
    assert read_fix(*HERE, _at(seconds=60), NOW, asked_at=_at()) is not None


def test_a_position_that_took_longer_than_ten_seconds_is_dropped():
    assert read_fix(*HERE, _at(), NOW, asked_at=_at(seconds=11)) is None
    assert read_fix(*HERE, _at(), NOW, asked_at=_at(seconds=10)) is not None


def test_a_position_belongs_to_the_visit_it_was_taken_at():
    assert read_fix(*HERE, _at(), NOW, arrived_at=NOW - timedelta(hours=3)) is not None
    assert read_fix(*HERE, _at(), NOW, arrived_at=NOW - timedelta(days=1)) is None


def test_a_clock_that_runs_ahead_a_little_is_forgiven_a_future_is_not():
    assert read_fix(*HERE, (NOW + timedelta(minutes=5)).isoformat(), NOW) is not None
    assert read_fix(*HERE, (NOW + timedelta(hours=5)).isoformat(), NOW) is None


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    st.text(max_size=20),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_whatever_is_sent_is_a_position_or_nothing(lat, lng, accuracy, fixed_at, asked_at):
    fix = read_fix(lat, lng, accuracy, fixed_at, NOW, asked_at=asked_at)
    assert fix is None or isinstance(fix, Fix)


@given(st.floats(), st.floats(), st.floats())
def test_a_position_that_is_read_is_on_the_earth(lat, lng, accuracy):
    fix = read_fix(str(lat), str(lng), str(accuracy), _at(), NOW)
    if fix is not None:
        assert -90 <= fix.lat <= 90 and -180 <= fix.lng <= 180 and fix.accuracy >= 0


def test_nothing_sent_is_nothing():
    assert read_fix(None, None, None, None, NOW) is None
    assert read_fix("", "", "", "", NOW) is None


def test_distance_is_in_whole_metres_and_unknown_without_the_enterprises_place():
    fix = Fix(40.6629, 109.8404, 18, NOW)
    assert distance_to(fix, 40.6574, 109.8404) == 612
    assert distance_to(fix, None, 109.8404) is None
    assert distance_to(fix, fix.lat, fix.lng) == 0


def test_a_degree_of_latitude_is_a_hundred_and_eleven_kilometres():
    assert metres_between(110, 40, 110, 41) == pytest.approx(111_195, abs=1)
    assert metres_between(179.9, 0, -179.9, 0) == pytest.approx(22_239, abs=1), "over the date line"


@pytest.mark.parametrize(
    ("distance", "radius", "accuracy", "far"),
    [
        (499, 500, 10, False),
        (501, 500, 10, True),
        (612, 500, 3000, False),
        (3001, 500, 3000, True),
        (None, 500, 10, False),
    ],
)
def test_far_is_beyond_the_radius_and_beyond_what_the_phone_can_tell(distance, radius, accuracy, far):
    assert is_far(distance, radius, accuracy) is far


def test_coarse_is_more_than_half_a_kilometre():
    assert is_coarse(501) and not is_coarse(500) and not is_coarse(None)


@pytest.mark.parametrize("name", ["", *FAR_REASONS])
@pytest.mark.parametrize("words", ["", "在开发区：东门"])
def test_a_reason_reads_back_as_it_was_given(name, words):
    assert read_far_reason(far_reason(name, words)) == (name, words)


def test_a_reason_fits_its_column():
    assert len(far_reason("MOVED", "长" * 300)) == 200


# --- two edits ------------------------------------------------------------------------------------------------------


def _values(**changed):
    values = {
        "met": Met(frozenset({1}), False), "purposes": ["NEEDS"], "said": "甲", "place": Place(), "arrived_at": NOW,
        "left_at": None, "way": VisitWay.ON_SITE, "next_contact_on": None, "companions": [], "override_reason": "",
    }  # fmt: skip
    assert set(values) == set(FIELDS)
    return values | changed


def test_only_what_differs_is_asked_about():
    assert differing(_values(), _values()) == []
    assert differing(_values(), _values(said="乙", way=VisitWay.PHONE)) == ["said", "way"]


def test_seconds_that_no_form_holds_are_no_difference():
    assert differing(_values(arrived_at=NOW + timedelta(seconds=41)), _values()) == []


def test_order_is_no_difference():
    assert differing(_values(purposes=["NEEDS", "POLICY"]), _values(purposes=["POLICY", "NEEDS"])) == []


def test_each_choice_gives_what_it_says():
    stored, mine = _values(said="甲", purposes=["NEEDS"]), _values(said="乙", purposes=["POLICY"])
    assert resolve(stored, mine, {"said": "stored"})["said"] == "甲"
    assert resolve(stored, mine, {"said": "mine"})["said"] == "乙"
    made = resolve(stored, mine, {"said": "both", "purposes": "both"})
    assert made["said"] == "甲\n\n乙" and made["purposes"] == ["NEEDS", "POLICY"]


def test_both_of_what_cannot_be_joined_is_mine():
    stored, mine = _values(way=VisitWay.PHONE), _values()
    assert resolve(stored, mine, {"way": "both"})["way"] is VisitWay.ON_SITE


def test_nothing_is_said_twice():
    assert join("said", "甲", "甲和乙") == "甲和乙"
    assert join("said", "甲和乙", "乙") == "甲和乙"
    assert join("said", "", "乙") == "乙"


def test_nobody_and_somebody_together_are_somebody():
    assert join("met", Met(frozenset(), True), Met(frozenset({2}), False)) == Met(frozenset({2}), False)


def test_the_history_is_told_in_values_that_json_can_hold():
    fix = Fix(40.66, 109.84, 18.4, NOW)
    after = _values(
        met=Met(frozenset(), True), place=Place(fix, 612, "约在别处"), next_contact_on=date(2026, 12, 1), companions=[7],
        left_at=NOW,
    )  # fmt: skip
    told = changes_between(_values(), after, Names({1: "周岚"}, {7: "钱禾"}))
    assert told == {
        "met": [["周岚"], []],
        "met_nobody": [False, True],
        "place": [[], ["612 m", "±18 m", "15:02", "约在别处"]],
        "left_at": [None, "2026-11-23T15:02+08:00"],
        "next_contact_on": [None, "2026-12-01"],
        "companions": [[], ["钱禾"]],
    }
