"""What an outbox asks before it sends anything: who is signed in here, and what became of an entry."""

from __future__ import annotations

import base64
import uuid

import sqlalchemy as sa
from flask import Response, current_app, jsonify, request
from flask_login import current_user

from fieldapp.accounts import User
from fieldapp.accounts.sessions import officer_of_lead
from fieldapp.db import fetch
from fieldapp.entries.queries import Outcome, outcome_of
from fieldapp.guards import asked_by_phones, csrf_token
from fieldapp.offline.blueprint import bp
from fieldapp.pages import static_version

_SEED = sa.select(User.phone_seed).where(User.id == sa.bindparam("person"))


@bp.get("/outbox/session")
@asked_by_phones
def session() -> Response:
    """One cheap question before uploading anything."""
    return jsonify(
        user=current_user.id,
        name=current_user.name,
        csrf=csrf_token(),
        seed=base64.b64encode(fetch(_SEED, {"person": current_user.id})[0].phone_seed).decode(),
        max=current_app.config["PHOTO_BODY"],
        version=static_version(),
    )


@bp.get("/outbox/result/<uuid:key>")
@asked_by_phones
def result(key: uuid.UUID) -> Response:
    """The first answer to an entry that may have arrived: asked before a large body is sent again."""
    person = current_user._get_current_object()
    owner = request.headers.get("Outbox-For", str(person.id))
    if owner != str(person.id):
        person = officer_of_lead(person, owner)
    found = outcome_of(person.id, key) if person else "unknown"
    if not isinstance(found, Outcome):
        answer = jsonify(error=found)
        answer.status_code = 404 if found == "unknown" else 409
        answer.headers["Outbox-Error"] = found
        return answer
    return jsonify(
        status=found.status, location=found.location, body=found.body, at=found.created_at.isoformat()
    )
