"""Passwords: argon2id, and which ones are too easy."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from fieldapp.languages import _
from fieldapp.refusals import Refusal

# Hashing is work: a password longer than this is refused before any is done.
LONGEST = 1024

COMMON = Path(__file__).with_name("common_passwords.txt")


class WeakPassword(Refusal):
    pass


@lru_cache(maxsize=8)
def _hasher(memory_kib: int, time: int, lanes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=time, memory_cost=memory_kib, parallelism=lanes)


def hasher() -> PasswordHasher:
    """argon2id; 64 MiB, t=3 unless a setting says otherwise (RFC 9106, second recommended option, 2021)."""
    config = current_app.config
    return _hasher(config["ARGON2_MEMORY_KIB"], config["ARGON2_TIME"], config["ARGON2_LANES"])


def hash_password(password: str) -> str:
    return hasher().hash(password)


@lru_cache(maxsize=8)
def _nobodys_hash(memory_kib: int, time: int, lanes: int) -> str:
    return _hasher(memory_kib, time, lanes).hash("nobody has this password")


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the stored one. An unknown account (None) costs the same time."""
    if len(password) > LONGEST:
        return False
    config = current_app.config
    against = stored or _nobodys_hash(config["ARGON2_MEMORY_KIB"], config["ARGON2_TIME"], config["ARGON2_LANES"])
    try:
        return hasher().verify(against, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Made with weaker parameters than today's: hash again while the password is at hand."""
    return hasher().check_needs_rehash(stored)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    return frozenset(line.strip().lower() for line in COMMON.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#"))


def require_strong(password: str, *own_words: str) -> None:
    """Raises WeakPassword with the sentence to show.

    Rule after NIST SP 800-63B (2025): length and a list, no compulsory mixtures of character kinds.
    """
    shortest = current_app.config["PASSWORD_MIN"]
    if len(password) > LONGEST:
        raise WeakPassword(_("密码太长，最多 %(most)s 个字符。", most=LONGEST))
    if len(password) < shortest:
        raise WeakPassword(_("密码至少 %(least)s 个字符。", least=shortest))
    if len(set(password)) < 4:
        raise WeakPassword(_("密码太简单：重复的字符太多。"))
    low = password.lower()
    letters = "".join(c for c in low if c.isalpha())
    for word in common_words():
        # A common word with digits around it is still a common word.
        if low == word or (len(word) >= 5 and letters == word) or (len(word) >= 4 and low.replace(word, "") .strip("0123456789!@#._- ") == ""):
            raise WeakPassword(_("这个密码太常见，容易被猜到，请换一个。"))
    for word in own_words:
        if len(word) >= 3 and word.lower() in low:
            raise WeakPassword(_("密码里不要包含账号、姓名或手机号。"))
    if low in "01234567890123456789" or low in "98765432109876543210":
        raise WeakPassword(_("这个密码太常见，容易被猜到，请换一个。"))
