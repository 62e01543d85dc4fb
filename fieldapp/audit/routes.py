"""The trail, for auditors alone. There is no address that changes it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, request, url_for

from fieldapp.audit.blueprint import bp
from fieldapp.audit.queries import TrailFilters, list_events
from fieldapp.audit.words import ACTIONS
from fieldapp.guards import needs
from fieldapp.pages import number_in, page

LARGEST_EVENT = 2**63 - 1  # events are more than anything else


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


def _filters() -> TrailFilters:
    args = request.args
    return TrailFilters(
        person=args.get("person", "").strip()[:40],
        actor=number_in(args.get("actor", "")),
        action=args.get("action", "")[:60],
        day=_day(args.get("day", "")),
        refused=args.get("refused") == "yes",
        page=number_in(args.get("page", ""), LARGEST_EVENT),
    )


@bp.get("/audit")
@needs("AUDITOR")
def index() -> Response:
    filters = _filters()
    events, next_page = list_events(filters)
    kept: dict[str, Any] = {
        "person": filters.person or None,
        "actor": filters.actor,
        "action": filters.action or None,
        "day": filters.day.isoformat() if filters.day else None,
        "refused": "yes" if filters.refused else None,
    }
    return page(
        "audit/index.html",
        filters=filters,
        events=events,
        actions=ACTIONS,
        filtered=any(value is not None for value in kept.values()),
        first_page=url_for("audit.index", **kept) if filters.page is not None else "",
        next_page=url_for("audit.index", **kept, page=next_page) if next_page is not None else "",
    )
