"""Signing in: who gets in, who waits, what the answer gives away, and where it leads."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from fieldapp import clock
from fieldapp.accounts import actions, passwords, throttle
from fieldapp.accounts.models import Session, Throttle, User
from fieldapp.accounts.sessions import hash_token
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, own_transaction, writing
from tests.people import PASSWORD

WRONG = "not-the-password-7"
OFFICE = "203.0.113.10"
HOME = "198.51.100.77"


@pytest.fixture
def wait(monkeypatch):
    """wait(seconds): from now on the clock of sign-in is that much later."""
    passed = [timedelta(0)]
    monkeypatch.setattr(actions, "now", lambda: clock.now() + passed[0])

    def on(seconds):
        passed[0] += timedelta(seconds=seconds)

    return on


@pytest.fixture
def door(app):
    """door(username, password, address): one try at the form, in a browser of its own."""

    def knock(username, password=PASSWORD, address=OFFICE, client=None, **more):
        client = client or app.test_client()
        return client.post(
            "/login",
            data={"username": username, "password": password, **more},
            environ_base={"REMOTE_ADDR": address},
        )

    return knock


def _user(username):
    db.session.rollback()
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def _change(username, **values):
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(User).where(User.username == username).values(**values))
        db.session.commit()


def _events(*actions_wanted):
    db.session.rollback()
    return db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action.in_(actions_wanted)).order_by(AuditEvent.id)
    ).all()


def test_the_right_password_opens_a_session_and_leads_to_today(anybody):
    answer = anybody.submit("/login", username="zhao", password=PASSWORD)
    assert answer.status_code == 303 and answer.location == "/"
    assert "赵青" in anybody.get("/me").text
    assert [e.subject for e in _events("signed_in")] == [f"user:{_user('zhao').id}"]


def test_the_name_may_be_typed_in_capitals_full_width_or_with_spaces(door):
    for typed in (" ZHAO ", "ｚｈａｏ"):
        assert door(typed).status_code == 303


def test_the_cookie_is_for_this_site_only_and_scripts_cannot_read_it(door):
    cookie = door("zhao").headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Max-Age" not in cookie  # a sign-in that did not ask to be kept ends with the browser
    assert "Max-Age=2592000" in door("zhao", keep="y").headers["Set-Cookie"]
    assert "Max-Age=86400" in door("wu", keep="y").headers["Set-Cookie"]


def test_the_database_holds_no_token_and_every_sign_in_makes_a_new_one(door):
    tokens = {door("zhao").headers["Set-Cookie"].split("=", 1)[1].split(";")[0] for _ in range(3)}
    assert len(tokens) == 3 and all(len(token) == 43 for token in tokens)  # 32 bytes in base64
    kept = set(db.session.scalars(sa.select(Session.token_hash)))
    assert {hash_token(token) for token in tokens} <= kept


def test_signing_in_again_ends_the_session_this_browser_had(app, door):
    client = app.test_client()
    door("zhao", client=client)
    first = client.get_cookie("fieldapp").value
    assert door("zhao", client=client).status_code == 303  # a sign-in page left open in another tab
    assert client.get_cookie("fieldapp").value != first
    db.session.rollback()
    ended = db.session.scalar(sa.select(Session.ended_at).where(Session.token_hash == hash_token(first)))
    assert ended is not None


@pytest.mark.parametrize(
    ("username", "password"),
    [("nobody", PASSWORD), ("zhao", WRONG), ("wang", PASSWORD), ("zhao", "x" * 1025)],
)
def test_unknown_wrong_disabled_and_too_long_sound_the_same(door, username, password):
    reference = door("nobody-at-all", WRONG, HOME)
    answer = door(username, password)
    assert answer.status_code == reference.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert answer.text.replace(username, "nobody-at-all") == reference.text


@pytest.mark.parametrize(
    ("username", "password", "times"),
    [
        ("nobody", WRONG, 1),
        ("zhao", WRONG, 1),
        ("wang", PASSWORD, 1),
        ("wang", WRONG, 1),
        ("zhao", "x" * 1025, 0),
        ("nobody", "x" * 1025, 0),
    ],
)
def test_unknown_wrong_and_disabled_cost_the_same_work(door, monkeypatch, username, password, times):
    """Counted in argon2 runs, not by a clock."""
    runs = []
    verify, make = PasswordHasher.verify, PasswordHasher.hash
    monkeypatch.setattr(PasswordHasher, "verify", lambda *a, **k: (runs.append("verify"), verify(*a, **k))[1])
    monkeypatch.setattr(PasswordHasher, "hash", lambda *a, **k: (runs.append("hash"), make(*a, **k))[1])
    assert door(username, password).status_code == 401
    assert runs == ["verify"] * times


def test_empty_fields_are_told_beside_them_and_count_as_no_try(door):
    answer = door("", "")
    assert answer.status_code == 422 and "请填账号" in answer.text and "请填密码" in answer.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Throttle)) == 0


def test_what_was_typed_stays_except_the_password(anybody):
    answer = anybody.submit("/login?next=/needs", username="zhao", password=WRONG)
    assert answer.status_code == 401
    assert 'value="zhao"' in answer.text and 'value="/needs"' in answer.text and WRONG not in answer.text


def test_a_password_hashed_with_weaker_parameters_is_hashed_again(door):
    weak = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
    _change("zhao", password_hash=weak)
    assert door("zhao", WRONG).status_code == 401
    assert _user("zhao").password_hash == weak
    assert door("zhao").status_code == 303
    renewed = _user("zhao").password_hash
    assert renewed != weak and "m=64,t=1" in renewed
    assert door("zhao").status_code == 303
    assert _user("zhao").password_hash == renewed


# --- waiting ----------------------------------------------------------------------------------------


def test_after_three_failures_even_the_right_password_waits_and_the_wait_doubles(door, wait):
    for _ in range(3):
        assert door("zhao", WRONG).status_code == 401
    for seconds in (2, 4, 8, 16):
        answer = door("zhao")
        assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= seconds
        assert "没有被锁" in answer.text and "Set-Cookie" not in answer.headers
        wait(seconds)
        assert door("zhao", WRONG).status_code == 401
    wait(32)
    assert door("zhao").status_code == 303


def test_the_wait_stops_at_a_quarter_of_an_hour(door, wait):
    for _ in range(16):
        wait(15 * 60)
        assert door("zhao", WRONG).status_code == 401
    answer = door("zhao")
    assert 890 <= int(answer.headers["Retry-After"]) <= 900 and "15 分钟" in answer.text


def test_tries_turned_away_do_not_prolong_the_wait(door, wait):
    for _ in range(3):
        door("zhao", WRONG)
    for _ in range(20):
        assert door("zhao", WRONG).status_code == 429
    wait(2)
    assert door("zhao").status_code == 303


def test_names_nobody_has_wait_exactly_as_long(door):
    def story(username, address):
        return [
            (a.status_code, a.headers.get("Retry-After"))
            for a in (door(username, WRONG, address) for _ in range(6))
        ]

    assert (
        [code for code, _ in story("nobody", OFFICE)]
        == [code for code, _ in story("zhao", HOME)]
        == [401] * 3 + [429] * 3
    )


def test_a_success_starts_the_account_anew(door):
    for _ in range(2):
        door("zhao", WRONG)
    assert door("zhao").status_code == 303
    for _ in range(3):
        assert door("zhao", WRONG).status_code == 401


def test_a_day_later_all_is_forgotten(door, wait):
    for _ in range(3):
        door("zhao", WRONG)
    wait(24 * 3600 + 1)
    for _ in range(3):
        assert door("zhao", WRONG).status_code == 401


def test_counters_live_in_the_database_so_a_restart_forgives_nothing(door, database, tmp_path):
    from tests.conftest import make_app

    for _ in range(3):
        door("zhao", WRONG)
    restarted = make_app(database.url, tmp_path)
    answer = restarted.test_client().post(
        "/login", data={"username": "zhao", "password": PASSWORD}, environ_base={"REMOTE_ADDR": OFFICE}
    )
    with restarted.app_context():
        db.engine.dispose()
    assert answer.status_code == 429


def test_a_stranger_guessing_elsewhere_does_not_lock_the_owner_out_where_they_are_at_home(door):
    assert door("zhao", address=OFFICE).status_code == 303
    for _ in range(5):
        door("zhao", WRONG, HOME)
    assert door("zhao", address=HOME).status_code == 429
    assert door("zhao", address=OFFICE).status_code == 303


def test_a_phone_that_was_signed_in_is_at_home_on_every_network(app, door):
    phone = app.test_client()
    door("zhao", client=phone, keep="y", address="192.0.2.1")
    for _ in range(5):
        door("zhao", WRONG, "192.0.2.200")
    assert door("zhao", address="192.0.2.201").status_code == 429
    assert door("zhao", client=phone, address="192.0.2.202").status_code == 303


def test_a_colleague_behind_the_same_address_is_not_locked_out(door):
    for _ in range(40):
        door("zhao", WRONG, OFFICE)  # hammering one account: only the tries that were checked count
    assert door("qian", address=OFFICE).status_code == 303


def test_spraying_many_names_slows_newcomers_at_that_address_for_half_a_minute_at_most(door, wait):
    assert door("qian", address=OFFICE).status_code == 303  # at home here
    for number in range(40):
        wait(30)
        assert door(f"name{number}", WRONG, OFFICE).status_code == 401
    answer = door("zhao", address=OFFICE)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) <= 30
    assert door("qian", address=OFFICE).status_code == 303
    assert door("zhao", address=HOME).status_code == 303
    wait(30)
    assert door("sun", address=OFFICE).status_code == 303


def test_parallel_tries_are_not_all_free(door):
    """Counted before they are checked: ten at once on a fresh account are three tries and seven refusals."""
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(door("zhao", WRONG).status_code)) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [401] * 3 + [429] * 7


def test_a_free_try_that_queued_behind_a_later_one_is_free_all_the_same(app):
    """Two at once: the one that came first in time may get to the counter last."""
    limits = throttle.limits_for(db.session(), "zhao", None, OFFICE)
    moment = clock.now()
    waits = []
    for late in (5, 0):
        with own_transaction() as session:
            tried = moment + timedelta(milliseconds=late)
            waits.append(throttle.reserve(session, limits, tried).wait)
    assert waits == [0, 0]
    db.session.rollback()
    assert set(db.session.scalars(sa.select(Throttle.last_failed_at))) == {moment + timedelta(milliseconds=5)}


def test_failures_are_told_to_the_trail_without_what_was_typed_and_hammering_does_not_flood_it(door):
    for _ in range(3):
        door("zhao", WRONG)
    for _ in range(10):
        door("zhao", WRONG)
    door("hunter2-typed-as-name", WRONG, HOME)
    failed, throttled = _events("sign_in_failed"), _events("sign_in_throttled")
    assert len(failed) == 4 and len(throttled) == 1
    assert {e.outcome for e in failed + throttled} == {"refused"}
    assert [e.subject for e in failed] == [f"user:{_user('zhao').id}"] * 3 + [""]
    for event in failed + throttled:
        assert "hunter2" not in str(vars(event)) and WRONG not in str(vars(event))


def test_old_counters_are_thrown_away(door, wait):
    for number in range(5):
        door(f"name{number}", WRONG, HOME)
    wait(24 * 3600 + 1)
    door("zhao", WRONG, OFFICE)
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Throttle)) == 2


def test_neither_names_nor_addresses_can_be_read_in_the_tables(door):
    door("zhao", WRONG, OFFICE)
    door("qian", address=OFFICE)
    text = " ".join(
        [*db.session.scalars(sa.select(Throttle.key)), *db.session.scalars(sa.select(Session.address))]
    )
    assert OFFICE not in text and "zhao" not in text and "qian" not in text


# --- where it leads ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        "/needs",
        "/enterprises?q=%E5%8C%97&scope=team",
        "/visits?page=2026-01-01T00:00:00+00:00_x",
        "/follow-ups#top",
        "/企业",
    ],
)
def test_next_leads_on_within_this_site(anybody, asked):
    answer = anybody.submit("/login", username="zhao", password=PASSWORD, next=asked)
    assert answer.status_code == 303 and answer.location.startswith(
        ("/needs", "/ent", "/vis", "/fol", "/%E4%BC%81")
    )


@pytest.mark.parametrize(
    "asked",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
        "https://evil.example", "https:evil.example", "http:/evil.example", "javascript:alert(1)", "data:text/html,x",
        " //evil.example", "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b",
        "/x\x00y", "/x\x7fy", "/\u2028x", "/\u202egnp", "/\u200b/evil.example", "evil.example", "@evil.example",
        "?x", "#x", "", "／／evil.example", "/" + "a" * 1001,
    ],
)  # fmt: skip
def test_next_never_leads_elsewhere(anybody, asked):
    answer = anybody.submit("/login", username="zhao", password=PASSWORD, next=asked)
    assert answer.status_code == 303 and answer.location == "/"


def test_an_encoded_line_break_stays_an_encoded_line_break(anybody):
    answer = anybody.submit(
        "/login", username="zhao", password=PASSWORD, next="/needs%0d%0aSet-Cookie:%20a=b"
    )
    assert answer.location == "/needs%0d%0aSet-Cookie:%20a=b"
    assert [name for name, _ in answer.headers].count("Set-Cookie") == 1


def test_whoever_is_signed_in_already_is_led_on_and_never_away(zhao):
    assert zhao.get("/login?next=/needs").location == "/needs"
    assert zhao.get("/login?next=//evil.example").location == "/"


def test_a_page_asked_for_before_signing_in_comes_after_it(anybody):
    to_sign_in = anybody.get("/needs?page=x")
    assert to_sign_in.status_code == 303 and to_sign_in.location == "/login?next=/needs?page%3Dx"
    assert anybody.submit(to_sign_in.location, username="zhao", password=PASSWORD).location == "/needs?page=x"


def test_a_foreign_page_cannot_sign_anybody_in(anybody):
    data = {"username": "zhao", "password": PASSWORD}
    assert anybody.post("/login", data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert anybody.post("/login", data=data, headers={"Origin": "https://evil.example"}).status_code == 403


# --- the one-time password --------------------------------------------------------------------------


def test_with_a_one_time_password_only_the_password_page_opens(anybody, city):
    _change("zhao", password_is_one_time=True)
    answer = anybody.submit("/login?next=/needs", username="zhao", password=PASSWORD)
    assert answer.location == "/me/password?notice=change_password"
    for url in ("/", "/me", "/needs", f"/enterprises/{city.huaxing.id}"):
        assert anybody.get(url).location == "/me/password?notice=change_password"
    page = anybody.get("/me/password")
    assert page.status_code == 200 and 'name="current"' not in page.text and "tabbar" not in page.text
    assert (
        anybody.post(
            "/me/display", data={"csrf_token": dict(anybody.form("/me/password").fields)["csrf_token"]}
        ).status_code
        == 303
    )
    assert _user("zhao").theme == "auto"
    assert anybody.submit("/me/password", "logout-form").status_code == 303


def test_choosing_ones_own_password_opens_the_rest(anybody):
    _change("zhao", password_is_one_time=True)
    anybody.submit("/login", username="zhao", password=PASSWORD)
    before = anybody.get_cookie("fieldapp").value
    answer = anybody.submit(
        "/me/password", "password-form", new="shuijing-bolicai-42", again="shuijing-bolicai-42"
    )
    assert answer.status_code == 303 and answer.location == "/?notice=password_changed"
    assert anybody.get_cookie("fieldapp").value != before
    assert anybody.get("/needs").status_code == 200
    assert not _user("zhao").password_is_one_time


def test_a_one_time_password_grows_stale_and_then_sounds_like_a_wrong_one(door):
    _change("zhao", password_is_one_time=True, password_set_at=clock.now() - timedelta(days=15))
    assert door("zhao").status_code == 401
    _change("zhao", password_set_at=clock.now() - timedelta(days=13))
    assert door("zhao").status_code == 303


def test_an_account_disabled_while_its_password_is_being_checked_stays_out(door, monkeypatch):
    check = passwords.matches

    def slow(stored, password):
        right = check(stored, password)
        _change("zhao", active=False)
        return right

    monkeypatch.setattr(passwords, "matches", slow)
    assert door("zhao").status_code == 401
