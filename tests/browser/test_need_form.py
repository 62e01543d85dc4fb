"""A need on a phone: rows come in place, the meter counts while one types, a note joins the log where one stands."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import Need
from tests import people
from tests.tools import chromium

pytestmark = pytest.mark.browser


def test_a_need_is_noted_with_indicators_and_goes_on_in_its_log(browser, site):
    uscc = people.ENTERPRISES["huaxing"][1]
    enterprise = site.ask(sa.select(Enterprise.id).where(Enterprise.uscc == uscc))
    with chromium.phone(browser) as page:
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/enterprises/{enterprise}/needs/new")
        score = page.locator("[data-score]")
        assert score.inner_text() == "0"

        # one more row, in place, with the cursor in it; what was typed stays
        page.get_by_label("一句话说清需求").fill("换热器结垢快")
        page.get_by_role("button", name="再加一个指标").click()
        second = page.locator("#indicators-1-name")
        second.wait_for()
        page.wait_for_function("document.activeElement.id === 'indicators-1-name'")
        second.fill("清洗周期")
        assert score.inner_text() == "0"
        page.locator("#indicators-1-target").fill("12")
        assert score.inner_text() == "1"
        page.locator("#budget").fill("35.5")
        page.get_by_label("知识产权归谁").select_option("双方共有")
        assert score.inner_text() == "3"
        assert page.evaluate("document.querySelector('meter').value") == 3
        page.locator("#budget").fill("")
        assert score.inner_text() == "2"

        # Enter sends the sheet; it does not add another row
        page.get_by_label("电话里说的").check()
        page.get_by_label("技术攻关").check()
        page.get_by_label("一句话说清需求").press("Enter")
        page.wait_for_selector(".steps")
        address = page.url
        saved = site.ask(sa.select(Need.indicators).where(Need.title == "换热器结垢快"))
        assert [row["name"] for row in saved] == ["清洗周期"]

        # two notes, without leaving; an empty one is refused beside its field
        for text in ("打过电话", "约了周四"):
            page.get_by_label("记一笔进展").fill(text)
            page.get_by_role("button", name="记进展").click()
            page.locator("#need-log li", has_text=text).wait_for()
            assert page.get_by_label("记一笔进展").input_value() == ""
        chromium.page_watch(page).expect("status of 422")
        page.get_by_role("button", name="记进展").click()
        page.get_by_text("请写一句进展").wait_for()
        assert page.url == address and page.locator("#need-log li").count() == 3
