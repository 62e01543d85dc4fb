"""Enterprises: who they are, who sees them, who serves them, and finding them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Flask, url_for
from flask_login import current_user

from fieldapp.enterprises import routes as _routes  # noqa: F401
from fieldapp.enterprises.blueprint import bp
from fieldapp.enterprises.industries import industry_name
from fieldapp.enterprises.queries import Filters
from fieldapp.languages import _


def _filter_url(filters: Filters, changes: dict[str, Any]) -> str:
    """The list's address with some filters changed; changing one starts at the first page again."""
    wanted = asdict(filters) | {"page": ""} | changes
    wanted.pop("terms", None)
    return url_for("enterprises.index", **{name: value for name, value in wanted.items() if value})


def init(app: Flask) -> None:
    app.jinja_env.filters["industry"] = lambda code: _(industry_name(code)) if code else ""
    app.jinja_env.globals["filter_url"] = _filter_url


__all__ = ["bp", "init"]
