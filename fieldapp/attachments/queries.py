"""Reading photos: who sees the enterprise sees its photos."""

from __future__ import annotations

import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fieldapp.attachments.models import Attachment, AttachmentCopy, CopySize
from fieldapp.db import fetch
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible
from fieldapp.enterprises.models import Enterprise
from fieldapp.refusals import NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person


@cache
def _door(scope: Scope) -> sa.Select:
    return (
        sa.select(Attachment.id, Attachment.media_type, Attachment.original_name)
        .join(Enterprise, Enterprise.id == Attachment.enterprise_id)
        .where(Attachment.id == sa.bindparam("attachment", type_=Attachment.id.type), visible(scope))
    )


_COPY = sa.select(AttachmentCopy.data).where(
    AttachmentCopy.attachment_id == sa.bindparam("attachment", type_=AttachmentCopy.attachment_id.type),
    AttachmentCopy.size == sa.bindparam("size", type_=AttachmentCopy.size.type),
)


def find_attachment(person: Person, attachment_id: uuid.UUID, media_type: str) -> Any:
    """The door: (id, media_type, original_name) of a photo or PDF, NotFound when this person may not see its
    enterprise, or when it is the other kind."""
    found = fetch(_door(scope_of(person)), {"attachment": attachment_id, **scope_values(person)})
    if not found or found[0].media_type != media_type:
        raise NotFound
    return found[0]


def copy_of(attachment_id: uuid.UUID, size: CopySize) -> bytes:
    """The bytes of a copy; ask the door first."""
    found = fetch(_COPY, {"attachment": attachment_id, "size": size})
    if not found:
        raise NotFound
    data: bytes = found[0].data
    return data
