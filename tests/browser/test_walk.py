"""The first whole walk: an officer signs in, finds an enterprise, records a visit; the lead sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import Region, Team, User
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.actions import assign, index
from fieldapp.enterprises.models import Enterprise
from fieldapp.visits.models import Visit
from tests.browser.conftest import both_databases
from tests.qr_damage import film, wall
from tests.tools import chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def crowded(site):
    """Eighty more enterprises in zhao's hands, so that the list has a place to lose."""
    with site.app.app_context(), writing():
        team = db.session.scalars(sa.select(Team).where(Team.name == "一队")).one()
        region = db.session.scalars(sa.select(Region).where(Region.name == "昆都仑区")).one()
        zhao = db.session.scalars(sa.select(User).where(User.username == "zhao")).one()
        for number in range(80):
            enterprise = Enterprise(
                name=f"青穗第{number:02}装备有限公司", uscc=f"TEST{number:014}", region_id=region.id, team_id=team.id,
                industry="C3490", division="34", former_names=[], visit_due_on=clock.today() - timedelta(days=200 - number),
            )  # fmt: skip
            db.session.add(enterprise)
            db.session.flush()
            assign(None, enterprise, zhao.id, clock.today(), "测试")
            index([enterprise])
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return site


@pytest.fixture
def with_camera(browser, crowded, tmp_path):
    """A phone whose camera looks at the code on 华星's wall; the code fills a fifth of the picture's width."""
    token = crowded.ask(
        sa.select(QrCode.token)
        .join(Enterprise, Enterprise.id == QrCode.enterprise_id)
        .where(Enterprise.name.startswith("华星"))
    )
    camera = film(tmp_path / "camera.y4m", wall([(f"{crowded.url}/q/{token}", 0.3, 0.6)]))
    running = browser.browser_type.launch(**chromium.launch_options(camera=camera))
    yield running
    running.close()


@both_databases
def test_from_sign_in_to_the_leads_desk(browser, with_camera, crowded):
    site = crowded
    before = site.ask(sa.select(sa.func.count()).select_from(Visit))
    with chromium.phone(with_camera) as page:
        site.sign_in(page, "zhao")
        page.get_by_role("link", name="企业", exact=True).click()

        # the list, somewhere in the middle of its second page; into a casefile and back to the same place
        page.get_by_role("link", name="下一页").click()
        page.wait_for_url("**page=*")
        row = page.locator("#rows .row").nth(17)
        row.scroll_into_view_if_needed()
        place, address = page.evaluate("scrollY"), page.url
        assert place > 500
        name = row.locator("a").inner_text()
        row.locator("a").click()
        page.wait_for_selector("h1")
        assert page.locator("h1").inner_text() == name
        page.get_by_role("link", name="返回").click()
        page.wait_for_selector("#rows")
        page.wait_for_timeout(300)
        assert page.url == address
        assert abs(page.evaluate("scrollY") - place) < 150

        # pinyin initials find it
        page.goto(f"{site.url}/enterprises")
        page.get_by_label("搜索企业").fill("hxxny")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="华星新能源材料有限公司").click()
        page.wait_for_selector("h1")
        casefile = page.url

        # so does the code on its door, through the camera
        page.goto(f"{site.url}/scan")
        page.wait_for_url(lambda address: address.partition("?")[0] == casefile, timeout=30_000)
        page.get_by_role("link", name="开始走访").click()

        # one plain visit, sent by two quick taps
        page.get_by_label("周岚 技术副总").check()
        page.get_by_label("了解需求").check()
        page.get_by_label("聊了什么").fill("涂覆线下月进场")
        page.get_by_label("一句话说清需求").fill("涂覆均匀性攻关")
        page.get_by_label("答应了什么").fill("发送改造案例 2 份")
        page.get_by_role("button", name="5 个工作日").click()
        page.get_by_role("button", name="提交走访").dblclick()
        page.wait_for_url("**/visits/*")
        page.get_by_text("走访已保存").wait_for()
        page.get_by_text("涂覆线下月进场").wait_for()
        assert "notice" not in page.url
    assert site.ask(sa.select(sa.func.count()).select_from(Visit)) == before + 1
    saved = site.ask(sa.select(Visit).order_by(Visit.created_at.desc()).limit(1))
    assert saved.id.version == 7 and saved.device_at is not None

    with chromium.desk(browser) as page:
        site.sign_in(page, "li")
        page.goto(f"{site.url}/lead")
        for words in ("涂覆线下月进场", "涂覆均匀性攻关", "发送改造案例 2 份"):
            page.get_by_text(words).first.wait_for()


def test_the_phone_number_shows_after_a_deliberate_tap(browser, site):
    with chromium.phone(browser) as page:
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/enterprises?q=hxxny")
        page.get_by_role("link", name="华星新能源材料有限公司").click()
        assert page.get_by_text("138 **** 5621").is_visible()
        assert "13812345621" not in page.content()
        page.get_by_role("button", name="查看周岚的电话").click()
        link = page.get_by_role("link", name="138 1234 5621")
        link.wait_for()
        assert link.get_attribute("href") == "tel:13812345621"


def test_everything_works_without_script(browser, site):
    context = browser.new_context(**chromium.context_options(chromium.PHONE, java_script_enabled=False))
    page = context.new_page()
    site.sign_in(page, "zhao")
    page.goto(f"{site.url}/enterprises")
    page.get_by_label("搜索企业").fill("华星")
    page.get_by_label("搜索企业").press("Enter")
    page.get_by_role("link", name="华星新能源材料有限公司").click()
    page.get_by_role("button", name="查看周岚的电话").click()
    page.get_by_text("138 1234 5621").wait_for()
    page.goto(page.url.rpartition("/contacts")[0])
    page.get_by_role("link", name="开始走访").click()
    page.get_by_label("聊了什么").fill("没有脚本也行")
    page.get_by_role("button", name="提交走访").click()
    page.get_by_role("alert").get_by_text("至少选一位").wait_for()
    assert page.get_by_label("聊了什么").input_value() == "没有脚本也行"
    page.get_by_label("未见到人").check()
    page.get_by_role("button", name="提交走访").click()
    page.get_by_text("没有脚本也行").wait_for()
    context.close()
