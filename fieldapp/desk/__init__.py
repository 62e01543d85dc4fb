"""Today and the lead's board: counts from everything before; only reads."""

from fieldapp.desk import routes as _routes  # noqa: F401
from fieldapp.desk.blueprint import bp

__all__ = ["bp"]
