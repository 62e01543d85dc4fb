"""Nameless ratings: told in sets, so that no two looks together tell what one enterprise said."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from fieldapp.visits.ratings import Level, Told, Trouble, sets_of, told, within

TODAY = date(2026, 11, 28)
THIS_MONTH = TODAY.replace(day=1)


def month(number, answers, **more):
    return date(2026, number, 1), Counter(answers=answers, **more)


def _answers(some):
    return sum(numbers["answers"] for numbers in some)


def test_months_are_put_together_until_there_are_enough():
    sets = sets_of([month(7, 2), month(9, 7), month(8, 3), month(10, 4)], THIS_MONTH, 5)
    assert [(at.month, _answers(some)) for at, some in sets] == [(8, 5), (9, 7)]  # the four of October wait


def test_the_month_that_lasts_is_not_told():
    assert told([month(11, 50)], TODAY, 5, None, None).answers == 0
    assert told([month(11, 50)], date(2026, 12, 1), 5, None, None).answers == 50


def test_a_set_belongs_to_the_period_in_which_it_ends():
    months = [month(8, 3), month(9, 2), month(10, 6)]
    third = told(months, TODAY, 5, date(2026, 7, 1), date(2026, 9, 30))
    fourth = told(months, TODAY, 5, date(2026, 10, 1), date(2026, 12, 31))
    assert (third.answers, fourth.answers, told(months, TODAY, 5, None, None).answers) == (5, 6, 11)


def test_the_average_waits_for_enough_ratings_however_many_answers_there_are():
    few = Told(Counter(answers=9, level_5=4), 5)
    assert few.average is None
    assert Told(Counter(answers=9, level_5=4, level_1=1), 5).average == 4.2
    assert few.levels[-1] == (Level.level_5, 4)
    assert Told(Counter(answers=9, too_often=2), 5).troubles == [(Trouble.too_often, 2)]


@given(
    st.lists(st.tuples(st.integers(1, 11), st.integers(0, 9)), max_size=30),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(2, 9),
)
def test_what_is_new_between_two_looks_is_nothing_or_enough(months, first, second, least):
    """Whoever looks at any two moments sees sums that differ by nothing, or by so many answers that none stands out."""
    rows = [month(number, answers) for number, answers in months]
    before, after = sorted((first, second))
    sums = [told(rows, date(2026, at, 28), least, None, None).answers for at in (before, after)]
    assert sums[0] == sums[1] or sums[1] - sums[0] >= least
    for _at, some in sets_of(rows, date(2026, after, 1), least):
        assert _answers(some) >= least


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=14),
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=4),
    st.integers(2, 5),
)
def test_whatever_is_looked_at_and_how_often_no_small_group_stands_out(number_of_day, periods, least):
    """Ratings day by day, and somebody who looks every day at every period. What can be worked out of sums cannot tell
    two ratings apart that stand in the same sums: so all that do are at least `least`, or stand in none yet."""
    start = date(2026, 11, 1)
    days, seen_in = [], {}
    for n, number in enumerate(number_of_day):
        for one in range(number):
            seen_in[name := f"{n}-{one}"] = set()
            days.append((start.replace(day=n + 1), Counter({"answers": 1, name: 1})))
    asked = [(None, None), *((start.replace(day=min(p) + 1), start.replace(day=max(p) + 1)) for p in periods)]
    for today in range(len(number_of_day) + 1):
        here = start.replace(day=today + 1)
        so_far = [(day, numbers) for day, numbers in days if day <= here]  # today's may still become more
        for which, (first, last) in enumerate(asked):
            for name in within(sets_of(so_far, here, least), first, last):
                if name != "answers":
                    seen_in[name].add((today, which))
    alike = Counter(frozenset(sums) for sums in seen_in.values() if sums)
    assert all(number >= least for number in alike.values()), alike
