"""The contract of forms: what is written either waits for a network in the outbox, or says that it must have one."""

from __future__ import annotations

import gc
import re
import weakref
from pathlib import Path

from flask import request

from fieldapp import clock
from fieldapp.visits.forms import VisitForm
from tests.conftest import ROOT

TEMPLATES = ROOT / "fieldapp" / "templates"
# A tag with Jinja in its attributes: `>` may stand inside {{ }} and {% %}.
FORM = re.compile(r"<form\b(?:\{\{.*?\}\}|\{%.*?%\}|[^>])*>", re.S)

# Forms that need a network, by the address they post to, and why they cannot wait in the outbox.
ONLINE = {
    "accounts.login": "who it is must be known before anything is kept",
    "accounts.logout": "signing out without a network has its own way (signout.js)",
    "accounts.password": "a password is never kept on the phone",
    "accounts.new_user": "its answer shows a password, once",
    "accounts.reset_password": "its answer shows a password, once",
    "accounts.disable_user": "must be known to have happened",
    "accounts.enable_user": "the other half of disabling",
    "accounts.revoke_session": "must be known to have happened",
    "accounts.revoke_other_sessions": "must be known to have happened",
    "codes.typed": "its answer is an enterprise, looked up now",
    "enterprises.phone": "its answer is a number, and looking is logged",
    "followups.open_calendar": "its answer shows a secret address",
    "followups.close_calendar": "a secret address must be known to be dead",
    "imports.upload": "the file is read at once, its rows are looked at next",
    "imports.remap": "its answer is what there is to look at",
    "imports.withdraw": "belongs to looking at the rows",
    "imports.confirm": "writes what was looked at a moment ago, hundreds of rows",
    "needs.export": "a download",
    "needs.claim": "somebody may be quicker: whose it is must be known now",
    "needs.move_together": "its answer names what stands in the way, need by need",
    "needs.save_view": "leads on to the list it names",
    "needs.rename_view": "belongs to the list of views",
    "needs.drop_view": "belongs to the list of views",
    "visits.export": "a download",
    "visits.ask": "its answer shows a code, once",
    "visits.take_back": "a code must be known to be dead",
    "visits.confirm": "the enterprise's own door: nobody is signed in, so there is no outbox",
    "visits.quiet": "the enterprise's own door: nobody is signed in, so there is no outbox",
    "visits.digits": "the enterprise's own door: nobody is signed in, so there is no outbox",
    "enterprises.export": "a download",
    "notices": "a robot's address and secret are never kept on the phone; a test is looked at now",
    "notices.retry": "an admin at a desk, who looks at what becomes of it",
    "notices.give_up": "an admin at a desk, who looks at what becomes of it",
    "orders": "the enterprise's own door: nobody is signed in, so there is no outbox",
}


def _posts() -> list[tuple[Path, str]]:
    found = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S)
        found += [(path, tag) for tag in FORM.findall(text) if 'method="post"' in tag]
    return found


def _reason(path: Path, tag: str) -> str | None:
    leads = re.search(r"url_for\('([\w.]+)'", tag)
    if leads is None:  # the address was made in the view: `action`, `export`
        return ONLINE.get(f"{path.parent.name}.export", ONLINE.get(path.parent.name))
    return ONLINE.get(leads[1], ONLINE.get(leads[1].split(".")[0]))


def test_every_form_that_writes_says_whether_it_can_wait_for_a_network():
    posts = _posts()
    assert len(posts) > 50
    wrong = [
        f"{path.relative_to(TEMPLATES)}: {tag[:160]}"
        for path, tag in posts
        if ("data-outbox=" in tag) == bool(re.search(r"\sdata-online\b", tag))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_form_that_needs_a_network_has_a_reason():
    unexplained = [
        f"{path.relative_to(TEMPLATES)}: {tag[:160]}"
        for path, tag in _posts()
        if "data-outbox=" not in tag and not _reason(path, tag)
    ]
    assert not unexplained, "\n".join(unexplained)


def test_what_can_wait_has_a_name_an_icon_and_goes_once():
    """The title stands in the outbox, the icon beside it; the submit module makes the key and stops a second tap."""
    icons = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "fieldapp/static/icons.svg").read_text()))
    for path, tag in _posts():
        if "data-outbox=" not in tag:
            continue
        told = f"{path.relative_to(TEMPLATES)}: {tag[:160]}"
        assert not re.search(r'data-outbox=""', tag), told
        assert re.search(r'data-module="submit\b', tag), told
        kind = re.search(r'data-kind="([^"]*)"', tag)
        assert kind and (kind[1] in icons or "{{" in kind[1]), told


def test_every_icon_that_a_page_names_is_in_the_sprite():
    """One that is not leaves a hole; also those that stand behind a condition."""
    icons = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "fieldapp/static/icons.svg").read_text()))
    named = {
        name
        for path in TEMPLATES.rglob("*.html")
        for call in re.findall(r"\bicon(?:_of)?\(([^()]*)\)", path.read_text())
        for pair in re.findall(r'^"([a-z0-9-]+)"|else "([a-z0-9-]+)"', call)
        for name in pair
        if name
    }
    assert len(named) > 40 and named <= icons, named - icons


def test_no_form_with_a_password_is_kept_as_a_draft():
    for path, tag in _posts():
        if re.search(r'data-module="[^"]*\bdrafts\b', tag):
            assert "data-outbox=" in tag, path
            assert "password" not in path.read_text(), path


def test_a_form_ends_with_its_request_and_not_when_the_collector_comes_by(app):
    """Rings of forms and fields were most of what Python's collector had to do."""
    gc.collect()
    gc.disable()
    try:
        with app.test_request_context(
            method="POST", data={"needs-0-title": "涂层", "promises-0-title": "送案例"}
        ):
            form = VisitForm(request.form, contacts=[], today=clock.today())
            rows = [entry.form for entry in (*form.needs, *form.promises)]
            assert rows and not form.validate()
            gone = [weakref.ref(one) for one in (form, *form, *rows)]
            del form, rows
            assert [one() for one in gone if one() is not None] == []
    finally:
        gc.enable()
