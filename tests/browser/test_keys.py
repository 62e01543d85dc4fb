"""With keys alone, and after the way back: where the focus goes, what Enter does, and what is not done a second time."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.notices.actions import tell
from fieldapp.visits.models import Visit
from tests import people
from tests.tools import chromium

pytestmark = pytest.mark.browser

FOCUSED = "() => { const at = document.activeElement; return at === document.body ? '' : (at.getAttribute('aria-label') || at.textContent || at.name).trim(); }"
FOLLOW_UP = f"/follow-ups/{people.FOLLOW_UP}"


@pytest.fixture
def huaxing(site):
    return site.ask(sa.select(Enterprise.id).where(Enterprise.name.startswith("华星")))


def test_the_way_back_after_sending_leads_to_an_empty_form(browser, site, huaxing):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/enterprises/{huaxing}/visits/new")
        page.locator("label", has_text="未见到人").tap()
        page.get_by_label("聊了什么").fill("只说一次的话")
        page.get_by_role("button", name="提交走访").tap()
        page.wait_for_url("**/visits/*-*")
        page.go_back()
        expect(page.get_by_label("聊了什么")).to_have_value("")
        expect(page.get_by_role("button", name="接着写")).to_be_hidden()
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("还有 1 处要改").wait_for()
    count = sa.select(sa.func.count()).select_from(Visit).where(Visit.said == "只说一次的话")
    assert site.ask(count) == 1


def test_a_form_that_was_sent_back_is_not_said_to_wait(browser, site, huaxing):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/enterprises/{huaxing}/visits/new")
        page.get_by_label("聊了什么").fill("还没说见到谁")
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("还有 1 处要改").wait_for()
        expect(page.locator(".outbox-mark .dot")).to_have_text("1条还没发出去")  # kept, and counted
        expect(page.get_by_text("改动还没发出去")).to_be_hidden()
        page.locator("label", has_text="未见到人").tap()
        page.get_by_role("button", name="提交走访").tap()
        page.wait_for_url("**/visits/*-*")
        expect(page.locator(".outbox-mark")).to_be_hidden()


def test_an_empty_note_that_was_sent_back_leaves_nothing_behind(browser, site):
    with chromium.desk(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}{FOLLOW_UP}")
        page.get_by_role("button", name="保存进展").focus()
        page.keyboard.press("Enter")
        box = page.locator("#note-form textarea")
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(box).to_be_focused()
        page.goto(f"{site.url}/outbox")
        page.get_by_text("没有等着发的记录").wait_for()


def test_what_is_exchanged_keeps_the_focus(browser, site):
    with site.app.app_context(), writing():
        zhao = db.session.scalar(sa.select(User.id).where(User.username == "zhao"))
        for n in range(5):
            tell(zhao, "visit_returned", clock.now(), f"/visits/{people.VISIT}", enterprise=f"第 {n} 家")
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    with chromium.desk(browser) as page:
        site.sign_in(page, "zhao")
        page.get_by_text("还有 2 条").wait_for()
        away = page.get_by_role("button", name="第 4 家")
        away.focus()
        page.keyboard.press("Enter")
        expect(away).to_have_count(0)
        page.get_by_text("还有 1 条").wait_for()
        assert page.evaluate(FOCUSED)


def test_with_keys_a_choice_is_passed_by_and_enter_asks(browser, site):
    with chromium.desk(browser) as page:
        site.sign_in(page, "li")
        page.goto(f"{site.url}/lead/assignments")
        state = page.get_by_label("状态")
        state.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(300)  # nothing is to happen
        assert page.url.endswith("/lead/assignments")
        page.keyboard.press("Enter")
        page.wait_for_url("**state=loose**")


def test_enter_on_a_box_presses_no_button(browser, site):
    with chromium.desk(browser) as page:
        site.sign_in(page, "li")
        page.goto(f"{site.url}/lead/assignments")
        box = page.locator(".pick-table tbody input[type=checkbox]").first
        box.focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.wait_for_timeout(300)  # nothing is to happen
        assert page.url.endswith("/lead/assignments")
        expect(box).to_be_checked()
