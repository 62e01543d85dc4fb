"""A page asks a bounded number of questions, however much there is to tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from fieldapp.enterprises.actions import assign, index
from fieldapp.enterprises.models import Contact, Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.needs.models import Need, NeedKind, NeedSource, NeedStatus
from fieldapp.visits.models import Visit, VisitStatus, VisitWay


class Counter:
    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, _connection, _cursor, statement, *_rest) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.statements.append(statement)


@pytest.fixture
def counted(app):
    """counted(act) -> (answer, number of statements)."""

    def count(act):
        counter = Counter()
        event.listen(db.engine, "before_cursor_execute", counter)
        try:
            answer = act()
        finally:
            event.remove(db.engine, "before_cursor_execute", counter)
        return answer, len(counter.statements)

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
    "/": 7,
    "/enterprises": 6,
    "/enterprises?q=有限公司": 6,
    "/enterprises?q=雁归 机械&scope=team&due=overdue": 6,
    "casefile": 8,
    "visit form": 3,
    "/visits": 4,
    "/needs": 4,
    "/follow-ups": 4,
}


def _address(name, city):
    return {
        "casefile": f"/enterprises/{city.huaxing.id}",
        "visit form": f"/enterprises/{city.huaxing.id}/visits/new",
    }.get(name, name)


@pytest.mark.parametrize("name", LIMITS)
def test_pages_ask_no_more_when_there_is_more(zhao, city, counted, name):
    _, before = counted(lambda: zhao.get(_address(name, city)))
    _grow(city)
    answer, after = counted(lambda: zhao.get(_address(name, city)))
    assert answer.status_code == 200
    assert before <= LIMITS[name] and after <= LIMITS[name], (before, after)


def test_submitting_a_whole_visit_takes_at_most_fifteen_statements(zhao, city, counted):
    form = zhao.form(_address("visit form", city), "visit-form")
    contact = db.session.scalars(
        sa.select(Contact.id).where(Contact.enterprise_id == city.huaxing.id)
    ).first()
    db.session.rollback()
    data = form.filled(
        met=[contact],
        need_title="涂层",
        promise_title="送案例",
        promise_due_on=clock.today(),
        entry_id=str(uuid7()),
    )
    answer, number = counted(lambda: zhao.post(form.action, data=data))
    assert answer.status_code == 303
    assert number <= 15, number
