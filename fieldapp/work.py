"""Work that no request waits for: jobs that come round again, and who does them.

A slice names what it has to do from time to time, `every(app, "deliveries", 5, deliver)`; `flask work` does it, and so
does `flask serve` in threads beside its requests. Any number of processes may run, on any number of hosts: a row of
`work_lease` says whose job it is, for some seconds at a time. Its holder renews the row while it lives; of one that was
killed the lease runs out, and another goes on. A job must therefore do no harm when it is done again, or when it was
left in the middle.
"""

from __future__ import annotations

import contextvars
import json
import logging
import os
import secrets
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from fieldapp.clock import now
from fieldapp.db import UtcDateTime, db, own_transaction, writing

log = logging.getLogger("fieldapp")

# What a job gets is the moment at which it begins. True: there is more to do, come again at once.
Function = Callable[[datetime], bool | None]

lease = sa.Table(
    "work_lease",
    db.metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("holder", sa.String(80), nullable=False),
    sa.Column("until", UtcDateTime(), nullable=False),
)


def _taking(insert: Any) -> Any:
    """INSERT … ON CONFLICT: a free lease, one that has run out, or one's own for longer; RETURNING says whether."""
    new = insert(lease)
    return new.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": new.excluded.holder, "until": new.excluded.until},
        where=sa.or_(
            lease.c.holder == new.excluded.holder, lease.c.until <= sa.bindparam("at", type_=UtcDateTime())
        ),
    ).returning(lease.c.name)


_TAKE = {"sqlite": _taking(sqlite_insert), "postgresql": _taking(pg_insert)}
_GIVE_BACK = sa.delete(lease).where(lease.c.name == sa.bindparam("job"), lease.c.holder == sa.bindparam("me"))


@dataclass(frozen=True)
class Job:
    """Done when a worker begins and then every so many seconds."""

    name: str
    seconds: float
    function: Function


def every(app: Flask, name: str, seconds: float, function: Function) -> None:
    """`function(now)` is done every so many seconds, by one worker at a time.

    It runs as if in a request (so `url_for` knows addresses) of nobody's, in one transaction that is committed when it
    returns and rolled back when it raises; one that is to hold no transaction meanwhile commits in between.
    """
    if len(name) > 40 or name in jobs_of(app):
        raise ValueError(f"no name for another job: {name!r}")
    jobs_of(app)[name] = Job(name, seconds, function)


def jobs_of(app: Flask) -> dict[str, Job]:
    """The app's jobs by their names."""
    jobs: dict[str, Job] = app.extensions.setdefault("work", {})
    return jobs


# Set when the worker that runs the present job has been asked to end.
_ending: contextvars.ContextVar[Event | None] = contextvars.ContextVar("ending", default=None)


def is_ending() -> bool:
    """Whether a job that has much to do should come to an end: the worker has been asked to stop."""
    event = _ending.get()
    return event is not None and event.is_set()


class Worker:
    """One process's share of the jobs: a thread for each, and one that renews the leases."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(6)}"
        self.jobs = list(jobs_of(app).values())
        self.lease_seconds: float = app.config["WORK_LEASE_SECONDS"]
        self.ending = Event()
        self._held: dict[str, float] = {}  # until when, on this process's monotonic clock
        self._lock = Lock()
        self._changed = {job.name: Event() for job in self.jobs}
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Begin, and return at once."""
        for job in self.jobs:
            self._threads.append(Thread(target=self._keep_doing, args=(job,), name=job.name, daemon=True))
        self._threads.append(Thread(target=self._keep_leases, name="work leases", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self, patience: float = 30.0) -> bool:
        """End: what is being done is finished, leases are given back. False when a job took longer than that."""
        self.ending.set()
        for event in self._changed.values():
            event.set()
        deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        busy = {thread.name for thread in self._threads if thread.is_alive()}
        for name in list(self._held):
            if name not in busy:  # that of a job still going on runs out by itself
                self._give_back(name)
        return not busy

    def once(self) -> Iterator[tuple[str, str]]:
        """Do every job once, now, one after the other: (its name, what became of it)."""
        for job in self.jobs:
            if not self._take(job.name):
                yield job.name, "somebody else is doing it"
                continue
            with self._renewing(job.name):
                done = self._do(job)
            self._give_back(job.name)
            yield job.name, "failed" if done is None else "done"

    @contextmanager
    def _renewing(self, name: str) -> Iterator[None]:
        finished = Event()

        def renew() -> None:
            while not finished.wait(self.lease_seconds / 3):
                self._take(name)

        thread = Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()

    def holds(self, name: str) -> bool:
        """Whether the lease is this worker's, and not so old that somebody else may have it by now."""
        with self._lock:
            return self._held.get(name, 0.0) > time.monotonic()

    def _take(self, name: str) -> bool:
        began = time.monotonic()
        try:
            with self.app.app_context(), own_transaction() as session:
                at = now()
                row = {"name": name, "holder": self.name, "until": at + timedelta(seconds=self.lease_seconds)}
                take = _TAKE[session.get_bind().dialect.name]
                taken = session.connection().execute(take, row | {"at": at}).scalar() is not None
        except (
            DBAPIError
        ) as error:  # away, locked or not yet migrated: the lease runs out, or is taken next time
            self._say(name, error)
            return False
        with self._lock:
            if taken:
                self._held[name] = began + self.lease_seconds
            else:
                self._held.pop(name, None)
        return taken

    def _give_back(self, name: str) -> None:
        with self._lock:
            self._held.pop(name, None)
        try:
            with self.app.app_context(), own_transaction() as session:
                session.execute(_GIVE_BACK, {"job": name, "me": self.name})
        except DBAPIError as error:
            self._say(name, error)

    def _keep_leases(self) -> None:
        while True:
            for job in self.jobs:
                if self.ending.is_set():
                    return
                held = self.holds(job.name)
                if self._take(job.name) and not held:
                    self._changed[job.name].set()
            if self.ending.wait(self.lease_seconds / 3):
                return

    def _keep_doing(self, job: Job) -> None:
        changed = self._changed[job.name]
        again_at = 0.0
        while not self.ending.is_set():
            wait = again_at - time.monotonic()
            if not self.holds(job.name) or wait > 0:
                changed.wait(wait if wait > 0 else self.lease_seconds)
                changed.clear()
                continue
            more = self._do(job)
            again_at = 0.0 if more else time.monotonic() + job.seconds

    def _do(self, job: Job) -> bool | None:
        """Whether there is more to do; None when it failed."""
        token = _ending.set(self.ending)
        try:
            with self.app.test_request_context(base_url=self.app.config["PUBLIC_URL"]), writing():
                try:
                    more = job.function(now())
                    db.session.commit()
                finally:
                    db.session.rollback()
        except Exception as error:
            self._say(job.name, error)
            return None
        finally:
            _ending.reset(token)
        return bool(more)

    def _say(self, name: str, error: Exception) -> None:
        # Its message may hold what was written or sent; where it happened does not.
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "fieldapp" in frame.filename
        ]
        where = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
        log.error(json.dumps({"job": name, "error": type(error).__name__, "where": where}))


@contextmanager
def working(app: Flask) -> Iterator[Worker]:
    """A worker beside what goes on inside the `with`."""
    worker = Worker(app)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def ends_on_sigterm() -> None:
    """SIGTERM ends this process as Ctrl-C does, so that what is open is closed and leases are given back."""

    def end(_number: int, _frame: Any) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)


@click.command("work")
@click.option("--once", is_flag=True, help="Do every job once, then end: for tests and for cron.")
@with_appcontext
def work_command(once: bool) -> None:
    """Do what no request waits for (sending notices, watching the clock) until told to end; several may run."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if once:
        failed = False
        for name, became in Worker(app).once():
            click.echo(f"{name}: {became}")
            failed = failed or became == "failed"
        if failed:
            raise SystemExit(1)
        return
    ends_on_sigterm()
    worker = Worker(app)
    worker.start()
    try:
        worker.ending.wait()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        worker.stop()


def init(app: Flask) -> None:
    app.cli.add_command(work_command)
