"""What an enterprise asks for."""

from fieldapp.needs import routes as _routes  # noqa: F401
from fieldapp.needs.blueprint import bp
from fieldapp.needs.models import ENDED, Ending, Need, NeedField, NeedKind, NeedStatus, Urgency

__all__ = ["ENDED", "Ending", "Need", "NeedField", "NeedKind", "NeedStatus", "Urgency", "bp"]
