"""An officer at a factory gate: one hand, a phone of 390×844, a position that comes, is coarse, refused or never comes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page

from fieldapp.attachments.models import Attachment
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from fieldapp.visits.models import Visit, visit_photo
from tests.photos import jpeg
from tests.tools import chromium
from tests.tools.chromium import Thumb

pytestmark = pytest.mark.browser

NEAR = {"latitude": 40.6580, "longitude": 109.8410, "accuracy": 18}  # 84 m from 华星
FAR = {"latitude": 40.6629, "longitude": 109.8404, "accuracy": 18}  # 612 m
COARSE = {"latitude": 40.6629, "longitude": 109.8404, "accuracy": 3000}
MOST_TAPS = 12


@pytest.fixture(scope="module")
def casefile(site):
    number = site.ask(sa.select(Enterprise.id).where(Enterprise.name.startswith("华星")))
    return f"{site.url}/enterprises/{number}"


def _latest(site, model=Visit):
    return site.ask(sa.select(model).order_by(model.created_at.desc(), model.id.desc()).limit(1))


def _count(site, model):
    return site.ask(sa.select(sa.func.count()).select_from(model))


def _photo(name="门口.jpg"):
    return {"name": name, "mimeType": "image/jpeg", "buffer": jpeg(1200, 900)}


def _opened(site, page: Page, casefile: str) -> None:
    page.set_default_timeout(10_000)
    site.sign_in(page, "zhao")
    page.goto(f"{casefile}/visits/new")


def _place(page: Page):
    return page.locator("#place")


def _met_nobody(page: Page) -> None:
    page.locator("label", has_text="未见到人").tap()


def _submit(page: Page) -> None:
    page.get_by_role("button", name="提交走访").tap()
    page.wait_for_url("**/visits/*-*", wait_until="load")


def test_a_whole_visit_takes_at_most_twelve_taps(browser, site, casefile):
    before = [_count(site, model) for model in (Visit, Need, FollowUp, Attachment)]
    thumb = Thumb()
    with chromium.phone(browser, geolocation=NEAR, permissions=["geolocation"]) as page:
        site.sign_in(page, "zhao")
        page.goto(casefile)
        thumb.tap(page.get_by_role("link", name="开始走访"))
        thumb.tap(page.locator("label", has_text="周岚"))
        thumb.tap(page.locator("label", has_text="了解需求"))
        thumb.type(page.get_by_label("聊了什么"), "二期产线下月进场")
        thumb.type(page.locator("[name=needs-0-title]"), "涂覆均匀性攻关")
        thumb.tap(page.get_by_role("button", name="再记一条需求"))
        page.locator("[name=needs-1-title]").wait_for()
        page.wait_for_timeout(200)
        thumb.type(page.locator("[name=needs-1-title]"), "招两名材料硕士")
        thumb.type(page.locator("[name=promises-0-title]"), "发送改造案例 2 份")
        thumb.tap(page.get_by_role("button", name="5 个工作日"))
        thumb.tap(page.get_by_role("button", name="添加到访位置"))
        _place(page).get_by_text("距企业登记点 84 米").wait_for()
        with page.expect_file_chooser() as chooser:
            thumb.tap(page.locator("label", has_text="拍照"))
        chooser.value.set_files(_photo())
        page.locator("#photos img").first.wait_for()
        thumb.tap(page.get_by_role("button", name="提交走访"))
        page.get_by_text("走访已保存").wait_for()
        page.get_by_text("涂覆均匀性攻关").wait_for()
        page.get_by_role("img", name="现场照片").wait_for()  # it comes by itself, after the words
    assert thumb.taps <= MOST_TAPS, thumb.taps
    after = [_count(site, model) for model in (Visit, Need, FollowUp, Attachment)]
    assert after == [before[0] + 1, before[1] + 2, before[2] + 1, before[3] + 1]
    visit = _latest(site)
    assert visit.distance == 84 and visit.device_at is not None and visit.id.version == 7
    assert _latest(site, Need).id.version == 7


def test_far_away_shows_the_distance_and_asks_for_a_word(browser, site, casefile):
    with chromium.phone(browser, geolocation=FAR, permissions=["geolocation"]) as page:
        _opened(site, page, casefile)
        page.get_by_role("button", name="添加到访位置").tap()
        place = _place(page)
        place.get_by_text("距企业登记点 612 米").wait_for()
        place.get_by_text("精度 ±18 米").wait_for()
        place.get_by_text("取得").wait_for()
        assert place.locator("svg.map").is_visible()
        _met_nobody(page)
        place.locator("label", has_text="约在别处").tap()
        place.get_by_label("别的原因").fill("在开发区")
        _submit(page)
    visit = _latest(site)
    assert visit.distance == 612 and visit.far_reason == "约在别处：在开发区" and round(visit.accuracy) == 18


def test_a_position_can_be_taken_again_and_taken_away(browser, site, casefile):
    with chromium.phone(browser, geolocation=FAR, permissions=["geolocation"]) as page:
        _opened(site, page, casefile)
        page.get_by_role("button", name="添加到访位置").tap()
        place = _place(page)
        place.get_by_text("距企业登记点 612 米").wait_for()
        page.context.set_geolocation(NEAR)
        place.get_by_role("button", name="重新取一次").tap()
        place.get_by_text("距企业登记点 84 米").wait_for()
        assert place.locator("[data-far]").is_hidden()
        place.get_by_role("button", name="去掉位置").tap()
        place.get_by_text("到访位置：没有取").wait_for()
        _met_nobody(page)
        _submit(page)
    assert _latest(site).lat is None


def test_a_coarse_position_says_so_and_is_not_far(browser, site, casefile):
    with chromium.phone(browser, geolocation=COARSE, permissions=["geolocation"]) as page:
        _opened(site, page, casefile)
        page.get_by_role("button", name="添加到访位置").tap()
        place = _place(page)
        place.get_by_text("这次定位很粗").wait_for()
        place.get_by_text("精度 ±3.0 公里").wait_for()
        assert place.locator("[data-far]").is_hidden()
        _met_nobody(page)
        _submit(page)
    assert _latest(site).accuracy == 3000 and _latest(site).far_reason == ""


def test_a_refused_position_is_said_in_plain_words_and_stops_nothing(browser, site, casefile):
    with chromium.phone(browser) as page:  # nobody has granted anything: Chromium refuses by itself
        _opened(site, page, casefile)
        page.get_by_role("button", name="添加到访位置").tap()
        place = _place(page)
        place.get_by_text("你没有允许定位").wait_for()
        assert place.get_by_role("button", name="再试一次").is_visible()
        _met_nobody(page)
        _submit(page)
    assert _latest(site).lat is None


NEVER = "navigator.geolocation.getCurrentPosition = () => {};"
NO_SIGNAL = (
    "navigator.geolocation.getCurrentPosition = (_good, bad) => setTimeout(() => bad({ code: 2 }), 50);"
)
OLD = """navigator.geolocation.getCurrentPosition = (good) => setTimeout(() => good(
  { timestamp: Date.now() - 61_000, coords: { latitude: 40.658, longitude: 109.841, accuracy: 9 } }), 50);"""
LATE = """navigator.geolocation.getCurrentPosition = (good) => setTimeout(() => good(
  { timestamp: Date.now(), coords: { latitude: 40.658, longitude: 109.841, accuracy: 9 } }), 11_000);"""
INSECURE = "Object.defineProperty(window, 'isSecureContext', { value: false });"


@pytest.mark.parametrize(
    ("phone", "words"),
    [
        (NO_SIGNAL, "手机这会儿给不出位置"),
        (OLD, "取到的是旧位置"),
        (INSECURE, "https"),
    ],
    ids=["no-signal", "old", "insecure"],
)
def test_whatever_goes_wrong_is_said_and_the_visit_is_saved(browser, site, casefile, phone, words):
    with chromium.phone(browser, permissions=["geolocation"]) as page:
        page.add_init_script(phone)
        _opened(site, page, casefile)
        page.get_by_role("button", name="添加到访位置").tap()
        _place(page).get_by_text(words).wait_for()
        _met_nobody(page)
        _submit(page)
    assert _latest(site).lat is None


@pytest.mark.parametrize("phone", [NEVER, LATE], ids=["never", "late"])
def test_nobody_waits_longer_than_ten_seconds(browser, site, casefile, phone):
    with chromium.phone(browser, permissions=["geolocation"]) as page:
        page.add_init_script(phone)
        page.clock.install()
        _opened(site, page, casefile)
        page.get_by_role("button", name="添加到访位置").tap()
        place = _place(page)
        place.get_by_text("正在取位置").wait_for()
        place.get_by_role("button", name="停止").tap()
        place.get_by_text("到访位置：没有取").wait_for()
        page.get_by_role("button", name="添加到访位置").tap()
        page.clock.run_for(9_000)
        assert place.get_by_text("正在取位置").is_visible()
        page.clock.run_for(3_000)
        place.get_by_text("10 秒内没有取到").wait_for()
        assert page.locator("input[name=lat]").input_value() == ""


def test_bad_input_comes_back_in_place_with_words_photo_and_position(browser, site, casefile):
    before = _count(site, Visit)
    with chromium.phone(browser, geolocation=FAR, permissions=["geolocation"]) as page:
        chromium.page_watch(page).expect("status of 422")
        _opened(site, page, casefile)
        page.get_by_label("聊了什么").fill("打了很久的字")
        page.locator("[name=promises-0-title]").fill("送案例")
        page.get_by_role("button", name="添加到访位置").tap()
        _place(page).get_by_text("612 米").wait_for()
        _place(page).locator("label", has_text="在分厂区").tap()
        page.locator("label", has_text="相册").locator("input").set_input_files(_photo())
        page.locator("#photos img").first.wait_for()
        page.get_by_role("button", name="提交走访").tap()
        summary = page.get_by_role("alert").filter(has_text="处要改")
        summary.wait_for()
        assert summary.evaluate("box => box === document.activeElement")
        summary.get_by_text("至少选一位").wait_for()
        assert page.get_by_label("聊了什么").input_value() == "打了很久的字"
        assert page.locator("[name=promises-0-title]").input_value() == "送案例"
        _place(page).get_by_text("612 米").wait_for()
        assert _place(page).get_by_label("在分厂区").is_checked()
        assert page.locator("#photos img").first.is_visible()
        assert _count(site, Visit) == before
        _met_nobody(page)
        page.get_by_role("button", name="3 个工作日").tap()
        _submit(page)
        page.get_by_text("打了很久的字").wait_for()
        page.get_by_role("img", name="现场照片").wait_for()
    assert _count(site, Visit) == before + 1
    visit = _latest(site)
    assert visit.far_reason == "在分厂区"
    linked = sa.select(sa.func.count()).select_from(visit_photo).where(visit_photo.c.visit_id == visit.id)
    assert site.ask(linked) == 1


def test_two_quick_taps_store_one_visit(browser, site, casefile):
    before = _count(site, Visit)
    with chromium.phone(browser) as page:
        _opened(site, page, casefile)
        _met_nobody(page)
        button = page.get_by_role("button", name="提交走访")
        button.evaluate("button => { button.click(); button.click(); setTimeout(() => button.click(), 30); }")
        page.wait_for_url("**/visits/*-*")
        page.get_by_text("走访已保存").wait_for()
    assert _count(site, Visit) == before + 1


def test_a_broken_line_keeps_everything_and_sends_it_later(browser, site, casefile):
    before = _count(site, Visit)
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
        _opened(site, page, casefile)
        _met_nobody(page)
        page.get_by_label("聊了什么").fill("信号没了")
        page.context.set_offline(True)
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        assert _count(site, Visit) == before
        page.context.set_offline(False)
        page.get_by_text("已发到服务器").wait_for()
        page.get_by_role("link", name="打开看看").tap()
        page.get_by_text("信号没了").wait_for()
    assert _count(site, Visit) == before + 1


def test_a_row_taken_away_can_be_put_back(browser, site, casefile):
    with chromium.phone(browser) as page:
        _opened(site, page, casefile)
        page.locator("[name=needs-0-title]").fill("涂覆均匀性")
        row = page.locator("#needs-0")
        row.get_by_role("button", name="去掉这一条").tap()
        page.get_by_text("已去掉 涂覆均匀性").wait_for()
        assert row.is_hidden()
        page.get_by_role("button", name="放回来").tap()
        assert page.locator("[name=needs-0-title]").input_value() == "涂覆均匀性"
        row.get_by_role("button", name="去掉这一条").tap()
        needs = _count(site, Need)
        _met_nobody(page)
        _submit(page)
    assert _count(site, Need) == needs


def test_checking_in_now_and_writing_later(browser, site, casefile):
    before = _count(site, Visit)
    with chromium.phone(browser) as page:
        _opened(site, page, casefile)
        page.get_by_role("button", name="先签到").tap()
        page.get_by_text("已签到。谈完回来接着填").wait_for()
        page.get_by_label("聊了什么").fill("谈完了")
        page.goto(f"{casefile}/visits/new")
        page.wait_for_url("**/edit")
        _met_nobody(page)
        page.get_by_label("聊了什么").fill("谈完了，回来写")
        _submit(page)
        page.get_by_text("谈完了，回来写").first.wait_for()
    assert _count(site, Visit) == before + 1


def test_two_people_edit_at_once_and_choose(browser, site, casefile):
    with chromium.phone(browser) as first, chromium.phone(browser) as second:
        chromium.page_watch(first).expect("status of 409")
        _opened(site, first, casefile)
        _met_nobody(first)
        first.get_by_label("聊了什么").fill("第一稿")
        _submit(first)
        edit = f"{first.url.partition('?')[0]}/edit"
        first.goto(edit)
        site.sign_in(second, "qian")
        second.goto(edit)
        second.get_by_label("聊了什么").fill("钱禾补充的话")
        second.get_by_role("button", name="保存修改").tap()
        second.get_by_text("修改已保存").wait_for()
        first.get_by_label("聊了什么").fill("赵青补充的话")
        first.get_by_role("button", name="保存修改").tap()
        panel = first.locator("#conflict")
        panel.wait_for()
        panel.get_by_text("钱禾补充的话").wait_for()
        assert first.get_by_label("聊了什么").input_value() == "赵青补充的话"
        panel.locator("label", has_text="两段都留").tap()
        first.get_by_role("button", name="保存修改").tap()
        first.get_by_text("修改已保存").wait_for()
        first.get_by_text("钱禾补充的话").first.wait_for()
        first.get_by_text("赵青补充的话").first.wait_for()


def test_the_form_without_script_adds_rows_and_saves(browser, site, casefile):
    context = browser.new_context(**chromium.context_options(chromium.PHONE, java_script_enabled=False))
    page = context.new_page()
    _opened(site, page, casefile)
    page.get_by_label("聊了什么").fill("没有脚本")
    page.locator("[name=needs-0-title]").fill("第一条")
    page.get_by_role("button", name="再记一条需求").click()
    page.locator("[name=needs-1-title]").fill("第二条")
    assert page.get_by_label("聊了什么").input_value() == "没有脚本"
    page.get_by_label("未见到人").check()
    page.get_by_role("button", name="提交走访").click()
    page.get_by_text("第二条").wait_for()
    context.close()
