"""A waiting visit is opened again with its photos: shown, taken away, added to; nothing doubled, nothing lost."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.visits.models import Visit
from tests.browser.offline.line import writes_only
from tests.browser.offline.phone import poll, visits
from tests.browser.offline.town import photo

pytestmark = pytest.mark.browser

TILES = "[data-photo] img"
# What is painted in the tiles, and what their one input holds.
SHOWN = """async () => ({
  widths: await Promise.all([...document.querySelectorAll("[data-photo] img")].map(async (image) => { await image.decode().catch(() => {}); return image.naturalWidth; })),
  files: [...document.querySelector("input[name=photos]").files].map(({ name }) => name),
})"""
# What waits, to the byte; how often it was tried is another matter.
RAW = """async () => {
  const base = await new Promise((yes, no) => { const asked = indexedDB.open("fieldapp"); asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  const all = (name) => new Promise((yes, no) => { const asked = base.transaction(name).objectStore(name).getAll(); asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  const bytes = (part) => Array.from(new Uint8Array(part)).join();
  const told = (await Promise.all(["entries", "bodies"].map(all))).flat().map(({ key, seq, keys, made, photo, sealed }) => [key, seq, keys, made, photo, sealed]);
  base.close();
  return JSON.stringify(told, (_name, part) => (part instanceof ArrayBuffer ? bytes(part) : ArrayBuffer.isView(part) ? bytes(part.buffer) : part));
}"""

# Whether a draft on this phone has these words in it.
KEPT = """async (words) => {
  const { draftOf, within, ask } = await import(document.querySelector('script[src$="/js/outbox/transport.js"]').src.replace("transport", "seal"));
  const { user } = document.documentElement.dataset;
  const ids = await within("drafts", "readonly", (store) => ask(store().getAllKeys()));
  const drafts = await Promise.all(ids.map((id) => draftOf(user, id.slice(user.length + 1))));
  return drafts.some((draft) => draft?.value.fields?.some(([, value]) => value === words));
}"""


def _waits(town, hand, words, photos):
    """A visit that waits with its photos; pages come."""
    (said,) = visits(words, 1)
    said.photos = photos
    town.line.fate = writes_only("cut")
    assert hand.record(said) == "queued"
    return said


def _opened(town, hand, tiles, words=None):
    """改一改, as the outbox offers it; the form with so many photos in it."""
    page = hand.page
    hand.change(words or "走访")
    page.get_by_text("存在发件箱里的那一条").wait_for()
    poll(lambda: page.locator(TILES).count() == tiles, f"{tiles} photos in the form")
    return page


def _add(page, number):
    before = page.locator(TILES).count()
    page.locator("label", has_text="相册").locator("input").set_input_files(
        [{"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": photo(number)}]
    )
    poll(lambda: page.locator(TILES).count() == before + 1, "one more photo")


def _take_away(page, n):
    page.get_by_role("button", name=f"删除第 {n} 张照片").tap()


def _record(town, said):
    return town.ask(sa.select(Visit).where(Visit.said == said.words))


def test_without_a_network_one_photo_is_taken_away_and_one_added(town, phone):
    hand, since = phone(), clock.now()
    poll(lambda: hand.page.evaluate("() => Boolean(navigator.serviceWorker.controller)"), "the worker")
    for path in ("/outbox", f"/enterprises/{town.enterprise()}/visits/new"):
        hand.page.goto(town.line.url + path)
    hand.page.wait_for_load_state("networkidle")
    (said,) = visits("没网改照片", 1)
    said.photos = [11, 12]
    town.line.off()
    assert hand.record(said) == "queued"
    page = _opened(town, hand, 2)
    shown = page.evaluate(SHOWN)
    assert shown["files"] == ["11.jpg", "12.jpg"] and all(shown["widths"]), shown
    _take_away(page, 1)
    _add(page, 13)
    page.get_by_label("聊了什么").fill("没网改照片：改过的话")
    hand.submit()
    assert hand.settled() == "queued"
    said.words, said.photos = "没网改照片：改过的话", [12, 13]
    assert len([row for row in hand.waiting() if row["photo"]]) == 2
    page.goto(f"{town.line.url}/outbox")
    row = page.locator("[data-part=queue] > ul > li")
    row.get_by_text("2 张照片").first.wait_for()
    assert [text.split("\n")[0] for text in row.all_inner_texts()] == ["走访", "不再等照片"]
    photos = row.locator(".outbox-why li [data-f=head]")
    assert photos.all_text_contents() == ["第 1 张照片，共 2 张", "第 2 张照片，共 2 张"]
    _opened(town, hand, 2)  # once more: the same two
    town.line.on()
    hand.must_send_all(hurried=True)
    assert _record(town, said).photos_expected == []
    town.must_hold([said], since)
    assert len([row for row in hand.held() if row["photo"]]) == 2


def test_closed_without_saving_nothing_has_changed_and_what_was_typed_is_offered(town, phone):
    hand, since = phone(), clock.now()
    said = _waits(town, hand, "改到一半", [21, 22])
    before = hand.page.evaluate(RAW)
    page = _opened(town, hand, 2)
    _take_away(page, 2)
    _add(page, 23)
    page.get_by_label("聊了什么").fill("改到一半：没有提交")
    poll(lambda: page.evaluate(KEPT, "改到一半：没有提交"), "the draft says so")
    page.close(run_before_unload=True)
    hand.page = hand.new_tab()
    hand.page.goto(f"{town.line.url}/outbox")
    assert hand.page.evaluate(RAW) == before, "an entry has changed"
    # Not in another visit's form, where it would be a second visit; but where it is corrected.
    hand.open_form().wait_for_load_state("networkidle")
    hand.page.wait_for_timeout(500)
    assert hand.page.get_by_role("button", name="接着写").count() == 0
    page = _opened(town, hand, 2)
    page.get_by_role("button", name="接着写").tap()
    poll(lambda: page.get_by_label("聊了什么").input_value() == "改到一半：没有提交", "the words")
    poll(lambda: page.evaluate(SHOWN)["files"] == ["21.jpg", "22.jpg", "23.jpg"], "and the new photo")
    page.goto(f"{town.line.url}/enterprises")
    assert hand.page.evaluate(RAW) == before
    town.line.on()
    hand.must_send_all(hurried=True)
    town.must_hold([said], since)
    assert _record(town, said).photos_expected == []


def test_a_photo_that_has_arrived_is_told_and_the_other_can_still_be_taken_away(town, phone):
    hand, since = phone(), clock.now()
    said = _waits(town, hand, "一张已到", [31, 32])
    photos = []

    def first_photo_only(heard):
        if heard.method != "POST" or not heard.path.endswith("/photos"):
            return "pass"
        photos.append(heard.key)
        return "pass" if heard.key == photos[0] else "cut"

    town.line.fate = first_photo_only
    hand.wake()
    poll(lambda: len(hand.waiting()) == 1 and len(photos) > 1, "one photo has arrived")
    town.line.fate = writes_only("cut")
    # Its own words are on the server: what is corrected now is the record.
    visit = _record(town, said)
    page = hand.page
    page.goto(f"{town.line.url}/visits/{visit.id}/edit")
    page.get_by_label("聊了什么").fill("一张已到：改过一次")
    _add(page, 33)
    page.get_by_role("button", name="保存修改").tap()
    assert hand.settled() == "queued"
    # The one in doubt is not to be changed any more; it has been tried.
    page = _opened(town, hand, 1, "修改走访")
    page.get_by_text("另有 1 张已到，不用再选").wait_for()
    page.get_by_text("另有 1 张正在发，这里不能再改").wait_for()
    assert page.evaluate(SHOWN)["files"] == ["33.jpg"]
    _take_away(page, 1)
    _add(page, 34)
    page.get_by_label("聊了什么").fill("一张已到：改过两次")
    page.get_by_role("button", name="保存修改").tap()
    assert hand.settled() == "queued"
    town.line.on()
    hand.must_send_all(hurried=True)
    said.words, said.photos = "一张已到：改过两次", [31, 32, 34]
    town.must_hold([said], since)
    assert _record(town, said).photos_expected == []


def test_a_waiting_photo_of_a_visit_that_arrived_is_taken_away_with_the_next_change(town, phone):
    """It was announced by words that are on the server, so the server is told that it will not come."""
    hand, since = phone(), clock.now()
    said = _waits(town, hand, "没轮到的照片", [41, 42])
    town.line.fate = lambda heard: "cut" if heard.path.endswith("/photos") else "pass"
    # Stopped by its own word, not by the line: the photos have not been tried.
    hand.page.evaluate(
        """async () => {
          const { rowsOf, markWaiting, markSending } = await import(document.querySelector('script[src$="/js/outbox/transport.js"]').src.replace("transport", "queue"));
          for (const row of await rowsOf(document.documentElement.dataset.user)) if (row.photo) await markWaiting(row, { next: Date.now() + 3_000_000 });
        }"""
    )
    hand.wake()
    poll(lambda: _record(town, said), "the words have arrived")
    poll(lambda: len(hand.waiting()) == 2, "two photos wait")
    assert not [row for row in hand.waiting() if row["maybe"]]
    visit = _record(town, said)
    assert len(visit.photos_expected) == 2
    town.line.fate = writes_only("cut")
    page = hand.page
    page.goto(f"{town.line.url}/visits/{visit.id}/edit")
    page.get_by_label("聊了什么").fill("没轮到的照片：改过一次")
    page.get_by_role("button", name="保存修改").tap()
    assert hand.settled() == "queued"
    page = _opened(town, hand, 2, "修改走访")
    _take_away(page, 1)
    page.get_by_role("button", name="保存修改").tap()
    assert hand.settled() == "queued"
    assert len([row for row in hand.waiting() if row["photo"]]) == 1
    town.line.on()
    page.evaluate(
        """async () => {
          const { rowsOf, retry } = await import(document.querySelector('script[src$="/js/outbox/transport.js"]').src.replace("transport", "queue"));
          for (const row of await rowsOf(document.documentElement.dataset.user)) await retry(row.key);
        }"""
    )
    hand.must_send_all(hurried=True)
    said.words, said.photos = "没轮到的照片：改过一次", [42]
    town.must_hold([said], since)
    assert _record(town, said).photos_expected == []


def test_a_correction_that_comes_too_late_leaves_the_manifest_right(town, phone):
    """The server has the first words and waits for two photos; one was taken away, one added."""
    hand, since = phone(), clock.now()
    (said,) = visits("来迟的照片", 1)
    said.photos = [51, 52]
    town.line.fate = writes_only("lost")
    assert hand.record(said) == "queued"
    town.line.fate = writes_only("cut")
    page = _opened(town, hand, 2)
    frozen = [row["key"] for row in hand.held() if row["maybe"]]
    assert len(frozen) == 1
    _take_away(page, 1)
    _add(page, 53)
    page.get_by_label("聊了什么").fill("来迟的照片：改过的话")
    hand.submit()
    assert hand.settled() == "queued"
    assert [row["revises"] for row in hand.held() if row["revises"]] == [frozen]
    town.line.on()
    hand.wake()
    poll(lambda: [row for row in hand.held() if row["error"] == "revised-too-late"], "it is told")
    poll(lambda: len(hand.waiting()) == 1, "photos and the word about the one taken away have gone")
    said.photos = [52, 53]
    town.must_hold([said], since)
    assert _record(town, said).photos_expected == []
