"""Receipts: every write of a signed-in person is an entry, and an entry happens once."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, Response, g, request
from flask_login import current_user

from fieldapp import audit, here
from fieldapp.db import WRITE_METHODS
from fieldapp.entries.actions import Answer, close_entry, known_answer, open_entry, rule_of
from fieldapp.entries.rules import read_keys
from fieldapp.guards import current_view, prepare

bp = Blueprint("entries", __name__)

# An answer longer than this is not a receipt; nothing the app gives to a successful write comes near it.
LONGEST_BODY = 64 * 1024


def keep_instead(response: Response, body: str) -> Response:
    """Keep `body` for replays in place of what `response` says: a secret is shown once and stored nowhere."""
    response.kept_body = body  # type: ignore[attr-defined]
    return response


# How a refusal names itself to a phone when it has no word of its own.
NAMES = {
    400: "bad",
    403: "forbidden",
    404: "missing",
    405: "method",
    409: "conflict",
    413: "too-large",
    415: "type",
    422: "invalid",
    429: "busy",
    503: "busy",
}


def init(app: Flask) -> None:
    app.before_request(_open)
    app.after_request(_close)


def _open() -> Response | None:
    if request.method not in WRITE_METHODS:
        return None
    person = current_user._get_current_object()
    if not person.is_authenticated:
        return None
    receipts = not getattr(current_view(), "is_repeatable", False)
    if receipts and g.get("writes_later", False):
        # Sent again: nothing has to be prepared (photos decoded) a second time.
        answer = known_answer(person.id)
        if answer is not None:
            return _again(answer)
    prepare()
    if not receipts:
        return None
    answer = open_entry(person.id)
    if answer is not None:
        return _again(answer)
    if "brought_by" in g:
        audit.record(
            "brought_in",
            f"user:{person.id}",
            actor=g.brought_by,
            entry=str(g.entry_key),
            rule=rule_of(),
        )
    return None


def _again(answer: Answer) -> Response:
    response = Response(answer.body, status=answer.status, mimetype="text/html")
    if answer.location:
        response.headers["Location"] = answer.location
    response.headers["Outbox-Replayed"] = "1"
    return response


def _close(response: Response) -> Response:
    refused = response.status_code >= 400
    noted = here.notes()
    if noted.pop("entry_open", False) and not refused:
        body = getattr(response, "kept_body", None)
        if body is None:
            body = "" if response.is_streamed else response.get_data(as_text=True)[:LONGEST_BODY]
        close_entry(response.status_code, response.headers.get("Location", ""), body)
    # Named on every refusal, and on a success only if the entry was carried out: an answer that does not name the
    # entry proves nothing.
    key = noted.get("entry_key") or (_sent_key() if refused else None)
    if key is None or not (refused or noted.get("entry_carried_out", False)):
        return response
    response.headers["Outbox-Ack"] = str(key)
    if refused and "Outbox-Error" not in response.headers and response.status_code in NAMES:
        response.headers["Outbox-Error"] = NAMES[response.status_code]
    if refused and "outbox_location" in noted:
        response.headers["Outbox-Location"] = noted.outbox_location
    return response


def _sent_key() -> UUID | None:
    """The key in the header alone: the body may be what could not be read."""
    return next(iter(read_keys(request.headers.get("Idempotency-Key", ""))), None)
