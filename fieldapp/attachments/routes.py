"""Photos and PDFs on the wire. Who asks goes through the door every time; what is served never changes."""

from __future__ import annotations

import uuid

from flask import Response, request
from flask_login import current_user

from fieldapp.attachments.blueprint import bp
from fieldapp.attachments.models import JPEG, PDF, CopySize
from fieldapp.attachments.queries import copy_of, find_attachment
from fieldapp.guards import loosened, needs
from fieldapp.pages import named


def _picture(attachment_id: uuid.UUID, size: CopySize) -> Response:
    kept = find_attachment(current_user, attachment_id, JPEG)
    tag = f"{kept.id.hex}-{size.value}"
    if request.if_none_match.contains(tag):
        response = Response(status=304)
    else:
        response = Response(copy_of(kept.id, size), mimetype=kept.media_type)
        response.headers["Content-Disposition"] = f'inline; filename="photo-{kept.id.hex[-8:]}.jpg"'
    response.set_etag(tag)
    # On this phone only, and only for whoever holds this cookie: signing out clears the cache as well.
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["Vary"] = "Cookie"
    return response


@bp.get("/attachments/<uuid:attachment_id>/full.jpg")
@needs("OFFICER", "LEAD")
@loosened(style_src="'unsafe-inline'")
def full(attachment_id: uuid.UUID) -> Response:
    """The whole picture. The browser's own viewer styles itself, hence the source; a JPEG holds no markup to style."""
    return _picture(attachment_id, CopySize.FULL)


@bp.get("/attachments/<uuid:attachment_id>/thumb.jpg")
@needs("OFFICER", "LEAD")
def thumb(attachment_id: uuid.UUID) -> Response:
    return _picture(attachment_id, CopySize.THUMB)


# Whatever a reader makes of it, nothing in it is ours, and nothing of ours is within its reach.
boxed = loosened(sandbox="")


def as_file(attachment_id: uuid.UUID, name: str) -> Response:
    """A PDF to be saved or handed to a reader, not shown in our place. Ask a door first."""
    response = Response(copy_of(attachment_id, CopySize.FULL), mimetype=PDF)
    shown = name if name.lower().endswith(".pdf") else f"{name}.pdf"
    return named(response, shown, f"file-{attachment_id.hex[-8:]}.pdf")


@bp.get("/attachments/<uuid:document_id>/file.pdf")
@needs("OFFICER", "LEAD")
@boxed
def pdf(document_id: uuid.UUID) -> Response:
    kept = find_attachment(current_user, document_id, PDF)
    return as_file(kept.id, kept.original_name)
