"""Towns that can be hurt, phones that can be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.browser.offline import town as towns
from tests.browser.offline.phone import Phone, in_hand
from tests.browser.offline.town import Town
from tests.conftest import Postgresql, Sqlite
from tests.tools import chromium


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    with chromium._driver() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def on_file(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The prepared database that every town here begins with. What the server does on PostgreSQL has its own test."""
    return Sqlite(tmp_path_factory.mktemp("offline"))


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return Postgresql(tmp_path_factory.mktemp("offline-pg"))


@pytest.fixture(scope="module")
def town(on_file: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One for all tests of a file; each test says other words."""
    with towns.opened(on_file, tmp_path_factory.mktemp("town")) as made:
        yield made


@pytest.fixture(autouse=True)
def _line_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did to the line of a shared town, the next one finds it whole."""
    yield
    if "town" in request.fixturenames:
        made = request.getfixturevalue("town")
        made.line.on()
        made.line.slow()
        made.line.seen.clear()


@pytest.fixture
def phone(driver: Playwright, town: Town, tmp_path: Path) -> Iterator[Callable[..., Phone]]:
    """phone() or phone("qian"): somebody's phone, signed in; what it complained about is looked at in the end."""
    with ExitStack() as hands:
        count = 0

        def hand(username: str | None = "zhao", *arguments: str, **options: Any) -> Phone:
            nonlocal count
            count += 1
            made = hands.enter_context(
                in_hand(driver, town, tmp_path / f"phone-{count}", *arguments, **options)
            )
            if username:
                made.let_in(username)
            return made

        yield hand
