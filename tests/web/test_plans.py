"""Planning a visit: the guard against visiting too often, going along, moving, calling off."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.entries.models import Entry
from fieldapp.notices.models import Notification
from fieldapp.visits.models import Visit, VisitEvent, VisitStatus, VisitStep, VisitWay, visit_companion
from tests import people
from tests.forms import forms_in

SOON = 40  # days ahead: further from the cast's visit (10 days ago) than the guard looks


def _day(days=SOON):
    return clock.today() + timedelta(days=days)


def _url(city, key="huaxing"):
    return f"/enterprises/{getattr(city, key).id}/visits/plan"


def _id(username):
    found = db.session.scalars(sa.select(User.id).where(User.username == username)).one()
    db.session.rollback()
    return found


def _count(model=Visit):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model))


def _visit(visit_id) -> Visit:
    db.session.rollback()
    found = db.session.get(Visit, visit_id)
    db.session.expunge(found)
    return found


def _newest() -> Visit:
    db.session.rollback()
    found = db.session.scalars(sa.select(Visit).order_by(Visit.created_at.desc(), Visit.id.desc())).first()
    db.session.expunge(found)
    return found


def _companions(visit_id):
    db.session.rollback()
    return set(
        db.session.scalars(
            sa.select(User.username)
            .join(visit_companion, visit_companion.c.officer_id == User.id)
            .where(visit_companion.c.visit_id == visit_id)
        )
    )


def _notices(username):
    db.session.rollback()
    query = sa.select(Notification.kind).join(User, User.id == Notification.user_id)
    return list(db.session.scalars(query.where(User.username == username).order_by(Notification.id)))


def _steps(visit_id):
    db.session.rollback()
    query = sa.select(VisitEvent).where(VisitEvent.visit_id == visit_id).order_by(VisitEvent.id)
    return [event.step for event in db.session.scalars(query)]


def _set_quiet(city, text):
    with writing():
        db.session.execute(
            sa.update(Enterprise).where(Enterprise.id == city.huaxing.id).values(quiet_times=text)
        )
        db.session.commit()


def planned(client, city, key="huaxing", days=SOON, **words) -> Visit:
    """A plan without anything to think about."""
    answer = client.submit(_url(city, key), "plan-form", planned_on=_day(days), **words)
    assert answer.status_code == 303, answer.text
    return _newest()


def arrived(visit_id) -> None:
    with writing():
        db.session.execute(
            sa.update(Visit)
            .where(Visit.id == visit_id)
            .values(status=VisitStatus.ARRIVED, arrived_at=clock.now())
        )
        db.session.commit()


# Planning.


def test_an_officer_plans_a_visit_and_finds_it_where_it_is_needed(zhao, city):
    answer = zhao.submit(
        _url(city), "plan-form", planned_on=_day(), planned_at="14:30", purposes=["NEEDS", "POLICY"]
    )
    assert answer.status_code == 303
    page = zhao.get(answer.location).text
    for words in ("走访已安排", "已计划", "14:30", "了解需求", "政策宣讲", "改计划", "开始走访"):
        assert words in page
    visit = _newest()
    assert (visit.status, visit.planned_on, visit.planned_at) == (VisitStatus.PLANNED, _day(), "14:30")
    assert visit.arrived_at is None and _steps(visit.id) == [VisitStep.PLANNED]
    assert "14:30" in zhao.get("/visits?state=planned").text
    assert "你计划" in zhao.get(f"/enterprises/{city.huaxing.id}").text


def test_colleagues_see_the_plan_at_the_head_of_the_casefile_and_not_as_a_visit(zhao, qian, city):
    planned(zhao, city, planned_at="14:30", purposes=["APPLICATION"])
    page = qian.get(f"/enterprises/{city.huaxing.id}").text
    assert "赵青计划" in page and "14:30 来" in page
    timeline = page[page.index('id="timeline"') :]
    assert "走访 1" in timeline  # the cast's own visit, not the plan
    assert "项目申报" not in timeline


def test_a_plan_is_no_visit_in_lists_and_counts(zhao, li, city):
    before = zhao.get("/visits").text.count("row-title")
    planned(zhao, city)
    assert zhao.get("/visits").text.count("row-title") == before
    enterprise = db.session.get(Enterprise, city.huaxing.id)
    assert enterprise.last_visited_on == clock.today() - timedelta(days=10)


def test_the_time_may_be_left_out_or_typed_freely(zhao, city):
    assert planned(zhao, city, planned_at="").planned_at == ""
    assert planned(zhao, city, days=SOON + 20, planned_at="9：05").planned_at == "09:05"
    answer = zhao.submit(_url(city), "plan-form", planned_on=_day(80), planned_at="下午")
    assert answer.status_code == 422 and "时间写成 14:30 这样" in answer.text


def test_bad_input_says_so_and_keeps_what_was_typed(zhao, city):
    before = _count()
    answer = zhao.submit(
        _url(city), "plan-form", planned_on=_day(-1), planned_at="15:30", purposes=["POLICY"]
    )
    assert answer.status_code == 422 and "不能早于今天" in answer.text
    assert 'value="15:30"' in answer.text and "checked" in answer.text
    assert "请选一个日期" in zhao.submit(_url(city), "plan-form", planned_on="").text
    assert "日期读不懂" in zhao.submit(_url(city), "plan-form", planned_on="明天").text
    assert "最多提前一年" in zhao.submit(_url(city), "plan-form", planned_on=_day(400)).text
    assert _count() == before


def test_the_same_plan_twice_is_one(zhao, city):
    before = _count()
    data = zhao.form(_url(city), "plan-form").filled(
        planned_on=_day(), entry_id=str(uuid7()), visit_id=str(uuid7())
    )
    first, second = zhao.post(_url(city), data=data), zhao.post(_url(city), data=data)
    assert first.location == second.location and _count() == before + 1
    other = zhao.post(_url(city), data={**data, "entry_id": str(uuid7()), "planned_on": _day(90)})
    assert other.status_code == 409 and _count() == before + 1


def test_companions_are_colleagues_of_the_team_and_are_told(zhao, qian, city):
    visit = planned(zhao, city, companions=[_id("qian"), _id("li")])
    assert _companions(visit.id) == {"qian", "li"}
    assert _notices("qian") == ["visit_joined"] and _notices("zhao") == []
    page = qian.get(f"/visits/{visit.id}").text
    assert "钱禾" in page and "我不一起去了" in page
    assert (
        zhao.submit(_url(city), "plan-form", planned_on=_day(90), companions=[_id("sun")]).status_code == 422
    )
    assert (
        zhao.submit(_url(city), "plan-form", planned_on=_day(90), companions=[_id("wang")]).status_code == 422
    )


def test_a_companion_who_does_not_serve_the_enterprise_is_told_without_a_way_in(qian, zhao, city):
    planned(qian, city, "beichen", companions=[_id("zhao")])
    notice = db.session.scalars(sa.select(Notification).order_by(Notification.id.desc())).first()
    assert notice.user_id == _id("zhao") and notice.path == ""


def test_who_may_not_see_the_enterprise_cannot_plan_there(sun, wu, city):
    assert sun.get(_url(city)).status_code == 404
    assert sun.post(_url(city), data={"planned_on": _day(), "csrf_token": sun.token()}).status_code == 404
    assert wu.get(_url(city)).status_code == 403


def test_a_lead_plans_for_themselves(li, city):
    assert planned(li, city).officer_id == _id("li")


# The guard.


def test_a_recent_visit_by_a_colleague_is_told_before_and_after_the_submit(qian, city):
    assert "赵青" in qian.get(_url(city)).text  # zhao was there ten days ago
    before = _count(), _count(Entry), _count(AuditEvent)
    answer = qian.submit(
        _url(city), "plan-form", planned_on=_day(2), planned_at="10:30", purposes=["REVISIT"]
    )
    assert answer.status_code == 422
    for words in ("赵青", "来过", "仍要安排", 'value="10:30"', _day(2).isoformat()):
        assert words in answer.text
    assert before == (_count(), _count(Entry), _count(AuditEvent))


def test_the_second_submit_under_the_same_entry_is_stored(qian, city):
    data = qian.form(_url(city), "plan-form").filled(
        planned_on=_day(2), entry_id=str(uuid7()), visit_id=str(uuid7())
    )
    first = qian.post(_url(city), data=data)
    again = next(f for f in forms_in(first.text) if f.id == "plan-form")
    assert qian.post(_url(city), data=again.filled(entry_id=data["entry_id"])).status_code == 303
    assert str(_newest().id) == data["visit_id"]


def test_ones_own_visit_is_no_concern(zhao, city):
    assert zhao.submit(_url(city), "plan-form", planned_on=_day(2)).status_code == 303


def test_a_visit_one_went_along_to_is_ones_own(zhao, qian, city):
    with writing():
        db.session.execute(visit_companion.insert(), [{"visit_id": people.VISIT, "officer_id": _id("qian")}])
        db.session.commit()
    assert qian.submit(_url(city), "plan-form", planned_on=_day(2)).status_code == 303


def test_a_visit_outside_the_window_is_no_concern(qian, city):
    assert qian.submit(_url(city), "plan-form", planned_on=_day(5)).status_code == 303  # 15 days after


def test_a_colleagues_plan_offers_to_go_together(zhao, qian, city):
    visit = planned(zhao, city, planned_at="14:30")
    answer = qian.submit(_url(city), "plan-form", planned_on=_day(SOON + 3))
    assert answer.status_code == 422 and "赵青已经计划" in answer.text and "14:30" in answer.text
    together = next(f for f in forms_in(answer.text) if f.action.endswith("/join"))
    joined = qian.post(together.action, data=together.filled())
    assert joined.status_code == 303 and str(visit.id) in joined.location
    assert _companions(visit.id) == {"qian"} and _notices("zhao") == ["visit_joined"]
    assert _count() == 3  # the cast's two, and the one they go to together


def test_what_has_turned_up_since_is_asked_about_again(zhao, qian, city):
    planned(zhao, city, days=SOON + 3)
    first = qian.submit(_url(city), "plan-form", planned_on=_day(SOON))
    form = next(f for f in forms_in(first.text) if f.id == "plan-form")
    planned(zhao, city, days=SOON + 30)  # too far away to matter
    moved = form.filled(planned_on=_day(SOON + 25))
    second = qian.post(_url(city), data=moved)
    assert second.status_code == 422 and "仍要安排" in second.text
    third = next(f for f in forms_in(second.text) if f.id == "plan-form")
    assert qian.post(_url(city), data=third.filled()).status_code == 303


def test_ones_own_other_plan_is_pointed_out(zhao, city):
    first = planned(zhao, city)
    answer = zhao.submit(_url(city), "plan-form", planned_on=_day(SOON + 1))
    assert answer.status_code == 422 and "你自己已经计划" in answer.text and str(first.id) in answer.text


def test_quiet_times_want_a_word_of_reason(zhao, city):
    _set_quiet(city, "12:00–14:00，每月最后三天")
    assert "每月最后三天" in zhao.get(_url(city)).text
    first = zhao.submit(_url(city), "plan-form", planned_on=_day(), planned_at="12:30")
    assert first.status_code == 422 and "企业免打扰" in first.text
    form = next(f for f in forms_in(first.text) if f.id == "plan-form")
    second = zhao.post(_url(city), data=form.filled())
    assert (
        second.status_code == 422
        and "请写一句原因" in second.text
        and 'href="#override_reason"' in second.text
    )
    form = next(f for f in forms_in(second.text) if f.id == "plan-form")
    assert zhao.post(_url(city), data=form.filled(override_reason="企业约的")).status_code == 303
    assert _newest().override_reason == "企业约的"
    assert "企业约的" in zhao.get(f"/visits/{_newest().id}").text


def test_outside_quiet_times_no_reason_is_kept(zhao, city):
    _set_quiet(city, "12:00–14:00")
    assert planned(zhao, city, planned_at="15:00", override_reason="随手写的").override_reason == ""


def test_the_day_is_looked_at_as_soon_as_it_is_chosen(qian, sun, city):
    address = f"{_url(city)}/concerns?planned_on={_day(2)}&planned_at=10:00"
    told = qian.get(address)
    assert told.status_code == 200 and "赵青" in told.text and "<html" not in told.text
    assert "没有别的同事" in qian.get(f"{_url(city)}/concerns?planned_on={_day(60)}").text
    for odd in ("", "?planned_on=x&planned_at=y&visit=z", "?planned_on=0001-01-01", "?planned_on=9999-12-31"):
        assert qian.get(f"{_url(city)}/concerns{odd}").status_code == 200
    assert sun.get(address).status_code == 404


# Moving a plan.


def test_a_plan_is_moved_and_everybody_who_goes_is_told(zhao, qian, city):
    visit = planned(zhao, city, companions=[_id("qian")], purposes=["NEEDS"])
    url = f"/visits/{visit.id}/plan"
    answer = zhao.submit(url, "plan-form", planned_on=_day(50), planned_at="09:30", purposes=["POLICY"])
    assert answer.status_code == 303
    after = _visit(visit.id)
    assert (after.planned_on, after.planned_at, after.purposes, after.version) == (
        _day(50),
        "09:30",
        ["POLICY"],
        2,
    )
    assert _notices("qian") == ["visit_joined", "visit_moved"]
    page = zhao.get(f"/visits/{visit.id}").text
    assert "改了计划" in page and "了解需求 → 政策宣讲" in page


def test_company_changes_with_the_plan(zhao, city):
    visit = planned(zhao, city, companions=[_id("qian")])
    zhao.submit(f"/visits/{visit.id}/plan", "plan-form", companions=[_id("li")])
    assert _companions(visit.id) == {"li"}
    assert _notices("qian") == ["visit_joined", "visit_left"] and _notices("li") == ["visit_joined"]
    assert "钱禾 → 李望" in zhao.get(f"/visits/{visit.id}").text


def test_moving_a_plan_is_guarded_too(zhao, qian, city):
    mine, theirs = planned(zhao, city), planned(qian, city, days=SOON + 30)
    moved = qian.submit(f"/visits/{theirs.id}/plan", "plan-form", planned_on=_day(SOON + 2))
    assert moved.status_code == 422 and f"/visits/{mine.id}/join" in moved.text
    form = next(f for f in forms_in(moved.text) if f.id == "plan-form")
    assert qian.post(form.action, data=form.filled()).status_code == 303
    # What the page showed when it was opened need not be shown again.
    assert qian.submit(f"/visits/{theirs.id}/plan", "plan-form", purposes=["POLICY"]).status_code == 303


def test_two_move_one_plan_and_the_slower_one_is_told_who_did_what(zhao, li, city):
    visit = planned(zhao, city)
    url = f"/visits/{visit.id}/plan"
    stale = zhao.form(url, "plan-form")
    assert li.submit(url, "plan-form", planned_on=_day(50)).status_code == 303
    answer = zhao.post(url, data=stale.filled(planned_on=_day(55), planned_at="16:30"))
    assert answer.status_code == 409
    for words in ("李望", "改了计划", 'value="16:30"', _day(55).isoformat()):
        assert words in answer.text
    assert _visit(visit.id).planned_on == _day(50)
    again = next(f for f in forms_in(answer.text) if f.id == "plan-form")
    assert zhao.post(url, data=again.filled()).status_code == 303
    assert _visit(visit.id).planned_on == _day(55)


def test_only_who_planned_or_the_lead_moves_a_plan(zhao, qian, li, sun, city):
    visit = planned(zhao, city)
    url = f"/visits/{visit.id}/plan"
    assert qian.get(url).status_code == 403 and sun.get(url).status_code == 404
    assert "改计划" not in qian.get(f"/visits/{visit.id}").text
    assert li.submit(url, "plan-form", planned_on=_day(50)).status_code == 303
    assert _notices("zhao") == ["visit_moved"]


def test_a_recorded_visit_is_no_plan_to_move(zhao):
    url = f"/visits/{people.VISIT}/plan"
    assert zhao.get(url).status_code == 409
    assert zhao.post(url, data={"csrf_token": zhao.token()}).status_code == 409


# Going along.


def test_a_colleague_joins_and_leaves(zhao, qian, city):
    visit = planned(zhao, city)
    page = f"/visits/{visit.id}"
    assert qian.submit(page, f"{page}/join").status_code == 303
    assert _companions(visit.id) == {"qian"}
    assert "钱禾" in zhao.get(page).text
    assert qian.submit(page, f"{page}/leave").status_code == 303
    assert _companions(visit.id) == set()
    assert _notices("zhao") == ["visit_joined", "visit_left"]
    assert _steps(visit.id) == [VisitStep.PLANNED, VisitStep.JOINED, VisitStep.LEFT]


def test_nobody_joins_twice_or_what_is_over(zhao, qian, li, sun, city):
    visit = planned(zhao, city)
    join = f"/visits/{visit.id}/join"
    assert zhao.post(join, data={"csrf_token": zhao.token()}).status_code == 409
    qian.post(join, data={"csrf_token": qian.token()})
    assert qian.post(join, data={"csrf_token": qian.token(), "entry_id": str(uuid7())}).status_code == 409
    assert sun.post(join, data={"csrf_token": sun.token()}).status_code == 404
    late = qian.post(f"/visits/{people.VISIT}/join", data={"csrf_token": qian.token()})
    assert late.status_code == 409 and "已经记录" in late.text
    assert li.post(f"/visits/{visit.id}/leave", data={"csrf_token": li.token()}).status_code == 403


# Calling off.


def test_a_plan_is_cancelled_with_a_reason_and_who_goes_is_told(zhao, qian, city):
    visit = planned(zhao, city, companions=[_id("qian")])
    page = f"/visits/{visit.id}"
    missing = zhao.submit(page, "cancel-form", reason="")
    assert missing.status_code == 422 and "写一句原因" in missing.text
    assert zhao.submit(page, "cancel-form", reason="企业盘点").status_code == 303
    assert _visit(visit.id).status is VisitStatus.CANCELLED
    assert "企业盘点" in zhao.get(page).text and "企业盘点" in zhao.get("/visits?state=cancelled").text
    assert _notices("qian") == ["visit_joined", "visit_cancelled"]
    story = zhao.get(f"/enterprises/{city.huaxing.id}").text
    assert "走访取消了" in story and "企业盘点" in story and "你计划" not in story


def test_a_lead_cancels_and_the_officer_is_told(zhao, li, city):
    visit = planned(zhao, city)
    assert li.submit(f"/visits/{visit.id}", "cancel-form", reason="企业搬迁").status_code == 303
    assert _notices("zhao") == ["visit_cancelled"]


def test_a_visit_signed_in_to_by_mistake_is_cancelled_and_counts_no_more(zhao, city):
    visit = planned(zhao, city)
    arrived(visit.id)
    with writing():
        db.session.execute(
            sa.update(Enterprise)
            .where(Enterprise.id == city.huaxing.id)
            .values(last_visited_on=clock.today())
        )
        db.session.commit()
    assert zhao.submit(f"/visits/{visit.id}", "cancel-form", reason="走错门了").status_code == 303
    enterprise = db.session.get(Enterprise, city.huaxing.id)
    assert enterprise.last_visited_on == clock.today() - timedelta(days=10)


def test_the_only_visit_of_an_enterprise_cancelled_leaves_it_never_visited(qian, city):
    visit = planned(qian, city, "beichen")
    arrived(visit.id)
    assert qian.submit(f"/visits/{visit.id}", "cancel-form", reason="走错门了").status_code == 303
    enterprise = db.session.get(Enterprise, city.beichen.id)
    assert (enterprise.last_visited_on, enterprise.visit_due_on) == (None, clock.today())


def test_who_may_not_cancel_is_told_no(zhao, qian, sun, city):
    cancel = f"/visits/{planned(zhao, city).id}/cancel"
    assert qian.post(cancel, data={"csrf_token": qian.token(), "reason": "不去"}).status_code == 403
    assert sun.post(cancel, data={"csrf_token": sun.token(), "reason": "不去"}).status_code == 404


def test_a_recorded_visit_cannot_be_cancelled(zhao):
    answer = zhao.post(
        f"/visits/{people.VISIT}/cancel", data={"csrf_token": zhao.token(), "reason": "手滑了一下"}
    )
    assert answer.status_code == 409 and "已经记录" in answer.text
    assert _visit(people.VISIT).status is VisitStatus.RECORDED


# Two at once.


def _at_once(*posts):
    """Every post in a thread of its own, all let go together: the answers, in order."""
    answers: list = [None] * len(posts)
    gate = threading.Barrier(len(posts))

    def send(at, client, url, data):
        gate.wait()
        answers[at] = client.post(url, data=data)

    threads = [threading.Thread(target=send, args=(at, *post)) for at, post in enumerate(posts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("_round", range(3))
def test_of_two_who_plan_at_once_one_is_told_of_the_other(zhao, qian, city, _round):
    posts = [
        (
            client,
            _url(city),
            client.form(_url(city), "plan-form").filled(planned_on=_day(), entry_id=str(uuid7())),
        )
        for client in (zhao, qian)
    ]
    answers = _at_once(*posts)
    assert sorted(a.status_code for a in answers) == [303, 422]
    assert "已经计划" in next(a for a in answers if a.status_code == 422).text
    assert _count() == 3


@pytest.mark.parametrize("_round", range(3))
def test_a_plan_cancelled_while_a_colleague_joins_ends_one_way_or_the_other(zhao, qian, city, _round):
    visit = planned(zhao, city)
    answers = _at_once(
        (zhao, f"/visits/{visit.id}/cancel", {"csrf_token": zhao.token(), "reason": "企业盘点"}),
        (qian, f"/visits/{visit.id}/join", {"csrf_token": qian.token()}),
    )
    assert answers[0].status_code == 303 and _visit(visit.id).status is VisitStatus.CANCELLED
    if answers[1].status_code == 303:  # she came first, and has been told that it is off
        assert _companions(visit.id) == {"qian"} and "visit_cancelled" in _notices("qian")
        assert _steps(visit.id) == [VisitStep.PLANNED, VisitStep.JOINED, VisitStep.CANCELLED]
    else:
        assert answers[1].status_code == 409 and "已经取消" in answers[1].text
        assert _companions(visit.id) == set() and _notices("zhao") == []


def test_a_plan_that_is_moved_while_a_colleague_joins_keeps_both_or_says_so(zhao, qian, city):
    visit = planned(zhao, city)
    url = f"/visits/{visit.id}/plan"
    moved, joined = _at_once(
        (zhao, url, zhao.form(url, "plan-form").filled(planned_on=_day(50))),
        (qian, f"/visits/{visit.id}/join", {"csrf_token": qian.token()}),
    )
    assert joined.status_code == 303 and _companions(visit.id) == {"qian"}
    assert moved.status_code in (303, 409)
    assert _visit(visit.id).planned_on == (_day(50) if moved.status_code == 303 else _day())


def test_reading_plans_writes_nothing(zhao, city):
    visit = planned(zhao, city)
    counts = [_count(m) for m in (Visit, VisitEvent, Entry, AuditEvent, Notification)]
    for url in (_url(city), f"/visits/{visit.id}", f"/visits/{visit.id}/plan", "/visits?state=planned"):
        assert zhao.get(url).status_code == 200
    assert counts == [_count(m) for m in (Visit, VisitEvent, Entry, AuditEvent, Notification)]


def test_a_visit_that_was_never_planned_has_a_page_too(zhao, city):
    with writing():
        visit = Visit(
            id=uuid7(), enterprise_id=city.huaxing.id, officer_id=_id("zhao"), status=VisitStatus.ARRIVED,
            arrived_at=clock.now(), way=VisitWay.ON_SITE, purposes=[],
        )  # fmt: skip
        db.session.add(visit)
        db.session.commit()
        visit_id = visit.id
    page = zhao.get(f"/visits/{visit_id}").text
    assert "已到访，待记录" in page and "接着写完" in page


def test_a_lead_who_moves_a_plan_sees_what_concerns_its_officer(zhao, qian, li, city):
    mine = planned(zhao, city)
    planned(qian, city, days=SOON + 30)
    url = f"/visits/{mine.id}/plan"
    answer = li.submit(url, "plan-form", planned_on=_day(SOON + 28))
    assert answer.status_code == 422 and "钱禾已经计划" in answer.text
    assert "/join" not in answer.text  # it is not the lead who would go along
    assert "赵青" not in li.get(url).text  # whose own visits are no concern
