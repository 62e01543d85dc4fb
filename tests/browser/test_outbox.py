"""The outbox: written down first, then sent; once, in order, under the right name, whatever the network does.

What a form does with a network is told elsewhere; here the network, the session or the phone fails. The service worker is
kept out: everything here the page does by itself.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Error, Page, Route

from fieldapp.accounts.models import Session, User
from fieldapp.db import db
from fieldapp.enterprises.models import Enterprise
from fieldapp.entries.models import Entry
from fieldapp.followups.models import FollowUp, FollowUpNote
from fieldapp.visits.models import Visit, visit_photo
from tests import people
from tests.photos import jpeg
from tests.tools import chromium

pytestmark = pytest.mark.browser

NO_NETWORK = (
    "Service Worker registration blocked",
    r"net::ERR_",
    r"status of (4\d\d|5\d\d)",
    r"Failed to fetch",
)
QUEUED, SENT = "已存在这台手机上", "已发到服务器"

# The phone's database as somebody with a debugger finds it: what is sealed shows only its length.
ROWS = """async store => {
  const db = await new Promise((yes, no) => {
    const asked = indexedDB.open("fieldapp");
    asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error);
  });
  const rows = await new Promise(yes => { db.transaction(store).objectStore(store).getAll().onsuccess = e => yes(e.target.result); });
  db.close();
  const text = bytes => new TextDecoder("utf-8", {fatal: false}).decode(bytes);
  return rows.map(row => JSON.parse(JSON.stringify({...row, raw: row.sealed?.data ? text(row.sealed.data) : ""})));
}"""
# No room for another entry.
FULL = """() => {
  self.put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (...all) {
    if (this.name === "entries") throw new DOMException("full", "QuotaExceededError");
    return self.put.apply(this, all);
  };
}"""
# What Chromium does, one time in six, when the disk becomes full in the middle of a transaction: no request of it is
# answered any more, and the database cannot be opened again.
FULL_UNDERWAY = """() => {
  const { get } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.get = function (...all) {
    const more = () => { try { get.apply(this, all).onsuccess = more; } catch { /* taken back */ } };
    more();
    return {};
  };
  IDBFactory.prototype.open = () => {
    const request = { error: new DOMException("Internal error opening backing store", "UnknownError") };
    setTimeout(() => request.onerror());
    return request;
  };
}"""
# A module of the served version, by its name.
MODULE = """async ([name, call, args]) => {
  const own = document.querySelector("script[src*='/js/outbox/transport.js']").src;
  const m = await import(own.replace(/outbox\\/transport\\.js$/, name));
  return await m[call](...args);
}"""


@contextmanager
def phone(browser: Browser, **options: Any) -> Iterator[Page]:
    with chromium.phone(browser, service_workers="block", **options) as page:
        chromium.page_watch(page).expect(*NO_NETWORK)
        page.set_default_timeout(15_000)
        yield page


def rows(page: Page, store: str = "entries") -> list[dict[str, Any]]:
    return list(page.evaluate(ROWS, store))


def states(page: Page) -> list[str]:
    return [row["state"] for row in sorted(rows(page), key=lambda row: row["seq"])]


def call(page: Page, module: str, name: str, *args: Any) -> Any:
    return page.evaluate(MODULE, [module, name, list(args)])


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


def all_sent(page: Page, patience: float = 60) -> None:
    until(lambda: set(states(page)) <= {"done"}, f"everything sent; it is {states(page)}", patience)


@pytest.fixture(scope="module")
def huaxing(site):
    return site.ask(sa.select(Enterprise.id).where(Enterprise.name.startswith("华星")))


def said(site, words: str) -> int:
    """How many visits have these words."""
    return int(site.ask(sa.select(sa.func.count()).select_from(Visit).where(Visit.said == words)))


def visit_form(site, page: Page, huaxing: int, words: str, photos: int = 0) -> None:
    page.bring_to_front()  # a browser hardly draws the tabs behind, and a tap waits for it
    page.goto(f"{site.url}/enterprises/{huaxing}/visits/new")
    page.locator("label", has_text="未见到人").tap()
    page.get_by_label("聊了什么").fill(words)
    if photos:
        files: list[Any] = [
            {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": jpeg(640 + n, 480)}
            for n in range(photos)
        ]
        page.locator("label", has_text="相册").locator("input").set_input_files(files)
        until(lambda: page.locator("[data-photo] img").count() == photos, "photos shown")


def submit(page: Page) -> None:
    page.bring_to_front()
    page.get_by_role("button", name="提交走访").tap()


def submit_offline(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    submit(page)
    page.get_by_text(QUEUED).wait_for()


def is_entry(route: Route) -> bool:
    return route.request.method == "POST" and "idempotency-key" in route.request.headers


def on_entries(page: Page, handle: Callable[[Route], None]) -> None:
    """`handle` meets every entry on its way to the server; everything else goes on."""
    page.context.route("**/*", lambda route: handle(route) if is_entry(route) else route.continue_())


def lose_answer(route: Route) -> None:
    """The server has it and says so; the words never arrive."""
    route.fetch()
    route.abort("connectionreset")


# --- an entry's way ---------------------------------------------------------------------------------------------


def test_offline_it_waits_sealed_and_goes_with_its_photos_when_the_network_is_back(browser, site, huaxing):
    words = "三号窑炉要换燃烧器，想看别家怎么做"
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, words, photos=2)
        submit_offline(page)
        assert states(page) == ["queued"] * 3 and said(site, words) == 0
        lying_there = json.dumps(
            [rows(page, store) for store in ("entries", "bodies", "meta")], ensure_ascii=False
        )
        assert words not in lying_there and "华星" not in lying_there and "plain" not in lying_there
        assert str(huaxing) not in [row.get("url") for row in rows(page)]
        page.context.set_offline(False)
        page.get_by_text(SENT).wait_for()
        all_sent(page)
        assert rows(page, "bodies") == []
        visit = site.ask(sa.select(Visit).where(Visit.said == words))
        expected = [row["key"] for row in sorted(rows(page), key=lambda row: row["seq"]) if row["photo"]]
    assert said(site, words) == 1 and visit.photos_expected == [] and len(expected) == 2
    shown = sa.select(visit_photo.c.attachment_id).where(visit_photo.c.visit_id == visit.id)
    assert [str(site.ask(shown.where(visit_photo.c.position == place))) for place in (1, 2)] == expected
    entry = site.ask(
        sa.select(Entry).where(Entry.path.endswith("/visits/new")).order_by(Entry.created_at.desc())
    )
    assert entry.client_at is not None


def test_an_answer_that_was_lost_is_asked_for_again_and_the_visit_is_one(browser, site, huaxing):
    lost: list[str] = []

    def lossy(route: Route) -> None:
        if len(lost) < 2:
            lost.append(route.request.headers["idempotency-key"])
            lose_answer(route)
        else:
            route.continue_()

    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "回答丢了")
        on_entries(page, lossy)
        submit(page)
        page.get_by_text(QUEUED).wait_for()
        page.get_by_text(SENT).wait_for(timeout=20_000)
        assert states(page) == ["done"] and len(set(lost)) == 1
    assert said(site, "回答丢了") == 1


def test_an_answer_that_takes_long_finds_the_form_gone_and_the_words_right(browser, site, huaxing):
    slow: list[Route] = []
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "网很慢")
        on_entries(page, slow.append)
        began = time.monotonic()
        submit(page)
        page.get_by_text(QUEUED).wait_for()
        assert time.monotonic() - began > 2.5, "the answer was waited for first"
        slow[0].continue_()
        page.get_by_text(SENT).wait_for()
        page.get_by_role("link", name="打开看看").tap()
        page.get_by_text("网很慢").wait_for()
        assert len(slow) == 1
    assert said(site, "网很慢") == 1


def test_a_captive_portal_that_answers_everything_proves_nothing(browser, site, huaxing):
    portal = []

    def catch(route: Route) -> None:
        portal.append(route)
        route.fulfill(status=200, content_type="text/html", body="<h1>欢迎使用免费无线网</h1>")

    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "在宾馆里写的")
        on_entries(page, catch)
        submit(page)
        page.get_by_text(QUEUED).wait_for()
        assert states(page) == ["queued"] and portal
        page.context.unroute_all(behavior="wait")
        call(page, "outbox/send.js", "drain", "tap")
        page.get_by_text(SENT).wait_for()
    assert said(site, "在宾馆里写的") == 1


def test_a_refused_form_put_right_is_the_same_entry(browser, site, huaxing):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/enterprises/{huaxing}/visits/new")
        page.get_by_label("聊了什么").fill("忘了写见到谁")
        submit(page)
        page.get_by_role("alert").get_by_text("至少选一位").first.wait_for()
        until(lambda: states(page) == ["error"], "it is kept as refused")
        first = rows(page)[0]["key"]
        page.locator("label", has_text="未见到人").tap()
        submit(page)
        page.wait_for_url("**/visits/*-*")
        assert [(row["key"], row["state"]) for row in rows(page)] == [(first, "done")]
    assert said(site, "忘了写见到谁") == 1


def test_a_refusal_of_a_mere_button_is_shown_and_not_kept(browser, site):
    with phone(browser) as page:
        site.sign_in(page, "li")
        page.goto(f"{site.url}/needs/{people.NEED}")
        form = page.locator("#forward-form")
        form.evaluate(
            "form => form.setAttribute('action', form.getAttribute('action').replace(/[^/]+$/, 'claim'))"
        )
        form.locator("button[type=submit]").click()
        page.locator("main > [data-refused]").wait_for()
        until(lambda: states(page) == [], "nothing is kept of it")


def test_double_taps_and_coming_back_make_one_entry_each(browser, site, huaxing):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "按了两下")
        page.get_by_role("button", name="提交走访").dblclick()
        page.wait_for_url("**/visits/*-*")
        page.go_back()
        page.get_by_label("聊了什么").fill("回来又写一次")
        page.locator("label", has_text="未见到人").tap() if not page.locator(
            "#met_nobody"
        ).is_checked() else None
        submit(page)
        page.wait_for_url("**/visits/*-*")
        all_sent(page)
    assert said(site, "按了两下") == 1 and said(site, "回来又写一次") == 1


# --- order ------------------------------------------------------------------------------------------------------


def test_three_edits_of_one_old_page_apply_in_turn_and_a_note_comes_between(browser, site):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        address = f"{site.url}/follow-ups/{people.FOLLOW_UP}"
        pages = [page.context.new_page() for _ in range(4)]
        for one, path in zip(pages, ("/edit", "", "/edit", "/edit"), strict=True):
            one.goto(address + path)
            one.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        for number, one in enumerate(pages, 1):
            one.bring_to_front()
            if number == 2:
                one.locator("#note-form textarea").fill("电话里催过一次")
                one.locator("#note-form button").tap()
            else:
                one.get_by_label("答应了什么").fill(f"第 {number} 次写的话")
                one.get_by_role("button", name="保存").tap()
            one.get_by_text(QUEUED).wait_for()
        assert states(page) == ["queued"] * 4
        page.context.set_offline(False)
        all_sent(page)
        assert max(row["status"] for row in rows(page)) < 300
    assert site.ask(sa.select(FollowUp.title).where(FollowUp.id == people.FOLLOW_UP)) == "第 4 次写的话"


def test_somebody_elses_edit_in_between_is_a_conflict_and_nothing_is_overwritten(browser, site):
    with phone(browser) as page, phone(browser) as other:
        site.sign_in(page, "zhao")
        site.sign_in(other, "li")
        address = f"{site.url}/follow-ups/{people.FOLLOW_UP}/edit"
        for one in (page, other):
            one.goto(address)
            one.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        page.get_by_label("答应了什么").fill("我离线时写的")
        page.get_by_role("button", name="保存").tap()
        page.get_by_text(QUEUED).wait_for()
        other.get_by_label("答应了什么").fill("负责人先改的")
        other.get_by_role("button", name="保存").tap()
        other.wait_for_url(re.compile(r"/follow-ups/[0-9a-f-]+(\?|$)"))
        page.context.set_offline(False)
        until(lambda: states(page) == ["conflict"], "the conflict is told")
        assert "负责人先改的" in call(page, "outbox/queue.js", "list", rows(page)[0]["user"])[0]["answer"]
    assert site.ask(sa.select(FollowUp.title).where(FollowUp.id == people.FOLLOW_UP)) == "负责人先改的"


def test_what_belongs_to_a_waiting_visit_waits_for_it_and_the_rest_does_not(browser, site, huaxing):
    sent: list[str] = []

    def watched(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        route.continue_()

    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "带两张照片", photos=2)
        submit_offline(page)
        on_entries(page, watched)
        page.context.set_offline(False)
        all_sent(page)
        order = [row["key"] for row in sorted(rows(page), key=lambda row: row["seq"])]
    assert sent == order


# --- two tabs ---------------------------------------------------------------------------------------------------


def test_two_tabs_send_each_entry_once(browser, site, huaxing):
    keys: list[str] = []

    def watched(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.continue_()

    with phone(browser) as page:
        site.sign_in(page, "zhao")
        tabs = [page, page.context.new_page()]
        for number in range(2):
            page.context.set_offline(False)
            on_entries(page, lambda route: route.abort())
            for tab in tabs:
                visit_form(site, tab, huaxing, f"两个标签页 {number}")
            page.context.set_offline(True)
            for tab in tabs:
                submit(tab)
                tab.get_by_text(QUEUED).wait_for()
        page.context.unroute_all(behavior="wait")
        on_entries(page, watched)
        page.context.set_offline(False)
        all_sent(page)
    assert len(keys) == len(set(keys)) == 4
    assert [said(site, f"两个标签页 {number}") for number in range(2)] == [2, 2]


def test_a_sleeping_tab_that_holds_the_drain_is_taken_over(browser, site, huaxing):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        sleeper = page.context.new_page()
        sleeper.goto(f"{site.url}/me")
        sleeper.evaluate(
            "() => { navigator.locks.request('outbox-drain', () => new Promise(() => {})).catch(() => {}); }"
        )
        visit_form(site, page, huaxing, "旁边的标签页睡着了")
        submit_offline(page)
        call(page, "outbox/db.js", "remember", "lease", int(time.time() * 1000) - 61_000)
        page.context.set_offline(False)
        page.get_by_text(SENT).wait_for(timeout=20_000)
    assert said(site, "旁边的标签页睡着了") == 1


# --- people -----------------------------------------------------------------------------------------------------


def _end_sessions(site, username: str) -> None:
    with site.app.app_context():
        person = db.session.scalars(sa.select(User).where(User.username == username)).one()
        db.session.execute(sa.delete(Session).where(Session.user_id == person.id))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def test_a_session_that_ran_out_keeps_the_entry_until_its_owner_is_back(browser, site, huaxing):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "登录过期了")
        _end_sessions(site, "zhao")
        submit(page)
        page.get_by_text(QUEUED).wait_for()
        page.get_by_text("登录过期了").first.wait_for()
        assert states(page) == ["queued"]
        site.sign_in(page, "zhao")
        all_sent(page)
    assert said(site, "登录过期了") == 1


def test_a_stale_token_is_renewed_unnoticed(browser, site, huaxing):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "页面放了很久")
        page.evaluate("""async () => {
          const own = document.querySelector("script[src*='/js/outbox/transport.js']").src;
          (await import(own.replace("transport", "send"))).introduce({user: document.documentElement.dataset.user, csrf: "00"});
        }""")
        submit(page)
        page.wait_for_url("**/visits/*-*")
    assert said(site, "页面放了很久") == 1


def test_another_person_on_this_phone_sends_nothing_of_mine(browser, site, huaxing):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "赵青写的")
        submit_offline(page)
        page.context.clear_cookies()
        page.context.set_offline(False)
        site.sign_in(page, "qian")
        page.goto(f"{site.url}/me")
        call(page, "outbox/send.js", "drain", "tap")
        assert states(page) == ["queued"] and said(site, "赵青写的") == 0
        page.context.clear_cookies()
        site.sign_in(page, "zhao")
        all_sent(page)
        author = site.ask(
            sa.select(User.username).join(Visit, Visit.officer_id == User.id).where(Visit.said == "赵青写的")
        )
    assert author == "zhao"


# --- phones that cannot ------------------------------------------------------------------------------------------


def test_plain_http_has_no_keys_and_no_locks_and_still_sends_once(site, huaxing):
    resolve = "--host-resolver-rules=MAP phone.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    address = site.url.replace("127.0.0.1", "phone.test")
    with chromium.launched(arguments=[resolve]) as browser, phone(browser) as page:
        chromium.page_watch(page).hosts.add("phone.test")
        chromium.page_watch(page).expect("Cross-Origin-Opener-Policy header has been ignored")
        here = type(site)(address, site.app, site.database)
        here.sign_in(page, "zhao")
        assert page.evaluate("[isSecureContext, !!crypto.subtle, !!navigator.locks]") == [False, False, False]
        visit_form(here, page, huaxing, "没有加密的网址")
        submit_offline(page)
        assert states(page) == ["queued"]
        page.context.set_offline(False)
        page.get_by_text(SENT).wait_for()
    assert said(site, "没有加密的网址") == 1


def test_without_a_database_the_network_still_works_and_typed_words_stay_without_it(browser, site, huaxing):
    with phone(browser) as page:
        chromium.page_watch(page).expect("htmx:error|Not sent|outbox:")
        page.add_init_script(
            "delete Window.prototype.indexedDB; Object.defineProperty(self, 'indexedDB', {value: undefined})"
        )
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "没有地方存", photos=1)
        page.context.set_offline(True)
        submit(page)
        page.get_by_text("这个浏览器不能把记录存在手机里").wait_for()
        assert page.get_by_label("聊了什么").input_value() == "没有地方存"
        page.context.set_offline(False)
        submit(page)
        page.wait_for_url("**/visits/*-*")
        page.get_by_role("img", name="现场照片").first.wait_for()
    assert said(site, "没有地方存") == 1


def test_what_went_out_unkept_and_is_tried_again_from_the_queue_is_one_with_its_photos(
    browser, site, huaxing
):
    """The phone was full, the form went out as it stood, the answer was lost; then there was room again."""
    with phone(browser) as page:
        chromium.page_watch(page).expect("htmx:error|Not sent|outbox:")
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "满过又空了", photos=2)
        page.evaluate(FULL)
        on_entries(page, lose_answer)
        submit(page)
        page.locator("#banner .note").get_by_text("手机存储满了").wait_for()
        # While it waits the page's requests pass through this process.
        until(lambda: page.wait_for_timeout(50) or said(site, "满过又空了") == 1, "it has arrived")
        page.wait_for_timeout(500)
        page.evaluate("() => { IDBObjectStore.prototype.put = self.put; }")
        page.context.unroute_all()
        submit(page)
        page.wait_for_url("**/visits/*-*")
        all_sent(page)
    assert said(site, "满过又空了") == 1
    shown = sa.select(sa.func.count()).select_from(visit_photo).join(Visit).where(Visit.said == "满过又空了")
    assert site.ask(shown) == 2


def test_a_full_phone_is_said_no_longer_when_the_form_went_out_all_the_same(browser, site, huaxing):
    with phone(browser) as page:
        chromium.page_watch(page).expect("outbox:")
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "满着也发出去了")
        page.evaluate(FULL)
        submit(page)
        page.wait_for_url("**/visits/*-*")
        page.wait_for_timeout(300)
        assert page.locator("#banner .note").get_by_text("手机存储满了").is_hidden()
    assert said(site, "满着也发出去了") == 1


def test_a_full_phone_is_said_until_the_note_has_gone_and_its_page_stays(browser, site):
    words = "满着写的一笔进展"
    with phone(browser) as page:
        chromium.page_watch(page).expect(
            "outbox:", "ERR_INTERNET_DISCONNECTED", "Failed to fetch", "Not sent"
        )
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/follow-ups/{people.FOLLOW_UP}")
        page.evaluate(FULL)
        page.context.set_offline(True)
        page.locator("#note-form textarea").fill(words)
        page.get_by_role("button", name="保存进展").click()
        told = page.locator("#banner .note").get_by_text("手机存储满了")
        told.wait_for()
        assert page.locator("#note-form textarea").input_value() == words
        page.context.set_offline(False)
        page.get_by_role("button", name="保存进展").click()
        page.locator(".tl").get_by_text(words).wait_for()
        told.wait_for(state="hidden")
    arrived = sa.select(sa.func.count()).select_from(FollowUpNote).where(FollowUpNote.text == words)
    assert site.ask(arrived) == 1


def test_a_disk_that_became_full_under_way_is_told_as_one(browser, site, huaxing):
    """The transaction falls silent; what is said is what opening again says, not "this browser keeps nothing"."""
    with phone(browser) as page:
        chromium.page_watch(page).expect("outbox:|htmx:error|Not sent")
        page.clock.install()
        site.sign_in(page, "zhao")
        visit_form(site, page, huaxing, "写到一半就满了")
        until(lambda: rows(page, "drafts"), "the draft is there")
        page.evaluate(FULL_UNDERWAY)
        page.context.set_offline(True)
        page.locator("#banner").get_by_text("现在没有网络").wait_for()
        page.locator(".actionbar-note").get_by_text("没有网络也能提交").wait_for()
        submit(page)
        page.wait_for_timeout(300)
        page.clock.run_for(17_000)
        page.locator("#banner .note").get_by_text("手机存储满了").wait_for()
        # Nor does the bar below promise what the banner takes back.
        assert page.locator(".actionbar-note").is_hidden()
        assert page.get_by_label("聊了什么").input_value() == "写到一半就满了"
    assert said(site, "写到一半就满了") == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own for a phone, small enough to be filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_on_a_full_disk_nothing_is_queued_the_form_stays_and_space_heals(browser, small_disk, site, huaxing):
    # More than a page of memory: what is little finds room in the last page of the database's log.
    words = "手机存储满了" * 500
    with chromium._driver() as driver:
        context = driver.chromium.launch_persistent_context(
            str(small_disk / "profile"),
            **chromium.launch_options(),
            **chromium.context_options(chromium.PHONE, service_workers="block"),
        )
        page = context.pages[0]
        try:
            site.sign_in(page, "zhao")
            visit_form(site, page, huaxing, words)
            until(lambda: rows(page, "meta"), "the key is there")
            ballast = small_disk / "ballast"
            page.context.set_offline(True)
            # It moves the page under the thumb.
            page.locator("#banner").get_by_text("现在没有网络").wait_for()
            page.wait_for_timeout(300)
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(65536))
            submit(page)
            told = page.locator("#banner .note").get_by_text("手机存储满了")
            told.wait_for()  # where the database fell silent, after sixteen seconds
            # Whatever changes elsewhere, these words are still in no store.
            page.evaluate("() => new BroadcastChannel('fieldapp-outbox').postMessage({ kind: 'changed' })")
            page.wait_for_timeout(300)
            assert told.is_visible()
            assert page.get_by_label("聊了什么").input_value() == words
            ballast.unlink()
            assert states(page) == []
            submit(page)
            page.get_by_text(QUEUED).wait_for()
            assert told.is_hidden()
            page.context.set_offline(False)
            page.get_by_text(SENT).wait_for()
        finally:
            context.close()
    assert said(site, words) == 1


# --- decisions --------------------------------------------------------------------------------------------------

KEY = "01900000-0000-7000-8000-000000000001"
ACK = {"Outbox-Ack": KEY}
ANSWERS: list[tuple[int, dict[str, str], dict[str, Any]]] = [
    (200, ACK, {"state": "done"}),
    (204, {"Outbox-Ack": KEY.upper()}, {"state": "done"}),
    (200, {}, {"wait": "net"}),
    (200, {"Outbox-Ack": KEY[:-1] + "2"}, {"wait": "net"}),
    (0, {}, {"wait": "net"}),
    (302, {}, {"wait": "net"}),
    (401, {}, {"wait": "net"}),
    (401, {"Outbox-Error": "auth"}, {"wait": "auth"}),
    (401, {"Outbox-Error": "ended"}, {"wait": "ended"}),
    (403, {"Outbox-Error": "user"}, {"wait": "user"}),
    (403, {"Outbox-Error": "csrf"}, {"wait": "csrf"}),
    (403, ACK, {"state": "error"}),
    (404, {}, {"wait": "net"}),
    (404, ACK, {"state": "error"}),
    (409, ACK, {"state": "conflict"}),
    (409, ACK | {"Outbox-Error": "superseded"}, {"state": "done"}),
    (413, {}, {"state": "error"}),
    (422, ACK, {"state": "error"}),
    (429, ACK | {"Retry-After": "7"}, {"wait": "busy", "after": 7000}),
    (500, ACK, {"wait": "server"}),
    (502, {}, {"wait": "net"}),
    (503, {"Retry-After": "120"}, {"wait": "net", "after": 120_000}),
]


def test_decisions(browser, site):
    with phone(browser) as page:
        site.sign_in(page, "zhao")
        found = page.evaluate(
            """async ([answers, key]) => {
              const own = document.querySelector("script[src*='/js/outbox/transport.js']").src;
              const m = await import(own.replace("transport", "verdict"));
              const row = (key, seq, keys, more) => ({key, seq, keys, made: [], state: "queued", next: 0, ...more});
              const lot = [row("a", 1, ["v"]), row("b", 2, ["v"], {photo: {}}), row("c", 3, ["v"], {photo: {}}), row("d", 4, ["w"]),
                row("e", 5, ["w"]), row("f", 6, ["x"], {next: 9}), row("g", 7, ["y"], {state: "error", made: ["y"]}), row("h", 8, ["y"]),
                row("i", 9, ["z"], {state: "error", made: []}), row("j", 10, ["z"])];
              const names = rows => rows.map(one => one.key).join("");
              return {
                verdicts: answers.map(([status, headers]) => m.judge(status, new Headers(headers), key)),
                pauses: [0, 1, 5, 20].map(n => m.backoff(n, 0.5)), spread: [m.backoff(0, 0), m.backoff(0, 1)],
                first: names(m.ready(lot, new Set(), 5)), then: names(m.ready(lot.slice(1), new Set(), 10)),
                photos: names(m.ready(lot.slice(1), new Set(["b"]), 10)), full: names(m.ready(lot, new Set(["1", "2", "3", "4", "5"]), 5)),
                dated: m.retryAfter("Tue, 24 Nov 2026 00:01:00 GMT", Date.UTC(2026, 10, 24)), patience: m.patience(40960),
              };
            }""",
            [[[status, headers] for status, headers, _ in ANSWERS if status], KEY],
        )
    judged = [expected for status, _, expected in ANSWERS if status]
    for verdict, expected in zip(found["verdicts"], judged, strict=True):
        assert expected.items() <= verdict.items(), (verdict, expected)
    assert found["pauses"] == [2000, 4000, 64_000, 300_000] and found["spread"] == pytest.approx([1400, 2600])
    assert (
        found["first"] == "adj"
        and found["then"] == "dfjb"
        and found["photos"] == "dfj"
        and found["full"] == ""
    )
    assert found["dated"] == 60_000 and found["patience"] == 30_000
