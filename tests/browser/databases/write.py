"""Writes v<version>.json beside this file: a phone's database as today's code makes it.

    python -m tests.browser.databases.write

Run once for every release that changes the database's version, before the release; what is there is never written
again. tests/browser/test_app.py opens each of them with today's code.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import sqlalchemy as sa

from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from tests import people
from tests.browser.conftest import Site
from tests.conftest import Sqlite, make_app
from tests.tools import chromium, phone_database, server


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="phone-database-"))
    database = Sqlite(folder)
    database.renew()
    app = make_app(database.url, folder)
    with app.app_context(), writing():
        db.session.execute(
            sa.update(User).where(User.username == "zhao").values(phone_seed=phone_database.SEED)
        )
        db.session.commit()
    with (
        server.running(database.url, instance=folder, settings={"FIELDAPP_SECRET_KEY": "tests " * 8}) as here,
        chromium.launched() as browser,
        chromium.phone(browser) as page,
    ):
        Site(here.url, app, database).sign_in(page, "zhao")
        page.goto(f"{here.url}/needs/{people.NEED}")
        page.wait_for_timeout(1000)  # the key is there
        phone_database.fill(page, people.NEED)
        found = phone_database.dump(page)
    signed_in = (
        "key:",
        "carry:",
        "user",
    )  # a key cannot leave its browser: the file is of somebody signed out
    meta = found["stores"]["meta"]
    meta["rows"] = [row for row in meta["rows"] if not row["name"].startswith(signed_in)]
    path = phone_database.DATABASES / f"v{found['version']}.json"
    if path.exists():
        raise SystemExit(f"{path} is there already: databases of old are never written again")
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
