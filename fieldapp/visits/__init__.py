"""Plans, check-ins, visit records."""

from __future__ import annotations

from flask import Flask

from fieldapp.languages import _
from fieldapp.visits import routes as _routes  # noqa: F401
from fieldapp.visits.blueprint import bp
from fieldapp.visits.models import Visit, VisitPurpose, VisitStatus, VisitWay


def init(app: Flask) -> None:
    app.jinja_env.filters["purpose_words"] = lambda names: [_(VisitPurpose[name].value) for name in names]


__all__ = ["Visit", "VisitPurpose", "VisitStatus", "VisitWay", "bp", "init"]
