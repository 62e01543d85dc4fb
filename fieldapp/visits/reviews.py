"""The lead's review: a record is accepted, or returned with a comment that says what is missing.

One at a time, on the record's page: accepting what nobody has read would say something untrue, so there is no bulk
accept.
"""

from __future__ import annotations

import uuid

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.forms import typed
from fieldapp.guards import needs
from fieldapp.languages import lazy
from fieldapp.pages import add_notice, done
from fieldapp.refusals import Conflict
from fieldapp.visits import steps
from fieldapp.visits.access import can_review
from fieldapp.visits.blueprint import bp
from fieldapp.visits.history import missed
from fieldapp.visits.queries import find_visit
from fieldapp.visits.records import record_page
from fieldapp.visits.step_forms import ReturnForm, ReviewForm

add_notice("visit_accepted", "ok", lazy("已审阅通过。"))
add_notice("visit_returned", "ok", lazy("已退回，干部会在今日看到你的话。"))


@bp.post("/visits/<uuid:visit_id>/accept")
@needs("OFFICER", "LEAD")
def accept(visit_id: uuid.UUID) -> Response:
    return _answer(visit_id, ReviewForm(request.form))


@bp.post("/visits/<uuid:visit_id>/return")
@needs("OFFICER", "LEAD")
def send_back(visit_id: uuid.UUID) -> Response:
    return _answer(visit_id, ReturnForm(request.form))


def _answer(visit_id: uuid.UUID, form: ReviewForm) -> Response:
    file = find_visit(current_user, visit_id, to=can_review, whole=False)
    if not form.validate():
        return record_page(current_user, find_visit(current_user, visit_id), reviewing=form, status=422)
    step = steps.send_back if isinstance(form, ReturnForm) else steps.accept
    seen = form.version.number
    try:
        step(current_user, file, seen, typed(form.comment), clock.now())
    except Conflict as refusal:
        # What somebody did meanwhile, the record as it is now, and the comment still there.
        again = find_visit(current_user, visit_id)
        form.version.data = str(again.visit.version)
        return record_page(
            current_user,
            again,
            reviewing=form,
            refusal=refusal.message,
            overtaken=missed(again.events, seen, again.visit.version),
            status=409,
        )
    notice = "visit_returned" if step is steps.send_back else "visit_accepted"
    return done(to=url_for("visits.index", state="review"), notice=notice)
