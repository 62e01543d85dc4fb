"""fieldapp (青助企): the factory and the table of contents."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from flask import Flask
from flask.sessions import NullSession, SessionInterface

from fieldapp import backup, clock, formats, guards, languages, pages, templating, work
from fieldapp import db as database
from fieldapp.settings import read_settings

# In dependency order: a slice imports only what stands before it. Needs and follow-ups stand before visits because
# recording a visit writes them in the same act.
SLICES = (
    "audit",
    "entries",
    "accounts",
    "notices",
    "enterprises",
    "codes",
    "imports",
    "attachments",
    "needs",
    "followups",
    "orders",
    "visits",
    "assignments",
    "casefile",
    "desk",
    "offline",
)


class _NoSession(SessionInterface):
    """Flask's signed-cookie session is last-writer-wins (offline.md §9.1); ours are rows, see accounts.sessions."""

    def open_session(self, app: Flask, request: Any) -> NullSession:
        return NullSession()

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        pass


class _App(Flask):
    jinja_environment = templating.Environment  # type: ignore[assignment]

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Nothing here is async; Flask would ask every view and every hook, at every request."""
        return func


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """The application. `overrides` are settings by name, for tests."""
    app = _App(__name__, static_folder=None)
    app.config.update(read_settings(os.environ, overrides))
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_BODY"]
    app.config["MAX_FORM_MEMORY_SIZE"] = app.config["MAX_BODY"]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.session_interface = _NoSession()
    _log_lines()
    # On the way in hooks run in this order, on the way out in the reverse one: the transaction ends after every
    # slice has had its say and before the bytes are compressed.
    pages.first(app)
    app.after_request(database.end_transaction)
    guards.first(app)
    database.init(app)
    clock.init(app)
    languages.init(app)
    formats.init(app)
    guards.init(app)
    pages.init(app)
    for name in SLICES:
        module = import_module(f"fieldapp.{name}")
        getattr(module, "init", lambda _app: None)(app)
        app.register_blueprint(module.bp)
    backup.init(app)
    work.init(app)
    import_module("fieldapp.demo").init(app)
    return app


def _log_lines() -> None:
    logger = logging.getLogger("fieldapp")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
