"""Addresses that lists make by the dozen."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import g, url_for

from fieldapp.enterprises.queries import Filters


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
    return f"{url_for(endpoint)}?{query}" if query else url_for(endpoint)


def casefile_url(enterprise_id: int) -> str:
    """A long list links to many casefiles: the address is built once a request, then only its number changes."""
    pattern = g.get("casefile_pattern")
    if pattern is None:
        pattern = g.casefile_pattern = url_for("casefile.show", enterprise_id=0)
    return f"{pattern[:-1]}{enterprise_id}"
