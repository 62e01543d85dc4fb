"""Needs: one need, its sheet, its log and its steps; the list is in pool.py."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, current_app, request, url_for
from flask_login import current_user
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.attachments.intake import take_files
from fieldapp.db import db
from fieldapp.enterprises.access import can_see_phones
from fieldapp.enterprises.queries import contacts_of, find_enterprise
from fieldapp.entries.actions import known_version
from fieldapp.forms import known_id, typed
from fieldapp.guards import kept, needs, prepares, takes_body
from fieldapp.languages import lazy
from fieldapp.needs import actions
from fieldapp.needs.access import can_add_need, can_edit, can_step, can_write, open_steps
from fieldapp.needs.blueprint import bp
from fieldapp.needs.clock import light_of, light_words
from fieldapp.needs.forms import (
    FIELDS,
    MOST_INDICATORS,
    NeedForm,
    NoteForm,
    StepForm,
    base_of,
    need_words,
    sheet_of,
    started_from,
    version_of,
)
from fieldapp.needs.likeness import alike
from fieldapp.needs.models import ENDED, Disclosure, Ending, NeedSource, NeedStatus
from fieldapp.needs.queries import (
    candidates_for,
    events_of,
    files_of,
    find_need,
    officers_for,
    ratings_of,
    twins_for,
)
from fieldapp.needs.rules import PARTS, Quality, digest, merge, quality, stepper
from fieldapp.needs.steps import CALLED_BY, FORWARD, STEPS, Asks, Step, WrongMoment, comes_into_question
from fieldapp.pages import add_notice, done, in_place, packing, page
from fieldapp.refusals import Conflict, NotFound

add_notice("need_changed", "ok", lazy("需求已更新。"))
add_notice("need_moved", "ok", lazy("已办，进展里有记录。"))
add_notice("need_noted", "ok", lazy("进展已记下。"))


class Ended(Conflict):
    title = lazy("这条需求已经结束")
    message = lazy("已经结束的需求不能再改内容；需要的话请负责人重新打开。")


# One need.


def _shown(need: Any, form: NoteForm) -> dict[str, Any]:
    events, steps = events_of(need, need.author), open_steps(current_user, need)
    return {
        "need": need,
        "form": form,
        "events": events,
        "stages": stepper(need.status, events),
        "quality": quality(need),
        "parts": PARTS,
        "steps": steps,
        "forward": next((step for name in FORWARD for step in steps if step.name == name), None),
        "may_edit": can_edit(current_user, need),
        "may_note": can_write(current_user, need),
        "may_see_phones": can_see_phones(current_user, need),
        "light": light_of(need, clock.now()),
        "light_words": light_words(need, clock.now()),
        "ratings": ratings_of(need.id) if current_user.is_lead else [],
        "at_door": _at_door(need),
        "files": files_of(need.id) if _at_door(need) else {},
        "call_step": next((step for step in steps if step.name in CALLED_BY), None),
        "alike": _alike(need),
        "ended": ENDED,
        "may_merge": any(step.name == "merge" for step in steps),
    }


def _at_door(need: Any) -> bool:
    """Whether its enterprise holds a receipt, on which it reads what is said to it."""
    return need.source is NeedSource.ORDER


# While nobody works on it yet, what has been asked before is worth knowing.
_COMPARED = (NeedStatus.SUBMITTED, NeedStatus.RETURNED, NeedStatus.ACCEPTED)


def _alike(need: Any) -> list[Any]:
    # Other enterprises' needs are no part of this one's pages in the pack.
    if need.status not in _COMPARED or packing():
        return []
    return alike(need, candidates_for(current_user, need))


@bp.get("/needs/<uuid:need_id>")
@needs("OFFICER", "LEAD")
@kept
def show(need_id: uuid.UUID) -> Response:
    return page("needs/show.html", **_shown(find_need(current_user, need_id), NoteForm()))


@bp.post("/needs/<uuid:need_id>/note")
@needs("OFFICER", "LEAD")
def note(need_id: uuid.UUID) -> Response:
    """A line in the log; through htmx the page stays where it is."""
    need = find_need(current_user, need_id, to=can_write)
    form = NoteForm(request.form)
    if form.validate():
        shown = form.shown.data and _at_door(need)
        actions.note(current_user, need, typed(form.text), clock.now(), shown=shown)
        if not in_place():
            return done(to=url_for("needs.show", need_id=need_id, _anchor="need-log"), notice="need_noted")
        form = NoteForm()
    return page("needs/show.html", "need_log", **_shown(need, form))


def _step_form(need: Any, step: Step) -> StepForm:
    return StepForm(
        request.form,
        step=step,
        officers=officers_for(need) if step.asks is Asks.OFFICER else (),
        twins=twins_for(need) if step.asks is Asks.TWIN else (),
        most_days=current_app.config["EXTENSION_DAYS_MOST"],
        most_photos=current_app.config["ORDER_PHOTOS"] if step.shown and _at_door(need) else None,
        # What was proposed to the enterprise is what most often comes of it; a twin is named where it was found.
        data={"ending": need.ending.name}
        if need.ending and step.name == "resolve"
        else {"twin": request.args.get("twin", "")},
    )


def _said(form: StepForm) -> actions.Said:
    """What a valid form says besides its sentence."""
    return actions.Said(
        ending=Ending[form.ending.data] if "ending" in form else None,
        unit=typed(form.unit) if "unit" in form else "",
        officer_id=int(form.officer.data) if "officer" in form else None,
        twin_id=uuid.UUID(form.twin.data) if "twin" in form else None,
        days=int(form.days.data) if "days" in form else None,
    )


@bp.route("/needs/<uuid:need_id>/steps/<step>", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
@takes_body("PHOTO_BODY")
@prepares(take_files)
def take_step(need_id: uuid.UUID, step: str) -> Response:
    """One step of the lifecycle, as steps.STEPS has it; a step that asks for words has a page to say them on, and where
    the enterprise reads them, files go along."""
    wanted = STEPS.get(step)
    if wanted is None:
        raise NotFound
    need = find_need(current_user, need_id, to=lambda person, need: can_step(person, need, wanted))
    form = _step_form(need, wanted)
    try:
        actions.where_to(need, wanted)
        if request.method == "POST" and form.validate():
            actions.take_step(
                current_user._get_current_object(), need, wanted, clock.now(),
                text=typed(form.text), said=_said(form), files=form.files,
            )  # fmt: skip
            return done(to=url_for("needs.show", need_id=need_id), notice="need_moved")
    except WrongMoment as refusal:
        if not typed(form.text) and not form.files:
            raise
        db.session.rollback()
        return _too_late(need_id, wanted, form, refusal)
    return page("needs/step.html", need=need, step=wanted, form=form)


def _too_late(need_id: uuid.UUID, step: Step, form: StepForm, refusal: WrongMoment) -> Response:
    """Somebody was quicker: why, and everything that was typed. What can no longer be done may still be noted down."""
    need = find_need(current_user, need_id)
    return page(
        "needs/step.html",
        status=409,
        need=need,
        step=step,
        form=form,
        trouble=refusal.message,
        over=not (comes_into_question(step, need) and can_step(current_user, need, step)),
        may_note=can_write(current_user, need),
    )


# The sheet.


def _quality_of(form: NeedForm) -> Quality:
    """The sheet's meter as it stands before anything is saved."""

    class Typed:
        indicators = [
            {"name": typed(r.form["name"]), "target": typed(r.form["target"])} for r in form.indicators
        ]
        deadline = form.deadline.data
        budget = form.budget.data
        ip_ownership = form.ip_ownership.data or None
        conditions = typed(form.conditions)

    return quality(Typed)


def _wants_another_row(form: NeedForm) -> bool:
    """Without script the button that adds an indicator sends the form."""
    if request.form.get("add_indicator") and len(form.indicators) < MOST_INDICATORS:
        form.indicators.append_entry()
    return "add_indicator" in request.form


@bp.route("/enterprises/<int:enterprise_id>/needs/new", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def new(enterprise_id: int) -> Response:
    enterprise = find_enterprise(current_user, enterprise_id, to=can_add_need)
    now = clock.now()
    form = NeedForm(request.form, contacts=contacts_of(enterprise_id), today=clock.local(now).date())
    adding = request.method == "POST" and _wants_another_row(form)
    if request.method == "POST" and not adding and form.validate():
        need_id = known_id(form.need_id) or uuid7()
        actions.submit(
            current_user,
            enterprise,
            need_id,
            at=now,
            source=NeedSource[form.source.data],
            **need_words(form),
        )
        return done(to=url_for("needs.show", need_id=need_id), notice="need_saved")
    return page(
        "needs/new.html",
        status=422 if adding else None,
        form=form,
        enterprise=enterprise,
        quality=_quality_of(form),
        parts=PARTS,
    )


def _contacts(need: Any) -> list[Any]:
    """The enterprise's contacts, and the need's own although that person may have left."""
    contacts = list(contacts_of(need.enterprise_id))
    if need.contact_id and need.contact_id not in {contact.id for contact in contacts}:
        contacts.append(_Left(need.contact_id, need.contact, need.contact_title))
    return contacts


class _Left:
    def __init__(self, number: int, name: str, title: str) -> None:
        self.id, self.name, self.title = number, name, title


def _agreed(need: Any) -> Disclosure | None:
    """How far the enterprise itself has said that its order may be told."""
    return need.disclosure if need.source is NeedSource.ORDER else None


def _words_of(need: Any) -> dict[str, Any]:
    return {name: getattr(need, name) for name in FIELDS}


def _sheet(need: Any, words: dict[str, Any]) -> NeedForm:
    """A sheet that starts from the need as it stands and shows `words`."""
    return NeedForm(
        None,
        contacts=_contacts(need),
        today=clock.today(),
        old_deadline=need.deadline,
        agreed=_agreed(need),
        data=sheet_of(words)
        | {"source": need.source.name, "version": str(need.version), "base": base_of(_words_of(need))},
    )


def _conflict(need_id: uuid.UUID, form: NeedForm) -> Response:
    """Both texts side by side. What only the other one changed is taken over; what was typed here stays."""
    need = find_need(current_user, need_id)
    theirs, mine = _words_of(need), need_words(form)
    merged = merge(started_from(form), theirs, mine, FIELDS)
    sheet = _sheet(need, mine | {name: theirs[name] for name in merged.theirs})
    return page(
        "needs/edit.html",
        status=409,
        form=sheet,
        need=need,
        quality=_quality_of(sheet),
        parts=PARTS,
        ended=need.status in ENDED,
        differences=[(name, sheet[name].label.text, theirs[name], mine[name]) for name in merged.both],
        taken_over=[sheet[name].label.text for name in merged.theirs],
        contacts={contact.id: contact.name for contact in _contacts(need)},
        conflict=True,
    )


def _untouched(form: NeedForm, need: Any, words: dict[str, Any]) -> dict[str, Any]:
    """What an edit does not touch stays as it stands: from an old page as the same person's edits before it left it,
    and after a conflict that was settled on the phone as somebody else did."""
    now = _words_of(need)
    return {name: now[name] for name in merge(started_from(form), now, words, FIELDS).theirs}


@bp.route("/needs/<uuid:need_id>/edit", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def edit(need_id: uuid.UUID) -> Response:
    need = find_need(current_user, need_id, to=can_write)
    if request.method == "GET":
        if need.status in ENDED:
            raise Ended
        form = _sheet(need, _words_of(need))
    else:
        form = NeedForm(
            request.form,
            contacts=_contacts(need),
            today=clock.today(),
            old_deadline=need.deadline,
            agreed=_agreed(need),
        )
        del form.source
        adding = _wants_another_row(form)
        if not adding and form.validate():
            words, sent = need_words(form), version_of(form)
            own = sent != need.version and known_version(need_id, sent, need.version) == need.version
            if own or sent == need.version:
                words |= _untouched(form, need, words)
            changed = [name for name in FIELDS if digest(getattr(need, name)) != digest(words[name])]
            try:
                if not (own or sent == need.version) or need.status in ENDED:
                    raise actions.Stale
                if changed:
                    actions.amend(current_user, need, words, changed, need.version, clock.now())
            except actions.Stale:
                return _conflict(need_id, form)
            return done(to=url_for("needs.show", need_id=need_id), notice="need_changed" if changed else None)
    return page(
        "needs/edit.html",
        status=422 if request.method == "POST" else None,
        form=form,
        need=need,
        quality=_quality_of(form),
        parts=PARTS,
    )
