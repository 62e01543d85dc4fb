"""The slice's blueprint, in a room of its own so that routes can hang on it."""

from flask import Blueprint

bp = Blueprint("audit", __name__)
