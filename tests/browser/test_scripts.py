"""Scripts as phones get them: each offers what its file offers, and no page loads more than forty kilobytes of them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fieldapp import pages
from tests import people
from tests.browser.conftest import Site
from tests.conftest import Sqlite, make_app
from tests.house.test_scripts import sent
from tests.tools import chromium, server

pytestmark = pytest.mark.browser

PARSER = Path(__file__).parents[1] / "tools" / "vendor" / "acorn-8.19.0.js"
# What a module asks for and what it offers, by name, as its syntax tree says.
NAMES = """(source) => {
  const said = [];
  for (const node of acorn.parse(source, { ecmaVersion: 2022, sourceType: "module" }).body) {
    const from = node.source?.value || "";
    if (node.type === "ImportDeclaration") said.push(...(node.specifiers.length ? node.specifiers : [{}]).map((one) => `${from}: ${one.imported?.name || one.type || ""}`));
    if (node.type === "ExportDefaultDeclaration") said.push("default");
    if (node.type !== "ExportNamedDeclaration") continue;
    for (const one of node.specifiers) said.push(`${from}> ${one.exported.name}`);
    const made = node.declaration;
    for (const one of made?.declarations || (made ? [made] : [])) said.push(`> ${one.id.name}`);
  }
  return said.sort();
}"""


def test_every_served_script_is_a_module_that_old_phones_read_and_offers_what_its_file_offers(browser):
    """Names inside are shortened on the way; what the code does is for every other test here to see: they run it."""
    page = browser.new_page()
    page.add_script_tag(content=PARSER.read_text(encoding="utf-8"))
    for path in sorted(pages.OWN_SCRIPTS.rglob("*.js")):
        written = path.read_text(encoding="utf-8")
        names = page.evaluate(NAMES, written)
        assert page.evaluate(NAMES, pages.script(path)) == names, path
        assert names or "import" not in written, path
    page.close()


LIMIT = 40 * 1024
# Loaded by the scanner's page alone: the reader, and what feeds it.
SCANNER = re.compile(r"/scan\.js$|/vendor/(barcode|zxing)")
VISIT_FORM = "/enterprises/1/visits/new"
PAGES = {
    "zhao": ["/", "/enterprises", "/enterprises/1", VISIT_FORM, "/enterprises/1/needs/new", f"/needs/{people.NEED}",
             f"/follow-ups/{people.FOLLOW_UP}", f"/visits/{people.VISIT}/edit", "/outbox", "/pack", "/me", "/scan"],
    "li": ["/lead", "/lead/assignments", "/imports/enterprises"],
}  # fmt: skip


def test_no_page_loads_more_than_forty_kilobytes_of_script(browser, tmp_path):
    """On opening, with everything it begins by itself: our own modules and htmx, gzip -9, an empty cache.

    Without the service worker, which fetches its modules (5 KB) and every other file quietly and later.
    """
    database = Sqlite(tmp_path)
    database.renew()
    settings = {"FIELDAPP_SECRET_KEY": "tests " * 8}
    heavy, loads = [], {}
    with server.running(database.url, instance=tmp_path, settings=settings) as here:
        site = Site(here.url, make_app(database.url, tmp_path), database)
        for person, addresses in PAGES.items():
            context = browser.new_context(**chromium.context_options(chromium.PHONE, service_workers="block"))
            page = context.new_page()
            site.sign_in(page, person)
            scripts: set[Path] = set()

            def note(request, into=scripts) -> None:
                path = urlsplit(request.url).path
                if re.fullmatch(r"/s/\w+/.+\.js", path) and not SCANNER.search(path):
                    into.add(pages.STATIC / path.split("/", 3)[3])

            page.on("request", note)
            for address in addresses:
                scripts.clear()
                assert page.goto(site.url + address).status == 200, address
                page.wait_for_load_state("networkidle")
                sizes = {path.relative_to(pages.STATIC): sent(path) for path in scripts}
                loads[address] = sum(sizes.values())
                if loads[address] > LIMIT:
                    heavy.append(
                        f"{address} loads {loads[address]}: "
                        + ", ".join(f"{n} {s}" for n, s in sizes.items())
                    )
            context.close()
    assert loads[VISIT_FORM] > 20_000, "the visit form's scripts were not seen"
    print(loads)
    assert not heavy, "\n".join(heavy)
