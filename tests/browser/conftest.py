"""Real Chromium against the real server.

On SQLite: what a browser does does not depend on the database, and every route is tried on both in tests/web. The two
walks through the whole app go over both, see `both_databases`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fieldapp.db import db
from tests import people
from tests.conftest import make_app
from tests.tools import chromium, server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium.launched() as running:
        yield running


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, prepared: Callable[[str], Any]) -> Any:
    """SQLite, or what `both_databases` of a test names."""
    return prepared(getattr(request, "param", "sqlite"))


both_databases = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True, scope="session")


@dataclass
class Site:
    """A running server on a database of its own."""

    url: str
    app: Any
    database: Any

    def sign_in(self, page: Page, username: str, password: str = people.PASSWORD) -> None:
        page.goto(f"{self.url}/login")
        page.get_by_label("账号").fill(username)
        page.locator("#password").fill(password)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(lambda address: "/login" not in address)

    def ask(self, query: Any) -> Any:
        """What the database says now, as one value."""
        with self.app.app_context():
            try:
                return db.session.scalar(query)
            finally:
                db.session.remove()
                db.engine.dispose()


@pytest.fixture(scope="module")
def site(database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The cast's city, served as `make run` serves it; one for all tests of a file."""
    database.renew()
    instance = tmp_path_factory.mktemp("served")
    with server.running(
        database.url, instance=instance, settings={"FIELDAPP_SECRET_KEY": "tests " * 8}
    ) as here:
        yield Site(here.url, make_app(database.url, instance), database)
