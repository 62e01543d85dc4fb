"""What an enterprise asks for."""

from __future__ import annotations

from flask import Flask

from fieldapp.needs import routes as _routes  # noqa: F401
from fieldapp.needs.blueprint import bp
from fieldapp.needs.exports import indicator_words
from fieldapp.needs.links import needs_url
from fieldapp.needs.models import ENDED, Ending, Need, NeedField, NeedKind, NeedStatus, Urgency
from fieldapp.needs.rules import told

# A state's colour; its word always stands beside it.
_TONES = {
    NeedStatus.SUBMITTED: "tag-warn",
    NeedStatus.RETURNED: "tag-warn",
    NeedStatus.CLAIMED: "tag-brand",
    NeedStatus.MATCHING: "tag-info",
    NeedStatus.AWAITING_ENTERPRISE: "tag-warn",
    NeedStatus.RESOLVED: "tag-ok",
    NeedStatus.RATED: "tag-ok",
}


def init(app: Flask) -> None:
    app.jinja_env.filters["need_tone"] = lambda status: _TONES.get(status, "")
    app.jinja_env.filters["need_told"] = told
    app.jinja_env.filters["indicator"] = indicator_words
    app.jinja_env.globals["needs_url"] = needs_url


__all__ = ["ENDED", "Ending", "Need", "NeedField", "NeedKind", "NeedStatus", "Urgency", "bp", "init"]
