"""The over-visit guard's rules: what is understood of quiet times, and what there is to think about."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.visits.burden import (
    DAY,
    EVERY_DAY,
    Nearby,
    Quiet,
    concerns_of,
    is_quiet,
    minute_of,
    read_quiet_times,
    unseen,
    window,
)

MONDAY = date(2026, 11, 23)
FRIDAY = MONDAY + timedelta(days=4)


def rules(text):
    """(weekdays, start, end) in hours, as the test's table writes them."""
    return [("".join(map(str, sorted(r.days))), r.start / 60, r.end / 60) for r in read_quiet_times(text)]


ALWAYS = "0123456"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:00–14:00", [(ALWAYS, 12, 14)]),
        ("12:00-14:00", [(ALWAYS, 12, 14)]),
        ("12：00—14：00", [(ALWAYS, 12, 14)]),
        ("9:30至11:00", [(ALWAYS, 9.5, 11)]),
        ("12点到13点半", [(ALWAYS, 12, 13.5)]),
        ("免打扰：12:00~14:00", [(ALWAYS, 12, 14)]),
        ("午休12:00–14:00", [(ALWAYS, 12, 14)]),
        ("22:00–06:00", [(ALWAYS, 22, 6)]),
        ("周五下午", [("4", 12, 18)]),
        ("每周五下午", [("4", 12, 18)]),
        ("星期三上午", [("2", 0, 12)]),
        ("礼拜天", [("6", 0, 24)]),
        ("周末", [("56", 0, 24)]),
        ("双休日不接待", [("56", 0, 24)]),
        ("周六日", [("56", 0, 24)]),
        ("周一、三、五 9:00-10:30", [("024", 9, 10.5)]),
        ("周一至周五中午", [("01234", 12, 14)]),
        ("周五至周一", [("0456", 0, 24)]),
        ("周一到五 12:00–13:00", [("01234", 12, 13)]),
        ("工作日中午休息", [("01234", 12, 14)]),
        ("每天下午2点-3点", [(ALWAYS, 14, 15)]),
        ("中午12点-1点", [(ALWAYS, 12, 13)]),
        ("晚上11点-1点", [(ALWAYS, 23, 1)]),
        ("周五下午14:00-16:00", [("4", 14, 16)]),
        ("12:00–14:00，周五下午", [(ALWAYS, 12, 14), ("4", 12, 18)]),
        ("12:00–14:00、周五下午", [(ALWAYS, 12, 14), ("4", 12, 18)]),
        ("周一 12:00–13:00、17:00–18:00", [("0", 12, 13), ("0", 17, 18)]),
        ("周一 12:00–13:00；17:00–18:00", [("0", 12, 13), (ALWAYS, 17, 18)]),
        # Not understood: shown, never guessed at.
        ("每月最后三天", []),
        ("每月最后三天 14:00–16:00", []),
        ("12:00–14:00，每月最后三天", [(ALWAYS, 12, 14)]),
        ("生产旺季勿扰", []),
        ("周五交货日", []),
        ("晚上8点后", []),
        ("25:00–26:00", []),
        ("24:00–01:00", []),
        ("9:00–24:00", [(ALWAYS, 9, 24)]),
        ("12:00–12:00", []),
        ("日常", []),
        ("、", []),
        ("周一至", []),
        ("", []),
    ],
)
def test_what_is_understood_of_quiet_times(text, expected):
    assert rules(text) == expected


def test_a_quiet_time_begins_on_its_minute_and_is_over_on_its_end():
    assert not is_quiet("12:00–14:00", MONDAY, "11:59")
    assert is_quiet("12:00–14:00", MONDAY, "12:00")
    assert is_quiet("12:00–14:00", MONDAY, "13:59")
    assert not is_quiet("12:00–14:00", MONDAY, "14:00")


def test_a_quiet_weekday_holds_on_that_day_only():
    assert is_quiet("周五下午", FRIDAY, "15:00")
    assert not is_quiet("周五下午", FRIDAY, "09:00")
    assert not is_quiet("周五下午", MONDAY, "15:00")


def test_a_night_reaches_into_the_morning_of_the_next_day():
    assert is_quiet("周五22:00–06:00", FRIDAY, "23:00")
    assert is_quiet("周五22:00–06:00", FRIDAY + timedelta(days=1), "05:59")
    assert not is_quiet("周五22:00–06:00", FRIDAY, "05:00")


def test_without_a_time_only_whole_days_are_quiet():
    assert is_quiet("周五", FRIDAY, "")
    assert not is_quiet("周五下午", FRIDAY, "")
    assert not is_quiet("12:00–14:00", FRIDAY, "")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text):
    assert all(rule.days <= EVERY_DAY and 0 <= rule.start < DAY for rule in read_quiet_times(text))


@given(st.text(alphabet="周一二三五末日天至到、，；：: –-0123456789点半上下午中晚每工作", max_size=24))
def test_nor_does_what_looks_like_quiet_times(text):
    for rule in read_quiet_times(text):
        assert rule.days and 0 <= rule.end <= DAY


_days = st.sets(st.integers(0, 6), min_size=1)
_times = st.tuples(st.integers(0, DAY - 1), st.integers(0, DAY - 1)).filter(lambda pair: pair[0] != pair[1])


@given(_days, st.lists(_times, min_size=1, max_size=3, unique=True))
def test_what_is_written_by_the_grammar_is_read_as_it_was_meant(days, times):
    written_days = "、".join(f"周{'一二三四五六日'[day]}" for day in sorted(days))
    written_times = "、".join(f"{a // 60}:{a % 60:02}–{b // 60}:{b % 60:02}" for a, b in times)
    assert read_quiet_times(f"{written_days} {written_times}") == [
        Quiet(frozenset(days), start, end) for start, end in times
    ]


@pytest.mark.parametrize(
    ("text", "minute"),
    [("14:30", 870), ("9:05", 545), ("9：05", 545), ("", None), ("24:00", None), ("9", None)],
)
def test_clock_times(text, minute):
    assert minute_of(text) == minute


# Visits nearby.


def near(days, *, planned=False, own=False, at=""):
    return Nearby(uuid.UUID(int=days + 100), MONDAY + timedelta(days=days), at, "钱禾", planned, own)


def test_the_window_reaches_both_ways_and_includes_its_ends():
    visits = [near(-15), near(-14), near(14, planned=True), near(15, planned=True)]
    found = concerns_of(MONDAY, "", "", visits, 14)
    assert [v.on for v in found.recent] == [MONDAY - timedelta(days=14)]
    assert [v.on for v in found.planned] == [MONDAY + timedelta(days=14)]
    assert window(MONDAY, 14) == (MONDAY - timedelta(days=14), MONDAY + timedelta(days=14))


def test_the_nearest_comes_first():
    found = concerns_of(MONDAY, "", "", [near(-9), near(-2), near(-5)], 14)
    assert [(MONDAY - v.on).days for v in found.recent] == [2, 5, 9]


def test_ones_own_plan_is_told_apart():
    found = concerns_of(MONDAY, "", "", [near(3, planned=True, own=True)], 14)
    assert found.own and not found.planned and bool(found)


def test_nothing_nearby_and_no_quiet_time_is_no_concern():
    assert not concerns_of(MONDAY, "10:00", "12:00–14:00", [], 14)


def test_what_was_shown_is_seen_and_what_is_new_or_moved_is_not():
    before = concerns_of(MONDAY, "", "周一", [near(2, planned=True)], 14)
    assert unseen(before, []) and not unseen(before, before.keys)
    moved = concerns_of(MONDAY, "", "周一", [near(3, planned=True)], 14)
    assert unseen(moved, before.keys)
    fewer = concerns_of(MONDAY, "", "周一", [], 14)
    assert not unseen(fewer, before.keys)
    assert not unseen(concerns_of(FRIDAY, "", "", [], 14), [])
