"""Jobs that come round: one worker at a time does each, whoever is killed, and leases are given back."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest
import sqlalchemy as sa

from fieldapp import clock, work
from fieldapp.accounts.models import Region
from fieldapp.db import db, own_transaction
from tests.conftest import ROOT
from tests.tools import processes, server


@pytest.fixture
def jobs(app, monkeypatch):
    """The app without the jobs of its slices, and leases of a second."""
    monkeypatch.setitem(app.extensions, "work", {})
    monkeypatch.setitem(app.config, "WORK_LEASE_SECONDS", 1.0)
    return app


def _leases() -> dict[str, str]:
    with own_transaction() as session:
        return dict(session.execute(sa.select(work.lease.c.name, work.lease.c.holder)).all())


def _until(condition, patience=20.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def test_a_job_is_done_when_a_worker_begins_and_again_and_again(jobs):
    moments = []
    work.every(jobs, "count", 0.05, moments.append)
    with work.working(jobs) as worker:
        _until(lambda: len(moments) >= 3)
        assert _leases() == {"count": worker.name}
    assert moments == sorted(moments) and moments[0] <= clock.now()
    done = len(moments)
    time.sleep(0.2)
    assert len(moments) == done and _leases() == {}


def test_there_is_more_means_again_at_once(jobs):
    left = [1, 1, 1, 1]

    def job(_now):
        if left:
            left.pop()
        return bool(left)

    work.every(jobs, "batches", 3600, job)
    with work.working(jobs):
        _until(lambda: not left)


def test_two_workers_never_do_one_job_at_one_time(jobs):
    inside, most, who = [], [], set()

    def job(_now):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()

    work.every(jobs, "alone", 0.01, job)
    first, second = work.Worker(jobs), work.Worker(jobs)
    first.start(), second.start()
    try:
        _until(lambda: len(most) > 10)
        who |= set(_leases().values())
        assert first.stop()
        _until(lambda: _leases().get("alone") == second.name)  # given back, so taken at the next beat
        before = len(most)
        _until(lambda: len(most) > before + 3)
    finally:
        first.stop(), second.stop()
    assert max(most) == 1 and len(who) == 1


def test_a_job_longer_than_its_lease_keeps_it(jobs, monkeypatch):
    monkeypatch.setitem(jobs.config, "WORK_LEASE_SECONDS", 0.6)
    begun = []

    def job(_now):
        begun.append(1)
        time.sleep(2)

    work.every(jobs, "long", 3600, job)
    with work.working(jobs), work.working(jobs):
        _until(lambda: begun)
        time.sleep(1.5)
        assert begun == [1]


def test_what_a_failed_job_wrote_is_undone_and_the_log_says_only_where(jobs, monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("fieldapp"), "propagate", True)

    def job(_now):
        db.session.add(Region(code="999999", name="某某区"))
        db.session.flush()
        raise RuntimeError("13800001111")

    work.every(jobs, "fails", 3600, job)
    work.every(jobs, "works", 3600, lambda _now: db.session.add(Region(code="888888", name="某区")))
    assert dict(work.Worker(jobs).once()) == {"fails": "failed", "works": "done"}
    codes = db.session.scalars(sa.select(Region.code)).all()
    assert "999999" not in codes and "888888" in codes
    assert '"job": "fails"' in caplog.text and "RuntimeError" in caplog.text and "1380000" not in caplog.text


def test_once_leaves_alone_what_somebody_else_is_doing(jobs):
    work.every(jobs, "taken", 3600, lambda _now: None)
    with work.working(jobs):
        _until(lambda: "taken" in _leases())
        result = jobs.test_cli_runner().invoke(args=["work", "--once"])
    assert result.output == "taken: somebody else is doing it\n" and result.exit_code == 0
    result = jobs.test_cli_runner().invoke(args=["work", "--once"])
    assert result.output == "taken: done\n" and _leases() == {}


def test_a_job_knows_addresses_and_is_nobodys_request(jobs):
    from flask import url_for
    from flask_login import current_user

    seen = []
    work.every(
        jobs,
        "links",
        3600,
        lambda _now: seen.append((url_for("notices.index"), current_user.is_authenticated)),
    )
    assert list(work.Worker(jobs).once()) == [("links", "done")]
    assert seen == [("/notices", False)]


def test_two_jobs_of_one_name_are_a_mistake(jobs):
    work.every(jobs, "one", 1, lambda _now: None)
    with pytest.raises(ValueError, match="another job"):
        work.every(jobs, "one", 1, lambda _now: None)


def test_a_worker_killed_in_the_middle_is_followed_by_another_process(app, database, tmp_path):
    """Two processes: the first is killed while it works; the second goes on when the lease has run out."""
    told = tmp_path / "told"
    told.touch()

    def begin(seconds):
        line = [sys.executable, "-m", "tests.tools.worker", database.url, str(told), str(seconds)]
        environment = processes.clean_environment()
        return processes.start(line, log=tmp_path / "log", env=environment, cwd=ROOT)

    def lines():
        return [line.split() for line in told.read_text().splitlines()]

    first = begin(30)
    second = None
    try:
        _until(lambda: lines() == [["begin", str(first.pid)]])
        second = begin(0.1)
        time.sleep(2.5)  # longer than a lease: it is renewed while its holder lives
        assert len(lines()) == 1
        first.send_signal(signal.SIGKILL)
        _until(lambda: lines()[-1] == ["end", str(second.pid)])
    finally:
        processes.stop(first)
        if second is not None:
            processes.stop(second)
    for (before, _), (after, _) in pairwise(lines()[1:]):
        assert (before, after) in {("begin", "end"), ("end", "begin")}
    assert _leases() == {}  # the second was asked to end, and gave its own back


def test_a_second_server_on_the_same_port_says_so_plainly_and_touches_no_database(database, tmp_path):
    with server.running(database.url, instance=tmp_path) as here:
        file = tmp_path / "own.sqlite3"
        environment = processes.clean_environment(
            FIELDAPP_DATABASE_URL=f"sqlite:///{file}", FIELDAPP_INSTANCE=str(tmp_path)
        )
        second = subprocess.run(
            server.command_for(here.port), env=environment, capture_output=True, text=True, timeout=60
        )
        assert second.returncode == 1
        assert f"port {here.port} is in use" in second.stderr
        assert f"make run PORT={here.port + 1}" in second.stderr
        assert "Traceback" not in second.stderr
        assert not file.exists()
        assert here.process.poll() is None


def test_serving_works_too_and_gives_back_when_it_is_asked_to_end(app, database, tmp_path):
    with server.running(database.url, instance=tmp_path) as here:
        _until(lambda: _leases().keys() == work.jobs_of(app).keys())
        here.stop()
        assert here.process.returncode == 0, here.output()
    assert _leases() == {}
    with server.running(database.url, instance=tmp_path, settings={"FIELDAPP_WORK": "no"}):
        assert _leases() == {}
