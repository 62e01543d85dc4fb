"""The casefile page."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlencode

from flask import Response, request
from flask_login import current_user

from fieldapp.casefile.blueprint import bp
from fieldapp.casefile.queries import KINDS, plans, timeline
from fieldapp.coordinates import wgs84_to_gcj02
from fieldapp.enterprises.access import can_manage_codes, can_record_visit, can_see_phones
from fieldapp.enterprises.industries import industry_name
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.queries import profile
from fieldapp.guards import kept, needs
from fieldapp.pages import number_in, page


def map_link(enterprise: Enterprise) -> str | None:
    """Amap's URI for "take me there" (lbs.amap.com/api/uri-api, 2024). Amap draws in GCJ-02, so it gets that."""
    if enterprise.lat is None or enterprise.lng is None:
        return None
    return _map_link(enterprise.name, enterprise.lat, enterprise.lng)


@lru_cache(maxsize=1000)
def _map_link(name: str, lat: float, lng: float) -> str:
    lng, lat = wgs84_to_gcj02(lng, lat)
    query = {
        "to": f"{lng:.6f},{lat:.6f},{name}",
        "mode": "car",
        "src": "fieldapp",
        "coordinate": "gaode",
        "callnative": "1",
    }
    return "https://uri.amap.com/navigation?" + urlencode(query)


@bp.get("/enterprises/<int:enterprise_id>")
@needs("OFFICER", "LEAD")
@kept
def show(enterprise_id: int) -> Response:
    who = profile(current_user, enterprise_id)
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    number = min(number_in(request.args.get("page", "")) or 1, 200)
    story = timeline(enterprise_id, kind, number)
    return page(
        "casefile/show.html",
        who=who,
        enterprise=who.enterprise,
        industry=industry_name(who.enterprise.industry),
        map_link=map_link(who.enterprise),
        happenings=story.happenings,
        more=story.more,
        kind=kind,
        number=number,
        tallies=story.tallies,
        plans=plans(enterprise_id),
        may_visit=can_record_visit(current_user, who.enterprise),
        may_see_phones=can_see_phones(current_user, who.enterprise),
        may_manage_codes=can_manage_codes(current_user, who.enterprise),
    )
