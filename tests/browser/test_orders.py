"""An enterprise orders at its gate, on a phone that loses the line, the page and the battery."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp.attachments.models import Attachment
from fieldapp.codes.models import QrCode
from fieldapp.needs.models import Need, NeedSource
from fieldapp.orders.models import Order
from tests.browser.test_drafts import until
from tests.photos import jpeg
from tests.tools import axe, chromium


@pytest.fixture(scope="module")
def door(site):
    token = site.ask(sa.select(QrCode.token).where(QrCode.revoked_at.is_(None)).order_by(QrCode.id).limit(1))
    return f"{site.url}/q/{token}"


def _count(site, model=Order):
    return site.ask(sa.select(sa.func.count()).select_from(model))


def _fill(page, title):
    page.locator("[name=kind][value=RESEARCH]").check(force=True)
    page.get_by_label("一句话说清难题").fill(title)
    page.get_by_label("怎么称呼您").fill("刘工")
    page.get_by_label("电话", exact=True).fill("13812345678")
    page.get_by_label("我已看过").check()
    page.wait_for_timeout(3200)  # nobody fills it in faster; the server asks whoever does to press again


def _photo(page):
    page.locator("[data-add] input[multiple]").set_input_files(
        {"name": "泡.jpg", "mimeType": "image/jpeg", "buffer": jpeg(1200, 900)}
    )
    page.locator(".photo img").wait_for()


def _settled(page):
    """What was typed lies on the phone."""
    page.wait_for_timeout(900)


def test_one_scan_one_order_one_receipt(browser, site, door):
    before = _count(site)
    with chromium.phone(browser) as page:
        page.goto(door)
        page.get_by_role("link", name="我要点单").tap()
        _fill(page, "涂层容易起泡")
        _photo(page)
        assert axe.violations(page) == []
        button = page.get_by_role("button", name="提交点单")
        button.evaluate("button => { button.click(); button.click(); setTimeout(() => button.click(), 20); }")
        page.get_by_text("点单已收到").wait_for()
        assert axe.violations(page) == []
        number = page.locator(".code-number").inner_text()
        # Back to the form: nothing is left of it, and the card finds the order by its number.
        page.goto(f"{door}/order")
        assert page.get_by_label("一句话说清难题").input_value() == ""
        page.get_by_role("link", name="查进度").tap()
        page.get_by_label("回执号").fill(number.lower())
        page.get_by_role("button", name="查一下").tap()
        page.get_by_role("heading", name="涂层容易起泡").wait_for()
    assert _count(site) == before + 1


def test_a_dead_line_a_closed_tab_and_a_reload_lose_nothing_and_double_nothing(browser, site, door):
    before, photos = _count(site), _count(site, Attachment)
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
        page.goto(f"{door}/order")
        _fill(page, "夜班缺一名电工")
        _photo(page)
        _settled(page)
        page.context.set_offline(True)
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("没有发出去").wait_for()
        page.context.set_offline(False)
        page.close()  # the tab is closed, the phone is put away
        later = page.context.new_page()
        later.goto(f"{door}/order")
        later.get_by_text("上次没写完的内容放回来了").wait_for()
        assert later.get_by_label("一句话说清难题").input_value() == "夜班缺一名电工"
        later.locator(".photo img").wait_for()
        _settled(later)
        later.reload()
        later.locator(".photo img").wait_for()
        later.get_by_role("button", name="提交点单").tap()
        later.get_by_text("点单已收到").wait_for()
    assert (_count(site), _count(site, Attachment)) == (before + 1, photos + 1)


def test_what_was_written_before_the_script_came_stands_beside_what_lay_here(browser, site, door):
    """On a slow line the form is there long before its script."""
    title, name = "一句话说清难题", "怎么称呼您"
    held = []
    with chromium.phone(browser) as page:
        page.goto(f"{door}/order")
        page.get_by_label(title).fill("上一回写的")
        page.get_by_label(name).fill("刘工")
        _settled(page)
        page.route("**/order*.js*", lambda route: held.append(route), times=1)
        page.goto(f"{door}/order", wait_until="commit")
        page.get_by_label(title).fill("脚本还没到")
        until(page, lambda: bool(held))
        held[0].fallback()
        page.get_by_text("上次没写完的内容放回来了").wait_for()
        expect(page.get_by_label(title)).to_have_value("脚本还没到")
        expect(page.get_by_label(name)).to_have_value("刘工")
        _settled(page)
        page.reload()
        page.get_by_text("上次没写完的内容放回来了").wait_for()
        expect(page.get_by_label(title)).to_have_value("脚本还没到")


# The phone's store takes a second and a half to open.
SLOW_STORE = """(() => {
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function (...all) {
    const real = open.apply(this, all);
    const told = {};
    document.documentElement.dataset.opening = "1";
    real.onupgradeneeded = () => { told.result = real.result; told.onupgradeneeded(); };
    real.onsuccess = () => setTimeout(() => { told.result = real.result; told.onsuccess(); }, 1500);
    return told;
  };
})()"""


def test_what_is_written_while_the_phone_still_looks_for_what_lay_there_is_kept_too(browser, site, door):
    """A slow phone: the script is there, the phone's store takes its time."""
    with chromium.phone(browser) as page:
        page.add_init_script(SLOW_STORE)
        labels = ("一句话说清难题", "怎么称呼您")
        for label in labels:
            page.goto(f"{door}/order", wait_until="commit")
            page.locator("html[data-opening]").wait_for(state="attached")
            page.get_by_label(label).fill(f"写在{label}里")
            page.wait_for_timeout(1500)
            _settled(page)
        page.reload()
        page.get_by_text("上次没写完的内容放回来了").wait_for()
        for label in labels:
            expect(page.get_by_label(label)).to_have_value(f"写在{label}里")


def test_the_answer_is_lost_and_the_form_sent_again_leads_to_the_same_receipt(browser, site, door):
    """The server has taken the order, but the phone never hears of it."""
    before = _count(site)
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("ERR_FAILED", "Failed to fetch", "ERR_EMPTY_RESPONSE")
        page.goto(f"{door}/order")
        _fill(page, "想申报专精特新")
        _settled(page)

        def swallow(route):
            route.fetch(max_redirects=0)
            route.abort()

        page.route("**/order", swallow, times=1)
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("没有发出去").wait_for()
        assert _count(site) == before + 1
        page.reload()
        page.get_by_text("上次没写完的内容放回来了").wait_for()
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("已经提交过了").wait_for()
    assert _count(site) == before + 1


def test_a_hotels_page_is_no_answer(browser, site, door):
    before = _count(site)
    with chromium.phone(browser) as page:
        page.goto(f"{door}/order")
        _fill(page, "检测排不上队")
        page.route(
            "**/order", lambda route: route.fulfill(status=200, body="<main id=main>Sign in to Wi-Fi</main>"), times=1
        )  # fmt: skip
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("没有发出去").wait_for()
        assert page.get_by_label("一句话说清难题").input_value() == "检测排不上队"
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("点单已收到").wait_for()
    assert _count(site) == before + 1


def test_a_refusal_stands_beside_its_field_with_everything_still_there(browser, site, door):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        page.goto(f"{door}/order")
        _fill(page, "缺周转资金")
        page.get_by_label("电话", exact=True).fill("138")
        _photo(page)
        page.get_by_role("button", name="提交点单").tap()
        page.locator("#phone-err").get_by_text("电话好像没写全").wait_for()
        assert page.get_by_label("一句话说清难题").input_value() == "缺周转资金"


def test_without_script_it_is_a_plain_form(browser, site, door):
    with chromium.phone(browser, java_script_enabled=False) as page:
        page.goto(f"{door}/order")
        page.locator("[name=kind][value=TALENT]").check(force=True)
        page.get_by_label("一句话说清难题").fill("找一名热处理工程师")
        page.get_by_label("怎么称呼您").fill("王工")
        page.get_by_label("电话", exact=True).fill("13912345678")
        page.get_by_label("我已看过").check()
        page.wait_for_timeout(3200)
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("点单已收到").wait_for()
    assert site.ask(sa.select(Need.source).where(Need.title == "找一名热处理工程师")) is NeedSource.ORDER
