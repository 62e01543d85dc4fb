"""Visits: record one, read one, list them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.enterprises.queries import contacts_of, find_enterprise
from fieldapp.guards import needs
from fieldapp.pages import done, page
from fieldapp.visits import actions
from fieldapp.visits.access import can_record_visit
from fieldapp.visits.blueprint import bp
from fieldapp.visits.forms import VisitForm, visit_words
from fieldapp.visits.queries import find_visit, list_visits
from fieldapp.visits.rules import LeftBeforeArriving, NotYetArrived, TooLongAgo


def _utc(typed: datetime | None) -> datetime | None:
    """A datetime-local field holds the office's wall clock."""
    return None if typed is None else typed.replace(tzinfo=clock.zone())


@bp.route("/enterprises/<int:enterprise_id>/visits/new", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
def new(enterprise_id: int) -> Response:
    enterprise = find_enterprise(current_user, enterprise_id, to=can_record_visit)
    now = clock.now()
    today = clock.local(now).date()
    form = VisitForm(
        request.form,
        contacts=contacts_of(enterprise_id),
        today=today,
        arrived_at=clock.local(now).replace(tzinfo=None, second=0, microsecond=0),
    )
    if request.method == "POST" and form.validate():
        words = visit_words(form)
        try:
            visit_id = actions.record_visit(
                current_user,
                enterprise,
                now,
                arrived_at=form.arrived_at.data.replace(tzinfo=clock.zone()),
                left_at=_utc(form.left_at.data),
                promise_made=words.pop("promise"),
                **words,
            )
        except (NotYetArrived, TooLongAgo) as refusal:
            form.arrived_at.errors = [refusal.message]
        except LeftBeforeArriving as refusal:
            form.left_at.errors = [refusal.message]
        else:
            return done(to=url_for("visits.show", visit_id=visit_id), notice="visit_saved")
    return page(
        "visits/new.html",
        form=form,
        enterprise=enterprise,
        now=now,
        promise_days=[(n, today + timedelta(days=n)) for n in (3, 7, 14)],
    )


@bp.get("/visits/<uuid:visit_id>")
@needs("OFFICER", "LEAD")
def show(visit_id: uuid.UUID) -> Response:
    return page("visits/show.html", file=find_visit(current_user, visit_id))


@bp.get("/visits")
@needs("OFFICER", "LEAD")
def index() -> Response:
    rows, next_page = list_visits(current_user, request.args.get("page", ""))
    return page("visits/index.html", visits=rows, next_page=next_page, first=not request.args.get("page"))
