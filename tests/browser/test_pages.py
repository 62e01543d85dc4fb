"""Every page, looked at by machine: valid HTML, no axe violation in light and dark, nothing sideways at 320 px and 200 %.

Which pages there are comes from the authorisation matrix, so a new route is looked at by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from fieldapp.accounts.models import Session, Team, User
from fieldapp.codes.models import QrCode
from fieldapp.db import db
from tests import people
from tests.browser.conftest import Site
from tests.conftest import Sqlite, make_app
from tests.house import test_authorisation as matrix
from tests.tools import axe, chromium, server, validator

pytestmark = pytest.mark.browser

# Who looks at the pages of a row of the matrix.
VIEWERS = {
    matrix.OPEN: [None], matrix.SIGNED_IN: ["zhao", "li", "wu"], matrix.RECORD: ["zhao"], matrix.OWN_RECORD: ["zhao"], matrix.LIST: ["zhao", "li"],
    matrix.LEADS: ["li"], matrix.OWN_LEAD: ["li"], matrix.ADMINS: ["wu"], matrix.AUDITORS: ["zheng"],
    matrix.OFFICERS_LEAD: ["li"], matrix.OWN_BATCH: ["li"], matrix.NOWHERE: [None], matrix.OWN_TEAM: ["li", "wu"],
    matrix.CHOSEN: ["li"], matrix.NOT_SHARED: ["sun"],
}  # fmt: skip
# Addresses that answer no page: files and probes.
NO_PAGE = {
    "pages.static_file", "pages.favicon", "offline.manifest", "pages.healthz", "pages.readyz", "codes.svg", "codes.png", "codes.labels_file",
    "followups.export", "followups.feed", "needs.export", "imports.template", "imports.refused", "imports.watch", "enterprises.export",
    "visits.concerns", "visits.photos", "notices.way_list", "notices.team_way_list",  # parts that htmx fetches, looked at in the pages they belong to
    "attachments.full", "attachments.pdf", "attachments.thumb", "desk.my_outcomes_file", "desk.officer_outcomes_file", "visits.export",
    "offline.session", "offline.pack", "offline.service_worker", "offline.key_of_file",
}  # fmt: skip
MORE = {
    "zhao": ["/enterprises?q=hxxny", "/enterprises?q=没有这样的", "/enterprises?scope=pool&due=never", "/follow-ups?state=closed", "/nowhere", "/admin/users"],
    "li": [
        "/enterprises?scope=pool&tag=hnte", "/needs?state=all&q=隔膜", "/needs?scope=shared", "/needs/views?light=red",
        f"/needs/together?act=assign&e={people.NEED}", f"/needs/together?act=refer&e={people.NEED}",
    ],
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

        huaxing = one(sa.select(Enterprise.id).where(Enterprise.name.startswith("华星")))
        known = {
            "enterprise_id": huaxing, "visit_id": people.VISIT, "need_id": people.NEED, "follow_up_id": people.FOLLOW_UP,
            "contact_id": one(sa.select(Contact.id).where(Contact.enterprise_id == huaxing)),
            "token": one(sa.select(QrCode.token).where(QrCode.enterprise_id == huaxing)),
            "user_id": one(sa.select(User.id).where(User.username == "qian")),
            "team_id": one(sa.select(Team.id).where(Team.name == "一队")),
            "session_id": one(sa.select(sa.func.max(Session.id))) or 0,
            "way": "dingtalk",
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


def _open(browser, looked, size, **options):
    """(page, its name) for every page of everybody, opened one after the other."""
    for viewer, addresses in looked.addresses.items():
        context = browser.new_context(**chromium.context_options(size, **options))
        page = context.new_page()
        if viewer:
            looked.site.sign_in(page, viewer)
        for address in addresses:
            page.goto(looked.site.url + address)
            yield page, f"{viewer} {address}"
        context.close()


# What sticks out of its card at a side, unless it can be scrolled to inside it.
STICKS_OUT = """() => {
  const scrolls = (one, card) => one !== card && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement, card));
  const out = [];
  for (const card of document.querySelectorAll(".card, .note, .choice, .btn")) {
    const box = card.getBoundingClientRect();
    if (!box.width || !card.checkVisibility()) continue;
    for (const one of card.querySelectorAll("*")) {
      const { left, right, width, height } = one.getBoundingClientRect();
      if (width <= 1 || height <= 1 || (left >= box.left - 1 && right <= box.right + 1)) continue;
      if (!one.checkVisibility() || scrolls(one.parentElement, card)) continue;
      out.push(`${one.tagName}.${one.getAttribute("class")} sticks ${Math.round(Math.max(right - box.right, box.left - left))} px out of .${card.className}`);
    }
  }
  return [...new Set(out)].slice(0, 5);
}"""


def _too_wide(page):
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*([f"{wide} px too wide"] if wide > 0 else []), *page.evaluate(STICKS_OUT)]


def _axe_finds(page, **options):
    # The whole page at once: a row half under the tab bar is small only at that scroll position.
    size = page.viewport_size
    page.set_viewport_size(
        {"width": size["width"], "height": page.evaluate("document.documentElement.scrollHeight") + 1}
    )
    try:
        return [str(found) for found in axe.violations(page, **options)]
    finally:
        page.set_viewport_size(size)


# Fields that the scripts take for filled in by somebody; what they would keep as a draft of the page's own words.
FILLED_IN = """async () => {
  const { typed } = await import(document.querySelector('script[src$="/js/app.js"]').src.replace("app.js", "ids.js"));
  return [...document.forms].flatMap((form) => [...form.elements]).filter(typed).map(({ name, id }) => name || id);
}"""
# Colours that are fading have arrived.
SETTLE = "() => { for (const one of document.getAnimations()) one.finish(); }"
SIZES = {"NARROWEST": chromium.NARROWEST, "SMALL_PHONE": chromium.SMALL_PHONE, "DESK": chromium.DESK}


def _twice_as_large(page):
    """The browser's own text size, as its settings change it: `rem` is counted from it, the layout's width is not."""
    settings = page.context.new_cdp_session(page)
    settings.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    settings.detach()


@pytest.fixture(scope="module")
def seen(browser, looked):
    """What there is to complain of, by kind: every page opened once, turned dark, made narrow and wide, its text large."""
    complaints, sources = {}, {}

    def note(kind, name, words):
        complaints.setdefault(kind, []).extend(f"{name}: {one}" for one in words)

    for page, name in _open(
        browser, looked, chromium.PHONE, reduced_motion="reduce"
    ):  # colours change at once
        sources[name] = page.request.get(page.url).text()
        note("filled in", name, page.evaluate(FILLED_IN))
        note("light", name, _axe_finds(page))
        page.emulate_media(color_scheme="dark")
        page.evaluate(SETTLE)
        note("dark", name, _axe_finds(page, only=axe.COLOURS))
        page.emulate_media(color_scheme="light")
        page.evaluate(SETTLE)
        for size, pixels in SIZES.items():
            page.set_viewport_size(pixels)
            note(size, name, _too_wide(page))
        note("light, at the desk", name, _axe_finds(page))
        page.set_viewport_size(chromium.SMALL_PHONE)
        _twice_as_large(page)
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        note("text twice as large", name, _too_wide(page))
    return SimpleNamespace(complaints=complaints, sources=sources)


@pytest.mark.parametrize("kind", ["light", "dark", "light, at the desk", "text twice as large", *SIZES])
def test_no_axe_violation_and_nothing_goes_sideways(seen, kind):
    assert len(seen.sources) > 40
    assert not seen.complaints[kind], "\n".join(seen.complaints[kind])


def test_no_field_looks_filled_in_before_anybody_touched_it(seen):
    assert not seen.complaints["filled in"], "\n".join(seen.complaints["filled in"])


def test_every_page_is_valid_html(seen):
    findings = validator.validate(seen.sources)
    assert not findings, "\n".join(map(str, findings))
