"""How long a queue takes to go out, a pack to come, a packed page to open: on slow 3G (400 ms, 50 KB/s both ways)."""

from __future__ import annotations

import time

import pytest

from fieldapp import clock
from tests.browser.offline.line import SLOW_3G, writes_only
from tests.browser.offline.phone import poll, visits
from tests.browser.offline.saying import say

pytestmark = pytest.mark.browser

DRAIN, PACKED_PAGE = 60.0, 0.300


def test_a_hundred_entries_go_out_within_a_minute_on_slow_3g(town, phone):
    hand, since = phone(), clock.now()
    said = visits("慢线", 50)
    html = hand.form_text()
    town.line.fate = writes_only("cut")
    for at in range(0, len(said), 10):
        say(hand.page, html, said[at : at + 10])
    assert len(hand.waiting()) == 100
    town.line.on()
    town.line.slow(*SLOW_3G)
    began = time.monotonic()
    hand.wake()
    poll(lambda: not hand.waiting(), "everything sent", patience=180, every=0.25)
    seconds = time.monotonic() - began
    print(f"100 entries on slow 3G: {seconds:.1f} s")
    town.line.slow()
    town.must_hold(said, since)
    assert seconds <= DRAIN, f"{seconds:.1f} s"


def test_a_packed_page_opens_at_once_without_a_line(town, phone):
    hand = phone()
    number = town.enterprise()
    hand.page.goto(f"{town.line.url}/enterprises/{number}")
    poll(lambda: hand.page.evaluate("() => Boolean(navigator.serviceWorker.controller)"), "the worker")
    hand.page.goto(f"{town.line.url}/pack")
    poll(
        lambda: (
            f"/enterprises/{number}/visits/new"
            in hand.page.evaluate(
                """async () => { const base = await new Promise((yes) => { const asked = indexedDB.open("fieldapp"); asked.onsuccess = () => yes(asked.result); });
            const rows = await new Promise((yes) => { const asked = base.transaction("pages").objectStore("pages").getAll(); asked.onsuccess = () => yes(asked.result); });
            base.close(); return rows.map((row) => row.path); }"""
            )
        ),
        "the pack",
    )
    town.line.off()
    hand.page.goto(f"{town.line.url}/enterprises/{number}")  # the first finds out that nobody answers
    took = []
    for path in (f"/enterprises/{number}/visits/new", "/", f"/enterprises/{number}", "/enterprises"):
        hand.page.goto(f"{town.line.url}{path}")
        took.append(
            hand.page.evaluate(
                "() => { const [page] = performance.getEntriesByType('navigation'); return page.domContentLoadedEventEnd - page.startTime; }"
            )
        )
        assert hand.page.evaluate("() => Boolean(document.documentElement.dataset.cached)"), path
    print("packed pages, ms:", [round(ms) for ms in took])
    assert sorted(took)[len(took) // 2] <= PACKED_PAGE * 1000, took
