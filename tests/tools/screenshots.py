"""Pictures of pages as people see them: `python -m tests.tools.screenshots --user … --password … / /enterprises`.

Against a server that is already running (`make run`). One PNG per page and look into `test-results/screens`:
phone, small phone, narrowest, dark, text at 200 %, desk.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.tools import axe, chromium

# look: (size, context options, text size in percent)
LOOKS: dict[str, tuple[dict[str, int], dict[str, Any], int]] = {
    "phone": (chromium.PHONE, {}, 100),
    "small": (chromium.SMALL_PHONE, {}, 100),
    "narrowest": (chromium.NARROWEST, {}, 100),
    "dark": (chromium.PHONE, {"dark": True}, 100),
    "large-text": (chromium.PHONE, {}, 200),
    "desk": (chromium.DESK, {}, 100),
}


def sign_in(page: Page, base: str, username: str, password: str) -> None:
    page.goto(f"{base}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    with page.expect_navigation():
        page.locator("form:has([name=password]) [type=submit]").click()


def shoot(page: Page, base: str, path: str, to: Path) -> None:
    page.goto(base + path)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=to, full_page=True)


def overflow(page: Page) -> int:
    """How many CSS pixels the page is wider than its window: 0 on a page that needs no sideways scrolling."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def _shoot_all(browser: Browser, look: str, wanted: argparse.Namespace) -> None:
    size, options, _ = LOOKS[look]
    context = browser.new_context(**chromium.context_options(size, sharp=True, **options))
    seen = chromium.watch(context)
    page = context.new_page()
    if wanted.user:
        sign_in(page, wanted.base, wanted.user, wanted.password)
    for path in wanted.paths:
        name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "home"
        shoot(page, wanted.base, path, wanted.to / f"{name}.{look}.png")
        notes = [f"{overflow(page)} px too wide"] if overflow(page) else []
        notes += [str(found) for found in (axe.violations(page) if wanted.axe else [])]
        print(f"{name}.{look}.png", *notes, sep="\n    ")
    for problem in seen.problems:
        print("   ", problem)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--base", default="http://127.0.0.1:8000")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--looks", nargs="+", choices=LOOKS, default=list(LOOKS))
    parser.add_argument("--axe", action="store_true", help="also print what axe finds")
    parser.add_argument("--to", type=Path, default=Path("test-results/screens"))
    wanted = parser.parse_args()
    wanted.to.mkdir(parents=True, exist_ok=True)
    for percent in sorted({LOOKS[look][2] for look in wanted.looks}):
        with chromium.launched(text_percent=percent) as browser:
            for look in wanted.looks:
                if LOOKS[look][2] == percent:
                    _shoot_all(browser, look, wanted)


if __name__ == "__main__":
    main()
