"""What somebody should know of: told on 今日 until it has been read."""

from fieldapp.notices import routes as _routes  # noqa: F401
from fieldapp.notices.blueprint import bp
from fieldapp.notices.models import Notification

__all__ = ["Notification", "bp"]
