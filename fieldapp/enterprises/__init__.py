"""Enterprises: who they are, who sees them, who serves them, and finding them."""

from __future__ import annotations

from flask import Flask
from flask_login import current_user
from markupsafe import Markup, escape

from fieldapp.accounts.actions import regions_changed
from fieldapp.enterprises import routes as _routes  # noqa: F401
from fieldapp.enterprises.actions import follow_regions
from fieldapp.enterprises.blueprint import bp
from fieldapp.enterprises.industries import industry_name
from fieldapp.enterprises.links import filter_url
from fieldapp.enterprises.queries import serving
from fieldapp.enterprises.search import spot
from fieldapp.languages import _


def _found_by(name: str, terms: list[str]) -> Markup:
    """The name with what was searched for in <mark>, escaped."""
    place = spot(name, terms) if terms else None
    if place is None:
        return escape(name)
    start, end = place
    return Markup("{}<mark>{}</mark>{}").format(name[:start], name[start:end], name[end:])


def _source_words(source: str) -> str:
    """Where figures come from, as stored (导入：ledger.xlsx), in the language spoken now."""
    kind, colon, name = source.partition("：")
    return f"{_(kind)}{_('：')}{name}" if colon else source


@regions_changed.connect
def _regions_changed(team_id: int, regions: frozenset[int], dropped: frozenset[int]) -> None:
    follow_regions(team_id, regions, dropped)


def init(app: Flask) -> None:
    app.jinja_env.filters["industry"] = lambda code: _(industry_name(code)) if code else ""
    app.jinja_env.filters["source"] = _source_words
    app.jinja_env.filters["found_by"] = _found_by
    app.jinja_env.globals["enterprises_served"] = lambda: serving(current_user)
    app.jinja_env.globals["filter_url"] = filter_url


__all__ = ["bp", "init"]
