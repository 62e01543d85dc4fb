"""Orders that enterprises place at their own door (企业点单)."""

from __future__ import annotations

from flask import Flask

from fieldapp.orders import routes
from fieldapp.orders.blueprint import bp
from fieldapp.orders.queries import order_of, photos_of_need
from fieldapp.orders.rules import shown_number


def init(app: Flask) -> None:
    routes.init(app)
    app.jinja_env.globals["order_of"] = order_of
    app.jinja_env.globals["photos_of_need"] = photos_of_need
    app.jinja_env.filters["receipt_number"] = shown_number


__all__ = ["bp", "init"]
