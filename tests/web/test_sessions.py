"""My own account: devices, password, display; and what ends a session."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import Role, Session, Team, Throttle, User
from fieldapp.accounts.sessions import hash_token
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.entries.models import Entry
from tests.people import PASSWORD

NEW = "shuijing-bolicai-42"
ANDROID = "Mozilla/5.0 (Linux; Android 14; 2211133C) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.50"


@pytest.fixture
def signed_in(app):
    """signed_in(username, agent, address): a browser of that kind, through the form."""
    from tests.conftest import Client

    app.test_client_class = Client

    def sign_in(username, agent=ANDROID, address="203.0.113.10"):
        client = app.test_client()
        client.environ_base |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
        assert client.submit("/login", username=username, password=PASSWORD, keep="y").status_code == 303
        return client

    return sign_in


def _change(model, values, *conditions):
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(model).where(*conditions).values(**values))
        db.session.commit()


def _user(username):
    db.session.rollback()
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def _is_in(client):
    return client.get("/me/password").status_code == 200


def _token(client):
    return client.get_cookie("fieldapp").value


def test_my_devices_are_told_in_plain_words_without_addresses(signed_in):
    phone = signed_in("zhao")
    signed_in("zhao", WECHAT, "198.51.100.7")
    signed_in("zhao", WECHAT, "203.0.113.10")
    signed_in("qian", "Mozilla/5.0 (Windows NT 10.0) Firefox/128.0")
    page = phone.get("/me").text
    for words in (
        "安卓手机 · Chrome",
        "苹果手机 · 微信",
        "就是这台设备",
        "在另一个网络",
        "和这台设备在同一个网络",
    ):
        assert words in page
    assert "Windows" not in page and "198.51.100.7" not in page and "203.0.113.10" not in page
    assert page.count('/revoke"') == 2


def test_one_device_can_be_revoked_and_the_others_stay(signed_in):
    phone, lost, desk = signed_in("zhao"), signed_in("zhao", WECHAT), signed_in("zhao", "Windows NT 10.0")
    gone = db.session.scalar(sa.select(Session.id).where(Session.token_hash == hash_token(_token(lost))))
    db.session.rollback()
    answer = phone.submit("/me", f"/me/sessions/{gone}/revoke")
    assert answer.status_code == 303 and "那台设备已退出登录" in phone.get(answer.location).text
    assert not _is_in(lost) and _is_in(phone) and _is_in(desk)
    again = phone.post(f"/me/sessions/{gone}/revoke", data={"csrf_token": phone.token(), "page": "another"})
    assert again.status_code == 404


def test_all_other_devices_can_be_revoked_at_once(signed_in):
    phone, lost, other = signed_in("zhao"), signed_in("zhao", WECHAT), signed_in("qian")
    assert phone.submit("/me", "/revoke-others").status_code == 303
    assert _is_in(phone) and not _is_in(lost) and _is_in(other)


def test_somebody_elses_session_answers_like_an_absent_one(zhao, qian):
    theirs = db.session.scalar(sa.select(Session.id).where(Session.user_id == _user("qian").id))
    db.session.rollback()
    token = zhao.token()
    assert zhao.post(f"/me/sessions/{theirs}/revoke", data={"csrf_token": token}).status_code == 404
    assert zhao.post("/me/sessions/999999/revoke", data={"csrf_token": token}).status_code == 404
    assert _is_in(qian)


def test_the_present_device_signs_out_by_signing_out(zhao):
    own = db.session.scalar(sa.select(Session.id).where(Session.user_id == _user("zhao").id))
    db.session.rollback()
    assert zhao.post(f"/me/sessions/{own}/revoke", data={"csrf_token": zhao.token()}).status_code == 404
    answer = zhao.submit("/me", "logout-form")
    assert answer.status_code == 303 and answer.headers["Clear-Site-Data"] == '"cache"'
    assert not _is_in(zhao)


def test_without_script_the_same_button_works_again_later(signed_in):
    """A double tap is one act, but signing out today and again in five minutes are two."""
    phone = signed_in("zhao")
    for theme in ("dark", "light", "dark"):
        phone.submit("/me", "display-form", theme=theme)
        assert _user("zhao").theme == theme
    for _ in range(2):
        lost = signed_in("zhao", WECHAT)
        phone.submit("/me", "/revoke-others")
        assert not _is_in(lost)
    for _ in range(2):
        again = signed_in("zhao")
        again.submit("/me", "logout-form")
        assert not _is_in(again) and again.get_cookie("fieldapp") is None


def test_a_token_is_dead_after_signing_out_even_if_it_was_copied(app, zhao):
    copied = _token(zhao)
    zhao.submit("/me", "logout-form")
    thief = app.test_client()
    thief.set_cookie("fieldapp", copied)
    assert thief.get("/me").status_code == 303


@pytest.mark.parametrize(
    ("username", "idle", "longest"),
    [("zhao", 14 * 24, 30 * 24), ("li", 7 * 24, 30 * 24), ("wu", 8, 24), ("zheng", 8, 24)],
)
def test_sessions_end_when_idle_and_for_good_after_the_roles_limits(browser_of, username, idle, longest):
    client = browser_of(username)
    now = clock.now()
    mine = Session.user_id == _user(username).id
    hour = timedelta(hours=1)
    _change(Session, {"seen_at": now - (idle - 1) * hour, "created_at": now - (longest - 1) * hour}, mine)
    assert _is_in(client)
    _change(Session, {"seen_at": now - (idle + 1) * hour}, mine)
    assert not _is_in(client)
    _change(Session, {"seen_at": now, "created_at": now - (longest + 1) * hour}, mine)
    assert not _is_in(client)


def test_being_seen_is_written_now_and_then_not_with_every_page(zhao):
    mine = Session.user_id == _user("zhao").id
    old = clock.now() - timedelta(minutes=5)
    _change(Session, {"seen_at": old}, mine)
    zhao.get("/me")
    assert db.session.scalar(sa.select(Session.seen_at).where(mine)) == old
    _change(Session, {"seen_at": clock.now() - timedelta(minutes=11)}, mine)
    zhao.get("/me")
    db.session.rollback()
    assert clock.now() - db.session.scalar(sa.select(Session.seen_at).where(mine)) < timedelta(minutes=1)


def test_a_disabled_account_is_out_at_once(zhao):
    _change(User, {"active": False}, User.username == "zhao")
    assert not _is_in(zhao)


def test_a_session_opened_for_another_role_is_no_session(zhao):
    _change(User, {"role": Role.LEAD}, User.username == "zhao")
    assert not _is_in(zhao)


# --- password ---------------------------------------------------------------------------------------


def test_a_new_password_ends_every_session_and_gives_this_browser_a_new_token(signed_in):
    phone, other = signed_in("zhao"), signed_in("zhao", WECHAT)
    before = _token(phone)
    answer = phone.submit("/me/password", "password-form", current=PASSWORD, new=NEW, again=NEW)
    assert answer.status_code == 303 and answer.location == "/me?notice=password_changed"
    assert "Max-Age=2592000" in answer.headers["Set-Cookie"]  # it was kept before
    assert _token(phone) != before
    assert _is_in(phone) and not _is_in(other)
    assert (
        db.session.scalar(
            sa.select(sa.func.count()).where(Session.ended_at.is_(None), Session.user_id == _user("zhao").id)
        )
        == 1
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"current": "", "new": NEW, "again": NEW}, "请填现在的密码"),
        ({"current": "wrong-one-9x", "new": NEW, "again": NEW}, "现在的密码不对"),
        ({"current": PASSWORD, "new": NEW, "again": NEW + "x"}, "两次输入的新密码不一样"),
        ({"current": PASSWORD, "new": "kx7#", "again": "kx7#"}, "至少 10 个字符"),
        ({"current": PASSWORD, "new": "baotou-2026", "again": "baotou-2026"}, "太常见"),
        ({"current": PASSWORD, "new": "x7" * 513, "again": "x7" * 513}, "最多 1024"),
        ({"current": PASSWORD, "new": "zhao-kx7#mPq2vL", "again": "zhao-kx7#mPq2vL"}, "不要包含账号"),
        ({"current": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "要和现在的不一样"),
    ],
)
def test_a_password_that_will_not_do_is_told_beside_its_field_and_changes_nothing(zhao, fields, words):
    before = _user("zhao").password_hash
    answer = zhao.submit("/me/password", "password-form", **fields)
    assert answer.status_code == 422 and words in answer.text and "Set-Cookie" not in answer.headers
    assert all(value not in answer.text for value in (PASSWORD, NEW))
    assert _user("zhao").password_hash == before and _is_in(zhao)


def test_whoever_holds_the_phone_cannot_guess_the_present_password(zhao):
    for _ in range(3):
        answer = zhao.submit("/me/password", "password-form", current="wrong-one-9x", new=NEW, again=NEW)
        assert answer.status_code == 422
    answer = zhao.submit("/me/password", "password-form", current=PASSWORD, new=NEW, again=NEW)
    assert answer.status_code == 429 and "试得太频繁" in answer.text
    failed = db.session.scalars(
        sa.select(AuditEvent.outcome).where(AuditEvent.action == "password_change_failed")
    ).all()
    assert failed == ["refused"] * 3
    _change(
        Throttle, {"last_failed_at": clock.now() - timedelta(seconds=3)}, Throttle.key.startswith("password:")
    )
    assert (
        zhao.submit("/me/password", "password-form", current=PASSWORD, new=NEW, again=NEW).status_code == 303
    )


def test_passwords_leave_no_trace_but_the_hash(zhao):
    zhao.submit("/me/password", "password-form", current=PASSWORD, new=NEW, again=NEW)
    db.session.rollback()
    for model in (Entry, AuditEvent):
        for row in db.session.scalars(sa.select(model)):
            assert PASSWORD not in str(vars(row)) and NEW not in str(vars(row))


# --- display ----------------------------------------------------------------------------------------


def test_display_and_language_are_kept_with_the_account(zhao, browser_of):
    answer = zhao.submit("/me", "display-form", theme="dark", text_size="large", language="en")
    assert answer.status_code == 303
    page = browser_of("zhao").get("/me").text
    assert 'data-theme="dark"' in page and 'data-text="large"' in page and 'lang="en"' in page


def test_display_takes_only_what_it_offers(zhao):
    answer = zhao.submit("/me", "display-form", theme="neon", text_size="normal", language="zh")
    assert answer.status_code == 422
    assert _user("zhao").theme == "auto"


def test_a_lead_finds_on_my_page_what_the_tab_bar_has_no_room_for(li, zhao, wu):
    page = li.get("/me").text
    for url in ("/follow-ups", "/needs", "/imports/enterprises", "/enterprises/qr-labels"):
        assert f'href="{url}"' in page
    assert "/needs" not in wu.get("/me").text
    assert "/imports" not in zhao.get("/me").text


def test_only_signing_in_and_out_and_a_new_password_touch_the_cookie(zhao):
    for url in ("/me", "/me/password", "/needs", "/nowhere"):
        assert "Set-Cookie" not in zhao.get(url).headers
    assert "Set-Cookie" not in zhao.submit("/me", "display-form").headers


def test_my_page_needs_signing_in(anybody):
    assert anybody.get("/me").location == "/login?next=/me"
    assert anybody.get("/me/password").location == "/login?next=/me/password"


def test_team_and_role_stand_under_the_name(zhao):
    db.session.rollback()
    assert (
        db.session.scalar(
            sa.select(Team.name).join(User, User.team_id == Team.id).where(User.username == "zhao")
        )
        == "一队"
    )
    page = zhao.get("/me").text
    assert "赵青" in page and "青年干部" in page and "一队" in page
