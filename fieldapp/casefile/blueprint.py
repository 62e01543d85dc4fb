"""The slice's blueprint."""

from flask import Blueprint

bp = Blueprint("casefile", __name__)
