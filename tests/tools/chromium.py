"""A real Chromium for tests: where it is, how it starts, and who watches what it does.

    with chromium.launched() as browser, chromium.phone(browser) as page:
        page.goto(url)          # leaving fails on any console error, CSP violation or request to a foreign host

Sizes are CSS pixels. A page opened here is watched from its first byte; what a test expects to go wrong it says
with `page_watch(page).expect("status of 422")`.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, sync_playwright

DEBIAN = ("chromium", "chromium-browser", "google-chrome")
# The same engine without windows, menus and profiles: a window costs half. What Playwright starts by itself, too.
SHELL = ("chromium-headless-shell",)
PLAYWRIGHT_CACHE = Path(
    os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
)
PLAYWRIGHT_BUILDS = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
PLAYWRIGHT_SHELLS = ("chromium_headless_shell-*/chrome-*/*headless*shell",)

# A test browser talks to this machine and to nobody else, and starts without its maker's errands.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--lang=zh-CN",
)

# Chromium listens to the last such list only, so Playwright's own is said again. The first two are ours: the address
# bar's suggestions are two pages of their own now, loaded with every window and read by nobody: 1.6 of the
# 2.1 seconds of a processor that an empty context costs (Chromium 156, 2026-11-29).
WITHOUT = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LensOverlay"),
    *("MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"),
)

PHONE = {"width": 390, "height": 844}
SMALL_PHONE = {"width": 360, "height": 640}
NARROWEST = {"width": 320, "height": 640}
DESK = {"width": 1440, "height": 900}


class ChromiumMissing(RuntimeError):
    """No Chromium on this machine; the message says what to type."""


def find_executable(*, whole: bool = False) -> Path | None:
    """Chromium's path: `FIELDAPP_TEST_CHROMIUM`, else the system's, else the newest that Playwright downloaded.

    The windowless build, unless the `whole` browser is asked for: where a camera or a killed profile is the point.
    """
    if chosen := os.environ.get("FIELDAPP_TEST_CHROMIUM"):
        return Path(chosen)
    names, builds = (DEBIAN, PLAYWRIGHT_BUILDS) if whole else (SHELL, PLAYWRIGHT_SHELLS)
    if found := next(filter(None, map(shutil.which, names)), None):
        return Path(found)
    downloaded = [path for pattern in builds for path in PLAYWRIGHT_CACHE.glob(pattern)]
    return max(downloaded, key=lambda path: path.stat().st_mtime) if downloaded else None


def launch_options(
    *, text_percent: int = 100, camera: Path | None = None, whole: bool = False, arguments: Sequence[str] = ()
) -> dict[str, Any]:
    """Keyword arguments for Playwright's `chromium.launch`.

    `text_percent` sets the browser's own default font size, which is what a reader changes in the browser's settings
    and what `rem` is counted from. Neither a device scale factor nor page zoom does that: both scale the layout
    with the text, so nothing overflows and the test proves nothing.
    `camera` is a `.y4m` or `.mjpeg` file that plays as the camera, permission granted; it, or `whole`, takes the whole
    browser.
    """
    executable = find_executable(whole=whole or camera is not None)
    if executable is None:
        raise ChromiumMissing(
            "Chromium is not installed. Type: sudo apt-get install chromium chromium-headless-shell"
            "   or, without root: .venv/bin/python -m playwright install chromium"
        )
    flags = [*QUIET, f"--disable-features={','.join(WITHOUT)}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # Chromium's sandbox will not run as root
    if text_percent != 100:
        flags.append(f"--blink-settings=defaultFontSize={round(16 * text_percent / 100)}")
    if camera is not None:
        flags += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        flags.append(f"--use-file-for-fake-video-capture={camera}")
    return {"executable_path": str(executable), "headless": True, "args": [*flags, *arguments]}


_drivers: list[Playwright] = []


@contextmanager
def _driver() -> Iterator[Playwright]:
    """Playwright's own process: a thread can hold only one, so browsers started while it runs share it."""
    if _drivers:
        yield _drivers[0]
        return
    with sync_playwright() as playwright:
        _drivers.append(playwright)
        try:
            yield playwright
        finally:
            _drivers.clear()


@contextmanager
def launched(**options: Any) -> Iterator[Browser]:
    """A running browser with `launch_options(**options)`; several may run side by side."""
    with _driver() as playwright:
        browser = playwright.chromium.launch(**launch_options(**options))
        try:
            yield browser
        finally:
            browser.close()


# --- contexts ---------------------------------------------------------------------------------------


def context_options(
    size: dict[str, int], *, dark: bool = False, sharp: bool = False, **more: Any
) -> dict[str, Any]:
    """Options for `browser.new_context`: a Chinese phone or desk in Shanghai, light or dark.

    `sharp`: with the pixels of a phone's screen, for whoever looks at the picture; they cost four times the painting.
    """
    touch = size["width"] < 700
    return {
        "viewport": size,
        "screen": size,
        "device_scale_factor": 2 if touch and sharp else 1,
        "is_mobile": touch,
        "has_touch": touch,
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "color_scheme": "dark" if dark else "light",
    } | more


@contextmanager
def watched(browser: Browser, size: dict[str, int], **options: Any) -> Iterator[Page]:
    """A page in a context of its own; leaving without an exception checks its watch."""
    context = browser.new_context(**context_options(size, **options))
    try:
        seen = watch(context)
        yield context.new_page()
        seen.check()
    finally:
        context.close()


def phone(browser: Browser, **options: Any) -> Any:
    return watched(browser, PHONE, **options)


def small_phone(browser: Browser, **options: Any) -> Any:
    return watched(browser, SMALL_PHONE, **options)


def desk(browser: Browser, **options: Any) -> Any:
    return watched(browser, DESK, **options)


# --- watching ---------------------------------------------------------------------------------------

# A violation is an event before it is a line in the console: the event also names directive and address.
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", e =>
  console.error(`CSP violation: ${e.effectiveDirective} blocked ${e.blockedURI} at ${e.sourceFile}:${e.lineNumber}`));
"""

_WATCHES: dict[BrowserContext, Watch] = {}


@dataclass
class Watch:
    """Everything a context did that no page of ours may do."""

    context: BrowserContext
    hosts: set[str] = field(default_factory=lambda: {"127.0.0.1", "localhost"})
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, *patterns: str) -> None:
        """Problems matching one of these regular expressions are wanted, before or after they happen."""
        self.expected += patterns

    def unexpected(self) -> list[str]:
        return [p for p in self.problems if not any(re.search(pattern, p) for pattern in self.expected)]

    def check(self) -> None:
        """Raise AssertionError naming each problem that nobody expected."""
        problems = self.unexpected()
        assert not problems, "the browser complained:\n  " + "\n  ".join(problems)

    def forget(self) -> None:
        self.problems.clear()


def watch(context: BrowserContext) -> Watch:
    """Watch every page and worker of `context` from now on."""
    seen = Watch(context)
    context.add_init_script(REPORT_VIOLATIONS)

    def note_request(request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname not in seen.hosts:
            seen.problems.append(f"foreign request: {request.method} {request.url}")

    def forget_context(closed: BrowserContext) -> None:
        _WATCHES.pop(closed, None)

    def note_console(message: Any) -> None:
        if message.type in {"error", "warning"}:
            seen.problems.append(
                f"console {message.type}: {message.text} ({message.location.get('url', '')})"
            )

    context.on("request", note_request)
    context.on("console", note_console)
    context.on("weberror", lambda error: seen.problems.append(f"uncaught: {error.error}"))
    _WATCHES[context] = seen
    context.on("close", forget_context)
    return seen


def page_watch(page: Page) -> Watch:
    return _WATCHES[page.context]


def unfold(summary: Locator) -> None:
    """Open what is folded under these words. A list above that is drawn at this moment moves them away from under the
    tap, which then opens nothing: so it is tapped until it lies open, as a hand does."""
    folded, deadline = summary.locator("xpath=ancestor::details[1]"), time.monotonic() + 20
    while time.monotonic() < deadline:
        summary.tap()
        for _turn in range(10):
            if folded.get_attribute("open") is not None:
                return
            time.sleep(0.1)
    raise AssertionError(f"it stays folded: {summary}")


class Thumb:
    """Taps, counted. Typing is free; what takes a tap to begin is counted."""

    def __init__(self) -> None:
        self.taps = 0

    def tap(self, locator: Locator) -> None:
        locator.tap()
        self.taps += 1

    def type(self, locator: Locator, words: str) -> None:
        """Into a field that has to be tapped first, unless the page has put the cursor there."""
        if not locator.evaluate("field => field === document.activeElement"):
            self.tap(locator)
        locator.page.keyboard.insert_text(words)
