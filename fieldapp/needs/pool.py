"""The pool of needs: the list with its lights, claiming in a row, other teams' needs, and the list as a file."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import audit, clock
from fieldapp.db import db
from fieldapp.enterprises.queries import regions_of
from fieldapp.formats import day
from fieldapp.guards import kept, needs, repeatable
from fieldapp.languages import N_, _, lazy
from fieldapp.needs import actions
from fieldapp.needs.access import can_step
from fieldapp.needs.blueprint import bp
from fieldapp.needs.clock import lit
from fieldapp.needs.disclosure import level_words
from fieldapp.needs.exports import needs_workbook
from fieldapp.needs.links import filters_in, needs_url
from fieldapp.needs.listing import (
    MOST_COUNTED,
    OPEN,
    Filters,
    find_shared,
    holders_of,
    light_counts,
    officer_words,
    search_needs,
)
from fieldapp.needs.models import Ending, Light, NeedField, NeedKind, NeedSource, NeedStatus, Urgency
from fieldapp.needs.queries import find_need
from fieldapp.needs.steps import STEPS
from fieldapp.needs.views import own_views, query_of
from fieldapp.pages import add_notice, done, in_place, number_in, page, same_site_path
from fieldapp.refusals import Conflict, NotFound
from fieldapp.workbook import excel_answer

add_notice("need_claimed", "ok", lazy("已接单。"))

# What a tile says beside its number.
TILES = (
    (None, N_("全部在办")),
    (Light.RED, N_("红灯 · 已逾期")),
    (Light.YELLOW, N_("黄灯 · 快到期")),
    (Light.GREEN, N_("绿灯 · 时间充裕")),
    (Light.GREY, N_("灰灯 · 等企业答复")),
)


def _person() -> Any:
    """Who is signed in, themselves: behind the proxy they would be looked for at every question."""
    return current_user._get_current_object()


def _chosen(filters: Filters, regions: list[Any], holders: list[Any]) -> list[tuple[str, str]]:
    """The filters in force that have no tile or chip of their own: (words, address without it)."""
    chosen = []
    if filters.q:
        chosen.append((_("“%(words)s”", words=filters.q), needs_url(filters, q=None)))
    for name, value in (
        ("state", filters.status),
        ("kind", filters.kind),
        ("field", filters.field),
        ("source", filters.source),
        ("urgency", filters.urgency),
        ("ending", filters.ending),
    ):
        if value is not None:
            without: dict[str, Any] = {name: None}
            chosen.append((_(str(value.value)), needs_url(filters, **without)))
    if filters.region:
        name = next((region.name for region in regions if region.id == filters.region), _("旗县区"))
        chosen.append((name, needs_url(filters, region=None)))
    if filters.holder:
        who = next((one.name for one in holders if str(one.id) == filters.holder), _("接单人"))
        words = _("还没有人接") if filters.holder == "none" else who
        chosen.append((words, needs_url(filters, holder=None)))
    if filters.state == "closed":
        chosen.append((_("已办结"), needs_url(filters, state=None)))
    if filters.officer:
        chosen.append((officer_words(current_user, filters.officer), needs_url(filters, officer=None)))
    if filters.since or filters.until:
        words = _("%(first)s 到 %(last)s 提出", first=day(filters.since), last=day(filters.until))
        chosen.append((words, needs_url(filters, since=None, until=None)))
    return chosen


def _choices(filters: Filters, regions: list[Any], holders: list[Any]) -> dict[str, Any]:
    """What the filters' selects offer."""
    return {
        "filters": filters,
        "regions": regions,
        "holders": holders,
        "statuses": [status for status in NeedStatus if status is not NeedStatus.DRAFT],
        "kinds": NeedKind,
        "technical_fields": NeedField,
        "sources": NeedSource,
        "urgencies": Urgency,
        "endings": Ending,
        "all_lights": Light,
    }


def _may_claim(need: Any) -> bool:
    return need.status in STEPS["claim"].moves


def _list_page(status: int | None = None, **more: Any) -> Response:
    person, filters, now = _person(), filters_in(request.args), clock.now()
    regions, holders = regions_of(person), holders_of(person, number_in(filters.holder))
    counts = light_counts(person, filters, now)
    found = search_needs(person, filters, now, counts)
    return page(
        "needs/index.html",
        status=status,
        found=found,
        lights={need.id: lit(need, now) for need in found.rows},
        counts=counts,
        tiles=TILES,
        open_states=OPEN,
        chosen=_chosen(filters, regions, holders),
        filtered=filters != Filters(page=filters.page),
        most_counted=MOST_COUNTED,
        views=own_views(person),
        here=query_of(filters),
        may_claim=_may_claim,
        back=needs_url(filters, page=filters.page),
        selecting=person.is_lead and not filters.shared and filters.by_light,
        **_choices(filters, regions, holders),
        **more,
    )


@bp.get("/needs")
@needs("OFFICER", "LEAD")
@kept
def index() -> Response:
    return _list_page()


@bp.get("/needs/filters")
@needs("OFFICER", "LEAD")
def filters() -> Response:
    person, asked = _person(), filters_in(request.args)
    holders = holders_of(person, number_in(asked.holder))
    return page("needs/filters.html", **_choices(asked, regions_of(person), holders))


def back_to_list() -> str:
    """Where the list was left."""
    here = url_for("needs.index")
    asked = same_site_path(request.values.get("back")) or here
    return asked if asked.partition("?")[0] == here else here


@bp.post("/needs/<uuid:need_id>/claim")
@needs("OFFICER", "LEAD")
def claim(need_id: uuid.UUID) -> Response:
    """Claiming in the list: through htmx the row stays where it is and says who has it now."""
    step, person = STEPS["claim"], _person()
    need = find_need(person, need_id, to=lambda person, need: can_step(person, need, step))
    refused = ""
    try:
        actions.take_step(person, need, step, clock.now())
    except Conflict as conflict:
        if not in_place():
            raise
        refused = str(conflict.message)
        db.session.rollback()
    if not in_place():
        return done(to=back_to_list(), notice="need_claimed")
    return _row(need_id, refused)


def _row(need_id: uuid.UUID, refused: str) -> Response:
    person = _person()
    need = find_need(person, need_id)
    light, words = lit(need, clock.now())
    return page(
        "needs/row.html",
        "need_row",
        status=409 if refused else 200,
        need=need,
        light=light,
        light_words=words,
        may_claim=_may_claim,
        refused=refused,
        taken=not refused,
        back=back_to_list(),
        selecting=person.is_lead,
        filters=Filters(),
    )


@bp.get("/needs/shared/<uuid:need_id>")
@needs("OFFICER", "LEAD")
def shared(need_id: uuid.UUID) -> Response:
    """A need of another team, to be read and no more, as far as its enterprise lets it be known."""
    need = find_shared(_person(), need_id)
    if need is None:
        raise NotFound
    return page("needs/shared.html", need=need, level=level_words(need.disclosure))


@bp.route("/needs.xlsx", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@repeatable
def export() -> Response:
    """The same list as a file; with telephone numbers only when asked for by a form, and told to the trail."""
    wanted = filters_in(request.args)
    phones = request.method == "POST" and request.form.get("phones") == "1" and not wanted.shared
    if request.method == "POST":
        db.session.rollback()  # nothing was written; making the file must not hold SQLite's write lock
    content, count = needs_workbook(_person(), wanted, phones=phones)
    audit.record(
        "exported_with_phones" if phones else "exported",
        "needs",
        later=request.method == "GET",
        count=count,
        **({"shared": True} if wanted.shared else {}),
    )
    return excel_answer(f"{_('需求')}-{clock.today().isoformat()}", content)
