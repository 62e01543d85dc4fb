"""What admins see of messages that did not go: how often, why, whose; never what they say."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, request, url_for
from flask_login import current_user

from fieldapp import clock
from fieldapp.guards import needs
from fieldapp.notices import ways
from fieldapp.notices.blueprint import bp
from fieldapp.notices.queries import in_the_outbox, list_dead
from fieldapp.pages import done, page

# What should have gone so long ago and did not: nobody is working.
STANDS_STILL = timedelta(minutes=10)


@bp.get("/admin/deliveries")
@needs("ADMIN")
def deliveries() -> Response:
    cursor = request.args.get("page", "")[:80]
    rows, next_page = list_dead(cursor)
    waiting = in_the_outbox()
    stands_still = waiting.number > 0 and waiting.due_at < clock.now() - STANDS_STILL
    return page(
        "notices/deliveries.html",
        rows=rows,
        next_page=next_page,
        first=not cursor,
        waiting=waiting,
        stands_still=stands_still,
    )


@bp.post("/admin/deliveries/<int:delivery_id>/retry")
@needs("ADMIN")
def retry(delivery_id: int) -> Response:
    ways.try_again(current_user, ways.find_dead(delivery_id), clock.now())
    return done(to=url_for("notices.deliveries"), notice="delivery_retried")


@bp.post("/admin/deliveries/<int:delivery_id>/give-up")
@needs("ADMIN")
def give_up(delivery_id: int) -> Response:
    ways.give_up(current_user, ways.find_dead(delivery_id), clock.now())
    return done(to=url_for("notices.deliveries"), notice="delivery_given_up")
