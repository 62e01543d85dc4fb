"""The list of enterprises, on the page and as a file, and showing a contact's number."""

from __future__ import annotations

from flask import Response, g, request
from flask_login import current_user

from fieldapp import audit, clock
from fieldapp.db import db
from fieldapp.enterprises import actions
from fieldapp.enterprises.access import can_see_phones
from fieldapp.enterprises.blueprint import bp
from fieldapp.enterprises.exports import enterprises_file
from fieldapp.enterprises.industries import DIVISIONS, industry_name
from fieldapp.enterprises.links import filter_url
from fieldapp.enterprises.models import QualificationKind
from fieldapp.enterprises.queries import (
    Filters,
    find_contact,
    find_enterprise,
    list_enterprises,
    regions_of,
    tags_in_use,
)
from fieldapp.guards import kept_in_pack, needs, prepares, repeatable
from fieldapp.languages import _
from fieldapp.pages import MOST_PACKED, number_in, packing, page
from fieldapp.workbook import excel_answer


def _filters() -> Filters:
    args = request.args
    scope = args.get("scope", "")
    return Filters(
        q=args.get("q", "")[:100],
        region=number_in(args.get("region", "")),
        industry=args.get("industry", "")[:2],
        tag=args.get("tag", "")[:30],
        scope=scope if scope in {"mine", "team", "pool"} else ("mine" if current_user.is_officer else "team"),
        due=args.get("due", ""),
        page=args.get("page", "")[:80],
    )


def _chosen(filters: Filters) -> list[tuple[str, str]]:
    """The filters in force as (words, address without it)."""
    chosen = []
    if filters.region:
        name = next((r.name for r in regions_of(current_user) if r.id == filters.region), "")
        chosen.append((name or _("旗县区"), filter_url(filters, {"region": None})))
    if filters.industry:
        chosen.append((_(industry_name(filters.industry)), filter_url(filters, {"industry": ""})))
    if filters.tag:
        kind = next((k for k in QualificationKind if k.name.lower() == filters.tag.lower()), None)
        chosen.append((_(kind.value) if kind else filters.tag, filter_url(filters, {"tag": ""})))
    return chosen


@bp.get("/enterprises")
@needs("OFFICER", "LEAD")
@kept_in_pack
def index() -> Response:
    filters = _filters()
    first = ("mine", _("我负责")) if current_user.is_officer else ("team", _("全部"))
    return page(
        "enterprises/index.html",
        filters=filters,
        found=list_enterprises(current_user, filters, MOST_PACKED if packing() else 0),
        chosen=_chosen(filters),
        scopes=[first, ("pool", _("待分配"))],
        dues=[("overdue", _("该走访")), ("never", _("未走访")), ("soon", _("两周内到期"))],
    )


@bp.get("/enterprises/filters")
@needs("OFFICER", "LEAD")
def filters() -> Response:
    return page(
        "enterprises/filters.html",
        filters=_filters(),
        regions=regions_of(current_user),
        industries=DIVISIONS,
        kinds=QualificationKind,
        tags=tags_in_use(current_user),
    )


def _file() -> tuple[bytes, int, bool]:
    """(what was asked for as a file, how many enterprises are in it, whether with full numbers).

    Written before the request's transaction writes anything: a long list must not keep others from saving.
    """
    phones = request.method == "POST" and request.form.get("phones") == "1"
    content, count = enterprises_file(current_user, _filters(), phones=phones)
    db.session.rollback()
    return content, count, phones


@bp.route("/enterprises.xlsx", methods=["GET", "POST"])
@needs("OFFICER", "LEAD")
@repeatable
@prepares(_file)
def export() -> Response:
    """What the list shows as a file. Full numbers only by POST with phones=1: a deliberate, logged act."""
    content, count, phones = g.prepared if request.method == "POST" else _file()
    audit.record(
        "exported_with_phones" if phones else "exported",
        "enterprises",
        later=request.method == "GET",  # a GET writes nothing itself
        count=count,
    )
    return excel_answer(f"{_('企业名单')}-{clock.today().isoformat()}", content)


@bp.post("/enterprises/<int:enterprise_id>/contacts/<int:contact_id>/phone")
@needs("OFFICER", "LEAD")
@repeatable
def phone(enterprise_id: int, contact_id: int) -> Response:
    """Showing a number is a deliberate, logged act, so it is a POST."""
    find_enterprise(current_user, enterprise_id, to=can_see_phones)
    contact = find_contact(current_user, enterprise_id, contact_id)
    actions.show_phone(contact, "show")
    return page("enterprises/phone.html", "contact_phone", contact=contact, enterprise_id=enterprise_id)
