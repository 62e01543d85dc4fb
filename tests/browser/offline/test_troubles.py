"""What befalls a phone with entries in it: its session, its owner, its clock, its disk, its battery, a new version."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp import clock
from fieldapp.accounts.models import Session, User
from fieldapp.entries.models import Entry
from fieldapp.visits.models import Visit, VisitEvent, VisitStep
from tests.browser.offline.line import writes_only
from tests.browser.offline.phone import HELD, poll, visits
from tests.browser.offline.town import later_version
from tests.conftest import Client

pytestmark = pytest.mark.browser

# Everything that lies in the app's database on the phone, as text: what is sealed shows as bytes.
RAW = """async () => {
  const base = await new Promise((yes, no) => { const asked = indexedDB.open("fieldapp"); asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  const told = [];
  const readable = (_name, value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
    ? new TextDecoder("utf-8", { fatal: false }).decode(value) : value;
  for (const name of base.objectStoreNames) {
    const rows = await new Promise((yes, no) => { const asked = base.transaction(name).objectStore(name).getAll(); asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
    told.push(JSON.stringify(rows, readable));
  }
  base.close();
  return told.join("\\n");
}"""

FILL = """async (most) => {
  const base = await new Promise((yes, no) => { const asked = indexedDB.open("ballast", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("s", { autoIncrement: true });
    asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  for (const size of [1 << 20, 1 << 16, 1 << 12]) {
    try {
      for (let n = 0; n < most; n += 1) await new Promise((yes, no) => {
        const change = base.transaction("s", "readwrite", { durability: "strict" });
        const stuff = new Uint8Array(size);
        for (let at = 0; at < size; at += 65536) crypto.getRandomValues(stuff.subarray(at, Math.min(size, at + 65536)));
        change.objectStore("s").add(stuff.buffer);
        change.oncomplete = yes; change.onabort = () => no(change.error);
      });
    } catch { /* no room for one of this size */ }
  }
  base.close();
}"""
FREE = """() => new Promise((yes, no) => { const asked = indexedDB.deleteDatabase("ballast"); asked.onsuccess = yes; asked.onerror = no; asked.onblocked = no; })"""


def _queue(town, hand, said):
    town.line.fate = writes_only("cut")
    for one in said:
        assert hand.record(one) == "queued"


def _recorded(town, hand, said):
    """Recorded on the server; the record's id."""
    assert hand.record(said) == "saved"
    hand.must_send_all()
    return town.ask(sa.select(Visit.id).where(Visit.said == said.words))


def test_a_session_that_ran_out_stops_the_queue_and_signing_in_goes_on(town, phone):
    hand, since = phone(), clock.now()
    said = visits("过期", 3)
    _queue(town, hand, said)
    town.expire("zhao")
    town.line.on()
    hand.wake()
    hand.page.get_by_text("登录过期了").first.wait_for()
    assert len(hand.waiting()) == 6 and town.stored(since) == []
    hand.sign_in()
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)


def test_another_person_on_that_phone_neither_sees_nor_sends(town, phone):
    hand, since = phone(), clock.now()
    said = visits("换人", 2)
    _queue(town, hand, said)
    town.expire("zhao")
    town.line.on()
    hand.sign_in("qian")
    hand.page.goto(f"{town.line.url}/outbox")
    hand.page.get_by_role("heading", name="发件箱").wait_for()
    hand.wake()
    hand.page.wait_for_timeout(1500)
    assert "换人" not in hand.page.content()
    assert "换人" not in hand.page.evaluate(RAW), "what a colleague wrote can be read on the phone"
    assert len(hand.waiting()) == 4
    assert town.stored(since) == [] and town.stored(since, "qian") == []
    town.expire("qian")
    hand.sign_in("zhao")
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)
    assert town.stored(since, "qian") == []


def test_a_disabled_account_keeps_its_entries_and_sends_none(town, phone):
    hand, since = phone("sun"), clock.now()
    said = visits("停用", 2)
    for one in said:
        one.enterprise = "yuanshan"
    _queue(town, hand, said)
    sun = town.person("sun")
    with town.inside(writes=True) as session:
        session.execute(sa.update(User).where(User.id == sun).values(active=False))
        session.execute(sa.update(Session).where(Session.user_id == sun).values(ended_at=clock.now()))
    town.line.on()
    hand.wake()
    hand.page.get_by_text("这台手机上的登录被结束了").first.wait_for()
    assert len(hand.waiting()) == 4 and town.stored(since, "sun") == []
    assert "停用" not in hand.page.evaluate(RAW)
    with town.inside(writes=True) as session:
        session.execute(sa.update(User).where(User.id == sun).values(active=True))
    hand.sign_in("sun")
    hand.must_send_all(hurried=True)
    town.must_hold(said, since, "sun")


def test_three_edits_from_one_stale_page_apply_in_turn(town, phone):
    hand = phone()
    (said,) = visits("三改", 1)
    visit = _recorded(town, hand, said)
    town.line.fate = writes_only("cut")
    before = said.words
    for words in ("三改 第一次改", "三改 第二次改", "三改 第三次改"):
        hand.page.goto(f"{town.line.url}/visits/{visit}/edit")
        field = hand.page.get_by_label("聊了什么")
        expect(field).to_have_value(before)  # the old page, and in it what waits
        field.fill(words)
        before = words
        hand.page.get_by_role("button", name="保存修改").tap()
        hand.page.locator("[data-key]").wait_for()
    assert town.ask(sa.select(Visit.said).where(Visit.id == visit)) == said.words
    town.line.on()
    hand.must_send_all(hurried=True)
    assert town.ask(sa.select(Visit.said).where(Visit.id == visit)) == "三改 第三次改"
    changes = [
        row.changes["said"]
        for row in town.all(
            sa.select(VisitEvent.changes)
            .where(VisitEvent.visit_id == visit, VisitEvent.step == VisitStep.AMENDED)
            .order_by(VisitEvent.id)
        )
    ]
    assert [after for _before, after in changes] == ["三改 第一次改", "三改 第二次改", "三改 第三次改"]


def test_somebody_elses_edit_in_between_is_shown_and_not_overwritten(town, phone):
    hand = phone()
    (said,) = visits("冲突", 1)
    visit = _recorded(town, hand, said)
    town.line.fate = writes_only("cut")
    hand.page.goto(f"{town.line.url}/visits/{visit}/edit")
    hand.page.get_by_label("聊了什么").fill("冲突：赵青在车间里写的")
    hand.page.get_by_role("button", name="保存修改").tap()
    hand.page.locator("[data-key]").wait_for()
    town.app.test_client_class = Client
    qian = town.app.test_client()
    cookie = town.cookie("qian")
    qian.set_cookie(cookie["name"], cookie["value"])
    answer = qian.submit(f"/visits/{visit}/edit", "visit-form", said="冲突：钱禾在办公室写的")
    assert answer.status_code in (204, 302, 303), answer.status_code
    town.line.on()
    hand.wake()
    poll(lambda: [row for row in hand.held() if row["state"] == "conflict"], "a conflict")
    assert town.ask(sa.select(Visit.said).where(Visit.id == visit)) == "冲突：钱禾在办公室写的"
    hand.page.goto(f"{town.line.url}/outbox")
    for words in ("冲突：赵青在车间里写的", "冲突：钱禾在办公室写的"):
        hand.page.get_by_text(words).first.wait_for()


def test_a_captive_portal_is_no_answer(town, phone):
    hand, since = phone(), clock.now()
    (said,) = visits("门户", 1, photos=2)
    hand.open_form()
    hand.fill(said)
    town.line.mode = "portal"
    hand.submit()
    assert hand.settled() == "queued"
    hand.wake()
    hand.page.wait_for_timeout(1500)
    assert len(hand.waiting()) == 3 and town.stored(since) == []
    town.line.on()
    hand.must_send_all(hurried=True)
    town.must_hold([said], since)


@pytest.mark.parametrize("days", [1, -1], ids=["ahead", "behind"])
def test_a_clock_wrong_by_a_day_stops_nothing(town, phone, days):
    hand, since = phone(), clock.now()
    hand.expected.append(r"Lock broken")  # a clock that jumps makes the other tab look as if it slept
    said = visits(f"钟{days}", 3)
    queued, killed, online = said
    hand.page.clock.install(time=clock.now() + timedelta(days=days))
    town.line.fate = writes_only("cut")
    assert hand.record(queued) == "queued"
    town.line.on()
    hand.must_send_all(hurried=True)
    assert hand.record(online) == "saved"
    hand.must_send_all()
    # Put away by the wrong clock, sent by the right one: nobody waits for tomorrow.
    town.line.fate = writes_only("cut")
    assert hand.record(killed) == "queued"
    hand.page.close()
    hand.page = hand.new_tab()
    town.line.on()
    hand.page.goto(f"{town.line.url}/enterprises")
    hand.must_send_all(hurried=True, patience=30)
    town.must_hold(said, since)
    told = town.ask(
        sa.select(Entry.client_at).where(Entry.client_at.is_not(None)).order_by(Entry.created_at.desc())
    )
    assert abs((told - clock.now()).total_seconds()) > 80_000, "the phone's clock is kept beside the server's"


def test_a_full_disk_is_said_and_loses_no_word(town, phone):
    # Chromium's own quota, made small: a full phone without filling one (offline.md has no such luck with CDP's).
    hand = phone("zhao", "--enable-features=StorageQuotaSettings:PoolSizeBytes/12000000")
    hand.expected += [r"QuotaExceeded", r"outbox:", r"UnknownError", r"quota", r"Not sent"]
    since = clock.now()
    said = visits("盘满", 2)
    hand.open_form()
    hand.fill(said[0])
    hand.page.evaluate(FILL, 40)
    town.line.fate = writes_only("cut")
    hand.submit()
    hand.page.get_by_text("手机存储满了").first.wait_for()
    assert hand.page.get_by_label("聊了什么").input_value() == said[0].words
    assert hand.page.locator("[data-photo] img").count() == 1
    assert hand.held() == [] and town.stored(since) == []
    hand.page.evaluate(FREE)
    hand.submit()
    assert hand.settled() == "queued"
    town.line.on()
    hand.must_send_all(hurried=True)
    # Full again, but with a network: it goes out as it stands.
    hand.open_form()
    hand.fill(said[1])
    hand.page.evaluate(FILL, 40)
    hand.submit()
    assert hand.settled() == "saved"
    town.must_hold(said, since)


def test_a_phone_that_was_switched_off_goes_on_where_it_was(town, phone):
    hand, since = phone(), clock.now()
    said = visits("重启", 4)
    _queue(town, hand, said[:2])
    # Off in the middle of sending: one that the server never saw, one that it had already kept.
    for one, mode in zip(said[2:], ("hang", "mute"), strict=True):
        hand.open_form()
        hand.fill(one)
        town.line.seen.clear()
        town.line.fate = writes_only(mode)
        held = {row["key"] for row in hand.held()}
        hand.submit()
        # Its own request, not one of an earlier entry that is tried again: before that nothing has been promised.
        poll(
            lambda mode=mode, held=held: [
                h for h in town.line.writes() if h.key not in held and (mode == "hang" or h.status)
            ],
            "it is in the air",
        )
        hand.kill()
        town.line.on()
        town.line.fate = writes_only("cut")
        hand.start()
        hand.page.goto(f"{town.line.url}/enterprises")
        if "/login" in hand.page.url:  # the cookie had not reached the disk
            town.line.on()
            hand.sign_in()
            town.line.fate = writes_only("cut")
    town.line.on()
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)


def test_a_new_version_in_mid_queue_strands_nothing(town, phone, tmp_path):
    hand, since = phone(), clock.now()
    said = visits("升级", 4)
    _queue(town, hand, said[:2])
    old = hand.open_form()
    hand.fill(said[2])
    old_root = town.root
    town.stop()
    town.root = later_version(tmp_path)
    try:
        town.start()
        town.line.on()
        # The old page knows nothing of it and goes on; what is typed stays.
        hand.wake()
        poll(
            lambda: len([row for row in hand.held() if row["state"] == "done"]) >= 4, "the old page has sent"
        )
        assert old.get_by_label("聊了什么").input_value() == said[2].words
        hand.submit()
        assert hand.settled() == "saved"
        before = hand.page.locator("script[src*='/js/app.js']").get_attribute("src")
        fresh = hand.new_tab()
        assert hand.record(said[3], fresh) == "saved"
        after = fresh.locator("script[src*='/js/app.js']").get_attribute("src")
        assert after != hand.context.request.get(f"{town.line.url}/login").text() and before
        hand.must_send_all(fresh, hurried=True)
        town.must_hold(said, since)
        assert [row for row in fresh.evaluate(HELD) if row["state"] != "done"] == []
    finally:
        town.stop()
        town.root = old_root
        town.start()
