"""Who serves whom: chosen, shown, done as a whole or not at all; what was open goes along and everybody is told."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import Team, User
from fieldapp.audit.models import AuditEvent
from fieldapp.db import db, writing
from fieldapp.enterprises.actions import index
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.followups.models import FollowUp, FollowUpNote, FollowUpStatus
from fieldapp.needs.models import Need, NeedEvent, NeedStatus
from fieldapp.notices.models import Notification
from fieldapp.visits.models import Visit, VisitEvent, VisitStatus, VisitWay, visit_companion
from tests import people

LIST = "/lead/assignments"
FORM = "order-form"


@pytest.fixture
def who(app):
    """Everybody's number by name: who.qian."""
    found = SimpleNamespace(**dict(map(tuple, db.session.execute(sa.select(User.username, User.id)))))
    db.session.rollback()
    return found


def preview(ids, act="give", to=None):
    ids = ids if isinstance(ids, list) else [ids]
    return f"{LIST}/preview?act={act}" + "".join(f"&e={id}" for id in ids) + (f"&to={to}" if to else "")


def rows(query):
    db.session.rollback()
    found = db.session.execute(query).all()
    db.session.rollback()
    return found


def officer_of(enterprise):
    return rows(sa.select(Enterprise.officer_id).where(Enterprise.id == enterprise.id))[0][0]


def open_rows(enterprise):
    """{officer id: is main} of whoever serves there today."""
    query = sa.select(Assignment.officer_id, Assignment.is_main).where(
        Assignment.enterprise_id == enterprise.id, Assignment.ended_on.is_(None)
    )
    return dict(map(tuple, rows(query)))


def told(user_id):
    query = sa.select(Notification.kind, Notification.details).where(Notification.user_id == user_id)
    return [(row.kind, row.details) for row in rows(query.order_by(Notification.id))]


def trail(action):
    return rows(
        sa.select(AuditEvent.subject, AuditEvent.detail)
        .where(AuditEvent.action == action)
        .order_by(AuditEvent.id)
    )


@pytest.fixture
def busy(app, city, who):
    """华星 with everything that can be open there: zhao's need, promise and plan; also things that must stay."""
    at, today = clock.now(), clock.today()
    made = SimpleNamespace(
        plan=uuid7(),
        other_plan=uuid7(),
        open_need=uuid7(),
        ended_need=uuid7(),
        qians_need=uuid7(),
        kept=uuid7(),
    )
    with writing():

        def need(id, status, by):
            db.session.add(
                Need(id=id, enterprise_id=city.huaxing.id, source="VISIT", title="攻关", kind="RESEARCH", status=status,
                     author_id=who.zhao, claimed_by_id=by, created_at=at)
            )  # fmt: skip

        need(made.open_need, NeedStatus.MATCHING, who.zhao)
        need(made.ended_need, NeedStatus.RESOLVED, who.zhao)
        need(made.qians_need, NeedStatus.CLAIMED, who.qian)
        for id, officer in ((made.plan, who.zhao), (made.other_plan, who.qian)):
            db.session.add(
                Visit(id=id, enterprise_id=city.huaxing.id, officer_id=officer, status=VisitStatus.PLANNED,
                      planned_on=today + timedelta(days=3), way=VisitWay.ON_SITE, purposes=[])
            )  # fmt: skip
        db.session.flush()
        db.session.execute(visit_companion.insert(), [{"visit_id": made.plan, "officer_id": who.qian}])
        db.session.add(
            FollowUp(id=made.kept, enterprise_id=city.huaxing.id, title="已办好的", due_on=today, assignee_id=who.zhao,
                     author_id=who.zhao, status=FollowUpStatus.DONE)
        )  # fmt: skip
        db.session.commit()
    return made


# --- seeing and choosing ---------------------------------------------------------------------------------------------


def test_a_lead_sees_what_nobody_serves_and_who_could(li, city):
    html = li.get(LIST).text
    assert "1 家企业还没有负责干部" in html and city.chuntian.name in html
    assert city.huaxing.name not in html and city.yuanshan.name not in html
    for words in ("赵青", "钱禾", "均衡建议预览"):
        assert words in html
    assert "王野" not in html and "孙岚" not in html  # disabled; another team's


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=taken", ["beichen", "huaxing"]),
        ("state=all", ["beichen", "chuntian", "huaxing"]),
        ("state=loose", []),
        ("state=qian", ["beichen"]),
        ("state=all&q=hxxny", ["huaxing"]),
        ("state=all&tag=hnte", ["huaxing"]),
        ("state=all&tag=链主企业", ["huaxing"]),
        ("state=all&industry=13", []),
        ("state=all&region=99", []),
        ("state=odd&region=x&page=broken", ["chuntian"]),
    ],
)
def test_filters(li, city, who, query, expected):
    html = li.get(f"{LIST}?{query.replace('qian', str(who.qian))}").text
    assert sorted(
        re.findall(r'<td class="pick-name"><a[^>]*>(.*?)</a>', re.sub("</?mark>", "", html))
    ) == sorted(getattr(city, key).name for key in expected)


def test_officers_have_no_business_here(zhao, wu, city):
    for person in (zhao, wu):
        assert person.get(LIST).status_code == 403
        assert person.post(LIST, data={"csrf_token": person.token(), "act": "give"}).status_code == 403


def test_what_a_disabled_officer_still_has_is_shown_first(li, city, who):
    with writing():
        user = db.session.get(User, who.zhao)
        user.active = False
        db.session.commit()
    html = li.get(LIST).text
    assert "需要交接" in html and "账号已停用" in html and "名下还有 1 家" in html
    assert city.huaxing.name in li.get(f"{LIST}?state={who.zhao}").text
    assert city.huaxing.name in li.get(f"{LIST}/proposal?state=loose").text


def test_enterprises_of_a_region_that_changed_hands_want_handing_over(wu, zhou, li, city, who):
    """一队's region goes to 二队: its enterprises go along, who serves them stays until zhou hands over."""
    ids = dict(rows(sa.select(Team.name, Team.id)))
    regions = [id for id, in rows(sa.text("SELECT id FROM region ORDER BY id"))]  # fmt: skip
    assert wu.submit(f"/admin/teams/{ids['一队']}", "team-form", regions=[]).status_code == 303
    assert wu.submit(f"/admin/teams/{ids['二队']}", "team-form", regions=regions).status_code == 303
    assert officer_of(city.huaxing) == who.zhao and open_rows(city.huaxing)[who.zhao]
    html = zhou.get(LIST).text
    assert "需要交接" in html and "赵青" in html and "已不在本团" in html
    assert zhou.submit(preview(city.huaxing.id, to=who.sun), FORM, reason="换了服务团").status_code == 303
    assert officer_of(city.huaxing) == who.sun
    assert "赵青" not in zhou.get(f"{LIST}?state=loose").text.partition("最近的变动")[0]


def test_without_a_choice_of_officer_the_next_step_asks(li, city):
    html = li.get(f"{LIST}/preview?e={city.chuntian.id}&act=give").text
    assert "分给谁" in html and 'name="to"' in html and "赵青" in html
    assert li.get(f"{LIST}/preview").location == f"{LIST}?notice=choose_some"
    assert li.get(f"{LIST}/preview?e=x").location.endswith("notice=choose_some")


def test_the_preview_says_what_will_happen_and_reading_changes_nothing(li, city, who, busy):
    html = li.get(preview(city.huaxing.id, to=who.qian)).text
    for words in (
        "分配给钱禾",
        "赵青 1 家",
        "1 件一起转过去",
        "1 次照原定日子，改由新的干部去",
        "在办需求 1 件",
        "计划走访 1 次",
        "1 → <b data-after>2</b>",
    ):
        assert words in html, words
    assert officer_of(city.huaxing) == who.zhao


# --- doing it --------------------------------------------------------------------------------------------------------


def test_an_enterprise_of_the_pool_is_assigned_and_the_officer_sees_it_and_is_told(li, zhao, qian, city, who):
    assert zhao.get(f"/enterprises/{city.chuntian.id}").status_code == 200  # the pool is everybody's
    answer = li.submit(preview(city.chuntian.id, to=who.qian), FORM)
    assert answer.status_code == 303 and answer.location.startswith(LIST)
    assert officer_of(city.chuntian) == who.qian and open_rows(city.chuntian) == {who.qian: True}
    assert zhao.get(f"/enterprises/{city.chuntian.id}").status_code == 404
    assert city.chuntian.name in qian.get("/enterprises").text
    kind, details = told(who.qian)[0]
    assert kind == "handed_over" and details["enterprise"] == city.chuntian.name and details["by"] == "李望"
    (subject, detail), = trail("assigned")[-1:]  # fmt: skip
    assert subject == f"enterprise:{city.chuntian.id}" and detail == {"officer": who.qian, "before": None}
    assert "已保存" in li.get(answer.location).text and "春田乳品股份有限公司分配给钱禾" in li.get(LIST).text


def test_handing_over_moves_what_is_open_to_the_row(li, zhao, city, who, busy):
    answer = li.submit(preview(city.huaxing.id, to=who.qian), FORM, reason="岗位调整")
    assert answer.status_code == 303
    # The old assignment ended, with by and why; the helper who took over helps no more.
    ended = rows(
        sa.select(
            Assignment.officer_id,
            Assignment.is_main,
            Assignment.ended_on,
            Assignment.ended_by_id,
            Assignment.end_reason,
        ).where(Assignment.enterprise_id == city.huaxing.id, Assignment.ended_on.is_not(None))
    )
    assert sorted(map(tuple, ended)) == sorted(
        [
            (who.zhao, True, clock.today(), who.li, "岗位调整"),
            (who.qian, False, clock.today(), who.li, "岗位调整"),
        ]
    )
    assert open_rows(city.huaxing) == {who.qian: True}
    # Needs: the open one moved, with a line; the ended one and the helper's own stayed.
    assert dict(rows(sa.select(Need.id, Need.claimed_by_id).where(Need.enterprise_id == city.huaxing.id))) == {
        people.NEED: None, busy.open_need: who.qian, busy.ended_need: who.zhao, busy.qians_need: who.qian,
    }  # fmt: skip
    assert len(rows(sa.select(NeedEvent.note).where(NeedEvent.need_id == busy.open_need))) == 1
    # Promises: the open one moved, with a line; the kept one stayed.
    assert dict(rows(sa.select(FollowUp.id, FollowUp.assignee_id).where(FollowUp.enterprise_id == city.huaxing.id))) == {
        people.FOLLOW_UP: who.qian, busy.kept: who.zhao,
    }  # fmt: skip
    assert rows(sa.select(FollowUpNote.text).where(FollowUpNote.follow_up_id == people.FOLLOW_UP))
    # Plans: the day stays, the officer changes, the history says so; a companion who now leads is no companion.
    plan = rows(sa.select(Visit.officer_id, Visit.status, Visit.version).where(Visit.id == busy.plan))[0]
    assert tuple(plan) == (who.qian, VisitStatus.PLANNED, 2)
    assert rows(sa.select(VisitEvent.changes).where(VisitEvent.visit_id == busy.plan))[0][0] == {
        "officer": ["赵青", "钱禾"]
    }
    assert not rows(sa.select(visit_companion).where(visit_companion.c.visit_id == busy.plan))
    # Made visits stay whose they are.
    assert rows(sa.select(Visit.officer_id).where(Visit.id == people.VISIT))[0][0] == who.zhao
    # Both are told, with the same numbers.
    assert told(who.qian) == [
        (
            "handed_over",
            {
                "by": "李望",
                "count": 1,
                "enterprise": city.huaxing.name,
                "needs": 1,
                "promises": 1,
                "reason": "岗位调整",
            },
        )
    ]
    assert told(who.zhao)[0][0] == "handed_away" and told(who.zhao)[0][1]["to"] == "钱禾"
    assert trail("handed_over")[0].detail == {"officer": who.qian, "before": who.zhao}
    # The old officer has lost sight of it.
    assert zhao.get(f"/enterprises/{city.huaxing.id}").status_code == 404
    assert city.huaxing.name not in zhao.get("/enterprises?scope=team").text


def test_whoever_hands_over_may_stay_as_a_helper(li, zhao, city, who):
    li.submit(preview(city.huaxing.id, to=who.qian), FORM, reason="带一带", stay="y")
    assert open_rows(city.huaxing) == {who.qian: True, who.zhao: False}
    assert zhao.get(f"/enterprises/{city.huaxing.id}").status_code == 200


def test_back_to_the_pool(li, qian, city, who, busy):
    html = li.get(preview(city.huaxing.id, act="pool")).text
    assert "仍记在原来的干部名下" in html and "1 次取消" in html
    assert li.submit(preview(city.huaxing.id, act="pool"), FORM, reason="长期出差").status_code == 303
    assert officer_of(city.huaxing) is None and open_rows(city.huaxing) == {who.qian: False}
    need = rows(sa.select(Need.claimed_by_id, Need.status).where(Need.id == busy.open_need))[0]
    assert tuple(need) == (None, NeedStatus.ACCEPTED)
    assert rows(sa.select(FollowUp.assignee_id).where(FollowUp.id == people.FOLLOW_UP))[0][0] == who.zhao
    plan = rows(sa.select(Visit.status, Visit.cancel_reason).where(Visit.id == busy.plan))[0]
    assert tuple(plan) == (VisitStatus.CANCELLED, "长期出差")
    # qian was going along, and hears that nobody goes
    (called_off,) = [details for kind, details in told(who.qian) if kind == "visit_cancelled"]
    assert called_off["reason"] == "长期出差" and called_off["enterprise"] == city.huaxing.name
    assert told(who.zhao)[0][0] == "handed_away" and "to" not in told(who.zhao)[0][1]
    assert trail("returned_to_pool")[0].subject == f"enterprise:{city.huaxing.id}"
    assert "由赵青退回共享名单" in li.get(LIST).text


def test_helpers_come_and_go(li, qian, zhao, city, who, busy):
    assert li.submit(preview(city.beichen.id, act="help", to=who.zhao), FORM).status_code == 303
    assert open_rows(city.beichen) == {who.qian: True, who.zhao: False}
    assert told(who.zhao)[-1][0] == "helper_added"
    assert (
        li.submit(preview(city.huaxing.id, act="unhelp", to=who.qian), FORM, reason="不用了").status_code
        == 303
    )
    assert open_rows(city.huaxing) == {who.zhao: True}
    # What the helper had open goes to the main officer.
    assert rows(sa.select(Need.claimed_by_id).where(Need.id == busy.qians_need))[0][0] == who.zhao
    assert rows(sa.select(Visit.officer_id).where(Visit.id == busy.other_plan))[0][0] == who.zhao
    assert told(who.qian)[-1][0] == "helper_removed"
    assert qian.get(f"/enterprises/{city.huaxing.id}").status_code == 404
    assert trail("helper_removed")[0].detail == {"officer": who.qian}


def test_many_at_once_go_as_one(li, city, who):
    ids = [city.huaxing.id, city.beichen.id, city.chuntian.id]
    html = li.get(preview(ids, to=who.qian)).text
    assert "1 家本来就是这样" in html
    assert li.submit(preview(ids, to=who.qian), FORM, reason="轮岗").status_code == 303
    assert [officer_of(city.huaxing), officer_of(city.beichen), officer_of(city.chuntian)] == [who.qian] * 3
    (kind, details), = told(who.qian)  # fmt: skip
    assert kind == "handed_over" and details["count"] == 2 and "enterprise" not in details


# --- refusing --------------------------------------------------------------------------------------------------------


def test_another_leads_enterprise_refuses_the_whole(li, city, who):
    assert li.get(preview([city.huaxing.id, city.yuanshan.id], to=who.qian)).status_code == 404
    form = li.form(preview(city.huaxing.id, to=who.qian), FORM)
    data = form.filled(e=[f"{city.huaxing.id}:{who.zhao}", f"{city.yuanshan.id}:{who.sun}"], reason="x")
    assert li.post(LIST, data=data).status_code == 404
    assert officer_of(city.huaxing) == who.zhao and officer_of(city.yuanshan) == who.sun


def test_another_teams_officer_and_a_disabled_one_cannot_be_chosen(li, city, who):
    form = li.form(preview(city.chuntian.id, to=who.qian), FORM)
    for stranger in (who.sun, who.wang, who.li, 999_999):
        answer = li.post(LIST, data=form.filled(to=stranger, entry_id=str(uuid7())))
        assert answer.status_code == 422, stranger
    assert officer_of(city.chuntian) is None and not told(who.sun)


def test_taking_away_wants_a_reason_and_keeps_what_was_typed(li, city, who):
    answer = li.submit(preview(city.huaxing.id, to=who.qian), FORM)
    assert answer.status_code == 422 and "请写一句原因" in answer.text and 'href="#reason"' in answer.text
    assert f'value="{city.huaxing.id}:{who.zhao}" checked' in answer.text
    answer = li.submit(preview(city.huaxing.id, to=who.qian), FORM, reason="带话" + "长" * 300)
    assert answer.status_code == 422 and "带话" in answer.text and "200" in answer.text
    assert officer_of(city.huaxing) == who.zhao


@pytest.mark.parametrize(("days", "status"), [(0, 303), (1, 422), (-8, 422), ("x", 422)])
def test_a_hand_over_is_dated_this_week(li, city, who, days, status):
    on = days if days == "x" else clock.today() + timedelta(days=days)
    answer = li.submit(preview(city.huaxing.id, to=who.qian), FORM, reason="轮岗", on=on)
    assert answer.status_code == status
    assert (officer_of(city.huaxing) == who.qian) == (status == 303)


def test_not_dated_before_the_present_officer_began(li, city, who, monkeypatch):
    monday = clock.monday_of(clock.today())
    wednesday = monday + timedelta(days=2)  # on a Monday the week has no earlier day
    monkeypatch.setattr(clock, "today", lambda: wednesday)
    li.submit(preview(city.chuntian.id, to=who.zhao), FORM)
    answer = li.submit(preview(city.chuntian.id, to=who.qian), FORM, reason="轮岗", on=monday)
    assert answer.status_code == 422 and "日期不能更早" in answer.text
    assert officer_of(city.chuntian) == who.zhao


@pytest.mark.parametrize("e", [None, "x", "1:x", "9999999999999:0", "1"])
def test_what_our_page_did_not_make_changes_nothing(li, city, who, e):
    form = li.form(preview(city.chuntian.id, to=who.qian), FORM)
    assert li.post(LIST, data=form.filled(e=e)).status_code == 422
    assert (
        li.post(LIST, data={"csrf_token": li.token(), "act": "odd", "e": f"{city.chuntian.id}:0"}).status_code
        == 422
    )
    assert officer_of(city.chuntian) is None


def test_a_stale_choice_is_told_what_changed_by_whom_and_keeps_the_rest(li, browser_of, city, who):
    ids = [city.chuntian.id, city.huaxing.id]
    form = li.form(preview(ids, to=who.qian), FORM)
    other = browser_of("li")  # the same lead at another desk; a second lead of the team does the same
    assert other.submit(preview(city.chuntian.id, to=who.zhao), FORM).status_code == 303
    answer = li.post(LIST, data=form.filled(reason="轮岗"))
    assert answer.status_code == 409
    assert f"{city.chuntian.name}：李望改给了赵青" in answer.text
    assert f'value="{city.huaxing.id}:{who.zhao}" checked' in answer.text
    assert f'value="{city.chuntian.id}:{who.zhao}" data-from' in answer.text  # fresh, and not ticked
    assert "轮岗" in answer.text
    assert officer_of(city.huaxing) == who.zhao and officer_of(city.chuntian) == who.zhao
    # What is ticked now can be sent as it stands.
    again = next(f for f in people_forms(answer.text) if f.id == FORM)
    assert li.post(LIST, data=again.filled()).status_code == 303
    assert officer_of(city.huaxing) == who.qian and officer_of(city.chuntian) == who.zhao


def people_forms(html):
    from tests.forms import forms_in

    return forms_in(html)


def test_a_double_tap_is_one_act(li, city, who):
    form = li.form(preview(city.huaxing.id, to=who.qian), FORM)
    data = form.filled(reason="轮岗", entry_id=str(uuid7()))
    first, second = li.post(LIST, data=data), li.post(LIST, data=data)
    assert (first.status_code, second.status_code) == (303, 303) and first.location == second.location
    assert len(told(who.qian)) == 1 and len(trail("handed_over")) == 1


def test_of_two_leads_at_once_one_is_told(app, browser_of, city, who):
    """Both saw the same; one wins, the other gets 409. Never two main officers."""
    with writing():
        team = db.session.scalars(sa.select(Team).where(Team.name == "一队")).one()
        team.leads.append(db.session.get(User, who.zhou))
        db.session.commit()
    people_ = [browser_of("li"), browser_of("zhou")]
    sent = [
        (one, one.form(preview(city.chuntian.id, to=to), FORM).filled(entry_id=str(uuid7())))
        for one, to in zip(people_, (who.qian, who.zhao), strict=True)
    ]
    answers = []
    gate = threading.Barrier(2)

    def send(person, data):
        gate.wait()
        answers.append(person.post(LIST, data=data).status_code)

    threads = [threading.Thread(target=send, args=one) for one in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409]
    assert list(open_rows(city.chuntian).values()) == [True]
    assert len(told(who.qian)) + len(told(who.zhao)) == 1


# --- the proposal ----------------------------------------------------------------------------------------------------


def waiting(city, count):
    """So many more enterprises in 一队's pool."""
    with writing():
        first = db.session.get(Enterprise, city.chuntian.id)
        made = [
            Enterprise(
                name=f"雁归第{n}机械有限公司", uscc=f"TEST{n:014}", region_id=first.region_id, team_id=first.team_id,
                former_names=[], visit_due_on=clock.today(), lat=40.6 + n / 100, lng=109.8,
            )
            for n in range(count)
        ]  # fmt: skip
        db.session.add_all(made)
        db.session.flush()
        index(made)
        db.session.commit()
    return [e.id for e in made]


@pytest.fixture
def pool(app, city):
    return waiting(city, 6)


def test_the_list_shows_whom_an_enterprise_is_proposed_for(li, city, pool):
    html = li.get(LIST).text
    cells = re.findall(r'<td class="pick-who">(.*?)</td>', html)
    assert len(cells) == 7 and all("建议给" in cell and ("赵青" in cell or "钱禾" in cell) for cell in cells)


def test_of_several_pages_the_proposal_is_made_when_it_is_asked_for(li, city):
    waiting(city, 33)
    html = li.get(LIST).text
    assert html.count('name="e"') == 30 and "均衡建议预览" not in html and "建议给" not in html
    assert f'href="{LIST}/proposal"' in html
    assert li.get(f"{LIST}/proposal").text.count('name="e"') == 34
    # Everything ticked is more than the boxes of the page that say so.
    assert li.get(f"{LIST}/proposal?all=yes&e={city.chuntian.id}&state=pool").text.count('name="e"') == 34
    assert li.get(f"{LIST}/proposal?e={city.chuntian.id}&state=pool").text.count('name="e"') == 1


def test_a_proposal_is_shown_changed_and_done_as_one(li, city, who, pool):
    html = li.get(f"{LIST}/proposal").text
    assert "均衡建议" in html and html.count('name="e"') == 7 and "1 → <b data-after>" in html
    form = li.form(f"{LIST}/proposal", FORM)
    data = form.filled()
    assert len(data["e"]) == 7 and {data[f"to-{id}"] for id in pool} <= {str(who.zhao), str(who.qian)}
    data["e"] = [value for value in data["e"] if not value.startswith(f"{pool[0]}:")]  # one is left out
    data[f"to-{pool[1]}"] = str(who.qian)  # one goes to somebody else
    assert li.post(LIST, data=data | {"entry_id": str(uuid7())}).status_code == 303
    now = dict(
        rows(
            sa.select(Enterprise.id, Enterprise.officer_id).where(
                Enterprise.id.in_([*pool, city.chuntian.id])
            )
        )
    )
    assert now[pool[0]] is None and now[pool[1]] == who.qian and None not in [now[id] for id in pool[1:]]
    reasons = {r for r, in rows(sa.select(Assignment.reason).where(Assignment.enterprise_id.in_(pool)))}  # fmt: skip
    assert reasons == {"按均衡建议分配"}


def test_loads_are_evened_out(li, city, who, pool):
    data = li.form(f"{LIST}/proposal", FORM).filled()
    got = [data[f"to-{id}"] for id in [*pool, city.chuntian.id]]
    assert {got.count(str(who.zhao)), got.count(str(who.qian))} == {3, 4}  # each had one


def test_a_line_given_to_nobody_must_be_unticked(li, city, pool):
    form = li.form(f"{LIST}/proposal", FORM)
    answer = li.post(LIST, data=form.filled() | {f"to-{pool[0]}": ""})
    assert answer.status_code == 422 and "还没有选给谁" in answer.text
    assert answer.text.count('name="e"') == 7
    assert (
        rows(sa.select(sa.func.count()).select_from(Enterprise).where(Enterprise.officer_id.is_(None)))[0][0]
        == 7
    )


def test_a_stale_proposal_keeps_what_was_chosen(li, browser_of, city, who, pool):
    form = li.form(f"{LIST}/proposal", FORM)
    browser_of("li").submit(preview(pool[0], to=who.qian), FORM)
    answer = li.post(LIST, data=form.filled())
    assert answer.status_code == 409 and "李望改给了钱禾" in answer.text
    assert len(re.findall(r'name="e" value="\d+:0" checked', answer.text)) == 6


def test_nobody_is_proposed_above_the_mark_unless_asked(app, li, city, who, pool):
    app.config["OFFICER_LOAD"] = 2
    try:
        html = li.get(f"{LIST}/proposal").text
        assert "5 家没有建议" in html and "超过上限也平均分" in html
        assert html.count(" checked") == 2
        assert li.get(f"{LIST}/proposal?beyond=yes").text.count(" checked") == 7
        app.config["OFFICER_LOAD"] = 1
        assert "没有可以建议的人选" in li.get(LIST).text and "已到上限" in li.get(LIST).text
    finally:
        app.config["OFFICER_LOAD"] = 28


def test_everything_the_filters_find_can_be_chosen_at_once(li, city, who, pool):
    url = f"{LIST}/preview?all=yes&q=雁归&act=give&to={who.qian}"
    assert li.get(url).text.count('name="e"') == 6
    assert li.submit(url, FORM).status_code == 303
    assert (
        rows(sa.select(sa.func.count()).select_from(Enterprise).where(Enterprise.officer_id == who.qian))[0][
            0
        ]
        == 7
    )


# --- the history -----------------------------------------------------------------------------------------------------


def test_the_enterprise_remembers_who_served_it(li, zhao, qian, sun, city, who):
    li.submit(preview(city.huaxing.id, to=who.qian), FORM, reason="岗位调整")
    html = qian.get(f"/enterprises/{city.huaxing.id}/assignments").text
    for words in ("钱禾", "赵青", "直到现在", "由李望安排", "由李望结束", "岗位调整"):
        assert words in html
    assert (
        "换人或加一位协助" not in html
        and "换人或加一位协助" in li.get(f"/enterprises/{city.huaxing.id}/assignments").text
    )
    for stranger in (zhao, sun):
        assert stranger.get(f"/enterprises/{city.huaxing.id}/assignments").status_code == 404
    assert (
        f'href="/enterprises/{city.huaxing.id}/assignments"'
        in qian.get(f"/enterprises/{city.huaxing.id}").text
    )
