"""A word to the enterprise with photos or PDFs: it stands on the receipt, and in the need's log."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, current_app, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.attachments.intake import take_files
from fieldapp.forms import typed
from fieldapp.guards import needs, prepares, takes_body
from fieldapp.languages import lazy
from fieldapp.needs.access import can_write
from fieldapp.needs.models import ENDED, NeedSource
from fieldapp.needs.queries import find_need
from fieldapp.orders import actions
from fieldapp.orders.blueprint import bp
from fieldapp.orders.door_forms import SendForm
from fieldapp.pages import add_notice, done, page
from fieldapp.refusals import Conflict, NotFound

add_notice("sent_to_enterprise", "ok", lazy("发给企业了，在它的回执上看得到。"))


class Over(Conflict):
    title = lazy("这条需求已经结束")
    message = lazy("已经结束的需求，企业不会再看回执；有事请打电话。")


def may_send(person: Any, need: Any) -> bool:
    """Whether there is a receipt to send to, and it is theirs to write to."""
    return need.source is NeedSource.ORDER and need.status not in ENDED and can_write(person, need)


@bp.route("/needs/<uuid:need_id>/files", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@takes_body("PHOTO_BODY")
@prepares(take_files)
def send(need_id: uuid.UUID) -> Response:
    need = find_need(current_user, need_id, to=can_write)
    if need.source is not NeedSource.ORDER:
        raise NotFound
    if need.status in ENDED:
        raise Over
    form = SendForm(request.form if request.method == "POST" else None)
    form.photos.most = current_app.config["ORDER_PHOTOS"]
    if request.method == "POST" and form.validate():
        files: list[Any] = [*form.photos.photos, *form.documents.documents]
        person = current_user._get_current_object()
        actions.send(person, need, typed(form.message), files, clock.now())
        return done(to=url_for("needs.show", need_id=need.id), notice="sent_to_enterprise")
    return page("orders/send.html", form=form, need=need)
