"""What became of the demo city's months of work: reviews, steps of needs, progress notes, and the plans for next week."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts import Person
from fieldapp.db import db
from fieldapp.enterprises.models import Enterprise
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.followups.actions import note as note_progress
from fieldapp.followups.actions import promise
from fieldapp.followups.models import FollowUpKind
from fieldapp.needs import Ending, Need, NeedField, Urgency
from fieldapp.needs.actions import Said, take_step
from fieldapp.needs.models import Cooperation, IpOwnership
from fieldapp.needs.queries import need_at_door
from fieldapp.needs.steps import STEPS
from fieldapp.visits import Answer, Visit, VisitPurpose, confirming
from fieldapp.visits.ratings import Level, Trouble
from fieldapp.visits.steps import accept, plan, send_back
from fieldapp.workdays import add_workdays

# Younger visits wait for their lead; older ones have been read.
REVIEWED_AFTER = timedelta(days=6)
MISSING = ["请补上对方希望的交付时间。", "聊到的设备型号写一下，方便找检测中心。", "谁参加了座谈，请补全。"]
PROGRESS = [
    "致电科技处，名单要等高校确认。",
    "已发材料清单，企业财务在整理。",
    "约了下周二上午取样。",
    "对方出差，改到周四再联系。",
]
ENDINGS = [
    (Ending.SOLVED, "试制两批，指标达到要求，企业已投产。"),
    (Ending.SOLVED, "与高校签了技术开发合同，设备已到位。"),
    (Ending.SOLVED, "检测报告已出，客户认可。"),
    (Ending.EXPLAINED, "政策暂不覆盖这一类设备，已讲明缘由。"),
    (Ending.SCHEDULED, "等二期厂房完工后再对接，已排上日程。"),
]
INDICATORS = [
    {"name": "面密度偏差", "now": "±5", "target": "±2", "unit": "%"},
    {"name": "良率", "now": "91", "target": "96", "unit": "%"},
    {"name": "单位能耗", "now": "1.8", "target": "1.4", "unit": "kWh/kg"},
]
DIFFERENT = ["来的时间是下午，不是上午。", "那天只来了一位，没有谈技术对接。"]
PROMISED = [
    ("约检测中心到厂取样（示例）", FollowUpKind.TESTING),
    ("送达研发费加计扣除办理清单（示例）", FollowUpKind.POLICY),
    ("联系高校就业办对接招聘（示例）", FollowUpKind.TALENT),
    ("补齐高企复审材料清单（示例）", FollowUpKind.APPLICATION),
]


def review_visits(rng: random.Random, persons: dict[int, Person], leads: dict[int | None, int]) -> None:
    """Leads have read what is older than a week; here and there something is missing."""
    limit = clock.local_midnight(clock.today()) - REVIEWED_AFTER
    rows = db.session.execute(sa.select(Enterprise.id, Enterprise.team_id))
    teams = {row.id: row.team_id for row in rows}
    newest: set[int] = set()
    for visit in db.session.scalars(
        sa.select(Visit).where(Visit.arrived_at.is_not(None)).order_by(Visit.arrived_at.desc(), Visit.id)
    ):
        lead = persons[leads[teams[visit.enterprise_id]]]
        arrived_at = visit.arrived_at or visit.created_at
        file: Any = SimpleNamespace(visit=visit, enterprise="")
        first = visit.officer_id not in newest
        newest.add(visit.officer_id)
        if first and rng.random() < 0.6:
            # The newest record of many an officer lies on the desk again, so that 今日 has something to put right.
            _send_back(lead, file, rng.choice(MISSING), arrived_at + timedelta(days=1))
        elif arrived_at <= limit:
            accept(lead, file, visit.version, "", arrived_at + timedelta(days=1))


def _send_back(lead: Person, file: Any, comment: str, at: datetime) -> None:
    file.enterprise = db.session.scalar(
        sa.select(Enterprise.name).where(Enterprise.id == file.visit.enterprise_id)
    )
    file.officer_id = file.visit.officer_id
    send_back(lead, file, file.visit.version, comment, min(at, clock.now()))


def move_needs(rng: random.Random, persons: dict[int, Person], leads: dict[int | None, int]) -> None:
    """Some needs are well described; most of the older ones have gone some steps, a good part to the end."""
    today = clock.today()
    busy: Counter[int] = Counter()
    rows = db.session.execute(
        sa.select(Need, Enterprise.team_id, Enterprise.officer_id)
        .join(Enterprise, Enterprise.id == Need.enterprise_id)
        .order_by(Need.created_at, Need.id)
    ).all()
    for need, team_id, officer_id in rows:
        if rng.random() < 0.6:
            _describe(rng, need, clock.local(need.created_at).date())
        age = (today - clock.local(need.created_at).date()).days
        far = min(len(WAY), age // rng.choice((4, 6, 9, 16)))
        if officer_id is None or far == 0:
            continue
        lead, officer = persons[leads[team_id]], persons[officer_id]
        if far > 1 and far < len(WAY) and busy[officer_id] >= MOST_IN_WORK:
            far = 1  # it waits until somebody has a hand free
        busy[officer_id] += 1 < far < len(WAY)
        # What is still open has moved in the last days; what is done took its time.
        last = today if far == len(WAY) else today - timedelta(days=rng.choice((0, 0, 1, 1, 2, 3, 5)))
        first = clock.local(need.created_at).date()
        for n, name in enumerate(WAY[:far], 1):
            day = max(first, first + (last - first) * n // (far + (far == len(WAY))))
            at = clock.local_midnight(day) + timedelta(
                hours=rng.choice((9, 10, 15, 16)), minutes=rng.choice((5, 20, 40))
            )
            ending, words = rng.choice(ENDINGS) if name in ("propose", "resolve") else (None, "")
            words = SAID.get(name, words)
            now: Any = need_at_door(need.id)
            person = lead if name == "accept" else officer
            take_step(person, now, STEPS[name], min(at, clock.now()), text=words, said=Said(ending=ending))
    db.session.expire_all()


WAY = ("accept", "claim", "contact", "match", "plan", "propose", "resolve")
SAID = {
    "contact": "电话里约好周内到厂看现场（示例）。",
    "plan": "先取样做对比试验，再请两家团队出方案（示例）。",
    "propose": "样品已寄到，请企业试用后确认。",
}
MOST_IN_WORK = 8  # of one officer's: nobody hoards


def _describe(rng: random.Random, need: Need, day: date) -> None:
    need.field = rng.choice(list(NeedField))
    need.indicators = rng.sample(INDICATORS, rng.choice((1, 2)))
    need.deadline = day + timedelta(days=rng.choice((60, 120, 180)))
    need.urgency = rng.choices(list(Urgency), (6, 3, 1))[0]
    need.description = "现有工艺波动大，想找做过同类产线的团队。可提供中试线和样品（示例）。"
    if need.budget is None and rng.random() < 0.5:
        need.budget = Decimal(rng.choice((10, 30, 60)))
    if rng.random() < 0.5:
        need.cooperation, need.ip_ownership = rng.choice(list(Cooperation)), rng.choice(list(IpOwnership))
    if rng.random() < 0.4:
        need.conditions = "有同类产线业绩，能到厂里调试。"
    db.session.flush()


def promise_more(
    rng: random.Random,
    persons: dict[int, Person],
    served: dict[int, list[Enterprise]],
    new_id: Callable[[random.Random, datetime], uuid.UUID],
) -> None:
    """Nobody's list is empty: something late, something for today, something for next week."""
    today = clock.today()
    waiting = sa.select(FollowUp.assignee_id, sa.func.count()).where(FollowUp.status == FollowUpStatus.OPEN)
    open_ones = {row[0]: row[1] for row in db.session.execute(waiting.group_by(FollowUp.assignee_id))}
    for officer_id in sorted(served):
        for days in (-4, 0, 6)[open_ones.get(officer_id, 0) :]:
            made = clock.local_midnight(today - timedelta(days=9)) + timedelta(hours=10)
            title, kind = rng.choice(PROMISED)
            enterprise = rng.choice(served[officer_id])
            promise(
                persons[officer_id], enterprise, new_id(rng, made), title=title, due_on=today + timedelta(days=days),
                at=made, kind=kind,
            )  # fmt: skip


def note_promises(rng: random.Random, persons: dict[int, Person]) -> None:
    """What is still open has been worked on."""
    open_ones = sa.select(FollowUp).where(FollowUp.status == FollowUpStatus.OPEN).order_by(FollowUp.id)
    for kept in db.session.scalars(open_ones):
        if rng.random() < 0.6:
            at = min(kept.created_at + timedelta(days=2, hours=3), clock.now())
            note_progress(persons[kept.assignee_id], kept, rng.choice(PROGRESS), at)


def plan_visits(
    rng: random.Random,
    persons: dict[int, Person],
    served: dict[int, list[Enterprise]],
    new_id: Callable[[random.Random, datetime], uuid.UUID],
) -> None:
    """Everybody has something in the diary: today or tomorrow, and later this week."""
    today, now = clock.today(), clock.now()
    for officer_id in sorted(served):
        due = sorted(served[officer_id], key=lambda enterprise: (enterprise.visit_due_on, enterprise.id))[:12]
        first = today if rng.random() < 0.6 else add_workdays(today, 1)
        days = [first, add_workdays(today, 2), add_workdays(today, 4)]
        for day, enterprise in zip(days, rng.sample(due, min(3, len(due))), strict=False):
            plan(
                persons[officer_id],
                enterprise,
                new_id(rng, clock.local_midnight(today)),
                now - timedelta(days=1),
                on=day,
                time=rng.choice(("09:30", "10:00", "14:30", "15:00", "16:30")),
                purposes=[rng.choice(list(VisitPurpose)).name],
                companions=[],
                override_reason="",
            )


def confirm_visits(rng: random.Random, persons: dict[int, Person]) -> None:
    """Some enterprises have said that somebody was there, and whether it helped; one remembers it otherwise."""
    disputed = 0
    rows = db.session.execute(
        sa.select(Visit)
        .where(Visit.arrived_at.is_not(None), Visit.left_at < clock.now() - timedelta(hours=20))
        .order_by(Visit.arrived_at.desc(), Visit.id)
    )
    for visit in rows.scalars():
        differs = disputed < 3 and rng.random() < 0.12
        if not differs and rng.random() > 0.4:
            continue
        disputed += differs
        at = min((visit.left_at or visit.created_at) + timedelta(hours=rng.choice((1, 3, 18))), clock.now())
        asked_for: Any = SimpleNamespace(visit=visit)
        given = confirming.ask(persons[visit.officer_id], asked_for, at)
        asked = confirming.find_asked(given.link, at)
        if asked is None:
            continue
        said, text = (Answer.DIFFERS, rng.choice(DIFFERENT)) if differs else (Answer.CONFIRMED, "")
        level = rng.choices([None, *Level], (5, 0, 1, 2, 6, 6))[0]
        troubles = [rng.choice(list(Trouble))] if rng.random() < 0.1 else []
        confirming.answer(asked, said, text, at, level=level, troubles=troubles)
    db.session.expire_all()


def live_on(
    rng: random.Random,
    persons: dict[int, Person],
    leads: dict[int | None, int],
    new_id: Callable[[random.Random, datetime], uuid.UUID],
) -> None:
    """All of it. `leads` are ids of the lead by team, `new_id` makes UUIDs out of the seeded generator."""
    review_visits(rng, persons, leads)
    move_needs(rng, persons, leads)
    served: dict[int, list[Enterprise]] = {}
    for enterprise in db.session.scalars(
        sa.select(Enterprise).where(Enterprise.officer_id.is_not(None)).order_by(Enterprise.id)
    ):
        served.setdefault(enterprise.officer_id or 0, []).append(enterprise)
    promise_more(rng, persons, served, new_id)
    note_promises(rng, persons)
    plan_visits(rng, persons, served, new_id)
    confirm_visits(rng, persons)
