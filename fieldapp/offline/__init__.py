"""Working without a network: the service worker's address, the outbox page, the pack, what phones still hold."""

from __future__ import annotations

from flask import Flask

from fieldapp.offline import app as _app  # noqa: F401
from fieldapp.offline import box as _box  # noqa: F401
from fieldapp.offline import carrying as _carrying  # noqa: F401
from fieldapp.offline import lead as _lead  # noqa: F401
from fieldapp.offline import models as _models  # noqa: F401
from fieldapp.offline import pack
from fieldapp.offline import session as _session  # noqa: F401
from fieldapp.offline import worker as _worker  # noqa: F401
from fieldapp.offline.blueprint import bp
from fieldapp.offline.lead import phones_held_too_long
from fieldapp.offline.reports import note_report
from fieldapp.offline.tidying import tidy_command


def init(app: Flask) -> None:
    pack.init(app)
    app.after_request(note_report)
    app.jinja_env.globals["phones_held_too_long"] = phones_held_too_long
    app.cli.add_command(tidy_command)


__all__ = ["bp", "init"]
