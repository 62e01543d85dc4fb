"""What was typed survives: a reload, a killed browser, a wrong tap; and forms without htmx of their own behave as pages."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Error, Locator, Page, Route, expect

from fieldapp.attachments.models import Attachment
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from fieldapp.visits.models import Visit, VisitStatus
from tests import people
from tests.browser.offline.phone import Phone
from tests.browser.test_outbox import phone, rows
from tests.photos import jpeg
from tests.tools import chromium

pytestmark = pytest.mark.browser
OFFER = re.compile(r"没写完的内容还在")
SAVED = "草稿已存"
PROMISE = f"/follow-ups/{people.FOLLOW_UP}"


@pytest.fixture(scope="module")
def huaxing(site) -> str:
    return f"/enterprises/{site.ask(sa.select(Enterprise.id).where(Enterprise.name.startswith('华星')))}"


@contextmanager
def opened(browser: Browser, site: Any, path: str, user: str = "zhao", **options: Any) -> Iterator[Page]:
    with phone(browser, **options) as page:
        # The hardest case: nobody keeps scripts.
        page.add_init_script("delete Navigator.prototype.serviceWorker")
        site.sign_in(page, user)
        page.goto(site.url + path)
        yield page


def offer(page: Page) -> Locator:
    return page.get_by_text(OFFER)


def typed(page: Page, label: str, words: str) -> None:
    """Typed, and kept: the mark in the bar says so."""
    page.get_by_label(label).fill(words)
    page.get_by_text(SAVED).wait_for()
    page.wait_for_timeout(500)


def until(page: Page, holds: Callable[[], bool]) -> None:
    for _turn in range(300):
        with suppress(Error):  # a page on its way to the next
            if holds():
                return
        page.wait_for_timeout(100)
    told = [(row["state"], row["attempts"], row["error"], row["maybe"]) for row in rows(page)]
    raise AssertionError(
        f"it never came to hold: {told} at {page.url}\n{page.locator('main').inner_text()[:300]}"
    )


def cut(page: Page) -> None:
    """No network; the page has said so and lies still again. Its scripts have come before: nobody keeps them here."""
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.get_by_text("现在没有网络").first.wait_for()
    page.wait_for_timeout(300)


def shut(page: Page) -> None:
    """Nothing is sent for now, though pages come."""
    page.route("**", lambda route: route.abort() if route.request.method == "POST" else route.fallback())
    page.route("**/outbox/session", lambda route: route.abort())


def _first(site: Any, model: Any) -> Any:
    return site.ask(sa.select(model).order_by(model.created_at.desc(), model.id.desc()).limit(1))


def _count(site: Any, model: Any) -> int:
    return int(site.ask(sa.select(sa.func.count()).select_from(model)))


# ---- drafts ------------------------------------------------------------------------------------------------------


def test_a_whole_visit_form_comes_back_after_a_reload_and_goes_when_it_is_sent(browser, site, huaxing):
    before = _count(site, Visit)
    with opened(browser, site, f"{huaxing}/visits/new") as page:
        page.locator("label", has_text="周岚").tap()
        page.locator("label", has_text="了解需求").tap()
        page.locator("[name=needs-0-title]").fill("涂覆均匀性攻关")
        page.get_by_role("button", name="再记一条需求").tap()
        page.locator("[name=needs-1-title]").fill("招两名材料硕士")
        page.get_by_role("button", name="新联系人").tap()
        page.locator("[name=new_contacts-0-name]").fill("施工")
        with page.expect_file_chooser() as chooser:
            page.locator("label", has_text="相册").tap()
        chooser.value.set_files({"name": "门口.jpg", "mimeType": "image/jpeg", "buffer": jpeg(1200, 900)})
        page.locator("#photos img").first.wait_for()
        typed(page, "聊了什么", "二期产线下月进场")
        assert "二期产线" not in json.dumps(rows(page, "drafts"), ensure_ascii=False), "drafts lie sealed"

        page.reload()
        offer(page).wait_for()
        assert page.get_by_label("聊了什么").input_value() == "", "offered, not forced"
        expect(page.get_by_text("照片 1 张")).to_be_visible()
        page.get_by_role("button", name="接着写").tap()
        page.get_by_text("的内容已经放回来了").wait_for()
        assert page.get_by_label("聊了什么").input_value() == "二期产线下月进场"
        assert page.locator("[name=needs-1-title]").input_value() == "招两名材料硕士"
        assert page.locator("[name=new_contacts-0-name]").input_value() == "施工"
        assert page.locator("input[name=met]:checked").count() == 1
        assert page.locator("input[name=purposes]:checked").count() == 1
        page.locator("#photos img").first.wait_for()
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("走访已保存").wait_for()
        until(page, lambda: not rows(page, "drafts"))
        page.goto(f"{site.url}{huaxing}/visits/new")
        page.wait_for_timeout(600)
        assert not offer(page).count(), "what was sent is no draft"
        until(page, lambda: _count(site, Attachment) > 0)
    assert _count(site, Visit) == before + 1
    assert _first(site, Visit).said == "二期产线下月进场"


def test_a_draft_can_be_thrown_away_and_fetched_back(browser, site, huaxing):
    with opened(browser, site, f"{huaxing}/needs/new") as page:
        typed(page, "一句话说清需求", "要一台检测仪")
        page.reload()
        page.get_by_role("button", name="丢掉").tap()
        page.get_by_text("已丢掉").wait_for()
        assert not rows(page, "drafts")
        page.get_by_role("button", name="放回来").tap()
        page.get_by_role("button", name="接着写").tap()
        expect(page.get_by_label("一句话说清需求")).to_have_value("要一台检测仪")
        page.reload()
        page.get_by_role("button", name="丢掉").tap()
        page.get_by_text("已丢掉").wait_for()
        page.reload()
        page.wait_for_timeout(600)
        assert not offer(page).count()


def test_typing_beside_an_offer_loses_neither(browser, site, huaxing):
    with opened(browser, site, f"{huaxing}/follow-ups/new") as page:
        typed(page, "答应了什么", "先写的")
        page.reload()
        offer(page).wait_for()
        typed(page, "答应了什么", "后写的")
        page.reload()
        page.get_by_role("button", name="接着写").tap()
        expect(page.get_by_label("答应了什么")).to_have_value("后写的")
        page.get_by_role("button", name="记下这件事").tap()  # refused: no date yet
        page.locator(".errsum").wait_for()
        page.reload()  # what was sent back is offered first, to be put right
        page.get_by_role("button", name="丢掉").tap()
        page.get_by_text("已丢掉").wait_for()
        page.reload()
        page.get_by_role("button", name="接着写").tap()
        expect(page.get_by_label("答应了什么")).to_have_value("先写的")


def test_what_was_written_before_the_script_came_is_kept_without_another_key(browser, site, huaxing):
    """On a slow line the form is there long before its scripts."""
    come = threading.Event()

    def late(route: Route) -> None:
        route.fallback() if come.is_set() else held.append(route)

    held: list[Route] = []
    with opened(browser, site, f"{huaxing}/needs/new") as page:
        page.route("**/drafts*.js*", late)
        page.goto(f"{site.url}{huaxing}/needs/new", wait_until="commit")
        page.get_by_label("一句话说清需求").fill("脚本还没到")
        until(page, lambda: bool(held))
        come.set()
        for route in held:
            route.fallback()
        page.get_by_text(SAVED).wait_for()
        page.reload()
        offer(page).wait_for()
        page.get_by_role("button", name="接着写").tap()
        expect(page.get_by_label("一句话说清需求")).to_have_value("脚本还没到")


def _somebody_else(site: Any, **words: Any) -> None:
    """A colleague saves the need meanwhile."""
    with site.app.app_context(), writing():
        db.session.execute(
            sa.update(Need).where(Need.id == people.NEED).values(version=Need.version + 1, **words)
        )
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def _need(site: Any, column: Any) -> Any:
    return site.ask(sa.select(column).where(Need.id == people.NEED))


def test_a_draft_of_yesterdays_record_takes_back_no_words_of_today(browser, site):
    """It was written on the record as it stood then: what only others have changed since stays as they wrote it."""
    with opened(browser, site, f"/needs/{people.NEED}/edit") as page:
        typed(page, "对合作方的要求", "要有中试线")
        page.goto(site.url)
        _somebody_else(site, description="今天问清楚的情况")
        page.goto(f"{site.url}/needs/{people.NEED}/edit")
        offer(page).wait_for()
        page.get_by_role("button", name="接着写").tap()
        page.get_by_text("的内容已经放回来了").wait_for()
        page.locator(".actionbar").get_by_role("button", name="保存").tap()
        page.get_by_text("你没有动过、别人改了的").wait_for()
        expect(page.get_by_label("具体说明")).to_have_value("今天问清楚的情况")
        expect(page.get_by_label("对合作方的要求")).to_have_value("要有中试线")
        page.locator(".actionbar").get_by_role("button", name="保存").tap()
        page.wait_for_url(re.compile(rf"/needs/{people.NEED}(\?.*)?$"))
    assert (_need(site, Need.description), _need(site, Need.conditions)) == ("今天问清楚的情况", "要有中试线")


def test_my_text_in_a_conflict_takes_back_nothing_that_i_never_touched(browser, site):
    with opened(browser, site, f"/needs/{people.NEED}/edit") as page:
        cut(page)
        page.get_by_label("一句话说清需求").fill("我改的题目")
        page.locator(".actionbar").get_by_role("button", name="保存").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        _somebody_else(site, title="同事改的题目", conditions="同事补的要求")
        page.context.set_offline(False)
        until(page, lambda: [row["state"] for row in rows(page)] == ["conflict"])
        page.goto(f"{site.url}/outbox")
        page.get_by_role("link", name="用我的").tap()
        expect(page.get_by_label("一句话说清需求")).to_have_value("我改的题目")
        page.locator(".actionbar").get_by_role("button", name="保存").tap()
        page.wait_for_url(re.compile(rf"/needs/{people.NEED}(\?.*)?$"))
    assert (_need(site, Need.title), _need(site, Need.conditions)) == ("我改的题目", "同事补的要求")


def test_opening_a_kept_form_and_leaving_it_keeps_no_draft(browser, site, huaxing):
    """The hour on a kept page is set when it is opened: nobody has typed it."""
    kept = int(datetime.now(UTC).timestamp() * 1000) - 3_600_000
    with phone(browser) as page:
        site.sign_in(page, "zhao")

        def serve(route: Any) -> None:
            html = route.fetch().text().replace("<html ", f'<html data-cached="{kept}" ', 1)
            route.fulfill(body=html, content_type="text/html")

        page.route("**/visits/new", serve)
        page.goto(f"{site.url}{huaxing}/visits/new")
        page.get_by_label("聊了什么").wait_for()
        page.wait_for_timeout(1500)
        assert not page.get_by_text(SAVED).count()
        page.goto(site.url)
        page.goto(f"{site.url}{huaxing}/visits/new")
        page.wait_for_timeout(800)
        assert not offer(page).count() and not rows(page, "drafts")
        typed(page, "聊了什么", "真写了一句")
        assert len(rows(page, "drafts")) == 1


def test_a_visit_refused_after_its_check_in_has_arrived_is_put_right_where_it_was_written(
    browser, site, huaxing
):
    """Both were made without a network. The way to a new visit leads to the check-in by now."""
    before = _count(site, Visit)
    with opened(browser, site, f"{huaxing}/visits/new") as page:
        cut(page)
        page.get_by_role("button", name="先签到").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        shut(page)
        page.context.set_offline(False)
        page.goto(f"{site.url}{huaxing}/visits/new")
        page.get_by_label("聊了什么").fill("谈了一下午，忘了勾见到谁")
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        page.unroute_all()
        page.goto(f"{site.url}/outbox")
        until(page, lambda: sorted(row["state"] for row in rows(page)) == ["done", "error"])
        page.get_by_role("link", name="改一改").tap()
        page.get_by_text("存在发件箱里的那一条").wait_for()
        expect(page.get_by_label("聊了什么")).to_have_value("谈了一下午，忘了勾见到谁")
        page.locator("label", has_text="未见到人").tap()
        page.get_by_role("button", name="提交走访").tap()
        page.wait_for_url(re.compile(r"/visits/[0-9a-f-]{36}(\?.*)?$"))
        until(page, lambda: {row["state"] for row in rows(page)} == {"done"})
    assert _count(site, Visit) == before + 1
    assert _first(site, Visit).said == "谈了一下午，忘了勾见到谁"


def test_a_colleague_on_the_same_phone_is_offered_nothing(browser, site, huaxing):
    with opened(browser, site, f"{huaxing}/needs/new") as page:
        typed(page, "一句话说清需求", "赵青写的")
        page.goto(f"{site.url}/me")
        page.get_by_role("button", name="退出登录").tap()
        page.wait_for_url("**/login**")
        site.sign_in(page, "qian")
        page.goto(f"{site.url}{huaxing}/needs/new")
        page.wait_for_timeout(800)
        assert not offer(page).count()
        page.goto(f"{site.url}/me")
        page.get_by_role("button", name="退出登录").tap()
        page.wait_for_url("**/login**")
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}{huaxing}/needs/new")
        offer(page).wait_for()


def test_a_killed_browser_has_lost_nothing(browser, site, huaxing, tmp_path):
    """The battery falls out half a second after the last word."""
    options = {"service_workers": "block"}
    with chromium._driver() as driver:
        held = Phone(driver, site, tmp_path / "profile", **options)
        try:
            site.sign_in(held.page, "zhao")
            held.page.goto(f"{site.url}{huaxing}/needs/new")
            held.page.get_by_label("一句话说清需求").fill("电池掉了之前")
            held.page.get_by_text(SAVED).wait_for()
            held.page.wait_for_timeout(500)
            held.kill()
            page = held.start()
            site.sign_in(page, "zhao")
            page.goto(f"{site.url}{huaxing}/needs/new")
            page.get_by_role("button", name="接着写").tap()
            expect(page.get_by_label("一句话说清需求")).to_have_value("电池掉了之前")
        finally:
            held.close()


# ---- drafts and the outbox ---------------------------------------------------------------------------------------


def test_what_waits_in_the_outbox_is_not_offered_again_and_can_be_put_right(browser, site, huaxing):
    """Written without a network, opened again from the outbox, changed: one promise, with the later words."""
    with opened(browser, site, f"{huaxing}/follow-ups/new") as page:
        cut(page)
        page.get_by_label("答应了什么").fill("寄样品")
        page.get_by_role("button", name="5 个工作日").tap()
        assert page.get_by_label("什么时候前").input_value()
        page.get_by_role("button", name="记下这件事").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        assert (
            not page.get_by_text(SAVED).count()
            and not page.get_by_role("button", name="记下这件事").is_visible()
        )
        key = rows(page)[0]["key"]
        shut(page)
        page.context.set_offline(False)
        page.goto(f"{site.url}{huaxing}/follow-ups/new")
        page.wait_for_timeout(800)
        assert not offer(page).count()
        page.goto(f"{site.url}{huaxing}/follow-ups/new#entry={key}")
        page.reload()
        page.get_by_text("存在发件箱里的那一条").wait_for()
        expect(page.get_by_label("答应了什么")).to_have_value("寄样品")
        page.get_by_label("答应了什么").fill("寄样品 2 份")
        page.get_by_role("button", name="记下这件事").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        assert len([row for row in rows(page) if row["state"] != "done"]) == 1
        page.unroute_all()
        page.goto(site.url)
        until(page, lambda: all(row["state"] == "done" for row in rows(page)))
        until(page, lambda: not rows(page, "drafts"))
    titles = site.ask(
        sa.select(sa.func.group_concat(FollowUp.title, "|")).where(FollowUp.title.startswith("寄样品"))
    )
    assert titles == "寄样品 2 份"


def test_an_edit_that_waits_stands_in_the_form_of_the_next(browser, site):
    with opened(browser, site, f"{PROMISE}/edit") as page:
        label = page.get_by_label(re.compile("答应了什么"))
        cut(page)
        label.fill("第一次改的")
        page.get_by_role("button", name="保存").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        shut(page)
        page.context.set_offline(False)
        page.goto(f"{site.url}{PROMISE}/edit")
        page.get_by_text("的修改还没发出去").wait_for()
        expect(label).to_have_value("第一次改的")
        assert not offer(page).count()
        page.unroute_all()
        label.fill("第二次改的")
        page.get_by_role("button", name="保存").tap()
        until(page, lambda: [row["state"] for row in rows(page)] == ["done", "done"])
    assert site.ask(sa.select(FollowUp.title).where(FollowUp.id == people.FOLLOW_UP)) == "第二次改的"


# ---- without a network -------------------------------------------------------------------------------------------


def test_rows_are_added_without_a_network(browser, site, huaxing):
    with opened(browser, site, f"{huaxing}/visits/new") as page:
        cut(page)
        page.get_by_role("button", name="再加一件").tap()
        row = page.locator("[name=promises-1-title]")
        expect(row).to_be_focused()
        row.fill("带一份清单")
        page.locator("#promises-1").get_by_role("button", name="3 个工作日").tap()
        assert page.locator("[name=promises-1-due_on]").input_value()
        page.locator("#promises-1").get_by_role("button", name="去掉这一条").tap()
        page.get_by_role("button", name="放回来").tap()
        expect(row).to_have_value("带一份清单")


def test_a_visit_with_nobody_is_told_on_the_phone_and_does_not_wait_to_be_refused(browser, site, huaxing):
    with opened(browser, site, f"{huaxing}/visits/new") as page:
        cut(page)
        page.get_by_label("聊了什么").fill("忘了勾")
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("至少选一位，或勾选").wait_for()
        assert rows(page) == []
        page.locator("label", has_text="未见到人").tap()
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        assert [row["state"] for row in rows(page)] == ["queued"]


def test_what_needs_a_network_says_so(browser, site, huaxing):
    with opened(browser, site, "/me") as page:
        page.get_by_role("link", name="日历订阅").tap()
        page.get_by_role("button", name="开通订阅").wait_for()
        cut(page)
        page.get_by_role("button", name="开通订阅").tap()
        page.get_by_text("这一步要有网络才能办").wait_for()


@pytest.mark.parametrize(
    ("ahead", "day"), [(0, "2031-03-04"), (86_400_000, "2031-03-04")], ids=["right-clock", "a-day-ahead"]
)
def test_a_kept_page_begins_with_the_time_it_is_opened_at(browser, site, huaxing, ahead, day):
    """Kept on the 3rd, opened a day later; a clock that was a day ahead when the page came is so still."""
    kept = 1_930_262_400_000  # 2031-03-03 00:00 UTC
    with phone(browser) as page:
        site.sign_in(page, "zhao")

        def serve(route: Any) -> None:
            html = route.fetch().text()
            html = html.replace("<html ", f'<html data-cached="{kept + ahead}" ', 1)
            html = re.sub(r'(name="arrived_at"[^>]*?value=)"[^"]*"', r'\1"2031-03-03T08:00"', html)
            html = re.sub(r'(id="arrived_at"[^>]*?value=)"[^"]*"', r'\1"2031-03-03T08:00"', html)
            route.fulfill(body=html, content_type="text/html")

        page.route("**/visits/new", serve)
        page.clock.set_fixed_time(datetime.fromtimestamp(kept / 1000 + ahead / 1000 + 86_400, UTC))
        page.goto(f"{site.url}{huaxing}/visits/new")
        chromium.unfold(page.locator("details.times summary"))
        expect(page.get_by_label("到访时间")).to_have_value(f"{day}T08:00")


# ---- forms that htmx sends on the page's behalf ------------------------------------------------------------------


def test_a_refused_plain_form_is_the_page_that_the_server_wrote(browser, site, huaxing):
    path = f"{huaxing}/needs/new"
    with opened(browser, site, huaxing) as page:
        page.goto(f"{site.url}{path}")
        before, entries = page.title(), page.evaluate("history.length")
        page.get_by_label("具体说明").fill("打了很久的字")
        page.evaluate("scrollTo(0, 9999)")
        page.get_by_role("button", name="提交需求").tap()
        page.locator(".errsum").wait_for()
        expect(page.locator(".errsum")).to_be_focused()
        assert page.title() == f"还没填好：{before}" and page.url == site.url + path
        assert page.evaluate("history.length") == entries
        assert page.get_by_label("具体说明").input_value() == "打了很久的字"
        page.get_by_role("button", name="再加一个指标").tap()  # the modules are at work again
        expect(page.locator("[name=indicators-1-name]")).to_be_focused()
        page.get_by_label("一句话说清需求").fill("附着力")
        page.locator("label", has_text="技术攻关").tap()
        page.locator("label", has_text="走访时听到的").tap()
        page.get_by_role("button", name="提交需求").tap()
        page.get_by_text("需求已保存").wait_for()
        assert len(rows(page)) == 1, "put right, it is the same entry"
        page.go_back()
        page.go_back()
        assert page.url == site.url + huaxing
    assert _first(site, Need).title == "附着力"


def test_a_form_that_was_sent_back_and_then_reloaded_offers_what_was_typed(browser, site, huaxing):
    with opened(browser, site, f"{huaxing}/needs/new") as page:
        page.get_by_label("一句话说清需求").fill("附着力：还没选类型")
        page.get_by_role("button", name="提交需求").tap()
        page.locator(".errsum").wait_for()
        page.get_by_label("具体说明").fill("退回来以后又写的")
        page.get_by_text("草稿已存").wait_for()
        page.reload()
        page.get_by_role("button", name="接着写").tap()
        expect(page.get_by_label("一句话说清需求")).to_have_value("附着力：还没选类型")
        expect(page.get_by_label("具体说明")).to_have_value("退回来以后又写的")
        page.locator("label", has_text="技术攻关").tap()
        page.locator("#source label").first.tap()
        page.get_by_role("button", name="提交需求").tap()
        page.get_by_text("需求已保存").wait_for()
        assert rows(page) == [] or {row["state"] for row in rows(page)} == {"done"}  # it was the same entry


@pytest.mark.parametrize("left", [1, 0])
def test_a_visit_that_was_sent_back_and_then_reloaded_has_its_photo_once_or_not_at_all(
    browser, site, huaxing, left
):
    """Its photo waits in the outbox already: it is the same photo, and taken away it is taken away."""
    before = _count(site, Attachment)
    with opened(browser, site, f"{huaxing}/visits/new") as page:
        page.locator("label", has_text="相册").locator("input").set_input_files(
            {"name": "门口.jpg", "mimeType": "image/jpeg", "buffer": jpeg(1200, 900)}
        )
        page.locator("#photos img").first.wait_for()
        page.get_by_label("聊了什么").fill("还没说见到谁")
        page.get_by_role("button", name="提交走访").tap()
        page.locator(".errsum").wait_for()
        typed(page, "聊了什么", "退回来以后又写的")
        page.reload()
        page.get_by_role("button", name="接着写").tap()
        expect(page.get_by_label("聊了什么")).to_have_value("退回来以后又写的")
        expect(page.locator("#photos img")).to_have_count(1)
        if not left:
            page.locator("#photos [data-remove]").first.tap()
            expect(page.locator("#photos img")).to_have_count(0)
        page.locator("label", has_text="未见到人").tap()
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("走访已保存").wait_for()
        until(page, lambda: {row["state"] for row in rows(page)} <= {"done"})
    assert _count(site, Attachment) == before + left


def test_two_buttons_of_one_form_lead_to_two_addresses(browser, site):
    """The lead's comment: without words a visit cannot be sent back, with words it is, and it is not accepted."""
    with opened(browser, site, f"/visits/{people.VISIT}", "li") as page:
        page.get_by_role("button", name="退回补充").tap()
        page.get_by_text("退回要写明差什么").first.wait_for()
        page.get_by_label("给干部的话").fill("补一张设备照片")
        page.get_by_role("button", name="退回补充").tap()
        until(
            page,
            lambda: site.ask(sa.select(Visit.status).where(Visit.id == people.VISIT)) is VisitStatus.RETURNED,
        )


def test_a_refusal_leaves_the_form_and_its_words(browser, site, huaxing):
    with opened(browser, site, f"{huaxing}/follow-ups/new") as page:
        page.get_by_label("答应了什么").fill("还没写完")
        page.get_by_label("答应了什么").evaluate(
            "field => field.form.setAttribute('action', '/enterprises/999999/follow-ups/new')"
        )
        page.get_by_role("button", name="记下这件事").tap()
        page.locator("main > [data-refused]").wait_for()
        assert page.get_by_label("答应了什么").input_value() == "还没写完"
