"""What enterprises said of results: each with its words, for leads. Officers see sums only, on their outcomes."""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import Response, current_app, request, url_for
from flask_login import current_user

from fieldapp.accounts import User
from fieldapp.db import UtcDateTime, fetch
from fieldapp.enterprises.access import Scope, scope_of, scope_values, visible
from fieldapp.enterprises.models import Enterprise
from fieldapp.guards import needs
from fieldapp.needs.models import Need, NeedRating
from fieldapp.orders.blueprint import bp
from fieldapp.pages import keyset_cursor, keyset_place, page


@cache
def _ratings(scope: Scope, further: bool) -> sa.Select:
    query = (
        sa.select(
            NeedRating.id,
            NeedRating.at,
            NeedRating.solved,
            NeedRating.level,
            NeedRating.comment,
            Need.id.label("need_id"),
            Need.title,
            Enterprise.name.label("enterprise"),
            User.name.label("officer"),
        )
        .join(Need, Need.id == NeedRating.need_id)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .outerjoin(User, User.id == NeedRating.officer_id)
        .where(visible(scope))
        .order_by(NeedRating.at.desc(), NeedRating.id.desc())
        .limit(sa.bindparam("most", type_=sa.Integer))
    )
    if further:
        place = sa.tuple_(sa.bindparam("at", type_=UtcDateTime()), sa.bindparam("id", type_=sa.Integer))
        query = query.where(sa.tuple_(NeedRating.at, NeedRating.id) < place)
    return query


@bp.get("/lead/ratings")
@needs("LEAD")
def ratings() -> Response:
    size = current_app.config["PAGE_SIZE"]
    place = keyset_place(request.args.get("page", "")[:80], int)
    values: dict[str, Any] = {"most": size + 1, **scope_values(current_user)}
    if place:
        values |= {"at": place[0], "id": place[1]}
    rows = list(fetch(_ratings(scope_of(current_user), place is not None), values))
    more, rows = len(rows) > size, rows[:size]
    following = url_for("orders.ratings", page=keyset_cursor(rows[-1].at, rows[-1].id)) if more else None
    return page("orders/ratings.html", ratings=rows, next_url=following, first=place is None)
