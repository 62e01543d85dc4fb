"""What an enterprise asks for."""

from __future__ import annotations

from flask import Flask
from flask_login import current_user

from fieldapp.needs import duties
from fieldapp.needs import pool as _pool  # noqa: F401
from fieldapp.needs import routes as _routes  # noqa: F401
from fieldapp.needs import together as _together  # noqa: F401
from fieldapp.needs.blueprint import bp
from fieldapp.needs.exports import indicator_words
from fieldapp.needs.links import asked_of, needs_url
from fieldapp.needs.listing import to_accept_badge
from fieldapp.needs.models import ENDED, Ending, Light, Need, NeedField, NeedKind, NeedStatus, Urgency
from fieldapp.needs.steps import told
from fieldapp.notices.badges import badges, bring
from fieldapp.pages import packing

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


# Beside a light's colour stand its icon and its words.
_LIGHTS = {
    Light.RED: ("tag-bad", "circle-alert"),
    Light.YELLOW: ("tag-warn", "clock"),
    Light.GREEN: ("tag-ok", "circle-check"),
    Light.GREY: ("", "circle-pause"),
}


def init(app: Flask) -> None:
    duties.init(app)
    bring("needs", to_accept_badge)
    app.jinja_env.filters["light_tone"] = lambda light: _LIGHTS[light][0]
    app.jinja_env.filters["light_icon"] = lambda light: _LIGHTS[light][1]
    app.jinja_env.filters["need_tone"] = lambda status: _TONES.get(status, "")
    app.jinja_env.filters["need_told"] = told
    app.jinja_env.filters["indicator"] = indicator_words
    app.jinja_env.filters["asked"] = lambda filters: [
        (name, value) for name, value in asked_of(filters).items() if value
    ]
    app.jinja_env.globals["needs_url"] = needs_url

    @app.template_global()
    def needs_waiting() -> int:
        """The number beside 需求 in a lead's side bar; a phone's pack, which must not change with it, has none."""
        return 0 if packing() else badges(current_user._get_current_object())["needs"]


__all__ = ["ENDED", "Ending", "Need", "NeedField", "NeedKind", "NeedStatus", "Urgency", "bp", "init"]
