"""PostgreSQL, two app servers, a phone whose line leads now to one and now to the other: still one record each."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.entries.models import Entry
from tests.browser.offline import town as towns
from tests.browser.offline.line import FirstTime
from tests.browser.offline.phone import in_hand, visits
from tests.browser.offline.saying import say
from tests.tools import server

pytestmark = [pytest.mark.browser, pytest.mark.postgres]


def test_entries_between_two_servers_on_one_postgresql(on_postgres, driver, tmp_path):
    with towns.opened(on_postgres, tmp_path / "town") as town:
        settings = {"FIELDAPP_SECRET_KEY": towns.SECRET}
        other = server.start(on_postgres.url, instance=tmp_path / "town", settings=settings)
        try:
            with in_hand(driver, town, tmp_path / "phone") as hand:
                hand.sign_in()
                since, first = clock.now(), town.here.port
                said = visits("两台", 12)
                html = hand.form_text()
                # Each entry's first answer is lost at one server; its second sending reaches the other.
                town.line.fate = FirstTime("lost")
                town.line.turns = lambda heard: (
                    other.port if heard.headers.get("outbox-attempt", "1") != "1" else first
                )
                for at in range(0, len(said), 6):
                    say(hand.page, html, said[at : at + 6])
                hand.must_send_all(hurried=True, patience=90)
                town.must_hold(said, since)
                assert town.unanswered() == 0
                _twins(town, hand, other.port)
        finally:
            other.stop()


def _twins(town, hand, other_port):
    """The same entry at both servers in the same moment, from two threads: one claims it, the other waits for it."""
    cookie = town.cookie("zhao")
    before = town.counts()
    enterprise = town.enterprise()
    base = f"http://127.0.0.1:{town.here.port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    head = {"Cookie": f"{cookie['name']}={cookie['value']}"}
    page = opener.open(urllib.request.Request(f"{base}/outbox/session", headers=head)).read()
    csrf = json.loads(page)["csrf"]
    for _ in range(6):
        key, visit = uuid7(), uuid7()
        body = urllib.parse.urlencode(
            {
                "visit_id": str(visit),
                "met_nobody": "y",
                "said": f"双生 {key}",
                "intent": "record",
                "way": "ON_SITE",
                "arrived_at": clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M"),
            }
        ).encode()
        told: list[tuple[int, str]] = []
        start = threading.Barrier(4)

        def send(port, key=key, body=body, told=told, start=start):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/enterprises/{enterprise}/visits/new",
                body,
                head
                | {
                    "Idempotency-Key": str(key),
                    "Outbox-User": str(town.person("zhao")),
                    "X-CSRFToken": csrf,
                    "HX-Request": "true",
                },
            )
            start.wait()
            try:
                with opener.open(request) as answer:
                    told.append((answer.status, answer.headers.get("Outbox-Replayed", "")))
            except urllib.error.HTTPError as error:
                told.append((error.code, error.headers.get("Outbox-Error", "")))

        ports = (town.here.port, other_port) * 2
        threads = [threading.Thread(target=send, args=(port,)) for port in ports]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told) == [(204, ""), (204, "1"), (204, "1"), (204, "1")], told
    after = town.counts()
    assert after["visit"] == before["visit"] + 6 and after["entry"] == before["entry"] + 6
    assert town.ask(sa.select(sa.func.count()).select_from(Entry).where(Entry.status == 0)) == 0
