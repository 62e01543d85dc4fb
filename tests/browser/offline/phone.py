"""A phone in somebody's hand: a Chromium with a profile that outlives it, its forms filled in by taps or by the dozen."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page, Playwright

from tests import people
from tests.browser.offline.town import Said, Town, photo
from tests.tools import chromium

# What any phone without a line says in its console. Violations of the policy and errors of ours are not among them.
NO_LINE = (
    r"Failed to load resource: (net::ERR_|the server responded with a status of (4\d\d|5\d\d))",
    r"net::ERR_[A-Z_]+",
    r"Failed to fetch",
    r"NetworkError",
    r"Fetch API cannot load",
    r"a status of (4\d\d|5\d\d)",
    r"Error while trying to use the following icon from the Manifest",
)

# What waits on the phone, read beside the app's own code: kind by kind, straight from its database.
HELD = """async () => {
  const base = await new Promise((yes, no) => {
    const asked = indexedDB.open("fieldapp");
    asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error);
    asked.onupgradeneeded = () => asked.transaction.abort();
  }).catch(() => null);
  if (!base) return [];
  const rows = await new Promise((yes, no) => {
    const asked = base.transaction("entries").objectStore("entries").getAll();
    asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error);
  });
  base.close();
  return rows.map(({ key, user, state, attempts, error, status, keys, photo, bytes, maybe, after, revises }) =>
    ({ key, user, state, attempts, error, status, keys, photo, bytes, maybe, after, revises }));
}"""

CHANGE = """(words) => {
  const row = [...document.querySelectorAll("[data-part=queue] li")].find((one) => one.textContent.includes(words));
  const link = row?.querySelector("[data-act=edit]:not([hidden])");
  if (link) { row.querySelector("details").open = true; setTimeout(() => link.click()); }
  return Boolean(link);
}"""


def _family(profile: Path) -> int | None:
    """The process id of the Chromium that works on this profile: the one that is nobody's helper."""
    wanted = f"--user-data-dir={profile}"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            parts = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if wanted in parts and not any(part.startswith("--type=") for part in parts):
                return int(entry.name)
    return None


def poll(answers: Callable[[], Any], what: str, *, patience: float = 20.0, every: float = 0.05) -> Any:
    """Ask until it is true. Playwright's own waiting compiles code in the page, which the policy forbids."""
    deadline, found = time.monotonic() + patience, None
    while time.monotonic() < deadline:
        with contextlib.suppress(Error):
            if found := answers():
                return found
        time.sleep(every)
    raise AssertionError(f"waited {patience:.0f} s in vain: {what} ({found!r})")


class Phone:
    def __init__(self, driver: Playwright, town: Town, folder: Path, *arguments: str, **options: Any) -> None:
        self._driver, self.town, self.folder = driver, town, folder
        self._arguments, self._options = arguments, options
        self.problems: list[str] = []
        self.expected: list[str] = list(NO_LINE)
        self._watch: chromium.Watch | None = None
        self.context: BrowserContext = self._open()
        self.page: Page = self.context.pages[0] if self.context.pages else self.context.new_page()

    # --- the browser ----------------------------------------------------------------------------

    def _open(self) -> BrowserContext:
        launch = chromium.launch_options(arguments=self._arguments)
        context = self._driver.chromium.launch_persistent_context(
            str(self.folder), **launch, **chromium.context_options(chromium.PHONE, **self._options)
        )
        context.set_default_timeout(20_000)
        self._watch = chromium.watch(context)
        return context

    def kill(self) -> None:
        """The battery falls out: SIGKILL to the browser and everything it started."""
        self._note()
        process = _family(self.folder)
        assert process is not None, "no browser works on this profile"
        group = os.getpgid(process)
        assert group != os.getpgid(0), "the browser has no group of its own"
        os.killpg(group, signal.SIGKILL)
        poll(lambda: _family(self.folder) is None, "the browser died")
        with contextlib.suppress(Error):
            self.context.close()

    def start(self) -> Page:
        """Switched on again: the same profile, a new browser."""
        for name in ("SingletonLock", "SingletonCookie", "SingletonSocket"):
            (self.folder / name).unlink(missing_ok=True)
        self.context = self._open()
        self.page = self.context.pages[0] if self.context.pages else self.context.new_page()
        return self.page

    def close(self) -> None:
        self._note()
        with contextlib.suppress(Error):
            self.context.close()

    def _note(self) -> None:
        if self._watch is not None:
            self.problems += self._watch.problems
            self._watch = None

    def change(self, words: str = "走访") -> None:
        """改一改, on the row of the outbox that says this. In one turn of the page's own clock: the rows are drawn anew
        whenever an attempt ends, and between two taps of a machine the second one's row may be gone."""
        self.page.goto(f"{self.town.line.url}/outbox")
        poll(lambda: self.page.evaluate(CHANGE, words), f"the row of {words} can be changed")

    def check(self) -> None:
        """No violation of the policy, no error of our own, no call to a stranger, in all its lives."""
        self._note()
        odd = [p for p in self.problems if not any(re.search(pattern, p) for pattern in self.expected)]
        assert not odd, "the browser complained:\n  " + "\n  ".join(odd)

    def new_tab(self) -> Page:
        return self.context.new_page()

    # --- who holds it ---------------------------------------------------------------------------

    def sign_in(self, username: str = "zhao", page: Page | None = None) -> None:
        page = page or self.page
        page.goto(f"{self.town.line.url}/login")
        page.get_by_label("账号").fill(username)
        page.locator("#password").fill(people.PASSWORD)
        page.get_by_role("button", name="登录").click()
        poll(lambda: "/login" not in page.url, "signed in")
        page.wait_for_load_state("load")

    def let_in(self, username: str) -> None:
        """Signed in already, for tests that are not about signing in."""
        # For a month, as the form sets it: without a date it would go with the last tab.
        self.context.add_cookies([self.town.cookie(username, expires=time.time() + 30 * 86_400)])  # type: ignore[list-item]
        self.page.goto(f"{self.town.line.url}/")

    # --- what it holds --------------------------------------------------------------------------

    def held(self, page: Page | None = None) -> list[dict[str, Any]]:
        return list((page or self.page).evaluate(HELD))

    def waiting(self, page: Page | None = None) -> list[dict[str, Any]]:
        return [entry for entry in self.held(page) if entry["state"] not in ("done",)]

    def must_send_all(self, page: Page | None = None, *, patience: float = 60, hurried: bool = False) -> None:
        """`hurried`: told again and again that the network is back, so that no test sits out the queue's pauses."""

        def sent() -> bool:
            if hurried:
                self.wake(page)
            return not self.waiting(page)

        try:
            poll(sent, "everything sent", patience=patience, every=0.3)
        except AssertionError:
            left = [
                (
                    row["key"][-6:],
                    row["state"],
                    row["attempts"],
                    row["error"],
                    row["status"],
                    bool(row["photo"]),
                )
                for row in self.waiting(page)
            ]
            page = page or self.page
            page.goto(f"{self.town.line.url}/outbox")
            page.wait_for_timeout(1000)
            raise AssertionError(
                f"{len(left)} still on the phone after {patience:.0f} s: {left[:20]}\n"
                + page.locator("main").inner_text()[:2000]
            ) from None

    def wake(self, page: Page | None = None) -> None:
        """What a phone tells its pages when the network is back."""
        (page or self.page).evaluate("() => { dispatchEvent(new Event('online')); }")

    # --- what is typed --------------------------------------------------------------------------

    def open_form(self, enterprise: str = "huaxing", page: Page | None = None) -> Page:
        page = page or self.page
        page.goto(f"{self.town.line.url}/enterprises/{self.town.enterprise(enterprise)}/visits/new")
        return page

    def form_text(self, enterprise: str = "huaxing") -> str:
        """The visit form as the server writes it, before any script has touched it."""
        page = self.open_form(enterprise)
        return str(self.context.request.get(page.url).text())

    def fill(self, said: Said, page: Page | None = None) -> None:
        """As an officer does, with taps, and with the page before their eyes: a browser hardly draws the others."""
        page = page or self.page
        page.bring_to_front()
        nobody = page.get_by_label("未见到人")
        poll(
            lambda: nobody.is_checked() or page.locator("label", has_text="未见到人").tap(),
            "nobody met",
            every=0.3,
        )
        page.get_by_label("聊了什么").fill(said.words)
        for index, title in enumerate(said.needs):
            if index:
                page.get_by_role("button", name="再记一条需求").tap()
            page.locator(f"[name=needs-{index}-title]").fill(title)
        for index, title in enumerate(said.promises):
            page.locator(f"[name=promises-{index}-title]").fill(title)
            due = page.locator(f"[name=promises-{index}-due_on]")
            poll(
                lambda due=due, index=index: (
                    due.input_value() or page.get_by_role("button", name="5 个工作日").nth(index).tap()
                ),
                "its day is set",
                every=0.3,
            )
        if said.photos:
            files = [
                {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": photo(number)}
                for number in said.photos
            ]
            page.locator("label", has_text="相册").locator("input").set_input_files(files)
            poll(lambda: page.locator("[data-photo] img").count() == len(files), "photos shown")

    def submit(self, page: Page | None = None) -> None:
        page = page or self.page
        page.bring_to_front()
        page.get_by_role("button", name="提交走访").tap()

    def settled(self, page: Page | None = None, *, patience: float = 20) -> str:
        """ "saved" on the server, or "queued" on the phone: what the officer is told after the tap."""
        page = page or self.page

        def told() -> str:
            if re.search(r"/visits/[0-9a-f-]{36}(\?|$)", page.url):
                return "saved"
            return "queued" if page.locator("[data-key]").count() else ""

        return str(poll(told, "an answer to the tap", patience=patience))

    def record(self, said: Said, page: Page | None = None) -> str:
        self.open_form(said.enterprise, page)
        self.fill(said, page)
        self.submit(page)
        return self.settled(page)


@contextmanager
def in_hand(driver: Playwright, town: Town, folder: Path, *arguments: str, **options: Any) -> Iterator[Phone]:
    phone = Phone(driver, town, folder, *arguments, **options)
    try:
        yield phone
        phone.check()
    finally:
        phone.close()


def visits(prefix: str, count: int, *, photos: int = 1, start: int = 0) -> Sequence[Said]:
    """`count` different visits: every third with a need, every fourth with a promise, each with its own photos."""
    return [
        Said(
            words=f"{prefix} 第 {number} 次走访：二期产线进度、用工、下一步",
            needs=[f"{prefix} 需求 {number}"] if number % 3 == 0 else [],
            promises=[f"{prefix} 答应 {number}"] if number % 4 == 0 else [],
            photos=[(start + number * photos + n) % 512 for n in range(photos)],
        )
        for number in range(count)
    ]
