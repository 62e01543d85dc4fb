"""The outbox page and the marks on every page: what waits, what the server said, and the ways out when nothing gets through.

Phones here have no service worker: what is shown does not depend on it. The server is the real one; "no network" means
that nothing written reaches it.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Error, Page, Route, expect
from uuid6 import uuid7

from fieldapp.accounts.models import User
from fieldapp.attachments.models import Attachment
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need
from fieldapp.visits.models import Visit
from tests import people
from tests.browser.conftest import Site
from tests.conftest import Sqlite, make_app
from tests.photos import jpeg
from tests.tools import axe, chromium, server

pytestmark = pytest.mark.browser

NO_NETWORK = (r"net::ERR_", r"status of (4\d\d|5\d\d)", r"Failed to fetch", r"blocked by Playwright")

# The phone's own modules at hand, as the pages use them.
WITH = """async (values) => {
  const base = document.querySelector("script[src$='/app.js']").src.replace("app.js", "");
  const [queue, seal, ids] = await Promise.all(["outbox/queue", "outbox/seal", "ids"].map((name) => import(`${base}${name}.js`)));
  const {user} = document.documentElement.dataset;
  %s
}"""
PUT = """const {hours = 0, photo, ...more} = values;
  const id = ids.uuid7();
  const entry = {key: id, user, method: "POST", page: more.url, keys: [id], at: Date.now() - hours * 3600000, ...more};
  let fields = Object.entries(more.fields || {});
  if (photo) {
    Object.assign(entry, {keys: [photo.visit, id], photo, kind: "camera", page: "", url: `/visits/${photo.visit}/photos`});
    fields = [["photo_id", id], ["photos", {name: "门口.jpg", type: "image/jpeg", lastModified: 1, data: Uint8Array.from(atob(photo.data || ""), c => c.charCodeAt(0)).buffer}]];
  }
  delete entry.fields;
  await queue.put(entry, fields);
  return id;"""
STATES = "return (await queue.list(user)).map(({title, state, error, url}) => [title, state, error, url]);"
REFUSE = """const row = (await queue.markSending(values.key)).row;
  await queue.markStuck(row, "error", values);"""


def with_modules(page: Page, body: str, **values: Any) -> Any:
    return page.evaluate(WITH % body, values)


def put(page: Page, **entry: Any) -> str:
    return str(with_modules(page, PUT, **entry))


def sent(page: Page) -> None:
    try:
        until(lambda: not waiting(page), "everything sent")
    except AssertionError as error:
        raise AssertionError(
            f"{error}: {with_modules(page, STATES)} {page.locator('main').inner_text()}"
        ) from None


def until(true: Callable[[], Any], what: str, patience: float = 20) -> Any:
    """Playwright's own waiting compiles code in the page, which the policy forbids."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if found := true():
                return found
        except Error:  # between two pages
            pass
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:.0f} s in vain: {what}")


def waiting(page: Page) -> list[str]:
    return [title for title, state, *_ in with_modules(page, STATES) if state != "done"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """On SQLite alone: all this happens on the phone."""
    folder = tmp_path_factory.mktemp("box")
    database = Sqlite(folder)
    database.renew()
    with server.running(
        database.url, instance=folder, settings={"FIELDAPP_SECRET_KEY": "tests " * 8}
    ) as here:
        yield Site(here.url, make_app(database.url, folder), database)


@pytest.fixture(scope="module")
def huaxing(site: Site) -> int:
    return int(site.ask(sa.select(Enterprise.id).where(Enterprise.name.startswith("华星"))))


@contextmanager
def phone(site: Site, browser: Browser, who: str, **options: Any) -> Iterator[Page]:
    with chromium.phone(browser, service_workers="block", **options) as page:
        chromium.page_watch(page).expect(*NO_NETWORK)
        page.set_default_timeout(15_000)
        site.sign_in(page, who)
        until(lambda: with_modules(page, "return seal.knowsKey(user)"), "the key")
        yield page


def cut(page: Page) -> None:
    """Nothing written reaches the server; pages still come."""

    def handle(route: Route) -> None:
        if route.request.method == "POST" or "/outbox/" in route.request.url.split("/s/")[0]:
            route.abort("internetdisconnected")
        else:
            route.fallback()

    page.context.route(lambda url: "/s/" not in url, handle)


def mend(page: Page) -> None:
    page.context.unroute_all()


def visit_of(huaxing: int, words: str) -> dict[str, Any]:
    return {
        "title": "走访 · 华星新能源材料", "kind": "footprints", "url": f"/enterprises/{huaxing}/visits/new",
        "fields": {"met_nobody": "y", "said": words, "intent": "record"},
    }  # fmt: skip


def test_what_waits_is_said_on_every_page(browser, site, huaxing):
    with phone(site, browser, "zhao") as page:
        cut(page)
        put(page, **visit_of(huaxing, "等着"), hours=2)
        page.goto(site.url)
        expect(page.locator(".net")).to_have_text(re.compile(r"1\s*条待发"))
        expect(page.locator(".tabbar .dot.if-waits")).to_contain_text("1")
        page.goto(f"{site.url}/me")
        expect(page.get_by_role("listitem").filter(has_text="发件箱")).to_contain_text("1 条待发")
        page.goto(f"{site.url}/enterprises/{huaxing}")
        expect(page.get_by_role("link", name="发件箱 1 条还没发出去")).to_be_visible()
        page.context.set_offline(True)
        note = page.locator("#banner [role=status]:visible")
        expect(note).to_have_count(1)
        expect(note).to_contain_text("1 条记录存在这台手机上")
        expect(note).to_contain_text("这一页有 1 处改动还没发出去")
        page.context.set_offline(False)

        page.goto(f"{site.url}/outbox")
        row = page.locator("[data-part=queue] li")
        expect(row).to_contain_text("走访")
        expect(row).to_contain_text("华星新能源材料")
        expect(row).to_contain_text(re.compile("待发|正在发"))  # a page that was left while it sent
        chromium.unfold(row.locator("summary"))
        expect(row.get_by_role("link", name="改一改")).to_have_attribute(
            "href", re.compile(rf"^/enterprises/{huaxing}/visits/new#entry=[0-9a-f-]{{36}}$")
        )
        assert not axe.violations(page)


def test_a_form_says_that_it_can_be_sent_without_a_network(browser, site, huaxing):
    with phone(site, browser, "zhao") as page:
        page.goto(f"{site.url}/enterprises/{huaxing}/visits/new")
        page.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        expect(page.locator(".actionbar-note")).to_have_text("没有网络也能提交，联网后自动发送")
        send = page.get_by_role("button", name="提交走访").bounding_box()
        note = page.locator("#banner .note:visible").bounding_box()
        assert note["y"] + note["height"] < send["y"]
        page.context.set_offline(False)
        expect(page.locator(".actionbar-note")).to_be_hidden()
        expect(page.locator("#banner .note:visible")).to_have_count(0)


def test_what_waits_for_more_than_a_day_is_said_loudly(browser, site, huaxing):
    with phone(site, browser, "zhao", dark=True) as page:
        cut(page)
        put(page, **visit_of(huaxing, "昨天的"), hours=26)
        page.goto(f"{site.url}/follow-ups")
        expect(page.locator("#banner .note-bad")).to_contain_text("1 条记录等了 26 小时，还没发出去")
        page.get_by_role("link", name="看发件箱").tap()
        expect(page.locator("[data-part=queue] .tag-bad")).to_have_text("等了 26 小时")
        assert not axe.violations(page)


def _conflict(site: Site, page: Page, theirs: str, mine: str) -> Any:
    """Somebody saves while the form is open here; the card of what was refused."""
    page.goto(f"{site.url}/follow-ups/{people.FOLLOW_UP}/edit")
    change = sa.update(FollowUp).where(FollowUp.id == people.FOLLOW_UP)
    with site.app.app_context(), writing():
        db.session.execute(change.values(title=theirs, version=FollowUp.version + 1))
        db.session.commit()
    page.locator("[name=title]").fill(mine)
    page.locator("#edit-form [type=submit], .actionbar [type=submit]").first.tap()
    page.locator(".versus").first.wait_for()
    page.goto(f"{site.url}/outbox")
    card = page.locator("[data-part=todo] article")
    expect(card.locator(".is-mine").first).to_contain_text(mine)
    expect(card.locator(".versus").first).to_contain_text(theirs)
    return card


def _title(site: Site) -> str:
    return str(site.ask(sa.select(FollowUp.title).where(FollowUp.id == people.FOLLOW_UP)))


def test_a_conflict_shows_both_texts_and_the_other_one_may_be_taken(browser, site):
    with phone(site, browser, "zhao") as page:
        card = _conflict(site, page, "李望改的", "赵青改的")
        assert not axe.violations(page)
        card.get_by_role("button", name="用对方的").tap()
        page.get_by_role("button", name="留着").tap()
        expect(card).to_be_visible()
        card.get_by_role("button", name="用对方的").tap()
        page.get_by_role("dialog").get_by_role("button", name="删掉").tap()
        expect(page.get_by_text("没有等着发的记录")).to_be_visible()
        assert _title(site) == "李望改的"


def test_a_conflict_may_be_ended_with_my_own_text_on_the_fresh_form(browser, site):
    with phone(site, browser, "zhao") as page:
        _conflict(site, page, "李望又改了", "赵青坚持").get_by_role("link", name="用我的").tap()
        expect(page.locator("[name=title]")).to_have_value("赵青坚持")
        page.locator("#edit-form [type=submit], .actionbar [type=submit]").first.tap()
        page.wait_for_url(re.compile(rf"/follow-ups/{people.FOLLOW_UP}(\?.*)?$"))
        assert _title(site) == "赵青坚持"
        page.goto(f"{site.url}/outbox")
        sent(page)


def _refused(site: Site, page: Page, huaxing: int, answer: str) -> Any:
    """The card of a visit that the server has answered so."""
    cut(page)
    key = put(page, **visit_of(huaxing, "没写完"))
    with_modules(page, REFUSE, key=key, status=422, error="invalid", answer=answer)
    page.goto(f"{site.url}/outbox")
    return page.locator("[data-part=todo] article")


def test_the_servers_reasons_are_told_and_its_markup_is_not_taken_over(browser, site, huaxing):
    answer = """<div class="errsum" role="alert"><h2>还有 1 处要改</h2><ul><li><a href="#x">见到的人：<img src=x>至少选一位</a></li></ul></div>"""
    with phone(site, browser, "zhao") as page:
        card = _refused(site, page, huaxing, answer)
        expect(card).to_contain_text("还有 1 处要改")
        expect(card.locator("li")).to_have_text("见到的人：至少选一位")
        assert card.locator("img").count() == 0
        expect(card.get_by_role("button", name="再发一次")).to_be_hidden()
        expect(page.locator(".tabbar .dot.if-waits")).to_contain_text("1")


def test_what_a_page_keeps_hidden_is_not_told_as_the_servers_word(browser, site, huaxing):
    answer = """<main><div class="note note-bad" data-unsent hidden>没有发出去，网络不通。</div></main>
      <div id="banner"><div class="note note-bad">请到有网络的地方打开青助企。</div></div>
      <div class="errsum" role="alert"><h2>还有 1 处要改</h2><ul><li>见到的人：至少选一位</li></ul></div>"""
    with phone(site, browser, "zhao") as page:
        card = _refused(site, page, huaxing, answer)
        expect(card).to_contain_text("至少选一位")
        expect(card).not_to_contain_text("网络")


def test_deleting_names_what_goes_along(browser, site, huaxing):
    with phone(site, browser, "zhao") as page:
        cut(page)
        page.goto(f"{site.url}/outbox")
        made = "01920000-0000-7000-8000-00000000aaaa"
        put(page, **visit_of(huaxing, "先删"), keys=[made], made=[made])
        put(page, title="新需求 · 隔膜", url=f"/enterprises/{huaxing}/needs/new", keys=[made])
        put(page, title="别的事 · 留下", url="/follow-ups/x")
        row = page.locator("[data-part=queue] li", has_text="走访")
        chromium.unfold(row.locator("summary"))
        row.get_by_role("button", name="删掉").tap()
        asked = page.get_by_role("dialog")
        expect(asked).to_contain_text("走访 · 华星新能源材料")
        expect(asked.get_by_role("listitem")).to_have_text(["新需求 · 隔膜"])
        assert not axe.violations(page)
        asked.get_by_role("button", name="删掉").tap()
        expect(page.locator("[data-part=queue] li")).to_have_count(1)
        assert waiting(page) == ["别的事 · 留下"]


def test_a_photo_taken_out_is_no_longer_waited_for(browser, site):
    with phone(site, browser, "zhao") as page:
        cut(page)
        page.goto(f"{site.url}/outbox")
        photo = put(page, title="走访 · 华星", photo={"visit": str(people.VISIT), "n": 1, "of": 1})
        with site.app.app_context(), writing():
            db.session.execute(
                sa.update(Visit).where(Visit.id == people.VISIT).values(photos_expected=[photo])
            )
            db.session.commit()
        row = page.locator("[data-part=queue] li")
        chromium.unfold(row.locator("summary"))
        row.get_by_role("button", name="去掉这张").tap()
        page.get_by_role("dialog").get_by_role("button", name="删掉").tap()
        until(lambda: any(f"{photo}/drop" in url for *_, url in with_modules(page, STATES)), "a drop")
        mend(page)
        page.locator("[data-again]").tap()
        sent(page)
        assert site.ask(sa.select(Visit.photos_expected).where(Visit.id == people.VISIT)) == []


def test_a_photo_that_is_too_large_is_made_smaller_and_sent(browser, site):
    with phone(site, browser, "zhao") as page:
        cut(page)
        data = base64.b64encode(jpeg(2400, 1800)).decode()
        key = put(
            page, title="走访 · 华星", photo={"visit": str(people.VISIT), "n": 2, "of": 3, "data": data}
        )
        with_modules(page, REFUSE, key=key, status=413, error="too-large")
        page.goto(f"{site.url}/outbox")
        card = page.locator("[data-part=todo] article")
        expect(card).to_contain_text("照片没有发出去")
        expect(card).to_contain_text("第 2 张照片，共 3 张")
        mend(page)
        card.get_by_role("button", name="压缩并重发").tap()
        sent(page)
        kept = site.ask(sa.select(sa.func.count()).select_from(Attachment).where(Attachment.width <= 1600))
        assert kept == 1


def test_what_was_sent_stays_in_the_list_and_leads_to_its_record(browser, site, huaxing):
    with phone(site, browser, "zhao") as page:
        cut(page)
        page.goto(f"{site.url}/enterprises/{huaxing}/visits/new")
        page.locator("label", has_text="未见到人").tap()
        page.get_by_label("聊了什么").fill("发出去的")
        page.get_by_role("button", name="提交走访").tap()
        page.get_by_text("已存在这台手机上").wait_for()
        mend(page)
        page.goto(f"{site.url}/outbox")
        sent(page)
        expect(page.get_by_text("今天已发出 1 条")).to_be_visible()
        chromium.unfold(page.get_by_text("最近 30 天发出的"))
        page.locator("[data-part=sent] a", has_text="走访").tap()
        page.wait_for_url(re.compile(r"/visits/[0-9a-f-]{36}"))
        expect(page.get_by_text("发出去的", exact=True)).to_be_visible()


def _opened(page: Page, site: Site, file: str) -> Any:
    page.goto(f"{site.url}/outbox")
    chromium.unfold(page.get_by_text("一直发不出去？存成文件"))
    page.locator("input[type=file]").set_input_files(file)
    return page.locator("[data-carry=said]")


def test_an_outbox_is_carried_to_other_phones_and_happens_once(browser, site, huaxing, tmp_path):
    file = str(tmp_path / "box.fieldapp")
    with phone(site, browser, "zhao") as page:
        cut(page)
        page.goto(f"{site.url}/enterprises/{huaxing}/needs/new")
        page.get_by_label("一句话说清需求").fill("带走的需求")
        page.locator("label", has_text="技术攻关").tap()
        page.locator("#source label").first.tap()
        page.locator(".actionbar [type=submit], #need-form [type=submit]").last.tap()
        page.get_by_text("已存在这台手机上").wait_for()
        page.goto(f"{site.url}/outbox")
        chromium.unfold(page.get_by_text("一直发不出去？存成文件"))
        with page.expect_download() as saved:
            page.get_by_role("button", name="存成文件").tap()
        saved.value.save_as(file)
        expect(page.locator("[data-carry=said]")).to_contain_text("里面有 1 条")
        assert len(waiting(page)) == 1
    sealed = (tmp_path / "box.fieldapp").read_bytes()
    assert "带走".encode() not in sealed and b'"salt":""' not in sealed

    with phone(site, browser, "sun") as page:  # somebody of another team
        expect(_opened(page, site, file)).to_contain_text("不是你的")
    with phone(site, browser, "li") as page:  # the lead of zhao's team
        expect(_opened(page, site, file)).to_contain_text("放进来 1 条")
        sent(page)
    with phone(site, browser, "zhao") as page:  # zhao on another phone: the same entry again
        expect(_opened(page, site, file)).to_contain_text("放进来 1 条")
        sent(page)
        expect(_opened(page, site, file)).to_contain_text("原来就有的 1 条")

    zhao = site.ask(sa.select(User.id).where(User.username == "zhao"))
    with site.app.app_context():
        assert db.session.scalars(sa.select(Need.author_id).where(Need.title == "带走的需求")).all() == [zhao]
        assert (
            db.session.scalar(
                sa.select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.action == "brought_in")
            )
            == 1
        )
        db.session.remove()
        db.engine.dispose()
    (tmp_path / "box.fieldapp").write_bytes(sealed[:-5])
    with phone(site, browser, "zhao") as page:
        expect(_opened(page, site, file)).to_contain_text("读不出来")


def test_a_file_that_nobody_sealed_puts_no_words_into_its_openers_mouth(browser, site, huaxing, tmp_path):
    """Made by hand, in the name of whoever opens it: it would act with that person's rights."""
    li = site.ask(sa.select(User.id).where(User.username == "li"))
    entry = {
        "key": str(uuid7()),
        "at": 1,
        "kind": "form",
        "keys": [],
        "made": [],
        "title": "改派",
        "method": "POST",
    }
    entry |= {"url": "/lead/assignments/apply", "fields": [["enterprises", str(huaxing)]]}
    content = json.dumps({"name": "李工", "entries": [entry]}).encode()
    head = {"what": "fieldapp outbox 1", "user": str(li), "salt": "", "iv": ""}
    file = tmp_path / "made-up.fieldapp"
    file.write_bytes(json.dumps(head).encode() + b"\n" + struct.pack(">I", len(content)) + content)
    with phone(site, browser, "li") as page:
        expect(_opened(page, site, str(file))).to_contain_text("读不出来")
        assert waiting(page) == []


def test_a_browser_without_a_database_says_what_still_works(browser, site):
    with chromium.phone(browser, service_workers="block") as page:
        page.add_init_script("Object.defineProperty(globalThis, 'indexedDB', {value: undefined});")
        chromium.page_watch(page).expect(".*")
        site.sign_in(page, "zhao")
        expect(page.locator("#banner .note:visible")).to_contain_text("这个浏览器不能把记录存在手机里")
        page.goto(f"{site.url}/outbox")
        expect(page.get_by_text("这个浏览器用不了发件箱")).to_be_visible()


def test_without_script_the_page_says_what_still_works(browser, site):
    with chromium.phone(browser, java_script_enabled=False) as page:
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/outbox")
        expect(page.get_by_text("这个浏览器用不了发件箱")).to_be_visible()
        expect(page.locator("#banner .note:visible")).to_have_count(0)
