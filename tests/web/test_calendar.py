"""The private calendar: one address a person, readable by calendars, closed to everybody else."""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from icalendar import Calendar
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from fieldapp.entries.models import Entry
from fieldapp.followups.models import CalendarFeed, FollowUp, FollowUpStatus
from tests import people


def _opened(client) -> str:
    """Open (or renew) the calendar; returns its path and query."""
    answer = client.submit("/me/calendar", "calendar-form")
    assert answer.status_code == 200
    return re.search(r'value="https://qzq\.example\.cn(/follow-ups\.ics\?key=[\w-]{43})"', answer.text)[1]


def _promise(enterprise, username: str, days: int, title: str, **words) -> FollowUp:
    with writing():
        user_id = db.session.scalars(sa.select(User.id).where(User.username == username)).one()
        made = FollowUp(
            id=uuid7(), enterprise_id=enterprise.id, title=title, due_on=clock.today() + timedelta(days=days),
            assignee_id=user_id, author_id=user_id, **words,
        )  # fmt: skip
        db.session.add(made)
        db.session.commit()
    return made


def _events(client, path: str) -> dict[str, object]:
    answer = client.get(path)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    return {str(event["UID"]): event for event in Calendar.from_ical(answer.data).walk("VEVENT")}


def test_a_calendar_reads_ones_own_open_promises_and_nothing_else(zhao, anybody, city):
    late = _promise(city.huaxing, "zhao", -4, "补齐材料，一共三份；\n请看" + "很长的标题" * 20)
    _promise(city.huaxing, "qian", 2, "钱禾的事")
    _promise(city.huaxing, "zhao", 2, "办完的事", status=FollowUpStatus.DONE)
    events = _events(anybody, _opened(zhao))
    assert set(events) == {f"follow-up-{people.FOLLOW_UP}@fieldapp", f"follow-up-{late.id}@fieldapp"}
    event = events[f"follow-up-{people.FOLLOW_UP}@fieldapp"]
    due = clock.today() + timedelta(days=3)
    assert event["DTSTART"].dt == due and type(event["DTSTART"].dt) is date
    assert event["DTEND"].dt == due + timedelta(days=1)
    assert event["SUMMARY"] == f"回复隔膜涂覆工艺专家名单 · {city.huaxing.name}"
    assert event["SEQUENCE"] == 1 and event["DTSTAMP"].dt.utcoffset() == timedelta(0)
    assert event["URL"] == f"https://qzq.example.cn/follow-ups/{people.FOLLOW_UP}"
    assert event["TRANSP"] == "TRANSPARENT"
    alarm = event.walk("VALARM")[0]
    assert alarm["TRIGGER"].dt == timedelta(hours=-15) and alarm["ACTION"] == "DISPLAY"
    marked = events[f"follow-up-{late.id}@fieldapp"]
    assert marked["SUMMARY"].startswith("【逾期 4 天】补齐材料，一共三份；") and not marked.walk("VALARM")
    assert str(marked["CATEGORIES"].cats[0]) == "逾期"


def test_lines_are_folded_and_nothing_of_a_contact_is_in_them(zhao, anybody, city):
    _promise(city.huaxing, "zhao", 1, "长" * 200)
    body = anybody.get(_opened(zhao)).data
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    assert b"\n" not in body.replace(b"\r\n", b"")
    for secret in ("周岚", "13812345621", "技术副总", "二期产线"):
        assert secret.encode() not in body.replace(b"\r\n ", b"")


def test_the_same_event_keeps_its_id_and_grows_its_sequence(zhao, anybody):
    path = _opened(zhao)
    before = _events(anybody, path)
    zhao.submit(
        f"/follow-ups/{people.FOLLOW_UP}/postpone", "postpone-form",
        due_on=clock.today() + timedelta(days=9), reason="等高校",
    )  # fmt: skip
    after = _events(anybody, path)
    assert set(before) == set(after)
    event = next(iter(after.values()))
    assert event["SEQUENCE"] == 2 and event["DTSTART"].dt == clock.today() + timedelta(days=9)


def test_a_closed_promise_leaves_the_calendar(zhao, anybody):
    path = _opened(zhao)
    zhao.submit(f"/follow-ups/{people.FOLLOW_UP}/close", "close-form", status="DONE", result="办好了")
    assert _events(anybody, path) == {}


def test_the_answer_is_private_and_asked_again_answers_not_modified(zhao, anybody):
    path = _opened(zhao)
    first = anybody.get(path)
    assert first.headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in first.headers
    again = anybody.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.data == b""


def test_the_token_is_kept_as_its_hash_only(zhao):
    token = _opened(zhao).partition("key=")[2]
    kept = db.session.scalars(sa.select(CalendarFeed)).one()
    assert kept.token_hash == hashlib.sha256(token.encode()).digest()
    assert all(token not in body for body in db.session.scalars(sa.select(Entry.body)))


def test_the_address_is_shown_once(zhao):
    form = zhao.form("/me/calendar", "calendar-form")
    data = form.filled(entry_id=str(uuid7()))
    first, replayed = zhao.post(form.action, data=data), zhao.post(form.action, data=data)
    assert "/follow-ups.ics?key=" in first.text
    assert "/follow-ups.ics?key=" not in replayed.text and "已经显示过" in replayed.text
    assert "/follow-ups.ics?key=" not in zhao.get("/me/calendar").text
    assert "已开通" in zhao.get("/me/calendar").text


def test_a_new_address_ends_the_old_one_and_revoking_ends_all(zhao, anybody):
    old = _opened(zhao)
    new = _opened(zhao)
    assert anybody.get(old).status_code == 404 and anybody.get(new).status_code == 200
    answer = zhao.submit("/me/calendar", "revoke-form")
    assert answer.status_code == 303 and "还没有开通" in zhao.get(answer.location).text
    assert anybody.get(new).status_code == 404


@pytest.mark.parametrize("key", ["", "x", "A" * 43, "A" * 5000, "%00", "字"])
def test_a_wrong_key_is_as_if_there_were_nothing(anybody, key):
    assert anybody.get(f"/follow-ups.ics?key={key}").status_code == 404
    assert anybody.get("/follow-ups.ics").status_code == 404


@pytest.mark.parametrize("change", [{"active": False}, {"role": "ADMIN"}])
def test_who_is_not_at_work_has_no_calendar(zhao, anybody, change):
    path = _opened(zhao)
    with writing():
        db.session.execute(sa.update(User).where(User.username == "zhao").values(**change))
        db.session.commit()
    assert anybody.get(path).status_code == 404


def test_what_its_owner_may_no_longer_see_is_not_in_it(qian, anybody, city):
    _promise(city.chuntian, "qian", 2, "春田的事")
    path = _opened(qian)
    assert len(_events(anybody, path)) == 1
    with writing():
        db.session.execute(
            sa.text("UPDATE enterprise SET team_id = NULL WHERE id = :id"), {"id": city.chuntian.id}
        )
        db.session.commit()
    assert _events(anybody, path) == {}


def test_a_lead_has_a_calendar_of_what_they_promised_themselves(li, anybody, city):
    _promise(city.beichen, "li", 2, "组长自己答应的")
    assert [str(e["SUMMARY"]) for e in _events(anybody, _opened(li)).values()] == [
        f"组长自己答应的 · {city.beichen.name}"
    ]


def test_the_calendar_has_an_end(zhao, anybody, city, monkeypatch):
    monkeypatch.setattr("fieldapp.followups.calendars.MOST_EVENTS", 3)
    for n in range(6):
        _promise(city.huaxing, "zhao", n, f"第{n}件")
    assert len(_events(anybody, _opened(zhao))) == 3


def test_the_key_reads_the_calendar_and_opens_nothing_else(zhao, anybody):
    key = _opened(zhao).partition("?")[2]
    for path in ("/", "/follow-ups", f"/follow-ups/{people.FOLLOW_UP}", "/follow-ups.xlsx"):
        assert anybody.get(f"{path}?{key}").location.startswith("/login")


def test_asking_too_often_is_turned_away(app, anybody, monkeypatch):
    from fieldapp.codes.turnstile import Turnstile

    monkeypatch.setitem(app.extensions, "followups.feed", Turnstile())
    monkeypatch.setitem(app.config, "CARD_VIEWS_PER_MINUTE", 2)
    met = [anybody.get("/follow-ups.ics?key=x").status_code for _ in range(3)]
    assert met == [404, 404, 429]


def test_an_english_reader_gets_an_english_calendar(zhao, anybody):
    with writing():
        db.session.execute(sa.update(User).where(User.username == "zhao").values(language="en"))
        db.session.commit()
    answer = zhao.submit("/me/calendar", "calendar-form")
    assert re.search(r"key=[\w-]{43}&amp;lang=en", answer.text)
