"""Browsers that are not Chromium, from Debian: Firefox, and WebKitGTK which is Safari's engine.

Both speak the W3C WebDriver's commands: Firefox by itself (Marionette, a socket), WebKitGTK through WebKitWebDriver
(HTTP). No driver has to be downloaded. A screen is needed for WebKitGTK only, and Xvfb is one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.tools import processes

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE = 60.0

FIREFOX = ("firefox-esr", "firefox")
MINIBROWSERS = "usr/lib/*/webkit2gtk-4.*/MiniBrowser"

# Nobody is to be called but this machine.
QUIET_FIREFOX = {
    "marionette.port": 0,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.newtabpage.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "zh-CN",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class EngineMissing(RuntimeError):
    """That browser is not on this machine; the message says what to type."""


class EngineFailed(RuntimeError):
    """The browser ended, or a command of ours failed in it."""


def find_firefox() -> Path | None:
    if chosen := os.environ.get("FIELDAPP_TEST_FIREFOX"):
        return Path(chosen)
    return next((Path(found) for name in FIREFOX if (found := shutil.which(name))), None)


def find_webkit() -> tuple[Path, Path] | None:
    """(WebKitWebDriver, MiniBrowser)."""
    driver = shutil.which("WebKitWebDriver")
    browser = next(iter(sorted(Path("/").glob(MINIBROWSERS), reverse=True)), None)
    return (Path(driver), browser) if driver and browser else None


def find_screen() -> str | None:
    return shutil.which("Xvfb")


def _end(process: subprocess.Popen[bytes]) -> None:
    """This program and all it started, by the group that it leads, without a word."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


def _launch(command: Sequence[str | Path], *, log: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """In a group of its own, which a test can kill as a battery does that falls out."""
    return processes.start(command, log=log, env=env, own_group=True)


class Engine:
    """What a page can be asked to do, whatever the wire."""

    name = ""

    def command(self, method: str, path: str, name: str, **parameters: Any) -> Any:
        """`method` and `path` over HTTP, `name` over Marionette."""
        raise NotImplementedError

    def goto(self, url: str) -> None:
        self.command("POST", "/url", "WebDriver:Navigate", url=url)

    @property
    def url(self) -> str:
        return str(self.command("GET", "/url", "WebDriver:GetCurrentURL"))

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that the body of a function `script` returns; a promise is waited for."""
        wrapped = (
            "const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);"
            f"(async function () {{ {script} }}).apply(null, given)"
            ".then((value) => done([0, value === undefined ? null : value]), (error) => done([1, String(error)]));"
        )
        outcome = self.command(
            "POST", "/execute/async", "WebDriver:ExecuteAsyncScript", script=wrapped, args=list(arguments)
        )
        if outcome is None:
            raise EngineFailed("the page went away")
        failed, value = outcome
        if failed:
            raise EngineFailed(value)
        return value

    def until(self, script: str, *arguments: Any, patience: float = 45.0) -> Any:
        """Ask until it says something true; a page on its way to another is asked again."""
        deadline, last = time.monotonic() + patience, None
        while time.monotonic() < deadline:
            try:
                if value := self.run(script, *arguments):
                    return value
            except EngineFailed as error:
                last = error
            time.sleep(0.1)
        where = self.run("return [location.href, document.body.innerText.slice(0, 1500)]")
        raise AssertionError(f"{self.name} waited in vain for {script} ({last}) at {where}")

    def element(self, selector: str) -> str:
        found = self.command(
            "POST", "/element", "WebDriver:FindElement", using="css selector", value=selector
        )
        return str(found[ELEMENT])

    def click(self, selector: str) -> None:
        element = self.element(selector)
        self.command("POST", f"/element/{element}/click", "WebDriver:ElementClick", id=element)

    def type(self, selector: str, text: str) -> None:
        """Keys into a field; into a file field, paths joined by newlines."""
        element = self.element(selector)
        self.command("POST", f"/element/{element}/value", "WebDriver:ElementSendKeys", id=element, text=text)

    def new_tab(self) -> str:
        made = self.command("POST", "/window/new", "WebDriver:NewWindow", type="tab")
        return str(made["handle"])

    def tabs(self) -> list[str]:
        return list(self.command("GET", "/window/handles", "WebDriver:GetWindowHandles"))

    def switch(self, tab: str) -> None:
        self.command("POST", "/window", "WebDriver:SwitchToWindow", handle=tab)

    def close_tab(self) -> None:
        self.command("DELETE", "/window", "WebDriver:CloseWindow")

    def kill(self) -> None:
        """As when the battery falls out."""
        raise NotImplementedError

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _until(answers: Callable[[], Any], process: subprocess.Popen[bytes], log: Path, what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, ValueError, urllib.error.URLError):
            if found := answers():
                return found
        time.sleep(0.05)
    _end(process)
    raise EngineFailed(f"{what} did not start:\n{processes.tail(log)}")


class Firefox(Engine):
    """Firefox on the profile in `folder`; killed and started again it finds what it kept."""

    name = "firefox"

    def __init__(self, folder: Path, *, settings: dict[str, Any] | None = None) -> None:
        executable = find_firefox()
        if executable is None:
            raise EngineMissing("Firefox is not installed. Type: sudo apt-get install firefox-esr")
        profile, log = folder / "firefox", folder / "firefox.log"
        profile.mkdir(parents=True, exist_ok=True)
        for name, value in (QUIET_FIREFOX | (settings or {})).items():
            with (profile / "user.js").open("a") as file:
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        marker = profile / "MarionetteActivePort"
        marker.unlink(missing_ok=True)
        (profile / ".parentlock").unlink(missing_ok=True)
        self._process = _launch(
            [str(executable), "--headless", "--marionette", "--no-remote", "--profile", str(profile)],
            log=log,
            env=processes.clean_environment(HOME=str(folder), MOZ_CRASHREPORTER_DISABLE="1"),
        )
        port = _until(lambda: int(marker.read_text() or 0), self._process, log, "Firefox")
        self._wire = _until(
            lambda: socket.create_connection(("127.0.0.1", port), timeout=120), self._process, log, "Firefox"
        )
        self._in = self._wire.makefile("rb")
        self._number = 0
        self._receive()
        self._ask("WebDriver:NewSession", {"pageLoadStrategy": "normal"})

    def _receive(self) -> Any:
        size = b""
        while (piece := self._in.read(1)) != b":":
            if not piece:
                raise EngineFailed("Firefox hung up")
            size += piece
        return json.loads(self._in.read(int(size)))

    def _ask(self, name: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        body = json.dumps([0, self._number, name, parameters]).encode()
        self._wire.sendall(str(len(body)).encode() + b":" + body)
        _kind, _number, error, result = self._receive()
        if error:
            raise EngineFailed(f"{name}: {error['error']}: {error['message']}")
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    def command(self, method: str, path: str, name: str, **parameters: Any) -> Any:
        return self._ask(name, parameters)

    def kill(self) -> None:
        _end(self._process)
        self._in.close()
        self._wire.close()


class WebKit(Engine):
    """WebKitGTK in a window of MiniBrowser. Automated it keeps nothing on disk: killed, it has forgotten."""

    name = "webkit"

    def __init__(self, folder: Path) -> None:
        found, screen = find_webkit(), find_screen()
        if found is None or screen is None:
            raise EngineMissing(
                "WebKitGTK is not installed. Type: sudo apt-get install webkit2gtk-driver xvfb"
            )
        driver, browser = found
        folder.mkdir(parents=True, exist_ok=True)
        reading, writing = os.pipe()
        self._screen = processes.start(
            [screen, "-displayfd", str(writing), "-screen", "0", "500x900x24", "-nolisten", "tcp"],
            log=folder / "screen.log",
            own_group=True,
            keep_open=(writing,),
        )
        os.close(writing)
        with os.fdopen(reading) as told:
            display = told.readline().strip()
        port, log = processes.free_port(), folder / "webkit.log"
        self._base = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._session = ""
        self._process = _launch(
            [str(driver), f"--port={port}"],
            log=log,
            env=processes.clean_environment(
                DISPLAY=f":{display}",
                HOME=str(folder),
                XDG_DATA_HOME=str(folder / "data"),
                XDG_CACHE_HOME=str(folder / "cache"),
                XDG_RUNTIME_DIR=str(folder),
                LIBGL_ALWAYS_SOFTWARE="1",
                WEBKIT_DISABLE_COMPOSITING_MODE="1",
                LANG="C.UTF-8",
            ),
        )
        try:
            _until(lambda: self._ask("GET", "/status"), self._process, log, "WebKitWebDriver")
            wanted = {"webkitgtk:browserOptions": {"binary": str(browser), "args": ["--automation"]}}
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            _end(self._screen)
            raise
        self._session = f"/session/{made['sessionId']}"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error)["value"]
            raise EngineFailed(f"{path}: {told['error']}: {told.get('message')}") from None

    def command(self, method: str, path: str, name: str, **parameters: Any) -> Any:
        return self._ask(method, self._session + path, parameters if method == "POST" else None)

    def kill(self) -> None:
        if self._session:
            with contextlib.suppress(EngineFailed, OSError, urllib.error.URLError):
                self._ask("DELETE", self._session)
        _end(self._process)
        _end(self._screen)
