"""Working without a network: the service worker's address, the outbox page, the pack, what phones still hold."""

from fieldapp.offline import models as _models  # noqa: F401
from fieldapp.offline.blueprint import bp

__all__ = ["bp"]
