"""An enterprise's order at its own door, against a bare durable INSERT.

    python -m bench.orders [--databases sqlite postgresql] [--turns 8] [--count 40]

CPU of the server process, in turns, as in requests.py. The bare route takes the same form and makes one row of its
fields durable; beside it, an INSERT of three fields, the least there is. The limit is asked of both. Every order is a
new form: code looked up, ticket checked, fingerprint, counted by address and by code, the need with its first event and
its promise, who to call, receipt, trail, and a notice for everybody who serves the enterprise. `order` is words only.
`word more`, what the enterprise adds at the receipt of an order placed before, is told beside it and has no limit.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bench.city import THREADS, city, database
from bench.measure import Client, Request, Side, compare, form_request, heading, table, verdict
from bench.requests import insertions
from fieldapp.orders import rules
from tests.tools import server

LIMIT = 2.5
KEY = "bench " * 8
# All come from one address here, so its limit is out of the way: counting walks over all of them, not over five.
SETTINGS = {
    "FIELDAPP_SECRET_KEY": KEY,
    "FIELDAPP_ORDERS_PER_ADDRESS_HOUR": "1000000",
    "FIELDAPP_ORDERS_PER_CODE_DAY": "1000",
    "FIELDAPP_ACTS_PER_RECEIPT_HOUR": "1000",
}


def _ticket() -> str:
    return rules.issue(KEY.encode(), datetime.now(UTC) - timedelta(seconds=30))


def _order(path: str, number: int) -> Request:
    return form_request(
        path,
        {
            "ticket": _ticket(),
            "privacy": rules.PRIVACY,
            "home_page": "",
            "kind": "RESEARCH",
            "title": f"隔膜涂覆均匀性攻关 {number}",
            "description": "二期产线下月进场，担心涂覆均匀性，想找有经验的团队看一看。" * 2,
            "indicators-0-name": "厚度偏差",
            "indicators-0-now": "±3",
            "indicators-0-target": "±1",
            "indicators-0-unit": "μm",
            "budget": "UNDER_50",
            "cooperation": "JOINT",
            "disclosure": "MATCHING",
            "contact_name": "刘工",
            "phone": "13812345678",
            "call_at": "ANY",
            "agreed": "y",
        },
    )


def orders(tokens: list[str]) -> Iterator[Request]:
    for number, token in enumerate(itertools.cycle(tokens)):
        yield _order(f"/q/{token}/order", number)


def bare_orders() -> Iterator[Request]:
    for number in itertools.count():
        yield _order("/sent/order", number)


def words(receipts: list[str]) -> Iterator[Request]:
    for number, receipt in enumerate(itertools.cycle(receipts)):
        yield form_request(f"{receipt}/add", {"ticket": _ticket(), "reply": f"补充：样品已寄出 {number}"})


def _tokens(url: str) -> list[str]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        query = sa.text("SELECT token FROM qr_code WHERE revoked_at IS NULL ORDER BY id")
        found = list(connection.execute(query).scalars())
    engine.dispose()
    return found


def run(name: str, wanted: argparse.Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    with ExitStack() as stack:
        where = stack.enter_context(database(name))
        ours = stack.enter_context(city(where, settings=SETTINGS))
        bare_url = where.url("bare")
        command = [sys.executable, "-m", "bench.bare", bare_url, "{port}", str(THREADS)]
        other = server.start(bare_url, instance=where.folder, command=command)
        stack.callback(other.stop)
        tokens = _tokens(where.last_url)
        client, receipts = Client(ours.port), []
        for number in range(400):
            answer = client.send(_order(f"/q/{tokens[number % len(tokens)]}/order", 1_000_000 + number))
            assert answer.status == 303, answer.status
            receipts.append(answer.headers["Location"].partition("?")[0])
        for what, requests, against, rows_of_bare in (
            ("order", placed := orders(tokens), "its form in a row", bare_orders()),
            ("order", placed, "three fields in a row", least := insertions()),
            ("word more", words(receipts), "three fields in a row", least),
        ):
            left = Side(what, ours.port, ours.process.pid, requests, {}, (303,), where.pid)
            right = Side("bare", other.port, other.process.pid, rows_of_bare, {}, (303,), where.pid)
            for connections in (1, 8):
                ratio = compare(left, right, connections=connections, count=wanted.count, turns=wanted.turns)
                waited = sorted(left.wait)
                rows.append(
                    [
                        name,
                        what,
                        against,
                        connections,
                        ratio.ours,
                        ratio.bare,
                        verdict(ratio.value, LIMIT) if what == "order" else f"{ratio.value:.2f}",
                        f"{ratio.spread[0]:.2f}–{ratio.spread[1]:.2f}",
                        f"{waited[len(waited) // 2]:.1f}",
                    ]
                )
            left.close()
            right.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--count", type=int, default=40, help="requests in a turn")
    wanted = parser.parse_args()
    heading("CPU ms per request")
    rows = [row for name in wanted.databases for row in run(name, wanted)]
    table(
        rows,
        [
            "database",
            "request",
            "against",
            "connections",
            "ours",
            "bare",
            f"ratio (≤ {LIMIT})",
            "spread",
            "wait ms",
        ],
    )


if __name__ == "__main__":
    main()
