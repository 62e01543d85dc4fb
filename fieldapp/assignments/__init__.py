"""Who serves whom: assign, hand over, return to the pool, a balanced proposal, and the history of it."""

from fieldapp.assignments.blueprint import bp

__all__ = ["bp"]
