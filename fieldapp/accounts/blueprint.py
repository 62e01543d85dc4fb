"""The slice's blueprint, in a room of its own so that several files of routes can hang on it."""

from flask import Blueprint

bp = Blueprint("accounts", __name__)
