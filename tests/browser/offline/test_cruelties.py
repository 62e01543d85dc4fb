"""Four cruelties, fifty entries each: what is stored is what was said, to the row.

Each begins with a few visits by taps on the real form, then goes on with copies of that form. A visit is one entry,
its photo another.
"""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import Error

from fieldapp import clock
from tests.browser.offline.line import FirstTime, writes_only
from tests.browser.offline.phone import poll, visits
from tests.browser.offline.saying import say

pytestmark = pytest.mark.browser

VISITS, BY_TAPS = 25, 3


def _split(prefix):
    said = visits(prefix, VISITS)
    return said, said[:BY_TAPS], said[BY_TAPS:]


def _batches(said, size):
    return [said[at : at + size] for at in range(0, len(said), size)]


def _sendings(town):
    """How often each entry was sent, while nothing was in its way."""
    return Counter(heard.key for heard in town.line.writes() if heard.key)


def test_the_network_is_cut_before_anything_is_sent(town, phone):
    hand, since = phone(), clock.now()
    said, taps, batch = _split("断网")
    town.line.fate = writes_only("cut")
    for one in taps:
        assert hand.record(one) == "queued"
    html = hand.form_text()
    for some in _batches(batch, 6):
        assert set(say(hand.page, html, some)) == {"queued"}
    assert len(hand.waiting()) == VISITS * 2
    assert town.stored(since) == []
    town.line.on()
    town.line.seen.clear()
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)
    assert set(_sendings(town).values()) == {1}, "sent more often than needed"


def test_the_answer_is_lost_after_the_server_kept_it(town, phone):
    hand, since = phone(), clock.now()
    said, taps, batch = _split("丢答")
    town.line.fate = FirstTime("lost")
    for one in taps:
        hand.record(one)
    html = hand.form_text()
    batches = _batches(batch, 6)
    for some in batches:
        # Photos heavier than 64 KB are asked after before they are sent again.
        assert set(say(hand.page, html, some, heavy=some is batches[-1])) <= {"queued", "saved"}
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)
    lost = [heard for heard in town.line.writes() if heard.fate == "lost"]
    assert len({heard.key for heard in lost}) == VISITS * 2
    assert all(heard.status < 400 for heard in lost), "the server had kept every one of them"


def test_the_tab_is_killed_while_it_sends(town, phone):
    hand, since = phone(), clock.now()
    said, taps, batch = _split("杀页")
    html = hand.form_text()
    for number, some in enumerate(([[one] for one in taps]) + _batches(batch, 5)):
        before = {row["key"] for row in hand.held()}
        if number < len(taps):
            hand.open_form()
            hand.fill(some[0])
        town.line.seen.clear()
        # Half of the tabs die with the request in a black hole, half when the server has answered already.
        wanted = "hang" if number % 2 else "mute"
        town.line.fate = writes_only(wanted)
        if number < len(taps):
            hand.submit()
        else:
            say(hand.page, html, some, wait=False)
        # Visits, not what is tried again of earlier ones: written down first, one of them at least in the air.
        poll(
            lambda before=before, some=some: (
                sum(row["key"] not in before and not row["photo"] for row in hand.held()) >= len(some)
            ),
            "every visit written down",
        )
        poll(
            lambda before=before, wanted=wanted: any(
                heard.key not in before and heard.fate == wanted and (wanted == "hang" or heard.status)
                for heard in town.line.writes()
            ),
            "one of them in the air",
        )
        with pytest.raises(Error):
            hand.page.goto("chrome://crash")
        hand.page.close()
        town.line.on()
        hand.page = hand.new_tab()
        hand.page.goto(f"{town.line.url}/enterprises")
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)


def test_two_tabs_say_and_send_at_once(town, phone):
    hand, since = phone(), clock.now()
    said, taps, batch = _split("两页")
    tabs = [hand.page, hand.new_tab()]
    html = hand.form_text()
    town.line.fate = writes_only("cut")
    for number, one in enumerate(taps):
        hand.record(one, tabs[number % 2])
    for tab in tabs:
        hand.open_form(page=tab)
    for number, some in enumerate(_batches(batch, 5)):
        if number % 3 == 2:  # the network comes back now and then, for both at once
            town.line.on()
            for tab in tabs:
                hand.wake(tab)
        say(tabs[number % 2], html, some)
        town.line.fate = writes_only("cut" if number % 2 else "lost")
    town.line.on()
    for tab in tabs:
        hand.wake(tab)
    hand.must_send_all(tabs[1], hurried=True)
    town.must_hold(said, since)
