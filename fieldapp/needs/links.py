"""The list's address with its filters."""

from __future__ import annotations

from typing import Any

from flask import url_for

from fieldapp.needs.queries import Filters


def needs_url(filters: Filters, endpoint: str = "needs.index", **changes: Any) -> str:
    """The address with some filters changed; changing one starts at the first page again."""

    def name_of(value: Any) -> str | None:
        return value.name.lower() if value else None

    wanted: dict[str, Any] = {
        "state": filters.state if filters.state != "open" else None,
        "kind": name_of(filters.kind),
        "field": name_of(filters.field),
        "urgency": name_of(filters.urgency),
        "ending": name_of(filters.ending),
        "region": filters.region,
        "mine": "1" if filters.mine else None,
        "since": filters.since.isoformat() if filters.since else None,
        "until": filters.until.isoformat() if filters.until else None,
        "officer": filters.officer,
    } | changes
    return url_for(endpoint, **{name: value or None for name, value in wanted.items()})
