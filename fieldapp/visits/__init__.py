"""Plans, check-ins, visit records."""

from __future__ import annotations

from flask import Flask

from fieldapp.languages import _, lazy
from fieldapp.pages import add_notice
from fieldapp.visits import amending as _amending  # noqa: F401
from fieldapp.visits import confirm_pages
from fieldapp.visits import photos as _photos  # noqa: F401
from fieldapp.visits import plans as _plans  # noqa: F401
from fieldapp.visits import quiet as _quiet  # noqa: F401
from fieldapp.visits import records as _records  # noqa: F401
from fieldapp.visits import reviews as _reviews  # noqa: F401
from fieldapp.visits import routes as _routes  # noqa: F401
from fieldapp.visits.blueprint import bp
from fieldapp.visits.history import change_words
from fieldapp.visits.models import Answer, Visit, VisitPurpose, VisitStatus, VisitWay
from fieldapp.visits.queries import last_made


def init(app: Flask) -> None:
    confirm_pages.init(app)
    app.extensions["visits.last_made"] = last_made  # asked by the public card, which stands before this slice
    app.jinja_env.filters["purpose_words"] = lambda names: [_(VisitPurpose[name].value) for name in names]
    app.jinja_env.filters["change_words"] = change_words
    add_notice("visit_arrived", "ok", lazy("已签到。谈完回来接着填，再按提交。"))
    add_notice("visit_kept", "ok", lazy("已存下，还没有提交。"))
    add_notice("visit_amended", "ok", lazy("修改已保存。"))


__all__ = ["Answer", "Visit", "VisitPurpose", "VisitStatus", "VisitWay", "bp", "init"]
