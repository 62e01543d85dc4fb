"""The real server in a process of its own, as `make run` starts it (waitress), for browsers and benchmarks.

    with server.running(database_url) as here:
        page.goto(here.url + "/login")

The database is expected to be migrated and filled: an empty one would be given the demo city, which takes its time.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from tests.tools import processes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

# The cheapest argon2 that the library takes: a test that signs in measures nothing with it.
CHEAP_PASSWORDS = {
    "FIELDAPP_ARGON2_MEMORY_KIB": "64",
    "FIELDAPP_ARGON2_TIME": "1",
    "FIELDAPP_ARGON2_LANES": "1",
}


class ServerFailed(RuntimeError):
    """The server ended or never answered; the message holds its last lines."""


@dataclass
class Server:
    url: str
    port: int
    process: Popen[bytes]
    log: Path
    instance: Path

    def output(self) -> str:
        return processes.tail(self.log, 200)

    def stop(self) -> None:
        processes.stop(self.process)


def command_for(port: int) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(port)]


def start(
    database_url: str,
    *,
    instance: Path,
    settings: dict[str, str] | None = None,
    command: Sequence[str] | None = None,
    port: int | None = None,
    root: Path = ROOT,
) -> Server:
    """Start and wait for `/healthz`. `settings` are environment variables and overrule the cheap passwords.

    `command` may hold `{port}` and replaces the default server (a benchmark compares several).
    """
    for attempt in range(3):
        at = port or processes.free_port()
        environment = processes.clean_environment(
            **CHEAP_PASSWORDS
            | {
                "FIELDAPP_DATABASE_URL": database_url,
                "FIELDAPP_INSTANCE": str(instance),
                "FIELDAPP_PUBLIC_URL": f"http://127.0.0.1:{at}",
                "PYTHONUNBUFFERED": "1",
            }
            | (settings or {})
        )
        log = instance / f"server-{at}.log"
        line = command_for(at) if command is None else [part.replace("{port}", str(at)) for part in command]
        process = processes.start(line, log=log, env=environment, cwd=root)
        here = Server(f"http://127.0.0.1:{at}", at, process, log, instance)
        if _answers(here):
            return here
        taken = "in use" in here.output()
        here.stop()
        if not taken or port is not None or attempt == 2:
            break
    raise ServerFailed(f"{' '.join(line)} did not answer:\n{here.output()}")


def _answers(here: Server) -> bool:
    # Without proxies from the environment: they would be asked for 127.0.0.1.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and here.process.poll() is None:
        try:
            with opener.open(here.url + "/healthz", timeout=5):
                # Somebody else's server on this port would answer too: ours must still be alive.
                return here.process.poll() is None
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    return False


@contextmanager
def running(database_url: str, *, instance: Path | None = None, **options: object) -> Iterator[Server]:
    """A server for the length of a `with`; its instance folder is temporary unless given."""
    folder = instance or Path(tempfile.mkdtemp(prefix="fieldapp-server-"))
    try:
        here = start(database_url, instance=folder, **options)  # type: ignore[arg-type]
        try:
            yield here
        finally:
            here.stop()
    finally:
        if instance is None:
            shutil.rmtree(folder, ignore_errors=True)
