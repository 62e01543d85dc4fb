"""Photos that come by themselves, after the words of their visit: each is an entry of its own.

A broken upload then costs one photo and never the record. The visit says which it waits for (Visit.photos_expected).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask import Response, current_app, g, request, url_for
from flask_login import current_user
from sqlalchemy.exc import IntegrityError

from fieldapp import audit, clock
from fieldapp.attachments.actions import keep_all
from fieldapp.attachments.intake import take_photos, too_many
from fieldapp.attachments.pictures import Photo
from fieldapp.db import fetch, run
from fieldapp.guards import needs, prepares, takes_body
from fieldapp.languages import lazy
from fieldapp.pages import add_notice, done, part
from fieldapp.refusals import Conflict, NotFound, Refusal
from fieldapp.visits.access import can_amend, takes_part
from fieldapp.visits.blueprint import bp
from fieldapp.visits.models import HAPPENED, Visit, visit_photo
from fieldapp.visits.queries import VisitFile, find_visit

if TYPE_CHECKING:
    from fieldapp.accounts import Person

add_notice("photo_dropped", "ok", lazy("知道了，不再等这张照片。"))

_table = Visit.__table__
_HELD = sa.select(_table.c.photos_expected).where(_table.c.id == sa.bindparam("visit")).with_for_update()
_SHOWN = (
    sa.select(visit_photo.c.attachment_id, visit_photo.c.position)
    .where(visit_photo.c.visit_id == sa.bindparam("visit"))
    .order_by(visit_photo.c.position)
)
_EXISTS = sa.select(_table.c.id).where(_table.c.id == sa.bindparam("visit"))
_WAITS = sa.select(_table.c.id).where(
    _table.c.officer_id == sa.bindparam("officer"),
    sa.cast(_table.c.photos_expected, sa.Text).like(sa.bindparam("photo")),
)
_SHOW = sa.insert(visit_photo)
_WAIT = (
    sa.update(_table)
    .where(_table.c.id == sa.bindparam("visit"))
    .values(photos_expected=sa.bindparam("expected"), updated_at=sa.bindparam("at"))
)


class NotAPhoto(Refusal):
    title = lazy("这张照片收不了")


class NotYetVisited(Conflict):
    message = lazy("这次走访还没有记录，照片没有保存。")


class PhotoTaken(Conflict):
    message = lazy("这张照片已经保存在别处了。")


def take(person: Person, file: VisitFile, photo_id: uuid.UUID, photo: Photo, at: datetime) -> bool:
    """Add a photo that the phone sent after its visit; False when it has come before.

    Adds nothing to the version: a photo is in nobody's way. Raises NotYetVisited, NotAPhoto when the visit is full,
    PhotoTaken.
    """
    visit = file.visit
    if visit.status not in HAPPENED:
        raise NotYetVisited
    # Two photos at once: on PostgreSQL the second waits here, so neither takes the other's id off the list.
    expected = fetch(_HELD, {"visit": visit.id})[0][0]
    shown = fetch(_SHOWN, {"visit": visit.id})
    if photo_id in {row.attachment_id for row in shown}:
        return False
    most = current_app.config["PHOTOS_PER_VISIT"]
    if len(shown) >= most:
        raise NotAPhoto(too_many(len(shown) + 1, most))
    try:
        keep_all(person, visit.enterprise_id, [photo], at, [photo_id])
    except IntegrityError as error:
        raise PhotoTaken from error
    place = shown[-1].position + 1 if shown else 1
    run(_SHOW, {"visit_id": visit.id, "attachment_id": photo_id, "position": place})
    _expect(visit, [one for one in expected if one != str(photo_id)], at)
    audit.record("photo_arrived", f"visit:{visit.id}", actor=person, enterprise=visit.enterprise_id)
    return True


def drop(person: Person, file: VisitFile, photo_id: uuid.UUID, at: datetime) -> None:
    """The photo will not come: the phone was lost, or its owner took it out. Nothing happens when it has come."""
    visit = file.visit
    expected = fetch(_HELD, {"visit": visit.id})[0][0]
    if str(photo_id) not in expected:
        return
    _expect(visit, [one for one in expected if one != str(photo_id)], at)
    audit.record("photo_dropped", f"visit:{visit.id}", actor=person, enterprise=visit.enterprise_id)


def _expect(visit: Visit, expected: Sequence[str], at: datetime) -> None:
    run(_WAIT, {"visit": visit.id, "expected": list(expected), "at": at})


def _sent_id() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.form.get("photo_id", ""))
    except ValueError:
        return None


def _which(visit_id: uuid.UUID, photo_id: uuid.UUID | None) -> uuid.UUID:
    """The visit the photo belongs to. A planned one keeps its plan's id, which the phone did not know when it took the
    photo along without a network: then it is the officer's own visit that waits for this photo."""
    if fetch(_EXISTS, {"visit": visit_id}):
        return visit_id
    found = fetch(_WAITS, {"officer": current_user.id, "photo": f'%"{photo_id}"%'})
    return found[0].id if found else visit_id


@bp.post("/visits/<uuid:visit_id>/photos")
@needs("OFFICER", "LEAD")
@takes_body("PHOTO_BODY")
@prepares(take_photos)
def take_photo(visit_id: uuid.UUID) -> Response:
    """One photo: `photos` (a file) and `photo_id`. 204, however often it is sent."""
    photo_id = _sent_id()
    file = find_visit(current_user, _which(visit_id, photo_id), to=can_amend, whole=False)
    if photo_id is None:
        raise NotAPhoto(lazy("照片的编号不对，没有保存。请回到走访里重新选这张照片。"))
    taken = g.prepared
    if len(taken) != 1:
        raise NotAPhoto(lazy("这里一次收一张照片。请回到走访里重新选。"))
    if not isinstance(taken[0], Photo):
        raise NotAPhoto(taken[0].message)
    take(current_user._get_current_object(), file, photo_id, taken[0], clock.now())
    return Response(status=204)


@bp.post("/visits/<uuid:visit_id>/photos/<uuid:photo_id>/drop")
@needs("OFFICER", "LEAD")
def drop_photo(visit_id: uuid.UUID, photo_id: uuid.UUID) -> Response:
    file = find_visit(current_user, _which(visit_id, photo_id), to=can_amend, whole=False)
    drop(current_user._get_current_object(), file, photo_id, clock.now())
    return done(to=url_for("visits.show", visit_id=file.visit.id), notice="photo_dropped")


@bp.get("/visits/<uuid:visit_id>/photos")
@needs("OFFICER", "LEAD")
def photos(visit_id: uuid.UUID) -> Response:
    """The record's photos alone: the page asks again when one has been sent."""
    file = find_visit(current_user, visit_id)
    if not current_app.config["PHOTOS"]:
        raise NotFound
    return part("visits/_record_photos.html", "record_photos", **photos_of(current_user, file))


def photos_of(person: Person, file: VisitFile) -> dict[str, object]:
    """What the record's photos need to be drawn."""
    return {
        "file": file,
        "coming": file.photos_coming,
        "own": takes_part(person, file),
        "may_drop": can_amend(person, file),
    }


__all__ = ["drop", "photos_of", "take"]
