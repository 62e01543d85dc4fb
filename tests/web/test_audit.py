"""The trail: who reads it, what it tells, and that refusals survive."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import g

from fieldapp import clock
from fieldapp.audit.actions import record
from fieldapp.audit.models import EVERYDAY, AuditEvent, TrailIsFinal
from fieldapp.audit.words import ACTIONS, action_words, detail_words, subject_words
from fieldapp.db import db, writing


def _write(count=1, **event):
    with writing():
        db.session.rollback()
        for number in range(count):
            row = {
                "at": clock.now(),
                "action": "signed_in",
                "actor_name": "赵青",
                "actor_id": 1,
                "subject": f"user:{number}",
            }
            db.session.execute(sa.insert(AuditEvent).values(row | event))
        db.session.commit()


def _events(action):
    db.session.rollback()
    return db.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
    ).all()


def test_only_auditors_read_it(zheng, zhao, li, wu, anybody):
    assert zheng.get("/audit").status_code == 200
    for person in (zhao, li, wu):
        assert person.get("/audit").status_code == 403
    assert anybody.get("/audit").location == "/login?next=/audit"


def test_auditors_read_nothing_else(zheng, city):
    for url in ("/enterprises", f"/enterprises/{city.huaxing.id}", "/visits", "/needs", "/admin/users"):
        assert zheng.get(url).status_code in {403, 404}


def test_it_tells_who_when_and_what_in_plain_words(zheng, zhao, city):
    zhao.submit(f"/enterprises/{city.huaxing.id}/visits/new", "visit-form", met_nobody="y")
    page = zheng.get("/audit").text
    assert (
        "赵青" in page
        and "记录走访" in page
        and f"企业：{city.huaxing.id}" in page
        and "visit_recorded" not in page.split("<ul")[1]
    )


def test_an_unknown_action_is_shown_as_it_was_written(zheng):
    _write(action="moon_landed", subject="rocket:7", detail={"crew": 3})
    page = zheng.get("/audit").text
    assert "moon_landed" in page and "rocket:7" in page and "crew：3" in page


def test_what_people_typed_cannot_become_markup(zheng):
    _write(action="<b>x</b>", actor_name="<script>alert(1)</script>", detail={"a": "<i>"})
    page = zheng.get("/audit").text
    assert "<script>alert" not in page and "<b>x" not in page and "<i>" not in page


def test_filters_by_person_action_day_and_refusal(zheng):
    _write(actor_name="甲一", actor_id=901)
    _write(actor_name="乙二", actor_id=902, action="phone_shown")
    _write(actor_name="丙三", actor_id=903, action="refused", outcome="refused")
    _write(actor_name="丁四", actor_id=904, at=clock.now().replace(year=2020))

    def shown(query):
        rows = zheng.get(f"/audit?{query}").text.split('id="events"')
        return {name for name in ("甲一", "乙二", "丙三", "丁四") if len(rows) > 1 and name in rows[1]}

    assert shown("") == {"甲一", "乙二", "丙三", "丁四"}
    assert shown("person=乙") == {"乙二"}
    assert shown("actor=901") == {"甲一"}
    assert shown("action=phone_shown") == {"乙二"}
    assert shown("refused=yes") == {"丙三"}
    assert shown(f"day={clock.today().isoformat()}") == {"甲一", "乙二", "丙三"}
    assert shown("person=%25") == shown("person=_") == set()
    assert shown("person=乙&action=signed_in") == set()


@pytest.mark.parametrize(
    "query",
    [
        "page=x",
        "page=-1",
        "page=" + "9" * 40,
        "day=2026-99-99",
        "day=0001-01-01",
        "actor=abc",
        "actor=" + "9" * 18,
        "action=" + "x" * 999,
    ],
)
def test_nonsense_in_the_address_breaks_nothing(zheng, query):
    assert zheng.get(f"/audit?{query}").status_code == 200


def test_pages_follow_each_other_without_gap_or_repeat(zheng, app):
    _write(count=75)
    seen, url = [], "/audit?person=赵青"
    while url:
        page = zheng.get(url).text
        seen += [int(n) for n in re.findall(r"· 账号 (\d+)", page)]
        following = re.search(r'href="([^"]+)" rel="next"', page)
        url = following.group(1).replace("&amp;", "&") if following else None
    assert seen == list(range(74, -1, -1))


def test_a_refusal_of_somebody_signed_in_leaves_a_line_although_all_else_is_undone(zhao, wu, city):
    assert zhao.get("/admin/users").status_code == 403
    assert wu.post("/visits", data={"csrf_token": wu.token()}).status_code == 405
    assert zhao.post("/me/display", data={"csrf_token": "forged"}).status_code == 403
    assert wu.get(f"/enterprises/{city.huaxing.id}").status_code in {403, 404}
    events = _events("refused")
    assert [(e.actor_name, e.subject, e.outcome, e.detail["status"]) for e in events][:2] == [
        ("赵青", "/admin/users", "refused", 403),
        ("赵青", "/me/display", "refused", 403),
    ]


def test_a_refusal_names_the_rule_and_plain_ids_never_the_path(zhao, city):
    zhao.get(f"/admin/users/{7}")
    event = _events("refused")[-1]
    assert event.subject == "/admin/users/<int:user_id>" and event.detail["user_id"] == "7"


def test_a_refusal_that_has_its_own_line_gets_no_second_one(zhao):
    for _ in range(4):
        answer = zhao.submit(
            "/me/password",
            "password-form",
            current="wrong-one-9x",
            new="shuijing-bolicai-42",
            again="shuijing-bolicai-42",
        )
    assert answer.status_code == 429
    assert len(_events("password_change_failed")) == 3 and len(_events("refused")) == 1


def test_strangers_refused_are_no_line(anybody):
    anybody.post("/login", data={"username": "x", "password": "y"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert _events("refused") == []


def test_the_trail_can_be_changed_by_nobody(app, zheng):
    _write()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/audit"):
            assert rule.methods <= {"GET", "HEAD", "OPTIONS"}
    with writing():
        db.session.rollback()
        event = db.session.scalars(sa.select(AuditEvent)).first()
        event.actor_name = "somebody else"
        with pytest.raises(TrailIsFinal):
            db.session.flush()
        db.session.rollback()
        db.session.delete(db.session.scalars(sa.select(AuditEvent)).first())
        with pytest.raises(TrailIsFinal):
            db.session.flush()
        db.session.rollback()


def test_reading_the_trail_writes_nothing(zheng):
    def count():
        db.session.rollback()
        return db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent))

    before = count()
    assert zheng.get("/audit?refused=yes").status_code == 200
    assert count() == before


def test_an_event_and_its_change_are_one_transaction(app):
    with writing():
        db.session.rollback()
        record("signed_out", "user:1")
        db.session.rollback()
    assert _events("signed_out") == []


def test_every_action_that_the_code_writes_has_its_words(app):
    folder = Path(app.root_path)
    code = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    written = set(re.findall(r"""\brecord\(\s*"(\w+)\"""", code)) | set(
        re.findall(r'else "(user_\w+)"', code)
    )
    assert written - ACTIONS.keys() == set()


def test_words(app):
    with app.test_request_context():
        assert action_words("role_changed") == "改角色" and action_words("xyz") == "xyz"
        assert (
            subject_words("user:12") == "账号 12"
            and subject_words("/audit") == "/audit"
            and subject_words("") == ""
        )
        assert detail_words({"before": "OFFICER", "fields": ["name", "phone"], "nothing": None}) == [
            ("原来", "青年干部"),
            ("改了", "姓名、电话"),
        ]
        many = dict(detail_words({"enterprises": list(range(500))}))["企业"]
        assert "等 500 项" in many and len(many) < 100
        assert detail_words(None) == []


def test_every_action_is_found_by_its_name_the_everyday_ones_and_the_rare_ones(zheng):
    """The rare ones through an index that does not know the others."""
    for action in (*EVERYDAY, "signed_in", "phone_shown"):
        _write(3, action=action, actor_name=f"做了{action}")
        page = zheng.get(f"/audit?action={action}").text
        assert page.count(f"做了{action}") == 3
        assert not any(f"做了{other}" in page for other in (*EVERYDAY, "phone_shown") if other != action)


def test_what_is_undone_is_not_told_and_what_was_committed_before_is(app, city):
    with app.test_request_context(method="POST"), writing():
        g.request_id = "r"
        record("region_added", "region:1")
        db.session.commit()
        record("region_added", "region:2")
        db.session.rollback()
        record("region_added", "region:3")
        db.session.commit()
    assert [event.subject for event in _events("region_added")] == ["region:1", "region:3"]
