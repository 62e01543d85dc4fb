"""Needs: said once, told apart from each other's edits, moved on by whoever may, listed and taken out as a file."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import BytesIO

import openpyxl
import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Contact
from fieldapp.needs.actions import hand_over
from fieldapp.needs.models import Ending, Need, NeedEvent, NeedKind, NeedSource, NeedStatus
from tests import people
from tests.forms import forms_in

NEED = f"/needs/{people.NEED}"
EDIT = f"{NEED}/edit"


def _new(city):
    return f"/enterprises/{city.huaxing.id}/needs/new"


def _need(need_id=people.NEED):
    db.session.rollback()
    db.session.expire_all()
    need = db.session.get(Need, need_id)
    db.session.expunge(need)
    db.session.rollback()
    return need


def _count(model):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model))


def _events(need_id=people.NEED):
    db.session.rollback()
    query = sa.select(NeedEvent).where(NeedEvent.need_id == need_id).order_by(NeedEvent.id)
    rows = list(db.session.scalars(query))
    db.session.expunge_all()
    db.session.rollback()
    return rows


def _contact(enterprise):
    contact = db.session.scalars(sa.select(Contact.id).where(Contact.enterprise_id == enterprise.id)).first()
    db.session.rollback()
    return contact


def _id(username):
    number = db.session.scalar(sa.select(User.id).where(User.username == username))
    db.session.rollback()
    return number


def _step(client, step, **values):
    """Take a step by its address, as the button on the page does."""
    data = {"csrf_token": client.token(), "entry_id": str(uuid7()), **values}
    return client.post(f"{NEED}/steps/{step}", data=data)


WHOLE = {
    "source": "PHONE", "title": "换热器结垢快", "kind": "RESEARCH", "description": "三个月就要停机清洗",
    "field": "ENERGY", "indicators-0-name": "清洗周期", "indicators-0-now": "3", "indicators-0-target": "12",
    "indicators-0-unit": "个月", "budget": "35.5", "cooperation": "JOINT", "ip_ownership": "SHARED",
    "conditions": "做过同类项目", "urgency": "SOON", "disclosure": "DESENSITISED",
}  # fmt: skip


# A new one.


def test_an_officer_notes_down_a_whole_need_heard_on_the_phone(zhao, li, city):
    deadline = clock.today() + timedelta(days=90)
    answer = zhao.submit(
        _new(city), "need-form", **WHOLE, deadline=deadline, contact_id=_contact(city.huaxing)
    )
    assert answer.status_code == 303
    page = li.get(answer.location).text
    for words in (
        "换热器结垢快", "三个月就要停机清洗", "新能源与节能", "清洗周期", "个月", "35.50 万元", "联合攻关", "双方共有",
        "做过同类项目", "较急", "隐去企业后公开", "周岚", "138 **** 5621", "待受理", "赵青", "电话", "需求已保存",
        "要说的都说清了",
    ):  # fmt: skip
        assert words in page, words
    assert "13812345621" not in page


def test_a_need_may_lack_all_that_the_meter_asks_for(zhao, city):
    answer = zhao.submit(_new(city), "need-form", source="VISIT", title="想招电气工程师", kind="TALENT")
    page = zhao.get(answer.location).text
    assert "技术指标、截止时间、预算、知识产权、对合作方的要求" in page
    assert f'href="{answer.location.partition("?")[0]}/edit"' in page


def test_the_same_tap_twice_makes_one_need(zhao, city):
    before = _count(Need)
    form = zhao.form(_new(city), "need-form")
    data = form.filled(**WHOLE, need_id=str(uuid7()), entry_id=str(uuid7()))
    first, second = zhao.post(form.action, data=data), zhao.post(form.action, data=data)
    assert first.location == second.location and _count(Need) == before + 1
    again = data | {"entry_id": str(uuid7())}
    assert zhao.post(form.action, data=again).status_code == 409
    assert _count(Need) == before + 1


def test_bad_input_says_so_beside_the_field_and_keeps_what_was_typed(zhao, city):
    before = _count(Need)
    answer = zhao.submit(
        _new(city), "need-form", title="  ", kind="RESEARCH", description="打了很久的字", budget="很多",
        deadline=clock.today() - timedelta(days=1), **{"indicators-0-target": "95"},
    )  # fmt: skip
    assert answer.status_code == 422 and _count(Need) == before
    for words in (
        "请用一句话说清需求", "请选一项", "打了很久的字", "很多", "不能早于今天", "还差指标的名字", 'href="#indicators"',
        "95",
    ):  # fmt: skip
        assert words in answer.text, words


def test_a_contact_of_another_enterprise_cannot_be_named(zhao, city):
    before = _count(Need)
    answer = zhao.submit(_new(city), "need-form", **WHOLE, contact_id=_contact(city.yuanshan))
    assert answer.status_code == 422 and _count(Need) == before


def test_ten_indicators_fit_and_the_page_carries_one_more(zhao, city):
    assert 'name="indicators-__n__-name"' in zhao.get(_new(city)).text
    rows = {f"indicators-{n}-{key}": f"{key}{n}" for n in range(10) for key in ("name", "target")}
    answer = zhao.submit(_new(city), "need-form", **{**WHOLE, **rows})
    need = _need(people.uuid.UUID(answer.location.split("/")[2].partition("?")[0]))
    assert [one["name"] for one in need.indicators] == [f"name{n}" for n in range(10)]


def test_without_script_the_button_for_another_indicator_gives_the_form_back_longer(zhao, city):
    before = _count(Need)
    answer = zhao.submit(_new(city), "need-form", **WHOLE, add_indicator="1")
    assert answer.status_code == 422 and _count(Need) == before
    assert 'name="indicators-1-name"' in answer.text and "换热器结垢快" in answer.text


def test_another_teams_enterprise_takes_no_need(sun, wu, city):
    assert sun.get(_new(city)).status_code == 404
    assert sun.post(_new(city), data={**WHOLE, "csrf_token": sun.token()}).status_code == 404
    assert wu.get(_new(city)).status_code == 403


# Changing one.


def test_an_officer_completes_a_need_and_the_log_tells(qian):
    answer = qian.submit(EDIT, "need-form", ip_ownership="SHARED", conditions="有中试线")
    assert answer.status_code == 303
    page = qian.get(answer.location).text
    assert "双方共有" in page and "修改了内容" in page and "钱禾" in page
    changed = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "need_changed")).one()
    assert changed.detail["fields"] == ["ip_ownership", "conditions"]
    assert _need().version == 2


def test_saving_without_a_change_writes_nothing(zhao):
    before = _count(NeedEvent)
    assert zhao.submit(EDIT, "need-form").status_code == 303
    assert _count(NeedEvent) == before and _need().version == 1


def test_a_deadline_that_has_passed_meanwhile_may_stay(zhao):
    with writing():
        passed = clock.today() - timedelta(days=3)
        db.session.execute(sa.update(Need).where(Need.id == people.NEED).values(deadline=passed))
        db.session.commit()
    assert zhao.submit(EDIT, "need-form", conditions="有中试线").status_code == 303


def test_two_at_one_need_see_both_texts_and_lose_nothing(zhao, qian):
    form = zhao.form(EDIT, "need-form")
    qian.submit(EDIT, "need-form", title="钱禾的说法", budget="80")
    answer = zhao.post(form.action, data=form.filled(title="赵青的说法", conditions="赵青写的要求"))
    assert answer.status_code == 409
    page = answer.text
    assert 'class="versus"' in page and "钱禾的说法" in page and "赵青的说法" in page
    assert "已经换成最新的：预算" in page
    assert _need().title == "钱禾的说法"
    # the same form again: what zhao typed, with what only qian had changed taken over
    second = next(f for f in forms_in(page) if f.id == "need-form")
    filled = second.filled()
    assert (filled["title"], filled["conditions"].strip(), filled["budget"]) == (
        "赵青的说法",
        "赵青写的要求",
        "80.00",
    )
    assert zhao.post(second.action, data=filled).status_code == 303
    need = _need()
    assert (need.title, need.conditions, need.budget, need.version) == ("赵青的说法", "赵青写的要求", 80, 3)


def test_a_need_that_ended_while_it_was_edited_keeps_the_typed_words_on_the_page(zhao, li):
    form = zhao.form(EDIT, "need-form")
    _step(li, "decline", text="不属于科技服务")
    answer = zhao.post(form.action, data=form.filled(title="改得更清楚了"))
    assert answer.status_code == 409 and "改得更清楚了" in answer.text and "刚刚结束" in answer.text
    assert _need().title == "隔膜涂覆均匀性攻关"
    assert zhao.get(EDIT).status_code == 409


def test_who_only_sees_a_need_may_not_change_it(zhao, qian, browser_of, city):
    """A need of the team's pool: seen by both, written by its author."""
    answer = zhao.submit(f"/enterprises/{city.chuntian.id}/needs/new", "need-form", **WHOLE)
    need = answer.location.partition("?")[0]
    assert qian.get(need).status_code == 200 and "/edit" not in qian.get(need).text
    assert qian.get(f"{need}/edit").status_code == 403
    assert qian.post(f"{need}/note", data={"csrf_token": qian.token(), "text": "x"}).status_code == 403
    assert zhao.get(f"{need}/edit").status_code == 200


def test_another_team_finds_nothing(sun):
    for path in (NEED, EDIT, f"{NEED}/steps/claim"):
        assert sun.get(path).status_code == 404
    token = sun.token()
    for path in (EDIT, f"{NEED}/note", f"{NEED}/steps/claim"):
        assert sun.post(path, data={"csrf_token": token}).status_code == 404


# The log.


def test_a_note_joins_the_log_and_stays_on_the_page(zhao):
    form = zhao.form(NEED, "note-form")
    data = form.filled(text="已电话确认指标\n面密度偏差 ≤ 2%", entry_id=str(uuid7()))
    answer = zhao.post(form.action, data=data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'id="need-log"' in answer.text and "面密度偏差 ≤ 2%" in answer.text and "<html" not in answer.text
    assert zhao.post(form.action, data=data, headers={"HX-Request": "true"}).text == answer.text
    assert [event.note for event in _events()].count("已电话确认指标\n面密度偏差 ≤ 2%") == 1
    assert _need().status is NeedStatus.SUBMITTED


def test_without_script_a_note_leads_back_to_the_log(zhao):
    answer = zhao.submit(NEED, "note-form", text="打过电话")
    assert answer.status_code == 303 and answer.location.endswith("#need-log")


def test_the_log_begins_with_the_need_itself_also_beside_a_line_of_old(zhao):
    with writing():
        db.session.add(NeedEvent(need_id=people.NEED, at=clock.now(), after=NeedStatus.SUBMITTED))
        db.session.commit()
    page = zhao.get(NEED).text
    log = page[page.index('id="need-log"') :]
    assert log.count("提出需求") == 1
    assert "赵青" in log[log.index("提出需求") :]


def test_an_empty_note_is_refused_beside_its_field(zhao):
    answer = zhao.submit(NEED, "note-form", text="  ")
    assert answer.status_code == 422 and "请写一句进展" in answer.text
    assert _events() == []


# The way.


def test_the_whole_way_from_heard_to_solved(zhao, li):
    assert "受理" in li.get(NEED).text and "steps/accept" not in zhao.get(NEED).text
    assert _step(li, "accept").status_code == 303
    assert "steps/claim" in zhao.get(NEED).text
    assert _step(zhao, "claim").status_code == 303
    assert _step(zhao, "match").status_code == 303
    assert (
        zhao.submit(f"{NEED}/steps/propose", "step-form", ending="SOLVED", text="方案已交企业").status_code
        == 303
    )
    answer = zhao.submit(f"{NEED}/steps/resolve", "step-form", ending="SOLVED", text="良品率到 95%")
    assert answer.status_code == 303
    page = zhao.get(answer.location).text
    for words in ("真正解决", "良品率到 95%", "请企业确认", "受理了这条需求", "已办结"):
        assert words in page, words
    need = _need()
    assert (need.status, need.ending) == (NeedStatus.RESOLVED, Ending.SOLVED)
    assert need.ended_at is not None and need.claimed_by_id == _id("zhao")
    events = _events()
    assert [event.before for event in events[1:]] == [event.after for event in events[:-1]]
    assert "/edit" not in page


def test_a_result_without_its_kind_is_asked_for(zhao, li):
    _step(li, "accept")
    for step, values in (("claim", {}), ("match", {}), ("propose", {"text": "方案已交", "ending": "SOLVED"})):
        assert _step(zhao, step, **values).status_code == 303
    answer = zhao.submit(f"{NEED}/steps/resolve", "step-form", ending="", text="好了")
    assert answer.status_code == 422 and "如实选就好" in answer.text
    assert _need().status is NeedStatus.AWAITING_ENTERPRISE


def test_only_leads_accept_decline_refer_and_return(zhao):
    for step in ("accept", "decline", "refer", "return"):
        assert _step(zhao, step, text="理由").status_code == 403
        assert zhao.get(f"{NEED}/steps/{step}").status_code == 403
    assert _need().status is NeedStatus.SUBMITTED


def test_a_step_out_of_turn_is_refused_with_the_reason(li):
    answer = _step(li, "resolve", ending="SOLVED", text="好了")
    assert answer.status_code == 409 and "待受理" in answer.text
    assert li.get(f"{NEED}/steps/no-such-step").status_code == 404


def test_a_decision_against_a_need_says_why(li, zhao):
    assert _step(li, "decline").status_code == 422
    assert _step(li, "decline", text="不属于科技服务").status_code == 303
    need = _need()
    assert need.status is NeedStatus.DECLINED and need.ended_at is not None and need.ending is None
    assert "不属于科技服务" in zhao.get(NEED).text


def test_who_brought_a_need_is_told_when_it_is_sent_back_with_a_word(li, zhao, sun):
    assert li.submit(f"{NEED}/steps/return", "step-form", text="请补上涂布机型号").status_code == 303
    assert "请补上涂布机型号" in zhao.get("/notices").text and NEED in zhao.get("/notices").text
    assert "请补上涂布机型号" not in sun.get("/notices").text + li.get("/notices").text


def test_a_returned_need_is_completed_and_comes_back(li, zhao):
    _step(li, "return", text="请补充指标")
    assert "请补充指标" in zhao.get(NEED).text
    zhao.submit(EDIT, "need-form", **{"indicators-0-name": "偏差", "indicators-0-target": "2"})
    assert _step(zhao, "resubmit").status_code == 303
    assert _need().status is NeedStatus.SUBMITTED


def test_work_put_aside_goes_on_where_it_was(li, zhao):
    for client, step in ((li, "accept"), (zhao, "claim"), (zhao, "match")):
        _step(client, step)
    assert _step(zhao, "hold", text="等企业停产检修").status_code == 303
    assert _need().status is NeedStatus.ON_HOLD
    assert _step(zhao, "resume").status_code == 303
    assert _need().status is NeedStatus.MATCHING


def test_somebody_elses_claim_is_not_mine_to_work_on(li, zhao, qian):
    _step(li, "accept")
    _step(zhao, "claim")
    assert _step(qian, "match").status_code == 403
    assert _step(li, "match").status_code == 303


def test_a_released_need_waits_to_be_claimed_again(li, zhao, qian):
    _step(li, "accept")
    _step(zhao, "claim")
    assert _step(zhao, "release", text="专业不对口").status_code == 303
    assert _need().claimed_by_id is None and _need().status is NeedStatus.ACCEPTED
    assert _step(qian, "claim").status_code == 303


def test_an_author_takes_a_need_back_before_it_is_accepted(zhao, qian, li):
    assert _step(qian, "withdraw", text="重复了").status_code == 403
    assert _step(zhao, "withdraw", text="企业说不用了").status_code == 303
    assert _need().status is NeedStatus.WITHDRAWN
    assert _step(li, "reopen", text="企业又提起").status_code == 303
    need = _need()
    assert need.status is NeedStatus.SUBMITTED and need.ended_at is None
    _step(li, "accept")
    assert _step(zhao, "withdraw", text="晚了").status_code == 409


def test_a_result_is_given_back_twice_and_no_more(li, zhao):
    for client, step in ((li, "accept"), (zhao, "claim"), (zhao, "match")):
        _step(client, step)
    for _again in range(2):
        _step(zhao, "propose", ending="SOLVED", text="方案")
        _step(zhao, "resolve", ending="SOLVED", text="好了")
        assert _step(li, "reopen", text="企业不满意").status_code == 303
        assert _need().status is NeedStatus.MATCHING and _need().ending is None
    _step(zhao, "propose", ending="SOLVED", text="方案")
    _step(zhao, "resolve", ending="EXPLAINED", text="讲清了")
    answer = _step(li, "reopen", text="还是不行")
    assert answer.status_code == 409 and "2 次" in answer.text


def test_of_two_who_claim_at_once_one_wins_and_the_other_is_told_who(li, zhao, qian):
    _step(li, "accept")
    start, answers = threading.Barrier(2), {}

    def claim(name, client, token):
        start.wait()
        answers[name] = client.post(f"{NEED}/steps/claim", data={"csrf_token": token})

    tokens = {"zhao": zhao.token(), "qian": qian.token()}
    threads = [
        threading.Thread(target=claim, args=(name, client, tokens[name]))
        for name, client in (("zhao", zhao), ("qian", qian))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = {name: answer.status_code for name, answer in answers.items()}
    assert sorted(codes.values()) == [303, 409], codes
    winner = next(name for name, code in codes.items() if code == 303)
    loser = next(name for name, code in codes.items() if code == 409)
    assert _need().claimed_by_id == _id(winner)
    assert f"{people.PEOPLE[winner][0]}已经接了这条需求" in answers[loser].text
    assert [event.after for event in _events()].count(NeedStatus.CLAIMED) == 1


# The list and its file.


def _many(city):
    """Twelve needs of every sort at 华星, one in the other team."""
    with writing():
        author = _id("zhao")
        for n in range(12):
            db.session.add(
                Need(
                    id=uuid7(), enterprise_id=city.huaxing.id, source=NeedSource.PHONE, title=f"第{n}条",
                    kind=NeedKind.TALENT if n % 2 else NeedKind.RESEARCH, author_id=author,
                    status=NeedStatus.RESOLVED if n < 4 else NeedStatus.MATCHING,
                    ending=Ending.SOLVED if n < 2 else Ending.EXPLAINED if n < 4 else None,
                    ended_at=clock.now() if n < 4 else None,
                    created_at=clock.now() - timedelta(hours=n),
                )
            )  # fmt: skip
        db.session.commit()


def test_the_list_shows_what_is_open_and_nothing_of_another_team(zhao, sun, city):
    _many(city)
    page = zhao.get("/needs").text
    assert "第4条" in page and "第3条" not in page and "9 条" in page
    assert "第4条" not in sun.get("/needs").text


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("state=all", 13), ("state=ended", 4), ("state=closed", 4), ("state=matching", 8), ("state=SUBMITTED", 1),
        ("state=closed&ending=solved", 2), ("kind=talent", 4), ("kind=talent&state=all", 6), ("field=energy", 0),
        ("urgency=urgent", 0), ("mine=1", 9), ("region=999", 0), ("state=nonsense&kind=x&region=y&officer=z", 9),
    ],
)  # fmt: skip
def test_filters_narrow_the_list(zhao, city, query, number):
    _many(city)
    assert f"{number} 条" in zhao.get(f"/needs?{query}").text


def test_days_and_officers_narrow_the_list(li, city):
    _many(city)
    today = clock.today().isoformat()
    assert "1 条" in li.get(f"/needs?until={(clock.today() - timedelta(days=5)).isoformat()}").text
    assert "13 条" in li.get(f"/needs?state=all&officer={_id('zhao')}&until={today}").text
    page = li.get(f"/needs?officer={_id('qian')}").text
    assert "0 条" in page and "钱禾负责的企业" in page and "没有符合条件的需求" in page


def test_pages_follow_each_other_without_gap_or_repetition(app, zhao, city):
    _many(city)
    app.config["PAGE_SIZE"], before = 5, app.config["PAGE_SIZE"]
    try:
        seen, url = [], "/needs?state=all"
        for _page in range(4):
            text = zhao.get(url).text
            seen += [part.split('"')[0] for part in text.split('stretch" href="/needs/')[1:]]
            if 'rel="next"' not in text:
                break
            assert "13 条" in text
            url = text.split('rel="next"')[0].rpartition('href="')[2].split('"')[0].replace("&amp;", "&")
            assert "state=all" in url
    finally:
        app.config["PAGE_SIZE"] = before
    assert len(seen) == 13 == len(set(seen))


def _sheet(answer):
    assert answer.status_code == 200 and "spreadsheetml" in answer.mimetype
    sheet = openpyxl.load_workbook(BytesIO(answer.data)).active
    heads = [cell.value for cell in sheet[3]]
    return sheet, [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=4, values_only=True)]


def _with_contact(city, **values):
    with writing():
        db.session.execute(
            sa.update(Need).where(Need.id == people.NEED).values(contact_id=_contact(city.huaxing), **values)
        )
        db.session.commit()


def test_the_file_holds_the_list_with_numbers_dates_and_masked_phones(zhao, city):
    _with_contact(
        city, deadline=clock.today(), indicators=[{"name": "偏差", "now": "5", "target": "2", "unit": "%"}]
    )
    answer = zhao.get("/needs.xlsx")
    sheet, rows = _sheet(answer)
    assert sheet.freeze_panes == "B4" and sheet["A1"].value == "需求" and "万元" in sheet["A2"].value
    assert len(rows) == 1
    row = rows[0]
    assert row["需求"] == "隔膜涂覆均匀性攻关" and row["企业"] == city.huaxing.name
    assert row["预算（万元）"] == 120 and row["希望什么时候解决"].date() == clock.today()
    assert row["技术指标"] == "偏差：5 → 2 %" and row["状态"] == "待受理"
    assert row["联系电话"] == "138 **** 5621" and b"13812345621" not in answer.data
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "exported")).one()
    assert event.detail["count"] == 1


def test_what_looks_like_a_formula_stays_the_text_it_is(zhao, city):
    said = {"需求": '=HYPERLINK("http://x")', "具体说明": "+1", "对合作方的要求": "@SUM(A1)"}
    _with_contact(city, title=said["需求"], description=said["具体说明"], conditions=said["对合作方的要求"])
    sheet, rows = _sheet(zhao.get("/needs.xlsx"))
    assert {name: rows[0][name] for name in said} == said
    written = [cell for cell in sheet[4] if cell.value in said.values()]
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in written) and len(written) == 3


def test_the_file_obeys_scope_and_filters(zhao, zhou, city):
    _many(city)
    _, rows = _sheet(zhao.get("/needs.xlsx?state=closed&ending=solved"))
    assert sorted(row["需求"] for row in rows) == ["第0条", "第1条"]
    _, rows = _sheet(zhou.get("/needs.xlsx?state=all"))
    assert {row["企业"] for row in rows} == {city.yuanshan.name}


def test_whole_phones_are_a_deliberate_logged_act(zhao, city):
    _with_contact(city)
    form = zhao.form("/needs", "/needs.xlsx")
    answer = zhao.post(form.action, data=form.filled(phones="1"))
    _, rows = _sheet(answer)
    assert rows[0]["联系电话"] == "13812345621"
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "exported_with_phones")).one()
    assert event.detail["count"] == 1 and event.actor_name == "赵青"
    assert zhao.post("/needs.xlsx", data={"phones": "1"}).status_code == 403


# Handing over.


def test_open_needs_go_to_the_next_officer_and_the_log_says_why(zhao, li, city):
    _step(li, "accept")
    _step(zhao, "claim")
    before, after = _id("zhao"), _id("qian")
    with writing():
        moved = hand_over(None, [city.huaxing.id], before, after, clock.now(), "岗位调整")
        db.session.commit()
    assert moved == 1
    assert _need().claimed_by_id == after and _need().status is NeedStatus.CLAIMED
    assert "由赵青移交给钱禾。岗位调整" in li.get(NEED).text


def test_with_nobody_to_go_to_a_need_waits_to_be_claimed(zhao, li, city):
    _step(li, "accept")
    _step(zhao, "claim")
    with writing():
        assert hand_over(None, [city.huaxing.id], _id("zhao"), None, clock.now(), "离岗") == 1
        db.session.commit()
    assert _need().claimed_by_id is None and _need().status is NeedStatus.ACCEPTED


def test_ended_needs_stay_with_who_ended_them(zhao, li, city):
    for client, step, values in (
        (li, "accept", {}), (zhao, "claim", {}), (zhao, "match", {}), (zhao, "propose", {"ending": "SOLVED", "text": "x"}),
        (zhao, "resolve", {"ending": "SOLVED", "text": "x"}),
    ):  # fmt: skip
        _step(client, step, **values)
    with writing():
        assert hand_over(None, [city.huaxing.id], _id("zhao"), _id("qian"), clock.now(), "") == 0
        db.session.commit()
    assert _need().claimed_by_id == _id("zhao")
