"""Putting a visit right: by those who were there, and without anybody's words being lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.attachments.models import Attachment, AttachmentCopy
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from fieldapp.visits.models import (
    Visit,
    VisitEvent,
    VisitStatus,
    VisitStep,
    VisitWay,
    visit_contact,
    visit_photo,
)
from tests import people
from tests.forms import forms_in
from tests.photos import jpeg, kept_photo

EDIT = f"/visits/{people.VISIT}/edit"
SAID = "二期产线下月进场，担心涂覆均匀性"


def _visit(visit_id=people.VISIT):
    db.session.rollback()
    return db.session.get(Visit, visit_id, populate_existing=True)


def _count(model):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model))


def _set(**values):
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(Visit).where(Visit.id == people.VISIT).values(**values))
        db.session.commit()


def _last_event():
    db.session.rollback()
    return db.session.scalars(
        sa.select(VisitEvent)
        .where(VisitEvent.visit_id == people.VISIT)
        .order_by(VisitEvent.id.desc())
        .limit(1)
    ).one()


def _form_of(answer):
    return next(f for f in forms_in(answer.text) if f.id == "visit-form")


def _post(client, form, **values):
    """A form sent once more, as a new entry."""
    data = form.filled(**{"entry_id": str(uuid7()), **values})
    return client.post(EDIT, data=data)


def test_the_officer_puts_the_record_right(zhao, city):
    answer = zhao.submit(
        EDIT, "visit-form", said="二期推迟到明年", purposes=["NEEDS", "TECHNOLOGY"], way="PHONE"
    )
    assert answer.status_code == 303 and "修改已保存" in zhao.get(answer.location).text
    visit = _visit()
    assert (visit.said, visit.purposes, visit.way.name, visit.version) == (
        "二期推迟到明年",
        ["NEEDS", "TECHNOLOGY"],
        "PHONE",
        2,
    )
    event = _last_event()
    assert event.step is VisitStep.AMENDED
    assert event.changes == {
        "purposes": [["NEEDS"], ["NEEDS", "TECHNOLOGY"]],
        "said": [SAID, "二期推迟到明年"],
        "way": ["ON_SITE", "PHONE"],
    }
    trail = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "visit_amended")).one()
    assert trail.detail["fields"] == ["purposes", "said", "way"] and SAID not in str(trail.detail)


def test_saving_without_a_change_writes_no_history(zhao, city):
    before = _count(VisitEvent)
    assert zhao.submit(EDIT, "visit-form").status_code == 303
    assert _visit().version == 1 and _count(VisitEvent) == before


def test_the_form_begins_with_what_is_stored(zhao, city):
    form = zhao.form(EDIT, "visit-form").filled()
    contact = db.session.scalars(sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)).one()
    assert form["met"] == str(contact) and form["purposes"] == "NEEDS" and SAID in form["said"]
    assert form["version"] == "1" and "met_nobody" not in form


def test_people_met_needs_promises_and_photos_come_and_go(zhao, city):
    first = zhao.submit(
        EDIT, "visit-form", met=None, **{"new_contacts-0-name": "宋屿", "needs-0-title": "检测", "needs-0-kind": "TESTING"},
        **{"promises-0-title": "回电话", "promises-0-due_on": clock.today()}, photos=[(BytesIO(jpeg()), "一.jpg"), (BytesIO(jpeg(300, 200)), "二.jpg")],
    )  # fmt: skip
    assert first.status_code == 303
    names = db.session.scalars(
        sa.select(Contact.name).join(visit_contact, visit_contact.c.contact_id == Contact.id)
        .where(visit_contact.c.visit_id == people.VISIT)
    ).all()  # fmt: skip
    assert names == ["宋屿"]
    told = _last_event().changes
    assert (
        told["met"] == [["周岚"], ["宋屿"]] and told["needs"] == [None, ["检测"]] and told["photos"] == [0, 2]
    )
    photos = db.session.scalars(
        sa.select(visit_photo.c.attachment_id)
        .where(visit_photo.c.visit_id == people.VISIT)
        .order_by(visit_photo.c.position)
    ).all()
    assert len(photos) == 2
    address = f"/attachments/{photos[0]}/full.jpg"
    assert zhao.get(address).status_code == 200
    second = zhao.submit(
        EDIT, "visit-form", photos_removed=[str(photos[0])], photos=[(BytesIO(jpeg(200, 200)), "三.jpg")]
    )
    assert second.status_code == 303 and _last_event().changes == {"photos": [2, 2]}
    rows = db.session.execute(
        sa.select(visit_photo.c.attachment_id, visit_photo.c.position).where(
            visit_photo.c.visit_id == people.VISIT
        )
    ).all()
    assert {row.position for row in rows} == {2, 3} and photos[0] not in {row.attachment_id for row in rows}
    assert zhao.get(f"/visits/{people.VISIT}").status_code == 200
    # Who takes a photo away means it: its address answers no more, its bytes are gone, and the trail says so.
    assert zhao.get(address).status_code == 404
    for kept in (sa.select(Attachment.id), sa.select(AttachmentCopy.attachment_id).distinct()):
        assert photos[0] not in db.session.scalars(kept).all()
    removed = sa.select(AuditEvent).where(AuditEvent.action == "photos_removed")
    event = db.session.scalars(removed).one()
    assert event.subject == f"visit:{people.VISIT}" and event.detail["count"] == 1


def test_a_photo_that_another_visit_shows_stays_there(zhao, city):
    photo = kept_photo(city.huaxing.id)
    with writing():
        other = Visit(
            id=uuid7(), enterprise_id=city.huaxing.id, officer_id=_visit().officer_id, status=VisitStatus.RECORDED,
            arrived_at=clock.now(), way=VisitWay.ON_SITE, purposes=[],
        )  # fmt: skip
        db.session.add(other)
        db.session.flush()
        for visit_id in (people.VISIT, other.id):
            db.session.execute(
                sa.insert(visit_photo).values(visit_id=visit_id, attachment_id=photo, position=1)
            )
        db.session.commit()
    assert zhao.submit(EDIT, "visit-form", photos_removed=[str(photo)]).status_code == 303
    shown = db.session.scalars(sa.select(visit_photo.c.visit_id).where(visit_photo.c.attachment_id == photo))
    assert shown.all() == [other.id]
    assert zhao.get(f"/attachments/{photo}/full.jpg").status_code == 200


# --- two at once ----------------------------------------------------------------------------------------------------


def test_two_edits_at_once_are_shown_side_by_side_and_nothing_is_lost(zhao, qian, city):
    theirs, mine = qian.form(EDIT, "visit-form"), zhao.form(EDIT, "visit-form")
    assert _post(qian, theirs, said="钱禾写的话", way="PHONE").status_code == 303
    answer = _post(
        zhao,
        mine,
        said="赵青写的话",
        left_at="",
        **{"needs-0-title": "新需求", "needs-0-kind": "TALENT", "new_contacts-0-name": "宋屿"},
    )
    assert answer.status_code == 409
    for words in ("钱禾写的话", "赵青写的话", "钱禾", "用已保存的", "用我写的", "两段都留", "新需求", "宋屿"):
        assert words in answer.text, words
    assert _visit().said == "钱禾写的话", "nothing is stored yet"
    form = _form_of(answer)
    values = form.filled()
    assert values["version"] == "2" and set(values["conflict"]) == {"said", "way"}
    assert not any(name.startswith("choice-") for name in values), "nothing is chosen for anybody"
    assert "赵青写的话" in values["said"] and values["way"] == "ON_SITE"

    undecided = _post(zhao, form, **{"choice-said": "both"})
    assert (
        undecided.status_code == 422 and "请选用哪一个" in undecided.text and "choice-way" in undecided.text
    )
    assert _form_of(undecided).filled()["choice-said"] == "both"
    saved = _post(zhao, _form_of(undecided), **{"choice-way": "stored"})
    assert saved.status_code == 303
    visit = _visit()
    assert visit.said == "钱禾写的话\n\n赵青写的话" and visit.way.name == "PHONE" and visit.version == 3
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Need).where(Need.title == "新需求")) == 1


@pytest.mark.parametrize(("choice", "kept"), [("stored", "钱禾写的话"), ("mine", "赵青写的话")])
def test_either_text_can_be_chosen(zhao, qian, city, choice, kept):
    theirs, mine = qian.form(EDIT, "visit-form"), zhao.form(EDIT, "visit-form")
    _post(qian, theirs, said="钱禾写的话")
    answer = _post(zhao, mine, said="赵青写的话")
    assert _post(zhao, _form_of(answer), **{"choice-said": choice}).status_code == 303
    assert _visit().said == kept


def test_people_and_purposes_of_both_can_be_kept(zhao, qian, city):
    theirs, mine = qian.form(EDIT, "visit-form"), zhao.form(EDIT, "visit-form")
    _post(qian, theirs, purposes=["POLICY"], met=None, met_nobody="y")
    answer = _post(zhao, mine, purposes=["NEEDS", "REVISIT"])
    assert "未见到人" in answer.text and "两边都留" in answer.text
    _post(zhao, _form_of(answer), **{"choice-purposes": "both", "choice-met": "both"})
    visit = _visit()
    assert set(visit.purposes) == {"POLICY", "NEEDS", "REVISIT"} and not visit.met_nobody


def test_a_third_edit_in_between_is_shown_again(zhao, qian, city):
    theirs, mine = qian.form(EDIT, "visit-form"), zhao.form(EDIT, "visit-form")
    _post(qian, theirs, said="第一次")
    answer = _post(zhao, mine, said="赵青写的话")
    qian.submit(EDIT, "visit-form", said="第二次")
    again = _post(zhao, _form_of(answer), **{"choice-said": "mine"})
    assert again.status_code == 409 and "第二次" in again.text and "赵青写的话" in again.text
    assert "choice-said" not in _form_of(again).filled()


def test_what_is_only_added_never_conflicts(zhao, qian, city):
    mine = zhao.form(EDIT, "visit-form")
    qian.submit(EDIT, "visit-form", **{"needs-0-title": "钱禾的需求", "needs-0-kind": "OTHER"})
    answer = _post(
        zhao, mine, **{"needs-0-title": "赵青的需求", "needs-0-kind": "OTHER", "promises-0-title": "送", "promises-0-due_on": clock.today()},
        photos=[(BytesIO(jpeg()), "一.jpg")],
    )  # fmt: skip
    assert answer.status_code == 303
    titles = db.session.scalars(sa.select(Need.title).where(Need.visit_id == people.VISIT)).all()
    assert {"钱禾的需求", "赵青的需求"} <= set(titles) and _visit().version == 3
    assert db.session.scalar(sa.select(FollowUp.id).where(FollowUp.title == "送")) is not None


@pytest.mark.parametrize("version", ["", "x", "-1", "99999999999999999999", "²"])
def test_a_version_that_cannot_be_read_is_an_old_one(zhao, city, version):
    same = zhao.submit(EDIT, "visit-form", version=version)
    assert same.status_code == 303 and _visit().version == 1
    other = zhao.submit(EDIT, "visit-form", version=version, said="别的话")
    assert other.status_code == 409 and _visit().said == SAID


def test_htmx_gets_the_conflict_in_the_forms_place(zhao, qian, city):
    mine = zhao.form(EDIT, "visit-form")
    qian.submit(EDIT, "visit-form", said="钱禾写的话")
    answer = zhao.post(EDIT, data=mine.filled(said="赵青写的话"), headers={"HX-Request": "true"})
    assert answer.status_code == 409 and answer.text.lstrip().startswith("<form")
    assert "HX-Retarget" not in answer.headers and "钱禾写的话" in answer.text


def test_eight_edits_at_the_same_moment_store_one_and_show_seven(app, zhao, city):
    form = zhao.form(EDIT, "visit-form")
    cookie = zhao.get_cookie("fieldapp")
    answers = []

    def send(number):
        client = app.test_client()
        client.set_cookie("fieldapp", cookie.value)
        answers.append(client.post(EDIT, data=form.filled(said=f"第 {number} 个", entry_id=str(uuid7()))))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.status_code for a in answers) == [303] + [409] * 7
    assert all("有两个版本" in a.text for a in answers if a.status_code == 409)
    assert _visit().version == 2


def test_the_same_edit_twice_is_one(zhao, city):
    form = zhao.form(EDIT, "visit-form")
    data = form.filled(
        said="改过", entry_id=str(uuid7()), **{"needs-0-title": "一条", "needs-0-kind": "OTHER"}
    )
    first, second = zhao.post(EDIT, data=data), zhao.post(EDIT, data=data)
    assert first.status_code == second.status_code == 303 and second.headers["Outbox-Replayed"] == "1"
    assert _visit().version == 2
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Need).where(Need.title == "一条")) == 1


# --- the lead's review, times, place --------------------------------------------------------------------------------


def test_a_returned_record_goes_back_to_the_lead(zhao, city):
    _set(status=VisitStatus.RETURNED, review_comment="请写上谈了哪条产线")
    assert "请写上谈了哪条产线" in zhao.get(EDIT).text
    assert zhao.submit(EDIT, "visit-form", said="谈了二号线").status_code == 303
    assert _visit().status is VisitStatus.RECORDED and _last_event().step is VisitStep.AMENDED


def test_a_record_returned_while_it_is_edited_shows_the_comment_first(zhao, city):
    form = zhao.form(EDIT, "visit-form")
    _set(status=VisitStatus.RETURNED, review_comment="请写上谈了哪条产线", version=2)
    answer = _post(zhao, form)
    assert answer.status_code == 409 and "请写上谈了哪条产线" in answer.text
    assert _post(zhao, _form_of(answer), said="谈了二号线").status_code == 303
    assert _visit().status is VisitStatus.RECORDED


@pytest.mark.parametrize("status", [VisitStatus.ACCEPTED, VisitStatus.CANCELLED])
def test_what_is_over_is_not_edited(zhao, city, status):
    form = zhao.form(EDIT, "visit-form")
    _set(status=status)
    assert zhao.get(EDIT).status_code == 409
    answer = _post(zhao, form, said="太晚了")
    assert answer.status_code == 409 and _visit().said == SAID


def test_a_plan_is_filled_in_where_visits_are_begun(zhao, city):
    _set(status=VisitStatus.PLANNED, planned_on=clock.today(), arrived_at=None)
    assert zhao.get(EDIT).location == f"/enterprises/{city.huaxing.id}/visits/new"


def test_moving_the_visit_to_another_day_moves_the_enterprise(zhao, city):
    day = clock.local(clock.now()) - timedelta(days=20)
    assert zhao.submit(EDIT, "visit-form", arrived_at=day.strftime("%Y-%m-%dT%H:%M")).status_code == 303
    db.session.rollback()
    enterprise = db.session.get(Enterprise, city.huaxing.id)
    assert enterprise.last_visited_on == day.date()
    assert enterprise.visit_due_on == day.date() + timedelta(days=90)


def test_impossible_times_are_said_beside_the_field(zhao, city):
    form = zhao.form(EDIT, "visit-form")
    early = clock.local(clock.now()) - timedelta(days=30)
    answer = _post(zhao, form, left_at=early.strftime("%Y-%m-%dT%H:%M"), said="字还在")
    assert answer.status_code == 422 and "离开时间不能早于到访时间" in answer.text and "字还在" in answer.text


def test_a_place_is_kept_through_an_edit_and_can_be_taken_away(zhao, city):
    at = _visit().arrived_at + timedelta(minutes=1, microseconds=1)
    _set(
        lat=40.6629, lng=109.8404, accuracy=18.25, fixed_at=at, distance=612, far_reason="约在别处：在开发区"
    )
    page = zhao.get(EDIT).text
    assert "612 米" in page and "重新取一次" not in page, (
        "the visit is long over: a new position would not be its place"
    )
    assert zhao.submit(EDIT, "visit-form", said="别的").status_code == 303
    visit = _visit()
    assert (visit.lat, visit.accuracy, visit.fixed_at, visit.far_reason) == (
        40.6629,
        18.25,
        at,
        "约在别处：在开发区",
    )
    assert list(_last_event().changes) == ["said"]
    gone = zhao.submit(EDIT, "visit-form", lat="", lng="", accuracy="", fixed_at="")
    assert gone.status_code == 303 and _visit().lat is None and _visit().far_reason == ""
    assert list(_last_event().changes) == ["place"]


# --- who ------------------------------------------------------------------------------------------------------------


def test_helpers_may_and_others_may_not(qian, li, sun, zhou, wu, city):
    assert qian.get(EDIT).status_code == 200
    assert li.get(EDIT).status_code == 403
    assert li.post(EDIT, data={"csrf_token": li.token()}).status_code == 403
    assert sun.get(EDIT).status_code == zhou.get(EDIT).status_code == 404
    assert sun.post(EDIT, data={"csrf_token": sun.token(), "said": "x"}).status_code == 404
    assert wu.get(EDIT).status_code == 403


def test_bad_input_keeps_the_old_version_and_every_word(zhao, city):
    answer = zhao.submit(
        EDIT, "visit-form", met=None, said="字还在", **{"promises-0-title": "送", "promises-0-due_on": ""}
    )
    assert answer.status_code == 422
    form = _form_of(answer).filled()
    assert form["version"] == "1" and "字还在" in form["said"] and form["promises-0-title"] == "送"


def test_somebody_who_has_left_is_still_among_the_people_met(zhao, city):
    """A contact who has left since is still among the people met."""
    with writing():
        db.session.rollback()
        db.session.execute(
            sa.update(Contact).where(Contact.enterprise_id == city.huaxing.id).values(active=False)
        )
        db.session.commit()
    assert "周岚" in zhao.get(EDIT).text
    assert zhao.submit(EDIT, "visit-form", said="别的").status_code == 303
    assert "周岚" in zhao.get(f"/visits/{people.VISIT}").text


def test_a_colleague_of_the_visit_may_edit_it_wherever_they_serve(zhao, browser_of, city):
    number = db.session.scalar(sa.select(User.id).where(User.username == "li"))
    db.session.rollback()
    assert zhao.submit(EDIT, "visit-form", companions=[number]).status_code == 303
    assert browser_of("li").get(EDIT).status_code == 200
    assert _last_event().changes == {"companions": [[], ["李望"]]}
