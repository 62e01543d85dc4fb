"""Who did what, in the same transaction as the change."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Flask, Response, g, request
from flask_login import current_user

from fieldapp.audit import routes as _routes  # noqa: F401
from fieldapp.audit.actions import record
from fieldapp.audit.blueprint import bp
from fieldapp.audit.words import action_words, detail_words, subject_words

REFUSED = frozenset({403, 429})


def init(app: Flask) -> None:
    app.jinja_env.filters["action_words"] = action_words
    app.jinja_env.filters["subject_words"] = subject_words
    app.jinja_env.filters["detail_words"] = detail_words

    @app.after_request
    def _refusals(response: Response) -> Response:
        """Whoever is signed in and told "no" or "too often" leaves a line, wherever it was said.

        The rule and its plain ids only, never the path: a path may hold a code's token.
        """
        if response.status_code in REFUSED and not g.get("refusal_told") and current_user.is_authenticated:
            ids: dict[str, Any] = {
                k: str(v) for k, v in (request.view_args or {}).items() if isinstance(v, int | uuid.UUID)
            }
            rule = request.url_rule.rule if request.url_rule else ""
            record(
                "refused",
                rule[:120],
                survives=True,
                method=request.method,
                status=response.status_code,
                **ids,
            )
        return response


__all__ = ["bp", "init", "record"]
