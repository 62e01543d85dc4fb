"""Writes <version>.json beside this file: what the forms of this version send when somebody fills them in.

    python -m tests.old_pages.write

Phones keep pages for a week and entries for as long as they have no network: what a released version's page says must
still be taken by every later one. Kept for good, never written again.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp.accounts.models import User
from fieldapp.accounts.sessions import cookie_name, open_session
from fieldapp.clock import now
from fieldapp.db import db, writing
from tests import people
from tests.conftest import ROOT, Client, Sqlite, make_app

HERE = Path(__file__).parent
HUAXING, NEED, PROMISE = "/enterprises/1", f"/needs/{people.NEED}", f"/follow-ups/{people.FOLLOW_UP}"
VISIT = f"/visits/{people.VISIT}"
# What somebody types and ticks: page, form, words. Days are told as if it were 23 November 2026 (test_old_pages.py).
FILLED: list[tuple[str, str, dict[str, Any]]] = [
    (f"{HUAXING}/visits/new", "visit-form", {
        "met": "1", "said": "旧页面：走访", "intent": "record", "needs-0-title": "旧页面：需求", "needs-0-kind": "OTHER",
        "promises-0-title": "旧页面：答应的事", "promises-0-due_on": "2026-11-30",
    }),
    (f"{HUAXING}/visits/plan", "plan-form", {"planned_on": "2026-11-30"}),
    (f"{VISIT}/edit", "visit-form", {"said": "旧页面：改过的走访"}),
    (f"{HUAXING}/needs/new", "need-form", {"source": "PHONE", "title": "旧页面：新需求", "kind": "RESEARCH"}),
    (f"{NEED}/edit", "need-form", {"title": "旧页面：改过的需求"}),
    (NEED, "note-form", {"text": "旧页面：记进展"}),
    (f"{HUAXING}/follow-ups/new", "promise-form", {"title": "旧页面：答应", "due_on": "2026-11-30"}),
    (f"{PROMISE}/edit", "edit-form", {"title": "旧页面：改过的事"}),
    (PROMISE, "note-form", {"text": "旧页面：跟进进展"}),
    (f"{PROMISE}/postpone", "postpone-form", {"due_on": "2026-12-09", "reason": "旧页面"}),
    (f"{PROMISE}/close", "close-form", {"status": "DONE", "result": "旧页面：办好了"}),
]  # fmt: skip
APART = {"csrf_token", "entry_id"}


def forms(client: Client) -> list[dict[str, Any]]:
    """Each form as it is sent: its page, where to, and what it says."""
    found = []
    for page, which, words in FILLED:
        form = client.form(page, which)
        values = form.filled(**words)
        for name, value in values.items():
            if value == "" and name in ("visit_id", "need_id", "follow_up_id"):  # made on the phone at submit
                values[name] = str(uuid7())
        fields = [
            [name, str(one)]
            for name, value in values.items()
            if name not in APART
            for one in (value if isinstance(value, list) else [value])
        ]
        found.append({"page": page, "form": which, "to": form.action or page, "fields": fields})
    return found


def main() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory() as name:
        database = Sqlite(Path(name))
        database.renew()
        app = make_app(database.url, Path(name) / "instance")
        app.test_client_class = Client
        with app.app_context():
            with writing(), app.test_request_context():
                zhao = db.session.scalars(sa.select(User).where(User.username == "zhao")).one()
                token = open_session(zhao, now())
                cookie = cookie_name()
                db.session.commit()
            client = app.test_client()
            client.set_cookie(cookie, token)
            found = forms(client)  # type: ignore[arg-type]
            db.session.remove()
            db.engine.dispose()
    path = HERE / f"{version}.json"
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
