"""Enterprises in from a spreadsheet: read, shown before anything is written, then all good rows at once."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("imports", __name__)
