"""Shared fixtures: the same tests on SQLite and on a real PostgreSQL; a client for everybody of the cast."""

from __future__ import annotations

import contextvars
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from hypothesis import settings as hypothesis_settings
from werkzeug.test import TestResponse

from fieldapp import create_app
from fieldapp.accounts.models import User
from fieldapp.accounts.sessions import cookie_name, open_session
from fieldapp.clock import now
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from tests import people
from tests.forms import Form, forms_in
from tests.tools import postgres

# A busy machine is slow: that is nothing to fail by.
hypothesis_settings.register_profile("house", deadline=None)
hypothesis_settings.load_profile("house")

ROOT = Path(__file__).resolve().parents[1]
CHEAP = {"ARGON2_MEMORY_KIB": 64, "ARGON2_TIME": 1, "ARGON2_LANES": 1, "SECRET_KEY": "tests " * 8}
PUBLIC_URL = "https://qzq.example.cn"


@pytest.fixture(scope="session", autouse=True)
def catalogue() -> None:
    """A catalogue changed since it was compiled is compiled again, so that every served site speaks today's English."""
    from tests.house.test_languages import compile_catalogue

    compile_catalogue()


def make_app(url: str, instance: Path, **settings: Any) -> Flask:
    return create_app(
        {
            **CHEAP,
            "DATABASE_URL": url,
            "INSTANCE": str(instance),
            "PUBLIC_URL": PUBLIC_URL,
            "SECURE_COOKIES": False,
            **settings,
        }
    )


def _prepare(url: str, instance: Path) -> None:
    """Migrate as a deployment does, then let the cast move in."""
    app = make_app(url, instance)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        people.settle()
        db.session.remove()
        db.engine.dispose()


class Sqlite:
    """A file copied from a prepared one for every test; that one is prepared once, however many of these there are."""

    name = "sqlite"
    _template: ClassVar[Path | None] = None

    def __init__(self, folder: Path) -> None:
        self._file = folder / "test.sqlite3"
        self.url = f"sqlite:///{self._file}"
        if Sqlite._template is None or not Sqlite._template.exists():
            template = folder / "template.sqlite3"
            url = f"sqlite:///{template}"
            _prepare(url, folder)
            with sa.create_engine(url).connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            Sqlite._template = template

    def renew(self) -> None:
        for suffix in ("-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        assert self._template is not None
        # A file of its own each time: SQLite remembers by the file what this process has open, also what it forgot.
        fresh = self._file.with_suffix(".fresh")
        shutil.copyfile(self._template, fresh)
        fresh.replace(self._file)


class Postgresql:
    """A database copied from a prepared one, and put back to what it was for every test."""

    name = "postgresql"

    def __init__(self, folder: Path) -> None:
        self._cluster = postgres.start()
        self._cluster.template("base", lambda url: _prepare(url, folder))
        self.url = self._cluster.fresh("test")
        self._rewinder = postgres.Rewinder(self._cluster, "test")
        self._fresh = True

    def renew(self) -> None:
        if not self._fresh and not self._rewinder.rewind():
            self._cluster.fresh("test")
            self._rewinder = postgres.Rewinder(self._cluster, "test")
        self._fresh = False


_KINDS = {"sqlite": Sqlite, "postgresql": Postgresql}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """prepared("sqlite"): that database, prepared once a session."""
    return cache(lambda kind: _KINDS[kind](tmp_path_factory.mktemp(kind)))


@pytest.fixture(scope="session", params=list(_KINDS))
def database(request: pytest.FixtureRequest, prepared: Callable[[str], Any]) -> Any:
    """One of the two databases."""
    return prepared(request.param)


@pytest.fixture(scope="session")
def shared_app(database: Any, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(database.url, tmp_path_factory.mktemp("instance"))


@pytest.fixture
def app(shared_app: Flask, database: Any) -> Iterator[Flask]:
    """The application on a database in which only the cast has lived."""
    with shared_app.app_context():
        db.engine.dispose()
    database.renew()
    with shared_app.app_context():
        yield shared_app
        db.session.remove()
        left = db.engine.pool.checkedout()
        db.engine.dispose()
        assert not left, f"{left} connections were never given back"


def session_of(app: Flask, username: str) -> tuple[str, str]:
    """The cookie of a session laid in, inside an application context: its name and value."""
    with writing():
        user = db.session.scalars(sa.select(User).where(User.username == username)).one()
        with app.test_request_context():
            token, name = open_session(user, now()), cookie_name()
        db.session.commit()
    return name, token


class Client(FlaskClient):
    """A browser of one person: follows forms as they stand in the page."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        # Every request in a context of its own: the test's pushed app context must not lend its `g` to requests.
        response: TestResponse = contextvars.Context().run(super().open, *args, **kwargs)
        for value in response.headers.values():
            value.encode("latin-1")  # as a server must write them; nothing between here and there does
        return response

    def form(self, url: str, form: str | int = 0) -> Form:
        """The form of that page by number (of those that post) or by id."""
        response = self.get(url)
        assert response.status_code == 200, f"{url} answered {response.status_code}"
        found = forms_in(response.text)
        if isinstance(form, str):
            return next(f for f in found if f.id == form or f.action.endswith(form))
        return [f for f in found if f.method == "post"][form]

    def submit(self, url: str, form: str | int = 0, *, headers: Any = None, **values: Any) -> TestResponse:
        """Fetch the page, fill in its form, send it where it says."""
        found = self.form(url, form)
        return self.post(found.action or url, data=found.filled(**values), headers=headers)

    def token(self) -> str:
        """A CSRF token, for posts that no page offers to this person."""
        found = re.search(r'name="csrf_token" value="(\w+)"', self.get("/me").text)
        assert found, "no form under 我的"
        return found.group(1)


@pytest.fixture
def browser_of(app: Flask) -> Any:
    """browser_of("zhao"): a signed-in client. The password is tried in test_sign_in; here a session is laid in."""
    app.test_client_class = Client

    def sign_in(username: str) -> Client:
        name, token = session_of(app, username)
        client = app.test_client()
        client.set_cookie(name, token)
        return client  # type: ignore[return-value]

    return sign_in


def _person(username: str) -> Any:
    @pytest.fixture(name=username)
    def client(browser_of: Any) -> Client:
        return browser_of(username)

    return client


zhao, qian, sun, wang, li, zhou, wu, zheng = (_person(username) for username in people.PEOPLE)


@pytest.fixture
def anybody(app: Flask) -> Client:
    """Nobody signed in."""
    app.test_client_class = Client
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def city(app: Flask) -> SimpleNamespace:
    """The enterprises by their short names: city.huaxing.id."""
    rows = {
        e.uscc: SimpleNamespace(id=e.id, name=e.name, uscc=e.uscc)
        for e in db.session.scalars(sa.select(Enterprise))
    }
    db.session.rollback()
    return SimpleNamespace(**{key: rows[words[1]] for key, words in people.ENTERPRISES.items()})
