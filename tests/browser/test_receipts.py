"""A receipt's whole life on the enterprise's phone, from the scan to "really solved"."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.needs.actions import Said, take_step
from fieldapp.needs.models import Ending, Need, NeedEvent, NeedRating, NeedStatus
from fieldapp.needs.queries import need_at_door
from fieldapp.needs.steps import STEPS
from fieldapp.orders.models import Order
from tests import papers
from tests.browser.conftest import on_postgresql
from tests.photos import jpeg
from tests.tools import axe, chromium
from tests.tools.screenshots import overflow


@pytest.fixture(scope="module")
def door(site):
    token = site.ask(sa.select(QrCode.token).where(QrCode.revoked_at.is_(None)).order_by(QrCode.id).limit(1))
    return f"{site.url}/q/{token}"


def _inside(site, steps):
    """What officers do meanwhile, at their desks: (who, step, what they say)."""
    with site.app.test_request_context("/"), writing():
        need_id = db.session.scalar(sa.select(Order.need_id).order_by(Order.created_at.desc()).limit(1))
        for who, step, words in steps:
            person = db.session.scalar(sa.select(User).where(User.username == who))
            said = Said(ending=Ending[words.pop("ending")]) if "ending" in words else None
            take_step(person, need_at_door(need_id), STEPS[step], clock.now(), said=said, **words)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def _placed(page, door, title):
    page.goto(f"{door}/order")
    page.locator("[name=kind][value=RESEARCH]").check(force=True)
    page.get_by_label("一句话说清难题").fill(title)
    page.get_by_label("怎么称呼您").fill("刘工")
    page.get_by_label("电话", exact=True).fill("13812345678")
    page.get_by_label("我已看过").check()
    page.wait_for_timeout(3200)
    page.get_by_role("button", name="提交点单").tap()
    page.get_by_text("点单已收到").wait_for()
    return page.url.partition("?")[0]


def _looked_at(page):
    assert axe.violations(page) == []
    assert overflow(page) == 0


@on_postgresql
def test_from_the_scan_to_really_solved(browser, site, door):
    with chromium.phone(browser) as page:
        receipt = _placed(page, door, "夏天镀膜起泡")
        page.get_by_text("收到了，等服务团受理").wait_for()
        _looked_at(page)
        _inside(
            site, [("li", "accept", {}), ("zhao", "claim", {}), ("zhao", "ask", {"text": "什么时候停机？"})]
        )

        page.goto(receipt)
        page.get_by_text("有一个问题请您回答").wait_for()
        _looked_at(page)
        page.get_by_role("button", name="请他回电").tap()
        page.get_by_text("已经告诉对方").wait_for()
        page.get_by_label("您的答复").fill("每周三下午")
        page.locator("[data-add] input[multiple]").set_input_files(
            {"name": "线.jpg", "mimeType": "image/jpeg", "buffer": jpeg(1200, 900)}
        )
        page.locator(".photo img").wait_for()
        page.get_by_label("文件").set_input_files(
            {"name": "停机表.pdf", "mimeType": "application/pdf", "buffer": papers.report()}
        )
        button = page.get_by_role("button", name="发出去")
        button.evaluate("button => { button.click(); button.click(); setTimeout(() => button.click(), 20); }")
        page.get_by_text("发过去了").wait_for()
        page.get_by_text("每周三下午").wait_for()
        assert (
            site.ask(sa.select(sa.func.count()).select_from(NeedEvent).where(NeedEvent.step == "answer")) == 1
        )
        with page.expect_download() as saved:
            page.get_by_role("link", name="停机表").tap()
        assert saved.value.suggested_filename == "停机表.pdf"
        _looked_at(page)

        _inside(
            site,
            [("zhao", "match", {}), ("zhao", "propose", {"ending": "EXPLAINED", "text": "配方受专利限制"})],
        )
        page.goto(receipt)
        page.get_by_text("配方受专利限制").first.wait_for()
        assert page.locator("[name=solved]:checked, [name=level]:checked").count() == 0
        _looked_at(page)
        page.locator("[name=solved][value=NO]").check(force=True)
        page.locator("[name=level][value='2']").check(force=True)
        page.get_by_label("想说的话").fill("没用")
        page.get_by_role("button", name="提交评价").tap()
        page.get_by_text("已经重新派给干部").wait_for()

        _inside(site, [("zhao", "propose", {"ending": "SOLVED", "text": "换了配方，两批都好"})])
        page.goto(receipt)
        page.locator("[name=solved][value=YES]").check(force=True)
        page.locator("[name=level][value='5']").check(force=True)
        page.get_by_role("button", name="提交评价").tap()
        page.get_by_text("评价收到了，谢谢您").wait_for()
        _looked_at(page)
    need = sa.select(Need.status).join(Order, Order.need_id == Need.id).where(Need.title == "夏天镀膜起泡")
    assert site.ask(need) is NeedStatus.RATED
    assert site.ask(sa.select(sa.func.count()).select_from(NeedRating)) == 2


def test_a_dead_line_and_a_closed_tab_lose_no_word_at_the_receipt(browser, site, door):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
        receipt = _placed(page, door, "缺一名热处理工程师")
        page.get_by_text("补充情况或撤回点单").tap()
        page.get_by_label("补充一句").fill("最好会真空炉")
        page.wait_for_timeout(900)
        page.context.set_offline(True)
        page.get_by_role("button", name="发给服务团").tap()
        page.get_by_text("没有发出去").first.wait_for()
        page.context.set_offline(False)
        page.close()
        later = page.context.new_page()
        later.goto(receipt)
        later.locator("#add-form [data-found]").wait_for()
        later.get_by_role("button", name="发给服务团").tap()
        later.get_by_text("发过去了").wait_for()
        later.get_by_text("最好会真空炉").wait_for()
    assert (
        site.ask(sa.select(sa.func.count()).select_from(NeedEvent).where(NeedEvent.note == "最好会真空炉"))
        == 1
    )


def test_two_phones_at_one_receipt(browser, site, door):
    """One takes the order back while the other is still writing: what was written stays to be read."""
    with chromium.phone(browser) as page, chromium.phone(browser) as other:
        chromium.page_watch(page).expect("status of 409")
        chromium.page_watch(other).expect("status of 422")
        receipt = _placed(page, door, "想申报专精特新")
        other.goto(receipt)
        page.get_by_text("补充情况或撤回点单").tap()
        page.get_by_label("补充一句").fill("写了很久的话")
        other.get_by_text("补充情况或撤回点单").tap()
        other.get_by_role("button", name="撤回点单").tap()
        other.locator("#sure-err").wait_for()  # asked twice
        other.get_by_label("我确定不办了").check()
        other.get_by_role("button", name="撤回点单").tap()
        other.get_by_text("点单已撤回").wait_for()
        page.get_by_role("button", name="发给服务团").tap()
        page.get_by_text("这次没有提交").wait_for()
        page.get_by_text("写了很久的话").wait_for()


def test_a_busy_server_is_said_and_nothing_is_lost(browser, site, door):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 503")
        page.goto(f"{door}/order")
        page.wait_for_load_state("networkidle")  # its script has come
        page.get_by_label("一句话说清难题").fill("检测排不上队")

        def busy(route):
            route.fulfill(
                status=503,
                headers={"Retry-After": "5", "Order-Receipt": "no"},
                body="<main id=main>503</main>",
            )

        page.route("**/order", busy, times=1)
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("系统这会儿收不下").wait_for()
        assert page.get_by_label("一句话说清难题").input_value() == "检测排不上队"


def test_rows_are_added_on_the_phone_and_come_back(browser, site, door):
    with chromium.phone(browser) as page:
        page.goto(f"{door}/order")
        page.get_by_text("写得更具体").tap()
        page.get_by_role("button", name="再加一个指标").tap()
        page.locator("[name=indicators-1-name]").fill("孔隙率")
        page.wait_for_timeout(900)
        page.reload()
        page.get_by_text("上次没写完的内容放回来了").wait_for()
        assert page.locator("[name=indicators-1-name]").input_value() == "孔隙率"
        _looked_at(page)


def test_a_refused_pdf_is_named_and_another_one_goes(browser, site, door):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("status of 422")
        page.goto(f"{door}/order")
        page.locator("[name=kind][value=RESEARCH]").check(force=True)
        page.get_by_label("一句话说清难题").fill("想做盐雾试验")
        page.get_by_label("怎么称呼您").fill("刘工")
        page.get_by_label("电话", exact=True).fill("13812345678")
        page.get_by_label("我已看过").check()
        file = {"name": "报告.pdf", "mimeType": "application/pdf", "buffer": b"MZ no pdf"}
        page.get_by_label("文件").set_input_files(file)
        page.wait_for_timeout(3200)
        page.get_by_role("button", name="提交点单").tap()
        page.locator("#documents-err").get_by_text("不是 PDF 文件").wait_for()
        assert page.get_by_label("一句话说清难题").input_value() == "想做盐雾试验"
        page.get_by_label("文件").set_input_files(file | {"buffer": papers.report()})
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("点单已收到").wait_for()
        page.get_by_role("link", name="报告").wait_for()


def test_without_script_the_receipt_is_plain_forms(browser, site, door):
    with chromium.phone(browser) as page:
        receipt = _placed(page, door, "想找检测设备")
    with chromium.phone(browser, java_script_enabled=False) as page:
        page.goto(receipt)
        page.get_by_text("补充情况或撤回点单").tap()
        page.get_by_label("补充一句").fill("最好下周")
        page.get_by_role("button", name="发给服务团").tap()
        page.get_by_text("发过去了").wait_for()
        page.get_by_text("最好下周").wait_for()


def test_a_step_with_its_files_waits_on_the_officers_phone_and_goes_once(browser, site, door):
    """What is said to the enterprise and what is sent along leave the phone together, when there is a network again."""
    with chromium.phone(browser) as page:
        receipt = _placed(page, door, "想做中试对比")
    _inside(site, [("li", "accept", {}), ("zhao", "claim", {}), ("zhao", "match", {})])
    newest = sa.select(Order.need_id).order_by(Order.created_at.desc()).limit(1)
    address = f"{site.url}/needs/{site.ask(newest)}"
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect("Failed to fetch", "ERR_INTERNET_DISCONNECTED")
        site.sign_in(page, "zhao")
        page.goto(f"{address}/steps/plan")
        page.wait_for_load_state("networkidle")
        _looked_at(page)
        page.get_by_label("打算怎么办").fill("先做两批对比")
        page.get_by_label("文件").set_input_files(
            {"name": "检测方案.pdf", "mimeType": "application/pdf", "buffer": papers.report()}
        )
        page.locator("#photos input[type=file]").last.set_input_files(
            {"name": "样机.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
        )
        page.locator("#photos [data-photo]").wait_for()
        page.context.set_offline(True)
        page.get_by_role("button", name="给出方案").tap()
        page.get_by_text("已存在这台手机上").first.wait_for()
        page.context.set_offline(False)
        page.locator(".if-waits").first.wait_for(state="hidden", timeout=60_000)
        page.goto(address)
        page.get_by_role("link", name="检测方案").wait_for()
        assert page.locator("#need-log .photo img").count() == 1
        _looked_at(page)
        page.goto(receipt)
        page.get_by_text("先做两批对比").first.wait_for()
        page.get_by_role("link", name="检测方案").first.wait_for()
    steps = sa.select(sa.func.count()).select_from(NeedEvent).where(NeedEvent.note == "先做两批对比")
    assert site.ask(steps) == 1
