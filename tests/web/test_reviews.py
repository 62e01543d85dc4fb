"""The lead's review, the list of visits with its filters and export, and the record's page."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from io import BytesIO
from urllib.parse import quote

import openpyxl
import pytest
import sqlalchemy as sa
from flask import render_template_string
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts import find_person
from fieldapp.accounts.models import Team, User, team_lead
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.notices.models import Notification
from fieldapp.visits import opening, queries
from fieldapp.visits.access import can_record_visit
from fieldapp.visits.history import note
from fieldapp.visits.models import (
    Visit,
    VisitEvent,
    VisitStatus,
    VisitStep,
    VisitWay,
    visit_companion,
    visit_contact,
)
from tests import people
from tests.forms import forms_in

RECORD = f"/visits/{people.VISIT}"


def _id(username):
    found = db.session.scalars(sa.select(User.id).where(User.username == username)).one()
    db.session.rollback()
    return found


def _visit(visit_id=people.VISIT) -> Visit:
    db.session.rollback()
    found = db.session.get(Visit, visit_id)
    db.session.expunge(found)
    return found


def _set(visit_id=people.VISIT, **values):
    with writing():
        db.session.execute(sa.update(Visit).where(Visit.id == visit_id).values(**values))
        db.session.commit()


def _add(city, username="zhao", key="huaxing", days=0, **values):
    """One more visit, made so many days ago; its id."""
    officer_id = _id(username)
    at = clock.now() - timedelta(days=days)
    values = {
        "status": VisitStatus.RECORDED, "arrived_at": at, "recorded_at": at, "way": VisitWay.ON_SITE, "purposes": [],
        "said": "", **values,
    }  # fmt: skip
    visit = Visit(id=uuid7(), enterprise_id=getattr(city, key).id, officer_id=officer_id, **values)
    with writing():
        db.session.add(visit)
        db.session.commit()
        return visit.id


def _officer(username, team, role="OFFICER"):
    """One more person of that team."""
    with writing():
        team_id = db.session.scalars(sa.select(Team.id).where(Team.name == team)).one()
        user = User(
            username=username,
            name=username,
            role=role,
            team_id=team_id,
            password_hash="x",
            password_is_one_time=False,
        )
        db.session.add(user)
        db.session.flush()
        if role == "LEAD":
            db.session.execute(team_lead.insert(), [{"team_id": team_id, "user_id": user.id}])
        db.session.commit()
        return user.id


def _return(client, comment, page=RECORD):
    form = client.form(page, "review-form")
    return client.post(f"{page}/return", data=form.filled(comment=comment))


# Accepting and returning.


def test_a_lead_accepts_a_record(li, zhao):
    answer = li.submit(RECORD, "review-form")
    assert answer.status_code == 303 and answer.location.startswith("/visits?state=review")
    visit = _visit()
    assert (visit.status, visit.reviewed_by_id, visit.version) == (VisitStatus.ACCEPTED, _id("li"), 2)
    page = zhao.get(RECORD).text
    assert "已审阅" in page and "审阅通过" in page and "李望" in page
    assert "修改记录" not in page
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Notification)) == 0


def test_a_word_of_thanks_is_told(li, zhao):
    li.submit(RECORD, "review-form", comment="写得很细，谢谢")
    assert "写得很细，谢谢" in zhao.get(RECORD).text
    assert db.session.scalars(sa.select(Notification.kind)).all() == ["visit_accepted"]


def test_a_lead_returns_a_record_with_what_is_missing(li, zhao, app):
    assert "退回要写明差什么" in _return(li, " ").text
    assert _return(li, "聊了什么再写细一点\n预算多少？").status_code == 303
    visit = _visit()
    assert (visit.status, visit.review_comment) == (VisitStatus.RETURNED, "聊了什么再写细一点\n预算多少？")
    page = zhao.get(RECORD).text
    assert "李望退回补充" in page and "预算多少？" in page and "补充记录" in page
    notice = db.session.scalars(sa.select(Notification)).one()
    assert (notice.user_id, notice.kind, notice.path) == (_id("zhao"), "visit_returned", RECORD)
    assert "预算多少？" in zhao.get("/visits?state=returned").text


def test_returning_without_a_word_keeps_the_page_and_changes_nothing(li):
    answer = _return(li, "")
    assert answer.status_code == 422 and 'href="#comment"' in answer.text
    assert _visit().status is VisitStatus.RECORDED


def test_an_accepted_record_can_be_returned_after_all(li):
    li.submit(RECORD, "review-form")
    page = li.get(RECORD).text
    assert "退回补充" in page and "审阅通过</button>" not in page
    assert _return(li, "漏了照片").status_code == 303
    assert _visit().status is VisitStatus.RETURNED


def test_a_record_changed_since_it_was_read_is_not_accepted_unread(li, qian, zhao):
    form = li.form(RECORD, "review-form")
    with writing():
        person = db.session.scalars(sa.select(User).where(User.username == "qian")).one()
        note(people.VISIT, VisitStep.AMENDED, person, clock.now(), changes={"said": ["旧的话", "新的话"]})
        db.session.execute(sa.update(Visit).where(Visit.id == people.VISIT).values(version=2, said="新的话"))
        db.session.commit()
    answer = li.post(f"{RECORD}/accept", data=form.filled(comment="看过了，谢谢"))
    assert answer.status_code == 409
    for words in ("钱禾", "改了记录", "旧的话 → 新的话", "看过了，谢谢", "有人改过"):
        assert words in answer.text
    assert _visit().status is VisitStatus.RECORDED
    again = next(f for f in forms_in(answer.text) if f.id == "review-form")
    assert li.post(f"{RECORD}/accept", data=again.filled()).status_code == 303
    assert _visit().review_comment == "看过了，谢谢"


def test_a_return_that_comes_too_late_keeps_its_comment(li, browser_of):
    form = li.form(RECORD, "review-form")
    _officer("gao", "一队", "LEAD")
    other = browser_of("gao")
    assert _return(other, "先补照片").status_code == 303
    answer = li.post(f"{RECORD}/return", data=form.filled(comment="补一下预算"))
    assert answer.status_code == 409 and "补一下预算" in answer.text and "先补照片" in answer.text


def test_eight_leads_at_once_accept_once(app, li):
    data = li.form(RECORD, "review-form").filled()
    answers = []

    def send():
        client = app.test_client()
        client.set_cookie("fieldapp", li.get_cookie("fieldapp").value)
        answers.append(client.post(f"{RECORD}/accept", data={**data, "entry_id": str(uuid7())}).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303] + [409] * 7
    assert _visit().version == 2
    assert db.session.scalar(sa.select(sa.func.count()).select_from(VisitEvent)) == 1


@pytest.mark.parametrize("_round", range(3))
def test_a_record_accepted_while_the_officer_edits_it_is_one_or_the_other(li, zhao, _round):
    accepting = li.form(RECORD, "review-form").filled()
    editing = zhao.form(f"{RECORD}/edit", "visit-form").filled(said="又想起一件事")
    answers = {}
    gate = threading.Barrier(2)

    def send(name, client, url, data):
        gate.wait()
        answers[name] = client.post(url, data=data)

    threads = [
        threading.Thread(target=send, args=("accept", li, f"{RECORD}/accept", accepting)),
        threading.Thread(target=send, args=("edit", zhao, f"{RECORD}/edit", editing)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    visit = _visit()
    if answers["accept"].status_code == 303:
        assert answers["edit"].status_code == 409
        assert (visit.status, visit.said) == (VisitStatus.ACCEPTED, "二期产线下月进场，担心涂覆均匀性")
    else:
        assert (answers["accept"].status_code, answers["edit"].status_code) == (409, 303)
        assert (visit.status, visit.said) == (VisitStatus.RECORDED, "又想起一件事")
        assert "赵青" in answers["accept"].text
    assert visit.version == 2
    assert db.session.scalar(sa.select(sa.func.count()).select_from(VisitEvent)) == 1


def test_only_a_lead_of_the_team_reviews(zhao, qian, sun, zhou, wu):
    for path in ("accept", "return"):
        for client, status in ((zhao, 403), (qian, 403), (sun, 404), (zhou, 404), (wu, 403)):
            data = {"csrf_token": client.token(), "comment": "好", "version": 1}
            assert client.post(f"{RECORD}/{path}", data=data).status_code == status
    assert 'id="review-form"' not in zhao.get(RECORD).text


def test_a_plan_is_nothing_to_review(li, city):
    plan = _add(city, status=VisitStatus.PLANNED, arrived_at=None, planned_on=clock.today())
    data = {"csrf_token": li.token(), "version": 1}
    answer = li.post(f"/visits/{plan}/accept", data=data)
    assert answer.status_code == 409 and "还在计划中" in answer.text


def test_nobody_reviews_their_own_visit_when_the_team_has_another_lead(li, city, browser_of, app):
    own = _add(city, "li")
    assert "审阅通过" in li.get(f"/visits/{own}").text  # the only lead there is
    _officer("gao", "一队", "LEAD")
    assert 'id="review-form"' not in li.get(f"/visits/{own}").text
    data = {"csrf_token": li.token(), "version": 1}
    assert li.post(f"/visits/{own}/accept", data=data).status_code == 403
    other = browser_of("gao")
    assert other.submit(f"/visits/{own}", "review-form").status_code == 303


# What other pages ask for.


@pytest.fixture
def asked(app, browser_of):
    """asked("zhao", function, …): what the function of queries returns to that person."""

    def ask(username, function, *args, **words):
        client = browser_of(username)
        cookie = client.get_cookie("fieldapp")
        with app.test_request_context("/", headers={"Cookie": f"fieldapp={cookie.value}"}) as context:
            found = function(find_person(context.request), *args, **words)
            db.session.rollback()
            return found

    return ask


def _ids(rows):
    return [row.id for row in rows]


def test_what_waits_for_a_lead(asked, city, li):
    """The list, and the board's number beside it: what this lead may review, which is not their own when another can."""

    def waiting():
        rows, _more = asked("li", queries.list_visits, state="review")
        board = li.get("/lead").text
        assert f'data-figure="review" data-number="{len(rows)}"' in board
        return _ids(rows)

    assert waiting() == [people.VISIT]
    own = _add(city, "li")
    assert sorted(waiting()) == sorted([people.VISIT, own])
    _officer("gao", "一队", "LEAD")
    assert waiting() == [people.VISIT]
    _set(status=VisitStatus.ACCEPTED)
    assert waiting() == []


def test_coming_now_continues_what_was_begun_or_planned(asked, city):
    def continued(name):
        visit = asked(name, opening.open_visit, city.huaxing.id)
        if name == "zhao":  # the form's own statement says the same
            formed = asked(name, opening.opening, city.huaxing.id, can_record_visit).visit
            assert (formed and vars(formed)) == (visit and visit._asdict())
        return visit and visit.id

    assert continued("zhao") is None
    today = clock.today()
    words = {"status": VisitStatus.PLANNED, "arrived_at": None}
    _add(city, planned_on=today + timedelta(days=20), **words)
    assert continued("zhao") is None  # another visit
    soon = _add(city, planned_on=today + timedelta(days=2), **words)
    assert continued("zhao") == soon
    assert continued("qian") is None
    with writing():
        db.session.execute(visit_companion.insert(), [{"visit_id": soon, "officer_id": _id("qian")}])
        db.session.commit()
    assert continued("qian") == soon
    begun = _add(city, status=VisitStatus.ARRIVED)
    assert continued("zhao") == begun


# The list.


def _names(text):
    return re.findall(r'class="row-title stretch" href="/visits/([0-9a-f-]{36})"', text)


def test_each_state_has_its_list(zhao, li, city):
    today = clock.today()
    made = {
        "planned": _add(city, status=VisitStatus.PLANNED, arrived_at=None, planned_on=today),
        "returned": _add(city, status=VisitStatus.RETURNED, days=1),
        "accepted": _add(city, status=VisitStatus.ACCEPTED, days=2),
        "cancelled": _add(
            city, status=VisitStatus.CANCELLED, arrived_at=None, planned_on=today, cancel_reason="停电"
        ),
    }
    for state, visit_id in made.items():
        assert _names(zhao.get(f"/visits?state={state}").text) == [str(visit_id)]
    assert _names(zhao.get("/visits?state=review").text) == [str(people.VISIT)]
    happened = [str(made["returned"]), str(made["accepted"]), str(people.VISIT)]
    assert _names(zhao.get("/visits").text) == happened
    assert _names(zhao.get("/visits?state=nonsense").text) == happened
    assert "待审阅" in li.get("/visits").text
    assert "待审阅" not in zhao.get("/visits").text  # to the officer it is simply written down


def test_a_lead_filters_by_officer_and_region(li, zhao, city):
    helped = _add(city, "qian")
    page = li.get(f"/visits?officer={_id('qian')}")
    assert _names(page.text) == [str(helped)] and "钱禾" in page.text
    assert (
        len(_names(zhao.get(f"/visits?officer={_id('qian')}").text)) == 2
    )  # officers do not ask about each other
    region = db.session.get(Enterprise, city.huaxing.id).region_id
    assert len(_names(li.get(f"/visits?region={region}").text)) == 2
    assert _names(li.get(f"/visits?region={region + 1}").text) == []
    assert li.get("/visits?region=x&officer=-1&period=never").status_code == 200


def test_periods_are_the_offices(zhao, city):
    today = clock.local(clock.now())
    monday = clock.local_midnight(clock.monday_of(today.date()))
    _set(arrived_at=monday - timedelta(minutes=1))
    first = _add(city, arrived_at=monday)
    assert _names(zhao.get("/visits?period=week").text) == [str(first)]
    plan = _add(city, status=VisitStatus.PLANNED, arrived_at=None, planned_on=clock.monday_of(today.date()))
    later = clock.monday_of(today.date()) + timedelta(days=7)
    _add(city, status=VisitStatus.PLANNED, arrived_at=None, planned_on=later)
    assert _names(zhao.get("/visits?state=planned&period=week").text) == [str(plan)]
    assert (
        zhao.get("/visits?period=month").status_code == zhao.get("/visits?period=quarter").status_code == 200
    )


@pytest.mark.parametrize("state", ["", "planned", "cancelled"])
def test_pages_follow_each_other_without_gap_or_repetition(app, zhao, city, state, monkeypatch):
    status = {"planned": VisitStatus.PLANNED, "cancelled": VisitStatus.CANCELLED}.get(
        state, VisitStatus.RECORDED
    )
    monkeypatch.setitem(app.config, "PAGE_SIZE", 3)
    _set(status=VisitStatus.ACCEPTED)
    words = {"arrived_at": None, "planned_on": clock.today()} if state else {"arrived_at": clock.now()}
    made = {str(_add(city, status=status, **words)) for _ in range(8)} | (
        set() if state else {str(people.VISIT)}
    )
    seen: list[str] = []
    address = f"/visits?state={state}"
    for _ in range(5):
        page = zhao.get(address).text
        seen += _names(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        if not following:
            break
        address = following[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) and set(seen) == made
    assert zhao.get("/visits?page=nonsense").status_code == 200


def test_empty_lists_say_what_would_be_there(zhao, li, sun):
    for state, words in (
        ("planned", "安排走访"),
        ("returned", "没有要补充"),
        ("accepted", "还没有审阅过"),
        ("cancelled", "没有取消"),
    ):
        assert words in zhao.get(f"/visits?state={state}").text
    assert "没有符合条件的走访" in zhao.get("/visits?state=planned&period=week").text
    _set(status=VisitStatus.ACCEPTED)
    assert "都看完了" in li.get("/visits?state=review").text
    assert "没有等负责人看的记录" in zhao.get("/visits?state=review").text


# The export.


def _sheet(answer):
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(BytesIO(answer.data)).active


def _rows(sheet):
    heads = [cell.value for cell in sheet[3]]
    return [dict(zip(heads, (c.value for c in row), strict=True)) for row in sheet.iter_rows(min_row=4)]


def test_the_list_as_an_excel_file(zhao, city):
    answer = zhao.get("/visits.xlsx")
    sheet = _sheet(answer)
    assert quote("走访记录") in answer.headers["Content-Disposition"]
    assert sheet["A1"].value == "走访记录" and "赵青" in sheet["A2"].value and "米" in sheet["A2"].value
    assert sheet.freeze_panes == "B4"
    (row,) = _rows(sheet)
    assert row["企业"] == city.huaxing.name and row["统一社会信用代码"] == city.huaxing.uscc
    assert row["干部"] == "赵青" and row["方式"] == "上门" and row["目的"] == "了解需求"
    assert row["见到的人"] == "周岚 技术副总 138 **** 5621"
    assert row["需求（件）"] == row["答应的事（件）"] == 1
    assert row["状态"] == "已记录"
    local = clock.local(_visit().arrived_at).replace(tzinfo=None, microsecond=0)
    assert abs(row["到访"] - local) < timedelta(seconds=2)


def test_the_export_obeys_scope_and_filters(zhao, li, sun, wu, city):
    _add(city, "sun", "yuanshan")
    assert len(_rows(_sheet(li.get("/visits.xlsx")))) == 1
    assert {row["企业"] for row in _rows(_sheet(sun.get("/visits.xlsx")))} == {city.yuanshan.name}
    assert _rows(_sheet(zhao.get("/visits.xlsx?state=planned"))) == []
    _set(status=VisitStatus.ACCEPTED, review_comment="好")
    (row,) = _rows(_sheet(li.get(f"/visits.xlsx?state=accepted&officer={_id('zhao')}")))
    assert row["审阅意见"] == "好"
    assert "赵青" in _sheet(li.get(f"/visits.xlsx?officer={_id('zhao')}"))["A2"].value
    assert wu.get("/visits.xlsx").status_code == 403


def test_whole_numbers_are_asked_for_by_a_form_and_told_to_the_trail(zhao):
    assert "138 **** 5621" in _rows(_sheet(zhao.get("/visits.xlsx?phones=1")))[0]["见到的人"]
    form = next(f for f in forms_in(zhao.get("/visits").text) if f.action == "/visits.xlsx")
    answer = zhao.post("/visits.xlsx", data=form.filled(phones="1"))
    assert "13812345621" in _rows(_sheet(answer))[0]["见到的人"]
    trail = db.session.execute(sa.select(AuditEvent.action, AuditEvent.detail).order_by(AuditEvent.id)).all()
    assert [(a, d["count"]) for a, d in trail if a.startswith("exported")] == [
        ("exported", 1), ("exported_with_phones", 1),
    ]  # fmt: skip
    assert zhao.post("/visits.xlsx", data={"phones": "1"}).status_code == 403  # without the form's token


def test_joint_visits_and_people_are_listed_whole_and_formulas_are_text(zhao, city):
    qian = _id("qian")
    with writing():
        contact = Contact(enterprise_id=city.huaxing.id, name="=cmd()", title="", phone="")
        db.session.add(contact)
        db.session.flush()
        db.session.execute(visit_contact.insert(), [{"visit_id": people.VISIT, "contact_id": contact.id}])
        db.session.execute(visit_companion.insert(), [{"visit_id": people.VISIT, "officer_id": qian}])
        db.session.execute(sa.update(Visit).where(Visit.id == people.VISIT).values(said="=1+1"))
        db.session.commit()
    (row,) = _rows(_sheet(zhao.get("/visits.xlsx")))
    assert row["干部"] == "赵青、钱禾"
    assert row["见到的人"] == "周岚 技术副总 138 **** 5621\n=cmd()"
    assert row["聊了什么"] == "=1+1"


def test_an_export_says_when_it_was_cut(zhao, city, monkeypatch):
    monkeypatch.setattr("fieldapp.visits.export.MOST", 2)
    for days in range(3):
        _add(city, days=days)
    rows = _rows(_sheet(zhao.get("/visits.xlsx")))
    assert len(rows) == 3 and "只导出了前 2 条" in rows[-1]["企业"]


# The record's page.


def test_the_record_tells_place_company_and_history(zhao, city):
    at = clock.now()
    _set(
        lat=40.6574, lng=109.8404, accuracy=18.4, fixed_at=at, distance=612, far_reason="在分厂区",
        next_contact_on=clock.today() + timedelta(days=30),
    )  # fmt: skip
    with writing():
        person = db.session.scalars(sa.select(User).where(User.username == "qian")).one()
        db.session.execute(visit_companion.insert(), [{"visit_id": people.VISIT, "officer_id": person.id}])
        note(
            people.VISIT, VisitStep.AMENDED, person, at,
            changes={
                "way": ["ON_SITE", "PHONE"], "purposes": [["NEEDS"], ["NEEDS", "POLICY"]], "met_nobody": [False, True],
                "left_at": [None, at.isoformat()], "said": ["甲" * 40, "乙" * 40], "unheard_of": [1, "2"],
            },
        )  # fmt: skip
        db.session.commit()
    page = zhao.get(RECORD).text
    for words in (
        "距企业登记点 612 米", "精度 ±18 米", "在分厂区", "uri.amap.com/marker", "钱禾", "上门 → 电话",
        "了解需求 → 了解需求、政策宣讲", "否 → 是", "甲" * 40, "乙" * 40, "unheard_of", "修改记录", "聊了什么",
    ):  # fmt: skip
        assert words in page, words
    position = re.search(r"position=([0-9.]+)%2C([0-9.]+)", page)
    assert position and abs(float(position[1]) - 109.8404) > 0.001  # GCJ-02, not what the phone said


def test_typed_words_are_shown_as_words(zhao, li, city):
    _set(said="<script>alert(1)</script>", far_reason="<b>")
    _return(li, "<img src=x>")
    page = zhao.get(RECORD).text
    assert "<script>alert" not in page and "<img src=x>" not in page
    assert "&lt;img src=x&gt;" in page


def test_every_state_has_a_page_for_everybody_who_sees_it(zhao, qian, li, city):
    for status in VisitStatus:
        came = None if status is VisitStatus.PLANNED else clock.now()
        visit_id = _add(city, status=status, arrived_at=came, planned_on=clock.today())
        for client in (zhao, qian, li):
            assert client.get(f"/visits/{visit_id}").status_code == 200


def test_the_row_can_be_included_by_other_pages(app, asked, city):
    def render(person):
        rows, _more = queries.list_visits(person, size=5)
        return render_template_string(
            "{% for visit in rows %}{% include 'visits/_row.html' %}{% endfor %}", rows=rows
        )

    assert city.huaxing.name in asked("li", render)
