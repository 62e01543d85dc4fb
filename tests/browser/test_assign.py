"""A lead assigns: at the desk on one page, on a phone in steps, from the proposal, and without script."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp.accounts.models import User
from fieldapp.enterprises.models import Enterprise
from tests import people
from tests.browser.conftest import Site
from tests.tools import axe, chromium

pytestmark = pytest.mark.browser

LIST = "/lead/assignments"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def _officer(site: Site, key: str) -> str | None:
    uscc = people.ENTERPRISES[key][1]
    return site.ask(
        sa.select(User.name).join(Enterprise, Enterprise.officer_id == User.id).where(Enterprise.uscc == uscc)
    )


def _choose(page, name):
    """The whole line of an officer is the label of its radio button."""
    page.locator(".officer label").filter(has_text=name).click()


def _looks_right(page):
    assert page.evaluate(SIDEWAYS) == 0, page.url
    assert not axe.violations(page), page.url


def test_at_the_desk_the_bar_counts_and_says_who_will_have_how_many(browser, site: Site):
    context = browser.new_context(**chromium.context_options(chromium.DESK))
    page = context.new_page()
    seen = chromium.watch(context)
    site.sign_in(page, "li")
    page.goto(f"{site.url}{LIST}?state=all")
    bar = page.locator(".assign-bar")
    expect(bar).to_contain_text("已选 0 家")
    page.locator("[data-all]").check()
    expect(bar).to_contain_text("已选 3 家")
    page.get_by_label("选中华星新能源材料有限公司").uncheck()
    expect(bar).to_contain_text("已选 2 家")
    _choose(page, "钱禾")
    expect(bar).to_contain_text("分给钱禾后共 2 家，在建议范围内")  # 北辰 is 钱禾's already
    expect(page.locator('[data-officer]:has-text("钱禾") [data-count]')).to_have_text("1 → 2 家")
    _looks_right(page)
    bar.get_by_role("button", name="清空选择").click()
    expect(bar).to_contain_text("已选 0 家")

    page.get_by_label("选中华星新能源材料有限公司").check()
    _choose(page, "钱禾")
    bar.get_by_role("button", name="分配给钱禾").click()
    expect(page.get_by_role("heading", name="分配给钱禾", level=1)).to_be_visible()
    expect(page.get_by_text("1 件一起转过去").first).to_be_visible()
    _looks_right(page)
    page.get_by_role("button", name="确认").click()  # without a reason
    expect(page.get_by_role("alert")).to_contain_text("请写一句原因")
    page.get_by_role("button", name="干部轮岗").click()
    expect(page.get_by_label("原因", exact=True)).to_have_value("干部轮岗")
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_role("status")).to_contain_text("已保存")
    expect(page.get_by_text("由赵青交接给钱禾")).to_be_visible()
    assert _officer(site, "huaxing") == "钱禾"
    context.close()
    assert not [p for p in seen.problems if "422" not in str(p)]


def test_on_a_phone_in_steps(browser, site: Site):
    with chromium.phone(browser) as page:
        site.sign_in(page, "li")
        page.goto(site.url + LIST)
        expect(page.locator(".assign-bar")).to_be_hidden()  # nothing chosen: the tabs are there
        page.get_by_label("选中春田乳品股份有限公司").check()
        expect(page.locator(".tabbar")).to_be_hidden()
        page.locator(".assign-bar").get_by_role("button", name="下一步").click()
        expect(page.get_by_role("heading", name="分给谁", level=1)).to_be_visible()
        _looks_right(page)
        _choose(page, "赵青")
        page.get_by_role("button", name="看会发生什么").click()
        expect(page.get_by_role("heading", name="分配给赵青", level=1)).to_be_visible()
        _looks_right(page)
        page.get_by_role("button", name="确认").dblclick()
        expect(page.get_by_role("status")).to_contain_text("已保存")
    assert _officer(site, "chuntian") == "赵青"


def test_a_proposal_counts_along_while_it_is_changed(browser, site: Site):
    """zhao's and qian's enterprises dealt out anew; one line is given to somebody else, one to nobody."""
    context = browser.new_context(**chromium.context_options(chromium.DESK))
    page = context.new_page()
    site.sign_in(page, "li")
    page.goto(f"{site.url}{LIST}?state=all")
    page.locator("[data-all]").check()
    page.get_by_role("button", name="给这些出建议").click()
    expect(page.get_by_role("heading", name="均衡建议", level=1)).to_be_visible()
    _looks_right(page)
    line = page.locator(".plan-line").first
    before = page.locator("[data-after]").all_inner_texts()
    line.locator("input[name=e]").uncheck()
    assert page.locator("[data-after]").all_inner_texts() != before
    line.locator("select").select_option(label="赵青")
    expect(line.locator("input[name=e]")).to_be_checked()  # choosing somebody is wanting it
    line.locator("select").select_option("")
    expect(line.locator("input[name=e]")).not_to_be_checked()
    context.close()


def test_without_script_the_same_steps_lead_there(browser, site: Site):
    context = browser.new_context(**chromium.context_options(chromium.DESK), java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/login")
    page.get_by_label("账号").fill("li")
    page.locator("#password").fill(people.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.goto(f"{site.url}{LIST}?state=all")
    page.get_by_label("选中北辰数控机床有限公司").check()
    page.get_by_label("退回共享名单").check()
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("原因", exact=True).fill("长期出差")
    page.get_by_role("button", name="确认").click()
    expect(page.get_by_role("status")).to_contain_text("已保存")
    assert _officer(site, "beichen") is None
    context.close()
