"""The pool of needs: what its page costs with 2,000 needs and with 200,000, in turns, in one run.

    python -m bench.pool [--databases sqlite postgresql] [--large 200000] [--times 40] [--only years everything]

Twice: "years" adds years of needs that are over to the same 600 open ones, as time does. "everything" grows what is
open as well, to a third of 200,000: no town has that, and the tiles say 1,000+ there. Five hundred enterprises in ten
teams, as in many.py. Counted is what a person waits for: the median of one request over a kept-alive connection.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from uuid6 import uuid7

from bench import many
from bench.city import NO_LIMITS, database
from bench.growth import Size
from bench.measure import heading, table, verdict
from fieldapp import create_app
from fieldapp.db import db, writing
from fieldapp.needs.models import (
    Clock,
    Disclosure,
    Ending,
    Need,
    NeedField,
    NeedKind,
    NeedSource,
    NeedStatus,
    NeedToken,
)
from fieldapp.needs.titles import tokens_of
from tests.tools import server

FLAT, SEARCH = 1.5, 3.0
ENTERPRISES = 500
SMALL, OPEN = 2_000, 600
RARE = "鹮鹭鸶"
THINGS = (
    "余热回收",
    "刀架定位",
    "隔膜涂覆",
    "废水零排放",
    "叶片检测",
    "坯体烧结",
    "组件隐裂",
    "种子包衣",
    "稀土抛光",
    "冷链温控",
)
WANTED = ("方案", "小试", "攻关", "改造", "设备共享", "算法", "精度提升", "降耗", "良率提升", "检测")
STATES = (
    (NeedStatus.SUBMITTED, Clock.ACCEPT), (NeedStatus.ACCEPTED, Clock.CLAIM), (NeedStatus.CLAIMED, Clock.CONTACT),
    (NeedStatus.MATCHING, Clock.RESOLVE), (NeedStatus.AWAITING_ENTERPRISE, Clock.RESOLVE),
)  # fmt: skip
PAGES = (
    ("pool", "officer", "/needs", FLAT),
    ("pool", "lead1", "/needs", FLAT),
    ("pool", "leadall", "/needs", FLAT),
    ("red ones", "lead1", "/needs?light=red", FLAT),
    ("one region and field", "lead1", "/needs?region=1&field=energy", FLAT),
    ("over, newest first", "lead1", "/needs?state=ended", FLAT),
    ("other teams'", "officer", "/needs?scope=shared", FLAT),
    ("search, rare", "lead1", f"/needs?q={urllib.parse.quote(RARE)}", SEARCH),
    ("search, common", "lead1", f"/needs?q={urllib.parse.quote('余热')}", SEARCH),
    ("search, common, all", "lead1", f"/needs?state=all&q={urllib.parse.quote('余热')}", SEARCH),
)


def needs(size: int, still_open: int) -> Iterator[dict[str, Any]]:
    """The newest `still_open` are open, with every light; the others are over, evenly over ten years."""
    rng = random.Random(many.SEED)
    now = datetime.now(UTC)
    served = [row for row in many.rows(ENTERPRISES) if row["officer_id"]]
    levels = [Disclosure.MATCHING] * 6 + [Disclosure.DESENSITISED, Disclosure.PUBLIC]
    for number in range(size):
        place = rng.choice(served)
        is_open = number < still_open
        at = now - timedelta(days=rng.uniform(0, 40) if is_open else rng.uniform(40, 3650))
        status, clock = (
            rng.choice(STATES) if is_open else (rng.choice((NeedStatus.RESOLVED, NeedStatus.RATED)), None)
        )
        paused = status is NeedStatus.AWAITING_ENTERPRISE
        due = now + timedelta(days=rng.uniform(-10, 30)) if is_open and not paused else None
        held = status not in (NeedStatus.SUBMITTED, NeedStatus.ACCEPTED)
        title = f"{rng.choice(THINGS)}{rng.choice(WANTED)}" + (RARE if number % (size // 3) == 5 else "")
        yield {
            "id": uuid7(), "enterprise_id": place["id"], "source": rng.choice(list(NeedSource)), "title": title,
            "kind": rng.choice(list(NeedKind)), "field": rng.choice(list(NeedField)), "status": status,
            "disclosure": rng.choice(levels), "clock": clock, "clock_from": at, "due_at": due,
            "warn_at": due and due - timedelta(days=rng.uniform(2, 8)), "paused_at": at if paused else None,
            "claimed_by_id": place["officer_id"] if held else None, "author_id": place["officer_id"],
            "ending": None if is_open else rng.choice(list(Ending)), "ended_at": None if is_open else at,
            "created_at": at, "updated_at": at, "title_waits": None,
        }  # fmt: skip


def fill(url: str, size: int, still_open: int, instance: str) -> None:
    many.build(url, ENTERPRISES, instance)
    app = create_app({"DATABASE_URL": url, "INSTANCE": instance})
    with app.app_context():
        with writing():
            source = needs(size, still_open)
            while batch := list(islice(source, 5000)):
                db.session.execute(sa.insert(Need), batch)
                tokens = [
                    {"token": token, "need_id": need["id"]}
                    for need in batch
                    for token in tokens_of(need["title"], ())
                ]
                db.session.execute(sa.insert(NeedToken), tokens)
            db.session.commit()
        db.session.remove()
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))
        db.engine.dispose()


def growth(name: str, how: str, wanted: argparse.Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    with ExitStack() as stack:
        settings = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
        where = stack.enter_context(database(name, **settings))
        sizes = []
        for size in (SMALL, wanted.large):
            began = time.monotonic()
            url = where.url(f"needs_{size}")
            fill(url, size, OPEN if how == "years" else size // 3, str(where.folder))
            print(f"  {name}: {size:,} needs in {time.monotonic() - began:.0f} s", flush=True)
            here = server.start(
                url, instance=where.folder, settings={"FIELDAPP_SERVER_THREADS": "4"} | NO_LIMITS
            )
            stack.callback(here.stop)
            sizes.append(Size(here, url))
        for what, who, path, limit in PAGES:
            taken: list[list[float]] = [[], []]
            for side in sizes:
                for _ in range(3):
                    side.get(who, path)
            for _ in range(wanted.times):
                for side, times in zip(sizes, taken, strict=True):
                    times.append(side.get(who, path))
            small, large = (statistics.median(times) for times in taken)
            told: object = verdict(large / small, limit) if how == "years" else f"{large / small:.2f}"
            rows.append([name, what, who, small, large, told])
            print(f"  {name}, {how}: {what}, {who}: {small:.1f} → {large:.1f} ms", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--large", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--only", nargs="+", choices=["years", "everything"], default=["years", "everything"])
    wanted = parser.parse_args()
    for how in wanted.only:
        heading(f"{SMALL:,} → {wanted.large:,} needs, {how}, median ms")
        rows = [row for name in wanted.databases for row in growth(name, how, wanted)]
        limit = f"ratio (≤ {FLAT}, search ≤ {SEARCH})" if how == "years" else "ratio"
        table(rows, ["database", "page", "who", f"{SMALL:,}", f"{wanted.large:,}", limit])


if __name__ == "__main__":
    main()
