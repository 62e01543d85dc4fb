"""An officer who reads English: from the sign-in page to a casefile, on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests import people
from tests.browser.conftest import Site
from tests.house.test_languages import compile_catalogue
from tests.tools import chromium

pytestmark = pytest.mark.browser

# Words that do not fit where they stand: cut off, or a tab of two lines.
CUT_OFF = """() => [...document.querySelectorAll('.btn, .tab, .tag, .chip, .seg a, .tabs a, .icon-btn')]
    .filter(e => e.offsetParent)
    .filter(e => e.scrollWidth > e.clientWidth + 1 || (e.matches('.tab') && e.scrollHeight > e.clientHeight + 1))
    .map(e => e.innerText.trim())"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module", autouse=True)
def english():
    compile_catalogue()


def _fits(page) -> None:
    assert (
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    ), page.url
    assert page.evaluate(CUT_OFF) == [], page.url


def test_an_officer_chooses_english_and_finds_an_enterprise(browser, site: Site):
    with chromium.phone(browser) as page:
        page.goto(f"{site.url}/login")
        page.get_by_role("link", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        _fits(page)
        page.get_by_label("Account").fill("zhao")
        page.get_by_label("Password", exact=True).fill(people.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "/login" not in address)

        page.goto(f"{site.url}/me")
        form = page.locator("#display-form")
        form.get_by_label("English", exact=True).check()
        form.locator("button[type=submit]").click()
        expect(page.get_by_role("status")).to_contain_text("Settings saved.")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        _fits(page)

        tabs = page.get_by_role("navigation", name="Main menu")
        tabs.get_by_role("link", name="Enterprises").click()
        expect(page.get_by_role("heading", name="Enterprises", level=1)).to_be_visible()
        expect(page.get_by_label("Search enterprises")).to_be_visible()
        _fits(page)
        page.get_by_role("link", name=people.ENTERPRISES["huaxing"][0]).click()
        expect(page.get_by_role("link", name="Start visit")).to_be_visible()
        expect(page.get_by_text("Credit code")).to_be_visible()
        _fits(page)
        page.get_by_role("link", name="Start visit").click()
        expect(page.get_by_role("button", name="Submit visit")).to_be_visible()
        _fits(page)
        for address in ("/", "/follow-ups", "/visits", "/needs", "/scan"):
            page.goto(site.url + address)
            expect(page.locator("html")).to_have_attribute("lang", "en")
            _fits(page)


def test_the_english_board_fits_at_the_desk_and_on_a_phone(browser, site: Site):
    with chromium.desk(browser) as desk:
        site.sign_in(desk, "li")
        desk.goto(f"{site.url}/me")
        desk.locator("#display-form").get_by_label("English", exact=True).check()
        desk.locator("#display-form button[type=submit]").click()
        expect(desk.get_by_role("status")).to_contain_text("Settings saved.")
        for size in (chromium.DESK, chromium.PHONE):
            desk.set_viewport_size(size)
            for address in ("/lead", "/enterprises", "/imports/enterprises", "/enterprises/qr-labels", "/me"):
                desk.goto(site.url + address)
                _fits(desk)
        expect(desk.get_by_role("navigation", name=re.compile("Main menu"))).to_be_visible()
