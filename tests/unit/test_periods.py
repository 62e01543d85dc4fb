"""Weeks, quarters and years as the office's calendar has them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fieldapp.periods import KEYS, period_named


@pytest.mark.parametrize(
    ("key", "today", "first", "last"),
    [
        ("quarter", date(2026, 11, 23), date(2026, 10, 1), date(2026, 12, 31)),
        ("quarter", date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 31)),
        ("quarter", date(2024, 2, 29), date(2024, 1, 1), date(2024, 3, 31)),
        ("last-quarter", date(2026, 1, 1), date(2025, 10, 1), date(2025, 12, 31)),
        ("last-quarter", date(2026, 11, 23), date(2026, 7, 1), date(2026, 9, 30)),
        ("year", date(2026, 12, 31), date(2026, 1, 1), date(2026, 12, 31)),
        ("last-year", date(2027, 1, 1), date(2026, 1, 1), date(2026, 12, 31)),
        ("week", date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 29)),  # a Monday
        ("week", date(2026, 11, 29), date(2026, 11, 23), date(2026, 11, 29)),  # a Sunday
    ],
)
def test_a_period_has_its_first_and_its_last_day(key, today, first, last):
    period = period_named(key, today)
    assert (period.first, period.last) == (first, last)


def test_a_quarter_begins_at_the_offices_midnight():
    period = period_named("quarter", date(2026, 11, 23))
    assert period.since == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert period.until == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_another_name_is_no_period():
    assert period_named("", date(2026, 11, 23)) is None
    assert period_named("forever", date(2026, 11, 23)) is None
    assert all(period_named(key, date(2026, 11, 23)) for key in KEYS)


def test_how_much_of_it_is_over():
    quarter = period_named("quarter", date(2026, 10, 1))
    assert quarter.passed(date(2026, 10, 1)) == 1
    assert quarter.passed(date(2026, 12, 31)) == 100
    assert quarter.passed(date(2027, 5, 1)) == 100
    assert quarter.passed(date(2026, 9, 1)) == 0
