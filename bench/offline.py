"""A phone on slow 3G (400 ms there and back, 50 KB/s both ways): how long its queue and its pack take, and, with no
line at all, how long a packed page takes to open.

    python -m bench.offline

A hundred entries (fifty visits, a photo each) within 60 s; the pack of sixty enterprises, when nothing has changed, at
most 10 KB and 3 s; a packed page within 300 ms. What the database holds in the end is compared with what was said.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from bench.measure import heading, table
from fieldapp import clock
from tests.browser.offline import town as towns
from tests.browser.offline.line import SLOW_3G, writes_only
from tests.browser.offline.phone import Phone, in_hand, poll, visits
from tests.browser.offline.saying import say
from tests.browser.offline.sixty import PACKED, arrived, pack, ready, sixty
from tests.browser.offline.town import Town
from tests.conftest import Sqlite
from tests.tools import chromium

OPENED = """() => {
  const [page] = performance.getEntriesByType("navigation");
  return [page.domContentLoadedEventEnd - page.startTime, Boolean(document.documentElement.dataset.cached)];
}"""
TIMES = 5


def drain(town: Town, hand: Phone) -> float:
    """Seconds in which a hundred entries go out."""
    since, said = clock.now(), visits("慢线", 50)
    html = hand.form_text()
    town.line.fate = writes_only("cut")
    for at in range(0, len(said), 10):
        say(hand.page, html, said[at : at + 10])
    town.line.on()
    town.line.slow(*SLOW_3G)
    began = time.monotonic()
    hand.wake()
    poll(lambda: not hand.waiting(), "everything sent", patience=300, every=0.25)
    seconds = time.monotonic() - began
    town.line.slow()
    town.must_hold(said, since)
    return seconds


def packs(town: Town, hand: Phone) -> tuple[list[list[object]], list[float]]:
    """Rows of what, bytes and seconds of a first pack and of one that finds nothing changed; ms of opened pages."""
    number = ready(town, hand)
    form = f"/enterprises/{number}/visits/new"
    town.line.slow(*SLOW_3G)
    first = pack(town, hand)
    pages = arrived(hand, form)
    again = pack(town, hand)
    town.line.slow()
    town.line.off()
    took = []
    for path in (form, "/", f"/enterprises/{number}", "/enterprises") * TIMES:
        hand.page.goto(f"{town.line.url}{path}")
        milliseconds, cached = hand.page.evaluate(OPENED)
        assert cached, path
        took.append(milliseconds)
    town.line.on()
    rows: list[list[object]] = [
        [f"pack of {PACKED}, first ({pages} pages)", f"{first[0]} B", f"{first[1]:.1f} s", ""],
        [f"pack of {PACKED}, nothing changed", f"{again[0]} B", f"{again[1]:.1f} s", "10,000 B, 3 s"],
    ]
    return rows, took[1:]  # the very first finds out that nobody answers


def main() -> None:
    heading("a phone on slow 3G")
    with tempfile.TemporaryDirectory(prefix="fieldapp-offline-") as name, chromium._driver() as driver:
        root = Path(name)
        (root / "base").mkdir()
        with (
            towns.opened(Sqlite(root / "base"), root / "town") as town,
            in_hand(driver, town, root / "phone") as hand,
        ):
            sixty(town)
            hand.sign_in()
            rows, took = packs(town, hand)
            rows.append(["100 entries sent", "", f"{drain(town, hand):.1f} s", "60 s"])
    middle, most = statistics.median(took), max(took)
    rows.append(
        [f"packed page, no line ({len(took)} times)", "", f"{middle:.0f} ms, at most {most:.0f}", "300 ms"]
    )
    table(rows, ["what", "bytes", "took", "limit"])


if __name__ == "__main__":
    main()
