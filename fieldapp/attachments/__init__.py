"""Photos and files: taken in, re-encoded, served with permission."""

from fieldapp.attachments.blueprint import bp
from fieldapp.attachments.models import Attachment, AttachmentCopy, CopySize

__all__ = ["Attachment", "AttachmentCopy", "CopySize", "bp"]
