"""今日: the next thing to do first, what the lead asks for before all, and nothing of anybody else's."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import User
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.followups.models import FollowUp
from fieldapp.notices.actions import tell
from fieldapp.visits.models import Visit, VisitStatus, VisitWay, visit_companion
from tests import people


def person(username: str) -> User:
    return db.session.scalars(sa.select(User).where(User.username == username)).one()


def visit(enterprise, officer: str, status: VisitStatus, days: int = 0, at: str = "", **more):
    made = Visit(
        id=uuid7(), enterprise_id=enterprise.id, officer_id=person(officer).id, status=status, planned_at=at,
        planned_on=clock.today() + timedelta(days=days) if status is VisitStatus.PLANNED else None,
        arrived_at=None if status is VisitStatus.PLANNED else clock.now() - timedelta(hours=2),
        way=VisitWay.ON_SITE, purposes=["NEEDS"], **more,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made.id


@pytest.fixture
def lay(app):
    """lay(lambda: …): put something into the database, committed."""

    def act(write):
        with writing():
            result = write()
            db.session.commit()
        return result

    return act


def hero(page: str) -> str:
    found = re.search(r'<section class="hero".*?</section>', page, re.S)
    return found[0] if found else ""


def section(page: str, heading: str) -> str:
    found = re.search(rf'<section class="sec" aria-labelledby="{heading}">.*?</section>', page, re.S)
    return found[0] if found else ""


def test_the_next_planned_visit_is_the_next_stop(zhao, city, lay):
    lay(lambda: visit(city.chuntian, "zhao", VisitStatus.PLANNED, 1, "09:00"))
    lay(lambda: visit(city.huaxing, "zhao", VisitStatus.PLANNED, 0, "15:00"))
    page = zhao.get("/").text
    assert "下一站" in hero(page) and city.huaxing.name in hero(page) and "今天 15:00" in hero(page)
    assert f'href="/enterprises/{city.huaxing.id}/visits/new"' in hero(page)
    assert city.chuntian.name in section(page, "planned")
    assert city.huaxing.name not in section(page, "planned")  # told once


def test_what_was_begun_and_not_written_down_comes_first(zhao, city, lay):
    lay(lambda: visit(city.huaxing, "zhao", VisitStatus.PLANNED, 0, "08:00"))
    lay(lambda: visit(city.chuntian, "zhao", VisitStatus.ARRIVED))
    page = zhao.get("/").text
    assert "到了还没写完" in hero(page) and city.chuntian.name in hero(page)
    assert city.huaxing.name in section(page, "planned")


def test_without_plans_the_longest_due_is_next(zhao, city, lay):
    def due():
        db.session.get(Enterprise, city.huaxing.id).visit_due_on = clock.today() - timedelta(days=3)

    lay(due)
    page = zhao.get("/").text
    assert "最久没去" in hero(page) and city.huaxing.name in hero(page)


def test_phones_are_not_dialled_from_today(zhao, city, lay):
    lay(lambda: visit(city.huaxing, "zhao", VisitStatus.PLANNED))
    page = zhao.get("/").text
    assert f'href="/enterprises/{city.huaxing.id}#contacts"' in hero(page)
    assert 'href="tel:' not in page and "13812345621" not in page


def test_the_map_is_told_where_it_is_in_the_maps_own_system(zhao, city, lay):
    lay(lambda: visit(city.huaxing, "zhao", VisitStatus.PLANNED))
    assert "https://uri.amap.com/navigation?" in hero(zhao.get("/").text)


def test_a_record_sent_back_shows_the_leads_words_and_leads_to_the_form(zhao, qian, city, lay):
    def sent_back():
        lead = person("li").id
        return visit(
            city.huaxing,
            "zhao",
            VisitStatus.RETURNED,
            review_comment="见了谁？请补一句。",
            reviewed_by_id=lead,
        )

    visit_id = lay(sent_back)
    assert "见了谁" not in qian.get("/").text  # a helper is not chased
    part = section(zhao.get("/").text, "returned")
    assert "见了谁？请补一句。" in part and "李望" in part
    assert f'href="/visits/{visit_id}/edit"' in part


def test_a_record_sent_back_is_told_once(li, zhao, city):
    """It stands among what is to be done; the bell still counts what was not put away."""
    address = f"/visits/{people.VISIT}"
    form = li.form(address, "review-form")
    assert li.post(f"{address}/return", data=form.filled(comment="见了谁？")).status_code == 303
    page = zhao.get("/").text
    assert page.count("见了谁？") == 1 and "见了谁？" in section(page, "returned")
    assert "提醒，1 条未读" in page and "和你有关" not in page
    assert "见了谁？" in zhao.get("/notices").text


def test_what_was_sent_back_follows_the_enterprise(qian, zhao, city, lay):
    """Its officer is another one now: the record does not stay open because hands changed."""

    def handed_over():
        visit(city.huaxing, "zhao", VisitStatus.RETURNED, review_comment="请补")
        visit(city.huaxing, "zhao", VisitStatus.ARRIVED)
        db.session.execute(
            sa.update(Assignment)
            .where(Assignment.enterprise_id == city.huaxing.id, Assignment.is_main)
            .values(officer_id=person("qian").id)
        )
        db.session.get(Enterprise, city.huaxing.id).officer_id = person("qian").id

    lay(handed_over)
    page = qian.get("/").text
    assert city.huaxing.name in section(page, "returned") and "接着写完" in page
    assert city.huaxing.name not in zhao.get("/").text  # no longer theirs to see


def test_a_plan_whose_day_is_over_is_not_the_next_stop_but_is_told(zhao, city, lay):
    lay(lambda: visit(city.huaxing, "zhao", VisitStatus.PLANNED, -3))
    page = zhao.get("/").text
    assert "下一站" not in hero(page)
    assert "原定" in section(page, "planned")


def test_who_comes_along_sees_the_plan_too(qian, city, lay):
    def joined():
        visit_id = visit(city.huaxing, "zhao", VisitStatus.PLANNED, 0, "15:00")
        db.session.execute(
            visit_companion.insert(), [{"visit_id": visit_id, "officer_id": person("qian").id}]
        )

    lay(joined)
    assert "和赵青一起去" in hero(qian.get("/").text)


def test_anothers_plans_and_another_teams_enterprises_are_not_shown(zhao, city, lay):
    lay(lambda: visit(city.beichen, "qian", VisitStatus.PLANNED))
    lay(lambda: visit(city.yuanshan, "zhao", VisitStatus.PLANNED))  # once theirs, not in sight any more
    page = zhao.get("/").text
    assert city.beichen.name not in page and city.yuanshan.name not in page


def test_what_is_planned_is_not_told_again_as_due(zhao, city, lay):
    def both():
        db.session.get(Enterprise, city.huaxing.id).visit_due_on = clock.today() - timedelta(days=3)
        visit(city.huaxing, "zhao", VisitStatus.PLANNED, 1)

    lay(both)
    page = zhao.get("/").text
    assert city.huaxing.name in hero(page) and section(page, "due") == ""


def test_promises_come_by_day_late_ones_in_colour_and_words(zhao, city, lay):
    def late():
        db.session.get(FollowUp, people.FOLLOW_UP).due_on = clock.today() - timedelta(days=4)

    lay(late)
    part = section(zhao.get("/").text, "promises")
    assert "逾期 4 天" in part and "text-bad" in part


def test_notices_are_told_until_they_are_put_away(zhao, city, lay):
    lay(lambda: tell(person("zhao").id, "handed_over", clock.now(), by="李望", enterprise=city.beichen.name))
    page = zhao.get("/").text
    assert "把北辰数控机床有限公司交给你服务" in page and "提醒，1 条未读" in page
    form = next(f for f in _forms(page) if re.search(r"/notices/\d+/read", f.action))
    assert zhao.post(form.action, data=form.filled()).status_code == 303
    assert "交给你服务" not in zhao.get("/").text


def _forms(page: str):
    from tests.forms import forms_in

    return forms_in(page)


def test_a_day_with_nothing_in_it_says_so(wu, browser_of, lay):
    def nothing():
        db.session.execute(sa.update(FollowUp).values(assignee_id=person("qian").id))
        db.session.execute(sa.update(Enterprise).values(visit_due_on=clock.today() + timedelta(days=9)))

    lay(nothing)
    page = browser_of("zhao").get("/").text
    assert "暂时没有该走访的企业" in page and "没有要跟进的事" in page


def test_admins_and_auditors_are_sent_to_their_own_work(wu, zheng):
    assert wu.get("/").location == "/admin/users"
    assert zheng.get("/").location == "/audit"


@pytest.mark.parametrize(("what", "leads_to"), [("need", "needs"), ("visit", "visits"), ("plan", "visits")])
def test_a_quick_action_asks_for_which_enterprise(zhao, city, what, leads_to):
    page = zhao.get(f"/choose/{what}").text
    assert f'href="/enterprises/{city.huaxing.id}/{leads_to}/' in page
    assert city.yuanshan.name not in page
    address = re.search(rf'href="(/enterprises/{city.huaxing.id}/[^"]+)"', page)[1]
    assert zhao.get(address).status_code == 200


def test_choosing_can_be_searched_also_in_the_pool(zhao, city):
    page = zhao.get("/choose/plan?q=春田").text
    assert city.chuntian.name in page and city.huaxing.name not in page
    assert "没有找到" in zhao.get("/choose/plan?q=没有这家").text


def test_nothing_else_can_be_chosen_for(zhao):
    assert zhao.get("/choose/anything").status_code == 404
