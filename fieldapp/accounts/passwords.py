"""Passwords: argon2id, which ones are too easy, and the one-time ones that admins hand out."""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from fieldapp.languages import _
from fieldapp.refusals import Refusal

# Hashing is work: a password longer than this is refused before any is done.
LONGEST = 1024

COMMON = Path(__file__).with_name("common_passwords.txt")

# Read off a phone's screen or a slip of paper, typed once: no letter that looks like another.
ONE_TIME_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
ONE_TIME_GROUPS = (
    4,
    4,
    4,
)  # 59 bits, and it is throttled, short-lived and good for nothing but choosing one's own

# A password made of so many common words and nothing else but digits and signs is a common password.
MOST_COMMON_WORDS = 3

WALKS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qazwsxedcrfvtgbyhnujmikolp",
    "qawsedrftgyhujikolp",
)
SHORTEST_WALK, LONGEST_WALK = 4, 10

# What fingers put for letters: p@ssw0rd is password.
DISGUISES = str.maketrans("@$0135!", "asolesi")
MOBILE = re.compile(r"\D*(?:86)?1[3-9]\d{9}\D*")
BIRTHDAY = re.compile(r"\D*(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{0,4}\D*")


class WeakPassword(Refusal):
    pass


@lru_cache(maxsize=8)
def _hasher(memory_kib: int, time: int, lanes: int) -> PasswordHasher:
    return PasswordHasher(time_cost=time, memory_cost=memory_kib, parallelism=lanes)


def hasher() -> PasswordHasher:
    """argon2id; 64 MiB, t=3 unless a setting says otherwise (RFC 9106, second recommended option, 2021)."""
    config = current_app.config
    return _hasher(config["ARGON2_MEMORY_KIB"], config["ARGON2_TIME"], config["ARGON2_LANES"])


def _same_on_every_keyboard(password: str) -> str:
    """Full-width letters of a Chinese keyboard are the letters they look like (NFKC, as NIST SP 800-63B asks)."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """Only for passwords that require_strong has let pass, or our own: the length has been checked."""
    return hasher().hash(_same_on_every_keyboard(password))


@lru_cache(maxsize=8)
def _nobodys_hash(memory_kib: int, time: int, lanes: int) -> str:
    """A hash that nothing verifies against: random digest, so making it costs no hashing."""

    def text(size: int) -> str:
        return base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()

    return f"$argon2id$v=19$m={memory_kib},t={time},p={lanes}${text(16)}${text(32)}"


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the stored one. An unknown account (None) costs the same: one verification."""
    if len(password) > LONGEST:
        return False
    config = current_app.config
    against = stored or _nobodys_hash(
        config["ARGON2_MEMORY_KIB"], config["ARGON2_TIME"], config["ARGON2_LANES"]
    )
    try:
        return hasher().verify(against, _same_on_every_keyboard(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Made with other parameters than today's: hash again while the password is at hand."""
    return hasher().check_needs_rehash(stored)


def make_one_time_password() -> str:
    """Such as k7mf-92qd-hwx4."""
    groups = (
        "".join(secrets.choice(ONE_TIME_ALPHABET) for _place in range(size)) for size in ONE_TIME_GROUPS
    )
    return "-".join(groups)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if (word := line.strip().lower()) and not word.startswith("#"))


@lru_cache(maxsize=1)
def _pieces() -> tuple[frozenset[str], int]:
    """Common words of letters and stretches of the keyboard, and the longest one's length."""
    found = {re.sub(r"[^a-z\u4e00-\u9fff]", "", word.translate(DISGUISES)) for word in common_words()}
    found |= {re.sub(r"[^a-z\u4e00-\u9fff]", "", word) for word in common_words()}
    found = {word for word in found if len(word) >= 3 or (word and not word.isascii())}
    for walk in WALKS:
        for line in (walk, walk[::-1]):
            for size in range(SHORTEST_WALK, LONGEST_WALK + 1):
                found |= {line[at : at + size] for at in range(len(line) - size + 1)}
    return frozenset(found), max(map(len, found))


def _common_words_in(text: str) -> int | None:
    """How few common words make up all letters of `text`; None when they do not. Linear in its length."""
    pieces, longest = _pieces()
    letters = text.translate(DISGUISES)
    fewest: list[int | None] = [0] + [None] * len(text)
    for at, character in enumerate(text):
        so_far = fewest[at]
        if so_far is None:
            continue
        if not character.isalpha():
            _lower(fewest, at + 1, so_far)
        if letters[at].isalpha():
            for end in range(at + 2, min(at + longest, len(text)) + 1):
                if letters[at:end] in pieces:
                    _lower(fewest, end, so_far + 1)
    return fewest[-1]


def _lower(fewest: list[int | None], at: int, value: int) -> None:
    known = fewest[at]
    if known is None or value < known:
        fewest[at] = value


def _is_common(low: str) -> bool:
    if low in common_words():
        return True
    words = _common_words_in(low)
    # No letter at all: judged by the rules for digits, not by this one.
    return words is not None and 0 < words <= MOST_COMMON_WORDS


def _is_row_of_digits(low: str) -> bool:
    """1234567890, 13579…, 2468…, and back: every step from one digit to the next is the same."""
    if not low.isdecimal():
        return False
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(low)}
    return len(steps) == 1


def require_strong(password: str, *own_words: str) -> None:
    """Raises WeakPassword with the sentence to show.

    After NIST SP 800-63B (2025): length and a list, no compulsory mixtures of character kinds. `own_words` are what
    a guesser knows of this person: account, name, phone.
    """
    shortest = current_app.config["PASSWORD_MIN"]
    if len(password) > LONGEST:
        raise WeakPassword(_("密码太长，最多 %(most)s 个字符。", most=LONGEST))
    low = _same_on_every_keyboard(password).lower()
    if len(low.strip()) < shortest:
        raise WeakPassword(_("密码至少 %(least)s 个字符。", least=shortest))
    if len(set(low)) < 4 or (low + low).find(low, 1) < len(low):
        raise WeakPassword(_("密码太简单：重复的字符太多。"))
    if any(len(word) >= 3 and word.lower() in low for word in own_words if word):
        raise WeakPassword(_("密码里不要包含账号、姓名或手机号。"))
    if MOBILE.fullmatch(low) or BIRTHDAY.fullmatch(low):
        raise WeakPassword(_("不要用手机号或生日作密码，容易被猜到。"))
    if _is_row_of_digits(low) or _is_common(low):
        raise WeakPassword(_("这个密码太常见，容易被猜到，请换一个。"))
