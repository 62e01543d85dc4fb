"""What addresses and hidden fields may hold that no page of ours makes: an answer, never an error, and never a name
that is not this person's to know."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from fieldapp.enterprises.actions import index_contact
from fieldapp.enterprises.models import Assignment, Enterprise, SearchToken
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.visits.models import Visit, VisitStatus
from tests import people

ID = str(people.VISIT)
EDIT = f"/visits/{people.VISIT}/edit"
LISTS = (
    "/visits", "/visits?state=planned", "/visits?state=cancelled", "/needs", "/follow-ups", "/follow-ups?state=closed",
    "/enterprises", "/notices", "/lead/assignments", "/lead/coverage", "/lead/promises",
)  # fmt: skip
CURSORS = (
    f"2026-01-01T00:00:00_{ID}",  # no zone
    f"0001-01-01T00:00:00%2B14:00_{ID}",  # before the first moment
    f"9999-12-31T23:59:59-14:00_{ID}",  # after the last
    "2026-01-01_99999999999",  # more than a column holds
    "2026-01-01_" + "9" * 60,
    "2026-01-01_-1",
    f"2026-01-01_{ID}",
)


@pytest.mark.parametrize("address", LISTS)
def test_a_page_mark_that_nobody_made_begins_at_some_page(li, address):
    joint = "&" if "?" in address else "?"
    for cursor in CURSORS:
        assert li.get(f"{address}{joint}page={cursor}").status_code == 200, cursor


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_time_are_no_filter(li, day):
    for name in ("since", "until"):
        for address in ("/needs", "/needs.xlsx", "/needs/filters"):
            assert li.get(f"{address}?{name}={day}").status_code == 200


@pytest.mark.parametrize(
    "address", ["/enterprises?tag=%00", "/enterprises.xlsx?tag=a%00", "/lead/assignments?tag=%00"]
)
def test_what_no_database_holds_is_not_asked_for(li, address):
    assert li.get(address).status_code == 200


def test_an_address_that_no_database_holds_is_absent(li):
    assert li.get("/needs/%00").status_code == 404
    assert li.post("/needs/%00", data={"csrf_token": li.token()}).status_code == 404


@pytest.mark.parametrize("upto", ["99999999999", "9" * 18])
def test_a_mark_larger_than_any_notice_puts_nothing_away(zhao, upto):
    assert zhao.post("/notices/read", data={"csrf_token": zhao.token(), "upto": upto}).status_code == 303


@pytest.mark.parametrize("number", ["9" * 10, "9" * 18, "9" * 30, "1" + "0" * 25, "٧", "-1", "1.0"])
def test_a_number_that_no_record_has_is_no_error(li, wu, city, number):
    for address in (
        "/enterprises/qr-labels?ids={}",
        "/lead/coverage?officer={}&region={}",
        "/needs?region={}&officer={}",
    ):
        assert li.get(address.format(number, number)).status_code in (200, 404), address
    assert wu.get(f"/admin/users?team={number}").status_code == 200
    form = {"csrf_token": li.token(), "entry_id": str(uuid7()), "code": number, "reason": "丢了"}
    assert li.post(f"/enterprises/{city.huaxing.id}/qr", data=form).status_code < 500
    boxes = {"csrf_token": li.token(), "need": f"{people.NEED}:SUBMITTED:{number}", "step": "accept"}
    assert li.post("/needs/together", data=boxes).status_code < 500


def test_a_name_that_no_database_holds_signs_nobody_in(anybody):
    answer = anybody.post("/login", data={"username": "li\0", "password": "x" * 12})
    assert answer.status_code == 422 and "看不见的特殊字符" in answer.text


def test_two_visits_at_once_may_each_bring_somebody_of_one_name(app, city):
    """What they are searched by is the same; the second waits, and finds it there."""
    ready = Barrier(2)

    def met(name):
        with app.app_context(), writing():
            enterprise = db.session.get(Enterprise, city.huaxing.id)
            if db.engine.dialect.name != "sqlite":  # there one has the whole database to itself
                ready.wait(10)
            index_contact(enterprise, name)
            db.session.commit()
            db.session.remove()

    with ThreadPoolExecutor(2) as both:
        list(both.map(met, ("张学工", "张学工")))
    found = sa.select(SearchToken.token).where(SearchToken.enterprise_id == city.huaxing.id)
    assert {"张学工", "学工", "zxg"} <= set(db.session.scalars(found))
    db.session.rollback()


def test_a_filter_tells_no_name_of_somebody_elses_team(app, zhao, li):
    ids = {user.username: user.id for user in db.session.query(User)}
    db.session.rollback()
    for reader in (zhao, li):
        for stranger in ("sun", "zhou", "wu", "zheng", "wang"):
            assert people.PEOPLE[stranger][0] not in reader.get(f"/needs?officer={ids[stranger]}").text
    assert "钱禾负责的企业" in li.get(f"/needs?officer={ids['qian']}").text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59"])
@pytest.mark.parametrize("field", ["arrived_at", "left_at"])
@pytest.mark.parametrize("version", ["1", "0"])
def test_times_that_cannot_be_are_said_beside_the_field(zhao, city, version, field, moment):
    for address in (EDIT, f"/enterprises/{city.huaxing.id}/visits/new"):
        form = zhao.form(address, "visit-form")
        sent = {field: moment, "said": "换一句", "met_nobody": "y", "met": None, "version": version}
        answer = zhao.post(address, data=form.filled(**sent))
        assert answer.status_code == 422
        assert f'id="{field}-err"' in answer.text


@pytest.mark.parametrize("fixed_at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_position_of_the_ends_of_time_is_left_out(zhao, city, fixed_at):
    for address in (EDIT, f"/enterprises/{city.huaxing.id}/visits/new"):
        form = zhao.form(address, "visit-form")
        sent = {
            "lat": "40.6574",
            "lng": "109.8404",
            "accuracy": "20",
            "fixed_at": fixed_at,
            "met": None,
            "met_nobody": "y",
        }
        shown = zhao.post(address, data=form.filled(**sent, add="need", entry_id=uuid.uuid4()))
        assert shown.status_code == 422 and "needs-" in shown.text
        assert zhao.post(address, data=form.filled(**sent, entry_id=uuid.uuid4())).status_code == 303


def test_a_long_reason_for_passing_a_promise_on_is_taken_whole(app, li, city):
    ids = {user.username: user.id for user in db.session.query(User)}
    db.session.rollback()
    with writing():
        known = db.session.get_one(FollowUp, people.FOLLOW_UP)
        made = uuid.uuid4()
        db.session.add(
            FollowUp(
                id=made, enterprise_id=city.beichen.id, title="送政策汇编", due_on=known.due_on, assignee_id=ids["qian"],
                author_id=ids["qian"], status=FollowUpStatus.OPEN, created_at=known.created_at,
            )
        )  # fmt: skip
        db.session.commit()
    answer = li.submit(f"/follow-ups/{made}/reassign", "/reassign", to=ids["zhao"], reason="他更熟悉。" * 60)
    assert answer.status_code == 303
    assert "他更熟悉。" * 60 in li.get(f"/follow-ups/{made}").text


@pytest.mark.parametrize(
    "sent",
    [
        {"device_at": "0001-01-01T00:00:00+14:00"},
        {"device_at": "9999-12-31T23:59:59-14:00"},
        {"needs-0-title": "检测", "needs-0-budget": "sNaN"},
    ],
)
def test_hidden_fields_never_break_the_form(zhao, city, sent):
    url = f"/enterprises/{city.huaxing.id}/visits/new"
    form = zhao.form(url, "visit-form")
    assert zhao.post(url, data=form.filled(met_nobody="y", **sent)).status_code in (303, 422)


def test_endless_addresses_are_absent(zhao, city):
    for path in ("/" + "a" * 400, f"/needs/{people.NEED}/steps/" + "a" * 400):
        assert zhao.post(path, data={"csrf_token": zhao.token()}).status_code == 404
    assert zhao.get(f"/enterprises/{city.huaxing.id}?page=" + "9" * 4500).status_code == 200


def test_two_check_ins_at_once_are_one(app, browser_of, city):
    """From two tabs, under two keys: the second finds the first."""
    url = f"/enterprises/{city.huaxing.id}/visits/new"
    clients = [browser_of("zhao"), browser_of("zhao")]
    forms = [client.form(url, "visit-form").filled(intent="arrive", entry_id=str(uuid7()), visit_id=str(uuid7())) for client in clients]  # fmt: skip
    gate = Barrier(2)

    def send(at: int) -> int:
        gate.wait(10)
        return clients[at].post(url, data=forms[at]).status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, range(2)))
    assert all(status in (303, 409) for status in answers), answers
    begun = sa.select(sa.func.count()).select_from(Visit).where(Visit.status == VisitStatus.ARRIVED)
    assert db.session.scalar(begun) == 1
    db.session.rollback()


def test_two_promises_passed_on_at_once_make_one_helper(app, browser_of, city):
    newcomer = db.session.scalar(sa.select(User.id).where(User.username == "zhao"))
    beichen = city.beichen.id
    qian = db.session.scalar(sa.select(User.id).where(User.username == "qian"))
    ids = [uuid7(), uuid7()]
    with writing():
        for one in ids:
            db.session.add(
                FollowUp(id=one, enterprise_id=beichen, title="送案例", due_on=clock.today(), assignee_id=qian, author_id=qian)
            )  # fmt: skip
        db.session.commit()
    clients = [browser_of("li"), browser_of("li")]
    pages = [f"/follow-ups/{one}/reassign" for one in ids]
    forms = [client.form(page).filled(to=newcomer, reason="换人", entry_id=str(uuid7())) for client, page in zip(clients, pages, strict=True)]  # fmt: skip
    gate = Barrier(2)

    def send(at: int) -> int:
        gate.wait(10)
        return clients[at].post(pages[at], data=forms[at]).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, range(2))) == [303, 303]
    helpers = sa.select(sa.func.count()).select_from(Assignment).where(
        Assignment.enterprise_id == beichen, Assignment.officer_id == newcomer, Assignment.ended_on.is_(None)
    )  # fmt: skip
    assert db.session.scalar(helpers) == 1
    db.session.rollback()
