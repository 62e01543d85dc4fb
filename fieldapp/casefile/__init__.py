"""One enterprise's whole story, gathered from the slices before; only reads."""

from fieldapp.casefile import routes as _routes  # noqa: F401
from fieldapp.casefile.blueprint import bp

__all__ = ["bp"]
