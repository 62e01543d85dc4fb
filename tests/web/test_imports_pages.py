"""The import pages in a real Chromium: the whole way with and without script, and every state looked at by machine."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from tests import people
from tests.conftest import Sqlite
from tests.ledgers import nasty
from tests.tools import axe, chromium, server, validator

pytestmark = pytest.mark.browser
HOME = "/imports/enterprises"


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The cast's city on SQLite; how a page looks does not depend on the database."""
    folder = tmp_path_factory.mktemp("import-pages")
    database = Sqlite(folder)
    database.renew()
    with server.running(
        database.url, instance=folder, settings={"FIELDAPP_SECRET_KEY": "tests " * 8}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium.launched() as running:
        yield running


def ledger(folder: Path, first: int) -> Path:
    """The office's sheet and sixty clean rows, under a name of its own; `first` makes the clean ones new."""
    book = openpyxl.load_workbook(io.BytesIO(nasty.office_xlsx()))
    for number in range(first, first + 60):
        book["汇总"].append([nasty.enterprise(number)[heading] for heading in nasty.HEADINGS])
    path = folder / f"规上企业名单（示例）{first}.xlsx"
    book.save(path)
    return path


def unknown(folder: Path) -> Path:
    headings = ["甲列", "乙列", "丙列"]
    path = folder / "看不懂.xlsx"
    path.write_bytes(
        nasty.workbook(
            [dict(zip(headings, ["甲有限公司", nasty.code(1), "昆都仑区"], strict=True))], headings
        )
    )
    return path


def sign_in(page, here):
    page.goto(f"{here.url}/login")
    page.get_by_label("账号").fill("li")
    page.locator("#password").fill(people.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda address: "/login" not in address)


def upload(page, here, file):
    page.goto(here.url + HOME)
    page.set_input_files("#file", str(file))
    page.get_by_role("button", name="上传，看一看结果").click()
    page.wait_for_url(lambda address: address.rsplit("/", 1)[1].isdigit())
    return page.url


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_lead_walks_from_the_file_to_the_list(browser, here, tmp_path, script):
    context = browser.new_context(**chromium.context_options(chromium.PHONE, java_script_enabled=script))
    watch = chromium.watch(context)
    page = context.new_page()
    sign_in(page, here)
    first = 2_000 if script else 3_000
    upload(page, here, ledger(tmp_path, first))
    page.get_by_text("还没有写入任何数据").wait_for()
    page.get_by_role("link", name="不能入库").first.click()
    page.get_by_text("只有 17 位").first.wait_for()
    page.get_by_role("button", name="确认入库").click()
    page.get_by_role("heading", name="导入企业：已入库").wait_for()
    page.goto(f"{here.url}/enterprises?q={nasty.code(first)[-6:]}")
    page.get_by_text(f"青岭{first}号装备有限公司").wait_for()
    watch.check()
    context.close()


@pytest.fixture(scope="module")
def addresses(browser, here, tmp_path_factory):
    """Every state of the pages, by name."""
    folder = tmp_path_factory.mktemp("sheets")
    context = browser.new_context(**chromium.context_options(chromium.DESK))
    page = context.new_page()
    sign_in(page, here)
    found = {"start": here.url + HOME}
    found["columns"] = upload(page, here, unknown(folder))
    found["preview"] = upload(page, here, ledger(folder, 4_000))
    found["refused"] = found["preview"] + "?show=refused"
    found["all"] = found["preview"] + "?show=all&page=2"
    found["done"] = upload(page, here, ledger(folder, 5_000))
    page.get_by_role("button", name="确认入库").click()
    page.get_by_role("heading", name="导入企业：已入库").wait_for()
    cookies = context.cookies()
    pages = {name: page.request.get(url).text() for name, url in found.items()}
    context.close()
    return found, cookies, pages


def _look(browser, addresses, size, check, **options):
    found, cookies, _pages = addresses
    context = browser.new_context(**chromium.context_options(size, **options))
    context.add_cookies(cookies)
    page = context.new_page()
    complaints = []
    for name, url in found.items():
        page.goto(url)
        complaints += [f"{name}: {words}" for words in check(page)]
    context.close()
    assert not complaints, "\n".join(complaints)


def _sideways(page):
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{too_wide} px too wide"] if too_wide > 0 else []


def _axe(page, **options):
    # The whole page in view: a chip that a sticky bar happens to cover is not a small target.
    page.set_viewport_size(
        {
            "width": page.viewport_size["width"],
            "height": page.evaluate("document.documentElement.scrollHeight") + 40,
        }
    )
    return [str(violation) for violation in axe.violations(page, **options)]


def _colours(page):
    return _axe(page, only=axe.COLOURS)


@pytest.mark.parametrize("size", ["PHONE", "DESK"])
def test_no_axe_violation(browser, addresses, size):
    _look(browser, addresses, getattr(chromium, size), _axe)


def test_every_colour_can_be_read_in_the_dark(browser, addresses):
    _look(browser, addresses, chromium.PHONE, _colours, dark=True)


@pytest.mark.parametrize("size", ["NARROWEST", "SMALL_PHONE", "DESK"])
def test_nothing_goes_sideways(browser, addresses, size):
    _look(browser, addresses, getattr(chromium, size), _sideways)


def test_nothing_goes_sideways_with_text_twice_as_large(browser, addresses):
    large = browser.browser_type.launch(**chromium.launch_options(text_percent=200))
    try:
        _look(large, addresses, chromium.PHONE, _sideways)
    finally:
        large.close()


def test_every_state_is_valid_html(addresses):
    findings = validator.validate(addresses[2])
    assert not findings, "\n".join(map(str, findings))
