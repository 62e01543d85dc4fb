"""Real Chromium against the real server.

On SQLite: what a browser does does not depend on the database, and every route is tried on both in tests/web. Walks
through the whole app go over both, see `both_databases`, or over the one that cities use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fieldapp.db import db
from tests import people
from tests.conftest import make_app, session_of
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
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True, scope="session")


def kept_cookie(name: str, value: str, url: str) -> dict[str, Any]:
    """As signing in sets it where the person stays signed in: it outlives the last tab."""
    expires = time.time() + 30 * 86_400
    return {"name": name, "value": value, "url": url, "expires": expires, "httpOnly": True, "sameSite": "Lax"}


@dataclass
class Site:
    """A running server on a database of its own."""

    url: str
    app: Any
    database: Any
    by_hand: bool = False  # where signing in is what the tests are about

    def sign_in(self, page: Page, username: str, password: str = people.PASSWORD) -> None:
        """Into the page that signing in leads to. A browser nobody has used here yet is given its session: the form
        is tried where it is used by hand, and wherever somebody signs in after another."""
        if not self.by_hand and password == people.PASSWORD and not page.context.cookies(self.url):
            with self.app.app_context():
                name, token = session_of(self.app, username)
                db.session.remove()
                db.engine.dispose()
            page.context.add_cookies([kept_cookie(name, token, self.url)])
            page.goto(f"{self.url}/")
            return
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
