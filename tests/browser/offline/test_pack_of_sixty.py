"""The pack of an officer with sixty enterprises: what it weighs when nothing has changed, and that all of it opens."""

from __future__ import annotations

import pytest

from tests.browser.offline.sixty import PACKED, arrived, pack, ready, sixty

pytestmark = pytest.mark.browser

UNCHANGED_BYTES = 10_000


def test_a_pack_of_sixty_that_has_not_changed_is_small_and_all_of_it_opens(town, phone):
    sixty(town)
    hand = phone()
    number = ready(town, hand)
    form = f"/enterprises/{number}/visits/new"
    pack(town, hand)
    assert arrived(hand, form) >= PACKED * 2
    assert pack(town, hand)[0] <= UNCHANGED_BYTES
    town.line.off()
    for path in (form, "/", f"/enterprises/{number}", "/enterprises"):
        hand.page.goto(f"{town.line.url}{path}")
        assert hand.page.evaluate("() => Boolean(document.documentElement.dataset.cached)"), path
