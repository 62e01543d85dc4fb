"""Who serves whom: assign, hand over, return to the pool, a balanced proposal, and the history of it."""

from fieldapp.assignments import routes as _routes
from fieldapp.assignments.blueprint import bp

init = _routes.init

__all__ = ["bp", "init"]
