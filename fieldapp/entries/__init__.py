"""Receipts: every write of a signed-in person is an entry, and an entry happens once."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, g, request
from flask_login import current_user

from fieldapp.db import WRITE_METHODS
from fieldapp.entries.actions import close_entry, open_entry
from fieldapp.guards import current_view

bp = Blueprint("entries", __name__)

# An answer longer than this is not a receipt; nothing the app gives to a successful write comes near it.
LONGEST_BODY = 64 * 1024


def keep_instead(response: Response, body: str) -> Response:
    """Keep `body` for replays in place of what `response` says: a secret is shown once and stored nowhere."""
    response.kept_body = body  # type: ignore[attr-defined]
    return response


def init(app: Flask) -> None:
    @app.before_request
    def _open() -> Response | None:
        if request.method not in WRITE_METHODS or not current_user.is_authenticated:
            return None
        if getattr(current_view(), "is_repeatable", False):
            return None
        answer = open_entry(current_user.id)
        if answer is None:
            return None
        response = Response(answer.body, status=answer.status, mimetype="text/html")
        if answer.location:
            response.headers["Location"] = answer.location
        response.headers["Outbox-Replayed"] = "1"
        return response

    @app.after_request
    def _close(response: Response) -> Response:
        key = g.get("entry_key")
        if key is None:
            return response
        # Named on every answer, refusals included: an answer that does not name the entry proves nothing.
        response.headers["Outbox-Ack"] = str(key)
        if g.pop("entry_open", False) and response.status_code < 400:
            body = getattr(response, "kept_body", None)
            if body is None:
                body = "" if response.is_streamed else response.get_data(as_text=True)[:LONGEST_BODY]
            close_entry(response.status_code, response.headers.get("Location", ""), body)
        return response
