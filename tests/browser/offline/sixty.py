"""A day's pack as it really is: sixty enterprises of one officer, taken over a slow line."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.codes.actions import issue
from fieldapp.enterprises.actions import assign, index
from fieldapp.enterprises.models import Contact, Enterprise
from tests.browser.offline.phone import poll
from tests.people import ENTERPRISES

PACKED = 60
KEPT = """async () => {
  const base = await new Promise((yes) => { const asked = indexedDB.open("fieldapp"); asked.onsuccess = () => yes(asked.result); });
  const rows = await new Promise((yes) => { const asked = base.transaction("pages").objectStore("pages").getAll(); asked.onsuccess = () => yes(asked.result); });
  base.close();
  return rows.map((row) => row.path);
}"""
# The worker has put away all of the pack before: whoever asks while it still does is told that one is being taken.
AT_REST = "async () => !(await navigator.locks.query()).held.some(({ name }) => name === 'pack')"
PACK = "async () => (await navigator.serviceWorker.ready).active.postMessage('pack')"


def sixty(town):
    """So many enterprises of zhao's that a day's pack is a real one."""
    with town.inside(writes=True) as session:
        zhao = session.scalars(sa.select(User).where(User.username == "zhao")).one()
        like = session.scalars(
            sa.select(Enterprise).where(Enterprise.uscc == ENTERPRISES["huaxing"][1])
        ).one()
        made = []
        for number in range(PACKED - 1):
            one = Enterprise(
                name=f"第{number}号机械加工有限公司", uscc=f"91150203MA0TEST{number:03}", region_id=like.region_id,
                team_id=like.team_id, industry=like.industry, division=like.division, staff=20 + number,
                lat=40.6 + number / 1000, lng=109.8, given_lat=40.6, given_lng=109.8, given_crs="WGS-84",
                former_names=[], visit_due_on=clock.today() + timedelta(days=number),
            )  # fmt: skip
            session.add(one)
            session.flush()
            session.add(
                Contact(
                    enterprise_id=one.id, name=f"联系人{number}", title="厂长", phone=f"139000{number:05}"
                )
            )
            assign(None, one, zhao.id, clock.today() - timedelta(days=60), "测试")
            made.append(one)
        session.flush()
        index(made)
        issue(None, [one.id for one in made])


def pack(town, hand):
    """One pack as the phone's worker takes it: its bytes on the line, and its seconds."""
    poll(lambda: hand.page.evaluate(AT_REST), "no pack is being taken", patience=60)
    town.line.seen.clear()
    hand.page.evaluate(PACK)

    def came():
        return [heard for heard in town.line.seen if heard.path.startswith("/offline/pack") and heard.ended]

    (heard,) = poll(came, "the pack", patience=60)
    return heard.down, heard.ended - heard.at


def ready(town, hand):
    """The worker is at work; returns the enterprise whose pages are looked at."""
    number = town.enterprise()
    hand.page.goto(f"{town.line.url}/enterprises/{number}")
    poll(lambda: hand.page.evaluate("() => Boolean(navigator.serviceWorker.controller)"), "the worker")
    return number


def kept(hand):
    """The paths of the pages on the phone."""
    return hand.page.evaluate(KEPT)


def arrived(hand, path):
    """Wait until the pack is on the phone, this page of it included; returns how many pages there are."""
    poll(lambda: path in kept(hand), "the pack is on the phone", patience=60)
    return len(kept(hand))
