"""The whole life of a visit, in real browsers: planned, made, returned, amended by two, accepted, handed over, counted."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page

from fieldapp import clock
from fieldapp.accounts.models import Team, User
from fieldapp.attachments.models import Attachment
from fieldapp.codes.models import QrCode
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.needs.models import ENDED, Need, NeedStatus
from fieldapp.visits.models import HAPPENED, Visit, VisitStatus
from tests.browser.conftest import both_databases
from tests.photos import jpeg
from tests.qr_damage import film, wall
from tests.tools import chromium
from tests.tools.chromium import Thumb

pytestmark = pytest.mark.browser

HUAXING = "华星新能源材料有限公司"
NEAR = {"latitude": 40.6580, "longitude": 109.8410, "accuracy": 18}
FAR = {"latitude": 40.6629, "longitude": 109.8404, "accuracy": 18}
COARSE = {"latitude": 40.6629, "longitude": 109.8404, "accuracy": 3000}


@pytest.fixture
def with_camera(browser, site, tmp_path):
    """A phone whose camera looks at the code on 华星's wall."""
    token = site.ask(
        sa.select(QrCode.token)
        .join(Enterprise, Enterprise.id == QrCode.enterprise_id)
        .where(Enterprise.name == HUAXING)
    )
    camera = film(tmp_path / "camera.y4m", wall([(f"{site.url}/q/{token}", 0.3, 0.6)]))
    running = browser.browser_type.launch(**chromium.launch_options(camera=camera))
    yield running
    running.close()


def _excel(page: Page, address: str) -> list[dict[str, Any]]:
    """The rows of an export, by heading; its title, note and headings stand in the first three lines."""
    answer = page.request.get(address)
    assert answer.ok, answer.status
    sheet = openpyxl.load_workbook(BytesIO(answer.body())).active
    assert sheet.freeze_panes is not None
    lines = list(sheet.iter_rows(values_only=True))
    return [dict(zip(lines[2], line, strict=True)) for line in lines[3:]]


def _figure(page: Page, name: str) -> int:
    return int(page.locator(f"[data-figure={name}]").first.get_attribute("data-number"))


def _of_the_team() -> Any:
    return Enterprise.team_id == sa.select(Team.id).where(Team.name == "一队").scalar_subquery()


def _count(site, model, *conditions) -> int:
    query = (
        sa.select(sa.func.count()).select_from(model).join(Enterprise, Enterprise.id == model.enterprise_id)
    )
    return site.ask(query.where(_of_the_team(), *conditions))


def _plan(site, page: Page, casefile: str) -> None:
    """Tomorrow is in the diary; the plan is for today, so that it is the next visit."""
    page.goto(f"{casefile}/visits/plan")
    page.locator("#planned_on").fill(clock.today().isoformat())
    page.locator("label", has_text="技术对接").tap()
    page.get_by_role("button", name="安排走访").tap()
    page.wait_for_load_state()
    again = page.get_by_role("button", name="仍要安排")
    if again.count():  # somebody was there lately: the guard has asked
        again.tap()
    page.wait_for_url("**/visits/*-*")


def _quick_visit(site, page: Page, casefile: str, words: str) -> Visit:
    """Another short visit, with whatever the position does in this browser."""
    page.goto(f"{casefile}/visits/new")
    page.get_by_role("button", name="添加到访位置").tap()
    page.locator("#place").get_by_text(words).first.wait_for()
    page.locator("label", has_text="未见到人").tap()
    page.get_by_role("button", name="提交走访").tap()
    page.wait_for_url("**/visits/*-*")
    return site.ask(sa.select(Visit).order_by(Visit.created_at.desc(), Visit.id.desc()).limit(1))


@both_databases
def test_the_life_of_a_visit(browser, with_camera, site):
    number = site.ask(sa.select(Enterprise.id).where(Enterprise.name == HUAXING))
    casefile = f"{site.url}/enterprises/{number}"
    before = [_count(site, model) for model in (Visit, Need, FollowUp, Attachment)]

    # zhao plans, scans the code at the gate, checks in and records: photo, two needs, one promise, twelve taps
    with chromium.phone(with_camera, geolocation=NEAR, permissions=["geolocation", "camera"]) as page:
        site.sign_in(page, "zhao")
        _plan(site, page, casefile)
        page.goto(site.url)
        assert page.locator(".hero").get_by_text(HUAXING).is_visible()
        page.goto(f"{site.url}/scan")
        page.wait_for_url(lambda address: address.partition("?")[0] == casefile, timeout=30_000)
        thumb = Thumb()
        thumb.tap(page.get_by_role("link", name="开始走访"))
        thumb.tap(page.locator("label", has_text="周岚"))
        thumb.type(page.get_by_label("聊了什么"), "二期产线下月进场")
        thumb.type(page.locator("[name=needs-0-title]"), "涂覆均匀性攻关二期")
        thumb.tap(page.get_by_role("button", name="再记一条需求"))
        page.locator("[name=needs-1-title]").wait_for()
        page.wait_for_timeout(200)
        thumb.type(page.locator("[name=needs-1-title]"), "招两名材料硕士")
        thumb.type(page.locator("[name=promises-0-title]"), "发送改造案例 2 份")
        thumb.tap(page.get_by_role("button", name="5 个工作日"))
        thumb.tap(page.get_by_role("button", name="添加到访位置"))
        page.locator("#place").get_by_text("距企业登记点 84 米").wait_for()
        with page.expect_file_chooser() as chooser:
            thumb.tap(page.locator("label", has_text="拍照"))
        chooser.value.set_files({"name": "门口.jpg", "mimeType": "image/jpeg", "buffer": jpeg(1200, 900)})
        page.locator("#photos img").first.wait_for()
        thumb.tap(page.get_by_role("button", name="提交走访"))
        page.get_by_text("走访已保存").wait_for()
        page.get_by_role("img", name="现场照片").first.wait_for()  # it comes by itself, after the words
        assert thumb.taps <= 12, thumb.taps
        record = page.url.partition("?")[0]
    after = [_count(site, model) for model in (Visit, Need, FollowUp, Attachment)]
    assert after == [before[0] + 1, before[1] + 2, before[2] + 1, before[3] + 1]
    visit = site.ask(sa.select(Visit).where(Visit.planned_on == clock.today()))
    assert visit.status is VisitStatus.RECORDED and visit.distance == 84 and record.endswith(str(visit.id))

    # the other three answers a phone can give
    for place, words in ((FAR, "612 米"), (COARSE, "这次定位很粗"), (None, "你没有允许定位")):
        granted = {"geolocation": place, "permissions": ["geolocation"]} if place else {}
        with chromium.phone(browser, **granted) as page:
            site.sign_in(page, "zhao")
            other = _quick_visit(site, page, casefile, words)
        assert (other.distance, other.accuracy) == ((612, place["accuracy"]) if place else (None, None))

    # li sends it back with a word; zhao meets it on 今日
    with chromium.desk(browser) as page:
        site.sign_in(page, "li")
        page.goto(record)
        page.locator("#review-form textarea").fill("请补上样品的数量")
        page.get_by_role("button", name="退回补充").click()
        page.get_by_text("已退回").first.wait_for()
    with chromium.phone(browser) as first, chromium.phone(browser) as second:
        chromium.page_watch(first).expect("status of 409")
        site.sign_in(first, "zhao")
        first.goto(site.url)
        first.get_by_text("请补上样品的数量").first.wait_for()
        # zhao and the helper qian amend at once: nothing is lost
        first.goto(f"{record}/edit")
        site.sign_in(second, "qian")
        second.goto(f"{record}/edit")
        second.get_by_label("聊了什么").fill("样品要 3 卷")
        second.get_by_role("button", name="保存修改").tap()
        second.get_by_text("修改已保存").wait_for()
        first.get_by_label("聊了什么").fill("二期产线下月进场，另要样品")
        first.get_by_role("button", name="保存修改").tap()
        panel = first.locator("#conflict")
        panel.get_by_text("样品要 3 卷").wait_for()
        assert first.get_by_label("聊了什么").input_value() == "二期产线下月进场，另要样品"
        panel.locator("label", has_text="两段都留").tap()
        first.get_by_role("button", name="保存修改").tap()
        first.get_by_text("修改已保存").wait_for()
    said = site.ask(sa.select(Visit.said).where(Visit.id == visit.id))
    assert "样品要 3 卷" in said and "二期产线下月进场，另要样品" in said

    with chromium.desk(browser) as page:
        site.sign_in(page, "li")
        page.goto(record)
        page.get_by_role("button", name="审阅通过").click()
        page.wait_for_url("**/visits?**")
        assert site.ask(sa.select(Visit.status).where(Visit.id == visit.id)) is VisitStatus.ACCEPTED

        # 华星 goes from zhao to qian, with what is open
        zhao, qian = (site.ask(sa.select(User.id).where(User.username == name)) for name in ("zhao", "qian"))
        promises = (FollowUp.enterprise_id == number, FollowUp.status == FollowUpStatus.OPEN)
        open_ones = _count(site, FollowUp, *promises)
        assert open_ones == 2
        page.goto(f"{site.url}/lead/assignments?state={zhao}")
        page.get_by_label(f"选中{HUAXING}").check()
        page.locator(f'label[for="to-{qian}"]').click()
        page.get_by_role("button", name="分配给钱禾").click()
        page.get_by_role("heading", name="分配给钱禾").wait_for()
        page.get_by_role("textbox", name="原因").fill("赵青去挂职")
        page.get_by_role("button", name="确认").click()
        page.wait_for_url(lambda address: "/preview" not in address and "/apply" not in address)
        assert site.ask(sa.select(Enterprise.officer_id).where(Enterprise.id == number)) == qian
        assert _count(site, FollowUp, *promises, FollowUp.assignee_id == qian) == open_ones
        held = sa.select(Assignment.end_reason).where(
            Assignment.enterprise_id == number, Assignment.officer_id == zhao, Assignment.is_main
        )
        assert site.ask(held) == "赵青去挂职"

        # the board says what the records say
        page.goto(f"{site.url}/lead")
        assert _figure(page, "overdue") == _count(
            site, FollowUp, FollowUp.status == FollowUpStatus.OPEN, FollowUp.due_on < clock.today()
        )
        assert _figure(page, "review") == _count(site, Visit, Visit.status == VisitStatus.RECORDED)
        monday = clock.local_midnight(clock.monday_of(clock.today()))
        assert _figure(page, "week-visits") == _count(
            site, Visit, Visit.status.in_(HAPPENED), Visit.arrived_at >= monday
        )
        assert _figure(page, "week-needs") == _count(site, Need, Need.created_at >= monday)

        # and so do the Excel files, to the row
        visits = _excel(page, f"{site.url}/visits.xlsx")
        assert len(visits) == _count(site, Visit, Visit.arrived_at.is_not(None))
        row = next(line for line in visits if "样品要 3 卷" in str(line.values()))
        assert HUAXING in row.values() and 84 in row.values()
        needs = _excel(page, f"{site.url}/needs.xlsx")
        assert len(needs) == _count(site, Need, Need.status.not_in(ENDED), Need.status != NeedStatus.DRAFT)
        assert any("涂覆均匀性攻关二期" in line.values() for line in needs)
        followups = _excel(page, f"{site.url}/follow-ups.xlsx")
        assert len(followups) == _count(site, FollowUp, FollowUp.status == FollowUpStatus.OPEN)
        enterprises = _excel(page, f"{site.url}/enterprises.xlsx")
        listed = sa.select(sa.func.count()).select_from(Enterprise).where(_of_the_team())
        assert len(enterprises) == site.ask(listed)
        assert "钱禾" in next(line for line in enterprises if HUAXING in line.values()).values()
        assert "13812345621" not in str(enterprises)

    # both hear of it on 今日; zhao no longer sees 华星
    for name, sees in (("zhao", False), ("qian", True)):
        with chromium.phone(browser) as page:
            if not sees:
                chromium.page_watch(page).expect("status of 404")
            site.sign_in(page, name)
            page.goto(site.url)
            page.get_by_text("华星").first.wait_for()
            answer = page.goto(casefile)
            assert (answer.status == 200) is sees
