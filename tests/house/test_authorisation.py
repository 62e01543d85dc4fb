"""The authorisation matrix: everybody of the cast at every address. A route without a row fails by itself."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
import sqlalchemy as sa

from fieldapp import create_app
from fieldapp.accounts.models import Session, Team, User
from fieldapp.codes.models import QrCode
from fieldapp.db import db
from fieldapp.enterprises.models import Contact
from tests import people
from tests.papers import kept_document
from tests.phones import kept_late
from tests.photos import kept_photo

EVERYBODY = ("anybody", "zhao", "sun", "li", "zhou", "wu", "zheng", "wang")
WHO = {
    "anybody": "anonymous", "zhao": "officer, own", "sun": "officer, other team", "li": "lead, own",
    "zhou": "lead, other team", "wu": "admin", "zheng": "auditor", "wang": "disabled",
}  # fmt: skip

# What each of EVERYBODY meets, one letter each:
#   + goes through (200, 303 onwards, or 4xx about the words sent, never 403/404)   s asked to sign in
#   0 404, as if absent   x 403
OPEN = "++++++++"
SIGNED_IN = "s++++++s"
RECORD = "s+0+0xxs"  # something of 华星: its officer and its lead
LIST = "s++++xxs"  # everybody's own share of it
LEADS = "sxx++xxs"
OWN_LEAD = "sx0+0xxs"  # something of 华星 that only its lead may do
OWN_RECORD = (
    "s+0x0xxs"  # a visit of zhao's, for those who were there or serve 华星: leads send it back instead
)
NO_COMPANION = "sx0x0xxs"  # a visit of 华星 that nobody of them goes along to
OWN_BATCH = "sxx+0xxs"  # an import that li began
NOBODYS = "s000000s"
OFFICERS_LEAD = "s00+0xxs"  # of an officer of 一队, for their lead
NOWHERE = "00000000"  # for nobody, signed in or not
ADMINS = "sxxxx+xs"
AUDITORS = "sxxxxx+s"
OWN_TEAM = "sxx+0+xs"  # of 一队, for its lead and admins
NO_ROBOT = "sxx000xs"  # the same, where 一队 has none
NO_DEAD_LETTER = "sxxxx0xs"  # for admins, but there is none

CHOSEN = "sxx00xxs"  # leads, with a selection that the row does not have; see test_needs_pool
NOT_SHARED = "s0000xxs"  # other teams', where the enterprise lets them; see test_disclosure

MATRIX: dict[tuple[str, str], str] = {
    ("GET", "pages.static_file"): OPEN,
    ("GET", "pages.favicon"): OPEN,
    ("GET", "pages.healthz"): OPEN,
    ("GET", "pages.readyz"): OPEN,
    ("GET", "offline.manifest"): OPEN,
    ("GET", "accounts.login"): OPEN,
    ("POST", "accounts.login"): OPEN,
    ("POST", "accounts.logout"): SIGNED_IN,
    ("GET", "accounts.me"): SIGNED_IN,
    ("GET", "offline.outbox"): SIGNED_IN,
    ("POST", "accounts.display"): SIGNED_IN,
    ("GET", "accounts.password"): SIGNED_IN,
    ("POST", "accounts.password"): SIGNED_IN,
    ("POST", "accounts.revoke_session"): NOBODYS,  # somebody else's session
    ("POST", "accounts.revoke_other_sessions"): SIGNED_IN,
    ("GET", "accounts.users"): ADMINS,
    ("GET", "accounts.user"): ADMINS,
    ("POST", "accounts.user"): ADMINS,
    ("GET", "accounts.new_user"): ADMINS,
    ("POST", "accounts.new_user"): ADMINS,
    ("POST", "accounts.disable_user"): ADMINS,
    ("POST", "accounts.enable_user"): ADMINS,
    ("POST", "accounts.reset_password"): ADMINS,
    ("GET", "accounts.teams"): ADMINS,
    ("GET", "accounts.team"): ADMINS,
    ("POST", "accounts.team"): ADMINS,
    ("GET", "accounts.new_team"): ADMINS,
    ("POST", "accounts.new_team"): ADMINS,
    ("POST", "accounts.new_region"): ADMINS,
    ("GET", "audit.index"): AUDITORS,
    ("GET", "enterprises.index"): LIST,
    ("GET", "enterprises.filters"): LIST,
    ("POST", "enterprises.phone"): RECORD,
    ("GET", "enterprises.export"): LIST,
    ("POST", "enterprises.export"): LIST,
    ("GET", "assignments.index"): LEADS,
    ("GET", "assignments.preview"): LEADS,
    ("GET", "assignments.proposal"): LEADS,
    ("POST", "assignments.apply"): LEADS,
    ("GET", "assignments.log"): RECORD,
    ("GET", "codes.card"): OPEN,
    ("GET", "orders.order"): OPEN,
    ("POST", "orders.order"): OPEN,
    ("GET", "orders.track"): OPEN,
    ("POST", "orders.track"): OPEN,
    ("GET", "orders.receipt"): NOWHERE,  # without the receipt; see test_orders
    ("GET", "orders.act"): NOWHERE,
    ("POST", "orders.act"): NOWHERE,
    ("GET", "orders.call"): NOWHERE,
    ("POST", "orders.call"): NOWHERE,
    ("GET", "orders.receipt_pdf"): NOWHERE,
    ("GET", "orders.receipt_photo"): NOWHERE,
    ("GET", "orders.send"): "s0000xxs",  # 华星 did not order it; see test_receipts
    ("POST", "orders.send"): "s0000xxs",
    ("GET", "orders.ratings"): LEADS,
    ("GET", "orders.privacy"): OPEN,
    ("POST", "orders.phone"): "s0000xxs",  # 华星 did not order it; see test_orders
    ("GET", "codes.scan"): LIST,
    ("POST", "codes.typed"): LIST,
    ("GET", "codes.show"): RECORD,
    ("POST", "codes.show"): OWN_LEAD,
    ("GET", "codes.svg"): RECORD,
    ("GET", "codes.png"): RECORD,
    ("GET", "codes.labels"): LIST,
    ("GET", "codes.labels_file"): LIST,
    ("GET", "imports.index"): LEADS,
    ("POST", "imports.upload"): LEADS,
    ("GET", "imports.template"): LEADS,
    ("GET", "imports.show"): OWN_BATCH,
    ("POST", "imports.remap"): OWN_BATCH,
    ("POST", "imports.confirm"): OWN_BATCH,
    ("POST", "imports.withdraw"): OWN_BATCH,
    ("GET", "imports.refused"): OWN_BATCH,
    ("GET", "imports.watch"): OWN_BATCH,
    ("GET", "needs.index"): LIST,
    ("GET", "needs.show"): RECORD,
    ("GET", "needs.filters"): LIST,
    ("POST", "needs.claim"): RECORD,
    ("GET", "needs.together"): CHOSEN,
    ("POST", "needs.move_together"): CHOSEN,
    ("GET", "needs.shared"): NOT_SHARED,
    ("GET", "needs.views"): LIST,
    ("POST", "needs.save_view"): LIST,
    ("POST", "needs.rename_view"): "s0000xxs",  # somebody else's
    ("POST", "needs.drop_view"): "s0000xxs",
    ("GET", "needs.export"): LIST,
    ("POST", "needs.export"): LIST,
    ("GET", "needs.new"): RECORD,
    ("POST", "needs.new"): RECORD,
    ("GET", "needs.edit"): RECORD,
    ("POST", "needs.edit"): RECORD,
    ("POST", "needs.note"): RECORD,
    ("GET", "needs.take_step"): RECORD,
    ("POST", "needs.take_step"): RECORD,
    ("GET", "followups.index"): LIST,
    ("GET", "followups.show"): RECORD,
    ("GET", "followups.export"): LIST,
    ("GET", "followups.new"): RECORD,
    ("POST", "followups.new"): RECORD,
    ("POST", "followups.note"): RECORD,
    ("GET", "followups.close"): RECORD,
    ("POST", "followups.close"): RECORD,
    ("GET", "followups.postpone"): RECORD,
    ("POST", "followups.postpone"): RECORD,
    ("GET", "followups.reassign"): RECORD,
    ("POST", "followups.reassign"): RECORD,
    ("GET", "followups.edit"): RECORD,
    ("POST", "followups.edit"): RECORD,
    ("POST", "followups.reopen"): OWN_LEAD,  # who closed it might too, but it is open
    ("GET", "followups.calendar"): LIST,
    ("POST", "followups.open_calendar"): LIST,
    ("POST", "followups.close_calendar"): LIST,
    ("GET", "followups.feed"): NOWHERE,  # without its key; see test_calendar
    ("GET", "notices.index"): SIGNED_IN,
    ("POST", "notices.read"): NOBODYS,  # somebody else's notice
    ("POST", "notices.read_all"): SIGNED_IN,
    ("GET", "notices.ways"): SIGNED_IN,
    ("GET", "notices.way_list"): SIGNED_IN,
    ("POST", "notices.quiet"): SIGNED_IN,
    ("GET", "notices.way"): SIGNED_IN,
    ("POST", "notices.way"): SIGNED_IN,
    ("POST", "notices.close_way"): NOBODYS,  # nobody has begun one
    ("POST", "notices.test_way"): NOBODYS,
    ("GET", "notices.team_ways"): OWN_TEAM,
    ("GET", "notices.team_way_list"): OWN_TEAM,
    ("GET", "notices.team_way"): OWN_TEAM,
    ("POST", "notices.team_way"): OWN_TEAM,
    ("POST", "notices.team_close_way"): NO_ROBOT,
    ("POST", "notices.team_test_way"): NO_ROBOT,
    ("GET", "notices.deliveries"): ADMINS,
    ("POST", "notices.retry"): NO_DEAD_LETTER,
    ("POST", "notices.give_up"): NO_DEAD_LETTER,
    ("GET", "visits.index"): LIST,
    ("GET", "visits.export"): LIST,
    ("POST", "visits.export"): LIST,
    ("GET", "visits.plan"): RECORD,
    ("POST", "visits.plan"): RECORD,
    ("GET", "visits.concerns"): RECORD,
    ("GET", "visits.replan"): RECORD,
    ("POST", "visits.replan"): RECORD,
    ("POST", "visits.join"): RECORD,
    ("POST", "visits.leave"): NO_COMPANION,
    ("POST", "visits.cancel"): RECORD,
    ("POST", "visits.accept"): OWN_LEAD,
    ("POST", "visits.send_back"): OWN_LEAD,
    ("GET", "visits.show"): RECORD,
    ("GET", "visits.new"): RECORD,
    ("POST", "visits.new"): RECORD,
    ("GET", "visits.edit"): OWN_RECORD,
    ("POST", "visits.edit"): OWN_RECORD,
    ("POST", "visits.ask"): OWN_RECORD,
    ("POST", "visits.take_back"): OWN_RECORD,
    ("GET", "visits.confirm"): NOWHERE,  # without a code of a visit; see test_confirming
    ("POST", "visits.confirm"): NOWHERE,
    ("GET", "visits.quiet"): NOWHERE,
    ("POST", "visits.quiet"): NOWHERE,
    ("POST", "visits.decide_quiet"): RECORD,
    ("GET", "visits.digits"): OPEN,
    ("POST", "visits.digits"): OPEN,
    ("GET", "visits.photos"): RECORD,
    ("POST", "visits.take_photo"): OWN_RECORD,
    ("POST", "visits.drop_photo"): OWN_RECORD,
    ("GET", "attachments.full"): RECORD,
    ("GET", "attachments.pdf"): RECORD,
    ("GET", "attachments.thumb"): RECORD,
    ("GET", "casefile.show"): RECORD,
    ("GET", "desk.today"): SIGNED_IN,
    ("GET", "offline.service_worker"): OPEN,
    ("GET", "offline.nothing"): OPEN,
    ("GET", "offline.pack"): LIST,
    ("GET", "offline.pack_page"): LIST,
    ("GET", "offline.session"): SIGNED_IN,
    ("GET", "offline.phones"): LEADS,
    ("GET", "offline.received"): OWN_BATCH,  # of an officer of 一队
    ("POST", "offline.seen"): OWN_BATCH,  # a late body of zhao's
    ("GET", "offline.file"): OWN_BATCH,
    ("GET", "offline.key_of_file"): NOBODYS,  # of an outbox that nobody named; see test_phones
    ("GET", "offline.result"): NOBODYS,  # somebody else's entry
    ("GET", "desk.lead"): LEADS,
    ("GET", "desk.coverage"): LEADS,
    ("GET", "desk.promises"): LEADS,
    ("GET", "desk.choose"): LIST,
    ("GET", "desk.my_outcomes"): LIST,
    ("GET", "desk.my_outcomes_file"): LIST,
    ("GET", "desk.officer_outcomes"): OFFICERS_LEAD,
    ("GET", "desk.officer_outcomes_file"): OFFICERS_LEAD,
}


def _rules():
    app = create_app({"DATABASE_URL": "sqlite://", "SECRET_KEY": "x" * 40})
    return sorted(
        (method, rule.endpoint, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


RULES = _rules()


def test_every_route_has_a_row_and_every_row_a_route():
    routes = {(method, endpoint) for method, endpoint, _ in RULES}
    assert routes - set(MATRIX) == set(), "routes without a row in the matrix"
    assert set(MATRIX) - routes == set(), "rows without a route"


LEDGER = "单位名称,信用代码,所在旗县\n银杉轨道装备科技有限公司,911502235RKHW09U4M,昆都仑区\n坏代码有限公司,911502235RKHW09U4A,昆都仑区\n"


def began_import(li) -> int:
    """The number of an import that li has just begun."""
    answer = li.submit(
        "/imports/enterprises", "/imports/enterprises", file=(BytesIO(LEDGER.encode()), "ledger.csv")
    )
    return int(re.search(r"/imports/enterprises/(\d+)", answer.location)[1])


def _address(rule: str, city, browser_of) -> str:
    """The rule with 华星's things in it."""
    one = db.session.scalar
    known = {
        "enterprise_id": city.huaxing.id,
        "contact_id": one(sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)),
        "visit_id": people.VISIT,
        "photo_id": people.VISIT,
        "need_id": people.NEED,
        "step": "withdraw",
        "number": 1,
        "follow_up_id": people.FOLLOW_UP,
        "view_id": 999_999,
        "receipt": "x" * 22,
        "act": "add",
        "token": one(sa.select(QrCode.token).where(QrCode.enterprise_id == city.huaxing.id)),
        "user_id": one(sa.select(User.id).where(User.username == "qian")),
        "team_id": one(sa.select(Team.id).where(Team.name == "一队")),
        "session_id": one(sa.select(sa.func.max(Session.id))) or 0,
        "batch_id": began_import(browser_of("li")) if "batch_id" in rule else 0,
        "key": people.known_uuid(99),
        "late_id": kept_late(browser_of("zhao"))[0] if "late_id" in rule else 0,
        "file_id": kept_late(browser_of("zhao"))[1] if "file_id" in rule else 0,
        "attachment_id": kept_photo(city.huaxing.id) if "attachment_id" in rule else 0,
        "document_id": kept_document(city.huaxing.id) if "document_id" in rule else 0,
        "notice_id": 999_999,
        "delivery_id": 999_999,
        "way": "wecom",
        "version": "x",
        "what": "need",
        "kind": "need",
        "name": "css/app.css",
    }
    db.session.rollback()
    return fill(rule, known)


def fill(rule: str, known: dict[str, object]) -> str:
    """The rule with its variables filled in. Raises KeyError for one that is not known."""
    return re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", lambda m: str(known[m[1]]), rule)


def _met(answer) -> str:
    if (
        answer.status_code == 303
        and answer.location.startswith("/login")
        and "signed_out" not in answer.location
    ):
        return "s"
    return {401: "s", 403: "x", 404: "0"}.get(answer.status_code, "+" if answer.status_code < 500 else "!")


@pytest.mark.parametrize(("method", "endpoint", "rule"), RULES, ids=lambda v: v)
def test_who_gets_where(method, endpoint, rule, browser_of, anybody, city):
    address = _address(rule, city, browser_of)
    met = {}
    for name in EVERYBODY:
        client = anybody if name == "anybody" else browser_of(name)
        if method == "GET":
            answer = client.get(address)
        else:
            token = client.token() if name not in ("anybody", "wang") else ""
            answer = client.open(address, method=method, data={"csrf_token": token})
        met[name] = _met(answer)
        answer.close()  # a pack that nobody reads keeps its place until then
    expected = dict(zip(EVERYBODY, MATRIX.get((method, endpoint), "????????"), strict=True))
    if endpoint == "accounts.login" and method == "POST":
        met["anybody"] = "+" if met["anybody"] in "s+" else met["anybody"]
        met["wang"] = "+" if met["wang"] in "s+" else met["wang"]
    wrong = {WHO[name]: (expected[name], met[name]) for name in EVERYBODY if expected[name] != met[name]}
    assert not wrong, f"{method} {address}: expected, met = {wrong}"
