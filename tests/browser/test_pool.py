"""The pool at a desk and on a phone: filters, claiming while another claims, several at once, a view, the way back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import Clock, Need, NeedKind, NeedSource, NeedStatus
from tests import people
from tests.browser.conftest import Site
from tests.tools import axe, chromium

pytestmark = pytest.mark.browser

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# title: (enterprise, days until it is due)
POOL = {
    "冻干余热回收": ("huaxing", -2), "废水零排放小试": ("huaxing", -1), "主轴温升补偿": ("beichen", 20), "叶片无损检测": ("chuntian", 15),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def pool(site: Site):
    with site.app.app_context():
        with writing():
            for title, (key, days) in POOL.items():
                uscc = people.ENTERPRISES[key][1]
                at = db.session.scalar(sa.select(Enterprise.id).where(Enterprise.uscc == uscc))
                now, need_id = clock.now(), uuid7()
                due = now + timedelta(days=days)
                db.session.add(
                    Need(
                        id=need_id, enterprise_id=at, source=NeedSource.PHONE, title=title, kind=NeedKind.RESEARCH,
                        status=NeedStatus.ACCEPTED, clock=Clock.CLAIM, clock_from=now, due_at=due,
                        warn_at=due - timedelta(days=2), status_at=now,
                    )
                )  # fmt: skip
                db.session.flush()
            db.session.commit()
        db.session.remove()
        db.engine.dispose()


def _holder(site: Site, title: str):
    return site.ask(sa.select(User.name).join(Need, Need.claimed_by_id == User.id).where(Need.title == title))


def _looks_right(page):
    assert page.evaluate(SIDEWAYS) == 0, page.url
    assert not axe.violations(page), page.url


def _claim_behind_the_back(site: Site, title: str, username: str) -> None:
    with site.app.app_context():
        with writing():
            who = db.session.scalar(sa.select(User.id).where(User.username == username))
            values = {"claimed_by_id": who, "status": NeedStatus.CLAIMED, "clock": Clock.CONTACT}
            db.session.execute(sa.update(Need).where(Need.title == title).values(values))
            db.session.commit()
        db.session.remove()
        db.engine.dispose()


def test_on_a_phone_an_officer_claims_in_the_row_while_another_does(browser, site: Site):
    context = browser.new_context(**chromium.context_options(chromium.PHONE))
    page, seen = context.new_page(), chromium.watch(context)
    try:
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/needs")
        expect(page.locator('[data-light="red"]')).to_have_text("2")
        _looks_right(page)
        row = page.locator("tr", has_text="冻干余热回收")
        row.get_by_role("button", name="我来接").click()
        expect(page.locator("tr", has_text="冻干余热回收").locator(".who")).to_contain_text("赵青")
        assert _holder(site, "冻干余热回收") == "赵青"
        _claim_behind_the_back(site, "废水零排放小试", "qian")
        page.locator("tr", has_text="废水零排放小试").get_by_role("button", name="我来接").click()
        late = page.locator("tr", has_text="废水零排放小试")
        expect(late.get_by_role("alert")).to_contain_text("钱禾已经接了这条需求")
        expect(late.get_by_role("button", name="我来接")).to_have_count(0)
        assert page.url.endswith("/needs")
        _looks_right(page)
        # The way back leads to the same list.
        page.goto(f"{site.url}/needs?q=冻干")
        page.get_by_role("link", name="冻干余热回收").click()
        expect(page.get_by_role("heading", name="冻干余热回收")).to_be_visible()
        page.get_by_role("link", name="返回").first.click()
        expect(page.get_by_role("searchbox")).to_have_value("冻干")
        expect(page.locator(".pool-table tbody tr")).to_have_count(1)
    finally:
        context.close()
    assert not [one for one in seen.problems if "409" not in str(one)]


def test_at_the_desk_a_lead_filters_keeps_a_view_and_passes_several(browser, site: Site):
    context = browser.new_context(**chromium.context_options(chromium.DESK))
    page = context.new_page()
    site.sign_in(page, "li")
    page.goto(f"{site.url}/needs")
    page.locator(".lights a", has_text="绿灯").click()
    expect(page.locator(".pool-table tbody tr")).to_have_count(
        3
    )  # 赵青's, claimed a moment ago, is green as well
    page.get_by_label("接单人", exact=True).select_option(label="还没有人接")
    page.wait_for_url("**holder=none**")
    assert "light=green" in page.url
    _looks_right(page)

    page.get_by_role("link", name="存下这组筛选").click()
    page.get_by_label("叫什么名字").fill("没人接的绿灯")
    page.get_by_role("button", name="存下").click()
    expect(page.get_by_role("link", name="没人接的绿灯")).to_have_attribute("aria-current", "true")

    bar = page.locator(".pool-bar")
    page.get_by_label("全选这一页").check()
    expect(bar).to_contain_text("已选 2 件")
    page.get_by_label("选中叶片无损检测").uncheck()
    expect(bar).to_contain_text("已选 1 件")
    page.get_by_label("选中叶片无损检测").check()
    bar.get_by_role("button", name="派给").click()
    expect(page.get_by_text("建议给")).to_be_visible()
    _looks_right(page)
    page.get_by_label("派给谁").select_option(label="赵青（手上 1 件）")
    page.get_by_role("button", name="派单").click()
    expect(page.get_by_role("status").first).to_contain_text("都办好了")
    assert "holder=none" in page.url and "light=green" in page.url  # the list as it was left
    assert _holder(site, "主轴温升补偿") == _holder(site, "叶片无损检测") == "赵青"
    page.goto(f"{site.url}/needs/views")
    _looks_right(page)
    context.close()


def test_a_row_of_the_desk_fits_a_small_phone_with_large_text(browser, site: Site):
    with chromium.small_phone(browser) as page:
        site.sign_in(page, "li")
        for path in ("/needs", "/needs?scope=shared", "/needs?state=all", "/lead"):
            page.goto(site.url + path)
            assert page.evaluate(SIDEWAYS) == 0, path
