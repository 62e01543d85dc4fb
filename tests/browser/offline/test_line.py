"""The bad line itself: it must hurt exactly as it says, or the tests that stand on it prove nothing."""

from __future__ import annotations

import http.client
import time

import pytest
import sqlalchemy as sa

from fieldapp.visits.models import Visit
from tests.browser.offline.line import Dice, Heard
from tests.browser.offline.town import Said, number_of, photo

pytestmark = pytest.mark.browser


def _ask(town, method="GET", path="/healthz", body=None, timeout=20):
    connection = http.client.HTTPConnection("127.0.0.1", town.line.port, timeout=timeout)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_whole_line_changes_nothing(town):
    assert _ask(town) == (200, b"ok")
    status, page = _ask(town, path="/login")
    assert status == 200 and "登录" in page.decode()


@pytest.mark.parametrize(
    ("mode", "reaches"),
    [("cut", False), ("half", False), ("lost", True), ("partial", True), ("off", False)],
)
def test_a_write_is_lost_on_the_side_it_says(town, mode, reaches):
    town.line.mode = mode
    with pytest.raises((OSError, http.client.HTTPException)):
        _ask(town, "POST", "/login", b"username=zhao&password=" + b"x" * 400)
    heard = town.line.seen[-1:] if mode != "off" else []
    assert [h.status != 0 for h in heard] == ([] if mode == "off" else [reaches])
    town.line.on()
    assert _ask(town)[0] == 200


def test_a_black_hole_says_nothing_and_a_portal_says_200(town):
    town.line.mode = "hang"
    with pytest.raises(TimeoutError):
        _ask(town, timeout=0.5)
    town.line.mode = "portal"
    status, page = _ask(town, "POST", "/anything", b"x")
    assert status == 200 and "访客网络" in page.decode()
    town.line.mode = "gateway"
    assert _ask(town)[0] == 502


def test_slow_is_slow_both_ways(town):
    town.line.slow(0.2, 50_000)
    began = time.monotonic()
    status, _page = _ask(town, "POST", "/login", b"a=" + b"x" * 25_000, timeout=30)
    seconds = time.monotonic() - began
    assert status in (200, 303, 403, 422) and seconds > 0.8, (status, seconds)


def test_dice_fall_the_same_way_for_the_same_seed():
    rows = []
    for _ in range(2):
        dice = Dice(7, {"cut": 0.2, "lost": 0.2}, only_writes=True)
        rows.append([dice(Heard(0, "POST", "/", {}, "pass")) for _ in range(200)])
        assert dice(Heard(0, "GET", "/", {}, "pass")) == "pass"
    assert rows[0] == rows[1] and {"cut", "lost", "pass"} == set(rows[0])


def test_a_killed_server_comes_back_on_its_own_data(town):
    before = town.ask(sa.select(sa.func.count()).select_from(Visit))
    town.kill()
    with pytest.raises((OSError, http.client.HTTPException)):
        _ask(town)
    town.start()
    assert _ask(town) == (200, b"ok")
    assert town.ask(sa.select(sa.func.count()).select_from(Visit)) == before


def test_photos_say_which_they_are():
    import io

    from PIL import Image

    for number in (0, 1, 7, 8, 63, 64, 300, 511):
        for noise in (False, True):
            picture = Image.open(io.BytesIO(photo(number, noise=noise)))
            again = io.BytesIO()
            picture.save(again, "JPEG", quality=80)
            assert number_of(Image.open(again)) == number
    assert len(photo(1, width=1200, height=900, noise=True)) > 200_000


def test_the_harness_sees_a_visit_as_it_was_typed(town, phone):
    """Taps on the real form, rows in the database, photos by their numbers; and a killed browser starts again."""
    hand = phone()
    since = town.ask(sa.select(sa.func.max(Visit.created_at)))
    said = Said("线路测试：谈了扩产", needs=["试一条需求"], promises=["试一件事"], photos=[5, 300])
    assert hand.record(said) == "saved"
    hand.must_send_all()
    stored = [one for one in town.stored(since) if one.words == said.words]
    assert [(one.needs, one.promises, one.photos) for one in stored] == [
        (said.needs, said.promises, said.photos)
    ]
    hand.kill()
    page = hand.start()
    page.goto(f"{town.line.url}/healthz")
    assert "ok" in page.content()
