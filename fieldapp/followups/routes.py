"""Promises: the list, one promise, and its end."""

from __future__ import annotations

import uuid

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.followups import actions
from fieldapp.followups.access import can_close
from fieldapp.followups.blueprint import bp
from fieldapp.followups.forms import CloseForm
from fieldapp.followups.models import FollowUpStatus
from fieldapp.followups.queries import find_follow_up, list_follow_ups
from fieldapp.guards import needs
from fieldapp.pages import done, page


@bp.get("/follow-ups")
@needs("OFFICER", "LEAD")
def index() -> Response:
    closed = request.args.get("state") == "closed"
    rows, next_page = list_follow_ups(current_user, request.args.get("page", ""), closed=closed)
    return page("followups/index.html", follow_ups=rows, next_page=next_page, closed=closed)


@bp.route("/follow-ups/<uuid:follow_up_id>", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
def show(follow_up_id: uuid.UUID) -> Response:
    to = can_close if request.method == "POST" else None
    follow_up, enterprise, assignee = find_follow_up(current_user, follow_up_id, to=to)
    form = CloseForm(request.form)
    if request.method == "POST" and form.validate():
        actions.close(
            current_user, follow_up, FollowUpStatus[form.status.data], form.result.data, clock.now()
        )
        return done(to=url_for("followups.show", follow_up_id=follow_up_id), notice="follow_up_done")
    return page(
        "followups/show.html",
        form=form,
        follow_up=follow_up,
        enterprise=enterprise,
        assignee=assignee,
        may_close=can_close(current_user, follow_up) and follow_up.status is FollowUpStatus.OPEN,
    )
