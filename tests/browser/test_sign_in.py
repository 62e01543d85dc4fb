"""Signing in on a phone: wrong, too often, right; where it leads; a first password; signing out elsewhere."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp.accounts.models import Session, User
from tests import people
from tests.browser.conftest import Site
from tests.tools import axe, chromium

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _by_hand(site):
    site.by_hand = True


WRONG = "not-the-password-7"


def _try(page, username, password):
    page.get_by_label("账号").fill(username)
    page.locator("#password").fill(password)
    page.get_by_role("button", name="登录").click()


def test_wrong_then_too_often_then_right_leads_to_what_was_asked_for(browser, site: Site):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 401", "status of 429")
        page.goto(f"{site.url}/needs")
        expect(page).to_have_url(re.compile(r"/login\?next="))
        axe.check(page)
        _try(page, "sun", WRONG)
        summary = page.get_by_role("alert")
        expect(summary).to_contain_text("账号或密码不对")
        expect(summary).to_be_focused()
        expect(page.get_by_label("账号")).to_have_value("sun")
        expect(page.locator("#password")).to_have_value("")
        axe.check(page)
        summary.get_by_role("link").click()
        expect(page.locator("#password")).to_be_focused()
        for _ in range(2):
            _try(page, "sun", WRONG)
            expect(summary).to_contain_text("账号或密码不对")
        _try(page, "sun", people.PASSWORD)
        expect(summary).to_contain_text("试得太频繁了")
        page.wait_for_timeout(2500)
        _try(page, "sun", people.PASSWORD)
        page.wait_for_url(f"{site.url}/needs")
        assert page.context.cookies()[0]["httpOnly"] is True


def test_the_eye_shows_the_password_and_hides_it_again(browser, site: Site):
    with chromium.small_phone(browser) as page:
        page.goto(f"{site.url}/login")
        field, eye = page.locator("#password"), page.get_by_role("button", name="显示密码")
        field.fill("abc")
        eye.click()
        expect(field).to_have_attribute("type", "text")
        expect(eye).to_have_attribute("aria-pressed", "true")
        eye.click()
        expect(field).to_have_attribute("type", "password")


def test_an_admin_makes_an_account_whose_first_password_is_good_for_one_thing(browser, site: Site):
    with chromium.desk(browser) as desk, chromium.phone(browser) as phone:
        site.sign_in(desk, "wu")
        desk.goto(f"{site.url}/admin/users")
        desk.get_by_role("link", name="新建账号").click()
        desk.get_by_label("账号").fill("feng")
        desk.get_by_label("姓名").fill("冯远")
        desk.get_by_label("服务团", exact=True).select_option(label="一队")
        desk.get_by_role("button", name=re.compile("建好账号")).click()
        secret = desk.locator("#one-time-password").inner_text()
        axe.check(desk)

        site.sign_in(phone, "feng", secret)
        expect(phone.get_by_role("heading", name="设一个自己的密码")).to_be_visible()
        axe.check(phone)
        phone.goto(f"{site.url}/enterprises")
        expect(phone).to_have_url(re.compile("/me/password"))
        phone.get_by_label("新密码", exact=True).fill("shuijing-bolicai-42")
        phone.get_by_label("再输一次新密码").fill("shuijing-bolicai-42")
        phone.get_by_role("button", name="保存新密码").click()
        phone.wait_for_url(lambda address: "/me/password" not in address)
        expect(phone.get_by_role("status")).to_contain_text("密码已修改")
    assert site.ask(sa.select(sa.func.count()).select_from(User).where(User.username == "feng")) == 1


def test_another_device_is_signed_out_from_my_page_and_dark_stays_dark(browser, site: Site):
    with chromium.phone(browser) as phone, chromium.small_phone(browser) as lost:
        site.sign_in(phone, "qian")
        site.sign_in(lost, "qian")
        phone.goto(f"{site.url}/me")
        phone.get_by_role("button", name=re.compile("^退出.*这台设备")).click()
        expect(phone.get_by_role("status")).to_contain_text("那台设备已退出登录")
        lost.goto(f"{site.url}/me")
        expect(lost).to_have_url(re.compile("/login"))
        phone.get_by_label("深色", exact=True).check()
        phone.locator("#display-form").get_by_role("button", name="保存").click()
        expect(phone.locator("html")).to_have_attribute("data-theme", "dark")
        axe.check(
            phone, skip=("target-size",)
        )  # what the tab bar covers just now is scrolled free, not too small
        phone.get_by_role("button", name="退出登录").click()
        expect(phone).to_have_url(re.compile(r"/login"))
        expect(phone.locator("html")).not_to_have_attribute("data-theme", "dark")
    still_open = (
        sa.select(sa.func.count())
        .select_from(Session)
        .join(User)
        .where(User.username == "qian", Session.ended_at.is_(None))
    )
    assert site.ask(still_open) == 0


def test_signing_in_works_without_script(browser, site: Site):
    with chromium.phone(browser, java_script_enabled=False) as page:
        site.sign_in(page, "li")
        page.goto(f"{site.url}/me")
        expect(page.get_by_role("heading", name="我的", level=1)).to_be_visible()
        page.get_by_role("button", name="退出登录").click()
        expect(page).to_have_url(re.compile(r"/login"))
