"""Whoever wants to lose or double an entry: corrections that cross, stores that vanish, one outbox on three phones."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from fieldapp import clock
from fieldapp.visits.models import Visit
from tests.browser.offline.line import writes_only
from tests.browser.offline.phone import poll, visits
from tests.tools import chromium

pytestmark = pytest.mark.browser

# One store of the phone's database, emptied behind the app's back; `keep` is the start of what stays.
EMPTY = """async ({ store, keep }) => {
  const base = await new Promise((yes, no) => { const asked = indexedDB.open("fieldapp"); asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  await new Promise((yes, no) => {
    const change = base.transaction(store, "readwrite");
    change.oncomplete = yes; change.onabort = () => no(change.error);
    change.objectStore(store).openCursor().onsuccess = ({ target: { result } }) => {
      if (!result) return;
      if (!keep || !String(result.key).startsWith(keep)) result.delete();
      result.continue();
    };
  });
  base.close();
}"""
# Three that finish the pending sign-out at once, each with the page that was theirs.
SIGNED_OUT = """async () => {
  const { finishSignOut } = await import(document.querySelector('script[src$="/js/app.js"]').src.replace("app.js", "people.js"));
  return Promise.all([1, 2, 3].map(() => finishSignOut()));
}"""
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });"


def _queued(town, hand, said, page=None):
    town.line.fate = writes_only("cut")
    for one in said:
        assert hand.record(one, page) == "queued"


def _arrived(town, said):
    return town.ask(
        sa.select(sa.func.count()).select_from(Visit).where(Visit.said.in_([one.words for one in said]))
    )


def _correct(hand, words):
    """The outbox's own way: the form again, with other words."""
    page = hand.page
    page.bring_to_front()
    hand.change()
    page.get_by_text("这是还没发出去的").or_(page.locator("form[data-entry]")).first.wait_for()
    page.get_by_label("聊了什么").fill(words)
    hand.submit()
    assert hand.settled() == "queued"


def test_a_correction_that_comes_too_late_can_be_read_and_takes_no_photo_along(town, phone):
    hand, since = phone(), clock.now()
    (said,) = visits("来迟的更正", 1, photos=2)
    town.line.fate = writes_only("lost")  # the server has it, the phone does not know
    assert hand.record(said) == "queued"
    town.line.fate = writes_only("cut")
    _correct(hand, "来迟的更正：改过的话")
    town.line.on()
    hand.wake()
    poll(lambda: [row for row in hand.held() if row["error"] == "revised-too-late"], "it is told")
    hand.page.goto(f"{town.line.url}/outbox")
    card = hand.page.locator("[data-part=todo] article")
    card.get_by_text("你写的：来迟的更正：改过的话").wait_for()
    poll(lambda: len(hand.waiting()) == 1, "the photos have gone to the record")
    card.get_by_role("button", name="删掉").tap()
    hand.page.get_by_role("dialog").get_by_role("button", name="删掉").tap()
    poll(lambda: hand.waiting() == [], "nothing waits")
    town.must_hold([said], since)


def _carried(hand, file):
    """The outbox as a file, as its page makes it."""
    page = hand.page
    page.goto(f"{hand.town.line.url}/outbox")
    chromium.unfold(page.get_by_text("一直发不出去？存成文件"))
    with page.expect_download() as saved:
        page.get_by_role("button", name="存成文件").tap()
    saved.value.save_as(file)


def _opened(hand, file, words):
    page = hand.page
    page.goto(f"{hand.town.line.url}/outbox")
    chromium.unfold(page.get_by_text("一直发不出去？存成文件"))
    page.locator("input[type=file]").set_input_files(file)
    page.locator("[data-carry=said]").get_by_text(words).wait_for()


def test_one_outbox_on_three_phones_sent_by_all_at_once_happens_once(town, phone, tmp_path):
    """Its owner's, the same file twice on the owner's second, and the lead's; photos among it, the line losing answers."""
    hand, second, lead = phone(), phone(), phone("li")
    since = clock.now()
    said = visits("三部手机", 4, photos=2)
    _queued(town, hand, said)
    file = str(tmp_path / "box.fieldapp")
    _carried(hand, file)
    for other in (second, lead):
        _opened(other, file, "放进来 12 条")
        _opened(other, file, "原来就有的 12 条")
    assert town.stored(since) == []
    town.line.fate = writes_only("lost")
    for one in (hand, second, lead):
        one.wake()
    poll(lambda: _arrived(town, said) == 4, "the first have arrived", patience=40)
    town.line.on()
    for one in (hand, second, lead):
        one.must_send_all(hurried=True)
    town.must_hold(said, since)


def test_what_was_put_right_after_the_file_was_written_is_not_undone_by_it(town, phone, tmp_path):
    hand, lead = phone(), phone("li")
    since = clock.now()
    (said,) = visits("文件之后改的", 1, photos=2)
    _queued(town, hand, [said])
    file = str(tmp_path / "box.fieldapp")
    _carried(hand, file)
    said.words = "文件之后改的：新话"
    _correct(hand, said.words)
    town.line.on()
    hand.must_send_all(hurried=True)
    _opened(lead, file, "放进来 3 条")
    poll(
        lambda: not [row for row in lead.waiting() if row["state"] == "queued"], "the lead's phone is through"
    )
    town.must_hold([said], since)


@pytest.mark.parametrize("store", ["bodies", "meta"])
def test_one_store_of_the_phone_is_emptied_by_the_system(town, phone, store):
    hand, since = phone(), clock.now()
    said = visits(f"清掉{store}", 3)
    _queued(town, hand, said[:1])
    hand.page.evaluate(EMPTY, {"store": store, "keep": ""})
    _queued(town, hand, said[1:])
    town.line.on()
    hand.page.goto(f"{town.line.url}/enterprises")
    if store == "meta":  # the key comes again, and what came later has stayed later
        hand.must_send_all(hurried=True)
        town.must_hold(said, since)
        return
    poll(
        lambda: len(hand.waiting()) == 2 and {row["error"] for row in hand.waiting()} <= {"lost", ""},
        "the others have gone",
    )
    town.must_hold(said[1:], since)
    hand.page.goto(f"{town.line.url}/outbox")
    hand.page.get_by_text("这一条的内容在手机上找不到了").first.wait_for()
    card = hand.page.locator("[data-part=todo] article").first
    card.get_by_role("button", name="删掉").tap()
    hand.page.get_by_role("dialog").get_by_role("button", name="删掉").tap()
    poll(lambda: hand.waiting() == [], "it and its photo are gone from the list")
    # What was typed lies there as a draft and is offered again.
    hand.open_form()
    hand.page.get_by_role("button", name="接着写").first.wait_for()


def test_without_locks_two_tabs_race_and_the_server_keeps_one_of_each(town, phone):
    hand, since = phone(), clock.now()
    hand.context.add_init_script(NO_LOCKS)
    said = visits("没有锁", 4)
    other = hand.new_tab()
    _queued(town, hand, said[:2])
    _queued(town, hand, said[2:], other)
    assert hand.page.evaluate("navigator.locks === undefined")
    town.line.fate = lambda heard: "lost" if heard.method == "POST" and hash(heard.at) % 3 == 0 else "pass"
    for _ in range(3):
        for page in (hand.page, other):
            hand.wake(page)
    town.line.on()
    hand.must_send_all(hurried=True)
    hand.must_send_all(other, hurried=True)
    town.must_hold(said, since)


def test_two_tabs_photos_a_correction_and_a_sign_out_in_between(town, phone):
    hand, since = phone(), clock.now()
    said = visits("中途退出", 3, photos=2)
    other = hand.new_tab()
    _queued(town, hand, said[:1])
    hand.open_form(page=other)
    hand.fill(said[1], other)
    said[0].words = "中途退出：更正过"
    _correct(hand, said[0].words)
    hand.submit(other)
    assert hand.settled(other) == "queued"
    page = hand.page
    page.bring_to_front()
    page.goto(f"{town.line.url}/me")
    page.get_by_role("button", name="退出登录").tap()
    page.get_by_role("button", name="仍然退出").tap()
    page.wait_for_url("**/login?*")
    town.line.on()
    # Tabs and worker all tell the server, and none of them takes another's success for its own failure.
    assert page.evaluate(SIGNED_OUT) == [True, True, True]
    hand.sign_in("qian")
    hand.wake()
    page.wait_for_timeout(1000)
    assert town.stored(since) == [] and town.stored(since, "qian") == []
    assert len(hand.waiting()) == 6
    town.expire("qian")
    hand.sign_in("zhao")
    assert hand.record(said[2]) == "saved"
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)


def test_a_clock_that_jumps_back_holds_nothing_up_and_changes_no_order(town, phone):
    hand = phone()
    hand.expected.append(r"Lock broken")  # a clock that jumps makes the other tab look as if it slept
    (said,) = visits("时钟", 1)
    assert hand.record(said) == "saved"
    hand.must_send_all()
    visit = town.ask(sa.select(Visit.id).where(Visit.said == said.words))
    town.line.fate = writes_only("cut")
    before = said.words
    for words, hours in (("时钟 一", 30), ("时钟 二", 1), ("时钟 三", -50)):
        hand.page.clock.install(time=clock.now() + timedelta(hours=hours))
        hand.page.goto(f"{town.line.url}/visits/{visit}/edit")
        field = hand.page.get_by_label("聊了什么")
        expect(field).to_have_value(before)  # the old page, and in it what waits
        field.fill(words)
        before = words
        hand.page.get_by_role("button", name="保存修改").tap()
        hand.page.locator("[data-key]").wait_for()
        hand.page.close()
        hand.page = hand.new_tab()
    town.line.on()
    hand.page.goto(f"{town.line.url}/enterprises")
    hand.must_send_all(hurried=True, patience=30)
    assert town.ask(sa.select(Visit.said).where(Visit.id == visit)) == "时钟 三"


def test_the_worker_sends_what_waits_when_no_page_is_open(town, phone):
    """Background Sync, where it is: the browser wakes the worker by itself when the network is back."""
    hand, since = phone(), clock.now()
    said = visits("后台", 2)
    hand.page.goto(f"{town.line.url}/enterprises")
    poll(lambda: hand.page.evaluate("() => Boolean(navigator.serviceWorker.controller)"), "the worker")
    _queued(town, hand, said)
    blank = hand.new_tab()
    browser = hand.context.new_cdp_session(blank)
    found: list[dict] = []
    browser.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    browser.send("ServiceWorker.enable")
    poll(lambda: blank.evaluate("1") and found, "the registration")
    hand.page.close()
    town.line.on()
    browser.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": town.line.url,
            "registrationId": found[0]["registrationId"],
            "tag": "outbox",
            "lastChance": False,
        },
    )
    poll(lambda: blank.evaluate("1") and _arrived(town, said) == 2, "the worker has sent them", patience=40)
    hand.page = blank
    blank.goto(f"{town.line.url}/enterprises")
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)


def test_a_line_that_looks_whole_and_answers_nothing_is_not_stormed(town, phone):
    """The browser believes in its network, so each Background Sync that is asked for comes at once."""
    hand = phone()
    hand.page.goto(f"{town.line.url}/enterprises")
    poll(lambda: hand.page.evaluate("() => Boolean(navigator.serviceWorker.controller)"), "the worker")
    since, said = clock.now(), visits("风暴", 3)
    town.line.fate = writes_only("gateway")
    for one in said:
        assert hand.record(one) == "queued"
    town.line.seen.clear()
    hand.page.wait_for_timeout(10_000)
    sent = [heard.key for heard in town.line.writes() if heard.key]
    assert len(sent) < 25, f"{len(sent)} times in ten seconds"
    town.line.on()
    hand.must_send_all(hurried=True)
    town.must_hold(said, since)
