"""今日, the lead's board, an officer's outcomes: counts from everything before; only reads."""

from fieldapp.desk import dossier as _dossier  # noqa: F401
from fieldapp.desk import routes as _routes  # noqa: F401
from fieldapp.desk.blueprint import bp

__all__ = ["bp"]
