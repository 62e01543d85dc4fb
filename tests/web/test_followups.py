"""Promises kept: made, told of, moved, passed on, closed once, found again."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import openpyxl
import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock, workdays
from fieldapp.accounts import find_person
from fieldapp.accounts.models import User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.followups import actions
from fieldapp.followups.models import FollowUp, FollowUpKind, FollowUpNote, FollowUpStatus, FollowUpStep
from fieldapp.notices.models import Notification
from tests import people

URL = f"/follow-ups/{people.FOLLOW_UP}"
OTHERS = f"/follow-ups/{people.OTHER_FOLLOW_UP}"
PLACES = ["", "/close", "/postpone", "/reassign", "/edit"]


def _one(id=people.FOLLOW_UP) -> FollowUp:
    db.session.rollback()
    return db.session.get(FollowUp, id, populate_existing=True)


def _log(id=people.FOLLOW_UP) -> list[FollowUpNote]:
    db.session.rollback()
    return list(
        db.session.scalars(
            sa.select(FollowUpNote).where(FollowUpNote.follow_up_id == id).order_by(FollowUpNote.id)
        )
    )


def _user(username: str) -> User:
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def _person(client, app):
    """The signed-in person as an action sees them."""
    with app.test_request_context(
        headers={"Cookie": f"fieldapp={client.get_cookie('fieldapp').value}"}
    ) as context:
        person = find_person(context.request)
    return person


def _promise(city_enterprise, username: str, days: int, title: str = "送案例", **words) -> FollowUp:
    with writing():
        user = _user(username)
        made = FollowUp(
            id=uuid7(), enterprise_id=city_enterprise.id, title=title, due_on=clock.today() + timedelta(days=days),
            assignee_id=user.id, author_id=user.id, **words,
        )  # fmt: skip
        db.session.add(made)
        db.session.commit()
    return made


def _told(username: str) -> list[str]:
    db.session.rollback()
    return list(
        db.session.scalars(sa.select(Notification.kind).where(Notification.user_id == _user(username).id))
    )


# The list.


def test_the_list_has_four_heaps_the_longest_overdue_first(zhao, city):
    for days, title in ((-4, "四天前"), (-1, "昨天"), (0, "当天"), (40, "很久以后")):
        _promise(city.huaxing, "zhao", days, title)
    page = zhao.get("/follow-ups").text
    assert "逾期 4 天" in page and "逾期 1 天" in page
    order = [page.index(f">{word}<") for word in ("四天前", "昨天", "当天", "很久以后")]
    assert order == sorted(order)
    heads = [page.index(f'id="heap-{name}"') for name in ("OVERDUE", "TODAY", "LATER")]
    assert heads == sorted(heads)
    assert "text-bad" in page


def test_an_officers_list_is_their_own(zhao, qian, city):
    _promise(city.huaxing, "qian", 2, "钱禾答应的")
    assert "钱禾答应的" not in zhao.get("/follow-ups").text
    assert "钱禾答应的" in qian.get("/follow-ups").text


def test_what_an_officer_no_longer_serves_is_not_on_the_list_nor_in_its_badge(qian, city):
    _promise(city.chuntian, "qian", 1, "春田的事")
    assert "春田的事" in qian.get("/follow-ups").text
    with writing():
        db.session.get(Enterprise, city.chuntian.id).officer_id = _user("zhao").id
        db.session.commit()
    page = qian.get("/follow-ups").text
    assert "春田的事" not in page and "件待办" not in page


def test_a_lead_filters_by_officer_region_and_lateness(li, city):
    _promise(city.huaxing, "zhao", -2, "赵青逾期的")
    _promise(city.beichen, "qian", 30, "钱禾以后的")
    officer, region = _user("qian").id, db.session.get(Enterprise, city.huaxing.id).region_id
    assert {"赵青逾期的", "钱禾以后的"} <= set(_titles(li.get(f"/follow-ups?region={region}").text))
    assert _titles(li.get(f"/follow-ups?officer={officer}").text) == ["钱禾以后的"]
    assert _titles(li.get("/follow-ups?due=overdue").text) == ["赵青逾期的"]
    nothing = li.get(f"/follow-ups?officer={officer}&due=overdue").text
    assert "这样筛选没有结果" in nothing and "清除筛选" in nothing


def test_an_officer_cannot_filter_themselves_into_anothers_list(zhao, city):
    _promise(city.huaxing, "qian", 1, "钱禾答应的")
    assert "钱禾答应的" not in zhao.get(f"/follow-ups?officer={_user('qian').id}").text


def _titles(text: str) -> list[str]:
    import re

    return re.findall(r'<a class="row-title stretch"[^>]*>([^<]*)</a>', text)


@pytest.mark.parametrize("closed", [False, True])
def test_pages_follow_one_another_without_a_gap_or_a_repeat(app, zhao, city, monkeypatch, closed):
    monkeypatch.setitem(app.config, "PAGE_SIZE", 4)
    for n in range(11):
        status = (FollowUpStatus.DONE, FollowUpStatus.DROPPED)[n % 2] if closed else FollowUpStatus.OPEN
        _promise(
            city.huaxing,
            "zhao",
            n // 3,
            f"第{n:02}件",
            status=status,
            closed_at=clock.now() if closed else None,
        )
    seen: list[str] = []
    address = f"/follow-ups?state={'closed' if closed else ''}"
    for _page in range(9):
        text = zhao.get(address).text
        seen += _titles(text)
        form = [line for line in text.split("<a ") if 'rel="next"' in line]
        if not form:
            break
        address = form[0].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == (11 if closed else 12)


def test_a_page_that_cannot_be_read_is_the_first(zhao):
    assert zhao.get("/follow-ups?page=nonsense").status_code == 200
    assert zhao.get("/follow-ups?page=2026-01-01_x&officer=99999999999&due=never").status_code == 200


def test_empty_lists_say_what_would_be_there(sun, qian):
    assert "没有要跟进的事" in qian.get("/follow-ups").text
    assert "还没有办结的事" in sun.get("/follow-ups?state=closed").text


# The export.


def test_the_export_has_the_lists_rows_and_no_formula(li, zhao, city):
    _promise(city.huaxing, "zhao", -2, '=HYPERLINK("http://x","y")')
    answer = li.get("/follow-ups.xlsx?due=overdue")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    sheet = openpyxl.load_workbook(BytesIO(answer.data)).active
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert rows[0][:3] == ("企业", "旗县区", "答应的事") and len(rows) == 2
    assert sheet["C4"].data_type == "s" and rows[1][7] == 2  # text, whatever it begins with
    assert sheet.freeze_panes == "B4"
    assert "13812345621" not in "".join(str(cell) for row in rows for cell in row)
    db.session.rollback()
    assert db.session.scalar(sa.select(AuditEvent.detail).where(AuditEvent.action == "exported")) == {
        "count": 1
    }


def test_an_export_obeys_scope(sun, zhou, city):
    for client in (sun, zhou):
        sheet = openpyxl.load_workbook(BytesIO(client.get("/follow-ups.xlsx").data)).active
        names = [row[0] for row in sheet.iter_rows(min_row=4, values_only=True)]
        assert names == [city.yuanshan.name]
    assert zhou.get("/follow-ups.xlsx?state=closed").status_code == 200


# A new one.


def _new(city, need=None):
    return f"/enterprises/{city.huaxing.id}/follow-ups/new" + (f"?need={need}" if need else "")


def test_a_promise_by_itself_starts_its_log(zhao, city):
    due = workdays.add_workdays(clock.today(), 5)
    answer = zhao.submit(_new(city), "promise-form", title="  送检测机构名单 ", kind="TESTING", due_on=due)
    assert answer.status_code == 303
    page = zhao.get(answer.location).text
    for words in ("送检测机构名单", "检测", "还有 5 个工作日", "答应企业，建立跟进", "赵青"):
        assert words in page
    assert (
        db.session.scalar(sa.select(FollowUp.title).where(FollowUp.kind == FollowUpKind.TESTING))
        == "送检测机构名单"
    )


def test_the_form_offers_three_five_and_ten_working_days(zhao, city):
    page = zhao.get(_new(city)).text
    for count in (3, 5, 10):
        assert f"{count} 个工作日" in page
        assert f'data-date="{workdays.add_workdays(clock.today(), count).isoformat()}"' in page


def test_a_promise_can_belong_to_a_need_of_this_enterprise_only(zhao, city):
    answer = zhao.submit(_new(city, people.NEED), "promise-form", title="约专家", due_on=clock.today())
    assert "隔膜涂覆均匀性攻关" in zhao.get(answer.location).text
    assert zhao.get(_new(city, people.OTHER_NEED)).status_code == 404
    assert zhao.get(_new(city, "nonsense")).status_code == 404


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"title": "", "due_on": "2099-01-01"}, "请写一句答应了什么。"),
        ({"title": "送案例", "due_on": ""}, "请选一个日期"),
        ({"title": "送案例", "due_on": "2020-01-01"}, "不能早于今天。"),
        ({"title": "送案例", "due_on": "9999-12-31"}, "最远 3 年内。"),
        ({"title": "送案例", "due_on": "后天"}, "日期读不懂"),
        ({"title": "字" * 201, "due_on": "2099-01-01"}, "最多 200 个字。"),
        ({"title": "送案例", "due_on": "2099-01-01", "kind": "NONE"}, "选项里没有这一项"),
    ],
)
def test_bad_input_says_so_and_keeps_what_was_typed(zhao, city, words, said):
    before = db.session.scalar(sa.select(sa.func.count()).select_from(FollowUp))
    db.session.rollback()
    answer = zhao.submit(_new(city), "promise-form", **words)
    assert answer.status_code == 422 and said in answer.text
    assert words["title"] in answer.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(FollowUp)) == before


def test_the_same_promise_twice_is_one(zhao, city):
    form = zhao.form(_new(city), "promise-form")
    data = form.filled(title="送案例", due_on=clock.today(), entry_id=str(uuid7()), follow_up_id=str(uuid7()))
    first, second = zhao.post(form.action, data=data), zhao.post(form.action, data=data)
    assert first.location == second.location
    assert zhao.post(form.action, data={**data, "entry_id": str(uuid7())}).status_code == 409


# Who may.


@pytest.mark.parametrize("place", PLACES)
def test_another_teams_promise_cannot_be_found(zhao, sun, place):
    assert sun.get(URL + place).status_code == 404
    assert zhao.get(OTHERS + place).status_code == 404
    if place:
        assert sun.post(URL + place, data={"csrf_token": sun.token()}).status_code == 404


@pytest.mark.parametrize("place", PLACES[1:])
def test_a_helper_sees_the_promise_but_does_not_move_it(qian, place):
    assert qian.get(URL).status_code == 200
    assert qian.get(URL + place).status_code == 403
    assert (
        qian.post(URL + place, data={"csrf_token": qian.token(), "status": "DONE", "result": "x"}).status_code
        == 403
    )
    assert _one().status is FollowUpStatus.OPEN


# Progress.


def test_progress_is_noted_by_who_serves_the_enterprise(zhao, qian):
    zhao.submit(URL, "note-form", text="致电科技处，\n名单要等高校确认")
    answer = qian.submit(URL, "note-form", text="<b>我也</b>问了")
    page = qian.get(answer.location).text
    assert "致电科技处，<br>名单要等高校确认" in page and "&lt;b&gt;我也&lt;/b&gt;问了" in page
    assert page.index("我也") < page.index("致电科技处") < page.index("建立跟进")
    assert [line.step for line in _log()] == [FollowUpStep.NOTED] * 2


def test_a_note_is_written_in_place(zhao):
    form = zhao.form(URL, "note-form")
    answer = zhao.post(
        form.action,
        data=form.filled(text="打了电话"),
        headers={"HX-Request": "true", "HX-Request-Type": "partial"},
    )
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="progress"') and "打了电话" in answer.text
    assert "<html" not in answer.text


@pytest.mark.parametrize("text", ["", "   ", "字" * 2001])
def test_an_empty_or_endless_note_is_refused_in_its_block(zhao, text):
    form = zhao.form(URL, "note-form")
    answer = zhao.post(form.action, data=form.filled(text=text), headers={"HX-Request": "true"})
    assert answer.status_code == 422 and 'id="text-err"' in answer.text
    assert _log() == []


def test_the_same_note_twice_is_one(zhao):
    form = zhao.form(URL, "note-form")
    data = form.filled(text="打了电话", entry_id=str(uuid7()))
    zhao.post(form.action, data=data)
    zhao.post(form.action, data=data)
    assert len(_log()) == 1


# The end, and back.


def test_done_with_a_result_is_told_and_logged(zhao):
    answer = zhao.submit(f"{URL}/close", "close-form", status="DONE", result="名单已送到")
    page = zhao.get(answer.location).text
    assert "已记为办好" in page and "名单已送到" in page and "已办好" in page
    assert [line.step for line in _log()] == [FollowUpStep.DONE]
    assert "件待办" not in page
    assert "名单" in zhao.get("/follow-ups?state=closed").text


def test_dropped_needs_a_reason(zhao):
    answer = zhao.submit(f"{URL}/close", "close-form", status="DROPPED", result=" ")
    assert answer.status_code == 422 and "请写一句结果或原因" in answer.text
    zhao.submit(f"{URL}/close", "close-form", status="DROPPED", result="企业停产")
    assert _one().status is FollowUpStatus.DROPPED


def test_who_comes_second_is_told_who_was_first_and_loses_nothing(zhao, li):
    first, second = zhao.form(f"{URL}/close", "close-form"), li.form(f"{URL}/close", "close-form")
    li.post(second.action, data=second.filled(status="DROPPED", result="企业停产了"))
    answer = zhao.post(first.action, data=first.filled(status="DONE", result="名单已送到门口"))
    assert answer.status_code == 409
    for words in ("李望", "企业停产了", "名单已送到门口", "记成一笔进展"):
        assert words in answer.text
    assert _one().result == "企业停产了"
    kept = next(f for f in _forms(answer.text) if f.id == "keep-form")
    assert zhao.post(kept.action, data=kept.filled()).status_code == 303
    assert _log()[-1].text == "名单已送到门口"
    assert "promise_closed" in _told("zhao")


def _forms(text):
    from tests.forms import forms_in

    return forms_in(text)


def test_who_closed_it_may_take_it_back(zhao, qian):
    zhao.submit(f"{URL}/close", "close-form", status="DONE", result="办好了")
    assert 'id="reopen-form"' not in qian.get(URL).text
    assert qian.post(f"{URL}/reopen", data={"csrf_token": qian.token()}).status_code == 403
    answer = zhao.submit(URL, "reopen-form")
    assert "已重新打开" in zhao.get(answer.location).text
    one = _one()
    assert one.status is FollowUpStatus.OPEN and one.closed_at is None and one.result == ""
    assert [line.step for line in _log()] == [FollowUpStep.DONE, FollowUpStep.REOPENED]
    assert zhao.post(f"{URL}/reopen", data={"csrf_token": zhao.token()}).status_code == 403


def test_a_lead_reopens_and_the_officer_is_told(zhao, li):
    li.submit(f"{URL}/close", "close-form", status="DONE", result="代为办结")
    assert 'id="reopen-form"' not in zhao.get(URL).text  # zhao did not close it
    assert li.submit(URL, "reopen-form").status_code == 303
    assert _told("zhao") == ["promise_closed", "promise_reopened"]


# Another date, other words, another person.


def test_postponing_takes_a_new_date_and_a_reason(zhao):
    before = _one().due_on
    later = before + timedelta(days=7)
    for words in ({"due_on": later, "reason": ""}, {"due_on": before, "reason": "等高校"}):
        assert zhao.submit(f"{URL}/postpone", "postpone-form", **words).status_code == 422
    zhao.submit(f"{URL}/postpone", "postpone-form", due_on=later, reason="高校要再看一周")
    assert _one().due_on == later and _one().version == 2
    page = zhao.get(URL).text
    assert "改期" in page and "高校要再看一周" in page


def test_a_stale_page_shows_both_sides_and_keeps_what_was_typed(zhao, li):
    mine, theirs = zhao.form(f"{URL}/edit", "edit-form"), li.form(f"{URL}/edit", "edit-form")
    li.post(theirs.action, data=theirs.filled(title="李望改的标题"))
    answer = zhao.post(mine.action, data=mine.filled(title="赵青改的标题"))
    assert answer.status_code == 409
    assert "李望改的标题" in answer.text and "赵青改的标题" in answer.text
    assert _one().title == "李望改的标题"
    again = next(f for f in _forms(answer.text) if f.id == "edit-form")
    assert zhao.post(again.action, data=again.filled()).status_code == 303
    assert _one().title == "赵青改的标题"


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("postpone", {"due_on": clock.today() + timedelta(days=20), "reason": "等高校回信"}),
        ("reassign", {"reason": "等高校回信"}),
    ],
)
def test_every_short_form_minds_its_version(zhao, li, act, words):
    form = zhao.form(f"{URL}/{act}", f"{act}-form")
    li.submit(f"{URL}/edit", "edit-form", title="改过了")
    answer = zhao.post(form.action, data=form.filled(**words))
    assert answer.status_code == 409 and "等高校回信" in answer.text
    assert _one().version == 2


def test_an_edit_tells_its_log_what_changed_and_an_empty_one_nothing(zhao):
    zhao.submit(f"{URL}/edit", "edit-form")
    assert _log() == [] and _one().version == 1
    zhao.submit(f"{URL}/edit", "edit-form", title="回复专家名单", kind="MATCHING")
    line = _log()[0]
    assert line.step is FollowUpStep.EDITED
    assert "回复隔膜涂覆工艺专家名单 → 回复专家名单" in line.text and "其他 → 技术对接" in line.text


def test_an_overdue_promise_can_be_edited_without_a_new_date(zhao, city):
    late = _promise(city.huaxing, "zhao", -5, "拖久了")
    assert zhao.submit(f"/follow-ups/{late.id}/edit", "edit-form", title="还是要办").status_code == 303
    assert _one(late.id).title == "还是要办" and _one(late.id).due_on == clock.today() - timedelta(days=5)


def test_a_closed_promise_is_neither_moved_nor_edited(zhao, li):
    form = zhao.form(f"{URL}/postpone", "postpone-form")
    li.submit(f"{URL}/close", "close-form", status="DONE", result="办好了")
    answer = zhao.post(
        form.action, data=form.filled(due_on=clock.today() + timedelta(days=20), reason="再等等")
    )
    assert answer.status_code == 409 and "李望" in answer.text and "再等等" in answer.text


def test_passing_on_tells_who_takes_over(zhao, qian, city):
    answer = zhao.submit(f"{URL}/reassign", "reassign-form", to=_user("qian").id, reason="我出差")
    assert answer.status_code == 303
    assert _one().assignee_id == _user("qian").id
    assert _log()[0].text == "赵青 → 钱禾\n我出差"
    assert _told("qian") == ["reassigned"] and _told("zhao") == []
    assert "回复隔膜涂覆工艺专家名单" in qian.get("/follow-ups").text
    assert zhao.get(f"{URL}/close").status_code == 403  # it is no longer theirs


def test_an_officer_passes_on_only_to_who_serves_the_enterprise(zhao, qian, city):
    page = zhao.get(f"{URL}/reassign").text
    assert "钱禾" in page and "李望" in page and "孙岚" not in page and "王野" not in page
    mine = _promise(city.beichen, "qian", 3)
    form = qian.form(f"/follow-ups/{mine.id}/reassign", "reassign-form")
    assert qian.post(form.action, data=form.filled(to=_user("zhao").id, reason="帮个忙")).status_code == 422
    assert qian.post(form.action, data=form.filled(to=_user("sun").id, reason="帮个忙")).status_code == 422


def test_a_lead_may_pass_on_to_anybody_of_the_team_who_then_helps(li, zhao, city):
    mine = _promise(city.beichen, "qian", 3, "北辰的事")
    page = li.get(f"/follow-ups/{mine.id}/reassign").text
    assert "赵青（会成为协助干部）" in page
    assert zhao.get(f"/follow-ups/{mine.id}").status_code == 404
    li.submit(f"/follow-ups/{mine.id}/reassign", "reassign-form", to=_user("zhao").id, reason="更熟悉")
    assert zhao.get(f"/follow-ups/{mine.id}").status_code == 200
    db.session.rollback()
    helper = db.session.scalars(
        sa.select(Assignment).where(
            Assignment.enterprise_id == city.beichen.id, Assignment.officer_id == _user("zhao").id
        )
    ).one()
    assert not helper.is_main and helper.reason == "更熟悉"
    assert _told("qian") == ["reassigned_away"] and _told("zhao") == ["reassigned"]


# Handed over with the enterprise.


@pytest.fixture
def handed(app, li, city):
    """handed(to): li hands zhao's open promises at 华星 and 北辰 over; returns how many moved."""

    def act(to, frm="zhao", reason="岗位调整"):
        person = _person(li, app)
        with writing(), app.test_request_context():
            to_id = _user(to).id if to else None
            moved = actions.hand_over(
                person, [city.huaxing.id, city.beichen.id], _user(frm).id, to_id, clock.now(), reason
            )
            db.session.commit()
        return moved

    return act


def test_open_promises_go_with_the_enterprise(handed, city):
    closed = _promise(city.huaxing, "zhao", 1, "办完的", status=FollowUpStatus.DONE)
    elsewhere = _promise(city.chuntian, "zhao", 1, "别处的")
    assert handed("qian") == 1
    assert _one().assignee_id == _user("qian").id and _one().version == 2
    assert _log()[0].text == "赵青 → 钱禾\n岗位调整" and _log()[0].step is FollowUpStep.REASSIGNED
    assert _one(closed.id).assignee_id == _one(elsewhere.id).assignee_id == _user("zhao").id
    assert handed("qian") == 0


def test_back_to_the_pool_they_stay_and_the_log_says_so(handed):
    assert handed(None) == 1
    assert _one().assignee_id == _user("zhao").id
    assert "企业已收回共享名单，这件事仍由赵青跟进。" in _log()[0].text


def test_reading_writes_nothing(zhao, li):
    before = len(_log()), _one().version, _one().updated_at
    for client in (zhao, li):
        for place in PLACES:
            assert client.get(URL + place).status_code == 200
    assert before == (len(_log()), _one().version, _one().updated_at)


def test_a_promise_due_on_a_day_off_says_so(zhao, city):
    days = next(n for n in range(1, 30) if not workdays.is_workday(clock.today() + timedelta(days=n)))
    made = _promise(city.huaxing, "zhao", days)
    assert "那天不上班" in zhao.get(f"/follow-ups/{made.id}").text


def test_overdue_is_said_in_days_and_in_working_days(zhao, city):
    made = _promise(city.huaxing, "zhao", -30)
    page = zhao.get(f"/follow-ups/{made.id}").text
    passed = workdays.workdays_between(made.due_on, clock.today())
    assert "逾期 30 天" in page and f"已过 {passed} 个工作日" in page


def test_a_promise_of_before_the_log_has_its_first_line(zhao):
    page = zhao.get(URL).text
    assert "走访时答应企业，建立跟进" in page


def test_the_needs_page_says_how_late_a_promise_about_it_was_kept_or_is(zhao, city):
    """In working days, for what is over and for what still waits."""
    late = clock.today()
    while workdays.workdays_between(late, clock.today()) < 3:
        late -= timedelta(days=1)
    days = (late - clock.today()).days
    about = {"need_id": people.NEED}
    done = about | {"status": FollowUpStatus.DONE, "closed_at": clock.now()}
    _promise(city.huaxing, "zhao", days, "还没办的", **about)
    _promise(city.huaxing, "zhao", days, "晚办的", **done)
    _promise(city.huaxing, "zhao", 1, "早办的", **done)
    page = zhao.get(f"/needs/{people.NEED}").text

    def row(title):
        return next(part for part in page.split("<li") if title in part)

    assert "晚了 3 个工作日" in row("还没办的") and "晚了 3 个工作日" in row("晚办的")
    assert "按时" in row("早办的") and "逾期" not in row("还没办的")


def test_a_list_of_somebody_who_has_left_says_whose_it_is(app, li, city):
    """The board's number leads here; pressing the filter's button again must not widen the list unseen."""
    with writing():
        db.session.execute(sa.update(User).where(User.username == "zhao").values(active=False))
        db.session.commit()
    zhao = db.session.scalar(sa.select(User.id).where(User.username == "zhao"))
    db.session.rollback()
    for address in (
        "/follow-ups?officer={}",
        "/visits?officer={}",
        "/needs?holder={}",
        "/needs/filters?holder={}",
    ):
        page = li.get(address.format(zhao)).text
        assert re.search(rf'<option value="{zhao}" selected[^>]*>\s*赵青', page), address
    assert ">赵青</option>" not in li.get("/follow-ups").text
