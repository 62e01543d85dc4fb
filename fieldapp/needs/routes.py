"""Needs: the list and one need."""

from __future__ import annotations

import uuid

from flask import Response, request
from flask_login import current_user

from fieldapp.guards import needs
from fieldapp.needs.blueprint import bp
from fieldapp.needs.queries import find_need, list_needs
from fieldapp.pages import page


@bp.get("/needs")
@needs("OFFICER", "LEAD")
def index() -> Response:
    rows, next_page = list_needs(current_user, request.args.get("page", ""))
    return page("needs/index.html", needs=rows, next_page=next_page, first=not request.args.get("page"))


@bp.get("/needs/<uuid:need_id>")
@needs("OFFICER", "LEAD")
def show(need_id: uuid.UUID) -> Response:
    return page("needs/show.html", file=find_need(current_user, need_id))
