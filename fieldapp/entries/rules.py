"""What makes two submissions the same one."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

# Not part of what the officer said: tokens differ at every page view.
NOT_CONTENT = frozenset({"csrf_token", "entry_id", "_key", "ticket", "again"})
# Nor to be kept where somebody else reads it: what the page says of itself, passwords, and what opens a robot.
NOT_KEPT = NOT_CONTENT | {"page", "password", "current", "new", "again", "webhook", "secret"}
# The status of an entry that was never carried out because a corrected one came first.
SUPERSEDED = 410
MOST_KEYS = 20  # named in one header


def fingerprint(
    method: str, path: str, fields: Iterable[tuple[str, str]], files: Iterable[tuple[str, bytes]]
) -> bytes:
    """32 bytes, equal for equal content.

    `fields` are (name, value) pairs, `files` are (field name, sha256 digest) pairs. Sorted, because multipart
    boundaries and the order of parts change between two sendings of the same form.
    """
    digest = hashlib.sha256()
    for part in (method, path):
        digest.update(part.encode() + b"\0")
    said = sorted((n, v) for n, v in fields if n not in NOT_CONTENT)
    # Browsers send CRLF, scripts LF: the same words.
    digest.update("".join([f"{name}\1{value}\2" for name, value in said]).replace("\r\n", "\n").encode())
    for name, sha in sorted(files):
        digest.update(name.encode() + b"\3" + sha)
    return digest.digest()


def kept_fields(fields: Iterable[tuple[str, str]]) -> list[list[str]]:
    """What a body says, without tokens and passwords."""
    return [[name, value] for name, value in fields if name not in NOT_KEPT]


def read_keys(text: str) -> list[uuid.UUID]:
    """Keys of entries as a header lists them; what is none is left out."""
    if not text:
        return []
    keys = []
    for part in text.split(",")[:MOST_KEYS]:
        try:
            keys.append(uuid.UUID(part.strip()))
        except ValueError:
            continue
    return list(dict.fromkeys(keys))


def without_notice(location: str) -> str:
    """Where an answer led, without the greeting that belonged to that moment."""
    parts = urlsplit(location)
    query = "&".join(one for one in parts.query.split("&") if one and not one.startswith("notice="))
    return parts._replace(query=query).geturl()


def key_without_script(
    user_id: int, content: bytes, at: datetime, window: int
) -> tuple[uuid.UUID, uuid.UUID]:
    """Keys for a form sent without script: (this window's, the window's before).

    Without script the phone cannot make an id, so the same person sending the same words within `window` seconds is
    taken for a double tap. Two windows are looked at so that the boundary between them does not matter.
    """
    slot = int(at.timestamp()) // window

    def key(number: int) -> uuid.UUID:
        digest = hashlib.sha256(content + f"|{user_id}|{number}".encode()).digest()
        return uuid.UUID(bytes=digest[:16], version=8 if hasattr(uuid, "uuid8") else 5)

    return key(slot), key(slot - 1)
