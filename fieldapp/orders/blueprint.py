"""The slice's blueprint."""

from flask import Blueprint

bp = Blueprint("orders", __name__)
