"""Writing photos and PDFs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import audit
from fieldapp.attachments.models import JPEG, PDF, Attachment, AttachmentCopy, CopySize
from fieldapp.attachments.pictures import Photo
from fieldapp.db import run

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.attachments.documents import Document

_ATTACHMENT = sa.insert(Attachment.__table__)
_COPY = sa.insert(AttachmentCopy.__table__)


def keep(person: Person | None, enterprise_id: int, photo: Photo, at: datetime) -> uuid.UUID:
    """Keep one photo of that enterprise; returns its id."""
    return keep_all(person, enterprise_id, [photo], at)[0]


def keep_all(
    person: Person | None,
    enterprise_id: int,
    photos: Sequence[Photo | Document],
    at: datetime,
    ids: Sequence[uuid.UUID] = (),
) -> list[uuid.UUID]:
    """Keep photos and PDFs of that enterprise; returns their ids, in order. Three statements however many there are.

    `ids` are the phone's own, one for each photo; without them ids are made here. Raises IntegrityError for one that
    is taken.
    """
    if not photos:
        return []
    ids = list(ids) or [uuid7() for _ in photos]
    run(
        _ATTACHMENT,
        [
            {
                "id": own_id,
                "enterprise_id": enterprise_id,
                "author_id": person.id if person else None,
                "sha256": photo.sha256,
                "media_type": JPEG if isinstance(photo, Photo) else PDF,
                "bytes": len(photo.full),
                "width": photo.width if isinstance(photo, Photo) else 0,
                "height": photo.height if isinstance(photo, Photo) else 0,
                "original_name": photo.name,
                "created_at": at,
            }
            for own_id, photo in zip(ids, photos, strict=True)
        ],
    )
    run(
        _COPY,
        [
            {"attachment_id": own_id, "size": size, "data": data}
            for own_id, photo in zip(ids, photos, strict=True)
            for size, data in _copies(photo)
        ],
    )
    audit.record("photos_added", f"enterprise:{enterprise_id}", actor=person, count=len(ids))
    return ids


def _copies(file: Photo | Document) -> list[tuple[CopySize, bytes]]:
    if isinstance(file, Photo):
        return [(CopySize.FULL, file.full), (CopySize.THUMB, file.thumb)]
    return [(CopySize.FULL, file.full)]
