"""The app on a phone: installed, told how to be installed, protected from being thrown away, renewed without a jolt."""

from __future__ import annotations

import json
import re
from io import BytesIO

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Error, expect

from fieldapp import pages
from fieldapp.accounts.models import User
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.needs.models import NeedEvent
from tests import people
from tests.browser.conftest import Site
from tests.conftest import Sqlite, make_app
from tests.tools import axe, chromium, icons, phone_database, server

pytestmark = pytest.mark.browser

NEED = f"/needs/{people.NEED}"
SETTINGS = {"FIELDAPP_SECRET_KEY": "tests " * 8}
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
WECHAT = "Mozilla/5.0 (Linux; Android 13; V2254A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600"
ANDROID = "Mozilla/5.0 (Linux; Android 13; V2254A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """On SQLite alone: all this happens on the phone. What zhao's phones hold opens with a seed that tests know."""
    folder = tmp_path_factory.mktemp("app")
    database = Sqlite(folder)
    database.renew()
    app = make_app(database.url, folder)
    with app.app_context(), writing():
        db.session.execute(
            sa.update(User).where(User.username == "zhao").values(phone_seed=phone_database.SEED)
        )
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    with server.running(database.url, instance=folder, settings=SETTINGS) as here:
        yield Site(here.url, app, database)


# --- the manifest and the icons ---------------------------------------------------------------------


def test_chromium_finds_an_app_that_it_can_install(browser, site: Site):
    with chromium.phone(browser) as page:
        site.sign_in(page, "zhao")
        devtools = page.context.new_cdp_session(page)
        found = devtools.send("Page.getAppManifest")
        assert not found["errors"], found["errors"]
        manifest = json.loads(found["data"])
        assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        problems = {
            problem["errorId"]
            for problem in devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
        }
        assert problems <= {"in-incognito"}, problems  # every context of a test is one
        for icon in manifest["icons"]:
            answer = page.request.get(site.url + icon["src"])
            image = Image.open(BytesIO(answer.body()))
            assert answer.ok and answer.headers["content-type"] == "image/png"
            assert "x".join(map(str, image.size)) == icon["sizes"]
            # A system cuts its own shape out of a maskable icon: no corner of it may be see-through.
            assert (image.convert("RGBA").getpixel((0, 0))[3] == 255) == (icon["purpose"] == "maskable")


def test_the_icons_are_drawn_from_the_logo(browser):
    for name in icons.ICONS:
        drawn, kept = (
            Image.open(source).convert("RGBA")
            for source in (BytesIO(icons.draw(browser, name)), icons.IMAGES / name)
        )
        assert drawn.size == kept.size
        # Another build of the browser may round an edge differently; another logo it may not be.
        far = sum(abs(a - b) > 40 for a, b in zip(drawn.tobytes(), kept.tobytes(), strict=True))
        assert far < 0.002 * len(kept.tobytes()), f"{name}: run python -m tests.tools.icons"


def test_only_the_pages_of_those_who_sign_in_offer_to_be_installed(browser, site: Site):
    token = site.ask(sa.select(QrCode.token).limit(1))
    with chromium.phone(browser) as page:
        for address, offered in (("/login", 1), (f"/q/{token}", 0)):
            page.goto(site.url + address)
            assert page.locator("link[rel=manifest]").count() == offered, address
            assert page.locator("link[rel=apple-touch-icon]").count() == offered, address


# --- 我的: this phone -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "said", "unsaid"),
    [
        (IPHONE, ("七天没有用", "添加到主屏幕", "先把没发出去的都发出去"), ("微信", "浏览器的菜单")),
        (WECHAT, ("在浏览器打开", "清理聊天缓存", "复制网址"), ("添加到主屏幕",)),
        (ANDROID, ("浏览器的菜单", "添加到主屏幕"), ("七天没有用", "微信")),
    ],
    ids=["iphone", "wechat", "android"],
)
def test_each_phone_is_told_what_fits_it(browser, site: Site, agent, said, unsaid):
    with chromium.small_phone(browser, user_agent=agent) as page:
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/me")
        section = page.locator("[data-phone]")
        expect(section).to_be_visible()
        expect(section.get_by_text(re.compile(r"青助企在这台手机上用了 [\d.]+"))).to_be_visible()
        words = section.inner_text()
        assert all(part in words for part in said), words
        assert not any(part in words for part in unsaid), words
        axe.check(
            page, skip=("target-size",)
        )  # what the tab bar covers just now is scrolled free, not too small


def test_android_offers_to_install_with_one_tap(browser, site: Site):
    with chromium.phone(browser, user_agent=ANDROID) as page:
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/me")
        expect(page.locator("[data-storage]")).to_be_visible()
        # The browser's own event: an automated one never offers by itself.
        page.evaluate("""() => {
          const offer = new Event("beforeinstallprompt", { cancelable: true });
          offer.prompt = () => { document.title = "asked"; };
          offer.userChoice = Promise.resolve({ outcome: "accepted" });
          dispatchEvent(offer);
          document.title = offer.defaultPrevented ? "held back" : "let go";
        }""")
        expect(page).to_have_title("held back")
        page.get_by_role("button", name="装到桌面").click()
        expect(page).to_have_title("asked")
        expect(page.locator("[data-phone]")).to_contain_text("已装在这台手机上")


def test_a_browser_that_may_clear_what_is_stored_is_asked_on_a_tap(browser, site: Site):
    answers = """let kept = false;
      navigator.storage.persisted = async () => kept;
      navigator.storage.persist = async () => { globalThis.asks = (globalThis.asks || 0) + 1; if (navigator.userActivation.isActive) kept = true; return kept; };"""
    with chromium.phone(browser) as page:
        page.add_init_script(answers)
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/me")
        section = page.locator("[data-phone]")
        expect(section.get_by_text("可能被清掉")).to_be_visible()
        section.get_by_role("button", name="请浏览器别清掉").click()
        expect(section.get_by_text("不会被清掉")).to_be_visible()
        expect(section.get_by_role("button", name="请浏览器别清掉")).to_be_hidden()


# --- a newer version --------------------------------------------------------------------------------


def _another_version(page) -> None:
    def answer(route) -> None:
        said = route.fetch().json() | {"version": "ffffffffff"}
        route.fulfill(json=said)

    page.route("**/outbox/session", answer)


ASK = """import(document.querySelector('script[src$="/app.js"]').src.replace("app.js", "outbox/send.js")).then((send) => send.session()).then(Boolean)"""


def test_a_newer_version_is_told_calmly_and_never_to_somebody_who_is_writing(browser, site: Site):
    notice = "青助企有新版本，打开下一页时自动换上。"
    with chromium.phone(browser, service_workers="block") as page:
        chromium.page_watch(page).expect("Service Worker registration blocked")
        site.sign_in(page, "zhao")
        page.goto(site.url + NEED)
        expect(page.get_by_text(notice)).to_have_count(0)
        _another_version(page)
        page.get_by_label("记一笔进展").fill("写到一半")
        assert page.evaluate(ASK)
        page.wait_for_timeout(300)
        expect(page.get_by_text(notice)).to_have_count(0)
        page.get_by_label("记一笔进展").fill("")
        stays = page.evaluate("globalThis.stays = Math.random()")
        assert page.evaluate(ASK)
        expect(page.get_by_text(notice)).to_be_visible()
        assert page.evaluate(ASK)
        expect(page.get_by_text(notice)).to_have_count(1)
        assert page.evaluate("globalThis.stays") == stays, "the page was loaded again by itself"


# --- databases of old -------------------------------------------------------------------------------

DATABASES = sorted(phone_database.DATABASES.glob("v*.json"))
READ = """async ([key, need]) => {
  const module = document.querySelector('script[src$="/app.js"]').src.replace("/app.js", "");
  const [queue, store] = await Promise.all(["queue", "seal"].map((name) => import(`${module}/outbox/${name}.js`)));
  const { user } = document.documentElement.dataset;
  const entries = await queue.list(user);
  if (entries.some((entry) => entry.locked)) throw new Error("Locked"); // the list tells it so, and goes on
  const fields = await queue.bodyOf(key);
  return {
    titles: entries.map((entry) => entry.title),
    body: fields?.map(([name, value]) => [name, value.data ? [value.name, [...new Uint8Array(value.data)]] : value]),
    draft: (await store.draftOf(user, `${need}|note`))?.value,
    page: (await store.pageOf(user, need))?.html,
  };
}"""

RETRY = """async (key) => (await import(document.querySelector('script[src$="/app.js"]').src.replace("app.js", "outbox/queue.js"))).retry(key)"""


def test_every_version_of_the_phones_database_has_its_file():
    """A version that has been released stays readable: python -m tests.browser.databases.write writes the file."""
    source = (pages.OWN_SCRIPTS / "outbox" / "db.js").read_text()
    version = int(re.search(r"^const VERSION = (\d+);", source, re.M).group(1))
    assert [path.stem for path in DATABASES] == [f"v{number}" for number in range(1, version + 1)]


def _read(page):
    """What lies there, opened; the key comes with the page's first question to the server."""
    for _ in range(100):
        try:
            return page.evaluate(READ, [phone_database.KEY, NEED])
        except Error as error:
            if "Locked" not in str(error):
                raise
            page.wait_for_timeout(100)
    raise AssertionError("the key did not come")


@pytest.mark.parametrize("path", DATABASES, ids=[path.stem for path in DATABASES])
def test_a_database_of_any_released_version_opens_and_loses_nothing(browser, site: Site, path):
    with chromium.phone(browser) as page:
        chromium.page_watch(page).expect(
            "Failed to load resource", "ERR_INTERNET_DISCONNECTED", "Failed to fetch"
        )
        page.goto(f"{site.url}/healthz")
        database = json.loads(path.read_text())
        assert "第一行" not in path.read_text(), "what is typed lies there in plain words"
        for row in database["stores"]["pages"]["rows"]:  # as if it had been looked at just now
            row["used"] = page.evaluate("Date.now()")
        for row in database["stores"]["entries"]["rows"]:  # looked at first, then sent
            row["next"] = page.evaluate("Date.now() + 3600000")
        phone_database.lay(page, database)
        site.sign_in(page, "zhao")
        page.goto(f"{site.url}/me")
        expect(page.locator("[data-storage]")).to_be_visible()
        found = _read(page)
        assert found == {
            "titles": ["记一笔 · 发过的", "记一笔 · 没发的"],
            "body": [["text", "第一行\n第二行"], ["extra", ["门口.jpg", [255, 216, 255, 217]]]],
            "draft": {"fields": [["text", "写到一半"]]},
            "page": "<p>存下的页面</p>",
        }
        page.evaluate(RETRY, phone_database.KEY)
        page.reload()
        arrived = sa.select(sa.func.count()).select_from(NeedEvent).where(NeedEvent.note == "第一行\n第二行")
        for _ in range(150):
            if site.ask(arrived):
                break
            page.wait_for_timeout(100)
        assert site.ask(arrived) == 1
