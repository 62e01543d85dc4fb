"""The outbox page: an empty shell, the same for everybody. What waits stands on the phone and nowhere else."""

from __future__ import annotations

from flask import Response

from fieldapp.guards import kept
from fieldapp.offline.blueprint import bp
from fieldapp.pages import page


@bp.get("/outbox")
@kept
def outbox() -> Response:
    return page("offline/outbox.html")
