"""Editing a visit: going on after a check-in, putting a record right, and what happens when two do so at once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.attachments.intake import take_photos
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.queries import contacts_of, find_enterprise
from fieldapp.entries.actions import known_version
from fieldapp.forms import typed
from fieldapp.guards import kept, needs, prepares, takes_body
from fieldapp.languages import lazy
from fieldapp.pages import done, number_in, page, redirect
from fieldapp.visits import actions, rules
from fieldapp.visits.access import can_amend
from fieldapp.visits.blueprint import bp
from fieldapp.visits.editing import (
    CHOICES,
    FIELDS,
    Met,
    Names,
    Place,
    Values,
    Versus,
    differing,
    resolve,
    versus,
)
from fieldapp.visits.forms import ROWS, SAID_LENGTH, VisitForm, additions, form_clock, stored_clock
from fieldapp.visits.history import own_steps
from fieldapp.visits.lifecycle import require_possible
from fieldapp.visits.models import VisitStatus, VisitStep, VisitWay
from fieldapp.visits.queries import VisitFile, colleagues, find_visit
from fieldapp.visits.routes import place_of, place_view, refused_times, shared_words
from fieldapp.visits.rules import (
    FIX_OF_VISIT,
    Fix,
    LeftBeforeArriving,
    NotYetArrived,
    TooLongAgo,
    read_far_reason,
)
from fieldapp.visits.steps import Stale


def _stored(file: VisitFile) -> Values:
    """The visit's values, field by field."""
    visit = file.visit
    fix = None
    if visit.lat is not None and visit.lng is not None and visit.fixed_at is not None:
        fix = Fix(visit.lat, visit.lng, visit.accuracy or 0.0, visit.fixed_at)
    return {
        "met": Met(frozenset(row.id for row in file.met), visit.met_nobody),
        "purposes": list(visit.purposes),
        "said": visit.said,
        "place": Place(fix, visit.distance, visit.far_reason) if fix else Place(),
        "arrived_at": visit.arrived_at,
        "left_at": visit.left_at,
        "way": visit.way,
        "next_contact_on": visit.next_contact_on,
        "companions": list(file.companion_ids),
        "override_reason": visit.override_reason,
    }


def _written(form: VisitForm, enterprise: Enterprise, stored: Values, now: datetime) -> Values:
    """The same of what was submitted."""
    return {
        "met": Met(frozenset(form.met.data or []), bool(form.met_nobody.data)),
        "purposes": list(form.purposes.data or []),
        "said": typed(form.said),
        "place": place_of(form, enterprise, now, kept=stored["place"]),
        "arrived_at": stored_clock(form.arrived_at.data) or stored["arrived_at"],
        "left_at": stored_clock(form.left_at.data),
        "way": VisitWay[form.way.data],
        "next_contact_on": form.next_contact_on.data,
        "companions": list(form.companions.data or []),
        # Asked only where it is shown; a form without it says nothing about it.
        "override_reason": typed(form.override_reason)
        if form.override_reason.name in request.form
        else stored["override_reason"],
    }


def _shown(stored: Values) -> dict[str, Any]:
    """The stored values as the form's fields hold them."""
    place: Place = stored["place"]
    far, far_words = read_far_reason(place.far_reason)
    fix = place.fix
    return {
        "met": sorted(stored["met"].ids),
        "met_nobody": stored["met"].nobody,
        "purposes": stored["purposes"],
        "said": stored["said"],
        "lat": repr(fix.lat) if fix else "",
        "lng": repr(fix.lng) if fix else "",
        "accuracy": repr(fix.accuracy) if fix else "",
        "fixed_at": fix.fixed_at.isoformat() if fix else "",
        "far": far or None,
        "far_words": far_words,
        "arrived_at": form_clock(stored["arrived_at"]),
        "left_at": form_clock(stored["left_at"]),
        "way": stored["way"].name,
        "next_contact_on": stored["next_contact_on"],
        "companions": stored["companions"],
        "override_reason": stored["override_reason"],
    }


@dataclass
class _Edit:
    """One request's edit: what is stored, what was sent, who is who."""

    file: VisitFile
    enterprise: Enterprise
    form: VisitForm
    stored: Values
    names: Names
    now: datetime

    @property
    def version(self) -> int:
        """The version that the form began with; 0 for what cannot be read, which is nobody's."""
        return number_in(self.form.hidden["version"]) or 0

    @property
    def choices(self) -> dict[str, str]:
        """What was chosen for the fields that the form asked about."""
        chosen = {field: request.form.get(f"choice-{field}", "") for field in self.asked}
        return {field: choice for field, choice in chosen.items() if choice in CHOICES}

    @property
    def asked(self) -> list[str]:
        return [field for field in FIELDS if field in request.form.getlist("conflict")]

    def written(self) -> Values:
        return _written(self.form, self.enterprise, self.stored, self.now)


def _opened(visit_id: uuid.UUID, now: datetime) -> _Edit:
    file = find_visit(current_user, visit_id, to=can_amend)
    enterprise = find_enterprise(current_user, file.visit.enterprise_id)
    contacts = {contact.id: contact for contact in [*contacts_of(enterprise.id), *file.met]}
    people = {row.id: row for row in [*colleagues(current_user, enterprise.team_id), *file.companions]}
    stored = _stored(file)
    form = VisitForm(
        request.form if request.method == "POST" else None,
        contacts=[contacts[one] for one in sorted(contacts)],
        today=clock.local(now).date(),
        arriving=file.visit.status is VisitStatus.ARRIVED and request.form.get("intent") == "arrive",
        kept=_shown(stored),
    )
    form.offer_companions(list(people.values()))
    form.photos.already = len(file.photos) - len(_removed(form, file))
    form.photos.coming = len(file.photos_coming)
    names = Names(
        {one: contact.name for one, contact in contacts.items()},
        {one: person.name for one, person in people.items()},
    )
    return _Edit(file, enterprise, form, stored, names, now)


def _of_now(edited: _Edit) -> bool:
    """Whether a position taken now would be one of this visit."""
    arrived_at = edited.stored["arrived_at"]
    return arrived_at is not None and edited.now - arrived_at <= FIX_OF_VISIT


def _removed(form: VisitForm, file: VisitFile) -> list[uuid.UUID]:
    """Of the photos to be taken off, those that are there."""
    wanted = set(form.photos_removed.data or [])
    return [photo.id for photo in file.photos if photo.id in wanted]


@bp.route("/visits/<uuid:visit_id>/edit", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@takes_body("PHOTO_BODY")
@prepares(take_photos)
@kept
def edit(visit_id: uuid.UUID) -> Response:
    edited = _opened(visit_id, clock.now())
    visit, form = edited.file.visit, edited.form
    if visit.status is VisitStatus.PLANNED and request.method == "GET":
        return redirect(url_for("visits.new", enterprise_id=visit.enterprise_id), 302)
    if visit.status is not VisitStatus.ARRIVED:
        require_possible(VisitStep.AMENDED, visit.status)
    if request.method == "GET":
        return _page(edited, version=visit.version)
    adding = request.form.get("add", "")
    if adding in ROWS:
        form.add_row(adding)
    elif form.validate() and _times_hold(edited):
        mine = edited.written()
        if known_version(visit.id, edited.version, visit.version) != visit.version:
            differ = differing(edited.stored, mine)
            if differ or visit.status is VisitStatus.RETURNED:
                return _conflict(edited, differ, mine)
            return _store(edited, mine)
        open_questions = [
            f for f in differing(edited.stored, mine) if f in edited.asked and f not in edited.choices
        ]
        if not open_questions:
            return _store(edited, resolve(edited.stored, mine, edited.choices))
        return _again(edited, [(f"choice-{field}", "", CHOOSE) for field in open_questions])
    return _again(edited)


def _times_hold(edited: _Edit) -> bool:
    """Times that cannot be are said beside their field before anything is compared: what a conflict offers can be
    stored."""
    form = edited.form
    arrived_at = stored_clock(form.arrived_at.data) or edited.stored["arrived_at"]
    try:
        rules.require_possible(arrived_at, stored_clock(form.left_at.data), edited.now)
    except (NotYetArrived, TooLongAgo, LeftBeforeArriving) as refusal:
        refused_times(form, refusal)
        return False
    return True


CHOOSE = lazy("两边写得不一样，请选用哪一个。")


def _again(edited: _Edit, more: Sequence[tuple[str, Any, Any]] = ()) -> Response:
    """The form with its mistakes, and the questions that it asked before."""
    form, rows = edited.form, list[Versus]()
    if edited.asked and not any(field.errors for field in (form.arrived_at, form.left_at, form.way)):
        mine = edited.written()
        fields = [field for field in differing(edited.stored, mine) if field in edited.asked]
        rows = versus(fields, edited.stored, mine, edited.names, edited.choices)
    return _page(edited, version=edited.version, rows=rows, more=more, status=422)


def _conflict(edited: _Edit, fields: Sequence[str], mine: Values) -> Response:
    """Both texts side by side, nothing chosen, everything typed still there."""
    rows = versus(fields, edited.stored, mine, edited.names, {})
    return _page(edited, version=edited.file.visit.version, rows=rows, overtaken=True, status=409)


def _store(edited: _Edit, after: Values) -> Response:
    file, form = edited.file, edited.form
    visit = file.visit
    if len(after["said"]) > SAID_LENGTH:
        form.said.errors = [lazy("两段合起来超过 10,000 个字了，请删短一些。")]
        return _again(edited)
    try:
        stored = actions.amend(
            current_user,
            edited.enterprise,
            visit,
            edited.now,
            before=edited.stored,
            after=after,
            names=edited.names,
            recorded=not form.arriving,
            photos_removed=_removed(form, file),
            photos_before=len(file.photos) + len(file.photos_coming),
            **additions(form),
        )
    except (NotYetArrived, TooLongAgo, LeftBeforeArriving) as refusal:
        refused_times(form, refusal)
        return _again(edited)
    except Stale:
        # Somebody was quicker by a moment: nothing has been written yet, so what is true now is read again.
        late = _opened(visit.id, edited.now)
        require_possible(VisitStep.AMENDED, late.file.visit.status)
        late.form.validate()
        return _conflict(late, differing(late.stored, after), after)
    if form.arriving:
        return done(to=url_for("visits.edit", visit_id=visit.id), notice="visit_kept")
    finished = visit.status is VisitStatus.ARRIVED or not stored
    return done(
        to=url_for("visits.show", visit_id=visit.id), notice="visit_saved" if finished else "visit_amended"
    )


def _page(
    edited: _Edit,
    *,
    version: int,
    rows: Sequence[Versus] = (),
    more: Sequence[tuple[str, Any, Any]] = (),
    overtaken: bool = False,
    status: int = 200,
) -> Response:
    form, file = edited.form, edited.file
    steps = own_steps(file.events)
    last = steps[-1] if steps else None
    words = shared_words(form)
    return page(
        "visits/edit.html",
        "visit_form",
        status=status,
        form=form,
        file=file,
        enterprise=edited.enterprise,
        now=edited.now,
        action=url_for("visits.edit", visit_id=file.visit.id),
        version=version,
        versus=rows,
        overtaken=overtaken,
        last=last,
        place=place_view(form, edited.enterprise, edited.now, fresh=_of_now(edited)),
        quiet=bool(edited.stored["override_reason"] or form.override_reason.errors),
        **words | {"mistakes": [*more, *words["mistakes"]]},
    )
