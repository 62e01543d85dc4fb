"""The scanner in a real Chromium: frames of a camera, photographs, and every reason why there is no picture.

Chromium on Linux has no BarcodeDetector of its own, so these frames are read by the vendored WASM decoder. Every
page is watched: a request to a foreign host, a CSP violation or a line on the console fails the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
import sqlalchemy as sa
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page, expect

from fieldapp.accounts.models import User
from fieldapp.accounts.sessions import open_session
from fieldapp.clock import now
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from tests import people, qr_damage
from tests.conftest import PUBLIC_URL, ROOT, make_app
from tests.qr_damage import film, wall
from tests.tools import axe, chromium, server

pytestmark = pytest.mark.browser

FOREIGN = "https://evil.example/q/" + "x" * 22
WAIT = 15_000  # ms; the machine that runs the tests may be busy


@dataclass
class Door:
    """A served city, an officer's session, and the code on the door of one of their enterprises."""

    url: str
    session: str
    enterprise_id: int
    code_url: str
    short_code: str

    @property
    def casefile(self) -> str:
        return f"{self.url}/enterprises/{self.enterprise_id}"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("scan")
    url = f"sqlite:///{folder / 'scan.sqlite3'}"
    app = make_app(url, folder)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        people.settle()
        with writing(), app.test_request_context():
            zhao = db.session.scalars(sa.select(User).where(User.username == "zhao")).one()
            session = open_session(zhao, now())
            db.session.commit()
        row = db.session.execute(
            sa.select(QrCode.enterprise_id, QrCode.token, QrCode.short_code)
            .join(Enterprise, Enterprise.id == QrCode.enterprise_id)
            .where(Enterprise.uscc == people.ENTERPRISES["huaxing"][1])
        ).one()
        db.session.remove()
        db.engine.dispose()
    settings = {
        "FIELDAPP_PUBLIC_URL": PUBLIC_URL,
        "FIELDAPP_SECURE_COOKIES": "0",
        "FIELDAPP_SECRET_KEY": "tests " * 8,
    }
    with server.running(url, instance=folder, settings=settings) as here:
        yield Door(here.url, session, row.enterprise_id, f"{PUBLIC_URL}/q/{row.token}", row.short_code)


# --- opening the page -------------------------------------------------------------------------------


def open_scanner(page: Page, door: Door, base: str | None = None) -> None:
    base = base or door.url
    page.context.add_cookies([{"name": "fieldapp", "value": door.session, "url": base}])
    # Guards name a feature that only some Chromium builds know; it says nothing about this page.
    chromium.page_watch(page).expect("Unrecognized feature")
    page.goto(f"{base}/scan")


def asked_for(page: Page) -> list[str]:
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url))
    return found


def status(page: Page) -> Any:
    return page.locator("[data-scan=status]")


def script(page: Page) -> str:
    """The address of scan.js in the version that the page uses."""
    return page.locator("[data-reader]").get_attribute("data-reader").split("/vendor/")[0] + "/js/scan.js"


@pytest.fixture
def without_camera() -> Iterator[Browser]:
    with chromium.launched() as browser:
        yield browser


# --- the camera -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (640, 480)], ids="{0[0]}x{0[1]}".format)
def test_a_code_over_a_fifth_of_the_width_opens_the_casefile(
    door: Door, tmp_path: Path, size: tuple[int, int]
) -> None:
    camera = film(tmp_path / "camera.y4m", wall([(door.code_url, 0.3, 0.6)], *size))
    with chromium.launched(camera=camera) as browser, chromium.phone(browser) as page:
        requests = asked_for(page)
        open_scanner(page, door)
        assert page.evaluate("'BarcodeDetector' in self") is False
        page.wait_for_url(door.casefile, timeout=WAIT)
        assert any(url.endswith("/vendor/zxing-reader-3.1.3.wasm") for url in requests)
        assert all(url.startswith(door.url) for url in requests)
        assert f"{door.url}/q/{door.code_url.rpartition('/')[2]}" in requests


def test_our_code_is_found_beside_a_foreign_one(door: Door, tmp_path: Path) -> None:
    camera = film(tmp_path / "camera.y4m", wall([(FOREIGN, 0.2, 0.4), (door.code_url, 0.7, 0.6)]))
    with chromium.launched(camera=camera) as browser, chromium.phone(browser) as page:
        open_scanner(page, door)
        page.wait_for_url(door.casefile, timeout=WAIT)


def test_a_foreign_code_is_shown_as_text_and_never_opened(door: Door, tmp_path: Path) -> None:
    camera = film(tmp_path / "camera.y4m", wall([(FOREIGN, 0.5, 0.5)]))
    with chromium.launched(camera=camera) as browser, chromium.phone(browser) as page:
        requests = asked_for(page)
        open_scanner(page, door)
        expect(page.locator("[data-scan=foreign]")).to_be_visible(timeout=WAIT)
        expect(page.locator("[data-scan=foreign-text]")).to_have_text(FOREIGN)
        assert page.locator("[data-scan=foreign] a").count() == 0
        page.wait_for_timeout(1000)
        assert page.url == f"{door.url}/scan" and not [url for url in requests if "/q/" in url]
        expect(status(page)).to_have_text("对准企业门口的青助企二维码")
        axe.check(page)


def test_a_slow_phone_reads_it_too_and_stays_usable(door: Door, tmp_path: Path) -> None:
    camera = film(tmp_path / "camera.y4m", wall([(FOREIGN, 0.5, 0.5)]))
    with chromium.launched(camera=camera) as browser, chromium.phone(browser) as page:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})
        open_scanner(page, door)
        expect(page.locator("[data-scan=foreign]")).to_be_visible(timeout=2 * WAIT)
        # How much of two seconds the page's own turn comes at all, while decoding goes on: more than a third.
        free = page.evaluate(
            """() => new Promise(done => { const start = performance.now(); let free = 0, last = start;
               const turn = () => { const t = performance.now(); if (t - last < 50) free += t - last; last = t;
                 t - start < 2000 ? setTimeout(turn, 1) : done(free / (t - start)); }; turn(); })"""
        )
        assert free > 0.33
        page.fill("#code", door.short_code)
        page.click(".scan-sheet button")
        page.wait_for_url(door.casefile, timeout=WAIT)


def test_leaving_stops_the_camera(door: Door, tmp_path: Path) -> None:
    camera = film(tmp_path / "camera.y4m", wall([]))
    with chromium.launched(camera=camera) as browser, chromium.phone(browser) as page:
        open_scanner(page, door)
        expect(status(page)).to_have_text("对准企业门口的青助企二维码", timeout=WAIT)
        page.evaluate("self.track = document.querySelector('video').srcObject.getVideoTracks()[0]")
        assert page.evaluate("track.readyState") == "live"
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
        assert page.evaluate("track.readyState") == "ended"
        assert page.evaluate("document.querySelector('video').srcObject") is None


# --- no picture -------------------------------------------------------------------------------------


def test_no_camera_is_said_plainly(door: Door, without_camera: Browser) -> None:
    with chromium.phone(without_camera) as page:
        open_scanner(page, door)
        expect(status(page)).to_contain_text("没有摄像头", timeout=WAIT)
        expect(page.get_by_text("相册", exact=True)).to_be_visible()
        axe.check(page)


def test_a_refused_camera_is_said_plainly_and_can_be_tried_again(door: Door) -> None:
    arguments = ("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    with chromium.launched(whole=True, arguments=arguments) as browser, chromium.phone(browser) as page:
        open_scanner(page, door)
        expect(status(page)).to_contain_text("没有摄像头的使用许可", timeout=WAIT)
        page.context.grant_permissions(["camera"], origin=door.url)
        page.get_by_role("button", name="再试一次").click()
        expect(status(page)).to_have_text("对准企业门口的青助企二维码", timeout=WAIT)


def test_without_encryption_the_page_says_why(door: Door) -> None:
    host = "plain.test"
    rules = f"--host-resolver-rules=MAP {host} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with chromium.launched(whole=True, arguments=(rules,)) as browser, chromium.phone(browser) as page:
        watch = chromium.page_watch(page)
        watch.hosts.add(host)
        watch.expect("Cross-Origin-Opener-Policy", "untrustworthy")  # the browser's remark on plain http
        open_scanner(page, door, door.url.replace("127.0.0.1", host))
        expect(status(page)).to_contain_text("https", timeout=WAIT)


def test_without_script_the_typed_code_still_opens_the_casefile(door: Door, without_camera: Browser) -> None:
    with chromium.phone(without_camera, java_script_enabled=False) as page:
        open_scanner(page, door)
        expect(status(page)).to_contain_text("没有反应，请输入下面的编号")
        page.fill("#code", "000000")
        page.click(".scan-sheet button")
        chromium.page_watch(page).expect("status of 422")
        expect(page.locator("#code-err")).to_contain_text("没有这个编号")
        page.fill("#code", door.short_code)
        page.click(".scan-sheet button")
        page.wait_for_url(door.casefile)


# --- photographs ------------------------------------------------------------------------------------


def photograph(path: Path, codes: list[tuple[str, float, float]], share: float) -> Path:
    picture = qr_damage.tilt(wall(codes, 1800, 2400, share), 12, 8, roll=7)
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return path


@pytest.mark.parametrize("share", [0.4, 0.07])
def test_a_photograph_from_the_album_is_read(
    door: Door, without_camera: Browser, tmp_path: Path, share: float
) -> None:
    photo = photograph(tmp_path / "door.jpg", [(door.code_url, 0.45, 0.55)], share)
    with chromium.phone(without_camera) as page:
        open_scanner(page, door)
        expect(status(page)).to_contain_text("没有摄像头", timeout=WAIT)
        page.set_input_files("[data-scan=album]", photo)
        page.wait_for_url(door.casefile, timeout=WAIT)


def test_other_photographs_are_answered_in_words(door: Door, without_camera: Browser, tmp_path: Path) -> None:
    foreign = photograph(tmp_path / "foreign.jpg", [(FOREIGN, 0.5, 0.5)], 0.4)
    empty = photograph(tmp_path / "empty.jpg", [], 0.4)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    with chromium.phone(without_camera) as page:
        open_scanner(page, door)
        expect(status(page)).to_contain_text("没有摄像头", timeout=WAIT)
        for photo, words in ((empty, "没有找到二维码"), (broken, "打不开"), (foreign, "没有青助企的二维码")):
            page.set_input_files("[data-scan=album]", photo)
            expect(status(page)).to_contain_text(words, timeout=WAIT)
        expect(page.locator("[data-scan=foreign-text]")).to_have_text(FOREIGN)


# --- decisions --------------------------------------------------------------------------------------

TOKEN = "AbCdEfGhIjKlMnOpQr-_Uv"
HOMES = ["https://qzq.example.cn", "http://127.0.0.1:8000"]
OURS = [
    f"https://qzq.example.cn/q/{TOKEN}",
    f"HTTPS://QZQ.EXAMPLE.CN/q/{TOKEN}",
    f"http://127.0.0.1:8000/q/{TOKEN}?x#y",
]
NOT_OURS = [
    f"http://qzq.example.cn/q/{TOKEN}",  # not encrypted
    f"https://qzq.example.cn.evil.example/q/{TOKEN}",
    f"https://qzq.example.cn@evil.example/q/{TOKEN}",
    f"https://evil@qzq.example.cn/q/{TOKEN}",
    f"https://qzq.example.cn:444/q/{TOKEN}",
    f"https://qzq.example.cn/logout?/q/{TOKEN}",
    "https://qzq.example.cn/q/../logout",
    f"https://qzq.example.cn/q/{TOKEN}/order",
    "https://qzq.example.cn/q/",
    f"https://qzq.example.cn/q/{'x' * 65}",
    f"javascript:location='/q/{TOKEN}'",
    f"/q/{TOKEN}",
    "204816",
    "",
]
TROUBLES = {
    "NotAllowedError": "refused",
    "SecurityError": "refused",
    "NotFoundError": "absent",
    "OverconstrainedError": "absent",
    "NotReadableError": "busy",
    "AbortError": "busy",
    "TypeError": "old",
}


def test_decisions(door: Door, without_camera: Browser) -> None:
    with chromium.phone(without_camera) as page:
        open_scanner(page, door)

        def ask(call: str, *arguments: Any) -> Any:
            return page.evaluate(
                f"([path, args]) => import(path).then(m => {call})", [script(page), list(arguments)]
            )

        tokens = ask("args[0].map(text => m.ownToken(text, args[1]))", OURS + NOT_OURS, HOMES)
        assert tokens == [TOKEN] * len(OURS) + [None] * len(NOT_OURS)
        assert ask("args[0].map(name => m.trouble({name}, true))", list(TROUBLES)) == list(TROUBLES.values())
        assert ask("m.trouble({name: 'NotAllowedError'}, false)") == "insecure"
        assert ask("m.trouble(null, true)") == "old"
        assert ask("m.shown(args[0])", "a\u202eb\u0000c\nd\u2028e  ") == "a b c d e"
        assert len(ask("m.shown(args[0])", "长" * 500)) == 161
        assert ask("m.choose(args[0], args[1])", [FOREIGN, OURS[0]], HOMES) == {"token": TOKEN}
        assert ask("m.choose(args[0], args[1])", ["", FOREIGN], HOMES) == {"foreign": FOREIGN}
        assert ask("m.choose([], args[0])", HOMES) is None
        for width, height in ((1920, 1080), (1080, 1920), (640, 480), (320, 240)):
            for slow in (False, True):
                looks = ask("m.looks(...args)", width, height, slow)
                whole = looks[0]["to"]
                assert 0.2 * min(width, whole[0]) / 37 >= min(3.0, 0.2 * min(width, 480) / 37 * 0.9), (
                    json.dumps(looks)
                )
                for look in looks:
                    assert look["x"] >= 0 and look["x"] + look["size"][0] <= width
                    assert look["y"] >= 0 and look["y"] + look["size"][1] <= height
        assert [ask("m.pause(args[0])", took) for took in (0, 200, 9000)] == [60, 200, 1500]
