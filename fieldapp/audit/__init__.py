"""Who did what, in the same transaction as the change."""

from flask import Blueprint

from fieldapp.audit.actions import record

bp = Blueprint("audit", __name__)

__all__ = ["bp", "record"]
