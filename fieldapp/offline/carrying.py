"""An outbox carried to another phone as a sealed file: who may open it."""

from __future__ import annotations

import base64
import hmac

import sqlalchemy as sa
from flask import Response, jsonify, request
from flask_login import current_user

from fieldapp import audit
from fieldapp.accounts import User
from fieldapp.accounts.sessions import officer_of_lead
from fieldapp.db import fetch
from fieldapp.guards import asked_by_phones
from fieldapp.offline.blueprint import bp
from fieldapp.refusals import NotFound

SALT_BYTES = 32
_SEED = sa.select(User.phone_seed).where(User.id == sa.bindparam("person"))


def carry_key(seed: bytes, salt: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869) for 32 bytes; static/js/outbox does the same with WebCrypto."""
    pseudorandom = hmac.digest(salt, seed, "sha256")
    return hmac.digest(pseudorandom, b"carry\x01", "sha256")


@bp.get("/outbox/carry-key")
@asked_by_phones
def key_of_file() -> Response:
    """`user`: whose outbox it is; `salt`: from the file's head, in hex. For its owner, and for a lead of its owner."""
    person = current_user._get_current_object()
    owner = request.args.get("user", "")
    if owner != str(person.id):
        person = officer_of_lead(person, owner)
    try:
        salt = bytes.fromhex(request.args.get("salt", ""))
    except ValueError:
        salt = b""
    if person is None or len(salt) != SALT_BYTES:
        raise NotFound
    audit.record("outbox_file_opened", f"user:{person.id}", later=True)
    seed = fetch(_SEED, {"person": person.id})[0].phone_seed
    return jsonify(key=base64.b64encode(carry_key(seed, salt)).decode())
