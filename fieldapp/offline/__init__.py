"""Working without a network: the service worker's address, the outbox page, the pack, what phones still hold."""

from __future__ import annotations

from flask import Flask

from fieldapp.offline import app as _app  # noqa: F401
from fieldapp.offline import box as _box  # noqa: F401
from fieldapp.offline import carrying as _carrying  # noqa: F401
from fieldapp.offline import models as _models  # noqa: F401
from fieldapp.offline import pack
from fieldapp.offline import session as _session  # noqa: F401
from fieldapp.offline import worker as _worker  # noqa: F401
from fieldapp.offline.blueprint import bp
from fieldapp.offline.reports import note_report


def init(app: Flask) -> None:
    pack.init(app)
    app.after_request(note_report)


__all__ = ["bp", "init"]
