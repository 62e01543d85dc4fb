"""Notices: told to one person, in words, until put away."""

from __future__ import annotations

import re
import time
from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa
from flask import render_template_string

from fieldapp import clock
from fieldapp.accounts import find_person
from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from fieldapp.notices.actions import tell
from fieldapp.notices.models import Notification
from fieldapp.notices.queries import list_notices, unread, unread_count
from fieldapp.notices.words import SENTENCES, sentence

DETAILS = {
    "by": "李望", "enterprise": "华星新能源", "count": 3, "needs": 2, "promises": 4, "reason": "岗位调整", "to": "钱禾",
    "day": date(2026, 11, 19), "comment": "再写细一点", "title": "送案例", "step": "已接单", "note": "约了专家",
}  # fmt: skip


def _id(username: str) -> int:
    found = db.session.scalars(sa.select(User.id).where(User.username == username)).one()
    db.session.rollback()
    return found


def _tell(
    username: str, kind: str = "visit_returned", times: int = 1, path: str = "/visits", **details
) -> None:
    user_id = _id(username)
    with writing():
        for _ in range(times):
            tell(user_id, kind, clock.now(), path, **(details or DETAILS))
        db.session.commit()


def _person(client, app):
    with app.test_request_context(
        headers={"Cookie": f"fieldapp={client.get_cookie('fieldapp').value}"}
    ) as context:
        return find_person(context.request)


@pytest.mark.parametrize("kind", SENTENCES)
def test_every_kind_is_a_sentence_with_its_details_and_without_them(app, kind):
    with app.test_request_context():
        full, bare = sentence(kind, {**DETAILS, "day": "2026-11-19", "year": 2027}), sentence(kind, {})
    assert full.count("。") >= 1 and "%(" not in full + bare and "None" not in full + bare
    assert full != bare and bare


def test_the_sentences_say_who_what_and_why(app):
    with app.test_request_context():
        assert sentence("handed_over", DETAILS) == (
            "李望把 3 家企业交给你服务。连同没办结的需求 2 件、答应的事 4 件。原因：岗位调整"
        )
        assert (
            sentence("handed_over", {"by": "李望", "enterprise": "华星", "count": 1})
            == "李望把华星交给你服务。"
        )
        assert (
            sentence("handed_away", {"by": "李望", "count": 2, "to": "钱禾"})
            == "李望把 2 家企业从你这里转给了钱禾。"
        )
        assert "再写细一点" in sentence("visit_returned", DETAILS)
        assert sentence("of a later version", {}) == "有一件事和你有关。"


def test_only_the_one_told_sees_it_until_put_away(zhao, qian):
    _tell("zhao")
    page = zhao.get("/notices").text
    assert "李望退回了你" in page and "再写细一点" in page
    assert "李望退回了你" not in qian.get("/notices").text
    answer = zhao.submit("/notices", 1)
    assert answer.status_code == 303
    page = zhao.get(answer.location).text
    assert "已读" in page and "知道了" not in page


def test_another_persons_notice_cannot_be_put_away(zhao, qian):
    _tell("zhao")
    notice = db.session.scalar(sa.select(Notification.id))
    db.session.rollback()
    assert qian.post(f"/notices/{notice}/read", data={"csrf_token": qian.token()}).status_code == 404
    qian.post("/notices/read", data={"csrf_token": qian.token(), "upto": notice})
    assert db.session.scalar(sa.select(Notification.read_at)) is None


def test_all_at_once_leaves_what_came_meanwhile(zhao, app):
    _tell("zhao", times=3)
    form = zhao.form("/notices", "notices-all")
    _tell("zhao", "reassigned")
    zhao.post(form.action, data=form.filled())
    person = _person(zhao, app)
    with app.test_request_context():
        assert [one.kind for one in unread(person)] == ["reassigned"]
        assert unread_count(person) == 1


@pytest.mark.parametrize("upto", ["", "x", "99999999999999999999", "-1"])
def test_a_nonsense_mark_puts_nothing_away(zhao, upto):
    _tell("zhao")
    answer = zhao.post("/notices/read", data={"csrf_token": zhao.token(), "upto": upto})
    assert answer.status_code == 303
    assert db.session.scalar(sa.select(Notification.read_at)) is None


def test_putting_away_answers_in_place_with_what_is_left(zhao):
    _tell("zhao", times=2)
    form = zhao.form("/notices", 1)
    answer = zhao.post(form.action, data=form.filled(), headers={"HX-Request": "true"})
    assert answer.status_code == 200 and 'id="notice-list"' in answer.text and "<html" not in answer.text
    assert answer.text.count("<li") == 1


def test_the_way_back_stays_on_this_site(zhao):
    _tell("zhao")
    form = zhao.form("/notices", 1)
    answer = zhao.post(form.action, data=form.filled(next="//evil.example/"))
    assert answer.location == "/notices"


def test_the_list_for_today_can_be_included_anywhere(zhao, app):
    _tell("zhao", title="<script>", by="<b>李望</b>", kind="reassigned")
    with app.test_request_context(headers={"Cookie": f"fieldapp={zhao.get_cookie('fieldapp').value}"}):
        from flask_login import current_user

        page = render_template_string('{% include "notices/_list.html" %}', notices=unread(current_user))
        empty = render_template_string('{% include "notices/_list.html" %}', notices=[])
    assert "&lt;b&gt;李望" in page and "<script>" not in page and "和你有关" in page
    assert 'id="notice-list"' in empty and "和你有关" not in empty


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil", "/" + "x" * 400]
)
def test_a_notice_leads_nowhere_else(app, path):
    with pytest.raises(ValueError, match="only lead"):
        tell(1, "reassigned", clock.now(), path)


def test_a_path_that_came_in_otherwise_is_not_a_link(zhao, app):
    user_id = _id("zhao")
    with writing():
        db.session.add(
            Notification(
                user_id=user_id,
                kind="reassigned",
                details={},
                path="https://evil.example/",
                created_at=clock.now(),
            )
        )
        db.session.commit()
    assert "evil.example" not in zhao.get("/notices").text


def test_an_unknown_kind_cannot_be_told(app):
    with pytest.raises(ValueError, match="no sentence"):
        tell(1, "nonsense", clock.now())


@pytest.mark.parametrize("number", [1, 20, 24])
def test_every_page_says_the_same_number(zhao, number):
    """今日 lists the newest twenty, and counts as the others do."""
    _tell("zhao", times=number)
    for page in ("/", "/enterprises", "/follow-ups"):
        assert re.findall(r'<span class="dot">(\d+)<span class="vh">条提醒没看', zhao.get(page).text) == [
            str(number)
        ], page
    assert f"提醒，{number} 条未读" in zhao.get("/").text


def test_the_newest_twenty_wait_and_the_count_stops_at_a_hundred(zhao, app):
    _tell("zhao", times=103)
    person = _person(zhao, app)
    with app.test_request_context():
        waiting = unread(person)
        assert len(waiting) == 20 and [one.id for one in waiting] == sorted(
            (one.id for one in waiting), reverse=True
        )
        assert unread_count(person) == 100


def test_ninety_days_are_paged_without_a_gap(zhao, app, monkeypatch):
    monkeypatch.setitem(app.config, "PAGE_SIZE", 3)
    _tell("zhao", times=7)
    with writing():
        old = db.session.scalars(sa.select(Notification).order_by(Notification.id)).first()
        old.created_at = clock.now() - timedelta(days=91)
        db.session.commit()
    person, cursor, seen = _person(zhao, app), "", []
    with app.test_request_context():
        while cursor is not None:
            rows, cursor = list_notices(person, clock.now(), cursor)
            seen += [one.id for one in rows]
    assert len(seen) == len(set(seen)) == 6


def test_nothing_to_tell_says_so(qian):
    assert "还没有提醒" in qian.get("/notices").text


def test_what_has_a_key_is_told_once_and_to_everybody_it_concerns(zhao, qian, app):
    ids = {name: _id(name) for name in ("zhao", "qian")}

    def told(name, key):
        with writing():
            new = tell(ids[name], "order_placed", clock.now(), key=key, enterprise="华星")
            db.session.commit()
        return new

    assert [told("zhao", "a"), told("zhao", "a"), told("zhao", "b"), told("qian", "a")] == [
        True,
        False,
        True,
        True,
    ]
    assert told("zhao", None) and told("zhao", None)
    with app.test_request_context():
        assert unread_count(_person(zhao, app)) == 4


def test_a_twin_that_is_still_being_told_is_waited_for(zhao, app):
    """Two processes tell one thing at one moment: on both databases one of them does."""
    user_id = _id("zhao")
    at_once, told = Barrier(2), []

    def one():
        with app.app_context(), writing():
            at_once.wait()
            told.append(tell(user_id, "order_placed", clock.now(), key="need:1:overdue", enterprise="华星"))
            time.sleep(0.2)
            db.session.commit()

    both = [Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(told) == [False, True]


@pytest.mark.parametrize("key", ["", "x" * 121])
def test_a_key_that_no_column_holds_is_a_mistake(app, key):
    with pytest.raises(ValueError, match="no key"):
        tell(1, "order_placed", clock.now(), key=key)
