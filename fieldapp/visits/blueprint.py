"""The slice's blueprint."""

from flask import Blueprint

bp = Blueprint("visits", __name__)
