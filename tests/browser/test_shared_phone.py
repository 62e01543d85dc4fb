"""One phone, several people: what belongs to whom, what goes when somebody leaves, and that nothing unsent is lost.

The four who may not see it: the next user of a shared phone, whoever finds a lost one, a disabled account, a session
ended from another device. The one who must: the owner, after signing in again.
"""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from fieldapp.accounts.models import Session, User
from fieldapp.clock import now
from fieldapp.db import db, writing
from fieldapp.needs.models import NeedEvent
from tests import people
from tests.browser.conftest import Site
from tests.conftest import Sqlite, make_app
from tests.tools import chromium, phone_database, server

pytestmark = pytest.mark.browser

NEED = f"/needs/{people.NEED}"
OFFLINE = (
    "Failed to load resource",
    "ERR_INTERNET_DISCONNECTED",
    "navigation preload",
    "TypeError: Failed to fetch",
)
SIGNED_OUT = ("status of 401",)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """On SQLite alone: all this happens on the phone."""
    folder = tmp_path_factory.mktemp("shared")
    database = Sqlite(folder)
    database.renew()
    settings = {"FIELDAPP_SECRET_KEY": "tests " * 8}
    with server.running(database.url, instance=folder, settings=settings) as here:
        yield Site(here.url, make_app(database.url, folder), database, by_hand=True)


def _evaluate(page: Page, body: str, **values):
    """`body` as an async function with the phone's own modules at hand; `user` is whose page this is."""
    module = page.evaluate("document.querySelector('script[src$=\"/app.js\"]').src.replace('/app.js', '')")
    script = """async ({ module, values }) => {
      const [queue, store, seal] = await Promise.all(["queue", "seal", "seal"].map((name) => import(`${module}/outbox/${name}.js`)));
      const { user } = document.documentElement.dataset;
      %s
    }"""
    return page.evaluate(script % body, {"module": module, "values": values})


def _ready(page: Page, address: str = NEED) -> None:
    """That page, with its owner's key opened and the worker in charge of what is asked next."""
    page.goto(address)
    for _ in range(100):
        if _evaluate(
            page,
            "return (await seal.knowsKey(user)) && (await store.currentUser())?.id === user && Boolean(navigator.serviceWorker.controller)",
        ):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the key is not opened, or the worker does not come")


def _note(page: Page, words: str, wait: int = 0) -> str:
    """An entry in the queue as the form makes it; without a network, or for `wait` milliseconds, it waits there."""
    put = """const { key, wait } = values;
      await queue.put({ key, user, title: `记一笔 · ${values.words}`, url: `${values.need}/note`, page: values.need, kind: "lightbulb", keys: [values.need], next: Date.now() + wait }, [["text", values.words]]);
      return key;"""
    return _evaluate(page, put, key=str(uuid.uuid4()), words=words, need=NEED, wait=wait)


def _lies(page: Page) -> dict[str, list[dict]]:
    """What lies on the phone, store by store."""
    return {name: found["rows"] for name, found in phone_database.dump(page)["stores"].items()}


def _named(rows: dict[str, list[dict]], prefix: str) -> list[str]:
    return [row["name"] for row in rows["meta"] if row["name"].startswith(prefix)]


def _until(page: Page, holds, what: str) -> None:
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError(what)


def _told(site: Site, words: str) -> str | None:
    """By whom this was noted on the server."""
    query = (
        sa.select(User.username).join(NeedEvent, NeedEvent.by_id == User.id).where(NeedEvent.note == words)
    )
    return site.ask(query)


def _times(site: Site, words: str) -> int:
    return site.ask(sa.select(sa.func.count()).select_from(NeedEvent).where(NeedEvent.note == words))


def _arrives(page: Page, site: Site, words: str, username: str) -> None:
    _until(page, lambda: _told(site, words), f"{words} did not arrive")
    assert _told(site, words) == username
    assert _times(site, words) == 1


def _server(site: Site, work) -> None:
    with site.app.app_context(), site.app.test_request_context(), writing():
        work()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def _user(username: str) -> User:
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def test_the_next_user_of_a_phone_sees_nothing_and_sends_nothing_of_the_first(browser, site: Site):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(*OFFLINE)
        site.sign_in(page, "zhao")
        _ready(page, site.url + NEED)
        page.reload()  # now it has come through the worker, and is kept
        _until(page, lambda: _lies(page)["pages"], "no page is kept")
        page.context.set_offline(True)
        _note(page, "赵青没发出去的")
        page.context.clear_cookies()  # his session is over, the phone lies about
        page.context.set_offline(False)

        site.sign_in(page, "qian")
        _ready(page, f"{site.url}/")
        rows = _lies(page)
        assert {row["user"] for row in rows["pages"]} <= {
            page.evaluate("document.documentElement.dataset.user")
        }
        assert len(_named(rows, "key:")) == len(_named(rows, "carry:")) == 1
        [entry] = rows["entries"]
        assert "plain" not in entry["sealed"] and "赵青没发出去的" not in str(rows)
        page.goto(f"{site.url}/outbox")
        expect(page.locator("main")).not_to_contain_text("赵青")
        assert _evaluate(page, "return (await queue.counts(user)).waiting") == 0
        first = entry["user"]
        assert _evaluate(
            page, "return (await queue.list(values.first)).every((one) => one.locked)", first=first
        )
        # A pack of the first that was still coming in when he left keeps nothing any more.
        late = "return store.keepPages(values.first, [{ path: '/late', html: 'late', hash: '' }])"
        assert _evaluate(page, late, first=first) is False
        page.context.set_offline(True)
        page.goto(site.url + NEED)
        expect(page.locator("body")).not_to_contain_text("隔膜涂覆均匀性攻关")
        page.context.set_offline(False)
        page.goto(f"{site.url}/me")
        page.wait_for_timeout(1000)
        assert _told(site, "赵青没发出去的") is None

        page.get_by_role("button", name="退出登录").click()
        page.wait_for_url(re.compile("/login"))
        site.sign_in(page, "zhao")
        _arrives(page, site, "赵青没发出去的", "zhao")


def test_a_purge_that_was_cut_short_is_finished_when_the_next_person_comes(browser, site: Site):
    """The key goes first, and then the page was left: what is sealed with it can be read by nobody, but is still there."""
    with chromium.phone(browser) as page:
        site.sign_in(page, "zhao")
        _ready(page, site.url + NEED)
        page.reload()
        _until(page, lambda: _lies(page)["pages"], "no page is kept")
        _evaluate(
            page, 'await seal.within("meta", "readwrite", (at) => seal.ask(at().delete(`key:${user}`)))'
        )
        page.context.clear_cookies()
        site.sign_in(page, "qian")
        _ready(page, f"{site.url}/")
        me = page.evaluate("document.documentElement.dataset.user")
        assert {row["user"] for row in _lies(page)["pages"]} <= {me}


def test_signing_out_warns_of_what_is_not_sent_and_keeps_it_for_its_owner(browser, site: Site):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(*OFFLINE)
        site.sign_in(page, "zhao")
        _ready(page, f"{site.url}/me")
        key = _note(page, "退出前没发的", wait=3_600_000)  # its turn has not come, though there is a network
        button = page.get_by_role("button", name="退出登录")
        warning = page.locator("#logout-form [data-warning]")
        expect(warning).to_be_hidden()
        button.click()
        expect(warning).to_be_visible()
        expect(warning).to_contain_text("还没发出去的记录：1")
        expect(warning).to_be_focused()
        page.get_by_role("button", name="仍然退出").click()
        page.wait_for_url(re.compile("/login"))
        expect(page.get_by_text("已退出登录。")).to_be_visible()
        rows = _lies(page)
        assert (
            not rows["pages"]
            and not _named(rows, "key:")
            and not _named(rows, "carry:")
            and not _named(rows, "user")
        )
        assert [row["state"] for row in rows["entries"]] == ["queued"]
        assert not _named(rows, "signout")
        site.sign_in(page, "zhao")
        _ready(page, f"{site.url}/me")
        _evaluate(page, "await queue.retry(values.key)", key=key)
        page.reload()
        _arrives(page, site, "退出前没发的", "zhao")


def test_signing_out_works_without_a_network_and_the_server_hears_of_it_later(browser, site: Site):
    open_sessions = (
        sa.select(sa.func.count())
        .select_from(Session)
        .join(User)
        .where(User.username == "qian", Session.ended_at.is_(None))
    )
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(*OFFLINE, *SIGNED_OUT)
        before = site.ask(open_sessions)
        site.sign_in(page, "qian")
        _ready(page, site.url + NEED)
        _ready(page, f"{site.url}/me")
        other = page.context.new_page()
        _ready(other, site.url + NEED)
        page.context.set_offline(True)
        page.get_by_role("button", name="退出登录").click()
        page.wait_for_url(re.compile("/login"))
        for tab in (page, other):  # the other tab leaves by itself
            expect(tab.locator("body")).not_to_contain_text("隔膜涂覆均匀性攻关")
        for address in (NEED, "/", "/me"):
            page.goto(site.url + address)
            expect(page.locator("body")).not_to_contain_text("隔膜涂覆均匀性攻关")
            expect(page.locator("body")).not_to_contain_text("钱禾")
        rows = _lies(page)
        assert not rows["pages"] and not _named(rows, "key:") and _named(rows, "signout")
        assert site.ask(open_sessions) == before + 1

        page.context.set_offline(False)

        def asked_to_sign_in() -> bool:
            page.goto(site.url + NEED)
            return "/login" in page.url

        _until(page, asked_to_sign_in, "the pages of before are shown")
        _until(page, lambda: site.ask(open_sessions) == before, "the server was not told")
        _until(page, lambda: not _named(_lies(page), "signout"), "the flag stays")


@pytest.mark.parametrize("way", ["disabled", "revoked"])
def test_a_session_ended_on_purpose_takes_the_pages_and_leaves_the_entries(browser, site: Site, way):
    words = f"还没发的 {way}"
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(*OFFLINE, *SIGNED_OUT)
        site.sign_in(page, "zhao")
        _ready(page, site.url + NEED)
        page.reload()
        _until(page, lambda: _lies(page)["pages"], "no page is kept")
        page.context.set_offline(True)
        _note(page, words)

        def end() -> None:
            user = _user("zhao")
            if way == "disabled":
                user.active = False
            db.session.execute(sa.update(Session).where(Session.user_id == user.id).values(ended_at=now()))

        _server(site, end)
        page.context.set_offline(False)  # the browser says so itself, and the queue begins
        _until(page, lambda: not _named(_lies(page), "key:"), "the key stays")
        _until(page, lambda: not _lies(page)["pages"], "pages stay")
        _until(page, lambda: not _named(_lies(page), "user"), "it still knows whose it was")
        rows = _lies(page)
        [entry] = [row for row in rows["entries"] if row["state"] != "done"]
        assert "data" in entry["sealed"] and words not in str(rows)
        expect(page.locator("#banner")).to_contain_text("这台手机上的登录被结束了")
        page.goto(site.url + NEED)
        page.wait_for_url(re.compile("/login"))
        assert _told(site, words) is None

        def back() -> None:
            _user("zhao").active = True

        _server(site, back)
        site.sign_in(page, "zhao")
        _arrives(page, site, words, "zhao")


def test_a_phone_that_only_opens_the_sign_in_page_learns_there_that_its_session_was_ended(
    browser, site: Site
):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(*OFFLINE)
        site.sign_in(page, "qian")
        _ready(page, site.url + NEED)
        page.reload()
        _until(page, lambda: _lies(page)["pages"], "no page is kept")

        def revoke() -> None:
            user = _user("qian")
            db.session.execute(sa.update(Session).where(Session.user_id == user.id).values(ended_at=now()))

        _server(site, revoke)
        page.goto(f"{site.url}/me")
        page.wait_for_url(re.compile("/login"))
        _until(
            page, lambda: not _lies(page)["pages"] and not _named(_lies(page), "key:"), "pages or key stay"
        )


def test_a_session_that_ran_out_stops_the_queue_and_signing_in_goes_on_where_it_was(browser, site: Site):
    words = "过期前写的"
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(*OFFLINE, *SIGNED_OUT)
        site.sign_in(page, "zhao")
        _ready(page, site.url + NEED)
        page.reload()
        _until(page, lambda: _lies(page)["pages"], "no page is kept")
        page.context.set_offline(True)
        _note(page, words)

        def run_out() -> None:
            user = _user("zhao")
            db.session.execute(
                sa.update(Session)
                .where(Session.user_id == user.id)
                .values(seen_at=now() - timedelta(days=90))
            )

        _server(site, run_out)
        page.context.set_offline(False)
        banner = page.locator("#banner")
        expect(banner).to_contain_text("登录过期了", timeout=15_000)
        rows = _lies(page)
        assert rows["pages"] and _named(rows, "key:")  # nobody ended it: what is kept stays readable
        assert _told(site, words) is None
        banner.get_by_role("link").click()
        page.wait_for_url(re.compile(r"/login\?next="))
        page.get_by_label("账号").fill("zhao")
        page.locator("#password").fill(people.PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(site.url + NEED)
        _arrives(page, site, words, "zhao")


AGE = """const old = Date.now() - 8 * 86400000;
  const db = await store.open();
  const transaction = db.transaction(["meta", "pages"], "readwrite");
  const meta = transaction.objectStore("meta");
  if (values.key) meta.get(`key:${user}`).onsuccess = ({ target: { result } }) => meta.put({ ...result, value: { ...result.value, usedAt: old } });
  const pages = transaction.objectStore("pages");
  pages.getAll().onsuccess = ({ target: { result } }) => { for (const row of result) pages.put({ ...row, at: old, used: row.path === values.fresh ? Date.now() : old }); };
  await new Promise((resolve) => { transaction.oncomplete = resolve; });"""


def test_what_nobody_has_used_for_seven_days_goes_and_what_is_unsent_stays(browser, site: Site):
    words = "八天前写的"
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(*OFFLINE)
        site.sign_in(page, "zhao")
        _ready(page, site.url + NEED)
        page.goto(f"{site.url}/follow-ups")
        page.goto(site.url + NEED)
        _until(page, lambda: len(_lies(page)["pages"]) >= 2, "no page is kept")
        # A page looked at yesterday stays, one nobody looked at for eight days goes.
        _evaluate(page, AGE, fresh=NEED)
        page.goto(f"{site.url}/me")
        _until(
            page,
            lambda: "/follow-ups" not in {row["path"] for row in _lies(page)["pages"]},
            "the old page stays",
        )
        assert NEED in {row["path"] for row in _lies(page)["pages"]}
        # A phone that its owner has not used for eight days: key and pages go, even without a network.
        page.context.set_offline(True)
        _note(page, words)
        _evaluate(page, AGE, key=True)
        page.evaluate(
            "import(document.querySelector('script[src$=\"/app.js\"]').src.replace('app.js', 'people.js')).then((people) => people.expire())"
        )
        _until(page, lambda: not _named(_lies(page), "key:"), "the key stays")
        rows = _lies(page)
        assert not rows["pages"] and "data" in rows["entries"][-1]["sealed"]
        page.goto(site.url + NEED)
        expect(page.locator("body")).not_to_contain_text("隔膜涂覆均匀性攻关")
        page.context.set_offline(False)
        page.goto(site.url + NEED)  # the session still holds: the key comes back, and the entry goes
        _arrives(page, site, words, "zhao")
