"""Two hundred entries while servers are killed, lines flip, tabs crash and sessions run out."""

from __future__ import annotations

import pytest

from tests.browser.offline.chaos import Chaos

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_two_hundred_entries_through_chaos(town, phone):
    hand = phone()
    chaos = Chaos(town, hand, seed=20261124)
    told = chaos.run(100)  # a hundred visits, and a photo of each
    print(told.line(town))
    chaos.check()
    assert told.happened["server killed"] >= 3 and told.happened["line flipped"] >= 5, told.happened
