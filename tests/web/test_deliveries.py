"""Notices that leave the app: through real servers on loopback, whatever becomes of these and of the worker."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta
from itertools import cycle
from threading import Event, Thread

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import Team, User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, own_transaction, writing
from fieldapp.entries.models import Entry
from fieldapp.notices.actions import put_all_away, tell, tell_team
from fieldapp.notices.models import Channel, ChannelKind, Delivery, DeliveryState, Notification, QuietTime
from fieldapp.notices.sending import deliver
from fieldapp.offline.tidying import tidy
from tests.conftest import PUBLIC_URL, ROOT
from tests.tools import mailbox, processes, robots
from tests.unit.test_notice_rules import at

NOON = at("10-09 12:00")  # a Friday that is worked
SOON = {"DELIVERY_FIRST_WAIT": 60.0, "DELIVERY_TRIES": 3}
IMPATIENT = 0.4  # seconds, where the answer is known not to come


@pytest.fixture
def server(app, monkeypatch):
    """Robots that this deployment's addresses lead to."""
    with robots.running() as running:
        for name, value in (running.settings | SOON).items():
            monkeypatch.setitem(app.config, name, value)
        yield running


@pytest.fixture
def post(app, monkeypatch):
    """A mail server that this deployment writes through."""
    with mailbox.running() as running:
        for name, value in (running.settings | SOON).items():
            monkeypatch.setitem(app.config, name, value)
        yield running


def _id(username: str) -> int:
    with own_transaction() as session:
        return session.scalars(sa.select(User.id).where(User.username == username)).one()


def _way(username: str | None = "zhao", kind=ChannelKind.DINGTALK, team: str = "") -> int:
    target = {"DINGTALK": robots.TOKEN, "WECOM": robots.KEY, "MAIL": "zhao@example.cn"}[kind.name]
    with own_transaction() as session:
        team_id = session.scalar(sa.select(Team.id).where(Team.name == team))
        user_id = None if team else session.scalar(sa.select(User.id).where(User.username == username))
        channel = Channel(
            user_id=user_id,
            team_id=team_id,
            kind=kind,
            target=target,
            secret=robots.SECRET if kind is ChannelKind.DINGTALK else "",
        )
        session.add(channel)
        session.flush()
        return channel.id


def _tell(title: str = "涂层", moment: datetime = NOON, username: str = "zhao", **more) -> bool:
    user_id = _id(username)
    details = {"enterprise": "华星", "path": "/needs", "urgent": True} | more
    with writing():
        told = tell(user_id, "order_placed", moment, title=title, **details)
        db.session.commit()
    return told


def _rows(*columns):
    with own_transaction() as session:
        return session.execute(
            sa.select(*columns or (Delivery.state, Delivery.error)).order_by(Delivery.id)
        ).all()


def _states() -> list[str]:
    return [row.state.name for row in _rows(Delivery.state)]


def _until(condition, patience=30.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.03)


def test_nothing_is_written_for_whoever_wants_nothing(app, server):
    _tell()
    assert _rows() == [] and not deliver(NOON) and server.asked == []


def test_it_is_written_with_the_change_or_not_at_all(app, server):
    _way()
    user_id = _id("zhao")
    with writing():
        tell(user_id, "order_placed", NOON, urgent=True, enterprise="华星")
        db.session.rollback()
    assert _rows() == []
    _tell()
    assert _states() == ["WAITING"] and server.asked == []  # nothing goes before the worker comes
    deliver(NOON)
    assert _states() == ["SENT"]


@pytest.mark.parametrize("kind", [ChannelKind.DINGTALK, ChannelKind.WECOM])
def test_a_robot_gets_the_sentence_and_an_absolute_link_once(app, server, kind):
    _way(kind=kind)
    _tell(path="/needs/7")
    deliver(NOON), deliver(NOON)
    assert server.taken == [f"青助企提醒\n华星点单：涂层。\n{PUBLIC_URL}/needs/7"] == server.asked
    assert _states() == ["SENT"]


def test_it_speaks_the_language_of_whom_it_is_for(app, server):
    _way()
    with own_transaction() as session:
        session.execute(sa.update(User).where(User.username == "zhao").values(language="en"))
    _tell()
    deliver(NOON)
    assert server.taken[0].startswith("fieldapp notice\n") and "青助企" not in server.taken[0]


def test_wecom_gets_no_more_bytes_than_it_takes(app, server):
    _way(kind=ChannelKind.WECOM)
    for n in range(12):
        _tell("字" * 200 + str(n), at("10-09 09:00"), urgent=False)
    deliver(at("10-10 08:00"))
    (text,) = server.taken
    assert len(text.encode()) <= 2048 and text.endswith(f"还有 2 件，打开青助企看。\n{PUBLIC_URL}/notices")
    assert text.startswith("青助企：12 件事和你有关\n1. 华星点单：") and "�" not in text


def test_mail_goes_through_a_real_server(app, post):
    _way(kind=ChannelKind.MAIL)
    _tell(path="/needs/7")
    deliver(NOON)
    (mail,) = post.taken
    assert post.to == ["zhao@example.cn"] and mail["Subject"] == "青助企提醒"
    assert "fieldapp@qzq.example.cn" in mail["From"] and "青助企" in str(mail["From"])
    assert mail.get_content().split() == ["华星点单：涂层。", f"{PUBLIC_URL}/needs/7"]
    assert _states() == ["SENT"]


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (robots.refuses(130101), "robot 130101"),  # 200, and no in the body
        ((503, {}), "http 503"),
        ((200, "<html>a relay's page</html>"), "answer"),
        ((302, {"errcode": 0}), "http 302"),
    ],
)
def test_a_robot_that_says_no_is_asked_again_later_and_then_it_is_a_dead_letter(app, server, says, code):
    _way()
    _tell()
    server.says = says
    moment = NOON
    for tries in (1, 2):
        deliver(moment), deliver(moment)
        (row,) = _rows(Delivery.state, Delivery.error, Delivery.tries, Delivery.due_at)
        assert (row.state.name, row.error, row.tries) == ("WAITING", code, tries)
        wait = (row.due_at - moment).total_seconds()
        assert 30 * tries <= wait <= 60 * tries + 5  # twice as long, by a draw
        moment = row.due_at
    deliver(moment)
    assert _rows() == [(DeliveryState.DEAD, code)] and len(server.asked) == 3
    server.says = robots.FINE
    deliver(moment + timedelta(days=1))
    assert len(server.asked) == 3  # nobody tries a dead letter by themselves


def test_a_wrong_secret_and_a_wrong_token_are_told_apart(app, server):
    channel = _way()
    for values, code in (
        ({"secret": "SEC" + "0" * 60}, "robot 310000"),
        ({"target": "0" * 64}, "robot 300001"),
    ):
        with own_transaction() as session:
            session.execute(sa.update(Channel).where(Channel.id == channel).values(**values))
        _tell()
        deliver(NOON)
        assert _rows(Delivery.error)[-1].error == code
    assert server.taken == []


def test_a_server_that_is_down_slow_and_back_again(app, server, monkeypatch):
    _way()
    _tell()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setitem(
            app.config, "DINGTALK_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}/robot/send"
        )
        deliver(NOON)
    assert _rows() == [(DeliveryState.WAITING, "unreachable")]
    monkeypatch.setitem(app.config, "DINGTALK_URL", server.settings["DINGTALK_URL"])
    server.held = Event()  # it takes the message and says nothing
    with monkeypatch.context() as impatient:
        impatient.setitem(app.config, "SEND_PATIENCE", IMPATIENT)
        deliver(NOON + timedelta(minutes=2))
    assert _rows() == [(DeliveryState.WAITING, "timeout")] and not server.held.is_set()
    server.held.set()
    deliver(NOON + timedelta(minutes=10))
    assert _rows() == [(DeliveryState.SENT, "")]


def test_a_mail_server_that_refuses_is_silent_or_away(app, post, monkeypatch):
    _way(kind=ChannelKind.MAIL)
    _tell()
    post.refuses = b"550 no such person here: zhao@example.cn"
    deliver(NOON)
    assert _rows() == [(DeliveryState.WAITING, "smtp 550")]
    post.refuses, post.silent = b"", 1.0
    with monkeypatch.context() as impatient:
        impatient.setitem(app.config, "SEND_PATIENCE", IMPATIENT)
        deliver(NOON + timedelta(minutes=5))
    assert _rows() == [(DeliveryState.WAITING, "timeout")]
    post.silent = 0.0
    monkeypatch.setitem(app.config, "SMTP_PORT", 1)
    deliver(NOON + timedelta(minutes=20))
    assert _rows() == [(DeliveryState.DEAD, "unreachable")] and post.taken == []


def test_while_it_is_sent_nobody_waits_for_the_database(app, server, monkeypatch):
    _way()
    _tell()
    took = []

    def write() -> None:
        began = time.monotonic()
        with app.app_context(), own_transaction() as session:
            session.execute(sa.update(User).where(User.username == "zhao").values(phone="1"))
            # the claim is committed, and seen by others
            assert session.scalar(sa.select(Delivery.claim)) != ""
            if app.config["DATABASE_URL"].startswith("postgresql"):
                idle = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                assert session.scalar(sa.text(idle)) == 0
        took.append(time.monotonic() - began)

    server.came = write
    deliver(NOON)
    assert took and took[0] < app.config["SEND_PATIENCE"] / 2 and _states() == ["SENT"]


def _worker(database, server, tmp_path, **settings):
    environment = processes.clean_environment(
        FIELDAPP_DATABASE_URL=database.url,
        FIELDAPP_INSTANCE=str(tmp_path),
        FIELDAPP_PUBLIC_URL=PUBLIC_URL,
        FIELDAPP_WORK_LEASE_SECONDS="1.2",
        FIELDAPP_DELIVERY_CLAIM_SECONDS="2",
        FIELDAPP_DELIVERY_EVERY="0.1",
        FIELDAPP_QUIET_FROM="00:00",
        FIELDAPP_QUIET_UNTIL="00:00",
        NO_PROXY="127.0.0.1",
        **{f"FIELDAPP_{name}": str(value) for name, value in (server.settings | settings).items()},
    )
    line = [sys.executable, "-m", "flask", "--app", "wsgi", "work"]
    return processes.start(line, log=tmp_path / "work.log", env=environment, cwd=ROOT)


def _never_quiet(username: str = "zhao") -> None:
    user_id = _id(username)
    midnight = datetime.min.time()
    with own_transaction() as session:
        session.add(QuietTime(user_id=user_id, starts=midnight, ends=midnight, days_off=False, digest=False))


def test_a_worker_killed_while_it_sends_another_sends_it_again_and_it_is_marked_once(
    app, database, server, tmp_path
):
    _way()
    _never_quiet()
    _tell("要紧的", clock.now())
    server.held = Event()  # it is taken, and no answer comes
    first = _worker(database, server, tmp_path, SEND_PATIENCE=30)
    second = None
    try:
        _until(lambda: server.asked)
        assert _states() == ["WAITING"]
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        server.held.set()
        second = _worker(database, server, tmp_path)
        _until(lambda: _states() == ["SENT"])
        time.sleep(0.5)
    finally:
        processes.stop(first)
        if second is not None:
            processes.stop(second)
    assert len(server.asked) == 2 and len(set(server.asked)) == 1  # at least once
    (row,) = _rows(Delivery.state, Delivery.tries, Delivery.claim)
    assert (row.state, row.tries, row.claim) == (DeliveryState.SENT, 2, "")
    log = (tmp_path / "work.log").read_text()
    assert robots.TOKEN not in log and robots.SECRET not in log and "要紧的" not in log
    assert second is not None and second.returncode == 0


def test_two_workers_at_once_send_everything_once(app, database, server, tmp_path):
    _way()
    _never_quiet()
    both = [_worker(database, server, tmp_path, SEND_PATIENCE=10) for _ in range(2)]
    try:
        for n in range(20):
            _tell(f"第 {n} 件", clock.now())
        _until(lambda: set(_states()) == {"SENT"})
    finally:
        for one in both:
            processes.stop(one)
    assert len(server.asked) == 20 == len(set(server.asked))


def test_even_without_the_lease_two_senders_do_not_send_one_thing_twice(app, server):
    """A worker that stood still for longer than its lease goes on beside the next one: the claim keeps them apart."""
    _way()
    for n in range(20):
        _tell(f"第 {n} 件")
    server.after = 0.02

    def send() -> None:
        with app.app_context():
            deliver(NOON)

    both = [Thread(target=send) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(server.asked) == 20 == len(set(server.asked)) and set(_states()) == {"SENT"}


def test_what_kills_whoever_sends_it_ends_among_the_dead_letters(app, server):
    _way()
    _tell()
    with own_transaction() as session:
        session.execute(sa.update(Delivery).values(tries=3, claim="x", claimed_until=NOON))
    deliver(NOON + timedelta(seconds=1))
    assert _rows() == [(DeliveryState.DEAD, "killed")] and server.asked == []


def test_one_key_two_processes_one_message(app, database, server, tmp_path):
    _way()
    _never_quiet()
    go, user_id = tmp_path / "go", _id("zhao")
    line = [sys.executable, "-m", "tests.tools.teller", database.url, str(go), str(user_id), "need:1:overdue"]
    both = [
        subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=processes.clean_environment())
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout.readline() == "ready\n"
    go.touch()
    assert sorted(one.communicate(timeout=30)[0] for one in both) == ["False\n", "True\n"]
    deliver(clock.now())
    assert len(server.asked) == 1 and _states() == ["SENT"]


def test_a_week_of_holidays_waits_for_its_first_working_morning(app, server):
    """The National Day week of 2026: from 1 to 7 October nothing goes, on Saturday the 10th it does."""
    _way()
    moments = ["09-30 20:30", "10-02 09:00", "10-07 23:59"]
    for n, moment in enumerate(moments):
        _tell(f"不急 {n}", at(moment), urgent=False)
    _tell("急事", at("10-03 10:00"))
    for hour in range(0, 24 * 7, 3):
        deliver(at("09-30 21:00") + timedelta(hours=hour))
    assert server.asked == []
    deliver(at("10-08 08:00"))
    digest = "\n".join(["青助企：3 件事和你有关", *(f"{n + 1}. 华星点单：不急 {n}。" for n in range(3))])
    assert sorted(server.taken) == sorted(
        [f"青助企提醒\n华星点单：急事。\n{PUBLIC_URL}/needs", f"{digest}\n{PUBLIC_URL}/notices"]
    )
    _tell("周六", at("10-09 21:00"), urgent=False)
    deliver(at("10-10 07:59"))
    assert len(server.asked) == 2
    deliver(at("10-10 08:00"))
    assert server.taken[-1] == f"青助企提醒\n华星点单：周六。\n{PUBLIC_URL}/needs"


def test_a_worker_that_comes_back_at_night_waits_for_the_morning_too(app, server):
    _way()
    _tell("急事", at("10-08 15:00"))
    _tell("不急", at("10-07 15:00"), urgent=False)
    deliver(at("10-08 23:00"))
    assert server.asked == []
    deliver(at("10-09 08:00"))
    assert len(server.taken) == 2


def test_another_try_is_not_made_at_night_either(app, server):
    _way()
    server.says = (500, {})
    _tell("急事", at("10-08 19:59"))
    deliver(at("10-08 19:59"))
    server.says = robots.FINE
    deliver(at("10-08 20:05"))
    assert len(server.asked) == 1
    deliver(at("10-09 08:00"))
    assert len(server.taken) == 1


def test_what_has_been_read_meanwhile_is_not_sent(app, server, zhao):
    _way()
    _tell("看过的", at("10-08 15:00"), urgent=False)
    with writing():
        newest = db.session.scalar(sa.select(sa.func.max(Notification.id)))
        person = db.session.get(User, _id_here("zhao"))
        put_all_away(person, newest, at("10-08 16:00"))
        db.session.commit()
    _tell("没看的", at("10-08 17:00"), urgent=False)
    deliver(at("10-09 08:00"))
    assert server.taken == [f"青助企提醒\n华星点单：没看的。\n{PUBLIC_URL}/needs"]
    assert _rows() == [(DeliveryState.GIVEN_UP, "read"), (DeliveryState.SENT, "")]


def _id_here(username: str) -> int:
    return db.session.scalars(sa.select(User.id).where(User.username == username)).one()


def test_nobody_whose_account_is_closed_gets_anything(app, server):
    _way()
    _tell()
    with own_transaction() as session:
        session.execute(sa.update(User).where(User.username == "zhao").values(active=False))
    deliver(NOON)
    assert _rows() == [(DeliveryState.GIVEN_UP, "disabled")] and server.asked == []


def test_a_teams_robot_is_told_by_key_once_and_nobodys_inbox(app, server):
    _way(team="一队")
    with writing():
        team_id = db.session.scalar(sa.select(Team.id).where(Team.name == "一队"))
        told = [
            tell_team(team_id, "order_placed", NOON, "/needs", key="a", urgent=True, enterprise="华星")
            for _ in range(2)
        ]
        db.session.commit()
    assert told == [1, 0]
    deliver(NOON)
    assert server.taken == [f"青助企提醒\n华星点单了。\n{PUBLIC_URL}/needs"]
    with own_transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notification)) == 0


# Pages


WEBHOOK = f"https://oapi.dingtalk.com/robot/send?access_token={robots.TOKEN}"


def test_a_robot_is_set_up_tried_and_taken_away_and_its_secret_shown_nowhere(zhao, app, server, caplog):
    caplog.set_level(logging.DEBUG)
    assert "没有设置" in zhao.get("/me/notices").text
    answer = zhao.submit("/me/notices/dingtalk", "way-form", webhook=WEBHOOK, secret=robots.SECRET)
    assert answer.status_code == 303
    pages = [zhao.get(answer.location).text, zhao.get("/me/notices/dingtalk").text]
    answer = zhao.submit("/me/notices", "/test")
    assert answer.status_code == 303
    waiting = zhao.get("/me/notices").text
    assert "测试正在发送" in waiting and 'hx-get="/me/notices/list"' in waiting
    deliver(clock.now())  # whatever the hour: whoever asked is looking
    assert "赵青" in server.taken[0] and "测试" in server.taken[0]
    part = zhao.get("/me/notices/list").text
    assert "测试已发出" in part and "hx-get" not in part and "<html" not in part
    pages += [waiting, part, zhao.get("/me").text]
    assert zhao.submit("/me/notices/dingtalk", "close-form").status_code == 303
    pages.append(zhao.get("/me/notices").text)
    assert "没有设置" in pages[-1]
    with own_transaction() as session:
        channel = session.scalars(sa.select(Channel)).one()
        assert (channel.target, channel.secret, channel.active) == ("", "", False)
        trail = [str(row) for row in session.execute(sa.select(AuditEvent.action, AuditEvent.detail)).all()]
        kept = [str(row) for row in session.execute(sa.select(Entry.path, Entry.location, Entry.body)).all()]
    told = "\n".join([*pages, *trail, *kept, caplog.text])
    assert robots.TOKEN not in told and robots.SECRET not in told
    assert any("channel_opened" in line for line in trail)


def test_a_test_that_did_not_go_says_why_and_is_not_tried_again(zhao, app, server):
    zhao.submit("/me/notices/dingtalk", "way-form", webhook=WEBHOOK, secret="SEC" + "0" * 40)
    zhao.submit("/me/notices", "/test")
    deliver(clock.now())
    assert "测试没有发出去" in (page := zhao.get("/me/notices").text) and "签名、关键词或地址限制不对" in page
    deliver(clock.now() + timedelta(days=1))
    assert len(server.asked) == 1 and _states() == ["GIVEN_UP"]
    zhao.submit("/me/notices", "/test")  # the next one takes its place
    assert _states() == ["WAITING"]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"webhook": "", "secret": ""}, "还有 2 处要改"),
        ({"webhook": "https://example.cn/", "secret": robots.SECRET}, "这不像这种机器人的 Webhook 地址"),
        ({"webhook": WEBHOOK, "secret": "短"}, "加签密钥不对"),
    ],
)
def test_what_is_no_robot_is_refused_and_not_repeated(zhao, server, values, word):
    answer = zhao.submit("/me/notices/dingtalk", "way-form", **values)
    assert answer.status_code == 422 and word in answer.text
    assert robots.TOKEN not in answer.text and robots.SECRET not in answer.text


def test_mail_is_offered_where_there_is_a_server_only(zhao, app, server):
    assert "邮件" not in zhao.get("/me/notices").text and zhao.get("/me/notices/mail").status_code == 404
    assert zhao.get("/me/notices/pigeon").status_code == 404


def test_a_mailbox_is_set_up_and_its_owner_sees_it(zhao, qian, post):
    assert zhao.submit("/me/notices/mail", "way-form", mail="nobody").status_code == 422
    assert zhao.submit("/me/notices/mail", "way-form", mail="zhao@example.cn").status_code == 303
    assert "zhao@example.cn" in zhao.get("/me/notices").text
    assert "zhao@example.cn" not in qian.get("/me/notices").text


def test_quiet_hours_are_shown_as_they_hold_and_changed(zhao, app):
    form = zhao.form("/me/notices", "quiet-form")
    data = form.filled()
    assert (data["starts"], data["ends"]) == ("20:00", "08:00") and "days_off" in data and "digest" in data
    answer = zhao.submit("/me/notices", "quiet-form", starts="22:30", ends="07:00", digest=None)
    assert answer.status_code == 303
    data = zhao.form("/me/notices", "quiet-form").filled()
    assert (
        (data["starts"], data["ends"]) == ("22:30", "07:00") and "digest" not in data and "days_off" in data
    )
    assert zhao.submit("/me/notices", "quiet-form", starts="25:00").status_code == 422


def test_a_lead_and_an_admin_set_up_a_teams_robot_another_lead_does_not(li, zhou, wu, app, server):
    with own_transaction() as session:
        team_id = session.scalar(sa.select(Team.id).where(Team.name == "一队"))
    page = f"/teams/{team_id}/notices"
    assert page in li.get("/me/notices").text and page in wu.get(f"/admin/teams/{team_id}").text
    assert zhou.get(page).status_code == 404
    answer = li.submit(f"{page}/wecom", "way-form", webhook=robots.KEY)
    assert answer.status_code == 303 and answer.location.startswith(page)
    assert "邮件" not in li.get(page).text and "免打扰" not in li.get(page).text
    wu.submit(page, "/test")
    deliver(clock.now())
    assert "吴管" in server.taken[0]
    assert wu.submit(f"{page}/wecom", "close-form").status_code == 303


def test_the_admin_sees_dead_letters_but_not_what_they_say(wu, app, server):
    _way()
    for title in ("绝密配方", "绝密价格"):
        _tell(title)
    server.says = (500, {})
    with own_transaction() as session:
        session.execute(sa.update(Delivery).values(tries=2))
    deliver(NOON)
    page = wu.get("/admin/deliveries").text
    assert (
        page.count("钉钉群机器人") >= 2
        and "赵青" in page
        and "对方的服务器回答 500" in page
        and "试了 3 次" in page
    )
    for hidden in ("绝密", "华星", robots.TOKEN, robots.SECRET):
        assert hidden not in page
    assert wu.submit("/admin/deliveries", "/give-up").status_code == 303
    assert wu.submit("/admin/deliveries", "/retry").status_code == 303
    assert sorted(_states()) == ["GIVEN_UP", "WAITING"]
    assert "都发出去了" in wu.get("/admin/deliveries").text
    server.says = robots.FINE
    _never_quiet()
    deliver(clock.now())
    assert sorted(_states()) == ["GIVEN_UP", "SENT"]
    with own_transaction() as session:
        trail = set(session.scalars(sa.select(AuditEvent.action)).all())
    assert {"delivery_retried", "delivery_given_up"} <= trail


def test_a_letter_that_is_not_dead_cannot_be_given_up(wu, app, server):
    _way()
    _tell()
    (row,) = _rows(Delivery.id)
    for act in ("retry", "give-up"):
        answer = wu.post(f"/admin/deliveries/{row.id}/{act}", data={"csrf_token": wu.token()})
        assert answer.status_code == 404


def test_the_admin_is_told_when_nobody_works(wu, app, server):
    _way()
    _tell(moment=clock.now() - timedelta(days=30))
    assert "flask work" in wu.get("/admin/deliveries").text
    with own_transaction() as session:
        session.execute(sa.update(Delivery).values(due_at=clock.now() + timedelta(hours=1)))
    page = wu.get("/admin/deliveries").text
    assert "flask work" not in page and "还有 1 条在等到点再发" in page


def test_dead_letters_are_paged_without_a_gap(wu, app, server, monkeypatch):
    monkeypatch.setitem(app.config, "PAGE_SIZE", 3)
    _way()
    for n in range(7):
        _tell(str(n))
    with own_transaction() as session:
        session.execute(sa.update(Delivery).values(state=DeliveryState.DEAD, error="timeout"))
    page, seen = "/admin/deliveries", 0
    while page:
        text = wu.get(page).text
        seen += text.count("对方太久没有回应")
        page = (
            text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0] if 'rel="next"' in text else ""
        )
    assert seen == 7


def test_what_was_sent_is_kept_for_a_month_and_dead_letters_for_good(app, server):
    _way()
    states = cycle(DeliveryState)
    for n in range(8):
        _tell(str(n))
    with own_transaction() as session:
        for one in session.scalars(sa.select(Delivery).order_by(Delivery.id)):
            one.state = next(states)
            one.ended_at = NOON if one.state is not DeliveryState.WAITING else None
    assert dict(tidy(NOON + timedelta(days=29)))["sent notices"] == 0
    assert dict(tidy(NOON + timedelta(days=31)))["sent notices"] == 4
    assert sorted(set(_states())) == ["DEAD", "WAITING"]


def test_the_unread_count_is_on_every_page_with_the_tabs(zhao, li):
    _tell(username="zhao"), _tell(username="zhao"), _tell(username="li")
    for path in ("/", "/enterprises", "/follow-ups", "/visits", "/me"):
        assert '<span class="dot">2<span class="vh">条提醒没看' in zhao.get(path).text, path
    assert "2 条没看" in zhao.get("/me").text
    for path in ("/lead", "/enterprises"):
        assert '<span class="dot">1<span class="vh">条提醒没看' in li.get(path).text, path
    zhao.submit("/notices", "notices-all")
    assert "条提醒没看" not in zhao.get("/enterprises").text
