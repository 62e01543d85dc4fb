"""Everything at once, at random from a seed: servers killed, lines cut and flipped, tabs crashed, sessions run out.

The test beside this says 200 entries; bench/chaos.py says more of them, with several seeds, and kills browsers too.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from playwright.sync_api import Error

from fieldapp import clock
from tests.browser.offline.line import Dice
from tests.browser.offline.phone import Phone, poll, visits
from tests.browser.offline.saying import say
from tests.browser.offline.town import Said, Town

LINES = (
    {"cut": 0.2, "lost": 0.2, "half": 0.1, "partial": 0.1},
    {"lost": 0.5},
    {"cut": 0.6},
    {"portal": 0.3, "gateway": 0.2},
    {},
)


@dataclass
class Told:
    """What happened, for the figures."""

    seed: int
    said: list[Said] = field(default_factory=list)
    since: datetime | None = None
    happened: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def line(self, town: Town) -> str:
        sent = Counter(heard.key for heard in town.line.writes() if heard.key)
        again = sum(1 for times in sent.values() if times > 1)
        broken = sum(1 for heard in town.line.seen if heard.fate != "pass")
        return (
            f"seed {self.seed}: {len(self.said)} visits, {sum(len(one.photos) for one in self.said)} photos in"
            f" {self.seconds:.0f} s; {dict(self.happened)}; {broken} of {len(town.line.seen)} requests broken;"
            f" {again} of {len(sent)} entries sent more than once (most: {max(sent.values(), default=0)});"
            f" told at the tap: {dict(self.answers)}"
        )


class Chaos:
    def __init__(
        self, town: Town, hand: Phone, seed: int, *, harshness: float = 1.0, kill_browser: bool = False
    ):
        self._town, self._hand, self._dice = town, hand, random.Random(seed)
        self._harshness, self._kill_browser = harshness, kill_browser
        self._dead = False
        self.told = Told(seed, since=clock.now())

    def run(self, count: int, *, heavy: bool = False) -> Told:
        hand, told = self._hand, self.told
        began = time.monotonic()
        told.said = list(visits(f"乱{told.seed}", count))
        html = hand.form_text()
        at = 0
        while at < count:
            some = told.said[at : at + self._dice.randint(1, 6)]
            self._blow()
            try:
                for answer in say(hand.page, html, some, heavy=heavy and at % 5 == 0, patience=8):
                    told.answers[answer] += 1
                    assert answer in ("saved", "queued", "nothing"), (answer, [one.words for one in some])
            except Error:
                # The page went away under the batch. What had been written down stays; the rest was never said.
                self._calm()
                self._reopen()
                kept = {row["key"] for row in hand.held()}
                told.said[at : at + len(some)] = sorted(some, key=lambda one: str(one.key) not in kept)
                at += sum(str(one.key) in kept for one in some)
                continue
            at += len(some)
            if self._chance(0.1):
                self._lose_page()
        self._calm()
        self._reopen()
        hand.must_send_all(patience=180, hurried=True)
        told.seconds = time.monotonic() - began
        return told

    def check(self) -> None:
        self._town.must_hold(self.told.said, self.told.since)
        assert self._town.unanswered() == 0

    # --- what goes wrong ------------------------------------------------------------------------

    def _chance(self, odds: float) -> bool:
        return self._dice.random() < odds * self._harshness

    def _blow(self) -> None:
        town, happened = self._town, self.told.happened
        if self._dead and self._chance(0.7):
            town.start()
            self._dead = False
        if not self._dead and self._chance(0.22):
            town.kill()
            happened["server killed"] += 1
            self._dead = True
        if self._chance(0.3):
            if town.line.mode == "off":
                town.line.on()
                with contextlib.suppress(Error):
                    self._hand.wake()
            else:
                town.line.off()
            happened["line flipped"] += 1
        if town.line.mode != "off":
            town.line.fate = Dice(self._dice.randrange(1 << 30), self._dice.choice(LINES))
        if self._chance(0.06):
            town.expire("zhao")
            happened["session expired"] += 1

    def _lose_page(self) -> None:
        """The tab crashes, or the whole browser, in the middle of whatever it was sending."""
        hand = self._hand
        if self._kill_browser and self._chance(0.4):
            hand.kill()
            self.told.happened["browser killed"] += 1
            hand.start()
        else:
            with contextlib.suppress(Error):
                hand.page.goto("chrome://crash")
            self.told.happened["tab crashed"] += 1
            with contextlib.suppress(Error):
                hand.page.close()
            hand.page = hand.new_tab()
        self._calm()
        self._reopen()

    def _calm(self) -> None:
        self._town.line.on()
        if self._dead:
            self._town.start()
            self._dead = False

    def _reopen(self) -> None:
        """A page of the app, signed in again where that is asked."""
        hand, url = self._hand, self._town.line.url

        def there() -> bool:
            hand.page.goto(f"{url}/enterprises")
            if "/login" in hand.page.url:
                hand.sign_in()
                hand.page.goto(f"{url}/enterprises")
            # A copy that the worker kept is a page of the app too, but its session may have run out.
            if not hand.page.evaluate("async () => (await fetch('/outbox/session')).ok"):
                hand.sign_in()
                hand.page.goto(f"{url}/enterprises")
            return bool(hand.page.evaluate("() => Boolean(document.documentElement.dataset.user)"))

        poll(there, "a page of the app", patience=40, every=0.3)
