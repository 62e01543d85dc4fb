"""The whole life of an order, on two phones and a desk: ordered, claimed by two at once, asked and answered, given more
time, explained, given back, solved, rated.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from fieldapp.codes.models import QrCode
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import Ending, Need, NeedEvent, NeedRating, NeedSource, NeedStatus
from tests.browser.conftest import on_postgresql
from tests.tools import chromium

pytestmark = pytest.mark.browser

HUAXING = "华星新能源材料有限公司"
TITLE = "膜面缺陷检测，找中试设备"


def _step(page, need, verb, *, text="", choose=None):
    """An officer or lead takes a step from the need's page: at once, or on the page that asks for words."""
    page.goto(need)
    act = (
        page.get_by_role("link", name=verb, exact=True)
        .or_(page.get_by_role("button", name=verb, exact=True))
        .first
    )
    act.click()
    if text or choose:
        page.locator("#step-form").wait_for()
        if choose:
            field, value = choose
            if page.locator(f"#step-form select[name={field}]").count():
                page.locator(f"#step-form select[name={field}]").select_option(value)
            else:
                page.locator(f"#step-form [name={field}][value={value}]").check(force=True)
        if text:
            page.locator("#step-form textarea").fill(text)
        page.locator("button[form=step-form]").click()
    page.get_by_text("已办，进展里有记录").wait_for()


@on_postgresql
def test_the_life_of_an_order(browser, site):
    token = site.ask(
        sa.select(QrCode.token)
        .join(Enterprise, Enterprise.id == QrCode.enterprise_id)
        .where(Enterprise.name == HUAXING)
    )
    with ExitStack() as open_pages:
        gate = open_pages.enter_context(chromium.phone(browser))
        zhao = open_pages.enter_context(chromium.phone(browser))
        qian = open_pages.enter_context(chromium.phone(browser))
        li = open_pages.enter_context(chromium.desk(browser))
        for page, name in ((zhao, "zhao"), (qian, "qian"), (li, "li")):
            site.sign_in(page, name)

        # the enterprise scans the code on its wall and orders, without an account
        gate.goto(f"{site.url}/q/{token}")
        gate.get_by_role("link", name="我要点单").tap()
        gate.locator("[name=kind][value=TALENT]").check(force=True)
        gate.get_by_label("一句话说清难题").fill(TITLE)
        gate.get_by_label("怎么称呼您").fill("刘工")
        gate.get_by_label("电话", exact=True).fill("13812345678")
        gate.get_by_label("我已看过").check()
        gate.wait_for_timeout(3200)  # nobody fills it in faster; the server asks whoever does to press again
        gate.get_by_role("button", name="提交点单").tap()
        gate.get_by_text("点单已收到").wait_for()
        receipt = gate.url.partition("?")[0]
        number = site.ask(sa.select(Need.id).where(Need.source == NeedSource.ORDER, Need.title == TITLE))
        need = f"{site.url}/needs/{number}"

        # the lead accepts it; two officers claim at once: one wins, the other is told who
        li.goto(f"{site.url}/notices")
        li.get_by_text(TITLE).first.wait_for()
        _step(li, need, "受理")
        chromium.page_watch(qian).expect("status of 409")
        for page in (zhao, qian):
            page.goto(need)
            page.get_by_role("button", name="我来接单").wait_for()
        zhao.get_by_role("button", name="我来接单").tap()
        zhao.get_by_text("已办，进展里有记录").wait_for()
        qian.get_by_role("button", name="我来接单").tap()
        qian.get_by_text("赵青已经接了这条需求").first.wait_for()

        # a question, and its answer at the receipt; the clock stands still meanwhile
        _step(zhao, need, "问企业", text="样品什么时候能寄？")
        assert zhao.get_by_text("今天停表").first.is_visible()
        gate.goto(receipt)
        gate.get_by_text("样品什么时候能寄？").first.wait_for()
        gate.locator("#answer-form textarea").fill("下周一寄出两块")
        gate.get_by_role("button", name="发出去").tap()
        gate.wait_for_url(lambda address: "notice=" in address)
        zhao.goto(need)
        zhao.get_by_text("下周一寄出两块").first.wait_for()
        assert not zhao.get_by_text("今天停表").count()

        # more time, asked for on the phone and granted at the desk
        _step(zhao, need, "申请延期", text="外地平台排期", choose=("days", "3"))
        assert zhao.get_by_text("等负责人同意").is_visible()
        _step(li, need, "同意延期", text="同意")
        zhao.goto(need)
        zhao.get_by_text("已延 3 个工作日").wait_for()

        # explained, and the enterprise is not content: it comes back and is raised to the lead
        _step(zhao, need, "开始对接")
        _step(zhao, need, "给出方案", text="先做一批对比试验")
        _step(zhao, need, "申请延期", text="再等两天", choose=("days", "2"))
        _step(li, need, "不同意延期", text="先给个说法")
        zhao.goto(need)
        zhao.get_by_role("link", name="请企业确认").wait_for()
        zhao.goto(f"{need}/steps/propose")
        zhao.locator("#step-form [name=ending][value=EXPLAINED]").check(force=True)
        zhao.locator("#step-form textarea").fill("已讲明这类设备不在补贴目录")
        zhao.locator("button[form=step-form]").tap()
        zhao.get_by_text("已办，进展里有记录").wait_for()
        gate.goto(receipt)
        gate.get_by_text("请您确认结果").first.wait_for()
        gate.get_by_text("已讲明这类设备不在补贴目录").first.wait_for()
        assert not gate.locator("#rate-form input:checked").count(), "nothing a person judges is preselected"
        gate.locator("#rate-form [name=solved][value=NO]").check(force=True)
        gate.locator("#rate-form [name=level][value='2']").check(force=True)
        gate.locator("#rate-form textarea").fill("设备问题还在")
        gate.get_by_role("button", name="提交评价").tap()
        gate.wait_for_url(lambda address: "notice=" in address)
        assert site.ask(sa.select(Need.status).where(Need.id == number)) is NeedStatus.MATCHING
        li.goto(f"{site.url}/notices")
        li.get_by_text("要求重新办理").first.wait_for()

        # this time it is really solved, and said to be so
        _step(zhao, need, "请企业确认", text="中试平台已试两批，检出率 98.6%", choose=("ending", "SOLVED"))
        gate.goto(receipt)
        gate.locator("#rate-form [name=solved][value=YES]").check(force=True)
        gate.locator("#rate-form [name=level][value='5']").check(force=True)
        gate.get_by_role("button", name="提交评价").tap()
        gate.wait_for_url(lambda address: "notice=" in address)

        end = site.ask(sa.select(Need).where(Need.id == number))
        assert (end.status, end.ending, end.reopened) == (NeedStatus.RATED, Ending.SOLVED, 1)
        assert (
            site.ask(sa.select(sa.func.count()).select_from(NeedRating).where(NeedRating.need_id == number))
            == 2
        )
        claims = sa.select(sa.func.count()).select_from(NeedEvent)
        assert site.ask(claims.where(NeedEvent.need_id == number, NeedEvent.step == "claim")) == 1

        # the lead reads what was said of the result, the officer does not
        li.goto(need)
        assert li.get_by_text("只有负责人看得到").count() == 2
        zhao.goto(need)
        assert not zhao.get_by_text("只有负责人看得到").count()
        # and nobody at the gate sees a telephone number or a word that was meant for colleagues
        page = gate.content()
        assert "13812345678" not in page and "外地平台排期" not in page and "先给个说法" not in page
