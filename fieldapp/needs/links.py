"""The list's address and its filters: read from it, and written into it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any, TypeVar

from flask import url_for

from fieldapp.needs.listing import Filters
from fieldapp.needs.models import Ending, Light, NeedField, NeedKind, NeedSource, NeedStatus, Urgency
from fieldapp.pages import number_in

Word = TypeVar("Word", bound=Enum)
STATES = {"open", "closed", "ended", "all"} | {status.name.lower() for status in NeedStatus}


def _named(args: Mapping[str, str], kind: type[Word], name: str) -> Word | None:
    return kind.__members__.get(args.get(name, "").upper())


def _day(text: str) -> date | None:
    """The day that the address names; what no need can have come in on is no filter."""
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return None
    return asked if 2000 <= asked.year < 2200 else None


def filters_in(args: Mapping[str, str]) -> Filters:
    """What an address asks for; what cannot be asked for is left out."""
    state, holder = args.get("state", "").lower(), args.get("holder", "")
    return Filters(
        state=state if state in STATES else "open",
        q=args.get("q", "").strip()[:60],
        light=_named(args, Light, "light"),
        kind=_named(args, NeedKind, "kind"),
        field=_named(args, NeedField, "field"),
        source=_named(args, NeedSource, "source"),
        urgency=_named(args, Urgency, "urgency"),
        ending=_named(args, Ending, "ending"),
        region=number_in(args.get("region", "")),
        holder="none" if holder == "none" else str(number_in(holder) or ""),
        mine=args.get("mine") == "1",
        since=_day(args.get("since", "")),
        until=_day(args.get("until", "")),
        officer=number_in(args.get("officer", "")),
        shared=args.get("scope") == "shared",
        page=args.get("page", "")[:80],
    )


def asked_of(filters: Filters) -> dict[str, Any]:
    """The filters as they stand in an address, without the page."""

    def name_of(value: Any) -> str | None:
        return value.name.lower() if value else None

    return {
        "q": filters.q,
        "state": filters.state if filters.state != "open" else None,
        "light": name_of(filters.light),
        "kind": name_of(filters.kind),
        "field": name_of(filters.field),
        "source": name_of(filters.source),
        "urgency": name_of(filters.urgency),
        "ending": name_of(filters.ending),
        "region": filters.region,
        "holder": filters.holder,
        "mine": "1" if filters.mine else None,
        "since": filters.since.isoformat() if filters.since else None,
        "until": filters.until.isoformat() if filters.until else None,
        "officer": filters.officer,
        "scope": "shared" if filters.shared else None,
    }


def needs_url(filters: Filters, endpoint: str = "needs.index", **changes: Any) -> str:
    """The address with some filters changed; changing one starts at the first page again."""
    wanted = asked_of(filters) | changes
    return url_for(endpoint, **{name: value or None for name, value in wanted.items()})
