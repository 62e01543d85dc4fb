"""Rules of the door: tickets, receipts, limits. Plain values in and out."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from uuid6 import uuid7

from fieldapp.languages import _

# The privacy text that the form shows; a new text is a new version, and each order keeps the one it agreed to.
PRIVACY = "2026-11"

# Faster than this nobody fills in a form.
FASTEST = timedelta(seconds=3)
# A form that was opened longer ago gets a new ticket; what was typed stays.
OLDEST = timedelta(days=30)

# Crockford's alphabet without what is misheard or misread.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Ticket:
    """The form's own id and when it was opened: one form is one order, however often it is sent."""

    need_id: uuid.UUID
    opened_at: datetime


def _sign(key: bytes, text: str) -> str:
    return hmac.digest(key, b"order:" + text.encode(), "sha256").hex()[:32]


def door_mark(key: bytes, enterprise_id: int) -> str:
    """What a phone keeps an enterprise's unsent order under: the same behind an old code and a new one."""
    return hmac.digest(key, b"door:%d" % enterprise_id, "sha256").hex()[:16]


def issue(key: bytes, moment: datetime) -> str:
    """A ticket as the form carries it: id, seconds since 1970, signature."""
    text = f"{uuid7()}.{int(moment.timestamp())}"
    return f"{text}.{_sign(key, text)}"


def read(key: bytes, ticket: str, moment: datetime) -> Ticket | None:
    """The ticket, or None for one that is not ours, too old, or from the future."""
    text, _dot, signature = ticket.rpartition(".")
    if len(ticket) > 200 or not hmac.compare_digest(signature.encode(), _sign(key, text).encode()):
        return None
    own_id, _dot, seconds = text.partition(".")
    opened_at = datetime.fromtimestamp(int(seconds), UTC)
    if not timedelta(0) <= moment - opened_at + timedelta(minutes=1) <= OLDEST:
        return None
    return Ticket(uuid.UUID(own_id), opened_at)


def too_fast(ticket: Ticket, moment: datetime) -> bool:
    return moment - ticket.opened_at < FASTEST


def new_number() -> str:
    """Eight letters and digits, 39 bits: to find an order again together with the code on the wall, never alone."""
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


def tidy_number(text: str) -> str:
    """A number as somebody types it."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c in _LETTERS)[:9]


def shown_number(number: str) -> str:
    return f"{number[:4]}-{number[4:]}"


def wait_words(seconds: int) -> str:
    """12 分钟后, 5 小时后."""
    if seconds < 90 * 60:
        return _("%(count)s 分钟后", count=max(1, round(seconds / 60)))
    return _("%(count)s 小时后", count=round(seconds / 3600))
