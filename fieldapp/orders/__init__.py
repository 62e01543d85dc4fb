"""Orders that enterprises place at their own door (企业点单)."""

from __future__ import annotations

from flask import Flask

from fieldapp.orders import ratings as _ratings  # noqa: F401
from fieldapp.orders import receipts as _receipts  # noqa: F401
from fieldapp.orders import routes
from fieldapp.orders import sending as _sending
from fieldapp.orders.blueprint import bp
from fieldapp.orders.progress import words_of
from fieldapp.orders.queries import order_of
from fieldapp.orders.rules import shown_number


def init(app: Flask) -> None:
    routes.init(app)
    app.jinja_env.globals["order_of"] = order_of
    app.jinja_env.globals["may_send"] = _sending.may_send
    app.jinja_env.globals["words_of"] = words_of
    app.jinja_env.filters["receipt_number"] = shown_number


__all__ = ["bp", "init"]
