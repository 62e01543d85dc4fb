"""The slice's blueprint."""

from flask import Blueprint

bp = Blueprint("followups", __name__)
