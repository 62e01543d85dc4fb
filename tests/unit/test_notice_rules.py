"""When notices go out, how long to wait, and what is a robot's address."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldapp.clock import local, zone
from fieldapp.notices.rules import (
    FAULTS,
    Quiet,
    due,
    fault_words,
    next_digest,
    next_open,
    robot_token,
    wait_after,
)
from fieldapp.workdays import is_workday

USUAL = Quiet(time(20), time(8))


def at(text: str) -> datetime:
    """A moment on the office's clock, `09-30 20:15` of 2026."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=zone()).astimezone(UTC)


# 2026: 1–7 October are off; Sunday 20 September and Saturday 10 October are worked.
@pytest.mark.parametrize(
    ("told", "urgent", "digest"),
    [
        ("09-18 19:59", "09-18 19:59", "09-20 08:00"),  # Friday evening: the Sunday after is worked
        ("09-18 20:00", "09-20 08:00", "09-20 08:00"),
        ("09-19 12:00", "09-20 08:00", "09-20 08:00"),  # Saturday is off
        ("09-20 07:59", "09-20 08:00", "09-20 08:00"),
        ("09-20 08:00", "09-20 08:00", "09-20 08:00"),
        ("09-20 10:00", "09-20 10:00", "09-21 08:00"),
        ("09-30 19:30", "09-30 19:30", "10-08 08:00"),  # the evening before the week
        ("09-30 21:00", "10-08 08:00", "10-08 08:00"),
        ("10-01 00:00", "10-08 08:00", "10-08 08:00"),
        ("10-04 12:00", "10-08 08:00", "10-08 08:00"),
        ("10-07 23:59", "10-08 08:00", "10-08 08:00"),
        ("10-09 20:30", "10-10 08:00", "10-10 08:00"),  # the Saturday that is worked for it
        ("10-10 15:00", "10-10 15:00", "10-12 08:00"),
        ("10-11 15:00", "10-12 08:00", "10-12 08:00"),
    ],
)
def test_around_the_national_day_week(told, urgent, digest):
    assert due(at(told), USUAL, urgent=True) == at(urgent)
    assert due(at(told), USUAL, urgent=False) == at(digest)


def test_whoever_wants_it_on_days_off_gets_what_is_urgent_but_no_digest():
    quiet = Quiet(time(22), time(7, 30), days_off=False)
    assert due(at("10-04 12:00"), quiet, urgent=True) == at("10-04 12:00")
    assert due(at("10-04 23:00"), quiet, urgent=True) == at("10-05 07:30")
    assert due(at("10-04 12:00"), quiet, urgent=False) == at("10-08 07:30")


def test_without_a_digest_nothing_waits_but_for_the_night():
    quiet = Quiet(time(20), time(8), digest=False)
    assert due(at("10-09 11:00"), quiet, urgent=False) == at("10-09 11:00")
    assert due(at("10-09 23:00"), quiet, urgent=False) == at("10-10 08:00")


def test_quiet_hours_may_lie_within_a_day_or_not_be():
    noon = Quiet(time(12), time(14), days_off=False)
    assert next_open(at("10-09 13:00"), noon) == at("10-09 14:00")
    assert next_open(at("10-09 03:00"), noon) == at("10-09 03:00")
    never = Quiet(time(8), time(8), days_off=False)
    assert next_open(at("10-09 08:00"), never) == at("10-09 08:00")
    assert next_digest(at("10-09 08:01"), never) == at("10-10 08:00")


TIMES = st.times().map(lambda t: t.replace(microsecond=0))
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))


@given(MOMENTS, TIMES, TIMES, st.booleans(), st.booleans())
def test_nothing_goes_when_it_is_quiet_and_nothing_goes_early(moment, starts, ends, days_off, urgent):
    quiet = Quiet(starts, ends, days_off=days_off)
    goes = due(moment, quiet, urgent=urgent)
    here = local(goes)
    assert goes >= moment and not quiet.covers(here.time())
    assert not days_off or is_workday(here.date())
    assert urgent or is_workday(here.date())
    assert next_open(goes, quiet) == goes  # and when it is due it need not wait again


def test_each_wait_is_twice_the_one_before_up_to_the_longest_and_never_two_alike():
    longest = [wait_after(n, 30, 3600, lambda: 1.0) for n in range(1, 12)]
    assert [w.total_seconds() for w in longest[:4]] == [30, 60, 120, 240] and longest[-1] == timedelta(
        hours=1
    )
    shortest = [wait_after(n, 30, 3600, lambda: 0.0) for n in range(1, 12)]
    assert all(low * 2 == high for low, high in zip(shortest, longest, strict=True))
    assert len({wait_after(5, 30, 3600) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("kind", "text", "token"),
    [
        ("DINGTALK", "https://oapi.dingtalk.com/robot/send?access_token=" + "a1" * 32, "a1" * 32),
        ("DINGTALK", "  " + "a1" * 32 + "\n", "a1" * 32),
        ("DINGTALK", "https://evil.example/?access_token=" + "a1" * 32, "a1" * 32),  # the host is not taken
        (
            "WECOM",
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a-b_7-7aoc-4bc4",
            "693a-b_7-7aoc-4bc4",
        ),
        ("WECOM", "https://oapi.dingtalk.com/robot/send?access_token=" + "a1" * 32, None),
        ("DINGTALK", "https://oapi.dingtalk.com/robot/send", None),
        ("DINGTALK", "短", None),
        ("DINGTALK", "a1" * 32 + "/../x?y", None),
        ("WECOM", "", None),
    ],
)
def test_a_token_is_found_in_what_is_pasted(kind, text, token):
    assert robot_token(kind, text) == token


def test_every_fault_has_words():
    for name in FAULTS:
        for code in (name, f"{name} 550"):
            assert fault_words(code) and "%(" not in fault_words(code).replace("%(number)s", "")
    assert fault_words("robot 310000").endswith("签名、关键词或地址限制不对")
    assert fault_words("of a later version") == fault_words("other") and fault_words("") == ""
