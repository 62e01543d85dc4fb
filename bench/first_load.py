"""What a phone downloads for each page the first time, measured in Chromium over the wire, compressed.

    python -m bench.first_load

Limits per page: 48 KB of script (the scanner apart), 100 KB in all, 8 requests. Files that the browser asks for later
by itself (service worker, icons) are counted when they come within two seconds.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser

from bench.city import OFFICER, city, database, officer, own_enterprises
from bench.measure import heading, table
from fieldapp.demo.city import PASSWORD
from tests.tools import chromium, screenshots

SCRIPT_KB, ALL_KB, REQUESTS = 48, 100, 8


def load(browser: Browser, base: str, path: str, cookies: list[Any]) -> list[tuple[str, str, int]]:
    """(type, address, bytes over the wire) of everything `path` makes a phone with an empty cache fetch."""
    context = browser.new_context(**chromium.context_options(chromium.PHONE))
    context.add_cookies(cookies)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    kinds: dict[str, tuple[str, str]] = {}
    sizes: dict[str, int] = {}

    def answered(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = (event["type"], event["response"]["url"].removeprefix(base))

    def finished(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.responseReceived", answered)
    session.on("Network.loadingFinished", finished)
    page.goto(base + path)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2000)
    context.close()
    return [(*kinds[number], size) for number, size in sizes.items() if kinds[number][1].startswith("/")]


def main() -> None:
    heading("first load on a phone")
    rows: list[list[object]] = []
    details: list[list[object]] = []
    with database("sqlite") as where, city(where) as here, chromium.launched() as browser:
        number = own_enterprises(officer(here))[0]
        context = browser.new_context(**chromium.context_options(chromium.PHONE))
        screenshots.sign_in(context.new_page(), here.url, OFFICER, PASSWORD)
        cookies = context.cookies()
        context.close()
        pages = {
            "sign-in": ("/login", []),
            "today": ("/", cookies),
            "list": ("/enterprises", cookies),
            "casefile": (f"/enterprises/{number}", cookies),
            "visit form": (f"/enterprises/{number}/visits/new", cookies),
            "scanner": ("/scan", cookies),
        }
        for name, (path, with_cookies) in pages.items():
            files = load(browser, here.url, path, with_cookies)
            script = sum(size for kind, _, size in files if kind == "Script") / 1024
            everything = sum(size for _, _, size in files) / 1024
            good = (
                everything <= ALL_KB and len(files) <= REQUESTS and (script <= SCRIPT_KB or name == "scanner")
            )
            rows.append([name, f"{script:.1f}", f"{everything:.1f}", len(files), "ok" if good else "OVER"])
            details += [[name, kind, address, f"{size / 1024:.1f}"] for kind, address, size in files]
    table(
        rows, ["page", f"script KB (≤ {SCRIPT_KB})", f"all KB (≤ {ALL_KB})", f"requests (≤ {REQUESTS})", ""]
    )
    print()
    table(details, ["page", "kind", "address", "KB over the wire"])


if __name__ == "__main__":
    main()
