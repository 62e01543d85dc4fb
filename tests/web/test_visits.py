"""Recording a visit: once, by whoever may, with everything in it."""

from __future__ import annotations

import threading
from datetime import timedelta

import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.entries.models import Entry
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from fieldapp.visits.models import Visit
from tests import people


def _count(model):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model))


def _new(city):
    return f"/enterprises/{city.huaxing.id}/visits/new"


def _contact(city):
    contact = db.session.scalars(
        sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)
    ).first()
    db.session.rollback()
    return contact


def test_an_officer_records_a_visit_with_need_and_promise_in_one_go(zhao, li, city):
    answer = zhao.submit(
        _new(city), "visit-form", met=[_contact(city)], purposes=["NEEDS", "TECHNOLOGY"], said="聊得很好",
        need_title="涂层附着力", need_budget="12.5", promise_title="送案例", promise_due_on=clock.today() + timedelta(days=7),
    )  # fmt: skip
    assert answer.status_code == 303
    page = zhao.get(answer.location).text
    for words in ("走访已保存", "周岚", "聊得很好", "涂层附着力", "12.50 万元", "送案例"):
        assert words in page
    board = li.get("/lead").text
    assert "聊得很好" in board and "涂层附着力" in board and "送案例" in board
    story = zhao.get(f"/enterprises/{city.huaxing.id}").text
    assert "涂层附着力" in story


def test_the_visit_moves_the_enterprise_to_the_end_of_the_list(zhao, city):
    zhao.submit(_new(city), "visit-form", met_nobody="y")
    enterprise = db.session.get(Enterprise, city.huaxing.id)
    assert enterprise.last_visited_on == clock.today()
    assert enterprise.visit_due_on == clock.today() + timedelta(days=90)


def test_the_same_entry_again_gives_the_first_answer_and_one_row(zhao, city):
    before = _count(Visit)
    form = zhao.form(_new(city), "visit-form")
    data = form.filled(met_nobody="y", entry_id=str(uuid7()), visit_id=str(uuid7()))
    first, second = zhao.post(form.action, data=data), zhao.post(form.action, data=data)
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert second.headers["Outbox-Replayed"] == "1"
    assert first.headers["Outbox-Ack"] == second.headers["Outbox-Ack"] == data["entry_id"]
    assert _count(Visit) == before + 1


def test_eight_at_once_under_one_key_are_one_visit(app, zhao, city, browser_of):
    before = _count(Visit)
    form = zhao.form(_new(city), "visit-form")
    data = form.filled(met_nobody="y", entry_id=str(uuid7()), visit_id=str(uuid7()))
    answers = []

    def send(client):
        answers.append(client.post(form.action, data=data))

    cookie = zhao.get_cookie("fieldapp")
    clients = []
    for _ in range(8):
        client = app.test_client()
        client.set_cookie("fieldapp", cookie.value)
        clients.append(client)
    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} == {303}
    assert len({a.location for a in answers}) == 1
    assert _count(Visit) == before + 1


def test_without_script_a_double_tap_is_one_visit_too(zhao, city):
    before = _count(Visit)
    form = zhao.form(_new(city), "visit-form")
    data = form.filled(met_nobody="y", entry_id="", visit_id="")
    first, second = zhao.post(form.action, data=data), zhao.post(form.action, data=data)
    assert first.location == second.location
    assert _count(Visit) == before + 1


def test_the_same_key_with_other_words_is_refused_and_nothing_changes(zhao, city):
    form = zhao.form(_new(city), "visit-form")
    data = form.filled(met_nobody="y", said="第一次", entry_id=str(uuid7()), visit_id=str(uuid7()))
    assert zhao.post(form.action, data=data).status_code == 303
    before = _count(Visit)
    again = zhao.post(form.action, data={**data, "said": "另一次"})
    assert again.status_code == 422
    assert again.headers["Outbox-Error"] == "key-reuse"
    assert _count(Visit) == before


def test_another_persons_key_is_refused(zhao, qian, city):
    form = zhao.form(_new(city), "visit-form")
    data = form.filled(met_nobody="y", entry_id=str(uuid7()), visit_id=str(uuid7()))
    zhao.post(form.action, data=data)
    theirs = qian.form(_new(city), "visit-form")
    answer = qian.post(theirs.action, data={**data, "csrf_token": dict(theirs.fields)["csrf_token"]})
    assert answer.status_code == 403
    assert answer.headers["Outbox-Error"] == "user"


def test_the_same_visit_under_two_keys_is_refused_by_its_own_id(zhao, city):
    form = zhao.form(_new(city), "visit-form")
    data = form.filled(met_nobody="y", visit_id=str(uuid7()), entry_id=str(uuid7()))
    assert zhao.post(form.action, data=data).status_code == 303
    before = _count(Visit)
    assert zhao.post(form.action, data={**data, "entry_id": str(uuid7())}).status_code == 409
    assert _count(Visit) == before


def test_a_new_contact_is_met_and_found_by_name_from_then_on(zhao, city):
    zhao.submit(_new(city), "visit-form", new_name="蒋澈", new_title="研发部长", new_phone="17704030614")
    assert "蒋澈" in zhao.get(_new(city)).text
    assert city.huaxing.name in zhao.get("/enterprises?q=jiangche").text


def test_bad_input_says_so_beside_the_field_and_keeps_what_was_typed(zhao, city):
    before = _count(Visit), _count(Entry), _count(Need), _count(FollowUp)
    answer = zhao.submit(
        _new(city), "visit-form", said="打了很久的字", promise_title="送案例",
        promise_due_on=clock.today() - timedelta(days=1), need_budget="很多",
    )  # fmt: skip
    assert answer.status_code == 422
    for words in ("至少选一位", "不能早于今天", "打了很久的字", "送案例", 'href="#met"', "很多"):
        assert words in answer.text
    assert before == (_count(Visit), _count(Entry), _count(Need), _count(FollowUp))


def test_impossible_times_are_refused(zhao, city):
    tomorrow = (clock.local(clock.now()) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = zhao.submit(_new(city), "visit-form", met_nobody="y", arrived_at=tomorrow)
    assert answer.status_code == 422 and "不能晚于现在" in answer.text


def test_a_visit_of_yesterday_is_marked_as_added_later(zhao, city):
    yesterday = (clock.local(clock.now()) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = zhao.submit(_new(city), "visit-form", met_nobody="y", arrived_at=yesterday)
    assert "补录" in zhao.get(answer.location).text


def test_contacts_of_another_enterprise_cannot_be_met_here(zhao, city):
    foreign = db.session.scalars(
        sa.select(Contact.id).where(Contact.enterprise_id == city.yuanshan.id)
    ).first()
    db.session.rollback()
    before = _count(Visit)
    assert zhao.submit(_new(city), "visit-form", met=[foreign]).status_code == 422
    assert _count(Visit) == before


def test_another_teams_enterprise_cannot_be_found(sun, city):
    assert sun.get(_new(city)).status_code == 404
    assert sun.post(_new(city), data={"met_nobody": "y", "csrf_token": sun.token()}).status_code == 404
    assert sun.get(f"/visits/{people.VISIT}").status_code == 404


def test_admins_have_no_business_here(wu, city):
    assert wu.get(_new(city)).status_code == 403


def test_a_visit_and_its_audit_event_are_one_transaction(zhao, city):
    zhao.submit(_new(city), "visit-form", met_nobody="y")
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(3)).all()
    assert "visit_recorded" in actions


def test_reading_writes_nothing(zhao, city):
    counts = [_count(m) for m in (Visit, Need, FollowUp, Entry, AuditEvent)]
    for url in (
        "/",
        "/enterprises",
        f"/enterprises/{city.huaxing.id}",
        _new(city),
        "/visits",
        "/needs",
        "/follow-ups",
    ):
        assert zhao.get(url).status_code == 200
    assert counts == [_count(m) for m in (Visit, Need, FollowUp, Entry, AuditEvent)]
