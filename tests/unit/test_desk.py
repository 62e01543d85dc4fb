"""Sums of the desk: nothing is divided by nothing, and the next thing to do comes first."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

from fieldapp.desk.rules import Share, Tally, board_of, next_stop, plans_of
from fieldapp.needs import NeedStatus
from fieldapp.visits import VisitStatus

TODAY = date(2026, 11, 23)


def test_a_share_of_nothing_is_no_number():
    assert Share(0, 0).percent is None
    assert board_of([], []).closed_share.percent is None
    assert board_of([], []).claim_days is None


def test_a_share_says_all_only_when_it_is_all():
    assert Share(199, 200).percent == 99
    assert Share(200, 200).percent == 100
    assert Share(0, 3).percent == 0


def _row(region, officer, enterprises, covered):
    return region, f"R{region}", officer, enterprises, covered


def test_the_board_adds_up_regions_and_officers_from_the_same_groups():
    board = board_of([_row(1, 7, 4, 3), _row(1, None, 2, 0), _row(2, 7, 1, 1)], [])
    assert board.covered == Share(4, 7)
    assert [(r.id, r.covered) for r in board.regions] == [(1, Share(3, 6)), (2, Share(1, 1))]
    assert board.officers[7].covered == Share(4, 5)
    assert board.officers[None].covered == Share(0, 2)


def test_closed_and_really_solved_are_two_numbers():
    board = board_of(
        [],
        [
            Tally("came", 7, "RESOLVED", "SOLVED", 2, 0),
            Tally("came", 7, "RATED", "EXPLAINED", 1, 0),
            Tally("came", 8, "SUBMITTED", "", 4, 0),
            Tally("came", 8, "DECLINED", "", 1, 0),
            Tally("claimed", None, "", "", 2, 3 * 86400),
        ],
    )
    assert board.came == 8
    assert (board.closed_share.percent, board.solved_share.percent) == (37, 25)
    assert (board.officer(7).closed, board.officer(7).solved) == (3, 2)
    assert board.claim_days == 1.5
    stages = dict(board.stages)
    assert stages[NeedStatus.SUBMITTED] == 4
    assert stages[NeedStatus.CLAIMED] == 0
    assert stages[NeedStatus.DECLINED] == 1
    assert NeedStatus.WITHDRAWN not in stages


def _visit(status, on=None, at=""):
    return SimpleNamespace(status=status, planned_on=on, planned_at=at, arrived_at=datetime(2026, 11, 23, 9))


def test_plans_come_by_day_and_hour_those_without_an_hour_last():
    late = _visit(VisitStatus.PLANNED, TODAY, "16:30")
    early = _visit(VisitStatus.PLANNED, TODAY, "09:00")
    sometime = _visit(VisitStatus.PLANNED, TODAY)
    tomorrow = _visit(VisitStatus.PLANNED, TODAY + timedelta(days=1), "08:00")
    missed = _visit(VisitStatus.PLANNED, TODAY - timedelta(days=1), "08:00")
    plans = plans_of([tomorrow, sometime, late, missed, early], TODAY)
    assert plans.planned == [early, late, sometime, tomorrow]
    assert plans.missed == [missed]


def test_what_was_begun_comes_before_what_is_planned_and_that_before_what_is_due():
    begun, planned = _visit(VisitStatus.ARRIVED), _visit(VisitStatus.PLANNED, TODAY)
    returned, due = _visit(VisitStatus.RETURNED), object()
    assert next_stop(plans_of([planned, begun], TODAY), [due]) == ("unfinished", begun)
    assert next_stop(plans_of([planned, returned], TODAY), [due]) == ("planned", planned)
    assert next_stop(plans_of([returned], TODAY), [due]) == ("due", due)
    assert next_stop(plans_of([], TODAY), []) == ("", None)
