"""Promises: the list, one promise, and what becomes of it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, request, url_for
from flask_login import current_user
from uuid6 import uuid7

from fieldapp import audit, clock, workdays
from fieldapp.enterprises.queries import find_enterprise, regions_of
from fieldapp.entries.actions import known_version
from fieldapp.followups import actions
from fieldapp.followups.access import can_change, can_note, can_promise, can_reopen
from fieldapp.followups.blueprint import bp
from fieldapp.followups.forms import CloseForm, NoteForm, PostponeForm, PromiseForm, ReassignForm
from fieldapp.followups.models import FollowUp, FollowUpKind, FollowUpStatus
from fieldapp.followups.queries import (
    MOST_EXPORTED,
    Filters,
    colleagues_for,
    count_follow_ups,
    export_follow_ups,
    file_of,
    find_follow_up,
    list_follow_ups,
    officers_of,
)
from fieldapp.followups.rules import heap
from fieldapp.followups.workbooks import follow_ups_workbook
from fieldapp.forms import known_id, typed
from fieldapp.guards import kept, needs
from fieldapp.languages import _
from fieldapp.needs.queries import find_need
from fieldapp.pages import done, in_place, number_in, page
from fieldapp.refusals import NotAllowed, NotFound
from fieldapp.workbook import excel_answer


def _filters() -> Filters:
    args = request.args
    leads = current_user.is_lead
    due = args.get("due", "")
    return Filters(
        closed=args.get("state") == "closed",
        officer=number_in(args.get("officer", "")) if leads else None,
        region=number_in(args.get("region", "")) if leads else None,
        due=due if due in {"overdue", "week"} else "",
        page=args.get("page", "")[:80],
    )


def _asked(filters: Filters, **other: Any) -> dict[str, Any]:
    """The filters as they stand in an address, with these changed."""
    asked = {
        "state": "closed" if filters.closed else None,
        "officer": filters.officer,
        "region": filters.region,
        "due": filters.due or None,
    }
    return asked | other


@bp.get("/follow-ups")
@needs("OFFICER", "LEAD")
@kept
def index() -> Response:
    filters = _filters()
    rows, next_page = list_follow_ups(current_user, filters=filters)
    today = clock.today()
    return page(
        "followups/index.html",
        follow_ups=[(None if filters.closed else heap(row.due_on, today), row) for row in rows],
        filters=filters,
        asked=_asked,
        next_page=next_page,
        officers=officers_of(current_user, filters.officer) if current_user.is_lead else [],
        regions=regions_of(current_user) if current_user.is_lead else [],
    )


@bp.get("/follow-ups.xlsx")
@needs("OFFICER", "LEAD")
def export() -> Response:
    """The list as it is filtered. It holds no numbers of contacts, so nothing has to be masked."""
    filters = _filters()
    found = count_follow_ups(current_user, filters)
    rows = export_follow_ups(current_user, filters)
    content = follow_ups_workbook(rows, clock.now(), min(found, MOST_EXPORTED), cut=found > MOST_EXPORTED)
    audit.record("exported", "follow_ups", later=True, count=min(found, MOST_EXPORTED))
    return excel_answer(f"{_('跟进清单')}-{clock.today().isoformat()}", content)


@bp.route("/enterprises/<int:enterprise_id>/follow-ups/new", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def new(enterprise_id: int) -> Response:
    enterprise = find_enterprise(current_user, enterprise_id, to=can_promise)
    need = _need_of(enterprise_id)
    form = PromiseForm(request.form, kind=(FollowUpKind.MATCHING if need else FollowUpKind.OTHER).name)
    if request.method == "POST" and form.validate():
        follow_up_id = known_id(form.follow_up_id) or uuid7()
        actions.promise(
            current_user,
            enterprise,
            follow_up_id,
            at=clock.now(),
            need_id=need.id if need else None,
            **form.words(),
        )
        return done(to=url_for("followups.show", follow_up_id=follow_up_id), notice="follow_up_saved")
    return page("followups/new.html", form=form, enterprise=enterprise, need=need)


def _need_of(enterprise_id: int) -> Any | None:
    """The need of this enterprise that the address names. Raises NotFound for any other."""
    text = request.args.get("need", "")
    if not text:
        return None
    try:
        need = find_need(current_user, uuid.UUID(text))
    except ValueError as error:
        raise NotFound from error
    if need.enterprise_id != enterprise_id:
        raise NotFound
    return need


@bp.get("/follow-ups/<uuid:follow_up_id>")
@needs("OFFICER", "LEAD")
@kept
def show(follow_up_id: uuid.UUID) -> Response:
    return _show(find_follow_up(current_user, follow_up_id), NoteForm())


def _show(follow_up: FollowUp, form: NoteForm, status: int | None = None) -> Response:
    file = file_of(follow_up)
    today = clock.today()
    return page(
        "followups/show.html",
        "progress",
        status=status,
        form=form,
        file=file,
        follow_up=follow_up,
        workdays_left=workdays.workdays_between(today, follow_up.due_on),
        closed_day=not workdays.is_workday(follow_up.due_on),
        may_change=can_change(current_user, follow_up) and follow_up.status is FollowUpStatus.OPEN,
        may_note=can_note(current_user, follow_up),
        may_reopen=follow_up.status is not FollowUpStatus.OPEN
        and can_reopen(current_user, file.closed_by[0]),
    )


@bp.post("/follow-ups/<uuid:follow_up_id>/notes")
@needs("OFFICER", "LEAD")
def note(follow_up_id: uuid.UUID) -> Response:
    follow_up = find_follow_up(current_user, follow_up_id, to=can_note)
    form = NoteForm(request.form)
    if not form.validate():
        return _show(follow_up, form)
    actions.note(current_user, follow_up, typed(form.text), clock.now())
    if in_place():
        return _show(follow_up, NoteForm())
    return done(
        to=url_for("followups.show", follow_up_id=follow_up_id, _anchor="progress"), notice="follow_up_noted"
    )


# What becomes of a promise: each is a short form on a page of its own, reached from the promise's page.


def _to_change(follow_up_id: uuid.UUID) -> FollowUp:
    posting = request.method == "POST"
    return find_follow_up(current_user, follow_up_id, to=can_change, to_write=posting)


def _stale(follow_up: FollowUp) -> bool:
    """Whether what was sent began from another version than the present one, and somebody else made this one."""
    if request.method != "POST":
        return False
    sent = number_in(request.form.get("version", "")) or 0
    return known_version(follow_up.id, sent, follow_up.version) != follow_up.version


def _back(follow_up: FollowUp, notice: str) -> Response:
    return done(to=url_for("followups.show", follow_up_id=follow_up.id), notice=notice)


def _act(template: str, form: Any, follow_up: FollowUp, conflict: bool = False, **context: Any) -> Response:
    """The page of a short form. What collides with a colleague's change answers 409 and keeps what was typed."""
    closed = follow_up.status is not FollowUpStatus.OPEN
    return page(
        template,
        status=409 if request.method == "POST" and (conflict or closed) else None,
        form=form,
        file=file_of(follow_up),
        follow_up=follow_up,
        conflict=conflict,
        closed=closed,
        sent=request.method == "POST",
        **context,
    )


@bp.route("/follow-ups/<uuid:follow_up_id>/close", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def close(follow_up_id: uuid.UUID) -> Response:
    follow_up = _to_change(follow_up_id)
    form = CloseForm(request.form, status=FollowUpStatus.DONE.name)
    still_open = follow_up.status is FollowUpStatus.OPEN
    if request.method == "POST" and still_open and form.validate():
        status = FollowUpStatus[form.status.data]
        actions.close(current_user, follow_up, status, typed(form.result), clock.now())
        return _back(follow_up, "follow_up_done" if status is FollowUpStatus.DONE else "follow_up_dropped")
    return _act("followups/close.html", form, follow_up)


@bp.route("/follow-ups/<uuid:follow_up_id>/postpone", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def postpone(follow_up_id: uuid.UUID) -> Response:
    follow_up = _to_change(follow_up_id)
    form = PostponeForm(request.form, before=follow_up.due_on)
    stale = _stale(follow_up)
    if request.method == "POST" and not stale and form.validate():
        actions.postpone(current_user, follow_up, form.due_on.data, typed(form.reason), clock.now())
        return _back(follow_up, "follow_up_postponed")
    return _act("followups/postpone.html", form, follow_up, stale)


@bp.route("/follow-ups/<uuid:follow_up_id>/reassign", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def reassign(follow_up_id: uuid.UUID) -> Response:
    follow_up = _to_change(follow_up_id)
    form = ReassignForm(request.form, colleagues=colleagues_for(current_user, follow_up))
    stale = _stale(follow_up)
    if request.method == "POST" and not stale and form.validate():
        to = form.colleagues[form.to.data]
        actions.reassign(current_user, follow_up, to, typed(form.reason), clock.now())
        return _back(follow_up, "follow_up_reassigned")
    return _act("followups/reassign.html", form, follow_up, stale)


@bp.route("/follow-ups/<uuid:follow_up_id>/edit", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@kept
def edit(follow_up_id: uuid.UUID) -> Response:
    follow_up = _to_change(follow_up_id)
    form = PromiseForm(
        request.form,
        due_stays=follow_up.due_on,
        title=follow_up.title,
        kind=follow_up.kind.name,
        due_on=follow_up.due_on,
    )
    stale = _stale(follow_up)
    good = request.method == "POST" and form.validate()
    if good and not stale:
        actions.edit(current_user, follow_up, at=clock.now(), **form.words())
        return _back(follow_up, "follow_up_saved")
    return _act("followups/edit.html", form, follow_up, stale, kinds=FollowUpKind)


@bp.post("/follow-ups/<uuid:follow_up_id>/reopen")
@needs("OFFICER", "LEAD")
def reopen(follow_up_id: uuid.UUID) -> Response:
    follow_up = find_follow_up(current_user, follow_up_id, to_write=True)
    if not can_reopen(current_user, file_of(follow_up).closed_by[0]):
        raise NotAllowed
    actions.reopen(current_user, follow_up, clock.now())
    return _back(follow_up, "follow_up_reopened")
