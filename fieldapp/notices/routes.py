"""One's own notices: the last 90 days, and putting them away."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.guards import kept
from fieldapp.notices import actions
from fieldapp.notices.blueprint import bp
from fieldapp.notices.queries import list_notices, unread
from fieldapp.pages import done, in_place, number_in, page, part, same_site_path
from fieldapp.refusals import NotFound


@bp.get("/notices")
@kept
def index() -> Response:
    cursor = request.args.get("page", "")[:80]
    rows, next_page = list_notices(current_user, clock.now(), cursor)
    newest = max((one.id for one in rows if one.read_at is None), default=0)
    return page("notices/index.html", rows=rows, next_page=next_page, first=not cursor, newest=newest)


@bp.post("/notices/<int:notice_id>/read")
def read(notice_id: int) -> Response:
    if not actions.put_away(current_user, notice_id, clock.now()):
        raise NotFound
    return _back()


@bp.post("/notices/read")
def read_all() -> Response:
    """Everything up to the newest one that the page showed."""
    newest = number_in(request.form.get("upto", ""))
    if newest is not None:
        actions.put_all_away(current_user, newest, clock.now())
    return _back()


def _back() -> Response:
    """In place the list as it is now, else the page the button stood on."""
    if in_place():
        return part("notices/_list.html", "notice_list", notices=unread(current_user))
    return done(to=same_site_path(request.form.get("next")) or url_for("notices.index"))
