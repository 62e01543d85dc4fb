"""The slice's blueprint."""

from flask import Blueprint

bp = Blueprint("desk", __name__)
