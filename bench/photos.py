"""A visit with two needs, a promise and a photo of 300 KB, against a bare route that stores the same.

    python -m bench.photos [--databases sqlite postgresql] [--turns 6] [--count 12]

CPU of the server process, in turns, as in requests.py. The bare route decodes the photo, encodes it anew in the same
two sizes and inserts four rows and the two copies in one durable commit: no sign-in, rights, receipts or trail.
"""

from __future__ import annotations

import argparse
import io
import itertools
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from PIL import Image
from uuid6 import uuid7

from bench.city import THREADS, city, database, officer, own_enterprises
from bench.measure import Client, Request, Side, compare, form_in, heading, table, verdict
from tests.tools import server

LIMIT = 2.0
BYTES = 300_000
BOUNDARY = "----photos"


def phone_photo() -> bytes:
    """A JPEG of 1600 × 1200, as the form makes it on the phone, of about BYTES."""
    noise = [Image.effect_noise((200, 150), 70 + 20 * n).resize((1600, 1200)) for n in range(3)]
    image = Image.merge("RGB", noise)
    for quality in range(95, 20, -3):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        if out.tell() <= BYTES:
            break
    return out.getvalue()


def multipart(path: str, fields: dict[str, str], photo: bytes) -> Request:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n'
    parts += [f"{head}Content-Type: image/jpeg\r\n\r\n".encode(), photo, f"\r\n--{BOUNDARY}--\r\n".encode()]
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return Request(path, "POST", b"".join(parts), {"Content-Type": kind})


SAID = "二期产线下月进场，担心涂覆均匀性，想找有经验的团队看一看。" * 2


def visits(client: Client, enterprises: list[int], photo: bytes) -> Iterator[Request]:
    """Visits as the phone sends them, every one new."""
    forms = []
    for number in enterprises[:10]:
        path = f"/enterprises/{number}/visits/new"
        page = client.get(path).body
        action, fields = form_in(page, "arrived_at")
        fields.pop("fulfils", None)  # a plan is kept once; these are visits beside it
        met = re.search(rb'name="met"[^>]*value="(\d+)"|value="(\d+)"[^>]*name="met"', page)
        fields |= {"met": (met[1] or met[2]).decode()} if met else {"met_nobody": "y"}
        forms.append((action or path, fields))
    due = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    for number in itertools.count():
        path, fields = forms[number % len(forms)]
        words = {"intent": "record", "said": SAID, "entry_id": str(uuid7()), "visit_id": str(uuid7())}
        for row in range(2):
            words |= {
                f"needs-{row}-id": str(uuid7()),
                f"needs-{row}-title": f"隔膜涂覆均匀性攻关 {number}",
                f"needs-{row}-kind": "RESEARCH",
                f"needs-{row}-budget": "120",
            }
        words |= {"promises-0-id": str(uuid7()), "promises-0-title": "回复专家名单", "promises-0-due_on": due}
        yield multipart(path, fields | words, photo)


def insertions(photo: bytes) -> Iterator[Request]:
    for number in itertools.count():
        yield multipart("/visit", {"code": f"p{number:012}", "title": "示例企业", "text": SAID}, photo)


def run(name: str, wanted: argparse.Namespace) -> list[list[object]]:
    rows: list[list[object]] = []
    photo = phone_photo()
    with ExitStack() as stack:
        where = stack.enter_context(database(name))
        ours = stack.enter_context(city(where))
        bare_url = where.url("bare")
        command = [sys.executable, "-m", "bench.bare", bare_url, "{port}", str(THREADS)]
        other = server.start(bare_url, instance=where.folder, command=command)
        stack.callback(other.stop)
        client = officer(ours)
        sent = visits(client, own_enterprises(client), photo)
        left = Side("visit", ours.port, ours.process.pid, sent, client.cookies, (303,), where.pid)
        right = Side("bare", other.port, other.process.pid, insertions(photo), {}, (303,), where.pid)
        for connections in (1, 8):
            ratio = compare(left, right, connections=connections, count=wanted.count, turns=wanted.turns)
            spread = f"{ratio.spread[0]:.2f}–{ratio.spread[1]:.2f}"
            waited = sorted(left.wait)[len(left.wait) // 2]
            measured = [ratio.ours, ratio.bare, verdict(ratio.value, LIMIT)]
            rows.append([name, connections, len(photo) // 1000, *measured, spread, f"{waited:.0f}"])
        left.close()
        right.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--count", type=int, default=12, help="requests in a turn")
    wanted = parser.parse_args()
    heading("CPU ms of a visit with two needs, a promise and a photo")
    rows = [row for name in wanted.databases for row in run(name, wanted)]
    headings = ["database", "connections", "KB", "ours", "bare", f"ratio (≤ {LIMIT:g})", "spread", "wait ms"]
    table(rows, headings)


if __name__ == "__main__":
    main()
