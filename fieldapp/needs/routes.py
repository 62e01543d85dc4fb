"""Needs: the list, one need, its sheet, its log and its steps."""

from __future__ import annotations

import uuid
from datetime import date
from enum import Enum
from typing import Any, TypeVar

from flask import Response, request, url_for
from flask_login import current_user
from uuid6 import uuid7

from fieldapp import audit, clock
from fieldapp.db import db
from fieldapp.enterprises.access import can_see_phones
from fieldapp.enterprises.queries import contacts_of, find_enterprise, regions_of
from fieldapp.entries.actions import known_version
from fieldapp.formats import day
from fieldapp.forms import known_id, typed
from fieldapp.guards import kept, needs, repeatable
from fieldapp.languages import _, lazy
from fieldapp.needs import actions
from fieldapp.needs.access import can_add_need, can_edit, can_step, can_write, open_steps
from fieldapp.needs.blueprint import bp
from fieldapp.needs.exports import needs_workbook
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
from fieldapp.needs.links import needs_url
from fieldapp.needs.models import (
    ENDED,
    Ending,
    NeedField,
    NeedKind,
    NeedSource,
    NeedStatus,
    Urgency,
)
from fieldapp.needs.queries import (
    MOST_COUNTED,
    Filters,
    events_of,
    find_need,
    officer_words,
    search_needs,
)
from fieldapp.needs.rules import PARTS, STEPS, Quality, digest, merge, quality, stepper
from fieldapp.pages import add_notice, done, htmx, page
from fieldapp.refusals import Conflict, NotFound
from fieldapp.workbook import excel_answer

Word = TypeVar("Word", bound=Enum)

add_notice("need_changed", "ok", lazy("需求已更新。"))
add_notice("need_moved", "ok", lazy("已办，进展里有记录。"))
add_notice("need_noted", "ok", lazy("进展已记下。"))


class Ended(Conflict):
    title = lazy("这条需求已经结束")
    message = lazy("已经结束的需求不能再改内容；需要的话请负责人重新打开。")


# The list.


def _named(kind: type[Word], name: str) -> Word | None:
    text = request.args.get(name, "")
    return kind.__members__.get(text.upper())


def _day(name: str) -> date | None:
    """The day that the address names; what no need can have come in on is no filter."""
    try:
        asked = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return asked if 2000 <= asked.year < 2200 else None


def _filters() -> Filters:
    args = request.args
    region, officer = args.get("region", ""), args.get("officer", "")
    state = args.get("state", "").lower()
    known = {"open", "closed", "ended", "all"} | {status.name.lower() for status in NeedStatus}
    return Filters(
        state=state if state in known else "open",
        kind=_named(NeedKind, "kind"),
        field=_named(NeedField, "field"),
        urgency=_named(Urgency, "urgency"),
        ending=_named(Ending, "ending"),
        region=int(region) if region.isdecimal() and len(region) < 9 else None,
        mine=args.get("mine") == "1",
        since=_day("since"),
        until=_day("until"),
        officer=int(officer) if officer.isdecimal() and len(officer) < 9 else None,
        page=args.get("page", "")[:80],
    )


def _chosen(filters: Filters, regions: list[Any]) -> list[tuple[str, str]]:
    """The filters in force that have no chip of their own: (words, address without it)."""
    chosen = []
    for name, value in (
        ("state", filters.status),
        ("kind", filters.kind),
        ("field", filters.field),
        ("urgency", filters.urgency),
        ("ending", filters.ending),
    ):
        if value is not None:
            without: dict[str, Any] = {name: None}
            chosen.append((_(str(value.value)), needs_url(filters, **without)))
    if filters.region:
        name = next((region.name for region in regions if region.id == filters.region), _("旗县区"))
        chosen.append((name, needs_url(filters, region=None)))
    if filters.state == "closed":
        chosen.append((_("已办结"), needs_url(filters, state=None)))
    if filters.officer:
        chosen.append((officer_words(current_user, filters.officer), needs_url(filters, officer=None)))
    if filters.since or filters.until:
        words = _("%(first)s 到 %(last)s 提出", first=day(filters.since), last=day(filters.until))
        chosen.append((words, needs_url(filters, since=None, until=None)))
    return chosen


def _choices(filters: Filters, regions: list[Any]) -> dict[str, Any]:
    """What the filters' selects offer."""
    return {
        "filters": filters,
        "regions": regions,
        "statuses": [status for status in NeedStatus if status is not NeedStatus.DRAFT],
        "kinds": NeedKind,
        "technical_fields": NeedField,
        "urgencies": Urgency,
        "endings": Ending,
    }


@bp.get("/needs")
@needs("OFFICER", "LEAD")
@kept
def index() -> Response:
    filters, regions = _filters(), regions_of(current_user)
    return page(
        "needs/index.html",
        found=search_needs(current_user, filters),
        chosen=_chosen(filters, regions),
        filtered=filters != Filters(page=filters.page),
        most_counted=MOST_COUNTED,
        **_choices(filters, regions),
    )


@bp.get("/needs/filters")
@needs("OFFICER", "LEAD")
def filters() -> Response:
    return page("needs/filters.html", **_choices(_filters(), regions_of(current_user)))


@bp.route("/needs.xlsx", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@repeatable
def export() -> Response:
    """The same list as a file; with telephone numbers only when asked for by a form, and told to the trail."""
    phones = request.method == "POST" and request.form.get("phones") == "1"
    if request.method == "POST":
        db.session.rollback()  # nothing was written; making the file must not hold SQLite's write lock
    content, count = needs_workbook(current_user, _filters(), phones=phones)
    audit.record(
        "exported_with_phones" if phones else "exported",
        "needs",
        later=request.method == "GET",
        count=count,
    )
    return excel_answer(f"{_('需求')}-{clock.today().isoformat()}", content)


# One need.


def _shown(need: Any, form: NoteForm) -> dict[str, Any]:
    events = events_of(need.id)
    return {
        "need": need,
        "form": form,
        "events": events,
        "stages": stepper(need.status, events),
        "quality": quality(need),
        "parts": PARTS,
        "steps": open_steps(current_user, need),
        "may_edit": can_edit(current_user, need),
        "may_note": can_write(current_user, need),
        "may_see_phones": can_see_phones(current_user, need),
    }


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
        actions.note(current_user, need, typed(form.text), clock.now())
        if not htmx:
            return done(to=url_for("needs.show", need_id=need_id, _anchor="need-log"), notice="need_noted")
        form = NoteForm()
    return page("needs/show.html", "need_log", **_shown(need, form))


@bp.route("/needs/<uuid:need_id>/steps/<step>", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def take_step(need_id: uuid.UUID, step: str) -> Response:
    """One step of the lifecycle, as rules.STEPS has it; a step that asks for words has a page to say them on."""
    wanted = STEPS.get(step)
    if wanted is None:
        raise NotFound
    need = find_need(current_user, need_id, to=lambda person, need: can_step(person, need, wanted))
    actions.where_to(need, wanted)
    form = StepForm(request.form, step=wanted)
    if request.method == "POST" and form.validate():
        ending = Ending[form.ending.data] if "ending" in form else None
        actions.take_step(current_user, need, wanted, clock.now(), text=typed(form.text), ending=ending)
        return done(to=url_for("needs.show", need_id=need_id), notice="need_moved")
    return page("needs/step.html", need=need, step=wanted, form=form)


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


def _words_of(need: Any) -> dict[str, Any]:
    return {name: getattr(need, name) for name in FIELDS}


def _sheet(need: Any, words: dict[str, Any]) -> NeedForm:
    """A sheet that starts from the need as it stands and shows `words`."""
    return NeedForm(
        None,
        contacts=_contacts(need),
        today=clock.today(),
        old_deadline=need.deadline,
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
    """What an edit from an old page does not touch stays as the same person's edits before it left it."""
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
            request.form, contacts=_contacts(need), today=clock.today(), old_deadline=need.deadline
        )
        del form.source
        adding = _wants_another_row(form)
        if not adding and form.validate():
            words, sent = need_words(form), version_of(form)
            own = sent != need.version and known_version(need_id, sent, need.version) == need.version
            if own:
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
