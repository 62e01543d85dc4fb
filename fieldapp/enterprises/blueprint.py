"""The slice's blueprint."""

from flask import Blueprint

bp = Blueprint("enterprises", __name__)
