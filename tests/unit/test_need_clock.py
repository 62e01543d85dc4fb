"""What was promised by when: office hours, the Chinese calendar, pauses and extensions. Plain values, no app."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldapp.formats import lateness
from fieldapp.needs.clock import MORE_DAYS, Limits, instants, light_of, light_words, promises, ticked
from fieldapp.needs.models import Clock, Light, NeedKind, NeedSource, NeedStatus
from fieldapp.needs.steps import STEPS
from fieldapp.workdays import add_office_time, is_office_time, office_hours, office_minutes_between

S = NeedStatus
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = office_hours("08:30-12:00 14:30-17:30")
DAY = HOURS.minutes
LIMITS = Limits(
    {Clock.ACCEPT: 1, Clock.CLAIM: 1, Clock.CONTACT: 2, Clock.PLAN: 5, Clock.RESOLVE: 10}, 25, HOURS
)


def _local(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


def _due(which: Clock, since: str, kind: NeedKind = NeedKind.POLICY, **more: int) -> str:
    return (
        instants(LIMITS, which, kind, _local(since), **more)[1].astimezone(SHANGHAI).strftime("%m-%d %H:%M")
    )


def _warn(which: Clock, since: str, kind: NeedKind = NeedKind.POLICY) -> str:
    return instants(LIMITS, which, kind, _local(since))[0].astimezone(SHANGHAI).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    "text", ["", "8:30", "08:30-08:30", "12:00-08:30", "08:30-12:00 11:00-17:00", "08:30-25:00", "x-y"]
)
def test_office_hours_that_cannot_be_are_refused(text):
    with pytest.raises(ValueError):
        office_hours(text)


def test_a_day_has_the_minutes_of_its_spans():
    assert DAY == 390
    assert is_office_time(_local("11-27 08:30"), HOURS) and not is_office_time(_local("11-27 12:00"), HOURS)
    assert not is_office_time(_local("11-28 09:00"), HOURS)  # a Saturday


def test_a_working_day_from_within_the_office_hours_ends_at_the_same_time_on_the_next():
    assert _due(Clock.CLAIM, "11-23 10:00") == "11-24 10:00"
    assert _due(Clock.CLAIM, "11-27 16:00") == "11-30 16:00"  # Friday to Monday


def test_what_comes_at_night_at_noon_or_at_the_weekend_counts_from_the_next_opening():
    assert _due(Clock.CLAIM, "11-22 20:00") == "11-23 17:30"  # Sunday evening: all of Monday
    assert _due(Clock.CLAIM, "11-23 13:00") == "11-24 12:00"  # noon: the afternoon and the next morning
    assert _due(Clock.CLAIM, "11-27 23:59") == "11-30 17:30"


def test_national_day_2026_and_its_shifted_workdays():
    """1 to 7 October off, Sunday 20 September and Saturday 10 October worked (国务院办公厅, 2025-11)."""
    assert _due(Clock.CLAIM, "09-19 10:00") == "09-20 17:30"  # ordered on a Saturday, the Sunday is worked
    assert _due(Clock.CONTACT, "09-30 10:00") == "10-09 10:00"
    assert _due(Clock.PLAN, "09-29 16:30") == "10-12 16:30"  # 30, 8, 9, Sat 10, Mon 12
    assert _due(Clock.RESOLVE, "10-03 12:00") == "10-20 17:30"  # in the holiday: 8, 9, 10, 12–16, 19, 20


def test_a_technical_problem_has_longer_than_a_question_about_policy():
    assert _due(Clock.RESOLVE, "11-02 09:00", NeedKind.RESEARCH) == "12-07 09:00"
    assert _due(Clock.RESOLVE, "11-02 09:00", NeedKind.POLICY) == "11-16 09:00"


def test_yellow_begins_two_days_or_three_tenths_before_the_end_and_never_at_once():
    assert _warn(Clock.PLAN, "11-02 08:30") == "11-04 17:30"  # 2 of 5 days left
    assert _warn(Clock.RESOLVE, "11-02 08:30") == "11-10 17:30"  # 3 of 10
    assert _warn(Clock.CLAIM, "11-02 08:30") == "11-02 15:33"  # 30 % of one day
    for which in Clock:
        warn, due = instants(LIMITS, which, NeedKind.OTHER, _local("11-02 08:30"))
        assert _local("11-02 08:30") < warn < due


def test_pauses_and_granted_days_move_the_end():
    assert _due(Clock.CLAIM, "11-23 10:00", paused_minutes=DAY) == "11-25 10:00"
    assert _due(Clock.PLAN, "11-02 09:00", extra_days=5) == "11-16 09:00"


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 11, 30)).map(lambda m: m.replace(tzinfo=SHANGHAI))


@settings(max_examples=300, deadline=None)
@given(moments, st.integers(0, 30 * DAY))
def test_office_time_added_is_the_office_time_between(start, minutes):
    end = add_office_time(start, minutes, HOURS)
    assert end >= start
    assert abs(office_minutes_between(start, end, HOURS) - minutes) <= 1  # seconds are rounded down
    if minutes:
        assert is_office_time(end - timedelta(minutes=1), HOURS)


@settings(max_examples=200, deadline=None)
@given(moments, st.integers(0, 5000), st.integers(0, 5000))
def test_two_stretches_of_office_time_are_one(start, first, second):
    whole = start.replace(second=0, microsecond=0)
    halfway = add_office_time(whole, first, HOURS)
    assert add_office_time(halfway, second, HOURS) == add_office_time(whole, first + second, HOURS)


def _need(status=S.MATCHING, **facts):
    plain = {
        "status": status, "clock": Clock.PLAN, "clock_from": _local("11-02 09:00").astimezone(UTC), "paused_at": None,
        "paused_minutes": 0, "extra_days": 0, "asked_days": None, "warned": None, "kind": NeedKind.POLICY,
        "source": NeedSource.ORDER, "reopened": 0,
    }  # fmt: skip
    need = SimpleNamespace(**(plain | facts))
    if need.clock and not hasattr(need, "due_at"):
        need.warn_at, need.due_at = instants(
            LIMITS, need.clock, need.kind, need.clock_from, paused_minutes=need.paused_minutes
        )
    return need


def test_lights_follow_the_clock():
    need = _need()
    assert light_of(need, need.warn_at - timedelta(seconds=1)) is Light.GREEN
    assert light_of(need, need.warn_at) is Light.YELLOW
    assert light_of(need, need.due_at) is Light.YELLOW
    assert light_of(need, need.due_at + timedelta(seconds=1)) is Light.RED
    assert light_of(_need(paused_at=need.warn_at), need.due_at) is Light.GREY
    assert light_of(_need(S.RESOLVED), need.due_at) is None


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("11-03 09:00", "剩 4 天"), ("11-06 18:00", "剩 1 天"), ("11-09 08:00", "今天到期"), ("11-09 18:00", "今天逾期"),
        ("11-10 08:00", "逾期 1 天"), ("11-16 08:00", "逾期 5 天"),
    ],
)  # fmt: skip
def test_beside_the_light_stand_working_days(moment, words):
    assert light_words(_need(), _local(moment).astimezone(UTC)) == words


def test_a_pause_says_how_long_it_has_lasted():
    need = _need(paused_at=_local("11-05 10:00").astimezone(UTC))
    assert light_words(need, _local("11-05 17:00").astimezone(UTC)) == "今天停表"
    assert light_words(need, _local("11-09 10:00").astimezone(UTC)) == "停表 2 天"


def _go(need, name, moment, after=None):
    """The need after that step at that moment of the office's clock."""
    step = STEPS[name]
    after = after or step.moves[need.status]
    values = ticked(LIMITS, need, step, after, _local(moment).astimezone(UTC))
    return SimpleNamespace(**(vars(need) | values | {"status": after}))


def _shown(moment):
    return moment and moment.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def test_promises_count_from_the_claim_and_not_from_one_another():
    need = _go(_need(S.ACCEPTED, clock=Clock.CLAIM), "claim", "11-09 10:00")
    assert (need.clock, _shown(need.due_at)) == (Clock.CONTACT, "11-11 10:00")
    need = _go(need, "contact", "11-10 15:00")
    assert (need.clock, _shown(need.due_at)) == (Clock.PLAN, "11-16 10:00")
    need = _go(need, "match", "11-11 09:00")
    assert need.clock is Clock.PLAN and _shown(need.due_at) == "11-16 10:00"
    need = _go(need, "plan", "11-12 09:00")
    assert (need.clock, _shown(need.due_at)) == (Clock.RESOLVE, "11-23 10:00")


def test_the_clock_stands_still_while_the_enterprise_answers():
    need = _go(_need(), "ask", "11-03 10:00")
    assert need.due_at is None and light_of(need, need.paused_at) is Light.GREY
    need = _go(need, "answer", "11-05 10:00")
    assert need.paused_minutes == 2 * DAY and _shown(need.due_at) == "11-11 09:00"
    # asked at night, answered in the morning: no office time was lost
    again = _go(_go(need, "ask", "11-05 20:00"), "answer", "11-06 08:00")
    assert again.due_at == need.due_at


def test_a_need_on_hold_goes_on_where_it_stood():
    need = _go(_need(), "hold", "11-03 09:00")
    need = _go(need, "resume", "11-04 09:00", after=S.MATCHING)
    assert need.clock is Clock.PLAN and _shown(need.due_at) == "11-10 09:00"
    nobody = _go(_go(_need(), "hold", "11-03 09:00"), "resume", "11-04 09:00", after=S.ACCEPTED)
    assert nobody.clock is Clock.CLAIM and _shown(nobody.due_at) == "11-05 09:00"


def test_an_extension_counts_for_the_running_promise_only():
    need = _go(_need(asked_days=3), "grant", "11-03 09:00")
    assert _shown(need.due_at) == "11-12 09:00" and need.asked_days is None and need.extra_days == 3
    need = _go(need, "plan", "11-04 09:00")
    assert need.extra_days == 0 and _shown(need.due_at) == "11-16 09:00"


def test_an_extension_that_is_refused_changes_nothing_else():
    before = _need(asked_days=3, warned=Light.YELLOW)
    need = _go(before, "refuse", "11-03 09:00")
    assert need.due_at == before.due_at and need.asked_days is None and need.warned is Light.YELLOW


def test_what_was_given_back_has_its_time_anew():
    need = _go(
        _need(S.RESOLVED, clock=None, clock_from=None, due_at=None, warn_at=None), "redo", "11-16 09:00"
    )
    assert (need.clock, _shown(need.due_at)) == (Clock.RESOLVE, "11-30 09:00")


def test_people_are_told_anew_when_a_new_promise_runs():
    need = _go(_need(warned=Light.RED), "plan", "11-12 09:00")
    assert need.warned is None
    assert _go(_need(warned=Light.YELLOW), "ask", "11-12 09:00").warned is Light.YELLOW


def _log(*lines, note=""):
    """Lines of a need's log by their step and moment: "" is its coming in, "-" a move that tells no step."""
    found, state = [], None
    for name, moment, *more in lines:
        after = S.SUBMITTED if state is None else more[0] if more else STEPS[name].moves[state]
        found.append(
            SimpleNamespace(
                step=name.strip("-"), at=_local(moment).astimezone(UTC), before=state, after=after, note=note
            )
        )
        state = after
    return found


CLAIMED = (("", "11-01 09:00"), ("accept", "11-02 08:40"), ("claim", "11-02 09:00"))


def _kept(which, *lines, **more):
    """When that promise was kept, and by when it should have been."""
    told = promises(_need(), _log(*CLAIMED, *lines, **more), LIMITS)
    return next((_shown(one.done_at), _shown(one.due_at)) for one in told if one.which is which)


def test_a_promise_kept_late_still_knows_by_when_it_was_due():
    late = ("contact", "11-09 10:00")
    assert _kept(Clock.CONTACT, late) == ("11-09 10:00", "11-04 09:00")
    told = promises(_need(), _log(*CLAIMED, late), LIMITS)
    assert lateness(told[1].due_at, told[1].done_at) == "晚了 3 个工作日"
    assert lateness(told[0].due_at, told[0].done_at) == "按时"


def test_what_the_enterprise_took_to_answer_is_not_the_offices_lateness():
    lines = (
        ("contact", "11-03 09:00"), ("match", "11-03 09:30"), ("ask", "11-04 09:00"), ("answered", "11-10 09:00"),
    )  # fmt: skip
    assert _kept(Clock.PLAN, *lines, ("plan", "11-12 09:00")) == ("11-12 09:00", "11-13 09:00")


def test_a_granted_extension_moves_the_day_and_a_refused_one_does_not():
    for answer, due in (("grant", "11-12 09:00"), ("refuse", "11-09 09:00")):
        lines = (("match", "11-03 09:00"), ("extend", "11-04 09:00"), (answer, "11-04 10:00"))
        note = MORE_DAYS % {"days": 3} + "设备在外地"
        assert _kept(Clock.PLAN, *lines, ("plan", "11-11 09:00"), note=note) == ("11-11 09:00", due)


def test_assigned_at_once_is_in_time():
    told = promises(_need(), _log(("", "11-01 09:00"), ("assign", "11-20 09:00")), LIMITS)
    assert lateness(told[0].due_at, told[0].done_at) == "按时"


def test_where_the_log_kept_no_steps_nothing_is_claimed():
    """From before lines kept their step: neither in time nor late."""
    lines = (("", "11-01 09:00"), ("-", "11-02 09:00", S.ACCEPTED), ("claim", "11-20 09:00"))
    claimed = promises(_need(), _log(*lines), LIMITS)[0]
    assert claimed.done_at is not None and claimed.due_at is None


@pytest.mark.parametrize(
    ("due", "done", "words"),
    [
        ("11-23 10:00", "11-23 10:00", "按时"),
        ("11-23 10:00", "11-23 16:00", "晚了不到 1 个工作日"),
        ("11-20 10:00", "11-22 10:00", "晚了不到 1 个工作日"),  # Friday, and Sunday
        ("11-20 10:00", "11-23 09:00", "晚了 1 个工作日"),
        ("09-30 10:00", "10-09 10:00", "晚了 2 个工作日"),  # National Day between
    ],
)
def test_lateness_is_told_in_working_days(due, done, words):
    assert lateness(_local(due), _local(done)) == words


def test_a_promised_day_is_kept_until_it_is_over():
    day = _local("11-23 00:00").date()
    assert lateness(day, _local("11-23 23:30")) == "按时"
    assert lateness(day, _local("11-25 08:00")) == "晚了 2 个工作日"


def test_the_receipt_tells_each_promise_and_how_it_stands():
    at = _local("11-02 09:00").astimezone(UTC)
    events = _log(
        ("", "11-01 09:00"), ("accept", "11-02 08:40"), ("claim", "11-02 09:00"), ("match", "11-02 12:00")
    )
    told = promises(_need(clock=Clock.PLAN), events, LIMITS)
    assert [one.which for one in told] == [Clock.CLAIM, Clock.CONTACT, Clock.PLAN, Clock.RESOLVE]
    assert [one.done_at for one in told] == [at, at + timedelta(hours=3), None, None]
    assert [_shown(one.due_at) for one in told] == [
        "11-03 08:40",
        "11-04 09:00",
        "11-09 09:00",
        "11-16 09:00",
    ]


def test_a_need_handed_back_has_kept_none_of_its_promises():
    events = _log(
        ("", "11-01 09:00"), ("accept", "11-02 08:40"), ("claim", "11-02 09:00"), ("release", "11-02 09:00")
    )
    told = promises(_need(S.ACCEPTED, clock=Clock.CLAIM), events, LIMITS)
    assert [one.done_at for one in told] == [None] * 4
    assert told[0].due_at is not None and told[1].due_at is None
