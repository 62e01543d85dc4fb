"""The request and what is kept for it, themselves.

Flask's `request` and `g` look for what they stand for at every use, a microsecond each time. What every request runs
through, a dozen times in some places, takes them once: `asked, noted = here.request(), here.notes()`.
"""

from __future__ import annotations

import flask
from flask.ctx import _AppCtxGlobals


def request() -> flask.Request:
    """Raises RuntimeError outside of a request, as Flask's proxy does."""
    return flask.request._get_current_object()  # type: ignore[attr-defined]


def notes() -> _AppCtxGlobals:
    """`g`."""
    return flask.g._get_current_object()
