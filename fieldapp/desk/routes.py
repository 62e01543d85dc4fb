"""Today, and what came in: counts from everything before; only reads."""

from __future__ import annotations

from flask import Response, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.desk.blueprint import bp
from fieldapp.enterprises.queries import due_enterprises
from fieldapp.followups.queries import list_follow_ups
from fieldapp.guards import needs
from fieldapp.needs.queries import list_needs
from fieldapp.pages import page, redirect
from fieldapp.visits.queries import list_visits, visited_since

SHOWN = 5


@bp.get("/")
def today() -> Response:
    if current_user.is_admin:
        return redirect(url_for("accounts.users"))
    if current_user.is_auditor:
        return redirect(url_for("audit.index"))
    now = clock.now()
    monday = clock.local_midnight(clock.monday_of(clock.local(now).date()))
    visits, enterprises = visited_since(current_user, monday)
    promises, _more = list_follow_ups(current_user)
    due = due_enterprises(current_user, SHOWN + 1) if current_user.is_officer else []
    return page(
        "desk/today.html",
        now=now,
        hour=clock.local(now).hour,
        visits=visits,
        enterprises=enterprises,
        promises=promises,
        due=due,
        shown=SHOWN,
    )


@bp.get("/lead")
@needs("LEAD")
def lead() -> Response:
    now = clock.now()
    monday = clock.local_midnight(clock.monday_of(clock.local(now).date()))
    visits, enterprises = visited_since(current_user, monday)
    recent, _more = list_visits(current_user, size=10)
    wanted, _more_needs = list_needs(current_user, still_open=True)
    promises, _more_promises = list_follow_ups(current_user)
    return page(
        "desk/lead.html",
        now=now,
        visits=visits,
        enterprises=enterprises,
        recent=recent,
        wanted=wanted[:SHOWN],
        promises=promises[:SHOWN],
    )
