"""What phones still hold, as the lead sees it; bodies that came too late; an outbox carried to another phone; tidying."""

from __future__ import annotations

import base64
import re
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts import User
from fieldapp.accounts.models import Session, Throttle
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.entries.models import Entry, LateEntry, LateFile
from fieldapp.imports.models import BatchState, ImportBatch, ImportRow
from fieldapp.offline.carrying import carry_key
from fieldapp.offline.models import Phone as Report
from fieldapp.offline.readings import kind_of, read
from fieldapp.offline.reports import forget_reports
from tests import people
from tests.house.test_authorisation import began_import
from tests.phones import Phone, kept_late

NOTES = f"/follow-ups/{people.FOLLOW_UP}/notes"
DAY = 86_400


@pytest.fixture(autouse=True)
def _after_a_restart():
    forget_reports()


@pytest.fixture
def phone(zhao):
    return Phone(zhao)


def rows(model):
    db.session.rollback()
    found = list(db.session.scalars(sa.select(model)))
    db.session.rollback()
    return found


def id_of(username):
    db.session.rollback()
    return db.session.scalars(sa.select(User.id).where(User.username == username)).one()


def line_of(page, username):
    """What the lead's page says about one person."""
    found = re.search(rf'<li [^>]*data-holder="{id_of(username)}">.*?</li>', page.text, re.S)
    return re.sub(r"<[^>]+>", " ", found[0]) if found else None


# ---- reports -----------------------------------------------------------------------------------------------------------


def test_a_phone_says_with_any_request_what_it_holds(phone):
    report = phone.report(waiting=3, stuck=1, oldest=7200)
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) AppleWebKit/605 Mobile/15E148 MicroMessenger/8.0"
    assert phone.client.get("/enterprises", headers=report | {"User-Agent": iphone}).status_code == 200
    (told,) = rows(Report)
    assert (told.waiting, told.stuck, told.label) == (3, 1, "苹果手机|微信") and str(told.id) == phone.name
    assert abs(told.reported_at - told.oldest_at - timedelta(hours=2)) < timedelta(seconds=1)


def test_the_same_report_again_writes_nothing_for_five_minutes(phone, monkeypatch):
    phone.session(waiting=2, oldest=60)
    first = rows(Report)[0].reported_at
    phone.session(waiting=2, oldest=90)
    assert rows(Report)[0].reported_at == first
    phone.session(waiting=1, oldest=90)
    second = rows(Report)[0].reported_at
    assert second > first
    monkeypatch.setattr("fieldapp.offline.reports.REPEAT", 0.0)
    phone.session(waiting=1, oldest=120)
    assert rows(Report)[0].reported_at > second and len(rows(Report)) == 1


def test_an_empty_phone_says_so(phone):
    phone.session(waiting=1, oldest=60)
    phone.session(waiting=0)
    (told,) = rows(Report)
    assert told.waiting == 0 and told.oldest_at is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Outbox-Phone": "mine", "Outbox-Waiting": "1"},
        {"Outbox-Phone": "", "Outbox-Waiting": "1"},
        {"Outbox-Waiting": "1"},
    ],
)
def test_a_report_without_a_phone_is_none(phone, headers):
    assert phone.client.get("/outbox/session", headers=headers).status_code == 200
    assert rows(Report) == []


@pytest.mark.parametrize("number", ["-1", "1e9", "99999999999999999999", "三", ""])
def test_a_number_that_is_none_counts_as_nothing(phone, number):
    headers = {
        "Outbox-Phone": phone.name,
        "Outbox-Waiting": "2",
        "Outbox-Oldest": number,
        "Outbox-Stuck": number,
    }
    assert phone.client.get("/outbox/session", headers=headers).status_code == 200
    (told,) = rows(Report)
    assert told.stuck == 0 and told.oldest_at == told.reported_at


def test_what_nobody_signed_in_says_is_not_heard(anybody):
    anybody.get("/login", headers={"Outbox-Phone": str(uuid.uuid4()), "Outbox-Waiting": "5"})
    assert rows(Report) == []


def test_a_phone_of_two_people_has_two_reports(zhao, qian):
    first, second = Phone(zhao), Phone(qian)
    second.name = first.name
    first.session(waiting=1, oldest=60)
    second.session(waiting=4, oldest=60)
    assert sorted((told.user_id, told.waiting) for told in rows(Report)) == [
        (id_of("zhao"), 1),
        (id_of("qian"), 4),
    ]


# ---- the lead's page ---------------------------------------------------------------------------------------------------


def test_the_lead_sees_who_still_holds_what_and_since_when(phone, li, zhou):
    phone.session(waiting=3, stuck=1, oldest=3 * 3600)
    page = li.get("/lead/phones")
    line = line_of(page, "zhao")
    assert "3 条还在手机里" in line and "3 小时" in line and "其中 1 条要本人处理" in line
    assert "等了一天以上" not in li.get("/lead").text
    assert line_of(zhou.get("/lead/phones"), "zhao") is None


def test_after_a_day_it_is_said_aloud(phone, li, zhou):
    phone.session(waiting=1, oldest=3 * DAY)
    assert "最早的已经等了 3 天，请提醒联网" in line_of(li.get("/lead/phones"), "zhao")
    assert "1 人的手机里有记录等了一天以上还没交上来" in li.get("/lead").text
    assert "等了一天以上" not in zhou.get("/lead").text


def test_i_did_record_it_can_be_answered(phone, li, zhou, zhao):
    key, at = uuid7(), clock.now() - timedelta(hours=5)
    phone.send(NOTES, {"text": "密语"}, key, Outbox_At=at.isoformat())
    assert "最近收到" in line_of(li.get("/lead/phones"), "zhao")
    assert "90 天内没有收到过" in line_of(li.get("/lead/phones"), "qian")
    page = li.get(f"/lead/phones/{id_of('zhao')}")
    assert f'href="/follow-ups/{people.FOLLOW_UP}#progress"' in page.text
    assert "收到" in page.text and "手机上记于" in page.text and "密语" not in page.text
    assert zhou.get(f"/lead/phones/{id_of('zhao')}").status_code == 404
    assert zhao.get(f"/lead/phones/{id_of('zhao')}").status_code == 403


def test_a_disabled_officer_who_still_holds_something_is_listed(li):
    with writing():
        db.session.rollback()
        moment = clock.now()
        db.session.add(
            Report(
                id=uuid.uuid4(),
                user_id=id_of("wang"),
                waiting=2,
                stuck=0,
                oldest_at=moment,
                reported_at=moment,
            )
        )
        db.session.commit()
    line = line_of(li.get("/lead/phones"), "wang")
    assert "2 条还在手机里" in line and "已停用" in line


def test_the_longest_held_comes_first(zhao, qian, li):
    Phone(qian).session(waiting=1, oldest=600)
    Phone(zhao).session(waiting=1, oldest=900)
    order = re.findall(r'data-holder="(\d+)"', li.get("/lead/phones").text)
    assert order[:2] == [str(id_of("zhao")), str(id_of("qian"))]


# ---- bodies that came too late -----------------------------------------------------------------------------------------


def came_late(sender, **fields):
    key = uuid7()
    sender.send(NOTES, {"text": "甲稿"}, key)
    sender.send(NOTES, {"text": "乙稿"} | fields, key)


def test_the_lead_reads_what_came_late_and_ticks_it_off(phone, li, zhou):
    came_late(phone, phone="13812345621", said="电话 13812345621 找周工", csrf_token="x" * 40)
    page = li.get("/lead/phones")
    assert "乙稿" in page.text and "甲稿" not in page.text and "138 **** 5621" in page.text
    assert "13812345621" not in page.text and "xxxx" not in page.text
    assert "乙稿" not in zhou.get("/lead/phones").text
    (late,) = rows(LateEntry)
    assert li.submit("/lead/phones", f"/lead/phones/late/{late.id}/seen").status_code == 303
    assert "乙稿" not in li.get("/lead/phones").text
    (late,) = rows(LateEntry)
    assert late.seen_at and late.seen_by_id == id_of("li")
    assert [event.actor_name for event in rows(AuditEvent) if event.action == "late_entry_seen"] == ["李望"]


def test_another_teams_lead_neither_ticks_off_nor_looks(zhao, zhou, li):
    late_id, file_id = kept_late(zhao)
    token = {"csrf_token": zhou.token()}
    assert zhou.post(f"/lead/phones/late/{late_id}/seen", data=token).status_code == 404
    assert zhou.get(f"/lead/phones/files/{file_id}.jpg").status_code == 404
    assert rows(LateEntry)[0].seen_at is None
    photo = li.get(f"/lead/phones/files/{file_id}.jpg")
    assert photo.mimetype == "image/jpeg" and photo.data.startswith(b"\xff\xd8\xff")


def test_a_late_file_that_is_no_photo_is_not_served(zhao, li):
    _, file_id = kept_late(zhao)
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(LateFile).values(data=b"<script>alert(1)</script>"))
        db.session.commit()
    assert li.get(f"/lead/phones/files/{file_id}.jpg").status_code == 404


def test_fields_are_read_in_words():
    fields = [
        ["arrived_at", "2026-11-23T10:00"], ["way", "ON_SITE"], ["purposes", "NEEDS"], ["purposes", "POLICY"],
        ["met", "7"], ["met", "8"], ["needs-0-title", "涂层"], ["needs-0-kind", "OTHER"], ["promises-1-kind", "OTHER"],
        ["new_contacts-0-phone", "13812345621"], ["said", ""], ["version", "3"], ["visit_id", "x"], ["odd", "怪"],
    ]  # fmt: skip
    said = {one.label: one.words for one in read(fields, "/visits/x/edit", {"met": {"7": "周岚"}})}
    assert said == {
        "到访时间": ["2026-11-23 10:00"],
        "怎么走访": ["上门"],
        "走访目的": ["了解需求", "政策宣讲"],
        "见到的人": ["周岚", "8"],
        "需求 1 · 标题": ["涂层"],
        "需求 1 · 类型": ["其他"],
        "答应的事 2 · 类型": ["其他"],
        "新联系人 1 · 电话": ["138 **** 5621"],
        "odd": ["怪"],
    }


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/enterprises/3/visits/new", "走访"),
        ("/visits/x/photos", "走访照片"),
        ("/needs/x/steps/claim", "需求"),
        ("/follow-ups/x/close", "跟进"),
        ("/me/display", "其他操作"),
    ],
)
def test_an_entry_is_named_by_where_it_went(path, word):
    assert kind_of(path)[0] == word


# ---- an outbox in a file -----------------------------------------------------------------------------------------------


def test_the_key_of_a_carried_outbox_is_its_owners_and_their_leads(phone, li):
    salt = bytes(range(32))
    address = f"/outbox/carry-key?user={id_of('zhao')}&salt={salt.hex()}"
    own, leads = phone.client.get(address), li.get(address)
    seed = base64.b64decode(phone.session()["seed"])
    assert base64.b64decode(own.json["key"]) == carry_key(seed, salt) == base64.b64decode(leads.json["key"])
    assert own.headers["Cache-Control"] == "no-store"
    told = [event.actor_name for event in rows(AuditEvent) if event.action == "outbox_file_opened"]
    assert told == ["赵青", "李望"]
    other = f"/outbox/carry-key?user={id_of('zhao')}&salt={salt[::-1].hex()}"
    assert phone.client.get(other).json != own.json


@pytest.mark.parametrize("who", ["qian", "sun", "zhou", "wu", "zheng"])
def test_nobody_else_opens_it(who, browser_of):
    address = f"/outbox/carry-key?user={id_of('zhao')}&salt={'00' * 32}"
    assert browser_of(who).get(address).status_code == 404


@pytest.mark.parametrize(
    "query", ["", "user=1", "user=1&salt=00", "user=1&salt=zz", f"user=x&salt={'00' * 32}"]
)
def test_a_file_without_a_head_has_no_key(phone, query):
    assert phone.client.get(f"/outbox/carry-key?{query}").status_code == 404


def test_the_key_is_hkdf_as_browsers_make_it():
    """RFC 5869 with this salt, key and info, reckoned once with WebCrypto."""
    assert carry_key(b"\x0b" * 32, bytes(range(32))).hex() == (
        "0c48bec9e1a0adeceb6173668617cc24c857c12f0de2cb707e04ba169cf1f7a5"
    )


# ---- tidying -------------------------------------------------------------------------------------------------------------


def tidy(app):
    db.session.rollback()
    ran = app.test_cli_runner().invoke(args=["tidy"])
    assert ran.exit_code == 0, ran.output
    return dict(line.split(": ") for line in ran.output.splitlines())


def test_a_receipt_outlives_ninety_days_and_no_more(app, phone):
    keys = [uuid7(), uuid7()]
    for key in keys:
        phone.send(NOTES, {"text": str(key)}, key)
    with writing():
        db.session.rollback()
        for key, days in zip(keys, (89, 91), strict=True):
            db.session.get(Entry, key).created_at = clock.now() - timedelta(days=days)
        db.session.commit()
    assert tidy(app)["entries"] == "1"
    assert [entry.key for entry in rows(Entry)] == [keys[0]]
    assert tidy(app)["entries"] == "0"


def test_more_than_one_chunk_goes(app, phone):
    old = clock.now() - timedelta(days=100)
    row = {"method": "POST", "path": "/", "fingerprint": b"0" * 32, "status": 204, "location": "", "body": ""}
    with writing():
        db.session.rollback()
        made = [row | {"key": uuid7(), "user_id": 1, "created_at": old} for _ in range(1200)]
        db.session.execute(sa.insert(Entry), made)
        db.session.commit()
    assert tidy(app)["entries"] == "1200" and rows(Entry) == []


def test_a_late_body_goes_only_when_somebody_has_dealt_with_it(app, zhao):
    kept_late(zhao)
    kept_late(zhao)
    first = min(rows(LateEntry), key=lambda late: late.id)
    with writing():
        db.session.rollback()
        old = clock.now() - timedelta(days=400)
        db.session.execute(sa.update(LateEntry).values(received_at=old))
        db.session.execute(sa.update(LateEntry).where(LateEntry.id == first.id).values(seen_at=old))
        db.session.commit()
    assert tidy(app)["late bodies"] == "1"
    assert len(rows(LateEntry)) == len(rows(LateFile)) == 1


def test_old_sessions_failed_tries_and_silent_phones_go(app, zhao, qian):
    Phone(zhao).session(waiting=0)
    Phone(qian).session(waiting=2, oldest=60)
    zhao_id = id_of("zhao")
    with writing():
        db.session.rollback()
        old = clock.now() - timedelta(days=200)
        db.session.add(Throttle(key="old", failures=3, last_failed_at=old))
        db.session.add(Throttle(key="new", failures=3, last_failed_at=clock.now()))
        db.session.execute(sa.update(Report).values(reported_at=old, oldest_at=old))
        db.session.execute(sa.update(Session).where(Session.user_id == zhao_id).values(ended_at=old))
        db.session.commit()
    went = tidy(app)
    assert (went["sessions"], went["failed sign-ins"], went["phones"]) == ("1", "1", "1")
    assert [one.user_id for one in rows(Session)] == [id_of("qian")]
    assert [one.key for one in rows(Throttle)] == ["new"]
    assert [one.user_id for one in rows(Report)] == [id_of("qian")]  # it still held something


def test_uploaded_files_go_and_what_was_made_of_them_stays(app, li):
    confirmed, abandoned, fresh = (began_import(li) for _ in range(3))
    with writing():
        db.session.rollback()
        old = clock.now() - timedelta(days=100)
        batch = sa.update(ImportBatch)
        db.session.execute(batch.where(ImportBatch.id.in_([confirmed, abandoned])).values(created_at=old))
        db.session.execute(batch.where(ImportBatch.id == confirmed).values(state=BatchState.CONFIRMED))
        db.session.commit()
    assert tidy(app)["import files"] == "2"
    states = {one.id: (one.state, bool(one.content)) for one in rows(ImportBatch)}
    assert states == {
        confirmed: (BatchState.CONFIRMED, False),
        abandoned: (BatchState.WITHDRAWN, False),
        fresh: (BatchState.CHECKED, True),
    }
    assert {row.batch_id for row in rows(ImportRow)} == {confirmed, fresh}
    answer = li.get(f"/imports/enterprises/{confirmed}/refused.xlsx")
    assert answer.status_code == 404 and "已按期清理" in answer.text
    assert tidy(app)["import files"] == "0"


def test_tidying_an_empty_database_is_nothing(app):
    assert set(tidy(app).values()) == {"0"}
