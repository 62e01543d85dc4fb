"""CPU of one request: fieldapp against a bare Flask app on the same stack, in turns, in one run.

    python -m bench.requests [--only casefile …] [--databases sqlite postgresql] [--turns 8] [--count 40]

| fieldapp | against |
|---|---|
| submit a visit (with a need and a promise) | one INSERT with a durable commit: of the same form; of three fields |
| casefile, list, search | one page of 16 KB, rendered from an indexed query of 32 rows |
| the code on the door, `/q/<token>` | one row by an indexed column |

Both servers are waitress with eight threads. Counted is the server process's CPU time, not waiting; PostgreSQL's own
is shown beside it. Answers are asked for without compression (the bare app has none); one line shows its price.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from uuid6 import uuid7

from bench import bare
from bench.city import THREADS, city, database, officer, own_enterprises
from bench.measure import Client, Request, Side, compare, form_in, form_request, heading, table, verdict
from tests.tools import server

LIMIT = 2.5
TERMS = ("新能源", "bjxny", "示例", "科技", "gongsi", "包头", "重工", "xny")


def submissions(client: Client, enterprises: list[int]) -> Iterator[Request]:
    """Visits as the phone sends them, every one new: who was met, what was said, a need, a promise."""
    forms = []
    for number in enterprises[:10]:
        path = f"/enterprises/{number}/visits/new"
        page = client.get(path).body
        action, fields = form_in(page, "arrived_at")
        met = re.search(rb'name="met"[^>]*value="(\d+)"|value="(\d+)"[^>]*name="met"', page)
        if met:
            fields["met"] = (met.group(1) or met.group(2)).decode()
        else:
            fields["met_nobody"] = "y"
        fields.pop("fulfils", None)  # a plan is kept once; these are visits beside it
        forms.append((action or path, fields))
    due = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    for number in itertools.count():
        path, fields = forms[number % len(forms)]
        yield form_request(
            path,
            fields
            | {
                "entry_id": str(uuid7()),
                "visit_id": str(uuid7()),
                "needs-0-id": str(uuid7()),
                "promises-0-id": str(uuid7()),
                "said": "二期产线下月进场，担心涂覆均匀性，想找有经验的团队看一看。" * 2,
                "needs-0-title": f"隔膜涂覆均匀性攻关 {number}",
                "needs-0-budget": "120",
                "promises-0-title": "回复专家名单",
                "promises-0-due_on": due,
            },
        )


def insertions() -> Iterator[Request]:
    for number in itertools.count():
        yield form_request("/insert", {"code": f"n{number:016}", "title": "示例企业", "text": "一句话" * 20})


def bare_submissions(client: Client, enterprises: list[int]) -> Iterator[Request]:
    """The same forms for the bare route that takes them."""
    for request in submissions(client, enterprises):
        yield replace(request, path="/sent/visit")


def addresses(*paths: str, **headers: str) -> Iterator[Request]:
    return itertools.cycle([Request(path, headers=headers) for path in paths])


def code_addresses(url: str, enterprises: list[int]) -> list[str]:
    """What the codes of these enterprises say."""
    engine = sa.create_engine(url)
    query = sa.text("SELECT token FROM qr_code WHERE revoked_at IS NULL AND enterprise_id IN :ids")
    with engine.connect() as connection:
        ids = sa.bindparam("ids", enterprises[:10], expanding=True)
        tokens = connection.execute(query.bindparams(ids)).scalars().all()
    engine.dispose()
    return [f"/q/{token}" for token in tokens]


def run(name: str, wanted: argparse.Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    with ExitStack() as stack:
        where = stack.enter_context(database(name))
        ours = stack.enter_context(city(where))
        bare_url = where.url("bare")
        command = [sys.executable, "-m", "bench.bare", bare_url, "{port}", str(THREADS)]
        other = server.start(bare_url, instance=where.folder, command=command)
        stack.callback(other.stop)

        client = officer(ours)
        mine = own_enterprises(client)
        casefiles = [f"/enterprises/{number}" for number in mine[:10]]
        searches = [f"/enterprises?q={term}&scope=team" for term in map(_quoted, TERMS)]
        page = [f"/page?from={n * 40}" for n in range(10)]
        row = [f"/look-up?code={n * 97:018}" for n in range(10)]
        zipped = {"Accept-Encoding": "gzip"}
        pairs = {
            "submit": (submissions(client, mine), (303,), bare_submissions(client, mine), (303,)),
            "submit, three fields": (submissions(client, mine), (303,), insertions(), (303,)),
            "casefile": (addresses(*casefiles), (200,), addresses(*page), (200,)),
            "list": (addresses("/enterprises"), (200,), addresses(*page), (200,)),
            "search": (addresses(*searches), (200,), addresses(*page), (200,)),
            "code": (addresses(*code_addresses(where.last_url, mine)), (200, 303), addresses(*row), (200,)),
            "casefile, gzip": (addresses(*casefiles, **zipped), (200,), addresses(*page), (200,)),
        }
        for what, (our_requests, our_good, bare_requests, bare_good) in pairs.items():
            if wanted.only and what.partition(",")[0] not in wanted.only:
                continue
            left = Side(what, ours.port, ours.process.pid, our_requests, client.cookies, our_good, where.pid)
            right = Side("bare", other.port, other.process.pid, bare_requests, {}, bare_good, where.pid)
            for connections in (1, 8):
                ratio = compare(left, right, connections=connections, count=wanted.count, turns=wanted.turns)
                waited = sorted(left.wait)
                rows.append(
                    [
                        name,
                        what,
                        connections,
                        ratio.ours,
                        ratio.bare,
                        verdict(ratio.value, LIMIT),
                        f"{ratio.spread[0]:.2f}–{ratio.spread[1]:.2f}",
                        _of_the_database(left, right),
                        f"{waited[len(waited) // 2]:.1f}",
                        f"{left.bytes / 1024:.1f} / {right.bytes / 1024:.1f}",
                    ]
                )
            left.close()
            right.close()
    assert bare.ON_A_PAGE == 32
    return rows


def _quoted(term: str) -> str:
    return "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode()) for c in term)


def _of_the_database(ours: Side, other: Side) -> str:
    if not ours.database_cpu:
        return "in ours"
    return f"{sorted(ours.database_cpu)[len(ours.database_cpu) // 2]:.2f} / " + (
        f"{sorted(other.database_cpu)[len(other.database_cpu) // 2]:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--count", type=int, default=40, help="requests in a turn")
    wanted = parser.parse_args()
    heading("CPU ms per request")
    rows = [row for name in wanted.databases for row in run(name, wanted)]
    headings = ["database", "request", "connections", "ours", "bare", f"ratio (≤ {LIMIT})", "spread"]
    table(rows, [*headings, "database's CPU", "wait ms", "KB"])


if __name__ == "__main__":
    main()
