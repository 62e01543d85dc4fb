"""A running fieldapp with its demo city, and a signed-in officer, on SQLite or on PostgreSQL."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Client, sign_in
from fieldapp.demo.city import PASSWORD
from tests.tools import postgres, server

OFFICER = "linche"
# Limits meant for people would stop a bench at once.
NO_LIMITS = {"FIELDAPP_CODE_TRIES_PER_MINUTE": "1000000", "FIELDAPP_CARD_VIEWS_PER_MINUTE": "1000000"}
THREADS = 8


@dataclass
class Database:
    """Where databases come from: SQLite files in a folder, or a durable PostgreSQL cluster of our own."""

    name: str
    folder: Path
    cluster: postgres.Cluster | None
    last_url: str = ""  # of the city that runs now

    def url(self, name: str) -> str:
        if self.cluster is None:
            return f"sqlite:///{self.folder / name}.sqlite3"
        return self.cluster.fresh(name, template="template0")

    @property
    def pid(self) -> int | None:
        return self.cluster.process.pid if self.cluster else None


@contextmanager
def database(name: str, **settings: str) -> Iterator[Database]:
    """`sqlite` or `postgresql`; everything is gone afterwards. The folder is on this disk, so that commits cost.
    `settings` are PostgreSQL's.
    """
    work = Path(__file__).parent / "work"
    work.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work))
    cluster = postgres.start(fast=False, settings=settings) if name == "postgresql" else None
    try:
        yield Database(name, folder, cluster)
    finally:
        if cluster:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def city(where: Database, *, settings: dict[str, str] | None = None) -> Iterator[server.Server]:
    """The server as `make run` starts it, on an empty database that it fills itself."""
    given = {"FIELDAPP_SERVER_THREADS": str(THREADS)} | NO_LIMITS | (settings or {})
    where.last_url = where.url("city")
    here = server.start(where.last_url, instance=where.folder, settings=given)
    try:
        yield here
    finally:
        here.stop()


def officer(here: server.Server) -> Client:
    return sign_in(here.port, OFFICER, PASSWORD)


def own_enterprises(client: Client) -> list[int]:
    """Ids on the first page of the officer's list."""
    page = client.get("/enterprises").body.decode()
    return sorted({int(number) for number in re.findall(r'href="/enterprises/(\d+)"', page)})
