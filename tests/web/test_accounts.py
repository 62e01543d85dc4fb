"""What admins do to accounts and teams, and what they cannot."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import Region, Role, Session, Team, Throttle, User, team_lead, team_region
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.entries.models import Entry
from tests.people import PASSWORD

NEW = {"username": "feng", "name": "冯远", "phone": "138 1234 5678", "role": "OFFICER"}


def _count(model, *conditions):
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*conditions))


def _user(username):
    db.session.rollback()
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def _team(name):
    db.session.rollback()
    return db.session.scalars(sa.select(Team).where(Team.name == name)).one()


def _led(username):
    query = sa.select(Team.name).join(team_lead).join(User).where(User.username == username)
    db.session.rollback()
    return set(db.session.scalars(query))


def _actions(subject):
    db.session.rollback()
    return db.session.scalars(
        sa.select(AuditEvent.action).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
    ).all()


def _change(username, **values):
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(User).where(User.username == username).values(**values))
        db.session.commit()


def _edit(username):
    return f"/admin/users/{_user(username).id}"


def _secret(answer):
    return re.search(r'id="one-time-password"[^>]*>([^<]+)<', answer.text)[1]


def _is_in(client):
    return client.get("/me/password").status_code == 200


# --- the list ---------------------------------------------------------------------------------------


def test_the_list_is_found_by_account_name_and_phone_and_filtered(wu):
    _change("qian", phone="13987654321")

    def shown(query):
        rows = wu.get(f"/admin/users?{query}").text
        return (
            re.findall(r'<span class="mono">(\w+)</span>', rows.split('id="people"')[1])
            if 'id="people"' in rows
            else []
        )

    assert shown("") == ["li", "qian", "sun", "wang", "wu", "zhao", "zheng", "zhou"]
    assert shown("q=ZHA") == shown("q=赵") == ["zhao"]
    assert shown("q=8765") == ["qian"]
    assert shown("q=%25") == shown("q=_") == shown("q=没有") == []
    assert shown("role=lead") == ["li", "zhou"]
    assert shown("active=no") == ["wang"]
    team = _team("二队").id
    assert shown(f"team={team}") == ["sun", "zhou"]
    assert shown(f"team={team}&role=officer&active=yes&q=s") == ["sun"]
    assert "139 **** 4321" in wu.get("/admin/users").text


def test_pages_follow_each_other_without_gap_or_repeat(wu):
    with writing():
        db.session.rollback()
        names = [f"p.{n:02}" if n % 2 else f"p-{n:02}" for n in range(70)]
        db.session.add_all(User(username=n, name="某人", role=Role.OFFICER, password_hash="x") for n in names)
        db.session.commit()
    seen, url = [], "/admin/users?q=p"
    while url:
        page = wu.get(url).text
        seen += re.findall(r'<span class="mono">([^<]+)</span>', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        url = following[1].replace("&amp;", "&") if following else None
    assert seen == sorted(names)


@pytest.mark.parametrize(
    "query", ["role=king", "team=x", "team=" + "9" * 30, "active=maybe", "page=" + "é" * 90, "q=" + "x" * 999]
)
def test_nonsense_in_the_address_breaks_nothing(wu, query):
    assert wu.get(f"/admin/users?{query}").status_code == 200


def test_only_admins_come_here_and_see_no_business(zhao, li, zheng, wu, anybody, city):
    urls = [
        "/admin/users",
        "/admin/users/new",
        "/admin/teams",
        "/admin/teams/new",
        _edit("qian"),
        f"/admin/teams/{_team('一队').id}",
    ]
    for url in urls:
        for person in (zhao, li, zheng):
            assert person.get(url).status_code == 403
        assert anybody.get(url).status_code == 303
        page = wu.get(url)
        assert page.status_code == 200 and city.huaxing.name not in page.text
    for url in ("/enterprises", f"/enterprises/{city.huaxing.id}", "/visits", "/needs", "/audit"):
        assert wu.get(url).status_code in {403, 404}


def test_whoever_may_not_open_the_page_may_not_post_to_it_either(zhao, li, zheng):
    qian = _user("qian").id
    before = _user("qian").version
    for person in (zhao, li, zheng):
        token = person.token()
        for path in (
            f"users/{qian}",
            f"users/{qian}/disable",
            f"users/{qian}/enable",
            f"users/{qian}/reset-password",
            "users/new",
            "teams/new",
            "regions",
            f"teams/{_team('一队').id}",
        ):
            assert person.post(f"/admin/{path}", data={"csrf_token": token}).status_code == 403
    assert _user("qian").version == before and _user("qian").active


def test_absent_accounts_and_teams_are_not_found(wu):
    token = wu.token()
    assert wu.get("/admin/users/999999").status_code == wu.get("/admin/teams/999999").status_code == 404
    for path in ("users/999999", "users/999999/disable", "users/999999/reset-password", "teams/999999"):
        assert wu.post(f"/admin/{path}", data={"csrf_token": token}).status_code == 404


# --- making accounts --------------------------------------------------------------------------------


def test_a_new_account_gets_a_one_time_password_shown_once_and_signs_in_with_it(wu, anybody):
    answer = wu.submit("/admin/users/new", "person-form", **NEW, team=_team("一队").id)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    secret = _secret(answer)
    user = _user("feng")
    assert (user.name, user.phone, user.role, user.team_id) == (
        "冯远",
        "13812345678",
        Role.OFFICER,
        _team("一队").id,
    )
    assert user.password_is_one_time and user.password_hash.startswith("$argon2id$")
    assert secret not in wu.get(f"/admin/users/{user.id}").text
    entered = anybody.submit("/login", username="feng", password=secret)
    assert entered.location == "/me/password?notice=change_password"
    assert _actions(f"user:{user.id}")[0] == "user_created"


def test_the_same_entry_again_makes_no_second_account_and_shows_no_secret(wu):
    form = wu.form("/admin/users/new", "person-form")
    data = form.filled(**NEW, team=_team("一队").id, entry_id=str(uuid7()))
    first, second = wu.post(form.action, data=data), wu.post(form.action, data=data)
    secret = _secret(first)
    assert second.status_code == 200 and second.headers["Outbox-Replayed"] == "1"
    assert secret not in second.text and "不会再显示" in second.text and "冯远" in second.text
    assert _count(User, User.username == "feng") == 1


def test_the_secret_stands_nowhere_in_the_database(wu):
    secrets = [_secret(wu.submit("/admin/users/new", "person-form", **NEW, team=_team("一队").id))]
    secrets.append(_secret(wu.submit(_edit("qian"), "reset-form")))
    db.session.rollback()
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(sa.select(table)):
            assert not any(secret in str(row) for secret in secrets), table.name
    assert _count(Entry, Entry.body != "") >= 2


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("username", "", "请填账号"),
        ("username", "zhao", "已经有人用了"),
        ("username", " ＺＨＡＯ ", "已经有人用了"),
        ("username", "冯", "账号用 1 到 40 个"),
        ("username", "a b", "账号用 1 到 40 个"),
        ("username", "-a", "账号用 1 到 40 个"),
        ("username", "a" * 41, "账号用 1 到 40 个"),
        ("name", "  ", "请填姓名"),
        ("name", "x" * 41, "姓名最多 40 个字"),
        ("name", "a\tb", "看不见的特殊字符"),
        ("name", "\u202e\u200b", "请填姓名"),
        ("phone", "打电话", "电话只能是数字"),
        ("phone", "1" * 30, "电话最多 20 位"),
        ("role", "KING", None),
        ("role", None, "请选一个角色"),
        ("team", "", "要属于一个服务团"),
        ("team", "999", None),
        ("team", "x", None),
    ],
)
def test_what_will_not_do_is_told_beside_its_field_and_what_was_typed_stays(wu, field, value, words):
    before = _count(User), _count(Entry)
    typed = {**NEW, "team": _team("一队").id, field: value}
    answer = wu.submit("/admin/users/new", "person-form", **typed)
    assert answer.status_code == 422
    assert "is-invalid" in answer.text and (words is None or words in answer.text)
    assert 'value="13812345678"' in answer.text or field == "phone"
    assert before == (_count(User), _count(Entry))


def test_a_lead_leads_at_least_one_team_and_admins_belong_to_none(wu):
    one, two = _team("一队").id, _team("二队").id
    lead = {**NEW, "role": "LEAD", "team": one}
    assert "至少选一个" in wu.submit("/admin/users/new", "person-form", **lead).text
    assert wu.submit("/admin/users/new", "person-form", **lead, leads=[one, two]).status_code == 200
    assert _led("feng") == {"一队", "二队"}
    admin = {**NEW, "username": "guan", "role": "ADMIN", "team": one, "leads": [one]}
    assert wu.submit("/admin/users/new", "person-form", **admin).status_code == 200
    assert _user("guan").team_id is None and _led("guan") == set()


# --- editing ----------------------------------------------------------------------------------------


def test_a_name_or_phone_can_be_changed_without_signing_anybody_out(wu, qian):
    answer = wu.submit(_edit("qian"), "person-form", name="钱小禾", phone="0472-5550199")
    assert answer.status_code == 303 and "账号已保存" in wu.get(answer.location).text
    assert (_user("qian").name, _user("qian").phone) == ("钱小禾", "0472-5550199")
    assert _is_in(qian)
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "user_changed")).one()
    assert event.detail == {"fields": ["name", "phone"]}  # which, not what


@pytest.mark.parametrize("change", [{"team": "二队"}, {"role": "AUDITOR", "team": ""}])
def test_another_team_or_role_ends_the_sessions(wu, qian, change):
    if change["team"]:
        change = {**change, "team": _team(change["team"]).id}
    assert wu.submit(_edit("qian"), "person-form", **change).status_code == 303
    assert not _is_in(qian)
    assert _count(Session, Session.user_id == _user("qian").id, Session.ended_at.is_(None)) == 0
    assert {"user_moved", "role_changed"} & set(_actions(f"user:{_user('qian').id}"))


def test_a_role_change_takes_the_led_teams_along(wu):
    assert wu.submit(_edit("li"), "person-form", role="OFFICER").status_code == 303
    assert _led("li") == set()
    assert "led_teams_changed" in _actions(f"user:{_user('li').id}")


def test_two_admins_at_once_see_both_texts_and_lose_nothing(wu):
    mine = wu.form(_edit("qian"), "person-form")
    wu.submit(_edit("qian"), "person-form", name="钱甲")
    data = mine.filled(name="钱乙", phone="13900000000")
    answer = wu.post(mine.action, data=data)
    assert answer.status_code == 409
    for words in ("另一位管理员刚刚改过", "钱甲", "钱乙", 'value="钱乙"', 'value="13900000000"'):
        assert words in answer.text
    assert _user("qian").name == "钱甲"
    from tests.forms import forms_in

    again = next(f for f in forms_in(answer.text) if f.id == "person-form")
    assert wu.post(again.action, data=again.filled()).status_code == 303
    assert (_user("qian").name, _user("qian").phone) == ("钱乙", "13900000000")


# --- disabling, the last admin ----------------------------------------------------------------------


def test_a_disabled_account_is_out_at_once_and_can_come_back(wu, qian, anybody):
    assert wu.submit(_edit("qian"), "state-form").status_code == 303
    assert not _user("qian").active and not _is_in(qian)
    assert anybody.submit("/login", username="qian", password=PASSWORD).status_code == 401
    assert wu.submit(_edit("qian"), "state-form").status_code == 303
    assert _user("qian").active and not _is_in(qian)  # what was open stays closed
    assert anybody.submit("/login", username="qian", password=PASSWORD).status_code == 303
    assert wu.submit(_edit("qian"), "state-form").status_code == 303  # without script, the same button again
    assert not _user("qian").active
    assert _actions(f"user:{_user('qian').id}").count("user_disabled") == 2


def test_the_last_admin_cannot_be_demoted_or_disabled(wu):
    answer = wu.submit(_edit("wu"), "person-form", role="AUDITOR")
    assert answer.status_code == 422 and "最后一位能用的管理员" in answer.text
    answer = wu.post(f"{_edit('wu')}/disable", data={"csrf_token": wu.token()})
    assert answer.status_code == 422 and "最后一位能用的管理员" in answer.text
    assert _user("wu").role is Role.ADMIN and _user("wu").active and _is_in(wu)


def test_a_disabled_admin_does_not_count_as_one_who_is_left(wu):
    _change("wang", role=Role.ADMIN)
    assert wu.submit(_edit("wu"), "person-form", role="AUDITOR").status_code == 422


def test_nobody_disables_or_resets_themselves(wu):
    _change("qian", role=Role.ADMIN)
    token = wu.token()
    for act in ("disable", "reset-password"):
        answer = wu.post(f"{_edit('wu')}/{act}", data={"csrf_token": token})
        assert answer.status_code == 422 and "自己" in answer.text
    page = wu.get(_edit("wu")).text
    assert "reset-form" not in page and "state-form" not in page


def test_two_admins_who_demote_each_other_at_the_same_moment_leave_one(app, browser_of):
    _change("qian", role=Role.ADMIN, team_id=None)
    wu, qian = browser_of("wu"), browser_of("qian")
    forms = [(wu, wu.form(_edit("qian"), "person-form")), (qian, qian.form(_edit("wu"), "person-form"))]
    answers = []

    def demote(client, form):
        answers.append(client.post(form.action, data=form.filled(role="AUDITOR")).status_code)

    threads = [threading.Thread(target=demote, args=pair) for pair in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The slower one is refused by the rule, or is no admin any more when their turn comes.
    assert answers.count(303) >= 1 and len(answers) == 2
    assert _count(User, User.role == Role.ADMIN, User.active) == 1


# --- a new one-time password ------------------------------------------------------------------------


def test_a_reset_ends_the_sessions_forgives_the_waits_and_shows_the_password_once(wu, qian, anybody):
    for _ in range(5):
        anybody.post("/login", data={"username": "qian", "password": "wrong-one-9x"})
    assert anybody.submit("/login", username="qian", password=PASSWORD).status_code == 429
    answer = wu.submit(_edit("qian"), "reset-form")
    assert answer.status_code == 200
    assert not _is_in(qian)
    assert _count(Throttle, Throttle.key.startswith("home:")) == 0
    assert anybody.submit("/login", username="qian", password=PASSWORD).status_code == 401
    assert anybody.submit("/login", username="qian", password=_secret(answer)).location.startswith(
        "/me/password"
    )
    assert "password_reset" in _actions(f"user:{_user('qian').id}")


def test_an_unused_one_time_password_grows_stale(wu, anybody):
    secret = _secret(wu.submit(_edit("qian"), "reset-form"))
    _change("qian", password_set_at=clock.now() - timedelta(days=15))
    assert anybody.submit("/login", username="qian", password=secret).status_code == 401


# --- teams and regions ------------------------------------------------------------------------------


def _regions(team):
    db.session.rollback()
    return set(
        db.session.scalars(sa.select(Region.name).join(team_region).join(Team).where(Team.name == team))
    )


def test_a_team_is_made_with_regions_and_leads(wu):
    wu.submit("/admin/teams", "region-form", region_code="150207", region_name="九原区")
    nine = db.session.scalar(sa.select(Region.id).where(Region.name == "九原区"))
    answer = wu.submit(
        "/admin/teams/new",
        "team-form",
        name="三队",
        office_phone="0472-5550103",
        regions=[nine],
        leads=[_user("li").id],
    )
    assert answer.status_code == 303 and "服务团已保存" in wu.get(answer.location).text
    assert _regions("三队") == {"九原区"} and _led("li") == {"一队", "三队"}
    assert _actions(f"team:{_team('三队').id}") == ["team_created"]


def test_a_region_belongs_to_one_team(wu):
    guyang = db.session.scalar(sa.select(Region.id).where(Region.name == "固阳县"))
    kunqu = db.session.scalar(sa.select(Region.id).where(Region.name == "昆都仑区"))
    url = f"/admin/teams/{_team('一队').id}"
    answer = wu.submit(url, "team-form", regions=[kunqu, guyang])
    assert answer.status_code == 422 and "固阳县（二队）" in answer.text
    assert _regions("一队") == {"昆都仑区"} and _regions("二队") == {"固阳县"}
    assert wu.submit(f"/admin/teams/{_team('二队').id}", "team-form", regions=None).status_code == 303
    assert wu.submit(url, "team-form", regions=[kunqu, guyang]).status_code == 303
    assert _regions("一队") == {"昆都仑区", "固阳县"}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "请填名称"),
        ("name", "二队", "已经有叫这个名字"),
        ("office_phone", "电话", "只能是数字"),
        ("regions", ["999"], None),
        ("leads", ["1"], None),
    ],
)
def test_a_team_that_will_not_do_is_told_beside_its_field(wu, field, value, words):
    answer = wu.submit(f"/admin/teams/{_team('一队').id}", "team-form", **{field: value})
    assert (
        answer.status_code == 422 and (words is None or words in answer.text) and "is-invalid" in answer.text
    )
    assert _team("一队").version == 1


def test_two_admins_at_one_team_see_both_texts(wu):
    url = f"/admin/teams/{_team('一队').id}"
    mine = wu.form(url, "team-form")
    wu.submit(url, "team-form", office_phone="0472-1111111")
    answer = wu.post(mine.action, data=mine.filled(office_phone="0472-2222222"))
    assert answer.status_code == 409 and "0472-1111111" in answer.text and "0472-2222222" in answer.text
    assert _team("一队").office_phone == "0472-1111111"


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        ("15020", "九原区", "6 位数字"),
        ("150203", "九原区", "已经有这个旗县区"),
        ("150207", "固阳县", "已经有这个旗县区"),
        ("150207", "", "请填名称"),
    ],
)
def test_a_region_that_will_not_do_is_told_beside_its_field(wu, code, name, words):
    answer = wu.submit("/admin/teams", "region-form", region_code=code, region_name=name)
    assert answer.status_code == 422 and words in answer.text
    assert _count(Region) == 2


# --- the command ------------------------------------------------------------------------------------


def test_the_command_makes_an_account_and_prints_its_password_once(app, anybody):
    ran = app.test_cli_runner().invoke(
        args=["create-user", "--username", "Guan", "--name", "管一", "--role", "admin"]
    )
    assert ran.exit_code == 0, ran.output
    secret = re.search(r"One-time password: (\S+)", ran.output)[1]
    assert anybody.submit("/login", username="guan", password=secret).location.startswith("/me/password")
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "user_created")).one()
    assert event.actor_id is None and secret not in str(vars(event))


def test_the_command_asks_for_what_is_missing(app):
    ran = app.test_cli_runner().invoke(args=["create-user"], input="guan\n管一\nadmin\n")
    assert ran.exit_code == 0 and "One-time password" in ran.output
    assert _user("guan").role is Role.ADMIN


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--username", "zhao", "--name", "x", "--role", "admin"], "已经有人用了"),
        (["--username", "a b", "--name", "x", "--role", "admin"], "username"),
        (["--username", "feng", "--name", "x", "--role", "officer"], "team"),
        (["--username", "feng", "--name", "x", "--role", "officer", "--team", "九队"], "no such team"),
        (["--username", "feng", "--name", "x", "--role", "king"], "king"),
    ],
)
def test_the_command_says_what_will_not_do_and_writes_nothing(app, options, words):
    before = _count(User)
    ran = app.test_cli_runner().invoke(args=["create-user", *options])
    assert ran.exit_code != 0 and words in ran.output
    assert _count(User) == before


def test_the_command_puts_leads_and_officers_where_they_belong(app):
    run = app.test_cli_runner().invoke
    assert (
        run(
            args=["create-user", "--username", "feng", "--name", "冯", "--role", "officer", "--team", "一队"]
        ).exit_code
        == 0
    )
    assert (
        run(
            args=[
                "create-user",
                "--username",
                "chen",
                "--name",
                "陈",
                "--role",
                "lead",
                "--leads",
                "一队",
                "--leads",
                "二队",
            ]
        ).exit_code
        == 0
    )
    assert _user("feng").team_id == _team("一队").id and _led("chen") == {"一队", "二队"}
