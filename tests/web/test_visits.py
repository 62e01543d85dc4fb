"""Recording a visit: once, by whoever may, with everything in it."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta
from html import unescape
from io import BytesIO

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.attachments.models import Attachment
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.entries.models import Entry
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from fieldapp.visits.models import (
    Visit,
    VisitEvent,
    VisitStatus,
    VisitStep,
    VisitWay,
    visit_companion,
    visit_contact,
    visit_photo,
)
from tests import people
from tests.forms import forms_in
from tests.photos import jpeg

HERE = {"lat": "40.6580", "lng": "109.8410", "accuracy": "18.5"}  # 84 m from 华星
AWAY = {"lat": "40.6629", "lng": "109.8404", "accuracy": "18.0"}  # 612 m from 华星


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


def _person(username):
    number = db.session.scalar(sa.select(User.id).where(User.username == username))
    db.session.rollback()
    return number


def _stored(answer):
    """The visit that an answer leads to."""
    assert answer.status_code == 303, answer.text[:2000]
    db.session.rollback()
    number = answer.location.partition("?")[0].removesuffix("/edit").rpartition("/")[2]
    return db.session.get(Visit, people.uuid.UUID(number))


def _taken(minutes=0):
    """When a phone took its position, as it says it."""
    return (clock.now() - timedelta(minutes=minutes)).isoformat()


def _plan(city, officer="zhao", on=None, **more):
    """A visit that somebody has planned at 华星."""
    with writing():
        db.session.rollback()
        visit = Visit(
            id=uuid7(), enterprise_id=city.huaxing.id, officer_id=_person(officer), status=VisitStatus.PLANNED,
            planned_on=on or clock.today(), planned_at="14:30", way=VisitWay.ON_SITE, purposes=["POLICY"], **more,
        )  # fmt: skip
        db.session.add(visit)
        db.session.commit()
        return visit.id


NEED = {"needs-0-title": "涂层附着力", "needs-0-kind": "RESEARCH", "needs-0-budget": "12.5"}


def _promise(days=7):
    return {"promises-0-title": "送案例", "promises-0-due_on": clock.today() + timedelta(days=days)}


def test_an_officer_records_a_visit_with_need_and_promise_in_one_go(zhao, li, city):
    answer = zhao.submit(
        _new(city), "visit-form", met=[_contact(city)], purposes=["NEEDS", "TECHNOLOGY"], said="聊得很好",
        **NEED, **_promise(),
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
    met = {
        "new_contacts-0-name": "蒋澈",
        "new_contacts-0-title": "研发部长",
        "new_contacts-0-phone": "17704030614",
    }
    saved = _stored(zhao.submit(_new(city), "visit-form", **met, **{"new_contacts-3-name": "宋屿"}))
    assert (
        len(db.session.execute(sa.select(visit_contact).where(visit_contact.c.visit_id == saved.id)).all())
        == 2
    )
    assert "宋屿" in zhao.get(_new(city)).text and "蒋澈" in zhao.get(_new(city)).text
    assert city.huaxing.name in zhao.get("/enterprises?q=jiangche").text


def test_what_pasting_brings_along_and_nobody_sees_is_left_out(zhao, city):
    """A number out of an iPhone's contacts has direction marks around it, a text out of Word its own line ends."""
    met = {"new_contacts-0-name": "蒋\u200b澈", "new_contacts-0-phone": "\u202d138 0477 0614\u202c"}
    need = {
        **NEED,
        "needs-0-title": "涂层\x0b附着力",
        "needs-1-title": "\ufeff\u200b",
        "needs-1-kind": "TALENT",
    }
    saved = _stored(zhao.submit(_new(city), "visit-form", said="一\x0b二👩\u200d🔬", **met, **need))
    contact = db.session.scalar(sa.select(Contact).where(Contact.name == "蒋澈"))
    assert contact.phone == "138 0477 0614" and saved.said == "一\n二👩\u200d🔬"
    titles = db.session.scalars(sa.select(Need.title).where(Need.visit_id == saved.id)).all()
    assert titles == ["涂层 附着力"]  # and the row in which nothing stands is no need


def test_bad_input_says_so_beside_the_field_and_keeps_what_was_typed(zhao, city):
    before = _count(Visit), _count(Entry), _count(Need), _count(FollowUp)
    answer = zhao.submit(
        _new(city), "visit-form", said="打了很久的字", purposes=["POLICY"], way="PHONE", far_words="在东门",
        **{"needs-0-title": "涂层", "needs-0-budget": "很多", "needs-4-title": "第二条", "needs-4-kind": "TALENT", "needs-²-title": "x", "needs-99999-title": "x", "new_contacts-0-phone": "13900001111"},
        **_promise(-1), **AWAY, fixed_at=_taken(), visit_id=(own := str(uuid7())),
    )  # fmt: skip
    assert answer.status_code == 422
    for words in (
        "至少选一位", "还差姓名", "不能早于今天", "打了很久的字", "送案例", "第二条", "很多", "13900001111", "在东门",
        'href="#met"', 'href="#promises-0-due_on"', 'href="#needs-0-budget"', own, AWAY["lat"], "还有 4 处要改",
    ):  # fmt: skip
        assert words in answer.text, words
    again = next(f for f in forms_in(answer.text) if f.id == "visit-form").filled()
    assert again["purposes"] == "POLICY" and again["way"] == "PHONE" and again["needs-1-title"] == "第二条"
    assert before == (_count(Visit), _count(Entry), _count(Need), _count(FollowUp))


def test_impossible_times_are_refused(zhao, city):
    tomorrow = (clock.local(clock.now()) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = zhao.submit(_new(city), "visit-form", met_nobody="y", arrived_at=tomorrow)
    assert answer.status_code == 422 and "不能晚于现在" in answer.text


def test_a_visit_of_yesterday_is_marked_as_added_later(zhao, city):
    yesterday = (clock.local(clock.now()) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = zhao.submit(_new(city), "visit-form", met_nobody="y", arrived_at=yesterday)
    assert "补录" in zhao.get(answer.location).text


def _sent_late(zhao, city, arrived_at, written_at):
    """A visit that waited on the phone: when it was, and when the phone says it was written down."""
    form = zhao.form(_new(city), "visit-form")
    data = form.filled(met_nobody="y", arrived_at=clock.local(arrived_at).strftime("%Y-%m-%dT%H:%M"))
    answer = zhao.post(form.action, data=data, headers={"Outbox-At": written_at.isoformat()})
    return _stored(answer)


def test_a_visit_that_waited_overnight_for_a_network_is_not_added_later(zhao, city):
    yesterday = clock.now() - timedelta(days=1)
    saved = _sent_late(zhao, city, yesterday, yesterday)
    assert not saved.late_entry and saved.recorded_at - yesterday >= timedelta(days=1)


@pytest.mark.parametrize("days", [-1, 0, 200])
def test_a_phones_clock_that_cannot_be_right_excuses_nothing(zhao, city, days):
    now = clock.now()
    assert _sent_late(zhao, city, now - timedelta(days=1), now - timedelta(days=days)).late_entry


def test_contacts_of_another_enterprise_cannot_be_met_here(zhao, city):
    foreign = db.session.scalars(
        sa.select(Contact.id).where(Contact.enterprise_id == city.yuanshan.id)
    ).first()
    db.session.rollback()
    before = _count(Visit)
    assert zhao.submit(_new(city), "visit-form", met=[foreign]).status_code == 422
    assert _count(Visit) == before


ODD = ["O'Brien; DROP", '"引号"', "王 小 明", "👷🏽‍♀️工", "100%_\\", "多\n行"]


def _also_there(city, names, **words):
    with writing():
        db.session.add_all(Contact(enterprise_id=city.huaxing.id, name=name, **words) for name in names)
        db.session.commit()
    db.session.rollback()


def test_whoever_is_still_there_can_be_met_whatever_they_are_called(zhao, city):
    """Twelve of them, so that the tenth comes after the ninth and not after the first."""
    _also_there(city, ODD * 2, title="总 工")
    _also_there(city, ["走了"], active=False)
    there = db.session.execute(
        sa.select(Contact.id, Contact.name, Contact.title, Contact.active)
        .where(Contact.enterprise_id == city.huaxing.id)
        .order_by(Contact.id)
    ).all()
    db.session.rollback()
    page = zhao.get(_new(city)).text
    tiles = re.findall(r'name="met"[^>]*value="(\d+)"[^>]*><span>(.*?)</span>', page, re.DOTALL)
    shown = [(int(number), " ".join(unescape(name).split())) for number, name in tiles]
    assert shown == [(one.id, " ".join(f"{one.name} {one.title}".split())) for one in there if one.active]
    everybody = [one.id for one in there if one.active]
    assert zhao.submit(_new(city), "visit-form", met=everybody).status_code == 303
    assert zhao.submit(_new(city), "visit-form", met=[there[-1].id]).status_code == 422


def test_where_nobody_is_known_the_form_asks_for_no_name(zhao, city):
    with writing():
        db.session.execute(
            sa.update(Contact).where(Contact.enterprise_id == city.huaxing.id).values(active=False)
        )
        db.session.commit()
    db.session.rollback()
    assert 'name="met"' not in zhao.get(_new(city)).text
    assert zhao.submit(_new(city), "visit-form", met_nobody="y").status_code == 303


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


# --- all of it, once ------------------------------------------------------------------------------------------------


def test_several_needs_promises_and_photos_are_stored_with_the_visit(zhao, city):
    before = [_count(model) for model in (Visit, Need, FollowUp, Attachment)]
    answer = zhao.submit(
        _new(city), "visit-form", met=[_contact(city)], **NEED, **_promise(),
        **{"needs-2-title": "招两名硕士", "needs-2-kind": "TALENT", "promises-5-title": "回电话", "promises-5-due_on": clock.today()},
        **{"needs-3-title": "", "needs-3-kind": "OTHER"},  # a row left empty
        photos=[(BytesIO(jpeg()), "门口.jpg"), (BytesIO(jpeg(320, 200)), "设备.jpg")],
    )  # fmt: skip
    saved = _stored(answer)
    assert [_count(model) for model in (Visit, Need, FollowUp, Attachment)] == [
        before[0] + 1, before[1] + 2, before[2] + 2, before[3] + 2,
    ]  # fmt: skip
    titles = set(db.session.scalars(sa.select(Need.title).where(Need.visit_id == saved.id)))
    assert titles == {"涂层附着力", "招两名硕士"}
    places = db.session.scalars(sa.select(visit_photo.c.position).where(visit_photo.c.visit_id == saved.id))
    assert sorted(places) == [1, 2]
    assert saved.recorded_at is not None and saved.version == 1
    assert re.search(r"经过（1 步）.*记录了走访.*赵青", zhao.get(f"/visits/{saved.id}").text, re.S)


def test_a_history_begins_with_the_visit_and_goes_on_with_what_is_done_to_it(zhao, li, city):
    saved = _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", said="聊了扩产"))
    assert zhao.submit(f"/visits/{saved.id}/edit", "visit-form", said="聊了扩产和招人").status_code == 303
    page = li.get(f"/visits/{saved.id}").text
    assert re.search(r"经过（2 步）.*记录了走访.*改了记录", page, re.S)
    # A line as it was written up to 0.5.3 is that beginning, and no second one.
    begun = VisitEvent(
        visit_id=saved.id, at=saved.created_at, by_id=saved.officer_id, step=VisitStep.RECORDED
    )
    db.session.rollback()
    with writing():
        db.session.add(begun)
        db.session.commit()
    assert "经过（2 步）" in li.get(f"/visits/{saved.id}").text


def test_ids_made_on_the_phone_are_kept(zhao, city):
    own = {name: str(uuid7()) for name in ("visit_id", "needs-0-id", "promises-0-id")}
    saved = _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", **NEED, **_promise(), **own))
    assert str(saved.id) == own["visit_id"]
    assert str(db.session.scalar(sa.select(Need.id).where(Need.visit_id == saved.id))) == own["needs-0-id"]
    kept = db.session.scalar(sa.select(FollowUp.id).where(FollowUp.visit_id == saved.id))
    assert str(kept) == own["promises-0-id"]


def test_a_need_that_is_stored_already_stops_all_of_the_second_visit(zhao, city):
    again = {"needs-0-id": str(uuid7())}
    _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", **NEED, **again))
    before = [_count(model) for model in (Visit, Need, AuditEvent)]
    answer = zhao.submit(_new(city), "visit-form", met_nobody="y", said="另一次", **NEED, **again)
    assert answer.status_code == 409
    assert before == [_count(model) for model in (Visit, Need, AuditEvent)]


def test_one_refused_photo_stores_nothing_and_names_the_file(zhao, city):
    before = [_count(model) for model in (Visit, Attachment)]
    answer = zhao.submit(
        _new(city), "visit-form", met_nobody="y", said="有图",
        photos=[(BytesIO(jpeg()), "好.jpg"), (BytesIO(b"no picture at all"), "坏.jpg")],
    )  # fmt: skip
    assert answer.status_code == 422 and "坏.jpg" in answer.text and "有图" in answer.text
    assert before == [_count(model) for model in (Visit, Attachment)]


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
def test_without_script_a_submit_button_adds_a_row_and_stores_nothing(zhao, city, headers):
    before = _count(Visit)
    answer = zhao.submit(
        _new(city), "visit-form", met_nobody="y", said="先写的", add="need", headers=headers, **NEED
    )
    assert answer.status_code == 422 and _count(Visit) == before
    assert "errsum" not in answer.text
    form = next(f for f in forms_in(answer.text) if f.id == "visit-form").filled()
    assert form["needs-0-title"] == "涂层附着力" and form["needs-1-title"] == "" and "先写的" in form["said"]
    assert form["met_nobody"] == "y"
    for kind, field in (("promise", "promises-1-title"), ("contact", "new_contacts-0-name")):
        assert field in zhao.submit(_new(city), "visit-form", add=kind).text


def test_the_page_carries_a_row_of_each_kind_to_add_without_a_network(zhao, city):
    page = zhao.get(_new(city)).text
    for name in ("needs-__n__-title", "promises-__n__-due_on", "new_contacts-__n__-name"):
        assert f'name="{name}"' in page
    form = next(f for f in forms_in(page) if f.id == "visit-form")
    assert not any("__n__" in name for name, _ in form.fields), "a template sends nothing"


def test_htmx_gets_the_form_alone_and_a_refusal_leaves_the_form_in_place(zhao, city):
    headers = {"HX-Request": "true"}
    invalid = zhao.submit(_new(city), "visit-form", said="字还在", headers=headers)
    assert (
        invalid.status_code == 422 and invalid.text.lstrip().startswith("<form") and "字还在" in invalid.text
    )
    data = zhao.form(_new(city), "visit-form").filled(met_nobody="y", visit_id=str(uuid7()))
    good = zhao.post(_new(city), data=data, headers=headers)
    assert good.status_code == 204 and "/visits/" in good.headers["HX-Redirect"]
    refused = zhao.post(_new(city), data={**data, "said": "换个编号"}, headers=headers)
    assert refused.status_code == 409 and refused.headers["HX-Retarget"] == "#main"
    assert "已经保存过了" in refused.text and "<form" not in refused.text


# --- checking in, plans, joint visits -------------------------------------------------------------------------------


def test_checking_in_first_and_writing_it_down_later_is_one_visit(zhao, city):
    before = _count(Visit)
    answer = zhao.submit(
        _new(city),
        "visit-form",
        intent="arrive",
        said="门卫登记",
        arrived_at="2020-01-01T08:00",
        **HERE,
        fixed_at=_taken(),
    )
    assert answer.status_code == 303 and answer.location.endswith("/edit?notice=visit_arrived")
    visit = _stored(answer)
    assert visit.status is VisitStatus.ARRIVED and visit.recorded_at is None and not visit.late_entry
    assert abs((visit.arrived_at - clock.now()).total_seconds()) < 60 and visit.distance == 84
    arrived_at = visit.arrived_at
    assert db.session.get(Enterprise, city.huaxing.id).last_visited_on == clock.today()

    # the same enterprise again: the officer is led to what they began
    again = zhao.get(_new(city))
    assert again.status_code == 302 and again.location == f"/visits/{visit.id}/edit"
    kept = zhao.submit(again.location, "visit-form", intent="arrive", said="门卫登记，等人")
    assert kept.status_code == 303 and _stored(kept).status is VisitStatus.ARRIVED
    unfinished = zhao.submit(again.location, "visit-form", intent="record")
    assert unfinished.status_code == 422 and "至少选一位" in unfinished.text
    saved = _stored(zhao.submit(again.location, "visit-form", intent="record", met=[_contact(city)], **NEED))
    assert saved.id == visit.id and saved.status is VisitStatus.RECORDED and saved.said == "门卫登记，等人"
    assert saved.arrived_at == arrived_at and saved.distance == 84 and saved.recorded_at is not None
    assert _count(Visit) == before + 1
    steps = db.session.scalars(
        sa.select(VisitEvent.step).where(VisitEvent.visit_id == saved.id).order_by(VisitEvent.id)
    ).all()
    assert steps == [VisitStep.ARRIVED, VisitStep.AMENDED, VisitStep.RECORDED]


def test_checking_in_without_a_network_is_the_tap_and_not_the_sending(zhao, city):
    """It is sent an hour later; what is written down of that visit meanwhile still holds."""
    tapped = (clock.now() - timedelta(hours=1)).replace(second=37)
    form = zhao.form(_new(city), "visit-form")
    headers = {"Outbox-At": tapped.isoformat()}
    arrived = _stored(zhao.post(form.action, data=form.filled(intent="arrive"), headers=headers))
    assert arrived.status is VisitStatus.ARRIVED and arrived.arrived_at == tapped
    minute = clock.local(tapped).strftime("%Y-%m-%dT%H:%M")
    data = form.filled(met_nobody="y", arrived_at=minute, left_at=minute, said="门口说了两句")
    saved = _stored(zhao.post(form.action, data=data | {"entry_id": str(uuid7())}))
    assert saved.id == arrived.id and saved.arrived_at == tapped and saved.said == "门口说了两句"


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(days=1), timedelta(0)])
def test_a_check_in_is_as_long_ago_as_it_waited_whatever_the_phones_clock_shows(zhao, city, off):
    form, now = zhao.form(_new(city), "visit-form"), clock.now()
    headers = {"Outbox-At": (now + off - timedelta(minutes=20)).isoformat(), "Outbox-Waited": "1200"}
    arrived = _stored(zhao.post(form.action, data=form.filled(intent="arrive"), headers=headers))
    assert abs((now - timedelta(minutes=20) - arrived.arrived_at).total_seconds()) < 60


def test_a_phones_clock_that_runs_ahead_does_not_move_a_check_in(zhao, city):
    form = zhao.form(_new(city), "visit-form")
    headers = {"Outbox-At": (clock.now() + timedelta(hours=5)).isoformat()}
    arrived = _stored(zhao.post(form.action, data=form.filled(intent="arrive"), headers=headers))
    assert abs((arrived.arrived_at - clock.now()).total_seconds()) < 60


def test_a_form_opened_before_the_check_in_finishes_it_and_wipes_nothing(zhao, city):
    opened = zhao.form(_new(city), "visit-form")
    arrived = _stored(
        zhao.submit(
            _new(city),
            "visit-form",
            intent="arrive",
            met=[_contact(city)],
            said="先到了",
            **HERE,
            fixed_at=_taken(),
        )
    )
    moment = arrived.arrived_at
    before = _count(Visit)
    saved = _stored(zhao.post(opened.action, data=opened.filled(met=[_contact(city)], purposes=["NEEDS"])))
    assert saved.id == arrived.id and _count(Visit) == before
    assert saved.status is VisitStatus.RECORDED and saved.said == "先到了" and saved.distance == 84
    assert saved.arrived_at == moment and saved.purposes == ["NEEDS"]


def test_a_plan_is_kept_by_the_visit(zhao, city):
    plan = _plan(city)
    page = zhao.get(_new(city)).text
    assert "14:30的计划走访" in page
    form = zhao.form(_new(city), "visit-form")
    assert form.filled()["purposes"] == "POLICY" and form.filled()["fulfils"] == str(plan)
    before = _count(Visit)
    data = form.filled(met_nobody="y", entry_id=str(uuid7()))
    saved = _stored(zhao.post(form.action, data=data))
    assert saved.id == plan and saved.status is VisitStatus.RECORDED and _count(Visit) == before
    assert saved.planned_on == clock.today() and saved.version == 2
    # a second one from the same old form is not said to have been saved
    again = zhao.post(form.action, data={**data, "entry_id": str(uuid7()), "said": "下午又去了一趟"})
    assert again.status_code == 409 and "还没有保存" in again.text and "已经保存过了" not in again.text
    assert _count(Visit) == before
    beside = {
        **data,
        "entry_id": str(uuid7()),
        "visit_id": str(uuid7()),
        "said": "下午又去了一趟",
        "fulfils": "",
    }
    assert zhao.post(form.action, data=beside).status_code == 303 and _count(Visit) == before + 1


def test_a_visit_beside_the_plan_leaves_the_plan_alone(zhao, city):
    plan = _plan(city)
    saved = _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", fulfils=None))
    assert saved.id != plan
    assert db.session.get(Visit, plan).status is VisitStatus.PLANNED


def test_a_plan_called_off_meanwhile_does_not_stop_the_visit(zhao, city):
    plan = _plan(city)
    form = zhao.form(_new(city), "visit-form")
    with writing():
        db.session.get(Visit, plan).status = VisitStatus.CANCELLED
        db.session.commit()
    saved = _stored(zhao.post(form.action, data=form.filled(met_nobody="y")))
    assert saved.id != plan and saved.status is VisitStatus.RECORDED


def test_colleagues_who_came_along_are_on_the_record(zhao, qian, city):
    form = zhao.form(_new(city), "visit-form")
    assert "钱禾" in zhao.get(_new(city)).text
    saved = _stored(zhao.post(form.action, data=form.filled(met_nobody="y", companions=[_person("qian")])))
    along = db.session.scalars(
        sa.select(visit_companion.c.officer_id).where(visit_companion.c.visit_id == saved.id)
    ).all()
    assert along == [_person("qian")]
    assert qian.get(f"/visits/{saved.id}/edit").status_code == 200
    strangers = zhao.submit(_new(city), "visit-form", met_nobody="y", companions=[_person("sun")])
    assert strangers.status_code == 422


def test_one_added_later_begins_with_its_date(zhao, city):
    page = zhao.get(f"{_new(city)}?late=1").text
    assert page.index('id="arrived_at"') < page.index('id="met"') and "补录走访" in page
    assert 'id="place"' not in page and 'value="arrive"' not in page
    empty = zhao.submit(f"{_new(city)}?late=1", "visit-form", met_nobody="y")
    assert empty.status_code == 422 and "请填到访时间" in empty.text
    last_week = clock.local(clock.now()) - timedelta(days=7)
    saved = _stored(
        zhao.submit(
            f"{_new(city)}?late=1",
            "visit-form",
            met_nobody="y",
            arrived_at=last_week.strftime("%Y-%m-%dT%H:%M"),
        )
    )
    assert saved.late_entry and clock.local(saved.arrived_at).date() == last_week.date()


def test_one_added_later_offers_the_day_of_a_plan_that_was_missed(zhao, city):
    missed = clock.today() - timedelta(days=2)
    plan = _plan(city, on=missed)
    form = zhao.form(f"{_new(city)}?late=1", "visit-form")
    assert form.filled()["arrived_at"] == f"{missed.isoformat()}T14:30"
    saved = _stored(zhao.post(form.action, data=form.filled(met_nobody="y")))
    assert saved.id == plan and saved.late_entry


def test_a_plan_to_come_is_not_kept_by_a_visit_of_last_week(zhao, city):
    _plan(city, on=clock.today() + timedelta(days=2))
    assert "fulfils" not in zhao.form(f"{_new(city)}?late=1", "visit-form").filled()


# --- the place ------------------------------------------------------------------------------------------------------


def test_the_place_is_stored_with_its_distance(zhao, city):
    taken = _taken(minutes=50)
    saved = _stored(
        zhao.submit(
            _new(city), "visit-form", met_nobody="y", **HERE, fixed_at=taken, asked_at=taken, far="MOVED"
        )
    )
    assert (saved.lat, saved.lng, saved.accuracy) == (40.658, 109.841, 18.5)
    assert saved.distance == 84 and saved.far_reason == "", "near by, no reason is asked"
    assert saved.fixed_at == datetime.fromisoformat(taken)


def test_far_away_asks_for_a_word_and_takes_none_for_an_answer(zhao, city):
    far = {**AWAY, "fixed_at": _taken()}
    silent = _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", **far))
    assert silent.distance == 612 and silent.far_reason == ""
    saved = _stored(
        zhao.submit(
            _new(city), "visit-form", met_nobody="y", said="二", **far, far="ELSEWHERE", far_words="在开发区"
        )
    )
    assert saved.far_reason == "约在别处：在开发区"
    assert "612" in zhao.get(f"/visits/{saved.id}").text


@pytest.mark.parametrize(
    "sent",
    [
        {**HERE, "lat": "95"},
        {**HERE, "lng": "-181"},
        {**HERE, "accuracy": "-1"},
        {**HERE, "accuracy": "NaN"},
        {**HERE, "lat": "inf"},
        {**HERE, "lat": "'; DROP TABLE visit"},
        {**HERE, "fixed_at": "2099-01-01T00:00:00Z"},
        {**HERE, "fixed_at": "yesterday"},
        {**HERE, "fixed_at": "2026-11-23T08:00:00"},
        {**HERE, "fixed_at": ""},
    ],
    ids=lambda sent: "-".join(sent.values())[:40],
)
def test_a_place_that_cannot_be_is_left_out_without_a_word(zhao, city, sent):
    saved = _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", **{"fixed_at": _taken(), **sent}))
    assert saved.lat is None and saved.distance is None and saved.accuracy is None and saved.fixed_at is None


def test_a_position_older_than_a_minute_when_it_was_taken_is_left_out(zhao, city):
    old = {"fixed_at": _taken(minutes=2), "asked_at": _taken()}
    assert _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", **HERE, **old)).lat is None


def test_an_enterprise_without_coordinates_has_a_place_and_no_distance(zhao, city):
    with writing():
        enterprise = db.session.get(Enterprise, city.huaxing.id)
        enterprise.lat = enterprise.lng = None
        db.session.commit()
    assert "data-lat" not in zhao.get(_new(city)).text
    saved = _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", **HERE, fixed_at=_taken()))
    assert saved.lat == 40.658 and saved.distance is None


def test_a_deployment_without_places_shows_none_and_takes_none(zhao, city, app, monkeypatch):
    monkeypatch.setitem(app.config, "PLACE", False)
    assert 'id="place"' not in zhao.get(_new(city)).text
    assert (
        _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", **HERE, fixed_at=_taken())).lat is None
    )


def test_quiet_times_are_said_and_stop_nobody(zhao, city):
    with writing():
        db.session.get(Enterprise, city.huaxing.id).quiet_times = "每天全天"
        db.session.commit()
    assert "企业免打扰" in zhao.get(_new(city)).text
    saved = _stored(zhao.submit(_new(city), "visit-form", met_nobody="y", override_reason="企业请我们来"))
    assert saved.override_reason == "企业请我们来"
