"""The balanced proposal as a rule: fair, near, the same every time, and never more than it may be."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.assignments.rules import Candidate, Server, Turn, changes, earliest, level, propose, spread

EAST, WEST = (110.10, 40.58), (109.60, 40.66)


def chosen(proposals):
    return {p.enterprise_id: p.officer_id for p in proposals}


def test_load_comes_first():
    """Five enterprises, one officer with six and one with one: the second gets all five."""
    got = propose([Candidate(n, 1, 1) for n in range(5)], [Server(1, 1, 6, {1: 6}), Server(2, 1, 1, {2: 1})])
    assert Counter(chosen(got).values()) == {2: 5}


def test_where_loads_allow_the_region_decides():
    officers = [Server(1, 1, 3, {10: 3}), Server(2, 1, 3, {20: 3})]
    got = propose([Candidate(7, 1, 20), Candidate(8, 1, 10)], officers)
    assert chosen(got) == {7: 2, 8: 1}


def test_in_the_same_region_the_nearer_one_goes():
    officers = [Server(1, 1, 3, {10: 3}, WEST), Server(2, 1, 3, {10: 3}, EAST)]
    got = propose([Candidate(7, 1, 10, "东河区", EAST), Candidate(8, 1, 10, "东河区", WEST)], officers)
    assert chosen(got) == {7: 2, 8: 1}
    assert "东河区" in str(got[0].reason) and "0.0 公里" in str(got[0].reason)


def test_without_coordinates_the_region_alone_decides():
    officers = [Server(1, 1, 3, {10: 1}, WEST), Server(2, 1, 3, {10: 3}, None)]
    got = propose([Candidate(7, 1, 10, "东河区")], officers)
    assert chosen(got) == {7: 2}  # who serves more there
    assert str(got[0].reason) == "在东河区已有 3 家"


def test_nobody_is_filled_above_the_mark_and_the_rest_is_left_out():
    got = propose(
        [Candidate(n, 1, 1) for n in range(10)], [Server(1, 1, 26), Server(2, 1, 28), Server(3, 1, 40)], 28
    )
    assert Counter(chosen(got).values()) == {1: 2}
    assert len(propose([Candidate(n, 1, 1) for n in range(10)], [Server(1, 1, 28)], None)) == 10


def test_every_team_for_itself():
    got = propose(
        [Candidate(1, 1, 1), Candidate(2, 2, 1), Candidate(3, None, 1)], [Server(9, 2, 50), Server(8, 1)]
    )
    assert chosen(got) == {1: 8, 2: 9}


def test_nobody_and_nothing():
    assert propose([], [Server(1, 1)]) == [] == propose([Candidate(1, 1, 1)], [])
    assert level([], 5, 28) == (0, 0) and spread([]) == 0


@pytest.mark.parametrize(
    ("loads", "count", "mark", "expected"),
    [
        ([19, 22, 24, 26, 28], 18, 28, (27, 1)),
        ([3, 3], 1, None, (3, 1)),
        ([0, 10], 4, None, (4, 0)),
        ([0, 10], 10, None, (10, 0)),
        ([0, 10], 11, None, (10, 1)),
        ([5], 3, 6, (6, 0)),
        ([30, 40], 3, 28, (28, 0)),
    ],
)
def test_water_finds_its_level(loads, count, mark, expected):
    assert level(loads, count, mark) == expected


places = st.one_of(st.none(), st.tuples(st.floats(109, 111), st.floats(40, 42)))
teams = st.sampled_from([1, 2, 3])
candidates = st.lists(
    st.tuples(teams, st.integers(1, 4), places), max_size=30
).map(lambda rows: [Candidate(n, team, region, "区", place) for n, (team, region, place) in enumerate(rows, 1)])  # fmt: skip
servers = st.lists(
    st.tuples(teams, st.integers(0, 40), st.dictionaries(st.integers(1, 4), st.integers(1, 9), max_size=3), places),
    max_size=8,
).map(lambda rows: [Server(n, *row) for n, row in enumerate(rows, 100)])  # fmt: skip
marks = st.one_of(st.none(), st.integers(1, 40))


@given(candidates, servers, marks)
def test_every_enterprise_at_most_once_and_only_within_its_team(enterprises, officers, mark):
    got = propose(enterprises, officers, mark)
    ids = [p.enterprise_id for p in got]
    assert len(ids) == len(set(ids)) and set(ids) <= {e.id for e in enterprises}
    team_of = {o.id: o.team_id for o in officers}
    assert all(team_of[p.officer_id] == enterprises[p.enterprise_id - 1].team_id for p in got)
    assert got == propose(enterprises, officers, mark), "the same question, another answer"


@given(candidates, servers, marks)
def test_loads_grow_only_up_to_the_mark_and_the_gap_never_grows(enterprises, officers, mark):
    taken = Counter(p.officer_id for p in propose(enterprises, officers, mark))
    for team in {o.team_id for o in officers}:
        own = [o for o in officers if o.team_id == team]
        before, after = [o.load for o in own], [o.load + taken[o.id] for o in own]
        assert spread(after) <= max(spread(before), 1)  # one more for one of equals is a gap of one
        assert mark is None or all(b >= a or a <= mark for b, a in zip(before, after, strict=True))


@given(candidates, servers)
def test_whoever_can_be_served_is(enterprises, officers):
    """Without a mark only an enterprise whose team has no officer is left out."""
    staffed = {o.team_id for o in officers}
    assert {p.enterprise_id for p in propose(enterprises, officers)} == {
        e.id for e in enterprises if e.team_id in staffed
    }


@given(candidates, servers, st.randoms())
def test_the_order_of_officers_changes_nothing(enterprises, officers, rng):
    shuffled = officers[:]
    rng.shuffle(shuffled)
    assert propose(enterprises, officers) == propose(enterprises, shuffled)


def test_a_whole_city_is_quick():
    """489 enterprises and 20 officers below 0.3 s, with room for a slow machine."""
    enterprises = [
        Candidate(n, 1, n % 9, "区", (109 + n % 37 / 20, 40 + n % 41 / 25) if n % 7 else None)
        for n in range(489)
    ]
    officers = [
        Server(1000 + n, 1, n % 5, {n % 9: 2, (n + 1) % 9: 1}, (109 + n / 10, 40.5)) for n in range(20)
    ]
    best = min(_seconds(lambda: propose(enterprises, officers, 28)) for _ in range(3))
    assert best < 0.3, best


def _seconds(act):
    started = time.process_time()
    act()
    return time.process_time() - started


def test_a_hand_over_is_dated_this_week():
    wednesday = date(2026, 11, 25)
    assert earliest(wednesday) == date(2026, 11, 23)
    assert earliest(date(2026, 11, 23)) == date(2026, 11, 23)


def test_what_changed_is_told_in_few_lines():
    day = date(2026, 11, 23)

    def turn(enterprise, officer, on, *, main=True, reason="轮岗"):
        return Turn(enterprise, f"企业{enterprise}", officer, main, on, "李望", reason)

    opened = [
        turn(1, "钱禾", day),
        turn(2, "钱禾", day),
        turn(3, "钱禾", day - timedelta(days=1)),
        turn(5, "王野", day, main=False),
    ]
    ended = [turn(1, "赵青", day), turn(2, "赵青", day), turn(4, "赵青", day)]
    told = [(c.kind, c.before, c.after, len(c.names)) for c in changes(opened, ended, 10)]
    assert told == [
        ("handed_over", "赵青", "钱禾", 2),
        ("helper_added", "", "王野", 1),
        ("returned", "赵青", "", 1),
        ("assigned", "", "钱禾", 1),
    ]
    assert len(changes(opened, ended, 2)) == 2
