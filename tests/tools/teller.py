"""Tells one thing in a process of its own, when a file says so.

    python -m tests.tools.teller DATABASE_URL FILE USER_ID KEY

Writes "ready" to its output, waits until FILE is there, tells, writes whether it was new.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from fieldapp import clock, create_app
from fieldapp.db import db, writing
from fieldapp.notices.actions import tell


def main(url: str, file: str, user_id: str, key: str) -> None:
    app = create_app({"DATABASE_URL": url, "INSTANCE": str(Path(file).parent)})
    with app.app_context():
        db.session.connection()
        db.session.rollback()
        print("ready", flush=True)
        while not Path(file).exists():
            time.sleep(0.001)
        with writing():
            told = tell(int(user_id), "order_placed", clock.now(), key=key, urgent=True, enterprise="华星")
            time.sleep(0.2)
            db.session.commit()
        print(told, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
