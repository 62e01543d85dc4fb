"""The desk: what 今日, the lead's board and the assignments page cost, and whether years of visits make them slower.

    python -m bench.desk [--databases sqlite postgresql] [--large 200000] [--turns 6] [--count 30] [--times 40]

Two tables. CPU of a request against the bare page of 16 KB (see requests.py), and beside it against a bare page of as
many bytes as ours has, on the demo city. Then waiting time with
2,000 visits and with 200,000, in turns: both have the same last half-year, the large one has the years before it too,
for a board that counts what is open and what the quarter brought has no business with them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from uuid6 import uuid7

from bench import many
from bench.bare import ON_A_PAGE
from bench.city import NO_LIMITS, THREADS, city, database, officer
from bench.growth import Size
from bench.measure import Side, compare, heading, sign_in, table, verdict
from bench.requests import addresses
from fieldapp import create_app
from fieldapp.db import db, writing
from fieldapp.demo.city import PASSWORD
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.needs.models import Ending, Need, NeedEvent, NeedKind, NeedSource, NeedStatus
from fieldapp.visits.models import Visit, VisitStatus, VisitWay
from tests.tools import server

PAGE, FLAT = 2.5, 1.5
ROW = 16.2 * 1024 / ON_A_PAGE  # bytes of the bare page, a row
ENTERPRISES = 500
SMALL = 2_000
HALF_YEAR, YEARS = 182, 10
PAGES = (
    ("today", "officer", "/"),
    ("today", "lead", "/"),
    ("board", "lead", "/lead"),
    ("assignments", "lead", "/lead/assignments"),
    ("outcomes, quarter", "officer", "/me/outcomes"),
)


def history(visits: int) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]]:
    """(visit, need, promise): the newest SMALL in the last half-year, the others evenly over the years before it."""
    rng = random.Random(many.SEED)
    now, today = datetime.now(UTC), date.today()
    served = [row for row in many.rows(ENTERPRISES) if row["officer_id"]]
    for number in range(visits):
        recent = number < SMALL
        days = rng.uniform(0, HALF_YEAR) if recent else rng.uniform(HALF_YEAR, 365 * YEARS)
        at = now - timedelta(days=days)
        place = rng.choice(served)
        common = {"enterprise_id": place["id"], "created_at": at, "updated_at": at}
        visit = common | {
            "id": uuid7(),
            "officer_id": place["officer_id"],
            "status": VisitStatus.RECORDED if days < 14 else VisitStatus.ACCEPTED,
            "arrived_at": at,
            "recorded_at": at,
            "way": VisitWay.ON_SITE,
            "purposes": ["NEEDS"],
            "said": "二期产线下月进场，担心涂覆均匀性。",
        }
        need = promise = None
        if rng.random() < 0.25:
            closed = days > 90
            need = common | {
                "id": uuid7(),
                "visit_id": visit["id"],
                "source": NeedSource.VISIT,
                "title": "隔膜涂覆均匀性攻关",
                "kind": NeedKind.RESEARCH,
                "status": NeedStatus.RESOLVED
                if closed
                else rng.choice((NeedStatus.SUBMITTED, NeedStatus.CLAIMED)),
                "ending": rng.choice(list(Ending)) if closed else None,
                "ended_at": at + timedelta(days=60) if closed else None,
                "claimed_by_id": place["officer_id"],
                "author_id": place["officer_id"],
            }
        if rng.random() < 0.3:
            done = days > 30 or rng.random() < 0.5
            promise = common | {
                "id": uuid7(),
                "visit_id": visit["id"],
                "title": "回复专家名单",
                "due_on": today - timedelta(days=int(days) - 14),
                "assignee_id": place["officer_id"],
                "status": FollowUpStatus.DONE if done else FollowUpStatus.OPEN,
                "closed_at": at + timedelta(days=7) if done else None,
            }
        yield visit, need, promise


def fill(url: str, visits: int, instance: str) -> None:
    """Five hundred enterprises, and so many visits with what came of them."""
    many.build(url, ENTERPRISES, instance)
    app = create_app({"DATABASE_URL": url, "INSTANCE": instance})
    with app.app_context():
        run = db.session.execute
        with writing():
            source = history(visits)
            while batch := list(islice(source, 5000)):
                needs = [need for _visit, need, _promise in batch if need]
                promises = [promise for _visit, _need, promise in batch if promise]
                run(sa.insert(Visit), [visit for visit, _need, _promise in batch])
                run(sa.insert(Need), needs)
                run(
                    sa.insert(NeedEvent),
                    [
                        {"need_id": n["id"], "at": n["created_at"] + timedelta(days=d), "after": after}
                        for n in needs
                        for d, after in ((0, NeedStatus.SUBMITTED), (2, NeedStatus.CLAIMED))
                    ],
                )
                run(sa.insert(FollowUp), promises)
            run(sa.update(Enterprise).values(last_visited_on=date.today()))
            db.session.commit()
        db.session.remove()
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))
        db.engine.dispose()


def cost(name: str, wanted: argparse.Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    with ExitStack() as stack:
        where = stack.enter_context(database(name))
        ours = stack.enter_context(city(where))
        bare_url = where.url("bare")
        command = [sys.executable, "-m", "bench.bare", bare_url, "{port}", str(THREADS)]
        other = server.start(bare_url, instance=where.folder, command=command)
        stack.callback(other.stop)
        people = {"officer": officer(ours), "lead": sign_in(ours.port, "suwang", PASSWORD)}
        for what, who, path in PAGES:
            left = Side(
                what, ours.port, ours.process.pid, addresses(path), people[who].cookies, also_pid=where.pid
            )
            rows_of_ours = round(len(people[who].get(path).body) / ROW)
            against = []
            for asked in (ON_A_PAGE, rows_of_ours):
                page = [f"/page?from={n * 40}&rows={asked}" for n in range(10)]
                right = Side("bare", other.port, other.process.pid, addresses(*page), also_pid=where.pid)
                ratio = compare(left, right, connections=1, count=wanted.count, turns=wanted.turns)
                against.append((ratio, right.bytes))
                right.close()
            (ratio, bytes_of_bare), (alike, bytes_alike) = against
            rows.append(
                [
                    name,
                    what,
                    who,
                    ratio.ours,
                    ratio.bare,
                    verdict(ratio.value, PAGE),
                    f"{ratio.spread[0]:.2f}–{ratio.spread[1]:.2f}",
                    f"{alike.ours:.2f} / {alike.bare:.2f} = {alike.value:.2f}",
                    f"{statistics.median(left.wait):.1f}",
                    f"{left.bytes / 1024:.1f} / {bytes_of_bare / 1024:.1f} / {bytes_alike / 1024:.1f}",
                ]
            )
            left.close()
    return rows


def growth(name: str, wanted: argparse.Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    with ExitStack() as stack:
        settings = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
        where = stack.enter_context(database(name, **settings))
        sizes = []
        for visits in (SMALL, wanted.large):
            began = time.monotonic()
            url = where.url(f"visits_{visits}")
            fill(url, visits, str(where.folder))
            print(f"  {name}: {visits:,} visits in {time.monotonic() - began:.0f} s", flush=True)
            here = server.start(
                url, instance=where.folder, settings={"FIELDAPP_SERVER_THREADS": "4"} | NO_LIMITS
            )
            stack.callback(here.stop)
            sizes.append(Size(here, url))
        people = {"officer": ("officer",), "lead": ("lead1", "leadall")}
        for what, role, path in PAGES:
            for who in people[role]:
                taken: list[list[float]] = [[], []]
                for side in sizes:
                    for _ in range(3):
                        side.get(who, path)
                for _ in range(wanted.times):
                    for side, times in zip(sizes, taken, strict=True):
                        times.append(side.get(who, path))
                small, large = (statistics.median(times) for times in taken)
                rows.append([name, what, who, small, large, verdict(large / small, FLAT)])
                print(f"  {name}: {what}, {who}: {small:.1f} → {large:.1f} ms", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--large", type=int, default=200_000)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--count", type=int, default=30, help="requests in a turn")
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--only", choices=["cost", "growth"])
    wanted = parser.parse_args()
    if wanted.only != "growth":
        heading("CPU ms per request")
        rows = [row for name in wanted.databases for row in cost(name, wanted)]
        table(
            rows,
            [
                "database",
                "page",
                "who",
                "ours",
                "bare",
                f"ratio (≤ {PAGE})",
                "spread",
                "same size",
                "wait ms",
                "KB",
            ],
        )
    if wanted.only != "cost":
        heading(f"{SMALL:,} → {wanted.large:,} visits, median ms")
        rows = [row for name in wanted.databases for row in growth(name, wanted)]
        table(rows, ["database", "page", "who", f"{SMALL:,}", f"{wanted.large:,}", f"ratio (≤ {FLAT})"])


if __name__ == "__main__":
    main()
