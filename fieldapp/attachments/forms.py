"""The photos of a form as a field of it, and its PDFs as another."""

from __future__ import annotations

import uuid
from typing import Any

import wtforms
from flask import current_app, g
from wtforms.widgets import FileInput, HiddenInput

from fieldapp.attachments.documents import Document
from fieldapp.attachments.intake import too_many, too_many_documents
from fieldapp.attachments.pictures import Photo, Refused
from fieldapp.languages import lazy

MOST_IDS = 50  # more are not looked at


class PhotosField(wtforms.Field):
    """What `@prepares(take_photos)` made of the uploaded files; must be called `photos` in its form.

    `photos` are the usable ones, in order. `already` is how many the record has: set it before validating.
    """

    widget = FileInput(multiple=True)
    already = 0
    most: int | None = None  # None: as many as a visit may have

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label or lazy("现场照片"), **kwargs)

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """The files were read before the form was made; the form's own data holds nothing of them."""
        self.process_errors: list[Any] = []
        self.taken = _prepared(formdata, Photo, photos=True)
        self.data = self.photos

    # Photos that are on their way by themselves, after the words: they need room too.
    coming = 0

    @property
    def photos(self) -> list[Photo]:
        return [photo for photo in self.taken if isinstance(photo, Photo)]

    @property
    def refused(self) -> list[Refused]:
        return [photo for photo in self.taken if isinstance(photo, Refused)]

    @property
    def offered(self) -> bool:
        """A deployment may do without photos."""
        return bool(current_app.config["PHOTOS"])

    @property
    def room(self) -> int:
        """How many may still be added."""
        return max(0, self._most - self.already - self.coming)

    @property
    def _most(self) -> int:
        return int(current_app.config["PHOTOS_PER_VISIT"] if self.most is None else self.most)

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        self.errors = [refused.message for refused in self.refused]
        if len(self.photos) > self.room:
            self.errors.append(too_many(self.already + self.coming + len(self.photos), self._most))
        return not self.errors


def _prepared(formdata: Any, kind: type, *, photos: bool) -> list[Any]:
    """What was made of the uploaded files of one field: usable ones of that kind, and refusals."""
    return [
        one
        for one in (g.get("prepared") or [] if formdata is not None else [])
        if isinstance(one, kind) or (isinstance(one, Refused) and one.is_photo is photos)
    ]


class DocumentsField(wtforms.Field):
    """What `@prepares(take_files)` made of the uploaded PDFs; must be called `documents` in its form."""

    widget = FileInput(multiple=True)

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        self.process_errors: list[Any] = []
        self.taken: list[Document | Refused] = _prepared(formdata, Document, photos=False)
        self.data = self.documents

    @property
    def documents(self) -> list[Document]:
        return [document for document in self.taken if isinstance(document, Document)]

    @property
    def room(self) -> int:
        return int(current_app.config["PDFS_PER_FORM"])

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        self.errors = [refused.message for refused in self.taken if isinstance(refused, Refused)]
        if len(self.documents) > self.room:
            self.errors.append(too_many_documents(len(self.documents), self.room))
        return not self.errors


class PhotoIds(wtforms.Field):
    """The ids of photos that the phone sends by themselves after this form: a list of UUIDs in the order of the tiles.

    Written by the page (uuid,uuid,…), so what cannot be read is left out and not told. `data` is always a list.
    """

    widget = HiddenInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        found: list[uuid.UUID] = []
        sent = ",".join(valuelist)
        for text in sent.split(",")[:MOST_IDS] if sent else ():
            try:
                found.append(uuid.UUID(text.strip()))
            except ValueError:
                continue
        self.data = list(dict.fromkeys(found))

    def _value(self) -> str:
        return ",".join(str(one) for one in self.data or [])
