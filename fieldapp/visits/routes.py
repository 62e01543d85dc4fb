"""Visits: record one, read one. The list is in records.py, plans in plans.py, the lead's review in reviews.py.

An edit is amending.py; both use the form of forms.py and templates/visits/_form.html.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from flask import Response, current_app, url_for
from flask_login import current_user

from fieldapp import clock, here
from fieldapp.attachments.intake import take_photos
from fieldapp.enterprises.models import Enterprise
from fieldapp.entries.actions import written_at
from fieldapp.forms import known_id, typed
from fieldapp.guards import kept, needs, prepares, takes_body
from fieldapp.languages import lazy
from fieldapp.pages import done, link, page, redirect
from fieldapp.refusals import Conflict, NotFound
from fieldapp.visits import actions
from fieldapp.visits.access import can_record_visit
from fieldapp.visits.blueprint import bp
from fieldapp.visits.burden import is_quiet
from fieldapp.visits.editing import Place
from fieldapp.visits.forms import (
    MOST_ROWS,
    ROWS,
    VisitForm,
    additions,
    device_clock,
    form_clock,
    stored_clock,
)
from fieldapp.visits.models import Visit, VisitStatus, VisitWay
from fieldapp.visits.opening import open_visit, opening
from fieldapp.visits.queries import colleagues, companions_of, find_visit
from fieldapp.visits.records import record_page
from fieldapp.visits.rules import (
    LeftBeforeArriving,
    NotYetArrived,
    TooLongAgo,
    distance_to,
    far_reason,
    is_coarse,
    is_far,
    read_fix,
)
from fieldapp.visits.steps import hold


class PlanKept(Conflict):
    message = lazy("那个计划的走访已经记过了，这一份还没有保存。要另记一次，请去掉“按计划走访”的勾再提交。")


def position_of(form: VisitForm) -> tuple[str, str, str, str]:
    """As read_fix takes it."""
    sent = form.hidden
    return sent["lat"], sent["lng"], sent["accuracy"], sent["fixed_at"]


def place_of(form: VisitForm, enterprise: Enterprise, now: datetime, *, kept: Place | None = None) -> Place:
    """What the form says of the place; nothing where a deployment does without. `kept` is what an edit began with."""
    if not current_app.config["PLACE"]:
        return kept or Place()
    fields = position_of(form)
    fix = read_fix(*fields, now)
    if fix is not None and (kept is None or fix != kept.fix):
        fix = read_fix(
            *fields, now, asked_at=form.hidden["asked_at"], arrived_at=stored_clock(form.arrived_at.data)
        )
    if fix is None:
        return Place()
    distance = distance_to(fix, enterprise.lat, enterprise.lng)
    far = is_far(distance, enterprise.checkin_radius, fix.accuracy)
    return Place(fix, distance, far_reason(form.far.data or "", typed(form.far_words)) if far else "")


def place_view(form: VisitForm, enterprise: Enterprise, now: datetime, *, fresh: bool = True) -> Any:
    """The place as the page shows it before any script runs: after a 422, or of an edited visit.

    None where there is nothing to show. `fresh`: the visit is of now, so a new position would be its place.
    """
    if not current_app.config["PLACE"]:
        return None
    fix = read_fix(*position_of(form), now)
    if fix is None:
        return SimpleNamespace(fix=None, fresh=True) if fresh else None
    distance = distance_to(fix, enterprise.lat, enterprise.lng)
    return SimpleNamespace(
        fix=fix,
        fresh=fresh,
        distance=distance,
        far=is_far(distance, enterprise.checkin_radius, fix.accuracy),
        coarse=is_coarse(fix.accuracy),
    )


def refused_times(form: VisitForm, refusal: NotYetArrived | TooLongAgo | LeftBeforeArriving) -> None:
    """The rule's sentence beside the field it is about."""
    field = form.left_at if isinstance(refusal, LeftBeforeArriving) else form.arrived_at
    field.errors = [refusal.message]


def quiet_now(enterprise: Enterprise, now: datetime) -> bool:
    local = clock.local(now)
    return is_quiet(enterprise.quiet_times, local.date(), local.strftime("%H:%M"))


def _planned_start(plan: Visit, today: date) -> datetime | None:
    """When a plan of an earlier day was meant to begin: the first guess at when it was."""
    if plan.planned_on is None or plan.planned_on >= today or not plan.planned_at:
        return None
    return datetime.fromisoformat(f"{plan.planned_on.isoformat()}T{plan.planned_at}")


def _blank(opened: Visit | None, late: bool, now: datetime) -> dict[str, Any]:
    """What the form begins with: now, or what the plan says."""
    values: dict[str, Any] = {"arrived_at": None if late else form_clock(now)}
    if opened is not None:
        values |= {"purposes": opened.purposes, "override_reason": opened.override_reason}
        if late:
            values["arrived_at"] = _planned_start(opened, clock.local(now).date())
    return values


@bp.route("/enterprises/<int:enterprise_id>/visits/new", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@takes_body("PHOTO_BODY")
@prepares(take_photos)
@kept
def new(enterprise_id: int) -> Response:
    person = current_user._get_current_object()  # asked for dozens of times below
    enterprise, contacts, opened = opening(person, enterprise_id, to=can_record_visit)
    now, sent = clock.now(), here.request()
    late, asked = sent.args.get("late") == "1", sent.method == "POST"
    arriving = asked and sent.form.get("intent") == "arrive"
    if arriving:
        hold(enterprise_id)  # of two check-ins from two tabs the second finds the first
        opened = open_visit(person, enterprise_id)
    checked_in = opened is not None and opened.status is VisitStatus.ARRIVED
    # What the phone could not send from this form is corrected in it, and still ends up in the check-in.
    if checked_in and opened and not asked and "again" not in sent.args:
        return redirect(url_for("visits.edit", visit_id=opened.id), 302)
    if (
        opened
        and late
        and not checked_in
        and opened.planned_on
        and opened.planned_on > clock.local(now).date()
    ):
        opened = None  # a visit of the past does not keep a plan of the future
    tapped = written_at(now)  # without a network that was some time ago
    form = VisitForm(
        sent.form if asked else None,
        contacts=contacts,
        today=clock.local(now).date(),
        arriving=arriving,
        arrived_now=form_clock(tapped) if arriving else None,  # checking in is saying: now
        **_blank(opened, late, now),
    )
    before = [row.id for row in companions_of(opened.id)] if opened else []
    if not asked:
        form.companions.data = before
        form.hidden["fulfils"] = str(opened.id) if opened else ""
        form.add_row("need")
        form.add_row("promise")
    if not asked or form.companions.data:
        form.offer_companions(colleagues(person, enterprise.team_id))
    adding = sent.form.get("add", "") if asked else ""
    if adding in ROWS:
        form.add_row(adding)
    elif asked and form.validate():
        fulfils = _fulfilled(form, opened)
        try:
            visit_id = actions.record_visit(
                person,
                enterprise,
                now,
                arrived_at=_arrival(form, fulfils, tapped),
                left_at=stored_clock(form.left_at.data),
                way=VisitWay[form.way.data],
                purposes=list(form.purposes.data or []),
                met=list(form.met.data or []),
                met_nobody=bool(form.met_nobody.data),
                said=typed(form.said),
                companions=list(form.companions.data or []),
                next_contact_on=form.next_contact_on.data,
                place=place_of(form, enterprise, now),
                override_reason=typed(form.override_reason),
                visit_id=known_id(form.visit_id),
                device_at=device_clock(form),
                arriving=arriving,
                opened=fulfils,
                companions_before=before if fulfils else [],
                **additions(form),
            )
        except (NotYetArrived, TooLongAgo, LeftBeforeArriving) as refusal:
            refused_times(form, refusal)
        else:
            if arriving:
                return done(to=link("visits.edit", visit_id=visit_id), notice="visit_arrived")
            return done(to=link("visits.show", visit_id=visit_id), notice="visit_saved")
    if form.companions.choices == []:
        form.offer_companions(colleagues(person, enterprise.team_id))
    return page(
        "visits/new.html",
        "visit_form",
        status=422 if asked else 200,
        form=form,
        enterprise=enterprise,
        opened=opened,
        late=late,
        now=now,
        action=url_for("visits.new", enterprise_id=enterprise_id, late="1" if late else None),
        place=None if late else place_view(form, enterprise, now),
        quiet=not late and quiet_now(enterprise, now),
        **shared_words(form),
    )


def _arrival(form: VisitForm, opened: Visit | None, tapped: datetime) -> datetime:
    """When the officer came: checking in is the tap on it, and a check-in of that day is not moved by a form that was
    opened before it."""
    typed_at = stored_clock(form.arrived_at.data) or tapped
    there_at = opened.arrived_at if opened is not None else None
    if there_at is not None and (form.arriving or clock.local(there_at).date() == typed_at.date()):
        return there_at
    return tapped if form.arriving else typed_at


def _fulfilled(form: VisitForm, opened: Visit | None) -> Visit | None:
    """The plan or check-in that this submit fulfils. Raises PlanKept when the plan it names is fulfilled already."""
    if opened is not None and opened.status is VisitStatus.ARRIVED:
        return opened
    named = form.hidden["fulfils"]
    if not named:
        return None
    if opened is not None and str(opened.id) == named:
        return opened
    try:
        status = find_visit(current_user, uuid.UUID(named), whole=False).visit.status
    except (ValueError, NotFound):
        return None
    if status in (VisitStatus.PLANNED, VisitStatus.CANCELLED):
        return None
    raise PlanKept


def shared_words(form: VisitForm) -> dict[str, Any]:
    """What _form.html wants for every form of a visit."""
    return {
        "mistakes": form.mistakes(),
        "next_days": [(n, form.today + timedelta(days=n)) for n in (30, 60, 90)],
        "most_rows": MOST_ROWS,
    }


@bp.get("/visits/<uuid:visit_id>")
@needs("OFFICER", "LEAD")
@kept
def show(visit_id: uuid.UUID) -> Response:
    return record_page(current_user, find_visit(current_user, visit_id))
