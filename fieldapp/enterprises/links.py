"""Addresses that lists make by the dozen."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fieldapp.enterprises.queries import Filters
from fieldapp.pages import link


def filter_url(filters: Filters, changes: dict[str, Any], endpoint: str = "enterprises.index") -> str:
    """The list's address with some filters changed; changing one starts at the first page again."""
    wanted = {
        "q": filters.q,
        "region": filters.region,
        "industry": filters.industry,
        "tag": filters.tag,
        "scope": filters.scope,
        "due": filters.due,
    } | changes
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"{link(endpoint)}?{query}" if query else link(endpoint)
