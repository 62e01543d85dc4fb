"""出发前打包: one tap in the office, then a day without a line: today, list and search, casefile, forms, scanner, code."""

from __future__ import annotations

import time
from datetime import timedelta

import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.codes.models import QrCode
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from tests import people
from tests.browser.offline.phone import poll
from tests.qr_damage import film, wall
from tests.tools import axe, chromium


def _packed(hand):
    """One tap on 今日."""
    page = hand.page
    page.goto(f"{hand.town.line.url}/")
    page.get_by_role("link", name="出发前打包").tap()
    page.get_by_text("打包好了，可以出发了").wait_for()
    return page


def _paths(page):
    return set(page.evaluate("""async () => {
      const base = await new Promise((yes) => { const asked = indexedDB.open("fieldapp"); asked.onsuccess = () => yes(asked.result); });
      const rows = await new Promise((yes) => { const asked = base.transaction("pages").objectStore("pages").getAll(); asked.onsuccess = () => yes(asked.result); });
      base.close();
      return rows.map((row) => row.path);
    }"""))  # fmt: skip


def test_one_tap_then_a_day_without_a_line(town, phone):
    hand = phone()
    page = _packed(hand)
    assert page.locator(".state").inner_text() == "都带上了"
    assert axe.violations(page) == []
    town.line.off()
    one = town.enterprise()
    for path in (
        "/",
        "/needs",
        "/follow-ups",
        "/visits",
        f"/needs/{people.NEED}",
        f"/follow-ups/{people.FOLLOW_UP}",
    ):
        page.goto(town.line.url + path)
        page.get_by_text("存下的副本").wait_for()
    page.goto(f"{town.line.url}/pack")
    page.get_by_text("都带上了").first.wait_for()
    # The list, its search by initials, and from there into the casefile and the form.
    page.goto(f"{town.line.url}/enterprises")
    page.get_by_text("手机里找到").wait_for()
    page.get_by_label("搜索企业").fill("hx")
    page.locator("#rows > li:visible").first.wait_for()
    shown = page.locator("#rows > li:visible a").all_inner_texts()
    assert shown and all("华" in text for text in shown), shown
    page.locator("#rows > li:visible a").first.tap()
    page.wait_for_url(f"**/enterprises/{one}")
    page.get_by_role("link", name="开始走访").tap()
    page.get_by_label("聊了什么").wait_for()
    assert axe.violations(page) == []
    # Packed in the evening, opened the next morning: its "tomorrow" is today.
    page.clock.set_fixed_time(clock.now() + timedelta(days=1))
    page.goto(f"{town.line.url}/")
    page.get_by_text("上面的“今天”“明天”从那天算起").wait_for()


def test_whoever_has_packed_nothing_is_not_told_that_they_signed_out(town, phone):
    hand = phone()
    page = hand.page
    poll(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), "the worker serves this page")
    town.line.off()
    page.goto(f"{town.line.url}/follow-ups")
    page.get_by_text("这一页没有带在手机上").wait_for()
    expect(page.get_by_text("已经退出登录")).to_be_hidden()
    page.get_by_role("link", name="发件箱").tap()
    page.wait_for_url("**/outbox")


def test_the_code_on_the_door_opens_the_casefile_without_a_line(town, phone):
    hand = phone()
    page = _packed(hand)
    one = town.enterprise()
    token, number = town.ask(
        sa.select(QrCode.token).where(QrCode.enterprise_id == one, QrCode.revoked_at.is_(None))
    ), town.ask(sa.select(QrCode.short_code).where(QrCode.enterprise_id == one, QrCode.revoked_at.is_(None)))  # fmt: skip
    town.line.off()
    page.goto(f"{town.line.url}/q/{token}")
    page.wait_for_url(f"**/enterprises/{one}")
    page.goto(f"{town.line.url}/scan")
    page.locator("#code").fill(number)
    page.get_by_role("button", name="打开", exact=True).tap()
    page.wait_for_url(f"**/enterprises/{one}")
    # A code that is not in the pack says so, and never shows the public card.
    page.goto(f"{town.line.url}/q/{'x' * 22}")
    page.get_by_text("这张二维码的企业没有带在手机上").wait_for()
    page.goto(f"{town.line.url}/scan")
    page.locator("#code").fill("000000")
    page.get_by_role("button", name="打开", exact=True).tap()
    page.get_by_text("这个编号的企业没有带在手机上").wait_for()


def test_a_pack_asked_for_before_the_phone_knows_whose_it_is_waits_for_that(town, phone):
    """Just signed in, on a slow line: the first page was left before the server's word came."""
    hand = phone(None)

    def late(heard):
        if heard.path.startswith("/outbox/session"):
            time.sleep(2)
        return "pass"

    town.line.fate = late
    hand.let_in("zhao")
    _packed(hand)


def test_a_page_that_is_not_there_says_what_is(town, phone):
    hand = phone()
    page = _packed(hand)
    town.line.off()
    page.goto(f"{town.line.url}/enterprises/999999")
    page.get_by_role("heading", name="没有网络").wait_for()
    assert axe.violations(page) == []
    page.get_by_role("link", name="企业", exact=True).first.tap()
    page.get_by_text("手机里找到").wait_for()


def _change_offline(page, url, result):
    page.goto(url)
    page.get_by_text("存下的副本").wait_for()
    page.get_by_label("答应了什么").fill(result)
    page.get_by_role("button", name="保存", exact=True).tap()
    page.get_by_text("已存在这台手机上").first.wait_for()


def test_a_form_from_before_my_own_change_is_not_shown_again_and_comes_anew(town, phone):
    """Filled in again it would put the old words back, and the server would take it for mine: nobody came between."""
    hand = phone()
    page = _packed(hand)
    sheet = f"{town.line.url}/follow-ups/{people.FOLLOW_UP}/edit"
    town.line.off()
    _change_offline(page, sheet, "第一次改的")
    # The line is back for the queue only: no page is asked for before it breaks again.
    town.line.on()
    town.line.fate = lambda heard: "cut" if heard.method == "GET" and "/follow-ups" in heard.path else "pass"
    hand.must_send_all(hurried=True)
    town.line.off()
    page.goto(sheet)
    page.get_by_text("这条记录你改过之后").wait_for()
    assert axe.violations(page) == []
    # With a network the worker fetches it again by itself, whatever page is opened.
    town.line.on()
    page.goto(f"{town.line.url}/")

    def renewed():
        town.line.off()
        page.goto(sheet)
        fresh = page.get_by_text("存下的副本").count()
        town.line.on()
        return fresh or page.goto(f"{town.line.url}/") is None

    poll(renewed, "the sheet as it is now", every=0.5)
    assert page.get_by_label("答应了什么").input_value() == "第一次改的"


def test_clearing_takes_pages_and_leaves_what_waits(town, phone):
    hand = phone()
    page = _packed(hand)
    town.line.off()
    page.goto(f"{town.line.url}/needs/{people.NEED}")
    page.get_by_label("记一笔进展").fill("没有信号时记的")
    page.get_by_role("button", name="记进展").first.tap()
    page.get_by_text("已存在这台手机上").first.wait_for()
    assert len(hand.waiting()) == 1
    page.goto(f"{town.line.url}/pack")
    page.get_by_text("清掉离线包").tap()
    page.get_by_role("button", name="清掉", exact=True).tap()
    page.get_by_text("已清掉").wait_for()
    assert _paths(page) == set()
    assert len(hand.waiting()) == 1
    town.line.on()
    page.goto(f"{town.line.url}/outbox")
    hand.must_send_all()


def test_a_stream_that_breaks_keeps_what_came_and_goes_on(town, phone):
    hand = phone()
    page = hand.page
    page.goto(f"{town.line.url}/pack")
    page.get_by_role("button", name="打包").wait_for()
    page.wait_for_timeout(1500)
    before = _paths(page)
    town.line.slow(0.05, 12_000)
    page.get_by_role("button", name="打包").tap()
    page.wait_for_timeout(900)
    town.line.off()
    page.get_by_text("网络断了").or_(page.get_by_text("现在没有网络，手机里的")).or_(
        page.get_by_text("打包好了")
    ).first.wait_for()
    town.line.on()
    town.line.slow()
    page.get_by_role("button", name="打包").or_(page.get_by_role("button", name="全部更新")).first.tap()
    page.get_by_text("打包好了，可以出发了").wait_for()
    poll(lambda: len(_paths(page)) > len(before) + 10, "the whole pack")


def test_the_camera_reads_the_code_on_the_door_without_a_line(town, phone, tmp_path):
    """The scanner's page, its script and its reader are on the phone, and what the code says is in the pack."""
    token = town.ask(
        sa.select(QrCode.token).where(QrCode.enterprise_id == town.enterprise(), QrCode.revoked_at.is_(None))
    )
    camera = film(tmp_path / "camera.y4m", wall([(f"{town.line.url}/q/{token}", 0.3, 0.6)]))
    hand = phone("zhao", *chromium.launch_options(camera=camera)["args"])
    hand.expected.append("Unrecognized feature")
    page = _packed(hand)
    town.line.off()
    page.goto(f"{town.line.url}/scan")
    page.wait_for_url(f"**/enterprises/{town.enterprise()}")
    page.get_by_text("存下的副本").wait_for()


def test_a_need_and_a_promise_are_written_down_without_a_line(town, phone):
    hand = phone()
    page = _packed(hand)
    one = f"{town.line.url}/enterprises/{town.enterprise()}"
    town.line.off()
    page.goto(f"{one}/needs/new")
    page.get_by_label("一句话说清需求").fill("断网时记的需求")
    page.locator("label", has_text="技术攻关").tap()
    page.locator("#source label").first.tap()
    page.locator(".actionbar [type=submit], #need-form [type=submit]").last.tap()
    page.get_by_text("已存在这台手机上").first.wait_for()
    page.goto(f"{one}/follow-ups/new")
    page.get_by_label("答应了什么").fill("断网时答应的事")
    page.get_by_role("button", name="5 个工作日").tap()
    page.get_by_role("button", name="记下这件事").tap()
    page.get_by_text("已存在这台手机上").first.wait_for()
    town.line.on()
    hand.must_send_all(hurried=True)
    for model, title in ((Need, "断网时记的需求"), (FollowUp, "断网时答应的事")):
        assert town.ask(sa.select(sa.func.count()).select_from(model).where(model.title == title)) == 1


def test_pages_of_an_enterprise_that_is_no_longer_mine_go_with_the_next_pack(town, phone):
    hand = phone("qian")
    page = _packed(hand)
    beichen = town.enterprise("beichen")
    own = {path for path in _paths(page) if f"/enterprises/{beichen}" in path}
    assert own
    with town.inside(writes=True) as session:
        sun = session.scalars(sa.select(User).where(User.username == "sun")).one()
        session.execute(
            sa.update(Enterprise).where(Enterprise.id == beichen).values(team_id=sun.team_id, officer_id=None)
        )
        session.execute(
            sa.update(Assignment).where(Assignment.enterprise_id == beichen).values(ended_on=clock.today())
        )
    page.goto(f"{town.line.url}/pack")
    page.get_by_role("button", name="全部更新").tap()
    page.get_by_text("打包好了，可以出发了").wait_for()
    poll(lambda: not own & _paths(page), "its pages have gone")
    town.line.off()
    page.goto(f"{town.line.url}/enterprises/{beichen}")
    page.get_by_role("heading", name="没有网络").wait_for()
    page.goto(f"{town.line.url}/enterprises")
    page.get_by_text("手机里找到").wait_for()
    assert "北辰" not in page.locator("#rows").inner_text()
