"""Planning a visit, going along with a colleague's, calling one off.

The guard against visiting too often warns and forbids nothing. A plan with something to think about is answered with
422 and the same form: understood, not stored. (A 200 would close the phone's entry, and the second submit under the
same key with a word more in it would be refused as another content; 422 also is what the outbox asks its officer
about.) The form then carries what was shown; the second submit is stored unless something new has turned up meanwhile.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from flask import Response, current_app, request, url_for
from flask_login import current_user
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.enterprises.queries import find_enterprise
from fieldapp.entries.actions import known_version
from fieldapp.forms import known_id, typed
from fieldapp.guards import kept, needs
from fieldapp.languages import lazy
from fieldapp.pages import add_notice, done, page, part
from fieldapp.refusals import Conflict, NotFound
from fieldapp.visits import steps
from fieldapp.visits.access import can_cancel, can_join, can_leave, can_record_visit, can_replan
from fieldapp.visits.blueprint import bp
from fieldapp.visits.burden import Concerns, Nearby, concerns_of, minute_of, unseen, window
from fieldapp.visits.history import missed
from fieldapp.visits.lifecycle import require_possible
from fieldapp.visits.models import Visit, VisitStep
from fieldapp.visits.queries import VisitFile, colleagues, find_visit, visits_nearby
from fieldapp.visits.records import record_page
from fieldapp.visits.step_forms import HALF_HOURS, CancelForm, PlanForm

add_notice("visit_planned", "ok", lazy("走访已安排。"))
add_notice("visit_replanned", "ok", lazy("计划已改好。"))
add_notice("visit_joined", "ok", lazy("已加入，一起去。已经告诉同事了。"))
add_notice("visit_left", "ok", lazy("已退出同行。"))
add_notice("visit_cancelled", "ok", lazy("走访已取消。"))

# What the form shows before a day is chosen: plans so far ahead.
AHEAD = timedelta(days=90)


def concerns_about(enterprise: Any, on: date, at: str, plan: Visit | None = None) -> Concerns:
    """What there is to think about before a visit on that day and time: of the one whose plan it is, or a new one of
    the person who asks."""
    days = current_app.config["RECENT_VISIT_DAYS"]
    first, last = window(on, days)
    return concerns_of(on, at, enterprise.quiet_times, _nearby(enterprise, first, last, plan), days)


def _nearby(enterprise: Any, first: date, last: date, plan: Visit | None) -> list[Nearby]:
    officer_id = plan.officer_id if plan else current_user.id
    return visits_nearby(officer_id, enterprise.id, first, last, plan.id if plan else None)


def _known(enterprise: Any, today: date, plan: Visit | None = None) -> Concerns:
    """The same before a day is chosen: who came lately, who comes."""
    first = today - timedelta(days=current_app.config["RECENT_VISIT_DAYS"])
    return concerns_of(today, "", "", _nearby(enterprise, first, today + AHEAD, plan), AHEAD.days)


def _is_own(plan: Visit | None) -> bool:
    """Whether it is the plan of the person who asks; a lead may move somebody else's."""
    return plan is None or plan.officer_id == current_user.id


def _page(
    enterprise: Any, form: PlanForm, concerns: Concerns, *, chosen: bool = True, **context: Any
) -> Response:
    """The form, beside it what there is to think about; of what is said about the chosen day it knows that it was."""
    if chosen:
        form.seen.data = concerns.keys
    return page(
        "visits/plan.html",
        form=form,
        enterprise=enterprise,
        concerns=concerns,
        chosen=chosen,
        own=_is_own(context["file"].visit if "file" in context else None),
        times=HALF_HOURS,
        days=current_app.config["RECENT_VISIT_DAYS"],
        **context,
    )


def _guarded(form: PlanForm, concerns: Concerns) -> bool:
    """Whether the plan may be stored: everything there is to think about has been seen, quiet times have a reason."""
    if unseen(concerns, form.seen.data or []):
        return False
    if concerns.quiet and not typed(form.override_reason):
        form.override_reason.errors = [lazy("企业这个时间免打扰。还是要去的话，请写一句原因。")]
        return False
    return True


def _words(form: PlanForm, concerns: Concerns) -> dict[str, Any]:
    return {
        "on": form.planned_on.data,
        "time": form.planned_at.data or "",
        "purposes": list(form.purposes.data or []),
        "override_reason": typed(form.override_reason) if concerns.quiet else "",
    }


@bp.route("/enterprises/<int:enterprise_id>/visits/plan", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def plan(enterprise_id: int) -> Response:
    enterprise = find_enterprise(current_user, enterprise_id, to=can_record_visit)
    now = clock.now()
    today = clock.local(now).date()
    form = PlanForm(request.form, colleagues=colleagues(current_user, enterprise.team_id), today=today)
    if request.method == "POST" and form.validate():
        steps.hold(enterprise_id)
        concerns = concerns_about(enterprise, form.planned_on.data, form.planned_at.data or "")
        if not _guarded(form, concerns):
            return _page(enterprise, form, concerns, status=422, asked=True)
        visit_id = known_id(form.visit_id) or uuid7()
        steps.plan(
            current_user,
            enterprise,
            visit_id,
            now,
            companions=[row.id for row in form.going_along],
            **_words(form, concerns),
        )
        return done(to=url_for("visits.show", visit_id=visit_id), notice="visit_planned")
    return _page(enterprise, form, _known(enterprise, today), chosen=False)


@bp.get("/enterprises/<int:enterprise_id>/visits/plan/concerns")
@needs("OFFICER", "LEAD")
def concerns(enterprise_id: int) -> Response:
    """What there is to think about, again whenever the day or the time is changed in the form."""
    enterprise = find_enterprise(current_user, enterprise_id, to=can_record_visit)
    today = clock.today()
    try:
        on = date.fromisoformat(request.args.get("planned_on", ""))
    except ValueError:
        on = None
    try:
        plan = find_visit(current_user, uuid.UUID(request.args.get("visit", "")), whole=False).visit
    except (ValueError, NotFound):
        plan = None
    at = request.args.get("planned_at", "")[:8]
    if on is None or abs((on - today).days) > 800:
        found, chosen = _known(enterprise, today, plan), False
    else:
        found = concerns_about(enterprise, on, at if minute_of(at) is not None else "", plan)
        chosen = True
    return part(
        "visits/plan.html",
        "plan_concerns",
        enterprise=enterprise,
        own=_is_own(plan),
        concerns=found,
        chosen=chosen,
        days=current_app.config["RECENT_VISIT_DAYS"],
    )


@bp.route("/visits/<uuid:visit_id>/plan", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def replan(visit_id: uuid.UUID) -> Response:
    file = find_visit(current_user, visit_id, to=can_replan)
    visit = file.visit
    require_possible(VisitStep.REPLANNED, visit.status)
    enterprise = find_enterprise(current_user, visit.enterprise_id)
    now = clock.now()
    today = clock.local(now).date()
    form = PlanForm(
        request.form or None,  # an empty one would leave all tiles unticked
        colleagues=_company(file, enterprise.team_id),
        today=today,
        version=visit.version,
        planned_on=visit.planned_on,
        planned_at=visit.planned_at,
        purposes=visit.purposes,
        companions=file.companion_ids,
        override_reason=visit.override_reason,
    )
    if request.method == "POST" and form.validate():
        steps.hold(enterprise.id)
        concerns = concerns_about(enterprise, form.planned_on.data, form.planned_at.data or "", visit)
        try:
            if known_version(visit.id, form.version.number, visit.version) != visit.version:
                raise steps.Stale
            if not _guarded(form, concerns):
                return _page(enterprise, form, concerns, status=422, asked=True, file=file)
            steps.replan(
                current_user,
                file,
                now,
                version=visit.version,
                companions=form.going_along,
                **_words(form, concerns),
            )
        except steps.Stale:
            return _overtaken(visit_id, enterprise, form, concerns)
        return done(to=url_for("visits.show", visit_id=visit_id), notice="visit_replanned")
    shown = (
        concerns_about(enterprise, form.planned_on.data, form.planned_at.data or "", visit)
        if form.planned_on.data
        else _known(enterprise, today, visit)
    )
    return _page(enterprise, form, shown, chosen=bool(form.planned_on.data), file=file)


def _company(file: VisitFile, team_id: int | None) -> list[Any]:
    """Who can be chosen: the team's people and whoever goes along already, but not the one whose visit it is."""
    offered = {row.id: row for row in [*file.companions, *colleagues(current_user, team_id)]}
    if current_user.id in file.companion_ids:
        offered[current_user.id] = next(row for row in file.companions if row.id == current_user.id)
    offered.pop(file.officer_id, None)
    return list(offered.values())


def _overtaken(visit_id: uuid.UUID, enterprise: Any, form: PlanForm, concerns: Concerns) -> Response:
    """Somebody changed the plan meanwhile: what they did, and the form with everything typed still in it."""
    file = find_visit(current_user, visit_id)
    require_possible(VisitStep.REPLANNED, file.visit.status)
    changed = missed(file.events, form.version.number, file.visit.version)
    form.version.data = str(file.visit.version)  # the next submit knows of it
    return _page(enterprise, form, concerns, status=409, file=file, overtaken=changed)


@bp.post("/visits/<uuid:visit_id>/join")
@needs("OFFICER", "LEAD")
def join(visit_id: uuid.UUID) -> Response:
    file = find_visit(current_user, visit_id, whole=False)
    if not can_join(current_user, file):
        raise steps.AlreadyComing
    steps.join(current_user, file, clock.now())
    return done(to=url_for("visits.show", visit_id=visit_id), notice="visit_joined")


@bp.post("/visits/<uuid:visit_id>/leave")
@needs("OFFICER", "LEAD")
def leave(visit_id: uuid.UUID) -> Response:
    file = find_visit(current_user, visit_id, to=can_leave, whole=False)
    steps.leave(current_user, file, clock.now())
    return done(to=url_for("visits.show", visit_id=visit_id), notice="visit_left")


@bp.post("/visits/<uuid:visit_id>/cancel")
@needs("OFFICER", "LEAD")
def cancel(visit_id: uuid.UUID) -> Response:
    file = find_visit(current_user, visit_id, to=can_cancel, whole=False)
    form = CancelForm(request.form)
    if not form.validate():
        return record_page(current_user, find_visit(current_user, visit_id), cancelling=form, status=422)
    try:
        steps.cancel(current_user, file, typed(form.reason), clock.now())
    except Conflict as refusal:
        again = find_visit(current_user, visit_id)
        return record_page(current_user, again, cancelling=form, refusal=refusal.message, status=409)
    return done(to=url_for("visits.show", visit_id=visit_id), notice="visit_cancelled")
