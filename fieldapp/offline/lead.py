"""The lead's view of what phones hold: “I did record it” can be answered, and no body that came too late is lost."""

from __future__ import annotations

import io

from flask import Response, url_for
from flask_login import current_user

from fieldapp import audit, clock
from fieldapp.attachments.intake import limits
from fieldapp.attachments.pictures import Photo, develop
from fieldapp.db import db
from fieldapp.entries.rules import without_notice
from fieldapp.guards import loosened, needs
from fieldapp.languages import lazy
from fieldapp.offline.blueprint import bp
from fieldapp.offline.queries import (
    find_holder,
    find_late,
    held_too_long,
    holders,
    late_bodies,
    late_file,
    received_from,
)
from fieldapp.offline.readings import kind_of
from fieldapp.pages import add_notice, done, page
from fieldapp.refusals import NotFound

add_notice("late_seen", "ok", lazy("已记为处理过。"))


@bp.get("/lead/phones")
@needs("LEAD")
def phones() -> Response:
    person = current_user._get_current_object()
    everybody = holders(person)
    late, late_count = late_bodies(person)
    return page(
        "offline/phones.html",
        now=clock.now(),
        holding=[one for one in everybody if one.waiting],
        empty=[one for one in everybody if not one.waiting],
        late=late,
        late_count=late_count,
        kind_of=kind_of,
        where=without_notice,
    )


@bp.get("/lead/phones/<int:user_id>")
@needs("LEAD")
def received(user_id: int) -> Response:
    """What of theirs has arrived, and when."""
    holder = find_holder(current_user._get_current_object(), user_id)
    return page(
        "offline/received.html",
        holder=holder,
        rows=received_from(holder.id),
        kind_of=kind_of,
        where=without_notice,
    )


@bp.post("/lead/phones/late/<int:late_id>/seen")
@needs("LEAD")
def seen(late_id: int) -> Response:
    late = find_late(current_user._get_current_object(), late_id)
    if late.seen_at is None:
        late.seen_at, late.seen_by_id = clock.now(), current_user.id
        audit.record("late_entry_seen", f"user:{late.user_id}", received=late.received_at.isoformat())
    return done(to=url_for("offline.phones", _anchor="late"), notice="late_seen")


@bp.get("/lead/phones/files/<int:file_id>.jpg")
@needs("LEAD")
@loosened(style_src="'unsafe-inline'")  # of the browser's own viewer, as for every other photo
def file(file_id: int) -> Response:
    """A photo of a late body. As everywhere, what is served is made anew from its pixels."""
    row = late_file(current_user._get_current_object(), file_id)
    db.session.rollback()
    photo = develop(io.BytesIO(row.data), row.name, limits())
    if not isinstance(photo, Photo):
        raise NotFound
    return Response(photo.full, mimetype="image/jpeg")


def phones_held_too_long() -> int:
    """For the lead's board."""
    return held_too_long(current_user._get_current_object())
