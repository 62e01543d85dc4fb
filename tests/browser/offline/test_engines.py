"""The core, once more in Firefox and in Safari's engine: no Background Sync there, and without a service worker too."""

from __future__ import annotations

import contextlib
import time

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.codes.models import QrCode
from tests import people
from tests.browser.offline.line import FirstTime, writes_only
from tests.browser.offline.phone import HELD, poll, visits
from tests.browser.offline.town import photo
from tests.tools.engines import EngineFailed, Firefox, WebKit

pytestmark = pytest.mark.browser

# Without a worker; and 无痕模式, where nothing outlives the window.
SETTINGS = {
    "firefox": {},
    "firefox-without-worker": {"dom.serviceWorkers.enabled": False},
    "firefox-private": {"browser.privatebrowsing.autostart": True},
}
# A picture from elsewhere, put in by the page's own document.
PLANTED = """const image = document.createElement("img"); image.src = "https://elsewhere.example/x.png";
  document.body.append(image); return true;"""
ORDERED = """const values = { title: arguments[0], contact_name: "刘工", phone: "13812345678" };
  for (const [name, value] of Object.entries(values)) document.querySelector(`[name=${name}]`).value = value;
  for (const box of ["[name=kind][value=TALENT]", "[name=agreed]"]) document.querySelector(box).click();"""
# Every module that the page asks for has come.
SETTLED = """return document.readyState === "complete" && !document.querySelector("[data-module]");"""

# A transaction of the page's own that is in mid-work when the page is left, and whether the next page gets its turn.
IN_WORK = """const own = document.querySelector("script[src*='/js/outbox/transport.js']").src;
  const { within, ask } = await import(own.replace("transport.js", "db.js"));
  within(["entries", "bodies", "meta"], "readwrite", async (at) => { for (;;) await ask(at("entries").get("-")); }).catch(() => {});"""
ITS_TURN = """const base = await new Promise((yes, no) => {
    const asked = indexedDB.open("fieldapp"); asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error);
  });
  return Promise.race([
    new Promise((yes) => { base.transaction("entries", "readwrite").objectStore("entries").count().onsuccess = () => yes("its turn"); }),
    new Promise((yes) => setTimeout(() => yes("waits"), 10_000)),
  ]).finally(() => base.close());"""

TOLD = """return document.querySelector("[data-key]") ? "queued"
  : new RegExp("/visits/[0-9a-f-]{36}").test(location.pathname) ? "saved" : "";"""


@pytest.fixture(params=[*SETTINGS, "webkit"])
def engine(request, tmp_path):
    made = (
        WebKit(tmp_path) if request.param == "webkit" else Firefox(tmp_path, settings=SETTINGS[request.param])
    )
    with made:
        forgets = request.param in ("webkit", "firefox-private")
        made.again = None if forgets else lambda: Firefox(tmp_path, settings=SETTINGS[request.param])
        yield made


class Hand:
    """The phone's owner, with another engine in it."""

    def __init__(self, engine, town, folder):
        self.engine, self.town, self.folder = engine, town, folder

    def sign_in(self, username="zhao"):
        engine = self.engine
        engine.goto(f"{self.town.line.url}/login")
        engine.type("#username", username)
        engine.type("#password", people.PASSWORD)
        engine.click("form button[type=submit]")
        engine.until("return document.documentElement.dataset.user && document.readyState === 'complete'")

    def held(self):
        return self.engine.run(f"return ({HELD})()")

    def waiting(self):
        return [row for row in self.held() if row["state"] != "done"]

    def record(self, said):
        engine = self.engine
        engine.goto(f"{self.town.line.url}/enterprises/{self.town.enterprise(said.enterprise)}/visits/new")
        engine.until("return !document.querySelector('#visit-form').dataset.module")
        if said.photos:
            engine.until("return document.querySelector('[data-add] input')")
            paths = []
            for number in said.photos:
                path = self.folder / f"{number}.jpg"
                path.write_bytes(photo(number))
                paths.append(str(path))
            engine.type("[data-add] input[multiple]", "\n".join(paths))
            engine.until(
                "return document.querySelectorAll('[data-photo] img').length === arguments[0]",
                len(said.photos),
            )
        engine.run("document.querySelector('#met_nobody').click();")
        engine.run(
            "const field = document.querySelector('[name=said]'); field.value = arguments[0];"
            "field.dispatchEvent(new Event('input', { bubbles: true }));",
            said.words,
        )
        for index, title in enumerate(said.needs):
            engine.run(
                "document.querySelector(`[name=needs-${arguments[0]}-title]`).value = arguments[1];",
                index,
                title,
            )
        for index, title in enumerate(said.promises):
            engine.run(
                "const at = arguments[0]; document.querySelector(`[name=promises-${at}-title]`).value = arguments[1];"
                "document.querySelectorAll('[data-date]')[1].click();",
                index,
                title,
            )
        # By the button's own click: a driver's tap aims at a place, and the bar moves when the badge comes in above it.
        engine.run("document.querySelector('[form=visit-form][value=record]').click();")
        return engine.until(TOLD)

    def must_send_all(self, patience=60):
        def sent():
            # A page that gives way to the next in mid-question answers nothing: it is asked again.
            with contextlib.suppress(EngineFailed):
                self.engine.run("dispatchEvent(new Event('online'));")
                return not self.waiting()

        poll(sent, "everything sent", patience=patience, every=0.3)


def must_keep_the_policy(town):
    """Nothing that this browser opened, whichever page, has broken its page's policy."""
    assert not town.line.violations, "\n".join(town.line.violations)


@pytest.fixture
def hand(engine, town, tmp_path):
    town.line.told_on = True
    town.line.violations.clear()
    made = Hand(engine, town, tmp_path)
    made.sign_in()
    yield made
    must_keep_the_policy(town)


@pytest.mark.parametrize("engine", ["firefox", "webkit"], indirect=True)
def test_every_main_page_keeps_its_policy(hand, town):
    """Once each, with what its scripts load and draw; and a violation would not be missed."""
    engine, company = hand.engine, town.enterprise()
    token = town.ask(
        sa.select(QrCode.token).where(QrCode.enterprise_id == company, QrCode.revoked_at.is_(None))
    )
    own = ["/", "/enterprises", f"/enterprises/{company}", f"/enterprises/{company}/visits/new",
           f"/enterprises/{company}/needs/new", f"/needs/{people.NEED}", "/follow-ups", f"/follow-ups/{people.FOLLOW_UP}",
           "/outbox", "/pack", "/me", "/scan"]  # fmt: skip

    def walk(paths):
        for path in paths:
            engine.goto(town.line.url + path)
            engine.until(SETTLED)
            assert engine.run("return location.pathname") == path
            assert engine.run("return document.querySelector('h1') !== null"), path
            must_keep_the_policy(town)

    walk(own)
    engine.goto(f"{town.line.url}/me")
    engine.until(SETTLED)
    engine.run("document.querySelector('#logout-form button[type=submit]').click();")
    engine.until("return location.pathname === '/login'")
    walk([f"/q/{token}", f"/q/{token}/order"])
    engine.run(ORDERED, f"引擎 {engine.name} 的点单")
    time.sleep(3.2)  # nobody fills it in faster; the server asks whoever does to press again
    engine.run("document.querySelector('#order-form .btn-primary').click();")
    engine.until("return location.pathname.startsWith('/t/')")
    walk([engine.run("return location.pathname")])
    # The check itself: a planted violation is told, by this engine too.
    engine.run(PLANTED)
    poll(lambda: town.line.violations, "the planted violation is told")
    with pytest.raises(AssertionError, match=r"elsewhere\.example"):
        must_keep_the_policy(town)
    town.line.violations.clear()


@pytest.mark.parametrize("engine", ["firefox", "webkit"], indirect=True)
def test_a_page_left_in_mid_work_locks_no_later_page_out(hand, town):
    """WebKit keeps the locks of a transaction whose page is gone: nothing could be stored or sent any more."""
    engine = hand.engine
    for path in ("/enterprises", "/follow-ups", "/me"):
        engine.goto(town.line.url + path)
        engine.until(SETTLED)
        assert engine.run(ITS_TURN) == "its turn"
        engine.run(IN_WORK)


def test_the_core_holds_in_other_engines(hand, town):
    engine, since = hand.engine, clock.now()
    assert engine.run("return 'sync' in (globalThis.ServiceWorkerRegistration?.prototype || {})") is False
    said = visits(f"引擎 {engine.name} {clock.now():%H%M%S}", 9, photos=2)
    for one in said[:2]:  # whole
        assert hand.record(one) == "saved"
    hand.must_send_all()
    town.line.fate = writes_only("cut")  # cut before anything is sent
    for one in said[2:5]:
        assert hand.record(one) == "queued"
    assert len(hand.waiting()) == 9
    town.line.fate = FirstTime("lost")  # kept, but the answer is lost
    for one in said[5:7]:
        hand.record(one)
    hand.must_send_all()
    town.line.fate = writes_only("mute")  # the tab is closed while the answer is awaited
    hand.record(said[7])
    first = engine.tabs()[0]
    other = engine.new_tab()
    engine.switch(first)
    engine.close_tab()
    engine.switch(other)
    town.line.on()
    engine.goto(f"{town.line.url}/enterprises")
    hand.must_send_all()
    town.expire("zhao")  # the session runs out, signing in goes on
    hand.sign_in()
    town.line.fate = writes_only("cut")
    assert hand.record(said[8]) == "queued"
    town.line.on()
    hand.must_send_all()
    town.must_hold(said, since)
    if engine.again:
        # Killed and started again, it still knows what it had.
        town.line.fate = writes_only("cut")
        (late,) = visits(f"引擎 {engine.name} 断电 {clock.now():%H%M%S}", 1)
        assert hand.record(late) == "queued"
        engine.kill()
        with engine.again() as risen:
            town.line.on()
            hand.engine = risen
            risen.goto(f"{town.line.url}/enterprises")
            if risen.run("return location.pathname") == "/login":
                hand.sign_in()
            hand.must_send_all()
        town.must_hold([*said, late], since)
