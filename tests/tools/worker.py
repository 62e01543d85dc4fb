"""A worker in a process of its own, with one job that tells a file what it does.

    python -m tests.tools.worker DATABASE_URL FILE SECONDS

The job writes "begin <pid>", takes SECONDS, writes "end <pid>". Ends at SIGTERM, as `flask work` does.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path

from fieldapp import create_app, work


def main(url: str, file: str, seconds: str) -> None:
    app = create_app({"DATABASE_URL": url, "INSTANCE": str(Path(file).parent), "WORK_LEASE_SECONDS": 1.5})

    def say(word: str) -> None:
        with open(file, "a") as out:
            out.write(f"{word} {os.getpid()}\n")

    def job(_now: datetime) -> None:
        say("begin")
        time.sleep(float(seconds))
        say("end")

    work.jobs_of(app).clear()
    work.every(app, "told to a file", 0.05, job)
    work.ends_on_sigterm()
    worker = work.Worker(app)
    worker.start()
    try:
        worker.ending.wait()
    except SystemExit:
        pass
    finally:
        worker.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
