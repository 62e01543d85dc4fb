"""The photos (and PDFs) of a form, decoded before anything is locked: `@prepares(take_photos)`, or `take_files`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app, request
from werkzeug.datastructures import FileStorage

from fieldapp.attachments import documents
from fieldapp.attachments.documents import Document, bind
from fieldapp.attachments.pictures import Limits, Photo, Refused, develop
from fieldapp.languages import lazy
from fieldapp.refusals import Refusal

FIELD, DOCUMENTS = "photos", "documents"
# Decoding is where the memory goes: two at once in a process, the others wait their turn.
AT_ONCE = 2
PATIENCE = 30.0  # seconds a form waits for its turns, all its photos together

_turns = threading.BoundedSemaphore(AT_ONCE)


class Busy(Refusal):
    status = 503
    title = lazy("照片排队太久")
    message = lazy("现在上传照片的人太多，这次没有保存。请返回，过一分钟再提交；急的话可以先去掉照片。")


def limits() -> Limits:
    config = current_app.config
    return Limits(
        config["PHOTO_MAX_BYTES"], config["PHOTO_MAX_PIXELS"], config["PHOTO_SIDE"], config["THUMB_SIDE"]
    )


def take_photos() -> list[Photo | Refused]:
    """What the form's `photos` hold, in their order: each taken or refused with its sentence.

    Parts without a file are passed over, and so is the same photo chosen twice. More files than a visit may have are
    not decoded at all. Raises Busy when its turn does not come.
    """
    config = current_app.config
    if not config["PHOTOS"]:
        return []
    files = [file for file in request.files.getlist(FIELD) if file.filename]
    if not files:
        return []
    most = config["PHOTOS_PER_VISIT"]
    if len(files) > most:
        return [Refused("", too_many(len(files), most))]
    within = limits()
    return _taken(files, lambda file: develop(file.stream, file.filename or "", within))


def take_files() -> list[Photo | Document | Refused]:
    """What the form's `photos` and `documents` hold."""
    files = [file for file in request.files.getlist(DOCUMENTS) if file.filename]
    most = current_app.config["PDFS_PER_FORM"]
    if len(files) > most:
        return [*take_photos(), Refused("", too_many_documents(len(files), most), is_photo=False)]
    config = current_app.config
    within = documents.Limits(
        config["PDF_MAX_BYTES"], config["PDF_MAX_PAGES"], config["PDF_SECONDS"], config["PDF_MEMORY"]
    )
    return [
        *take_photos(),
        *_taken(files, lambda file: bind(file.stream, file.filename or "", within)),
    ]


def _taken(files: Sequence[FileStorage], make: Callable[[FileStorage], Any]) -> list[Any]:
    deadline = time.monotonic() + PATIENCE
    taken: list[Any] = []
    known: set[bytes] = set()
    for file in files:
        if not _turns.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Busy
        try:
            made = make(file)
        finally:
            _turns.release()
        if not isinstance(made, Refused):
            if made.sha256 in known:
                continue
            known.add(made.sha256)
        taken.append(made)
    return taken


take_photos.of_files = take_files.of_files = True  # type: ignore[attr-defined]  # see guards.prepare


def too_many(count: int, most: int) -> object:
    return lazy("最多放 %(most)s 张照片，这次有 %(count)s 张。请去掉多出来的。", most=most, count=count)


def too_many_documents(count: int, most: int) -> object:
    return lazy("最多放 %(most)s 个文件，这次有 %(count)s 个。请去掉多出来的。", most=most, count=count)
