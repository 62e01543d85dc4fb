"""The stamp of an enterprise's packed pages: it changes with whatever they could show, and with nothing else's."""

from __future__ import annotations

import enum
from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import Region, Team, User
from fieldapp.accounts.sessions import find_person
from fieldapp.db import UtcDateTime, db, writing
from fieldapp.followups.models import FollowUpNote, FollowUpStep
from fieldapp.needs.models import NeedEvent, NeedStatus
from fieldapp.offline import stamps as made
from fieldapp.orders.models import BudgetBand, CallAt, Order
from fieldapp.visits.models import VisitEvent, VisitStep, visit_companion, visit_contact, visit_photo
from tests import people
from tests.photos import kept_photo


@pytest.fixture
def stamp(app, zhao, city):
    """stamp() → the present one of 华星 as zhao would be told it."""
    cookie = zhao.get_cookie("fieldapp").value

    def of(key="huaxing"):
        db.session.rollback()
        with app.test_request_context(headers={"Cookie": f"fieldapp={cookie}"}) as context:
            one = getattr(city, key).id
            return made.stamps(find_person(context.request), [one])[one]

    return of


def _write(*statements):
    with writing():
        db.session.rollback()
        for statement in statements:
            db.session.execute(statement)
        db.session.commit()


def _other(value, column):
    """Some other value that the column can hold."""
    kind = column.type
    if isinstance(kind, sa.Enum) and kind.enum_class:
        return next(one for one in kind.enum_class if one is not value)
    if isinstance(kind, sa.JSON):
        return [{"name": "另一个"}] if value != [{"name": "另一个"}] else []
    if isinstance(kind, UtcDateTime):
        return (value or clock.now()) + timedelta(minutes=1)
    python = type(value) if value is not None and not isinstance(value, enum.Enum) else kind.python_type
    if issubclass(python, bool):
        return not value
    if issubclass(python, date):
        return (value or clock.today()) + timedelta(days=1)
    if issubclass(python, int | float | Decimal):
        return python(value or 0) + 1
    if issubclass(python, bytes):
        return b"x" * 32
    return "另" if value != "另" else "又"


def _an_order():
    return sa.insert(Order.__table__).values(
        need_id=people.NEED, code_id=1, receipt="r" * 32, number="12345678", fingerprint=b"0" * 32,
        contact_name="刘工", phone="13812345678", call_at=CallAt.ANY, budget=BudgetBand.UNKNOWN, privacy="1",
        address="", created_at=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize("model", [*made.WHOLE, *made.DATED, Order], ids=lambda model: model.__tablename__)
def test_any_column_of_any_row_of_the_enterprise_changes_it(model, stamp, city):
    """As the app writes: through SQLAlchemy, which dates what it changes."""
    if model is Order:
        _write(_an_order())
    table = model.__table__
    row = db.session.execute(
        sa.select(table).where(
            table.c.need_id == people.NEED if model is Order
            else table.c.get("enterprise_id", table.c.get("id")) == city.huaxing.id
        ).limit(1)
    ).one()  # fmt: skip
    this = sa.and_(*(column == row._mapping[column.name] for column in table.primary_key))
    before, same = stamp(), []
    for column in table.c:
        if column.primary_key or column.foreign_keys:
            continue
        _write(sa.update(table).where(this).values({column.name: _other(row._mapping[column.name], column)}))
        after = stamp()
        if after == before:
            same.append(column.name)
        before = after
    assert same == []


def test_what_is_added_or_taken_away_changes_it(stamp, city):
    wu = db.session.scalar(sa.select(User.id).where(User.username == "wu"))
    photo = kept_photo(city.huaxing.id)  # an attachment, of no visit yet
    at = clock.now()
    acts = {
        "visit_event": sa.insert(VisitEvent).values(visit_id=people.VISIT, at=at, step=VisitStep.AMENDED),
        "need_event": sa.insert(NeedEvent).values(need_id=people.NEED, at=at, after=NeedStatus.ACCEPTED),
        "note": sa.insert(FollowUpNote).values(follow_up_id=people.FOLLOW_UP, at=at, step=FollowUpStep.NOTED),
        "companion": sa.insert(visit_companion).values(visit_id=people.VISIT, officer_id=wu),
        "no companion": sa.delete(visit_companion).where(visit_companion.c.visit_id == people.VISIT),
        "nobody met": sa.delete(visit_contact).where(visit_contact.c.visit_id == people.VISIT),
        "photo": sa.insert(visit_photo).values(visit_id=people.VISIT, attachment_id=photo, position=0),
        "no photo": sa.delete(visit_photo).where(visit_photo.c.visit_id == people.VISIT),
        "order": _an_order(),
        "caller forgotten": sa.update(Order).values(contact_name="", phone=""),
    }
    before = stamp()
    for name, act in acts.items():
        _write(act)
        after = stamp()
        assert after != before, name
        before = after


def test_a_colleague_a_team_and_a_region_by_another_name_change_every_stamp(stamp):
    for key in ("huaxing", "beichen"):
        before = stamp(key)
        for model in (User, Team, Region):
            one = db.session.scalars(sa.select(model.id).order_by(model.id.desc())).first()
            now = db.session.scalar(sa.select(model.name).where(model.id == one))
            _write(sa.update(model).where(model.id == one).values(name=now + "改"))
            after = stamp(key)
            assert after != before, model
            before = after


def test_a_promise_more_changes_them_all_because_the_tab_counts_it(stamp, zhao, city):
    before = stamp("beichen")
    answer = zhao.submit(
        f"/enterprises/{city.huaxing.id}/follow-ups/new", 0, title="送样品", due_on=clock.today()
    )
    assert answer.status_code == 303
    assert stamp("beichen") != before


def test_another_enterprises_doings_do_not(stamp, zhao):
    before = stamp("beichen")
    assert zhao.submit(f"/needs/{people.NEED}/edit", "need-form", title="换了说法").status_code == 303
    assert stamp("beichen") == before


def test_another_day_another_build_and_another_setting_do(stamp, app, monkeypatch):
    before = stamp()
    assert stamp() == before
    monkeypatch.setitem(app.config, "RECENT_VISIT_DAYS", 15)
    assert stamp() != before
    monkeypatch.undo()
    assert stamp() == before
    monkeypatch.setattr(made, "build", lambda: "another")
    assert stamp() != before
    monkeypatch.undo()
    later = clock.today() + timedelta(days=1)
    monkeypatch.setattr(clock, "today", lambda: later)
    assert stamp() != before
