"""What a thousandfold more enterprises cost: the same requests on 500 and on 500,000, in turns, in one run.

    python -m bench.growth [--large 500000] [--databases sqlite postgresql] [--times 40]

Building the large database takes some minutes and about 8 GB in bench/work, which is removed afterwards. Counted is
what a person waits for: the median time of one request over a kept-alive connection, the database's work included.
"""

from __future__ import annotations

import argparse
import statistics
import time
import urllib.parse
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from bench import many
from bench.city import NO_LIMITS, database
from bench.measure import Client, heading, sign_in, table, verdict
from tests.tools import server

SMALL = 500
PATIENCE = 10.0  # seconds for one line of the table
LIST, SEARCH, LOOK_UP = 1.5, 3.0, 1.2


def addresses(officer: str) -> list[tuple[str, str, str, float]]:
    """(what, who, address, limit). The lead of everything sees every enterprise: the hardest case."""
    quote = urllib.parse.quote
    found = [
        ("list", officer, "/enterprises", LIST),
        ("list", "lead1", "/enterprises", LIST),
        ("list", "leadall", "/enterprises", LIST),
        ("list, overdue", "leadall", "/enterprises?due=overdue", LIST),
        ("list, one region", "leadall", "/enterprises?region=3", LIST),
    ]
    for what, term in (("rare", many.RARE), ("common", many.COMMON), ("two characters", many.TWO)):
        for who in (officer, "lead1", "leadall"):
            scope = "&scope=team" if who == officer else ""
            found.append((f"search, {what}", who, f"/enterprises?q={quote(term)}{scope}", SEARCH))
    found += [
        ("search, initials", "leadall", "/enterprises?q=bjxny", SEARCH),
        ("search, pinyin", "leadall", "/enterprises?q=beijiang", SEARCH),
        ("search, two words", "leadall", f"/enterprises?q={quote(many.COMMON + ' ' + many.TWO)}", SEARCH),
        ("search, nothing", "leadall", f"/enterprises?q={quote('没有这家')}", SEARCH),
        ("casefile", officer, "CASEFILE", LOOK_UP),
        ("look-up by code", officer, "CODE", LOOK_UP),
    ]
    return found


class Size:
    """One database of one size, its server, and people signed in to it."""

    def __init__(self, here: server.Server, url: str) -> None:
        self.here = here
        self.clients: dict[str, Client] = {}
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            # An officer of team 1, served with OWN enterprises at every size.
            self.officer: str = connection.execute(
                sa.text(
                    "SELECT username FROM \"user\" WHERE role = 'OFFICER' AND team_id = 2 ORDER BY id LIMIT 1"
                )
            ).scalar_one()
            query = (
                "SELECT q.token, e.id FROM enterprise e JOIN qr_code q ON q.enterprise_id = e.id "
                'JOIN "user" u ON u.id = e.officer_id WHERE u.username = :name ORDER BY e.id LIMIT 1'
            )
            token, self.enterprise = connection.execute(sa.text(query), {"name": self.officer}).one()
        engine.dispose()
        self.places = {"CASEFILE": f"/enterprises/{self.enterprise}", "CODE": f"/q/{token}"}

    def get(self, who: str, address: str) -> float:
        name = self.officer if who == "officer" else who
        if name not in self.clients:
            self.clients[name] = sign_in(self.here.port, name, many.PASSWORD)
        answer = self.clients[name].get(self.places.get(address, address))
        assert answer.status in (200, 303), (address, answer.status, answer.body[:300])
        return answer.seconds * 1000


def measure(name: str, sizes: list[Size], wanted: argparse.Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    for what, who, address, limit in addresses("officer"):
        taken: list[list[float]] = [[], []]
        for side in sizes:  # what is asked for first is on the disk, not in memory
            for _ in range(2):
                side.get(who, address)
        began = time.monotonic()
        for turn in range(wanted.times):
            for side, times in zip(sizes, taken, strict=True):
                times.append(side.get(who, address))
            if turn >= 4 and time.monotonic() - began > PATIENCE:
                break  # what takes seconds is over its limit after five looks too
        small, large = (statistics.median(times) for times in taken)
        rows.append([name, what, who, small, large, verdict(large / small, limit)])
        print(f"  {name}: {what}, {who}: {small:.1f} → {large:.1f} ms", flush=True)
    return rows


def run(name: str, wanted: argparse.Namespace) -> list[list[object]]:
    with ExitStack() as stack:
        settings = {"shared_buffers": "1GB", "effective_cache_size": "3GB", "max_wal_size": "8GB"}
        where = stack.enter_context(database(name, **settings))
        sizes = []
        for size in (SMALL, wanted.large):
            began = time.monotonic()
            kept = wanted.keep / f"size_{size}.sqlite3" if wanted.keep and name == "sqlite" else None
            if kept and kept.exists():
                url = f"sqlite:///{kept.resolve()}"
            else:
                url = f"sqlite:///{kept.resolve()}" if kept else where.url(f"size_{size}")
                print(f"  {name}: building {size:,}", flush=True)
                many.build(url, size, str(where.folder))
                print(f"  {name}: {size:,} built in {time.monotonic() - began:.0f} s", flush=True)
            here = server.start(
                url, instance=where.folder, settings={"FIELDAPP_SERVER_THREADS": "4"} | NO_LIMITS
            )
            stack.callback(here.stop)
            sizes.append(Size(here, url))
        return measure(name, sizes, wanted)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", type=int, default=500_000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument(
        "--keep", type=Path, help="keep the SQLite files in this folder, and use those found there"
    )
    wanted = parser.parse_args()
    if wanted.keep:
        wanted.keep.mkdir(parents=True, exist_ok=True)
    heading(f"{SMALL} → {wanted.large:,} enterprises, median ms")
    rows = [row for name in wanted.databases for row in run(name, wanted)]
    table(rows, ["database", "request", "who", f"{SMALL}", f"{wanted.large:,}", "ratio"])


if __name__ == "__main__":
    main()
