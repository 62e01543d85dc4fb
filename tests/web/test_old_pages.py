"""What a page kept from an earlier version sends is still taken: phones keep pages for a week, entries until there is a
network, and nobody asks them to fill a form in again because the server was renewed meanwhile."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from fieldapp import clock
from tests.conftest import ROOT

WRITTEN = date(2026, 11, 23)
VERSIONS = sorted((ROOT / "tests" / "old_pages").glob("*.json"))


def _now(value: str) -> str:
    """The day that the file was written on counts as today; a moment as an hour ago."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value):
        return (clock.local(clock.now()) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return (clock.today() + (date.fromisoformat(value) - WRITTEN)).isoformat()
    return value


def test_every_released_version_has_its_file():
    """python -m tests.old_pages.write writes it, once, when a version gets its number."""
    changes = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    with_an_outbox = [one for one in changes if tuple(map(int, one.split("."))) >= (0, 3, 0)]
    assert sorted(with_an_outbox) == [path.stem for path in VERSIONS]


@pytest.mark.parametrize("path", VERSIONS, ids=[path.stem for path in VERSIONS])
def test_forms_of_a_released_version_are_taken(path: Path, zhao):
    refused = []
    for form in json.loads(path.read_text()):
        data: dict[str, list[str]] = {"csrf_token": [zhao.token()]}
        for name, value in form["fields"]:
            data.setdefault(name, []).append(_now(value))
        if "version" in data:  # of a record that has been edited just before, by the same old pages
            data["version"] = [dict(zhao.form(form["page"], form["form"]).fields)["version"]]
        answer = zhao.post(form["to"], data=data)
        if answer.status_code not in (201, 204, 303):
            refused.append(
                (form["page"], answer.status_code, re.findall(r'<a href="#[^>]*>([^<]*)', answer.text)[:5])
            )
    assert not refused, refused
