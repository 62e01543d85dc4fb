"""The lead's board: every number agrees with the list behind it, to the row, for leads with different scopes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import Team, User
from fieldapp.db import db, writing
from fieldapp.enterprises.actions import assign
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.needs.models import Ending, Need, NeedEvent, NeedKind, NeedSource, NeedStatus
from fieldapp.periods import period_named
from fieldapp.visits.models import Visit, VisitStatus, VisitWay
from tests.tools.asked import asked

PERIODS = ("quarter", "last-quarter", "year")


def person(username: str) -> User:
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def visit(enterprise_id: int, officer: str, at: datetime, status: VisitStatus = VisitStatus.ACCEPTED) -> None:
    db.session.add(
        Visit(
            id=uuid7(), enterprise_id=enterprise_id, officer_id=person(officer).id, status=status, arrived_at=at,
            way=VisitWay.ON_SITE, purposes=["NEEDS"],
        )
    )  # fmt: skip


def need(
    enterprise_id: int,
    at: datetime,
    status: NeedStatus = NeedStatus.SUBMITTED,
    ending: Ending | None = None,
    claimed_after: timedelta | None = None,
) -> None:
    record = Need(
        id=uuid7(), enterprise_id=enterprise_id, source=NeedSource.VISIT, title="需求", kind=NeedKind.OTHER,
        status=status, ending=ending, ended_at=at if ending else None, created_at=at,
    )  # fmt: skip
    db.session.add(record)
    db.session.flush()
    if claimed_after is not None:
        step = NeedEvent(need_id=record.id, at=at + claimed_after, after=NeedStatus.CLAIMED)
        db.session.add(step)


def promise(enterprise_id: int, officer: str, days: int, at: datetime, status=FollowUpStatus.OPEN) -> None:
    db.session.add(
        FollowUp(
            id=uuid7(), enterprise_id=enterprise_id, title="答应的事", due_on=clock.today() + timedelta(days=days),
            assignee_id=person(officer).id, author_id=person(officer).id, status=status, created_at=at,
            closed_at=None if status is FollowUpStatus.OPEN else at,
        )
    )  # fmt: skip


@pytest.fixture
def busy(app, city):
    """Two teams' quarter: enough of everything for a second page, and something at every edge of the period."""
    today = clock.today()
    now = clock.now()
    quarter = period_named("quarter", today)
    week = period_named("week", today)
    second = timedelta(seconds=1)
    with writing():
        first = db.session.get(Enterprise, city.huaxing.id)
        for n in range(34):  # one page holds thirty
            enterprise = Enterprise(
                name=f"雁归第{n:02}机械有限公司", uscc=f"TEST{n:014}", region_id=first.region_id, team_id=first.team_id,
                former_names=[], visit_due_on=today - timedelta(days=n),
            )  # fmt: skip
            db.session.add(enterprise)
            db.session.flush()
            if n % 2:
                assign(None, enterprise, person("qian").id, today, "测试")
            if n % 3 == 0:
                visit(enterprise.id, "qian", quarter.since + n * second)
        visit(city.huaxing.id, "zhao", quarter.since - second)  # the last second of the quarter before
        visit(city.huaxing.id, "zhao", quarter.until)  # the first of the next one
        visit(city.beichen.id, "qian", now, VisitStatus.CANCELLED)
        visit(city.beichen.id, "qian", quarter.since - second)
        visit(city.yuanshan.id, "sun", now, VisitStatus.RECORDED)
        for _ in range(32):
            visit(city.huaxing.id, "zhao", max(now - timedelta(hours=1), week.since), VisitStatus.RECORDED)
        need(city.huaxing.id, quarter.since, NeedStatus.RESOLVED, Ending.SOLVED, timedelta(days=1))
        need(city.huaxing.id, quarter.since, NeedStatus.RATED, Ending.EXPLAINED, timedelta(days=2))
        need(city.beichen.id, quarter.since, NeedStatus.DECLINED)
        need(city.beichen.id, quarter.since - second, NeedStatus.RESOLVED, Ending.SOLVED)
        need(city.chuntian.id, quarter.since, NeedStatus.MATCHING)
        need(city.yuanshan.id, week.since, NeedStatus.RESOLVED, Ending.SCHEDULED)
        for _ in range(31):
            need(city.huaxing.id, week.since)
        promise(city.huaxing.id, "zhao", -1, week.since)
        promise(city.huaxing.id, "zhao", -2, week.since, FollowUpStatus.DONE)
        promise(city.huaxing.id, "qian", -3, week.since - second)
        promise(city.huaxing.id, "qian", 0, week.since)  # due today is not overdue
        promise(city.yuanshan.id, "sun", -4, week.since)
        for _ in range(31):
            promise(city.beichen.id, "qian", -5, week.since)
        db.session.commit()
    return city


FIGURE = re.compile(r"<a\b[^>]*data-figure=[^>]*>")


def figures(page: str) -> list[tuple[str, str, int]]:
    """(name, address, number) of every number that leads somewhere."""
    found = []
    for tag in FIGURE.findall(page):
        a = {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        found.append((a["data-figure"], a["href"], int(a["data-number"])))
    return found


def number(page: str, name: str) -> int:
    return next(number for figure, _address, number in figures(page) if figure == name)


def rows_behind(client, address: str) -> set[str]:
    """The records that the list shows, all its pages."""
    rows: set[str] = set()
    seen: set[str] = set()
    while address and address not in seen:
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, address
        rows |= set(re.findall(r'<a class="row-title[^"]*" href="([^"?#]+)', answer.text))
        following = re.search(r'<a\b[^>]*rel="next"[^>]*>', answer.text)
        address = html.unescape(re.search(r'href="([^"]*)"', following[0])[1]) if following else ""
    return rows


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("lead", ["li", "zhou"])
def test_every_number_agrees_with_the_list_behind_it(browser_of, busy, lead, period):
    client = browser_of(lead)
    found = figures(client.get(f"/lead?period={period}").text)
    assert len(found) > 15
    for name, address, told in found:
        assert len(rows_behind(client, address)) == told, (name, address)


def test_today_shows_a_lead_the_same_numbers_as_the_board(browser_of, busy):
    client = browser_of("li")
    head, board = figures(client.get("/").text), figures(client.get("/lead").text)
    assert {name for name, *_ in head} == {"covered", "closed", "solved", "overdue", "review"}
    assert set(head) <= set(board)


def test_leads_with_different_teams_see_different_numbers(li, zhou, busy):
    ours, theirs = li.get("/lead").text, zhou.get("/lead").text
    assert (number(ours, "overdue"), number(theirs, "overdue")) == (33, 1)
    assert (number(ours, "review"), number(theirs, "review")) == (33, 2)
    assert number(theirs, "closed") == 1 and number(theirs, "solved") == 0
    assert "固阳县" not in ours and "昆都仑区" not in theirs


def test_the_lead_of_both_teams_sees_the_sum(li, zhou, browser_of, busy):
    alone = [client.get("/lead").text for client in (li, zhou)]
    with writing():
        second = db.session.scalars(sa.select(Team).where(Team.name == "二队")).one()
        second.leads.append(person("li"))
        db.session.commit()
    both = browser_of("li").get("/lead").text
    for name in (
        "covered",
        "overdue",
        "review",
        "closed",
        "solved",
        "week-visits",
        "week-needs",
        "week-promises",
    ):
        assert number(both, name) == sum(number(page, name) for page in alone), name


def test_a_period_is_the_offices_own(li, busy):
    """A visit at the quarter's first midnight in Shanghai counts for it, one a second earlier for the quarter before."""
    quarter = number(li.get("/lead").text, "covered")
    before = number(li.get("/lead?period=last-quarter").text, "covered")
    assert quarter == 12 + 1  # every third of 34, and 华星
    assert before == 2  # 华星 and 北辰, in their last second


def test_planned_and_cancelled_visits_cover_nothing(li, city):
    with writing():
        visit(city.chuntian.id, "qian", clock.now(), VisitStatus.CANCELLED)
        db.session.add(
            Visit(
                id=uuid7(), enterprise_id=city.chuntian.id, officer_id=person("qian").id, status=VisitStatus.PLANNED,
                planned_on=clock.today(), way=VisitWay.ON_SITE, purposes=[],
            )
        )  # fmt: skip
        db.session.commit()
    covered = li.get("/lead/coverage?covered=yes&period=year").text
    assert city.chuntian.name not in covered
    assert city.chuntian.name in li.get("/lead/coverage?covered=no&period=year").text


def test_the_average_until_somebody_took_it_on(li, busy):
    assert re.search(r"1\.5<small>天", li.get("/lead").text)


def test_nothing_to_divide_by_is_a_dash(app, browser_of, city):
    with writing():
        db.session.execute(sa.update(Enterprise).values(team_id=None))
        db.session.commit()
    page = browser_of("li").get("/lead")
    assert page.status_code == 200
    shown = re.findall(r'<p class="kpi-value">(.*?)</p>', page.text)
    assert "—" in shown[0] and shown[1].count("—") == 2 and "—" in shown[4]
    assert "%" not in "".join(shown)


def test_officers_stand_by_name_also_those_without_work(li, city):
    names = re.findall(r'<tr data-officer="\d+">.*?</span>([^<]+)</a>', li.get("/lead").text)
    assert names == ["钱禾", "赵青"]  # q before z; 王野 is disabled and has nothing


def test_a_disabled_officer_with_enterprises_is_not_lost(li, city):
    with writing():
        assign(None, db.session.get(Enterprise, city.chuntian.id), person("wang").id, clock.today(), "测试")
        db.session.commit()
    page = li.get("/lead").text
    assert "王野" in page and "已停用" in page


def test_another_period_than_those_offered_is_this_quarter(li, city):
    assert figures(li.get("/lead?period=forever").text) == figures(li.get("/lead").text)


def test_another_teams_region_or_officer_shows_nothing(li, city, busy):
    sun = person("sun").id
    yuanshan = db.session.get(Enterprise, city.yuanshan.id).region_id
    db.session.rollback()
    assert rows_behind(li, f"/lead/coverage?officer={sun}") == set()
    assert rows_behind(li, f"/lead/coverage?region={yuanshan}") == set()
    assert li.get("/lead/coverage?region=x&officer=y&covered=z&page=w").status_code == 200


@pytest.mark.parametrize("address", ["/lead", "/lead/coverage", "/lead/promises"])
def test_officers_have_no_board(zhao, address):
    assert zhao.get(address).status_code == 403


def test_the_charts_are_tables(li, busy):
    page = li.get("/lead").text
    for table in re.findall(r"<table.*?</table>", page, re.S):
        assert "<caption" in table and 'scope="col"' in table and 'scope="row"' in table
        assert all('aria-hidden="true"' in svg for svg in re.findall(r"<svg[^>]*>", table))


def test_the_board_asks_no_more_when_there_is_more(li, city, statements: Callable, busy):
    assert statements(lambda: li.get("/lead")) <= 9
    assert statements(lambda: li.get("/")) <= 10
    assert statements(lambda: li.get("/lead/coverage")) <= 4


@pytest.fixture
def statements(app):
    """statements(act): how many it sends to the database."""

    def count(act: Callable[[], object]) -> int:
        with asked(db.engine) as sent:
            act()
        return len(sent)

    return count
