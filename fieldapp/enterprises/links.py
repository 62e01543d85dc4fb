"""Addresses that lists make by the dozen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import g, url_for

from fieldapp.enterprises.queries import Filters


def filter_url(filters: Filters, changes: dict[str, Any], endpoint: str = "enterprises.index") -> str:
    """The list's address with some filters changed; changing one starts at the first page again."""
    wanted = asdict(filters) | {"page": ""} | changes
    wanted.pop("terms", None)
    return url_for(endpoint, **{name: value for name, value in wanted.items() if value})


def casefile_url(enterprise_id: int) -> str:
    """A long list links to many casefiles: the address is built once a request, then only its number changes."""
    pattern = g.get("casefile_pattern")
    if pattern is None:
        pattern = g.casefile_pattern = url_for("casefile.show", enterprise_id=0)
    return f"{pattern[:-1]}{enterprise_id}"
