"""The pool: sorted and filtered by light, searched, claimed in the row, moved several at once, saved as views."""

from __future__ import annotations

import contextvars
import html
import re
import threading
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlencode
from uuid import UUID

import openpyxl
import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import Team, User, team_lead
from fieldapp.db import db, writing
from fieldapp.needs import listing, titles
from fieldapp.needs.listing import MOST_COUNTED
from fieldapp.needs.models import (
    Clock,
    Light,
    Need,
    NeedEvent,
    NeedKind,
    NeedSource,
    NeedStatus,
    NeedToken,
    NeedView,
)
from fieldapp.needs.views import ViewForm
from tests import people
from tests.forms import forms_in

S = NeedStatus
LIGHTS = {Light.RED: -3, Light.YELLOW: 1, Light.GREEN: 20}


def _user(username):
    number = db.session.scalar(sa.select(User.id).where(User.username == username))
    db.session.rollback()
    return number


def lit(enterprise, title, light=Light.GREEN, status=S.ACCEPTED, holder=None, days=None, **more) -> UUID:
    """A need with that light."""
    now, need_id = clock.now(), uuid7()
    held = _user(holder) if holder else None
    due = None if light is Light.GREY else now + timedelta(days=days if days is not None else LIGHTS[light])
    with writing():
        db.session.add(
            Need(
                id=need_id, enterprise_id=enterprise.id, source=more.pop("source", NeedSource.PHONE), title=title,
                kind=more.pop("kind", NeedKind.RESEARCH), status=status, claimed_by_id=held, clock=Clock.CLAIM,
                clock_from=now, due_at=due, warn_at=due and due - timedelta(days=2),
                paused_at=now - timedelta(days=1) if light is Light.GREY else None, status_at=now, **more,
            )
        )  # fmt: skip
        db.session.flush()
        db.session.add(NeedEvent(need_id=need_id, at=now, after=status))
        db.session.flush()
        db.session.commit()
    return need_id


@pytest.fixture(params=["waits", "indexed"])
def title(app, request):
    """Puts every title into the index, or leaves all of them waiting for that."""

    def settle() -> None:
        if request.param == "indexed":
            take_in_all()

    return settle


def take_in_all() -> None:
    with writing():
        assert not titles.take_in(clock.now())
        assert db.session.scalar(sa.select(sa.func.count()).where(Need.title_waits.is_not(None))) == 0
        db.session.commit()


@pytest.fixture
def pool(app, city):
    """One of each light at 华星, one more of everything elsewhere; the cast's own need has no light."""
    city.red = lit(city.huaxing, "冻干余热回收", Light.RED)
    city.yellow = lit(city.huaxing, "刀架定位精度", Light.YELLOW, S.CLAIMED, "zhao")
    city.green = lit(city.beichen, "主轴温升补偿", Light.GREEN, source=NeedSource.ORDER, kind=NeedKind.TALENT)
    city.grey = lit(city.beichen, "等样品参数", Light.GREY, S.AWAITING_ENTERPRISE, "qian")
    city.foreign = lit(city.yuanshan, "磁材冻干余热", Light.RED)
    return city


def titles_in(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'<a class="row-title stretch"[^>]*>([^<]*)</a>', page)]


def tiles_in(page: str) -> dict[str, str]:
    return dict(re.findall(r'<b data-light="(\w+)">([^<]*)</b>', page))


def tile_links(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'<a class="light" href="([^"]*)"', page)]


def state_of(need_id):
    db.session.rollback()
    db.session.expire_all()
    need = db.session.get(Need, need_id)
    found = need.status, need.claimed_by_id
    db.session.rollback()
    return found


# Light by light.


def test_what_falls_due_comes_first_and_what_is_paused_last(li, pool):
    page = li.get("/needs").text
    assert titles_in(page) == [
        "冻干余热回收",
        "刀架定位精度",
        "主轴温升补偿",
        "等样品参数",
        "隔膜涂覆均匀性攻关",
    ]
    for words in ("逾期 ", "剩 ", "停表", "circle-alert", "circle-check", "circle-pause", "红灯", "灰灯"):
        assert words in page, words
    assert tiles_in(page) == {"all": "5", "red": "1", "yellow": "1", "green": "1", "grey": "1"}


def test_every_tile_opens_as_many_rows_as_it_says(li, zhao, pool):
    for client in (li, zhao):
        for query in ("", "?kind=talent", "?q=冻干", "?state=claimed", "?source=order", "?region=1"):
            page = client.get(f"/needs{query}").text
            for (light, told), link in zip(tiles_in(page).items(), tile_links(page), strict=True):
                assert len(titles_in(client.get(link).text)) == int(told), (query, light)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("light=red", ["冻干余热回收"]), ("light=grey", ["等样品参数"]), ("state=claimed", ["刀架定位精度"]),
        ("holder=none&light=green", ["主轴温升补偿"]), ("source=order", ["主轴温升补偿"]), ("kind=talent", ["主轴温升补偿"]),
        ("q=余热", ["冻干余热回收"]), ("q=冻干余热回收", ["冻干余热回收"]), ("q=余热 没有", []), ("q=热", ["冻干余热回收"]),
        ("q=北辰", ["主轴温升补偿", "等样品参数"]), ("q=beichen 主轴", ["主轴温升补偿"]), ("q=bcsk", ["主轴温升补偿", "等样品参数"]),
        ("q=%25", ["冻干余热回收", "刀架定位精度", "主轴温升补偿", "等样品参数", "隔膜涂覆均匀性攻关"]), ("q=远山", []),
        ("light=nonsense&source=x&holder=y", ["冻干余热回收", "刀架定位精度", "主轴温升补偿", "等样品参数", "隔膜涂覆均匀性攻关"]),
    ],
)  # fmt: skip
def test_filters_and_search(li, pool, title, query, found):
    title()
    assert titles_in(li.get(f"/needs?{query}").text) == found


def test_a_holder_narrows_the_list(li, pool):
    page = li.get(f"/needs?holder={_user('qian')}").text
    assert titles_in(page) == ["等样品参数"] and "钱禾" in page


def test_a_changed_title_is_found_by_its_new_words_alone(zhao, pool, title):
    title()
    assert zhao.submit(f"/needs/{pool.yellow}/edit", "need-form", title="卡盘夹紧力不稳").status_code == 303
    assert titles_in(zhao.get("/needs?q=夹紧力").text) == ["卡盘夹紧力不稳"]
    assert titles_in(zhao.get("/needs?q=刀架").text) == []
    take_in_all()
    assert titles_in(zhao.get("/needs?q=夹紧力").text) == ["卡盘夹紧力不稳"]
    assert titles_in(zhao.get("/needs?q=刀架").text) == []


def test_taking_titles_in_changes_no_page_and_is_done_once(zhao, pool):
    moments = sa.select(Need.id, Need.updated_at, Need.version).order_by(Need.id)
    before = db.session.execute(moments).all()
    db.session.rollback()
    take_in_all()
    tokens = sa.select(sa.func.count()).select_from(NeedToken)
    count = db.session.scalar(tokens)
    assert count > 20 and db.session.execute(moments).all() == before
    db.session.rollback()
    take_in_all()
    assert db.session.scalar(tokens) == count


def test_of_more_titles_than_a_search_reads_the_newest_are_found(zhao, city, monkeypatch):
    """Days after the worker was last seen: what somebody has just written down is what they look for."""
    monkeypatch.setattr(titles, "MOST_WAITING", 1)
    lit(city.huaxing, "先来的余热")
    lit(city.huaxing, "后来的余热")
    assert titles_in(zhao.get("/needs?q=余热").text) == ["后来的余热"]
    take_in_all()
    assert sorted(titles_in(zhao.get("/needs?q=余热").text)) == ["先来的余热", "后来的余热"]


def test_more_titles_than_one_transaction_takes_come_in_with_the_next(pool, monkeypatch):
    monkeypatch.setattr(titles, "MOST_AT_ONCE", 2)
    with writing():
        taken = [titles.take_in(clock.now()) for _again in range(4)]
        db.session.commit()
    assert taken == [True, True, True, False], "six needs, the cast's own among them, two at a time"


def test_a_need_is_found_by_the_words_it_was_noted_with(zhao, city):
    answer = zhao.submit(
        f"/enterprises/{city.huaxing.id}/needs/new", "need-form", title="换热器结垢快", kind="RESEARCH", source="PHONE"
    )  # fmt: skip
    assert answer.status_code == 303
    assert titles_in(zhao.get("/needs?q=结垢").text) == ["换热器结垢快"]


def test_pages_by_light_follow_each_other_without_gap_or_repetition(app, li, pool):
    for n in range(9):
        light = list(Light)[n % 4]
        lit(pool.chuntian, f"第{n}条", light, S.ON_HOLD if light is Light.GREY else S.ACCEPTED, days=n % 3)
    app.config["PAGE_SIZE"], before = 2, app.config["PAGE_SIZE"]
    try:
        seen, url, pages = [], "/needs", 0
        while url and pages < 20:
            text = li.get(url).text
            seen += titles_in(text)
            following = re.search(r'<a\b[^>]*rel="next"[^>]*>', text)
            url = html.unescape(re.search(r'href="([^"]*)"', following[0])[1]) if following else ""
            pages += 1
            assert "14 条" in text
    finally:
        app.config["PAGE_SIZE"] = before
    assert pages == 7 and len(seen) == 14 == len(set(seen))
    assert seen[-1] == "隔膜涂覆均匀性攻关"


def test_a_page_that_nobody_gave_out_is_the_first(li, pool):
    for page in ("x", "d", "p2200", "d2026-01-01T00:00:00_x", "n" * 80):
        assert len(titles_in(li.get(f"/needs?page={page}").text)) == 5


def test_counting_stops_and_says_so(li, pool):
    with writing():
        db.session.execute(
            sa.insert(Need),
            [
                {
                    "id": uuid7(), "enterprise_id": pool.huaxing.id, "source": NeedSource.IMPORT, "title": "同样的",
                    "kind": NeedKind.OTHER, "status": S.ACCEPTED, "clock": Clock.CLAIM, "due_at": clock.now() - timedelta(days=9),
                    "warn_at": clock.now() - timedelta(days=11),
                }
                for _ in range(MOST_COUNTED + 5)
            ],
        )  # fmt: skip
        db.session.commit()
    page = li.get("/needs").text
    assert tiles_in(page)["red"] == tiles_in(page)["all"] == "1,000+" and "超过 1,000 条需求" in page


def test_another_team_and_no_role_sees_nothing_of_it(sun, wu, pool):
    assert titles_in(sun.get("/needs").text) == ["磁材冻干余热", "隔膜涂覆均匀性攻关"]
    assert wu.get("/needs").status_code == 403


# Claimed in the row.


def _claim(client, need_id, **headers):
    return client.post(
        f"/needs/{need_id}/claim", data={"csrf_token": client.token(), "entry_id": str(uuid7())}, headers=headers
    )  # fmt: skip


IN_PLACE = {"HX-Request": "true"}


def test_a_need_is_claimed_in_its_row(zhao, pool):
    assert f'action="/needs/{pool.red}/claim"' in zhao.get("/needs").text
    answer = _claim(zhao, pool.red, **IN_PLACE)
    assert answer.status_code == 200 and answer.text.strip().startswith(f'<tr id="need-{pool.red}"')
    assert "赵青" in answer.text and "我来接" not in answer.text and "<html" not in answer.text
    assert state_of(pool.red) == (S.CLAIMED, _user("zhao"))


def test_who_was_slower_reads_in_the_row_who_was_quicker(zhao, qian, pool):
    _claim(qian, pool.red)
    answer = _claim(zhao, pool.red, **IN_PLACE)
    assert answer.status_code == 409 and f'<tr id="need-{pool.red}"' in answer.text
    assert "钱禾已经接了这条需求" in answer.text and 'role="alert"' in answer.text
    assert state_of(pool.red) == (S.CLAIMED, _user("qian"))
    assert _claim(zhao, pool.red).status_code == 409


def test_without_script_claiming_leads_back_to_the_same_list(zhao, pool):
    page = zhao.get("/needs?light=red&q=冻干").text
    form = next(one for one in forms_in(page) if one.action.endswith(f"{pool.red}/claim"))
    answer = zhao.post(form.action, data=form.filled(entry_id=str(uuid7())))
    assert answer.status_code == 303 and answer.location.startswith("/needs?")
    assert "light=red" in answer.location and "notice=need_claimed" in answer.location
    elsewhere = zhao.post(
        f"/needs/{pool.green}/claim", data={"csrf_token": zhao.token(), "back": "//evil.example"}
    )
    assert elsewhere.status_code == 404  # 北辰 is not zhao's


def test_nobody_claims_more_than_they_can_work_on(app, zhao, pool):
    app.config["CLAIMS_MOST"], before = 1, app.config["CLAIMS_MOST"]
    try:
        answer = _claim(zhao, pool.red, **IN_PLACE)
    finally:
        app.config["CLAIMS_MOST"] = before
    assert answer.status_code == 409 and "最多 1 件" in answer.text
    assert state_of(pool.red) == (S.ACCEPTED, None)


# Several at once.


def _together(li, act, *needs, **values):
    """Tick, choose what to do, say the words, send: as the pages offer it."""
    page = li.get("/needs").text
    boxes = dict(re.findall(r'name="e" value="(([0-9a-f-]{36}):[^"]*)"', page))
    chosen = [value for value, need_id in boxes.items() if UUID(need_id) in needs]
    assert len(chosen) == len(needs)
    asked = li.get("/needs/together", query_string={"act": act, "e": chosen, "back": "/needs?light=red"})
    assert asked.status_code == 200
    form = next(one for one in forms_in(asked.text) if one.id == "together-form")
    return asked.text, form.action, form.filled(entry_id=str(uuid7()), **values)


def test_several_are_passed_to_whom_is_suggested(li, qian, pool):
    page, action, data = _together(li, "assign", pool.red, pool.yellow, text="这周先办这两件")
    assert "建议给" in page and "负责这一带" in page
    data["officer"] = str(_user("qian"))
    answer = li.post(action, data=data)
    assert answer.status_code == 303 and answer.location.startswith("/needs?light=red")
    assert state_of(pool.red) == state_of(pool.yellow) == (S.CLAIMED, _user("qian"))
    assert "这周先办这两件" in qian.get("/notices").text
    again = li.post(action, data=data)
    assert again.status_code == 303 and again.headers["Outbox-Replayed"] == "1"


def test_who_serves_there_and_has_least_in_work_is_suggested(li, pool):
    page, _, data = _together(li, "assign", pool.red)
    assert data["officer"] == str(_user("qian")) and "建议给钱禾" in page  # 赵青 has one in work


def test_several_are_sent_back_or_referred_with_words(li, pool):
    _, action, data = _together(li, "return", pool.red, pool.green)
    assert li.post(action, data=data).status_code == 422
    assert state_of(pool.red)[0] is S.ACCEPTED
    assert li.post(action, data=data | {"text": "请补充参数"}).status_code == 303
    assert state_of(pool.red)[0] is state_of(pool.green)[0] is S.RETURNED
    _, action, data = _together(li, "refer", pool.yellow, unit="市检测中心", text="他们有设备")
    assert li.post(action, data=data).status_code == 303
    assert state_of(pool.yellow)[0] is S.REFERRED


def test_one_that_cannot_go_along_stops_all_and_is_named(li, pool):
    page, action, data = _together(li, "return", pool.red, pool.yellow, text="请补充参数")
    assert "不能退回补充" in page  # said before anything is sent
    boxes = re.findall(r'name="e" value="([^"]*)"', page)
    answer = li.post(action, data=data | {"e": boxes})
    assert answer.status_code == 409 and "一件都没有办" in answer.text
    assert "刀架定位精度" in answer.text and "已接单（赵青）" in answer.text and "请补充参数" in answer.text
    assert state_of(pool.red)[0] is S.ACCEPTED


def test_a_stale_selection_does_nothing_and_says_what_changed(li, zhao, pool):
    _, action, data = _together(li, "assign", pool.red, pool.green, officer=_user("qian"))
    _claim(zhao, pool.red)
    answer = li.post(action, data=data)
    assert answer.status_code == 409 and "刚刚变了" in answer.text and "赵青" in answer.text
    assert state_of(pool.green) == (S.ACCEPTED, None)
    ticked = re.findall(r'name="e" value="([0-9a-f-]{36}):[^"]*" checked', answer.text)
    assert ticked == [str(pool.green)]


def test_one_foreign_need_and_nothing_at_all_happens(li, pool):
    _, action, data = _together(li, "assign", pool.red, officer=_user("qian"))
    chosen = [data["e"] if isinstance(data["e"], str) else data["e"][0], f"{pool.foreign}:ACCEPTED:0"]
    assert li.post(action, data=data | {"e": chosen}).status_code == 404
    assert state_of(pool.red) == (S.ACCEPTED, None) and state_of(pool.foreign) == (S.ACCEPTED, None)
    for e in ([], ["x"], [f"{pool.red}:x:y:z", "1"]):
        assert li.post(action, data=data | {"e": e}).status_code == 404


def test_nobody_gets_what_their_team_does_not_serve(li, zhou, pool):
    with writing():
        team = db.session.scalar(sa.select(Team.id).where(Team.name == "二队"))
        db.session.execute(sa.insert(team_lead), [{"team_id": team, "user_id": _user("li")}])
        db.session.commit()
    _, action, data = _together(li, "assign", pool.red, pool.foreign, officer=_user("sun"))
    answer = li.post(action, data=data)
    assert answer.status_code == 409 and "孙岚不在服务这家企业的团里" in answer.text
    assert state_of(pool.foreign) == (S.ACCEPTED, None)


def test_only_leads_move_several(zhao, pool):
    page = zhao.get("/needs").text
    assert 'name="e"' not in page and "together" not in page
    assert zhao.get(f"/needs/together?act=assign&e={pool.red}").status_code == 403


# Views.


def test_filters_are_kept_under_a_name_opened_renamed_and_dropped(zhao, qian, pool):
    page = zhao.get("/needs?light=red&q=冻干&page=x").text
    link = html.unescape(re.search(r'href="(/needs/views\?[^"]*)"', page)[1])
    answer = zhao.submit(link, "save-form", name="红的冻干")
    assert answer.status_code == 303 and "light=red" in answer.location and "page" not in answer.location
    page = zhao.get(answer.location).text
    assert "红的冻干" in page and titles_in(page) == ["冻干余热回收"]
    assert "红的冻干" not in qian.get("/needs").text + qian.get("/needs/views").text
    view = db.session.scalar(sa.select(NeedView.id))
    db.session.rollback()
    assert zhao.submit("/needs/views", f"/views/{view}/rename", name="急的").status_code == 303
    assert "急的" in zhao.get("/needs").text
    for act in ("rename", "delete"):
        refused = qian.post(f"/needs/views/{view}/{act}", data={"csrf_token": qian.token(), "name": "x"})
        assert refused.status_code == 404
    assert zhao.submit("/needs/views", f"/views/{view}/delete").status_code == 303
    assert "急的" not in zhao.get("/needs").text


def test_a_view_needs_a_name_of_its_own_and_there_are_only_so_many(zhao, pool):
    def save(name):
        return zhao.submit("/needs/views?light=red", "save-form", name=name)

    assert save("").status_code == 422 and save("x" * 21).status_code == 422
    assert save("一").status_code == 303
    answer = save("一")
    assert answer.status_code == 422 and "已经有一个叫这个名字的了" in answer.text
    for n in range(19):
        assert save(f"第{n}").status_code == 303
    assert 'id="save-form"' not in zhao.get("/needs/views?light=red").text
    data = {"csrf_token": zhao.token(), "name": "多", "query": "light=red"}
    assert zhao.post("/needs/views", data=data).status_code == 422


def test_of_two_views_saved_at_once_under_one_name_the_second_is_told(zhao, pool, monkeypatch):
    assert zhao.submit("/needs/views?light=red", "save-form", name="急的").status_code == 303
    assert zhao.submit("/needs/views?light=grey", "save-form", name="停的").status_code == 303
    second = re.findall(r"/needs/views/(\d+)/rename", zhao.get("/needs/views").text)[-1]
    monkeypatch.setattr(
        ViewForm, "validate_name", lambda _form, _field: None
    )  # as if the first were not there yet
    for address in ("/needs/views", f"/needs/views/{second}/rename"):
        data = {"csrf_token": zhao.token(), "name": "急的", "query": "light=red"}
        answer = zhao.post(address, data=data)
        assert answer.status_code == 409 and "已经有一个叫这个名字的了" in answer.text
    assert zhao.get("/needs/views").text.count("急的") >= 1


def test_a_view_holds_as_much_as_may_be_searched_for(zhao, pool):
    data = {
        "csrf_token": zhao.token(),
        "name": "长",
        "query": urlencode({"q": "隔" * 60, "light": "red", "mine": "1"}),
    }
    answer = zhao.post("/needs/views", data=data)
    assert answer.status_code == 303 and answer.location.count("%E9%9A%94") == 60
    assert zhao.get("/needs/views").text.count("%E9%9A%94") >= 60


def test_what_is_kept_is_filters_and_nothing_else(zhao, pool):
    data = {"csrf_token": zhao.token(), "name": "怪", "query": "light=red&x=<script>&page=d&state=//evil"}
    assert zhao.post("/needs/views", data=data).location.startswith("/needs?light=red&notice")


# Perhaps the same.


def test_a_need_shows_what_may_be_the_same_and_leads_to_merging(li, pool):
    twin = lit(pool.huaxing, "冻干余热回收方案", Light.GREEN)
    cousin = lit(pool.beichen, "冻干余热回收利用", Light.GREEN)
    take_in_all()
    page = li.get(f"/needs/{pool.red}").text
    block = page[page.index('id="alike"') :]
    assert block.index(str(twin)) < block.index(str(cousin)) and "同一家企业" in block
    assert str(pool.foreign) not in page  # nothing of another team
    merge = re.search(rf'href="(/needs/{pool.red}/steps/merge\?twin={twin})"', page)
    assert merge and f"steps/merge?twin={cousin}" not in page
    form = li.form(merge[1], "step-form")
    assert form.filled()["twin"] == str(twin)
    assert li.post(form.action, data=form.filled(text="同一件事")).status_code == 303
    assert state_of(pool.red)[0] is S.MERGED


def test_what_is_being_worked_on_is_not_compared_any_more(li, pool):
    lit(pool.huaxing, "刀架定位精度提升", Light.GREEN)
    assert 'id="alike"' not in li.get(f"/needs/{pool.yellow}").text


# The file and the desk.


def test_the_file_obeys_the_filters_and_tells_the_light(li, pool):
    answer = li.get("/needs.xlsx?light=red&q=余热")
    sheet = openpyxl.load_workbook(BytesIO(answer.data)).active
    heads = [cell.value for cell in sheet[3]]
    rows = [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=4, values_only=True)]
    assert [row["需求"] for row in rows] == ["冻干余热回收"]
    assert rows[0]["灯"] == "红灯" and rows[0]["期限（工作日）"].startswith("逾期")
    assert (
        rows[0]["现在这一步"] == "接单" and rows[0]["重新打开次数"] == 0 and rows[0]["应在何时前"] is not None
    )
    for light in Light:
        listed = titles_in(li.get(f"/needs?light={light.name}").text)
        sheet = openpyxl.load_workbook(BytesIO(li.get(f"/needs.xlsx?light={light.name}").data)).active
        assert sorted(row[0] for row in sheet.iter_rows(min_row=4, values_only=True)) == sorted(listed)


def test_today_shows_ones_own_that_press(zhao, qian, pool):
    assert "刀架定位精度" in zhao.get("/").text and "快到期的需求" in zhao.get("/").text
    assert "快到期的需求" not in qian.get("/").text  # hers is paused


def test_the_casefile_shows_lights(zhao, pool):
    page = zhao.get(f"/enterprises/{pool.huaxing.id}").text
    assert "逾期 " in page and "剩 " in page


def test_where_orders_get_stuck_equals_the_lists_behind_it(li, zhou, pool):
    found = re.findall(r'<a class="figure[^"]*" href="([^"]*)" data-figure="stuck-[^"]*" data-number="(\d+)"', li.get("/lead").text)  # fmt: skip
    assert len(found) >= 8
    for address, told in found:
        assert len(titles_in(li.get(html.unescape(address)).text)) == int(told), address
    assert "卡在哪一步" in zhou.get("/lead").text


def test_the_casts_own_need_is_among_them(li, pool):
    assert str(people.NEED) in li.get("/needs").text


# The side bar.


def _beside(page: str) -> str:
    """The number beside 需求."""
    found = re.search(r'需求<span class="dot">([^<]+)<span class="vh">条待受理', page)
    return found[1] if found else ""


def test_the_side_bar_says_how_many_wait_to_be_accepted(li, zhou, zhao, pool):
    """Of the lead's own teams, and as many as the list behind it shows; officers have no side bar."""
    behind = len(titles_in(li.get("/needs?state=submitted").text))
    lit(pool.huaxing, "还没人看过", status=S.SUBMITTED)
    lit(pool.yuanshan, "别的团的", status=S.SUBMITTED)
    for path in ("/", "/lead", "/needs", "/enterprises"):
        assert _beside(li.get(path).text) == str(behind + 1), path
    theirs = zhou.get("/needs?state=submitted").text
    assert "别的团的" in theirs and _beside(theirs) == str(len(titles_in(theirs)))
    assert "条待受理" not in zhao.get("/needs").text
    assert len(titles_in(li.get("/needs?state=submitted").text)) == behind + 1


def test_the_side_bar_counts_to_a_hundred(li, pool):
    with writing():
        for n in range(101):
            db.session.add(
                Need(
                    id=uuid7(), enterprise_id=pool.huaxing.id, source=NeedSource.PHONE, title=f"第{n}件",
                    kind=NeedKind.OTHER, status=S.SUBMITTED,
                )
            )  # fmt: skip
        db.session.commit()
    assert _beside(li.get("/needs").text) == "99+"


# While titles are taken in.


def _aside(app, act):
    """Runs it in a thread and a request of its own: what it gave, or what it raised."""
    found = {}

    def go():
        with app.test_request_context(), writing():
            try:
                found["gave"] = act()
                db.session.commit()
            except Exception as error:
                found["raised"] = error
            finally:
                db.session.rollback()
                db.session.remove()

    thread = threading.Thread(target=contextvars.Context().run, args=(go,))
    thread.start()
    thread.join()
    return found


def test_a_title_that_goes_into_the_index_meanwhile_is_found(app, li, pool, monkeypatch):
    """On PostgreSQL each question sees what has been done by then."""
    plain, done = listing.fetch, []

    def fetch(statement, values=None):
        rows = plain(statement, values)
        if "need_token" in str(statement) and not done and db.engine.dialect.name == "postgresql":
            done.append(_aside(app, lambda: titles.take_in(clock.now())))
        return rows

    monkeypatch.setattr(listing, "fetch", fetch)
    assert titles_in(li.get("/needs?q=余热").text) == ["冻干余热回收"]
    assert done == ([{"gave": False}] if db.engine.dialect.name == "postgresql" else [])


@pytest.mark.parametrize("database", ["postgresql"], indirect=True, scope="session")
def test_the_job_leaves_what_somebody_has_in_hand_for_the_next_time(app, pool):
    """Whoever moves many needs locks them in an order of their own: the job waits for none, so neither ends the other."""
    with app.test_request_context(), writing():
        db.session.execute(sa.update(Need).where(Need.id == pool.red).values(urgency="URGENT"))
        db.session.flush()
        assert _aside(app, lambda: titles.take_in(clock.now())) == {"gave": False}
        db.session.commit()
    waits = sa.select(Need.id).where(Need.title_waits.is_not(None))
    assert db.session.scalars(waits).all() == [pool.red]
    db.session.rollback()
    take_in_all()


def test_a_title_that_an_older_program_took_in_by_itself_is_taken_in_again(app, zhao, pool):
    """Both run side by side during an upgrade: the older one leaves the mark where it is."""
    with writing():
        db.session.execute(sa.insert(NeedToken), [{"token": "冻干余", "need_id": pool.red}])
        db.session.commit()
    take_in_all()
    assert titles_in(zhao.get("/needs?q=冻干余热").text) == ["冻干余热回收"]
