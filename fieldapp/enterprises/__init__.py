"""Enterprises: who they are, who sees them, who serves them, and finding them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Flask, url_for
from markupsafe import Markup, escape

from fieldapp.enterprises import routes as _routes  # noqa: F401
from fieldapp.enterprises.blueprint import bp
from fieldapp.enterprises.industries import industry_name
from fieldapp.enterprises.queries import Filters
from fieldapp.enterprises.search import spot
from fieldapp.languages import _


def _filter_url(filters: Filters, changes: dict[str, Any]) -> str:
    """The list's address with some filters changed; changing one starts at the first page again."""
    wanted = asdict(filters) | {"page": ""} | changes
    wanted.pop("terms", None)
    return url_for("enterprises.index", **{name: value for name, value in wanted.items() if value})


def _found_by(name: str, terms: list[str]) -> Markup:
    """The name with what was searched for in <mark>, escaped."""
    place = spot(name, terms) if terms else None
    if place is None:
        return escape(name)
    start, end = place
    return Markup("{}<mark>{}</mark>{}").format(name[:start], name[start:end], name[end:])


def init(app: Flask) -> None:
    app.jinja_env.filters["industry"] = lambda code: _(industry_name(code)) if code else ""
    app.jinja_env.filters["found_by"] = _found_by
    app.jinja_env.globals["filter_url"] = _filter_url


__all__ = ["bp", "init"]
