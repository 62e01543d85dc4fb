"""Photos and files: taken in, re-encoded, served with permission."""

from __future__ import annotations

from flask import Flask

from fieldapp.attachments import routes as _routes  # noqa: F401
from fieldapp.attachments.blueprint import bp
from fieldapp.attachments.models import Attachment, AttachmentCopy, CopySize


def _document_name(name: str) -> str:
    """试验报告: a PDF's name without its ending, which is said beside it."""
    return name[:-4] if name.lower().endswith(".pdf") else name


def init(app: Flask) -> None:
    app.jinja_env.filters["document_name"] = _document_name


__all__ = ["Attachment", "AttachmentCopy", "CopySize", "bp", "init"]
