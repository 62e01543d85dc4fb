"""When two submissions are the same one."""

from __future__ import annotations

import pytest

from fieldapp.entries.rules import fingerprint

FIELDS = [
    ("said", "一\r\n二"), ("met", "7"), ("met", "12"), ("csrf_token", "x"), ("entry_id", "y"), ("b", ""),
]  # fmt: skip
FILES = [("photos", b"\x01" * 32)]


def _of(fields=FIELDS, files=FILES, method="POST", path="/visits/new?late=1"):
    return fingerprint(method, path, fields, files)


def test_what_a_released_version_has_kept_is_known_again():
    """Receipts live for ninety days: an entry sent before an update and again after it is one entry."""
    of_0_5_3 = "373fcce0a2865021be621e9075290cad917591bf35b46438ec9539a4a5513d75"
    assert _of().hex() == of_0_5_3


@pytest.mark.parametrize(
    "same",
    [
        {"fields": FIELDS[::-1]},
        {"fields": [("said", "一\n二"), *FIELDS[1:]]},
        {"fields": [("csrf_token", "another"), *[one for one in FIELDS if one[0] != "csrf_token"]]},
    ],
    ids=["another order", "line breaks as scripts send them", "another token"],
)
def test_how_it_was_sent_makes_no_difference(same):
    assert _of(**same) == _of()


@pytest.mark.parametrize(
    "other",
    [
        {"fields": [("said", "一二"), *FIELDS[1:]]},
        {"fields": FIELDS[:1] + FIELDS[2:]},
        {"fields": [("sai", "d一\r\n二"), *FIELDS[1:]]},
        {"files": [("photos", b"\x02" * 32)]},
        {"files": []},
        {"path": "/visits/new"},
        {"method": "PUT"},
    ],
    ids=["words", "one met less", "another name", "another photo", "no photo", "path", "method"],
)
def test_what_it_says_does(other):
    assert _of(**other) != _of()
