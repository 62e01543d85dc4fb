"""Photos and files: taken in, re-encoded, served with permission."""

from fieldapp.attachments import routes as _routes  # noqa: F401
from fieldapp.attachments.blueprint import bp
from fieldapp.attachments.models import Attachment, AttachmentCopy, CopySize

__all__ = ["Attachment", "AttachmentCopy", "CopySize", "bp"]
