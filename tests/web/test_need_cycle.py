"""The side ways of a need: extensions, questions, assigning, merging, limits, and what time does by itself."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from uuid6 import uuid7

from fieldapp import clock
from fieldapp.accounts.models import Team, User
from fieldapp.db import db, writing
from fieldapp.needs import duties
from fieldapp.needs.access import enterprise_steps
from fieldapp.needs.actions import Said, rate, submit, take_step
from fieldapp.needs.clock import instants
from fieldapp.needs.forms import StepForm
from fieldapp.needs.models import (
    ENDED,
    Clock,
    Ending,
    Light,
    Need,
    NeedEvent,
    NeedKind,
    NeedRating,
    NeedSource,
    NeedStatus,
    Solved,
)
from fieldapp.needs.queries import need_at_door
from fieldapp.needs.steps import STEPS, WrongMoment
from fieldapp.notices.models import Channel, ChannelKind, Delivery, Notification
from tests import people

S = NeedStatus
NEED = f"/needs/{people.NEED}"
MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)  # 10:00 at the office


def _row(need_id=people.NEED):
    db.session.rollback()
    return need_at_door(need_id)


def _id(username):
    number = db.session.scalar(sa.select(User.id).where(User.username == username))
    db.session.rollback()
    return number


def _change(need_id=people.NEED, **values):
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(Need).where(Need.id == need_id).values(**values))
        db.session.commit()


def _post(client, step, need_id=people.NEED, **values):
    data = {"csrf_token": client.token(), "entry_id": str(uuid7()), **values}
    return client.post(f"/needs/{need_id}/steps/{step}", data=data)


def _told(username):
    query = (
        sa.select(Notification.kind).where(Notification.user_id == _id(username)).order_by(Notification.id)
    )
    kinds = list(db.session.scalars(query))
    db.session.rollback()
    return kinds


def _door(name, at=None, need_id=people.NEED, **said):
    """The enterprise takes a step at its door."""
    with writing():
        db.session.rollback()
        after = take_step(
            None,
            need_at_door(need_id),
            STEPS[name],
            at or clock.now(),
            text=said.pop("text", "示例"),
            said=Said(**said),
        )
        db.session.commit()
    return after


def _run(duty, moment):
    with writing():
        db.session.rollback()
        count = duty(moment)
        db.session.commit()
    return count


def _ordered(city, title, at):
    """The number of one more order of 华星."""
    need_id = uuid7()
    with writing():
        submit(
            None, SimpleNamespace(id=city.huaxing.id), need_id, title=title, kind=NeedKind.TESTING, at=at,
            source=NeedSource.ORDER,
        )  # fmt: skip
        db.session.commit()
    return need_id


@pytest.fixture
def order(app, city):
    return _ordered(city, "膜面缺陷检测", MONDAY)


@pytest.fixture
def claimed(order, li, zhao):
    _post(li, "accept", order)
    _post(zhao, "claim", order)
    return order


# The clock on the page.


def test_a_new_need_is_promised_to_be_accepted_within_a_working_day(zhao, order):
    need = _row(order)
    assert need.clock is Clock.ACCEPT and need.due_at == MONDAY + timedelta(days=1)
    page = zhao.get(f"/needs/{order}").text
    assert "受理" in page and "逾期" in page


def test_the_page_of_a_claimed_need_leads_to_the_first_contact(zhao, claimed):
    page = zhao.get(f"/needs/{claimed}").text
    assert f"/needs/{claimed}/steps/contact" in page and "应在" in page
    assert _post(zhao, "contact", claimed, text="约了周三到厂").status_code == 303
    assert _row(claimed).clock is Clock.PLAN
    assert _post(zhao, "contact", claimed).status_code == 409


# Extensions.


def test_an_extension_is_asked_for_and_granted(zhao, li, claimed):
    before = _row(claimed).due_at
    assert _post(zhao, "extend", claimed, days="3", text="企业停产检修").status_code == 303
    assert _row(claimed).asked_days == 3 and "need_extension_asked" in _told("li")
    assert "等负责人同意" in zhao.get(f"/needs/{claimed}").text
    assert _post(zhao, "grant", claimed).status_code == 403
    assert _post(li, "grant", claimed).status_code == 303
    need = _row(claimed)
    assert need.extra_days == 3 and need.asked_days is None and need.due_at > before
    assert "延 3 个工作日。" in zhao.get(f"/needs/{claimed}").text


@pytest.mark.parametrize("days", ["", "0", "16", "-1", "x", "1.5"])
def test_days_that_cannot_be_granted_are_refused_beside_the_field(zhao, claimed, days):
    answer = _post(zhao, "extend", claimed, days=days, text="理由写了很久")
    assert answer.status_code == 422 and "理由写了很久" in answer.text
    assert _row(claimed).asked_days is None


def test_an_extension_is_refused_with_a_word(zhao, li, claimed):
    _post(zhao, "extend", claimed, days="3", text="企业停产检修")
    assert _post(li, "refuse", claimed).status_code == 422
    assert _post(li, "refuse", claimed, text="先给个初步方案").status_code == 303
    assert _row(claimed).asked_days is None and "先给个初步方案" in zhao.get("/notices").text


def test_two_leads_decide_one_extension_once(zhao, li, claimed):
    _post(zhao, "extend", claimed, days="3", text="理由")
    need = _row(claimed)
    with writing():
        lead = SimpleNamespace(id=_id("li"), name="李")
        take_step(lead, need, STEPS["grant"], clock.now())
        db.session.commit()
        with pytest.raises(WrongMoment):
            take_step(lead, need, STEPS["grant"], clock.now())
        db.session.rollback()
    assert _row(claimed).extra_days == 3


# Questions.


def test_the_enterprise_is_asked_and_the_clock_waits_for_its_answer(zhao, claimed):
    assert _post(zhao, "ask", claimed, text="样品什么时候能寄？").status_code == 303
    need = _row(claimed)
    assert need.paused_at is not None and need.due_at is None and need.status is S.CLAIMED
    assert "停表" in zhao.get(f"/needs/{claimed}").text
    assert [step.name for step in enterprise_steps(need)] == ["answer", "add", "recall", "call"]
    _door("answer", need_id=claimed, text="下周一寄出")
    assert _row(claimed).paused_at is None and _row(claimed).due_at is not None
    page = zhao.get(f"/needs/{claimed}").text
    assert "下周一寄出" in page and "need_said" in _told("zhao")


def test_forms_of_two_steps_at_once_each_keep_their_own_question(app):
    """What a field reads is shared by all forms of its kind; two people ask for two steps at one moment."""
    with app.test_request_context():
        first = StepForm(None, step=STEPS["ask"])
        StepForm(None, step=STEPS["hold"])
        assert str(first.text.label.text) == STEPS["ask"].question


def test_an_answer_heard_on_the_phone_counts_too(zhao, claimed):
    _post(zhao, "ask", claimed, text="样品？")
    assert _post(zhao, "answered", claimed, text="电话里说周五寄").status_code == 303
    assert _row(claimed).paused_at is None


def test_a_need_from_a_visit_has_no_door_to_ask_at(zhao, li):
    _post(li, "accept")
    _post(zhao, "claim")
    assert "/steps/ask" not in zhao.get(NEED).text
    assert _post(zhao, "ask", text="？").status_code == 409


# Assigning, limits.


def test_a_lead_assigns_at_once_and_the_officer_hears(li, qian, order):
    assert "钱禾（手上 0 件）" in li.get(f"/needs/{order}/steps/assign").text
    assert _post(li, "assign", order, officer=str(_id("qian"))).status_code == 303
    need = _row(order)
    assert need.status is S.CLAIMED and need.claimed_by_id == _id("qian") and need.clock is Clock.CONTACT
    assert "need_assigned" in _told("qian") and "派给钱禾。" in li.get(f"/needs/{order}").text


@pytest.mark.parametrize("who", ["", "sun", "wang", "li", "99999"])
def test_only_active_officers_of_the_team_are_assigned(li, order, who):
    number = who if not who or who.isdecimal() else str(_id(who))
    assert _post(li, "assign", order, officer=number).status_code == 422
    assert _row(order).status is S.SUBMITTED


def test_reassigning_keeps_the_state_and_the_clock(li, zhao, claimed):
    due = _row(claimed).due_at
    assert _post(li, "pass", claimed, officer=str(_id("qian")), text="赵青外出培训").status_code == 303
    need = _row(claimed)
    assert need.claimed_by_id == _id("qian") and need.status is S.CLAIMED and need.due_at == due
    assert "need_assigned" in _told("zhao")


def test_nobody_hoards(app, zhao, li, city, claimed):
    app.config["CLAIMS_MOST"], before = 1, app.config["CLAIMS_MOST"]
    try:
        _post(li, "accept")
        answer = _post(zhao, "claim")
        assert answer.status_code == 409 and "最多 1 件" in answer.text
        assert _row().claimed_by_id is None
        _post(zhao, "release", claimed, text="让给同事")
        assert _post(zhao, "claim").status_code == 303
    finally:
        app.config["CLAIMS_MOST"] = before


def test_two_claims_of_one_officer_at_once_keep_to_the_limit(app, zhao, li, order):
    _post(li, "accept")
    _post(li, "accept", order)
    app.config["CLAIMS_MOST"], before = 1, app.config["CLAIMS_MOST"]
    start, codes, token = threading.Barrier(2), [], zhao.token()

    def claim(need_id):
        start.wait()
        codes.append(zhao.post(f"/needs/{need_id}/steps/claim", data={"csrf_token": token}).status_code)

    threads = [threading.Thread(target=claim, args=(one,)) for one in (people.NEED, order)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        app.config["CLAIMS_MOST"] = before
    assert sorted(codes) == [303, 409]


# Merging, referring.


def test_a_duplicate_is_merged_and_whatever_had_been_merged_into_it_goes_along(li, city, order):
    third = _ordered(city, "又一单", clock.now())
    assert _post(li, "merge", third, twin=str(order), text="同一件事").status_code == 303
    fourth = _ordered(city, "再一单", clock.now())
    assert _post(li, "merge", people.NEED, twin=str(order), text="走访时也说过").status_code == 303
    assert _post(li, "merge", order, twin=str(fourth), text="还是它").status_code == 303
    assert {_row(one).merged_into_id for one in (third, order, people.NEED)} == {fourth}
    assert _row(order).status is S.MERGED
    assert f'href="/needs/{fourth}"' in li.get(f"/needs/{third}").text


def test_an_order_is_merged_into_an_order_alone(li, order):
    """Whoever placed it holds a receipt and is to be heard; a need from a visit has no door."""
    assert str(people.NEED) not in li.get(f"/needs/{order}/steps/merge").text
    assert _post(li, "merge", order, twin=str(people.NEED), text="走访时也说过").status_code == 422
    assert _row(order).status is S.SUBMITTED


def test_only_open_needs_of_the_same_enterprise_are_merged_into(li, order):
    for twin in (str(people.OTHER_NEED), str(order), "", "x"):
        assert _post(li, "merge", order, twin=twin, text="同一件").status_code == 422
    _change(status=S.DECLINED, clock=None, due_at=None, warn_at=None, ended_at=clock.now())
    assert _post(li, "merge", order, twin=str(people.NEED), text="同一件").status_code == 422
    assert "没有可以并入的" in li.get(f"/needs/{order}/steps/merge").text


def test_a_need_referred_elsewhere_says_to_whom(li, order):
    assert _post(li, "refer", order, text="他们有专项").status_code == 422
    assert _post(li, "refer", order, unit="市工信局", text="他们有专项").status_code == 303
    need = _row(order)
    assert need.referred_to == "市工信局" and need.status is S.REFERRED
    assert "转给市工信局。他们有专项" in li.get(f"/needs/{order}").text


# The enterprise's word on the result.


def _proposed(zhao, li, order, ending="EXPLAINED"):
    for client, step, values in (
        (li, "accept", {}), (zhao, "claim", {}), (zhao, "match", {}),
        (zhao, "propose", {"ending": ending, "text": "已讲明政策口径"}),
    ):  # fmt: skip
        assert _post(client, step, order, **values).status_code == 303, step


def _rate(need_id, solved, level, comment=""):
    with writing():
        db.session.rollback()
        after = rate(need_at_door(need_id), solved, level, comment, clock.now())
        db.session.commit()
    return after


def test_a_contented_enterprise_ends_the_matter(zhao, li, order):
    _proposed(zhao, li, order, "SOLVED")
    assert _rate(order, Solved.YES, 5, "来得快") is S.RATED
    need = _row(order)
    assert need.ending is Ending.SOLVED and need.ended_at is not None and need.claimed_by_id == _id("zhao")
    assert "来得快" in li.get(f"/needs/{order}").text
    assert "来得快" not in zhao.get(f"/needs/{order}").text + zhao.get("/notices").text


def test_dissatisfied_it_is_worked_on_again_and_raised_to_the_lead_at_most_twice(zhao, li, order):
    _proposed(zhao, li, order)
    for again in (1, 2):
        assert _rate(order, Solved.NO, 1, f"没解决{again}") is S.MATCHING
        need = _row(order)
        assert need.reopened == again and need.clock is Clock.RESOLVE and need.ended_at is None
        assert _told("li").count("need_given_back") == again
        assert _post(zhao, "propose", order, ending="SOLVED", text="又试了一次").status_code == 303
    assert _rate(order, Solved.NO, 1, "还是不行") is S.RATED
    assert _row(order).ending is Ending.IMPOSSIBLE, "solved is what the enterprise calls so"
    with pytest.raises(WrongMoment):
        _door("redo", need_id=order)
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(NeedRating)) == 3


def test_partly_solved_is_not_counted_as_solved(zhao, li, order):
    _proposed(zhao, li, order, "SOLVED")
    assert _rate(order, Solved.PARTLY, 3) is S.RATED
    assert _row(order).ending is Ending.PARTLY


# What time does.


def test_yellow_is_told_to_the_officer_and_red_to_the_lead_and_the_teams_robot_once_each(order):
    with writing():
        team_id = db.session.scalar(sa.select(Team.id).where(Team.name == "一队"))
        db.session.add(Channel(team_id=team_id, kind=ChannelKind.WECOM, target="x" * 30))
        db.session.commit()
    yellow, red = MONDAY + timedelta(hours=23, minutes=50), MONDAY + timedelta(days=1, hours=5)
    assert _run(duties.escalate, MONDAY + timedelta(minutes=5)) == 0
    assert _run(duties.escalate, yellow) == 1 and _told("zhao") == ["need_yellow"]
    assert _run(duties.escalate, yellow + timedelta(minutes=2)) == 0
    _run(duties.escalate, red)
    assert _told("li").count("need_red") == 1 and _row(order).warned is Light.RED
    assert db.session.scalars(
        sa.select(Notification.urgent).where(Notification.kind == "need_red")
    ).all() == [True]
    robot = db.session.execute(sa.select(Delivery.kind, Delivery.details, Delivery.urgent)).all()
    assert [(r.kind, "title" in r.details, r.urgent) for r in robot if r.kind == "need_red"] == [
        ("need_red", False, True)
    ]
    assert _run(duties.escalate, red + timedelta(minutes=30)) == 0


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 18, 13, 0, tzinfo=UTC),  # nine in the evening
        datetime(2026, 11, 21, 2, 0, tzinfo=UTC),  # a Saturday
        datetime(2026, 10, 1, 2, 0, tzinfo=UTC),  # National Day
        datetime(2026, 11, 18, 5, 0, tzinfo=UTC),  # noon
    ],
)
def test_nobody_is_warned_at_night_at_noon_or_on_holidays(app, order, moment):
    _change(order, due_at=datetime(2026, 9, 1, tzinfo=UTC), warn_at=datetime(2026, 9, 1, tzinfo=UTC))
    assert _run(duties.escalate, moment) == 0


def test_a_shifted_saturday_is_a_working_day_for_warnings(app, order):
    _change(order, due_at=datetime(2026, 9, 1, tzinfo=UTC), warn_at=datetime(2026, 9, 1, tzinfo=UTC))
    assert _run(duties.escalate, datetime(2026, 10, 10, 2, 0, tzinfo=UTC)) >= 1


def test_a_claim_nobody_works_on_goes_back_with_a_notice(zhao, li, order):
    with writing():
        person = SimpleNamespace(id=_id("zhao"), name="赵青")
        take_step(SimpleNamespace(id=_id("li"), name="李"), need_at_door(order), STEPS["accept"], MONDAY)
        take_step(person, need_at_door(order), STEPS["claim"], MONDAY)
        db.session.commit()
    assert _run(duties.return_idle, MONDAY + timedelta(days=4)) == 0
    assert _run(duties.return_idle, MONDAY + timedelta(days=7, minutes=1)) == 1
    need = _row(order)
    assert need.status is S.ACCEPTED and need.claimed_by_id is None and need.clock is Clock.CLAIM
    assert "need_idle" in _told("zhao")


def test_who_wrote_something_down_is_not_idle(zhao, order):
    with writing():
        person = SimpleNamespace(id=_id("zhao"), name="赵青")
        take_step(SimpleNamespace(id=_id("li"), name="李"), need_at_door(order), STEPS["accept"], MONDAY)
        take_step(person, need_at_door(order), STEPS["claim"], MONDAY)
        take_step(person, need_at_door(order), STEPS["contact"], MONDAY + timedelta(days=3))
        db.session.commit()
    assert _run(duties.return_idle, MONDAY + timedelta(days=7, minutes=1)) == 0


def test_a_result_nobody_answers_counts_as_proposed(zhao, li, order):
    _proposed(zhao, li, order)
    since = _row(order).paused_at
    assert _run(duties.close_unanswered, since + timedelta(days=9)) == 0
    assert _run(duties.close_unanswered, since + timedelta(days=30)) == 1
    need = _row(order)
    assert need.status is S.RESOLVED and need.ending is Ending.EXPLAINED
    events = list(db.session.scalars(sa.select(NeedEvent.step).where(NeedEvent.need_id == order)))
    assert events[-1] == "lapse"
    assert "rate" in [step.name for step in enterprise_steps(_row(order))]


def test_a_question_asked_long_ago_takes_no_day_from_the_answer_to_the_result(zhao, li, claimed):
    """The clock stands since the question; the enterprise has its days from when the result was proposed."""
    assert _post(zhao, "match", claimed).status_code == 303
    assert _post(zhao, "ask", claimed, text="什么时候停机？").status_code == 303
    _change(claimed, paused_at=clock.now() - timedelta(days=40))
    assert _post(zhao, "propose", claimed, ending="EXPLAINED", text="已讲明").status_code == 303
    assert _run(duties.close_unanswered, clock.now() + timedelta(minutes=1)) == 0
    assert _run(duties.close_unanswered, clock.now() + timedelta(days=30)) == 1


def test_a_result_put_aside_meanwhile_is_not_taken_for_unanswered(zhao, li, order):
    _proposed(zhao, li, order)
    assert _post(zhao, "hold", order, text="等他们停机检修").status_code == 303
    _change(order, paused_at=clock.now() - timedelta(days=40), status_at=clock.now() - timedelta(days=40))
    assert _post(zhao, "resume", order).status_code == 303
    assert _row(order).status is S.AWAITING_ENTERPRISE
    assert _run(duties.close_unanswered, clock.now() + timedelta(minutes=1)) == 0
    assert _run(duties.close_unanswered, clock.now() + timedelta(days=30)) == 1


def test_idle_claims_are_found_behind_old_ones_that_are_worked_on(zhao, li, order, monkeypatch):
    monkeypatch.setattr(duties, "MOST_AT_ONCE", 1)
    long_ago = clock.now() - timedelta(days=60)
    for need_id, since in ((people.NEED, long_ago), (order, long_ago + timedelta(days=9))):
        _change(
            need_id,
            status=S.CLAIMED,
            claimed_by_id=_id("zhao"),
            clock=Clock.CONTACT,
            clock_from=since,
            status_at=since,
        )
        with writing():
            db.session.execute(sa.update(NeedEvent).where(NeedEvent.need_id == need_id).values(at=since))
            db.session.commit()
    form = {"csrf_token": zhao.token(), "entry_id": str(uuid7()), "text": "天天在厂里"}
    assert zhao.post(f"/needs/{people.NEED}/note", data=form).status_code == 303
    assert _run(duties.return_idle, clock.now()) == 1
    assert (_row(order).status, _row(people.NEED).status) == (S.ACCEPTED, S.CLAIMED)


def _handed(li, city, before, after):
    form = {
        "csrf_token": li.token(), "entry_id": str(uuid7()), "act": "give", "to": str(_id(after)), "reason": "轮岗",
        "on": clock.today().isoformat(), "e": f"{city.huaxing.id}:{_id(before)}",
    }  # fmt: skip
    assert li.post("/lead/assignments", data=form).status_code == 303


@pytest.mark.parametrize("how", ["redo", "reopen"])
def test_a_result_given_back_after_a_hand_over_waits_for_whoever_serves_them_now(
    zhao, qian, li, order, city, how
):
    _proposed(zhao, li, order, "SOLVED")
    assert _post(zhao, "resolve", order, ending="SOLVED", text="好了").status_code == 303
    _handed(li, city, "zhao", "qian")
    before = len(_told("qian"))
    if how == "redo":
        assert _rate(order, Solved.NO, 1, "没解决") is S.ACCEPTED
    else:
        assert _post(li, "reopen", order, text="企业来电话说没好").status_code == 303
    need = _row(order)
    assert (need.status, need.claimed_by_id, need.clock, need.reopened) == (S.ACCEPTED, None, Clock.CLAIM, 1)
    assert zhao.get(f"/needs/{order}").status_code == 404
    assert len(_told("qian")) == before + 1
    if how == "redo":
        assert "need_given_back" in _told("qian") and "need_given_back" not in _told("zhao")
    assert _post(qian, "claim", order).status_code == 303 and _row(order).claimed_by_id == _id("qian")


def test_what_is_resolved_while_its_enterprise_is_handed_over_stays_resolved(
    zhao, li, claimed, city, monkeypatch
):
    """Of two at once one waits for the other; neither writes over what the other has done."""
    from fieldapp.needs import actions

    told, go = [], threading.Event()
    real = actions.run

    def slow(statement, values=None):
        outcome = real(statement, values)
        if "claimed_by_id" in str(statement) and str(statement).startswith("SELECT") and not told:
            told.append("read")
            go.set()
            time.sleep(0.5)  # the other one tries now
        return outcome

    monkeypatch.setattr(actions, "run", slow)
    assert _post(zhao, "match", claimed).status_code == 303
    token = zhao.token()

    def propose():
        go.wait(10)
        form = {"csrf_token": token, "entry_id": str(uuid7()), "ending": "EXPLAINED", "text": "讲明了"}
        told.append(zhao.post(f"/needs/{claimed}/steps/propose", data=form).status_code)

    other = threading.Thread(target=propose)
    other.start()
    form = {
        "csrf_token": li.token(), "entry_id": str(uuid7()), "act": "pool", "reason": "出差",
        "on": clock.today().isoformat(), "e": f"{city.huaxing.id}:{_id('zhao')}",
    }  # fmt: skip
    assert li.post("/lead/assignments", data=form).status_code == 303
    other.join()
    need = _row(claimed)
    assert told[0] == "read" and told[1] in (403, 404, 409)
    assert (need.status, need.claimed_by_id, need.ending) == (S.ACCEPTED, None, None)


def test_what_the_upgrade_left_open_is_worked_out_by_the_worker(order):
    _change(order, due_at=None, warn_at=None)
    assert _run(duties.recount, clock.now()) >= 1
    assert _row(order).due_at == MONDAY + timedelta(days=1)
    assert _run(duties.recount, clock.now()) == 0


def test_clocks_are_worked_out_a_few_at_a_time_so_that_writers_get_in_between(order, monkeypatch):
    """Interrupted, what was worked out stands; and a restart among thousands of open needs keeps nobody out."""
    _change(clock=Clock.ACCEPT, clock_from=MONDAY, paused_at=None)
    need = Need.__table__
    running = (need.c.clock.is_not(None), need.c.paused_at.is_(None), need.c.status.not_in(ENDED))
    with writing():
        db.session.rollback()
        db.session.execute(sa.update(need).where(*running).values(due_at=None, warn_at=None))
        db.session.commit()
    asked = []

    def dying(*what, **more):
        asked.append(what)
        if len(asked) == 2:
            raise RuntimeError("the worker dies")
        return instants(*what, **more)

    monkeypatch.setattr(duties, "AT_A_TIME", 1)
    monkeypatch.setattr(duties, "instants", dying)
    with pytest.raises(RuntimeError):
        _run(duties.recount, clock.now())
    db.session.rollback()
    known = sa.select(sa.func.count()).select_from(need).where(*running, need.c.due_at.is_not(None))
    assert db.session.scalar(known) == 1


@pytest.mark.parametrize(
    ("moment", "known", "told"),
    [
        ("2026-11-30T15:59:00+00:00", (2026,), 0),  # 23:59 of 30 November here
        ("2026-11-30T16:00:00+00:00", (2026,), 1),
        ("2026-12-20T01:00:00+00:00", (2026, 2027), 0),
        ("2027-01-02T01:00:00+00:00", (2026,), 1),
        ("2027-01-02T01:00:00+00:00", (2027,), 0),
    ],
)
def test_admins_hear_once_that_a_years_holidays_are_not_known(app, city, monkeypatch, moment, known, told):
    monkeypatch.setattr(duties, "is_published", lambda year: year in known)
    at = datetime.fromisoformat(moment)
    assert _run(duties.tell_of_calendar, at) == told
    assert _told("wu") == ["calendar_missing"] * told and _told("li") == []
    assert _run(duties.tell_of_calendar, at + timedelta(hours=12)) == 0 or told == 0
    assert _told("wu").count("calendar_missing") <= 1


def test_the_worker_has_the_duties(app):
    assert {
        "need warnings",
        "idle claims",
        "unanswered results",
        "need clocks",
        "need titles",
        "calendar",
    } <= set(app.extensions["work"])
