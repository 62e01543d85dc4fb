"""The pack: what one person takes along, whole, in one stream; nobody else's, and nothing twice."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.codes.models import QrCode
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Assignment, Contact, Enterprise
from fieldapp.offline.likeness import Teller, heard
from fieldapp.offline.pack import NAME, NUMBER
from tests import people
from tests.photos import jpeg


def _taken(client, have=""):
    """The stream as a phone reads it: first line, pages by path, groups, index, whether it ended."""
    answer = client.get("/offline/pack", headers={"Pack-Have": have} if have else {}, buffered=True)
    assert answer.status_code == 200
    memory, pages, hashes, groups = [], {}, {}, {}
    first = index = key = name = None
    ended = False
    for text in answer.text.splitlines():
        line = json.loads(text)
        if "groups" in line:
            first = line
        elif "b" in line:
            key, name = line["b"], line["n"]
        elif "p" in line:

            def bare(told, key=key, name=name):
                return told.replace(NUMBER, key).replace(NAME, name)

            path = bare(line["p"])
            html = heard(line["t"], bool(line.get("f")), memory)
            pages[path] = html if "w" in line else bare(html)
            hashes[path] = line["h"]
        elif "g" in line:
            paths = [told.replace(NUMBER, key).replace(NAME, name) for told in line["k"]]
            groups[line["g"]] = SimpleNamespace(stamp=line["s"], paths=paths)
        elif "index" in line:
            index = SimpleNamespace(hash=line["x"], rows=line["index"])
        elif "forget" in line:
            memory.clear()
        elif "end" in line:
            ended = True
    return SimpleNamespace(
        first=first,
        pages=pages,
        hashes=hashes,
        groups=groups,
        index=index,
        ended=ended,
        size=len(answer.data),
    )


def _have(pack):
    """What a phone that took that pack says next time."""
    parts = [f"x{pack.index.hash}"]
    for key, group in pack.groups.items():
        parts.append(f"{key}.{group.stamp}{''.join(pack.hashes[path] for path in group.paths)}")
    return "~".join(parts)


def test_an_officer_takes_the_day_and_every_enterprise_they_serve(zhao, city):
    pack = _taken(zhao)
    assert pack.ended and pack.first["groups"][0] == "d"
    assert set(pack.groups) == set(pack.first["groups"])
    wanted = {
        "/", "/enterprises", "/scan", "/outbox", "/pack", "/follow-ups", "/needs", "/visits", "/offline/nothing", "/me",
        f"/enterprises/{city.huaxing.id}", f"/enterprises/{city.huaxing.id}/visits/new",
        f"/enterprises/{city.huaxing.id}/needs/new", f"/enterprises/{city.huaxing.id}/follow-ups/new",
        f"/visits/{people.VISIT}", f"/visits/{people.VISIT}/edit", f"/needs/{people.NEED}", f"/needs/{people.NEED}/edit",
        f"/follow-ups/{people.FOLLOW_UP}", f"/follow-ups/{people.FOLLOW_UP}/close",
    }  # fmt: skip
    assert wanted - set(pack.pages) == set()
    assert all(
        page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
        for page in pack.pages.values()
    )


def test_a_page_of_the_pack_is_the_page_without_what_is_secret_or_of_the_minute(zhao, city):
    page = _taken(zhao).pages[f"/enterprises/{city.huaxing.id}/visits/new"]
    assert 'name="csrf_token" value=""' in page and city.huaxing.name in page
    numbers = db.session.scalars(sa.select(Contact.phone).where(Contact.phone != "")).all()
    told = "".join(_taken(zhao).pages.values())
    assert numbers and not [number for number in numbers if number in told]


def test_nothing_of_another_team_is_ever_told(zhao, sun, city):
    """sun serves another team: of its enterprises no name, of 华星 nothing in sun's."""
    theirs = db.session.scalars(
        sa.select(Enterprise.name).where(
            Enterprise.team_id != sa.select(User.team_id).where(User.username == "zhao").scalar_subquery()
        )
    ).all()
    db.session.rollback()
    told = json.dumps(_taken(zhao).pages, ensure_ascii=False) + str(_taken(zhao).index.rows)
    assert theirs and not [name for name in theirs if name in told]
    other = _taken(sun)
    assert city.huaxing.name not in json.dumps(other.pages, ensure_ascii=False)
    assert city.huaxing.id not in [row[0] for row in other.index.rows]


def test_words_that_hold_the_packs_own_characters_arrive_as_they_are(zhao, city):
    odd = f"读数{NUMBER}和{NAME}"
    assert zhao.submit(f"/needs/{people.NEED}/edit", "need-form", title=odd).status_code == 303
    assert odd in _taken(zhao).pages[f"/needs/{people.NEED}"]


def test_those_without_enterprises_and_those_signed_out_are_told_so(wu, zheng, anybody):
    assert wu.get("/offline/pack").status_code == 403 and zheng.get("/offline/pack").status_code == 403
    signed_out = anybody.get("/offline/pack")
    assert signed_out.status_code == 401 and signed_out.headers["Outbox-Error"] == "auth"


def test_the_code_on_the_door_and_the_typed_number_are_in_the_list(zhao, city):
    code = db.session.scalars(
        sa.select(QrCode).where(QrCode.enterprise_id == city.huaxing.id, QrCode.revoked_at.is_(None))
    ).one()
    row = next(row for row in _taken(zhao).index.rows if row[0] == city.huaxing.id)
    assert row[2:4] == [code.token, code.short_code] and "hua xing" in row[5]


def _greeting(client):
    return re.search(r"<h1>(.*?)</h1>", client.get("/").text)[1]


def test_what_the_phone_has_is_not_told_again(zhao, city):
    whole = _taken(zhao)
    again = _taken(zhao, _have(whole))
    assert again.ended and set(again.groups) <= {"d"}
    assert again.pages == {} and again.index is None
    assert again.size < 1000 < whole.size


@pytest.mark.parametrize("hour", [5, 11, 13, 18])
def test_nor_is_the_day_told_again_because_it_greets_by_another_hour(hour, zhao, city, monkeypatch):
    reached = clock.local_midnight(clock.today()) + timedelta(hours=hour)
    monkeypatch.setattr(clock, "now", lambda: reached - timedelta(seconds=1))
    whole, before = _taken(zhao), _greeting(zhao)
    monkeypatch.setattr(clock, "now", lambda: reached)
    assert _taken(zhao, _have(whole)).pages == {}
    assert _greeting(zhao) != before


def test_a_hash_that_is_not_known_and_nonsense_bring_the_page(zhao, city):
    whole = _taken(zhao)
    key = str(city.huaxing.id)
    path = whole.groups[key].paths[0]
    have = _have(whole).replace(whole.groups[key].stamp, "-" * 8).replace(whole.hashes[path], "zzzzz")
    assert set(_taken(zhao, have).pages) == {path}
    for nonsense in ("~~~", "x" * 9000, "é", f"{key}.{'a' * 7}", "d.;drop", "9" * 12 + ".aaaa"):
        assert _taken(zhao, nonsense.encode("utf-8").decode("latin-1")).ended


ACTS = {
    "a note on a need": lambda z, c: z.submit(f"/needs/{people.NEED}", "note-form", text="问过厂家"),
    "a need edited": lambda z, c: z.submit(f"/needs/{people.NEED}/edit", "need-form", title="换了说法"),
    "a new need": lambda z, c: z.submit(f"/enterprises/{c.huaxing.id}/needs/new", "need-form", title="缺一台设备", kind="TESTING", source="VISIT"),
    "a note on a promise": lambda z, c: z.submit(f"/follow-ups/{people.FOLLOW_UP}", "note-form", text="打过电话"),
    "a promise put off": lambda z, c: z.submit(f"/follow-ups/{people.FOLLOW_UP}/postpone", "postpone-form", due_on=clock.today() + timedelta(days=20), reason="在等样品"),
    "a record amended": lambda z, c: z.submit(f"/visits/{people.VISIT}/edit", "visit-form", said="又聊了一次"),
    "a visit planned": lambda z, c: z.submit(f"/enterprises/{c.huaxing.id}/visits/plan", "plan-form", planned_on=clock.today() + timedelta(days=3)),
    "a photo arrived": lambda z, c: z.post(
        f"/visits/{people.VISIT}/photos",
        data={"csrf_token": z.token(), "photo_id": str(uuid7()), "photos": (__import__("io").BytesIO(jpeg()), "a.jpg")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
def test_whatever_changes_a_page_is_told(act, zhao, city):
    whole = _taken(zhao)
    answer = ACTS[act](zhao, city)
    assert answer.status_code in (200, 204, 303), answer.text[:500]
    again = _taken(zhao, _have(whole))
    key = str(city.huaxing.id)
    assert again.groups[key].stamp != whole.groups[key].stamp
    fresh = _taken(zhao).hashes
    stale = [path for path in whole.groups[key].paths if path in fresh and fresh[path] != whole.hashes[path]]
    assert set(stale) <= set(again.pages), "a page is another now and was not told"


def test_a_contact_another_name_and_a_new_day_change_the_stamp(zhao, city, monkeypatch):
    whole = _taken(zhao)
    key = str(city.huaxing.id)
    with writing():
        db.session.rollback()
        db.session.execute(
            sa.update(Contact).where(Contact.enterprise_id == city.huaxing.id).values(title="总工")
        )
        db.session.commit()
    assert key in _taken(zhao, _have(whole)).groups
    later = clock.today() + timedelta(days=1)
    monkeypatch.setattr(clock, "today", lambda: later)
    assert key in _taken(zhao, _have(whole)).groups


def test_an_enterprise_no_longer_served_is_no_longer_named(zhao, li, city):
    key = str(city.huaxing.id)
    assert key in _taken(zhao).first["groups"]
    with writing():
        db.session.rollback()
        team = sa.select(User.team_id).where(User.username == "sun").scalar_subquery()
        one = city.huaxing.id
        db.session.execute(
            sa.update(Enterprise).where(Enterprise.id == one).values(team_id=team, officer_id=None)
        )
        db.session.execute(
            sa.update(Assignment).where(Assignment.enterprise_id == one).values(ended_on=clock.today())
        )
        db.session.commit()
    pack = _taken(zhao)
    assert key not in pack.first["groups"] and city.huaxing.name not in json.dumps(
        pack.pages, ensure_ascii=False
    )


def test_when_all_slots_are_taken_the_phone_is_asked_to_come_again(app, zhao, city, monkeypatch):
    full = threading.BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setitem(app.extensions, "offline.packs", full)
    answer = zhao.get("/offline/pack")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5"
    assert answer.headers["Outbox-Error"] == "busy"


def test_slots_are_given_back(app, zhao, city, monkeypatch):
    monkeypatch.setitem(app.extensions, "offline.packs", threading.BoundedSemaphore(1))
    for _ in range(3):
        assert _taken(zhao).ended


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30), max_size=30)


@given(st.lists(st.tuples(st.sampled_from("abc"), LINES), max_size=8))
def test_a_page_told_is_the_page_heard(pages):
    teller, memory = Teller(), []
    for kind, lines in pages:
        text = "\n".join(lines)
        told, first = teller.tell(kind, text)
        assert heard(told, first, memory) == text
