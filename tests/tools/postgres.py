"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, gone when the run ends.

    cluster = postgres.start()
    cluster.template("base", fill=lambda url: migrate(url))   # once
    url = cluster.fresh("visits_17")                          # CREATE DATABASE … TEMPLATE base
    cluster.drop("visits_17")

Under pytest-xdist every worker starts its own cluster: simpler than sharing one, and about two seconds each.
`python -m tests.tools.postgres` starts one and prints how long each step takes.
"""

from __future__ import annotations

import atexit
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.tools import processes

OLDEST = 15
WHERE = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)
OWNER = "fieldapp"

# Lost after a power cut, which a test cluster may be; everything else is as PostgreSQL ships.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
SMALL = {"shared_buffers": "64MB", "max_connections": "60", "max_wal_size": "2GB", "jit": "off"}


class PostgresMissing(RuntimeError):
    """No PostgreSQL server binaries, or nobody to run them as; the message says what to type."""


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, newest version first, or None. `FIELDAPP_TEST_POSTGRES` overrules."""
    chosen = os.environ.get("FIELDAPP_TEST_POSTGRES")
    folders = (
        [Path(chosen)] if chosen else [f for pattern in WHERE for f in Path("/").glob(pattern.lstrip("/"))]
    )
    if not chosen and (on_path := shutil.which("initdb")):
        folders.append(Path(on_path).resolve().parent)
    found = [(_version(f), f) for f in folders if (f / "initdb").exists() and (f / "postgres").exists()]
    usable = sorted((v, f) for v, f in found if v >= OLDEST)
    return usable[-1][1] if usable else None


def _version(folder: Path) -> int:
    answer = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout
    number = re.search(r"\d+", answer)
    return int(number.group()) if number else 0


def _server_user() -> str | None:
    """Whom to run the server as: None = ourselves. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise PostgresMissing("PostgreSQL will not run as root, and there is neither a user postgres nor nobody.")


@dataclass
class Cluster:
    """A running server. Databases belong to the role `fieldapp`, who may create databases but is no superuser."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    seconds: dict[str, float] = field(default_factory=dict)
    _admin: psycopg.Connection[Any] | None = None

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{OWNER}@127.0.0.1:{self.port}/{name}"

    def admin(self) -> psycopg.Connection[Any]:
        if self._admin is None or self._admin.closed:
            self._admin = psycopg.connect(
                host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True
            )
        return self._admin

    def template(self, name: str, fill: Callable[[str], None]) -> str:
        """Create database `name`, let `fill(url)` migrate and fill it, then close it to everybody: copies only."""
        began = time.monotonic()
        self.fresh(name, template="template0")
        fill(self.url(name))
        # A connection that `fill` left open would make every later copy fail.
        self.admin().execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        self.admin().execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name))
        )
        self.seconds[f"template {name}"] = time.monotonic() - began
        return name

    def fresh(self, name: str, template: str = "base") -> str:
        """A new database, a copy of `template`; its URL. One of the same name is dropped first."""
        began = time.monotonic()
        self.drop(name)
        self.admin().execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY {}").format(
                sql.Identifier(name),
                sql.Identifier(OWNER),
                sql.Identifier(template),
                # Without fsync a file copy is cheaper than writing the copy through the log.
                sql.Identifier("file_copy"),
            )
        )
        self.seconds["fresh"] = time.monotonic() - began
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop database `name` if it is there, ending whoever is still connected."""
        began = time.monotonic()
        self.admin().execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self.seconds["drop"] = time.monotonic() - began

    def stop(self) -> None:
        if self._admin is not None:
            self._admin.close()
        processes.stop(
            self.process, with_signal=signal.SIGQUIT
        )  # at once: nothing here is worth a checkpoint
        shutil.rmtree(self.folder, ignore_errors=True)


# Changes with every table, column, index, constraint and sequence that is made, dropped, altered or truncated.
_SHAPE = """
    SELECT (SELECT count(*) || ' ' || sum(oid::bigint) || ' ' || sum(relfilenode::bigint) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT count(*) || ' ' || sum(hashtext(a::text)::bigint) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'public'::regnamespace),
           (SELECT count(*) || ' ' || sum(oid::bigint) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
           (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_trigger)
"""


class Rewinder:
    """Puts a database back to how it is now, by what differs: a copy of it takes ten times as long.

    Kept here are the rows of every table and where the sequences stand. Tables whose rows read otherwise get theirs
    back, in the order in which they stood.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster, self._name, self._times = cluster, name, 0
        with self._connection() as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            found = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            )
            tables = sorted(row[0] for row in found)
            sums = [
                sql.SQL("SELECT {}, md5(coalesce(string_agg(t::text, E'\\n'), '')) FROM {} t").format(
                    sql.Literal(table), sql.Identifier(table)
                )
                for table in tables
            ]
            self._sums = sql.SQL(" UNION ALL ").join(sums)
            self._known = dict(connection.execute(self._sums).fetchall())
            self._rows = {table: self._copy_of(connection, table) for table in tables}
            places = connection.execute(
                "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences WHERE schemaname = 'public'"
            )
            self._sequences = sql.SQL(", ").join(
                sql.SQL("setval({}, {}, {})").format(
                    sql.Literal(f'"{name}"'), sql.Literal(at), sql.Literal(called)
                )
                for name, at, called in places
            )

    def _connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1", port=self._cluster.port, user="postgres", dbname=self._name, autocommit=True
        )

    def _copy_of(self, connection: psycopg.Connection[Any], table: str) -> bytes:
        with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as rows:
            return b"".join(bytes(part) for part in rows)

    def rewind(self) -> bool:
        """Whoever is still connected is sent away first. False, and nothing done, when its tables are others now."""
        with self._connection() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [self._name],
            )
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            now = dict(connection.execute(self._sums).fetchall())
            with connection.transaction():
                connection.execute(
                    "SET LOCAL session_replication_role = replica"
                )  # keys that point at each other
                for table in (table for table in now if now[table] != self._known[table]):
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                    with connection.cursor().copy(
                        sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                    ) as rows:
                        rows.write(self._rows[table])
                connection.execute(sql.SQL("SELECT {}").format(self._sequences))
            self._times += 1
            if self._times % 50 == 0:
                connection.execute("VACUUM")  # nobody else does
        return True


def start(*, fast: bool = True, settings: dict[str, str] | None = None) -> Cluster:
    """Start a cluster on a free loopback port; stopped at exit. `fast=False` keeps commits durable (benchmarks).
    `settings` overrule ours, by their names in postgresql.conf.

    Raises PostgresMissing when it cannot be, with the server's own words.
    """
    began = time.monotonic()
    binaries = find_binaries()
    if binaries is None:
        raise PostgresMissing(
            f"PostgreSQL {OLDEST} or newer is not installed. Type: sudo apt-get install postgresql-{OLDEST}"
        )
    user = _server_user()
    folder = Path(tempfile.mkdtemp(prefix="fieldapp-postgres-"))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    log, data = folder / "log", folder / "data"
    log.touch()
    environment = processes.clean_environment(LC_ALL="C.UTF-8", TZ="UTC")
    # C.UTF-8 compares code points, as SQLite does: the same order on both databases, on every machine.
    initdb: list[str | Path] = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    made = processes.start(
        [*initdb, "--no-sync", "--no-instructions"], log=log, env=environment, user=user, cwd=folder
    )
    if made.wait(120) != 0:
        raise PostgresMissing(f"initdb failed:\n{processes.tail(log)}")
    after_init = time.monotonic()

    options = SMALL | (FAST if fast else {}) | (settings or {})
    for _ in range(5):  # somebody else may take the port between our look and the server's
        port = processes.free_port()
        command: list[str | Path] = [binaries / "postgres", "-D", data, "-p", str(port), "-k", folder]
        for name, value in ({"listen_addresses": "127.0.0.1", "timezone": "UTC"} | options).items():
            command += ["-c", f"{name}={value}"]
        process = processes.start(command, log=log, env=environment, user=user, cwd=folder)
        cluster = Cluster(folder, port, process)
        if _answers(cluster):
            break
    else:
        raise PostgresMissing(f"PostgreSQL does not start:\n{processes.tail(log)}")
    atexit.register(cluster.stop)
    cluster.admin().execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(OWNER)))
    cluster.seconds |= {"initdb": after_init - began, "start": time.monotonic() - after_init}
    return cluster


def _answers(cluster: Cluster, patience: float = 30) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and cluster.process.poll() is None:
        try:
            cluster.admin()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    processes.stop(cluster.process, with_signal=signal.SIGQUIT)
    return False


if __name__ == "__main__":
    running = start()

    def fill(url: str) -> None:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            for n in range(30):
                connection.execute(f"CREATE TABLE t{n} (id int PRIMARY KEY, name text UNIQUE)")

    running.template("base", fill)
    for n in range(3):
        running.fresh(f"copy_{n}")
    running.drop("copy_0")
    for step, seconds in running.seconds.items():
        print(f"{step:16} {seconds:6.3f} s")
    running.stop()
