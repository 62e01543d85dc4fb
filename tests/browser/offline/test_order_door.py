"""The enterprise's door when the server dies with the answer, and when the database is away: nothing lost, nothing doubled."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from psycopg import sql

from fieldapp.codes.models import QrCode
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.models import Need, NeedSource
from fieldapp.orders.models import Order
from tests.browser.offline import town as towns
from tests.browser.offline.line import writes_only
from tests.people import ENTERPRISES
from tests.tools import chromium

pytestmark = pytest.mark.browser


def _door(town):
    token = (
        sa.select(QrCode.token)
        .join(Enterprise, Enterprise.id == QrCode.enterprise_id)
        .where(Enterprise.uscc == ENTERPRISES["huaxing"][1], QrCode.revoked_at.is_(None))
    )
    return f"{town.line.url}/q/{town.ask(token)}/order"


def _fill(page, title):
    page.locator("[name=kind][value=TALENT]").check(force=True)
    page.get_by_label("一句话说清难题").fill(title)
    page.get_by_label("怎么称呼您").fill("刘工")
    page.get_by_label("电话", exact=True).fill("13812345678")
    page.get_by_label("我已看过").check()
    page.wait_for_timeout(3200)  # nobody fills it in faster; the server asks whoever does to press again


def _orders(town, title):
    return town.ask(sa.select(sa.func.count()).where(Need.source == NeedSource.ORDER, Need.title == title))


def test_the_server_dies_between_commit_and_answer_and_the_same_form_finds_its_receipt(town):
    title = "死在提交和回答之间"
    with chromium.launched() as browser, chromium.phone(browser) as page:
        chromium.page_watch(page).expect("ERR_")
        page.goto(_door(town))
        _fill(page, title)
        town.line.fate = writes_only("lost")
        page.get_by_role("button", name="提交点单").tap()
        page.locator("[data-unsent]").wait_for()
        assert _orders(town, title) == 1, "it was stored, only the answer was lost"
        town.kill()
        town.start()
        town.line.on()
        assert page.get_by_label("一句话说清难题").input_value() == title
        page.get_by_role("button", name="提交点单").tap()
        page.get_by_text("已经提交过").first.wait_for()
        assert "/t/" in page.url
    assert _orders(town, title) == 1


def test_with_the_database_away_the_text_stays_and_a_later_press_is_one_order(on_postgres, tmp_path):
    title = "数据库不在"
    with towns.opened(on_postgres, tmp_path / "away") as town:
        name = town.url.rpartition("/")[2]
        admin = on_postgres._cluster.admin()

        def reachable(yes):
            admin.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                    sql.Identifier(name), sql.SQL(str(yes))
                )
            )
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

        with chromium.launched() as browser, chromium.phone(browser) as page:
            chromium.page_watch(page).expect("status of 503")
            page.goto(_door(town))
            _fill(page, title)
            reachable(False)
            try:
                with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
                    page.get_by_role("button", name="提交点单").tap()
                assert posted.value.status == 503 and posted.value.headers["retry-after"]
                page.locator("[data-busy]").wait_for()
                assert page.get_by_label("一句话说清难题").input_value() == title
            finally:
                reachable(True)
            page.get_by_role("button", name="提交点单").tap()
            page.get_by_text("点单已收到").wait_for()
        assert _orders(town, title) == 1
        assert town.ask(sa.select(sa.func.count()).select_from(Order)) == 1
