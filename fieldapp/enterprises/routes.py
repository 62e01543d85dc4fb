"""The list of enterprises, and showing a contact's number."""

from __future__ import annotations

from flask import Response, request
from flask_login import current_user

from fieldapp.enterprises import actions
from fieldapp.enterprises.access import can_see_phones
from fieldapp.enterprises.blueprint import bp
from fieldapp.enterprises.industries import DIVISIONS
from fieldapp.enterprises.models import QualificationKind
from fieldapp.enterprises.queries import Filters, find_contact, find_enterprise, list_enterprises, regions_of
from fieldapp.guards import needs
from fieldapp.languages import _
from fieldapp.pages import page


def _filters() -> Filters:
    args = request.args
    region = args.get("region", "")
    scope = args.get("scope", "")
    return Filters(
        q=args.get("q", "")[:100],
        region=int(region) if region.isdecimal() and len(region) < 9 else None,
        industry=args.get("industry", "")[:2],
        tag=args.get("tag", "")[:30],
        scope=scope if scope in {"mine", "team", "pool"} else ("mine" if current_user.is_officer else "team"),
        due=args.get("due", ""),
        page=args.get("page", "")[:80],
    )


@bp.get("/enterprises")
@needs("OFFICER", "LEAD")
def index() -> Response:
    filters = _filters()
    scopes = [("mine", _("我负责")), ("pool", _("待分配"))] if current_user.is_officer else [("team", _("全部")), ("pool", _("待分配"))]
    return page(
        "enterprises/index.html",
        scopes=scopes,
        dues=[("overdue", _("该走访")), ("never", _("未走访")), ("soon", _("两周内到期"))],
        filters=filters,
        found=list_enterprises(current_user, filters),
        regions=regions_of(current_user),
        industries=DIVISIONS,
        kinds=QualificationKind,
    )


@bp.post("/enterprises/<int:enterprise_id>/contacts/<int:contact_id>/phone")
@needs("OFFICER", "LEAD")
def phone(enterprise_id: int, contact_id: int) -> Response:
    """Showing a number is a deliberate, logged act, so it is a POST."""
    find_enterprise(current_user, enterprise_id, to=can_see_phones)
    contact = find_contact(current_user, enterprise_id, contact_id)
    actions.show_phone(contact, "show")
    return page("enterprises/phone.html", "contact_phone", contact=contact, enterprise_id=enterprise_id)
