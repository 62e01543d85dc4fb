"""Every page, looked at by machine: valid HTML, no axe violation in light and dark, nothing sideways at 320 px and 200 %.

Which pages there are comes from the authorisation matrix, so a new route is looked at by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from fieldapp.accounts.models import Session, Team, User
from fieldapp.codes.models import QrCode
from fieldapp.db import db
from tests.browser.conftest import Site
from tests.conftest import Sqlite, make_app
from tests.house import test_authorisation as matrix
from tests.tools import axe, chromium, server, validator

pytestmark = pytest.mark.browser

# Who looks at the pages of a row of the matrix.
VIEWERS = {
    matrix.OPEN: [None], matrix.SIGNED_IN: ["zhao", "li", "wu"], matrix.RECORD: ["zhao"], matrix.OWN_RECORD: ["zhao"], matrix.LIST: ["zhao", "li"],
    matrix.LEADS: ["li"], matrix.OWN_LEAD: ["li"], matrix.ADMINS: ["wu"], matrix.AUDITORS: ["zheng"],
    matrix.OFFICERS_LEAD: ["li"], matrix.OWN_BATCH: ["li"],
}  # fmt: skip
# Addresses that answer no page: files and probes.
NO_PAGE = {
    "pages.static_file", "pages.favicon", "offline.manifest", "pages.healthz", "pages.readyz", "codes.svg", "codes.png", "codes.labels_file",
    "followups.export", "followups.feed", "needs.export", "imports.template", "imports.refused", "imports.watch", "enterprises.export",
    "visits.concerns", "visits.photos",  # parts that htmx fetches, looked at in the pages they belong to
    "attachments.full", "attachments.thumb", "desk.my_outcomes_file", "desk.officer_outcomes_file", "visits.export",
    "offline.session", "offline.pack", "offline.service_worker", "offline.key_of_file",
}  # fmt: skip
MORE = {
    "zhao": ["/enterprises?q=hxxny", "/enterprises?q=没有这样的", "/enterprises?scope=pool&due=never", "/follow-ups?state=closed", "/nowhere", "/admin/users"],
    "li": ["/enterprises?scope=pool&tag=hnte"],
}  # fmt: skip


@dataclass
class Looked:
    site: Site
    addresses: dict[str | None, list[str]]


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """The cast's city on SQLite (what a page looks like does not depend on the database), and every page of it."""
    folder = tmp_path_factory.mktemp("pages")
    database = Sqlite(folder)
    database.renew()
    app = make_app(database.url, folder)
    with app.app_context():
        one = db.session.scalar
        from fieldapp.enterprises.models import Contact, Enterprise
        from tests import people

        huaxing = one(sa.select(Enterprise.id).where(Enterprise.name.startswith("华星")))
        known = {
            "enterprise_id": huaxing, "visit_id": people.VISIT, "need_id": people.NEED, "follow_up_id": people.FOLLOW_UP,
            "contact_id": one(sa.select(Contact.id).where(Contact.enterprise_id == huaxing)),
            "token": one(sa.select(QrCode.token).where(QrCode.enterprise_id == huaxing)),
            "user_id": one(sa.select(User.id).where(User.username == "qian")),
            "team_id": one(sa.select(Team.id).where(Team.name == "一队")),
            "session_id": one(sa.select(sa.func.max(Session.id))) or 0,
        }  # fmt: skip
        db.session.remove()
        db.engine.dispose()
    addresses: dict[str | None, list[str]] = {}
    for method, endpoint, rule in matrix.RULES:
        if method != "GET" or endpoint in NO_PAGE:
            continue
        try:
            address = matrix.fill(rule, known)
        except KeyError:
            continue  # something that only comes to be in its own slice's tests, which look at it there
        for viewer in VIEWERS[matrix.MATRIX[method, endpoint]]:
            addresses.setdefault(viewer, []).append(address)
    for viewer, more in MORE.items():
        addresses[viewer] += more
    with server.running(
        database.url, instance=folder, settings={"FIELDAPP_SECRET_KEY": "tests " * 8}
    ) as here:
        yield Looked(Site(here.url, app, database), addresses)


def _visit_all(browser, looked, size, check, **options):
    """check(page, name) on every page; all complaints together."""
    complaints = []
    for viewer, addresses in looked.addresses.items():
        context = browser.new_context(**chromium.context_options(size, **options))
        page = context.new_page()
        if viewer:
            looked.site.sign_in(page, viewer)
        for address in addresses:
            page.goto(looked.site.url + address)
            complaints += [f"{viewer} {address}: {words}" for words in check(page, f"{viewer} {address}")]
        context.close()
    return complaints


def _sideways(page, _name):
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{too_wide} px too wide"] if too_wide > 0 else []


def _axe_finds(page, _name):
    # The whole page at once: a row half under the tab bar is small only at that scroll position.
    size = page.viewport_size
    page.set_viewport_size(
        {"width": size["width"], "height": page.evaluate("document.documentElement.scrollHeight") + 1}
    )
    try:
        return _found_by_axe(page)
    finally:
        page.set_viewport_size(size)


def _found_by_axe(page):
    return [str(found) for found in axe.violations(page)]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_axe_violation_on_a_phone(browser, looked, dark):
    complaints = _visit_all(browser, looked, chromium.PHONE, _axe_finds, dark=dark)
    assert not complaints, "\n".join(complaints)


def test_no_axe_violation_at_the_desk(browser, looked):
    complaints = _visit_all(browser, looked, chromium.DESK, _axe_finds)
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("size", ["NARROWEST", "SMALL_PHONE", "DESK"])
def test_nothing_goes_sideways(browser, looked, size):
    complaints = _visit_all(browser, looked, getattr(chromium, size), _sideways)
    assert not complaints, "\n".join(complaints)


def test_nothing_goes_sideways_with_text_twice_as_large(looked, browser):
    large = browser.browser_type.launch(**chromium.launch_options(text_percent=200))
    try:
        complaints = _visit_all(large, looked, chromium.PHONE, _sideways)
    finally:
        large.close()
    assert not complaints, "\n".join(complaints)


def test_every_page_is_valid_html(browser, looked):
    pages = {}

    def keep(page, name):
        pages[name] = page.request.get(page.url).text()
        return []

    _visit_all(browser, looked, chromium.DESK, keep)
    findings = validator.validate(pages)
    assert len(pages) > 20 and not findings, "\n".join(map(str, findings))
