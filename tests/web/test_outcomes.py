"""An officer's outcomes: only what records say, each with its record; no points, no rank."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.needs.models import Ending, Need, NeedKind, NeedSource, NeedStatus
from fieldapp.periods import period_named
from fieldapp.visits.models import Visit, VisitStatus, VisitWay, visit_companion


def person(username: str) -> User:
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def closed_need(enterprise, officer: str, title: str, ending: Ending, at) -> None:
    db.session.add(
        Need(
            id=uuid7(), enterprise_id=enterprise.id, source=NeedSource.VISIT, title=title, kind=NeedKind.RESEARCH,
            status=NeedStatus.RESOLVED, ending=ending, ended_at=at, claimed_by_id=person(officer).id,
        )
    )  # fmt: skip


def visited(enterprise, officer: str, at, status=VisitStatus.ACCEPTED):
    made = Visit(
        id=uuid7(), enterprise_id=enterprise.id, officer_id=person(officer).id, status=status, arrived_at=at,
        way=VisitWay.ON_SITE, purposes=["NEEDS"],
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made.id


@pytest.fixture
def worked(app, city):
    """A quarter of 赵青: three needs closed, one really solved; a promise kept, one dropped; a joint visit."""
    quarter = period_named("quarter", clock.today())
    with writing():
        now, second = clock.now(), timedelta(seconds=1)
        closed_need(city.huaxing, "zhao", "涂层均匀", Ending.SOLVED, now)
        closed_need(city.huaxing, "zhao", "=1+1", Ending.EXPLAINED, quarter.since)
        closed_need(city.chuntian, "zhao", "冷链温控", Ending.SCHEDULED, quarter.since)
        closed_need(city.huaxing, "zhao", "上个季度的", Ending.SOLVED, quarter.since - second)
        closed_need(city.huaxing, "qian", "钱禾办的", Ending.SOLVED, now)
        for title, status in (("送材料清单", FollowUpStatus.DONE), ("不办了", FollowUpStatus.DROPPED)):
            db.session.add(
                FollowUp(
                    id=uuid7(), enterprise_id=city.huaxing.id, title=title, due_on=clock.today(), status=status,
                    assignee_id=person("zhao").id, closed_at=now, result="已送到",
                )
            )  # fmt: skip
        visited(city.huaxing, "zhao", now)
        visited(city.chuntian, "zhao", now, VisitStatus.CANCELLED)
        joint = visited(city.beichen, "qian", now)
        db.session.execute(visit_companion.insert(), [{"visit_id": joint, "officer_id": person("zhao").id}])
        db.session.commit()
    return city


def facts(page: str) -> list[int]:
    """Needs closed, promises kept, enterprises visited."""
    return [int(n.replace(",", "")) for n in re.findall(r'<p class="kpi-value">([\d,]+)<small>', page)]


def test_closed_and_really_solved_promises_and_enterprises(zhao, worked):
    page = zhao.get("/me/outcomes").text
    assert facts(page)[:2] == [3, 1]
    assert "真正解决 1" in page
    assert "涂层均匀" in page and "送材料清单" in page
    assert "上个季度的" not in page and "钱禾办的" not in page and "不办了" not in page


def test_a_joint_visit_is_an_outcome_of_everybody_who_went(zhao, qian, worked):
    """北辰 is 钱禾's: 赵青 was there, may not open it any more, and it counts all the same."""
    page = zhao.get("/me/outcomes").text
    assert facts(page)[2] == 2  # 华星 and 北辰
    assert worked.beichen.name not in page
    assert "另有 1 条在现在由别人负责的企业" in page
    assert worked.beichen.name in qian.get("/me/outcomes").text


def test_all_time_holds_what_the_quarter_does_not(zhao, worked):
    assert "上个季度的" in zhao.get("/me/outcomes?period=all").text
    assert facts(zhao.get("/me/outcomes?period=all").text)[0] == 4
    assert facts(zhao.get("/me/outcomes?period=forever").text)[0] == 3


def test_every_line_leads_to_its_record(zhao, worked):
    page = zhao.get("/me/outcomes?period=all").text
    addresses = re.findall(r'<a class="row-title stretch" href="([^"]+)"', page)
    assert len(addresses) >= 5
    assert all(zhao.get(address).status_code == 200 for address in addresses)


def test_what_was_handed_over_still_counts_but_is_told_by_whoever_has_it(zhao, worked):
    with writing():
        db.session.execute(
            sa.update(Assignment)
            .where(Assignment.enterprise_id == worked.huaxing.id, Assignment.officer_id == person("zhao").id)
            .values(ended_on=clock.today())
        )
        db.session.get(Enterprise, worked.huaxing.id).officer_id = person("qian").id
        db.session.commit()
    page = zhao.get("/me/outcomes").text
    assert facts(page)[0] == 3
    assert "涂层均匀" not in page and "冷链温控" in page  # 春田 waits in the team's pool, in sight
    assert "另有 2 条在现在由别人负责的企业" in page


def test_there_are_no_points_and_no_rank(zhao, worked):
    page = zhao.get("/me/outcomes").text
    assert "由记录自动生成，不用另填；不打分，不排名" in page
    assert not re.search(r"积分|得分|名次|第 ?\d+ ?名", page)


def test_an_empty_quarter_says_how_it_will_fill(li):
    page = li.get("/me/outcomes").text
    assert facts(page) == [0, 0, 0] and "这段时间还没有记录" in page


def test_a_lead_sees_their_own_officers(li, zhou, worked):
    number = person("zhao").id
    db.session.rollback()
    page = li.get(f"/officers/{number}/outcomes").text
    assert "赵青" in page and facts(page) == [3, 1, 2]
    assert zhou.get(f"/officers/{number}/outcomes").status_code == 404
    assert zhou.get(f"/officers/{number}/outcomes.xlsx").status_code == 404


def test_officers_do_not_see_each_others(zhao, qian, worked):
    number = person("zhao").id
    db.session.rollback()
    assert qian.get(f"/officers/{number}/outcomes").status_code == 404
    assert facts(zhao.get(f"/officers/{number}/outcomes").text)[0] == 3


def test_a_lead_sees_no_more_than_the_teams_enterprises(li, worked):
    with writing():
        closed_need(worked.yuanshan, "zhao", "在二队时办的", Ending.SOLVED, clock.now())
        number = person("zhao").id
        db.session.commit()
    page = li.get(f"/officers/{number}/outcomes").text
    assert facts(page)[0] == 3 and "在二队时办的" not in page


def test_the_workbook_holds_every_record_and_no_formula(zhao, worked):
    answer = zhao.get("/me/outcomes.xlsx?period=quarter")
    assert answer.status_code == 200
    rows = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert "赵青" in rows[0][0] and "不打分，不排名" in rows[1][0]
    assert rows[2] == ["类别", "时间", "企业", "事项", "结果", "依据"]
    told = [(row[0], row[3]) for row in rows[3:]]
    assert ("办结需求", "涂层均匀") in told and {what.lstrip("'") for _kind, what in told} >= {"=1+1"}
    assert ("兑现承诺", "送材料清单") in told
    assert sum(kind == "走访" for kind, _what in told) == sum(
        row[2] == worked.huaxing.name for row in rows[3:] if row[0] == "走访"
    )
    sheet = ZipFile(BytesIO(answer.data)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert all(row[5].startswith("https://qzq.example.cn/") for row in rows[3:])
    assert worked.beichen.name not in [row[2] for row in rows]


def test_exporting_is_told_to_the_trail(zhao, worked):
    zhao.get("/me/outcomes.xlsx?period=year")
    number = person("zhao").id
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "exported")).one()
    assert event.subject == f"outcomes:{number}" and event.detail["period"] == "year"


def test_my_own_page_leads_to_it(zhao, li):
    assert 'href="/me/outcomes"' in zhao.get("/me").text
    assert 'href="/me/outcomes"' in li.get("/me").text
