"""A promise on the phone: a date with a tap, progress in place, two people at once, the calendar's address."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp import clock, workdays
from fieldapp.followups.models import FollowUp, FollowUpNote
from tests import people
from tests.tools import chromium

pytestmark = pytest.mark.browser
PAGE = f"/follow-ups/{people.FOLLOW_UP}"


@pytest.fixture
def phone(browser, site):
    """phone("zhao"): a page of that person's phone; what the browser complains about fails the test."""
    contexts, seen = [], []

    def open_page(username):
        context = browser.new_context(**chromium.context_options(chromium.PHONE))
        contexts.append(context)
        watch = chromium.watch(context)
        watch.expect(
            "status of 409", "status of 422"
        )  # being told of a conflict is what these tests are about
        seen.append(watch)
        page = context.new_page()
        site.sign_in(page, username)
        return page

    yield open_page
    for context in contexts:
        context.close()
    for one in seen:
        one.check()


def test_a_date_takes_one_tap_and_a_day_off_is_said(site, phone):
    page = phone("zhao")
    page.goto(f"{site.url}{PAGE}/postpone")
    page.get_by_role("button", name=re.compile("5 个工作日")).click()
    wanted = workdays.add_workdays(clock.today(), 5)
    expect(page.locator("#due_on")).to_have_value(wanted.isoformat())  # its script comes with the first tap
    expect(page.get_by_role("button", name=re.compile("5 个工作日"))).to_have_attribute(
        "aria-pressed", "true"
    )
    day_off = next(
        day for n in range(1, 30) if not workdays.is_workday(day := clock.today() + timedelta(days=n))
    )
    page.locator("#due_on").fill(day_off.isoformat())
    page.get_by_text("那天不上班，也可以定在那天。").wait_for()
    page.get_by_role("button", name=re.compile("3 个工作日")).click()
    assert page.get_by_text("那天不上班").count() == 0


def test_progress_is_written_in_place_twice_and_an_empty_one_is_refused(site, phone):
    page = phone("zhao")
    page.goto(site.url + PAGE)
    for words in ("致电科技处", "约了下周见面"):
        page.locator("#note-form textarea").fill(words)
        page.get_by_role("button", name="保存进展").click()
        page.locator(".tl").get_by_text(words).wait_for()
        assert page.locator("#note-form textarea").input_value() == ""
    page.get_by_role("button", name="保存进展").click()
    page.get_by_text("还没有写。").wait_for()
    page.locator("#note-form textarea").fill("第三笔")
    page.get_by_role("button", name="保存进展").click()
    page.locator(".tl").get_by_text("第三笔").wait_for()
    assert page.url == site.url + PAGE
    assert site.ask(sa.select(sa.func.count()).select_from(FollowUpNote)) == 3


def test_two_people_at_once_lose_nothing(site, phone):
    mine, theirs = phone("zhao"), phone("li")
    for page in (mine, theirs):
        page.goto(f"{site.url}{PAGE}/edit")
    theirs.locator("#title").fill("李望写的标题")
    theirs.get_by_role("button", name="保存").click()
    theirs.wait_for_url(lambda url: "/edit" not in url)
    mine.locator("#title").fill("赵青写的标题")
    mine.get_by_role("button", name="保存").click()
    mine.get_by_text("李望写的标题").first.wait_for()
    assert mine.locator("#title").input_value() == "赵青写的标题"
    mine.get_by_role("button", name="保存").click()
    mine.get_by_role("heading", name="赵青写的标题").wait_for()
    assert site.ask(sa.select(FollowUp.version).where(FollowUp.id == people.FOLLOW_UP)) == 3


def test_the_calendars_address_can_be_copied_once(site, phone):
    page = phone("zhao")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site.url}/me/calendar")
    page.get_by_role("button", name="开通订阅").click()
    page.get_by_role("button", name="复制地址").click()
    page.get_by_text("已复制").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"/follow-ups\.ics\?key=[\w-]{43}$", copied)
    page.goto(f"{site.url}/me/calendar")
    assert page.locator("#address").count() == 0
