"""Working days as the State Council published them; a year it has not published counts Monday to Friday."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fieldapp import workdays
from fieldapp.followups.forms import due_choices
from fieldapp.followups.rules import Due, heap, latest_due, moved_dates, week_ends

UNPUBLISHED = 2031


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@pytest.mark.parametrize(
    ("first", "last", "working_weekends"),
    [
        # 10月1日至8日放假调休，共8天；9月28日（周日）、10月11日（周六）上班
        (date(2025, 10, 1), date(2025, 10, 8), [date(2025, 9, 28), date(2025, 10, 11)]),
        # 1月28日至2月4日放假调休，共8天；1月26日（周日）、2月8日（周六）上班
        (date(2025, 1, 28), date(2025, 2, 4), [date(2025, 1, 26), date(2025, 2, 8)]),
        # 10月1日至7日放假调休，共7天；9月20日（周日）、10月10日（周六）上班
        (date(2026, 10, 1), date(2026, 10, 7), [date(2026, 9, 20), date(2026, 10, 10)]),
        # 2月15日至23日放假调休，共9天；2月14日（周六）、2月28日（周六）上班
        (date(2026, 2, 15), date(2026, 2, 23), [date(2026, 2, 14), date(2026, 2, 28)]),
    ],
    ids=["national-day-2025", "spring-2025", "national-day-2026", "spring-2026"],
)
def test_a_long_holiday_is_off_and_its_shifted_weekends_are_worked(first, last, working_weekends):
    assert not any(workdays.is_workday(day) for day in _days(first, last))
    assert workdays.is_workday(last + timedelta(days=1))
    for day in working_weekends:
        assert day.weekday() >= 5 and workdays.is_workday(day)


def test_three_working_days_before_national_day_2025_end_after_the_holiday():
    # Mon 29 and Tue 30 September are worked, then eight days off, Thu 9 October is the third.
    assert workdays.add_workdays(date(2025, 9, 28), 3) == date(2025, 10, 9)


def test_the_shifted_saturday_counts():
    # Fri 9 October 2026, Sat 10 worked, Mon 12.
    assert workdays.add_workdays(date(2026, 10, 8), 3) == date(2026, 10, 12)


def test_ten_working_days_over_spring_festival_2026():
    # Fri 13, Sat 14 (shifted), nine days off, Tue 24 to Fri 27, Sat 28 (shifted), Mon 2 to Wed 4 March.
    assert workdays.add_workdays(date(2026, 2, 12), 10) == date(2026, 3, 4)


@pytest.mark.parametrize(
    "start", [date(2025, 9, 26), date(2026, 2, 13), date(2026, 9, 30), date(2026, 12, 30)]
)
def test_counting_is_the_reverse_of_adding(start):
    for count in range(1, 25):
        end = workdays.add_workdays(start, count)
        assert workdays.is_workday(end)
        assert workdays.workdays_between(start, end) == count
        assert workdays.workdays_between(end, start) == -count


def test_a_day_is_no_working_day_after_itself():
    assert workdays.workdays_between(date(2026, 11, 23), date(2026, 11, 23)) == 0


def test_a_year_not_published_counts_monday_to_friday_and_says_so():
    assert not workdays.is_published(UNPUBLISHED)
    assert workdays.is_published(2025) and workdays.is_published(2026)
    assert workdays.is_workday(date(UNPUBLISHED, 10, 1))  # a Wednesday; nobody knows yet
    assert not workdays.is_workday(date(UNPUBLISHED, 10, 4))  # a Saturday
    # From the last days of the last published year over New Year.
    assert workdays.add_workdays(date(UNPUBLISHED, 10, 3), 1) == date(UNPUBLISHED, 10, 6)


def test_unusual_days_are_what_a_week_would_not_tell():
    off, on = workdays.unusual_days(date(2026, 9, 14), 30)
    assert off == [
        date(2026, 9, 25),
        date(2026, 10, 1),
        date(2026, 10, 2),
        *_days(date(2026, 10, 5), date(2026, 10, 7)),
    ]
    assert on == [date(2026, 9, 20), date(2026, 10, 10)]


def test_the_shortcuts_are_three_five_and_ten_working_days():
    assert due_choices(date(2026, 11, 23)) == [
        (3, date(2026, 11, 26)), (5, date(2026, 11, 30)), (10, date(2026, 12, 7)),
    ]  # fmt: skip


def test_promises_fall_into_four_heaps():
    monday = date(2026, 11, 23)
    sunday = monday + timedelta(days=6)
    assert week_ends(monday) == week_ends(sunday) == sunday
    assert heap(monday - timedelta(days=1), monday) is Due.OVERDUE
    assert heap(monday, monday) is Due.TODAY
    assert heap(sunday, monday) is Due.WEEK
    assert heap(sunday + timedelta(days=1), monday) is Due.LATER
    assert heap(sunday + timedelta(days=1), sunday) is Due.LATER


def test_a_log_line_gives_its_dates_back():
    assert moved_dates("2026-11-19 → 2026-11-26\n高校要再看一周") == (
        date(2026, 11, 19), date(2026, 11, 26), "高校要再看一周",
    )  # fmt: skip
    assert moved_dates("送案例 → 送样品") is None
    assert latest_due(date(2028, 2, 29)) > date(2031, 2, 28)
