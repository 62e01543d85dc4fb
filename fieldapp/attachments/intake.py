"""The photos of a form, decoded before anything is locked: `@prepares(take_photos)`."""

from __future__ import annotations

import threading
import time

from flask import current_app, request

from fieldapp.attachments.pictures import Limits, Photo, Refused, develop
from fieldapp.languages import lazy
from fieldapp.refusals import Refusal

FIELD = "photos"
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
    if not current_app.config["PHOTOS"]:
        return []
    files = [file for file in request.files.getlist(FIELD) if file.filename]
    most = current_app.config["PHOTOS_PER_VISIT"]
    if len(files) > most:
        return [Refused("", too_many(len(files), most))]
    deadline = time.monotonic() + PATIENCE
    within = limits()
    taken: list[Photo | Refused] = []
    known: set[bytes] = set()
    for file in files:
        if not _turns.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Busy
        try:
            photo = develop(file.stream, file.filename or "", within)
        finally:
            _turns.release()
        if isinstance(photo, Photo):
            if photo.sha256 in known:
                continue
            known.add(photo.sha256)
        taken.append(photo)
    return taken


def too_many(count: int, most: int) -> object:
    return lazy("最多放 %(most)s 张照片，这次有 %(count)s 张。请去掉多出来的。", most=most, count=count)
