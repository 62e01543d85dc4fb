"""What an enterprise asks for."""

from fieldapp.needs import routes as _routes  # noqa: F401
from fieldapp.needs.blueprint import bp
from fieldapp.needs.models import Need, NeedKind, NeedStatus

__all__ = ["Need", "NeedKind", "NeedStatus", "bp"]
