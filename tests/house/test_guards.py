"""Every answer is guarded: headers, cross-site posts, stale tokens, error pages that say what to do next."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from fieldapp.audit.models import AuditEvent
from fieldapp.db import db
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.guards import CSP
from tests import people
from tests.conftest import ROOT

ADDRESSES = [
    "/login",
    "/enterprises",
    "/nowhere",
    "/healthz",
    "/s/x/css/app.css",
    "/s/x/../settings.py",
    "/admin/users",
    "/",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_strict_headers_on_every_answer(zhao, address):
    answer = zhao.get(address)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert "camera=(self)" in answer.headers["Permissions-Policy"]
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("address", ["/", "/enterprises", "/me", "/nowhere"])
def test_signed_in_pages_are_not_stored(zhao, address):
    assert zhao.get(address).headers["Cache-Control"] == "no-store"


def test_static_files_of_this_version_are_kept_for_ever_and_others_are_not(anybody):
    asset = re.search(r'href="(/s/[^"]+app\.css)"', anybody.get("/login").text)[1]
    assert "immutable" in anybody.get(asset).headers["Cache-Control"]
    assert "immutable" not in anybody.get("/s/old/css/app.css").headers["Cache-Control"]
    assert anybody.get("/s/x/..%2f..%2fsettings.py").status_code == 404


def test_pages_hold_no_inline_code_and_nothing_foreign(zhao, city):
    for address in (
        "/",
        "/enterprises",
        f"/enterprises/{city.huaxing.id}",
        f"/enterprises/{city.huaxing.id}/visits/new",
    ):
        html = zhao.get(address).text
        assert not re.search(
            r"\son\w+\s*=|\sstyle\s*=|<style|<script(?![^>]*\ssrc=)|hx-on|javascript:", html
        ), address
        loaded = re.findall(r'<(?:script|link|img|use|iframe)[^>]*?(?:src|href)="([^"]+)"', html)
        assert loaded and all(
            found.startswith(("/", "#")) and not found.startswith("//") for found in loaded
        ), loaded


def _close(client, **headers):
    form = client.form(f"/follow-ups/{people.FOLLOW_UP}/close", "close-form")
    return client.post(form.action, data=form.filled(status="DONE", result="办好了"), headers=headers)


def _is_open():
    db.session.rollback()
    return db.session.get(FollowUp, people.FOLLOW_UP).status is FollowUpStatus.OPEN


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/page"},
    ],
    ids=str,
)
def test_posts_from_elsewhere_are_refused(zhao, headers):
    answer = _close(zhao, **headers)
    assert answer.status_code == 403 and "没有保存" in answer.text
    assert _is_open()


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}], ids=str
)
def test_posts_from_here_pass(zhao, headers):
    assert _close(zhao, **headers).status_code == 303
    assert not _is_open()


def test_a_missing_or_foreign_token_is_refused(zhao, qian):
    form = zhao.form(f"/follow-ups/{people.FOLLOW_UP}/close", "close-form")
    for token in ("", "00" * 64, "zz", qian.token()):
        answer = zhao.post(form.action, data=form.filled(status="DONE", result="好", csrf_token=token))
        assert answer.status_code == 403 and answer.headers["Outbox-Error"] == "csrf"
    assert _is_open()


def test_a_page_meant_for_somebody_else_is_refused(zhao):
    assert _close(zhao, **{"Outbox-User": "99999"}).headers["Outbox-Error"] == "user"
    assert _is_open()


def test_refused_acts_are_in_the_trail(sun, wu):
    wu.get("/enterprises")
    db.session.rollback()
    last = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert last.outcome == "refused" and last.actor_name == "吴管"


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [("/nowhere", 404, "不归你负责"), ("/admin/users", 403, "不能改"), ("/logout", 405, "不能直接打开")],
)
def test_error_pages_say_what_to_do_and_carry_the_request_id(zhao, address, status, words):
    answer = zhao.get(address)
    assert answer.status_code == status
    assert words in answer.text and answer.headers["X-Request-Id"] in answer.text
    assert "回到首页" in answer.text


def test_a_body_that_is_too_large_says_so(zhao):
    answer = zhao.post("/login", data={"username": "x" * (7 * 1024 * 1024)})
    assert answer.status_code == 413 and "太大" in answer.text


def test_a_crash_is_a_page_with_a_number_and_no_insides(app, zhao, monkeypatch):
    monkeypatch.setitem(app.view_functions, "needs.index", lambda: 1 / 0)
    answer = zhao.get("/needs")
    assert answer.status_code == 500
    assert "没有保存" in answer.text and "ZeroDivisionError" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_log_lines_hold_no_personal_data(zhao, city, caplog):
    import logging

    logger = logging.getLogger("fieldapp")
    logger.propagate = True
    try:
        with caplog.at_level(logging.INFO, logger="fieldapp"):
            zhao.get("/enterprises?q=周岚")
            zhao.submit(
                f"/enterprises/{city.huaxing.id}/visits/new",
                "visit-form",
                **{"new_contacts-0-name": "蒋澈", "new_contacts-0-phone": "17704030614"},
            )
    finally:
        logger.propagate = False
    lines = "\n".join(r.getMessage() for r in caplog.records)
    assert '"rule": "/enterprises"' in lines
    assert not re.search(r"周岚|%E5|蒋澈|17704030614|赵青", lines)


def test_policy_has_no_holes():
    assert CSP["default-src"] == "'none'" and not any("unsafe" in sources for sources in CSP.values())


def test_the_proxy_that_ships_takes_as_much_as_the_app_does(app):
    """docs/deployment/nginx.conf measures every body; an address that it does not know of would lose photos there."""
    conf = (ROOT / "docs" / "deployment" / "nginx.conf").read_text()
    (large,) = re.findall(r'location ~ "(\^.+\$)" \{\s+client_max_body_size 84m;', conf)
    sample = {
        "need_id": str(people.NEED), "visit_id": str(people.VISIT), "enterprise_id": "7", "step": "plan",
        "act": "answer", "token": "aB3-_x", "receipt": "aB3-_x",
    }  # fmt: skip
    addresses = {True: set(), False: set()}
    for rule in app.url_map.iter_rules():
        takes_files = hasattr(app.view_functions[rule.endpoint], "body_setting")
        address = re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda part: sample.get(part[1], "x"), rule.rule)
        addresses[takes_files].add(address)
    matching = {one for one in addresses[True] | addresses[False] if re.match(large, one)}
    assert matching == addresses[True] and len(matching) >= 7
