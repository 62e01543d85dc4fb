"""A page asks a bounded number of questions, however much there is to tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import Team, User
from fieldapp.db import db, writing
from fieldapp.enterprises.actions import assign, index
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need, NeedKind, NeedSource, NeedStatus
from fieldapp.visits.models import Visit, VisitStatus, VisitWay
from tests import people
from tests.photos import kept_photo
from tests.tools.asked import asked


@pytest.fixture
def counted(app):
    """counted(act) -> (answer, number of statements)."""

    def count(act):
        with asked(db.engine) as statements:
            answer = act()
        return answer, len(statements)

    return count


def _grow(city) -> None:
    """Forty more enterprises of zhao's, and forty of everything at 华星."""
    with writing():
        zhao = db.session.scalars(sa.select(User).where(User.username == "zhao")).one()
        first = db.session.get(Enterprise, city.huaxing.id)
        for n in range(40):
            enterprise = Enterprise(
                name=f"雁归第{n:02}机械有限公司", uscc=f"TEST{n:014}", region_id=first.region_id, team_id=first.team_id,
                former_names=[], visit_due_on=clock.today() - timedelta(days=n),
            )  # fmt: skip
            db.session.add(enterprise)
            db.session.flush()
            assign(None, enterprise, zhao.id, clock.today(), "测试")
            index([enterprise])
            at = clock.now() - timedelta(hours=n)
            visit = Visit(
                id=uuid7(), enterprise_id=first.id, officer_id=zhao.id, status=VisitStatus.RECORDED, arrived_at=at,
                way=VisitWay.ON_SITE, purposes=[],
            )  # fmt: skip
            db.session.add(visit)
            db.session.flush()
            db.session.add(Contact(enterprise_id=first.id, name=f"联系人{n}", phone="13800000000"))
            db.session.add(
                Need(
                    id=uuid7(),
                    enterprise_id=first.id,
                    visit_id=visit.id,
                    source=NeedSource.VISIT,
                    title="需求",
                    kind=NeedKind.OTHER,
                    status=NeedStatus.SUBMITTED,
                    author_id=zhao.id,
                )
            )
            db.session.add(
                FollowUp(
                    id=uuid7(),
                    enterprise_id=first.id,
                    visit_id=visit.id,
                    title="跟进",
                    due_on=clock.today(),
                    assignee_id=zhao.id,
                    author_id=zhao.id,
                )
            )
        db.session.commit()


LIMITS = {
    "/": 8,
    "/choose/need": 3,
    "/me/outcomes": 8,
    "/enterprises": 6,
    "/enterprises?q=有限公司": 6,
    "/enterprises?q=雁归 机械&scope=team&due=overdue": 6,
    "casefile": 7,
    "visit form": 5,
    "visit edit": 12,
    "/visits": 4,
    "/visits?state=planned&period=quarter": 4,
    "/visits?confirmed=no": 4,
    "plan form": 5,
    "visit": 9,
    "/needs": 8,
    "/needs?state=all&kind=other&mine=1": 8,
    "/needs?q=需求&light=grey": 9,  # one for titles that are not in the index yet
    "/needs?scope=shared": 8,
    "/needs/filters": 3,
    "/needs/views": 3,
    "/needs.xlsx": 3,
    "need": 5,
    "need form": 3,
    "need's sheet": 3,
    "/follow-ups": 4,
    "/follow-ups?state=closed": 4,
    "follow-up": 5,
    "/notices": 3,
    "/outbox": 3,
    "/me/calendar": 3,
    "/outbox/session": 2,
}


def _address(name, city):
    return {
        "casefile": f"/enterprises/{city.huaxing.id}",
        "plan form": f"/enterprises/{city.huaxing.id}/visits/plan",
        "visit": f"/visits/{people.VISIT}",
        "visit form": f"/enterprises/{city.huaxing.id}/visits/new",
        "visit edit": f"/visits/{people.VISIT}/edit",
        "need": f"/needs/{people.NEED}",
        "need form": f"/enterprises/{city.huaxing.id}/needs/new",
        "need's sheet": f"/needs/{people.NEED}/edit",
        "follow-up": f"/follow-ups/{people.FOLLOW_UP}",
    }.get(name, name)


def test_pages_ask_no_more_when_there_is_more(zhao, city, counted):
    def numbers():
        for name in LIMITS:
            answer, number = counted(lambda name=name: zhao.get(_address(name, city)))
            assert answer.status_code == 200, name
            yield number

    before = [*numbers()]
    _grow(city)
    told = zip(LIMITS.items(), before, numbers(), strict=True)
    too_many = [(name, *found) for (name, limit), *found in told if max(found) > limit]
    assert not too_many, f"(page, statements before, after): {too_many}"


LEADS_LIMITS = {
    "/lead/assignments": 18,
    "/lead/assignments?state=all&q=有限公司": 15,
    "/lead/phones": 5,
    "/lead/assignments/proposal?state=loose": 10,
    "handing over": 10,
    "/enterprises.xlsx?scope=team": 9,
}


@pytest.mark.parametrize("name", LEADS_LIMITS)
def test_a_leads_pages_ask_no_more_when_there_is_more(li, city, counted, name):
    one = {"handing over": f"/lead/assignments/preview?e={city.chuntian.id}&act=give&to=1"}
    _, before = counted(lambda: li.get(one.get(name, name)))
    _grow(city)
    ids = db.session.scalars(sa.select(Enterprise.id).where(Enterprise.team_id == 1)).all()
    db.session.rollback()
    many = {"handing over": "/lead/assignments/preview?act=give&to=1&e=" + "&e=".join(map(str, ids))}
    answer, after = counted(lambda: li.get(many.get(name, name)))
    assert answer.status_code in (200, 303)
    assert before <= LEADS_LIMITS[name] and after <= LEADS_LIMITS[name], (before, after)


@pytest.mark.parametrize("size", ["full", "thumb"])
def test_a_photo_takes_three_statements_and_one_that_is_known_two(zhao, city, counted, size):
    """The session, the door, the bytes."""
    address = f"/attachments/{kept_photo(city.huaxing.id)}/{size}.jpg"
    answer, number = counted(lambda: zhao.get(address))
    assert answer.status_code == 200 and number == 3
    answer, number = counted(lambda: zhao.get(address, headers={"If-None-Match": answer.headers["ETag"]}))
    assert answer.status_code == 304 and number == 2


def test_submitting_a_whole_visit_takes_at_most_fifteen_statements(zhao, city, counted):
    form = zhao.form(_address("visit form", city), "visit-form")
    contact = db.session.scalars(
        sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)
    ).first()
    db.session.rollback()
    data = form.filled(
        met=[contact],
        entry_id=str(uuid7()),
        **{"needs-0-title": "涂层", "promises-0-title": "送案例", "promises-0-due_on": clock.today()},
    )
    answer, number = counted(lambda: zhao.post(form.action, data=data))
    assert answer.status_code == 303
    assert number <= 15, number


def _plan(statement: str) -> list[str]:
    """How SQLite goes about it; what is asked for plays no part, it keeps no statistics here."""
    values = (None,) * statement.count("?")
    rows = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    db.session.rollback()
    return [row[3] for row in rows]


def test_a_lead_of_several_teams_has_the_list_in_its_own_order_and_the_board_along_its_index(li, city):
    """SQLite without statistics took several teams for the way in, and sorted all they have for one page."""
    if db.engine.dialect.name != "sqlite":
        return  # PostgreSQL keeps statistics; what it makes of them is for bench/growth.py to say
    with writing():
        lead, other = (
            db.session.scalars(sa.select(model).where(named)).one()
            for model, named in ((User, User.username == "li"), (Team, Team.name == "二队"))
        )
        other.leads.append(lead)
        db.session.commit()
    for address in ("/enterprises", "/enterprises?due=overdue"):
        with asked(db.engine) as statements:
            assert li.get(address).status_code == 200
        (listed,) = [one for one in statements if "ORDER BY enterprise.visit_due_on" in one]
        steps = _plan(listed)
        way, then = steps[steps.index("MATERIALIZE anon_2") + 1 :][:2]
        assert "ix_enterprise_visit_due_on_id_team_id_officer_id" in way and "TEMP B-TREE" not in then, steps
    with asked(db.engine) as statements:
        assert li.get("/lead").status_code == 200
    (coverage,) = [one for one in statements if "AS enterprises" in one]
    steps = _plan(coverage)
    assert any("COVERING INDEX ix_enterprise_team_id_officer_id_region_id" in step for step in steps), steps
