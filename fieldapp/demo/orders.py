"""Orders of the demo city: placed by scanning, at every point of their way, some answered, rated or given back."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import current_app

from fieldapp import clock
from fieldapp.accounts import Person
from fieldapp.codes.models import QrCode
from fieldapp.db import db
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs import Ending, NeedKind
from fieldapp.needs.actions import Said, rate, take_step
from fieldapp.needs.models import Disclosure, Solved
from fieldapp.needs.queries import need_at_door
from fieldapp.needs.steps import STEPS, WrongMoment
from fieldapp.orders.actions import place
from fieldapp.orders.models import BudgetBand, CallAt
from fieldapp.workdays import add_office_time, office_hours

ORDERED = [
    (
        "膜面缺陷检测，找中试设备（示例）",
        NeedKind.TESTING,
        "在线检出率只有九成，想找能带样做对比试验的平台。",
    ),
    ("冻干工艺能耗偏高，找余热回收方案（示例）", NeedKind.RESEARCH, "两条冻干线，蒸汽占成本三成。"),
    ("数控刀架定位精度提升（示例）", NeedKind.RESEARCH, "重复定位精度要从 8 微米做到 5 微米以内。"),
    ("想招两名材料专业硕士（示例）", NeedKind.TALENT, "做配方试验和数据整理，提供宿舍。"),
    ("高企复审材料怎么准备（示例）", NeedKind.POLICY, "明年到期，研发费归集不太会做。"),
    ("废水零排放小试（示例）", NeedKind.RESEARCH, "高盐废水，想先做一个小试。"),
    ("技改贷款贴息怎么申请（示例）", NeedKind.FUNDING, "准备更新两台关键设备。"),
    ("风机叶片无损检测设备共享（示例）", NeedKind.TESTING, "每季度检一次，买设备不划算。"),
]
WAY = ("accept", "claim", "contact", "match", "plan", "propose")
SAID = {
    "contact": "电话里约了周三到厂看现场（示例）。",
    "plan": "有两家平台能做，正在比排期，周三前给您答复（示例）。",
    "ask": "样品大概多大、能不能寄？（示例）",
    "propose": "已用贵司样品做完两批次对比试验，报告和报价已交给您（示例）。",
}
# How far an order has come, and what happened at its end.
LIVES = (
    (0, ""), (1, ""), (1, ""), (2, ""), (3, ""), (4, ""), (4, "ask"), (5, ""), (5, "extend"), (6, ""), (6, "happy"),
    (6, "happy"), (6, "unhappy"), (6, "explained"),
)  # fmt: skip


def order_and_serve(
    rng: random.Random,
    persons: dict[int, Person],
    leads: dict[int | None, int],
    new_id: Callable[[random.Random, datetime], uuid.UUID],
) -> None:
    """A few dozen orders of the last three weeks. `leads` are ids of the lead by team, as in aftermath.live_on."""
    rows = db.session.execute(
        sa.select(
            Enterprise.id, Enterprise.name, Enterprise.team_id, Enterprise.officer_id, QrCode.id.label("code")
        )
        .join(QrCode, sa.and_(QrCode.enterprise_id == Enterprise.id, QrCode.revoked_at.is_(None)))
        .where(Enterprise.officer_id.is_not(None))
        .order_by(Enterprise.id)
    ).all()
    with current_app.test_request_context(base_url=current_app.config["PUBLIC_URL"]):
        for n, row in enumerate(rng.sample(rows, 3 * len(LIVES))):
            far, end = LIVES[n % len(LIVES)]
            _one(rng, row, ORDERED[n % len(ORDERED)], far, end, persons, leads, new_id)


def _later(rng: random.Random, at: datetime, hours: tuple[int, int]) -> datetime:
    """Some office hours later, but not in the future."""
    minutes = rng.randint(*hours) * 60 + rng.choice((5, 20, 40))
    offices = office_hours(current_app.config["OFFICE_HOURS"])
    return min(add_office_time(clock.local(at), minutes, offices).astimezone(at.tzinfo), clock.now())


def _one(
    rng: random.Random,
    row: Any,
    ordered: tuple[str, NeedKind, str],
    far: int,
    end: str,
    persons: dict[int, Person],
    leads: dict[int | None, int],
    new_id: Callable[[random.Random, datetime], uuid.UUID],
) -> None:
    title, kind, words = ordered
    days = 0 if far == 0 else rng.randint(far, 2 + 3 * far)
    at = clock.local_midnight(clock.today() - timedelta(days=days)) + timedelta(hours=rng.choice((9, 10, 15)))
    at = min(at, clock.now() - timedelta(hours=1))
    need_id = new_id(rng, at)
    place(
        SimpleNamespace(id=row.id, name=row.name),
        row.code,
        need_id,
        at,
        words={
            "title": title, "kind": kind, "description": words,
            "disclosure": rng.choice((Disclosure.MATCHING, Disclosure.DESENSITISED, Disclosure.PUBLIC)),
        },
        contact={
            "contact_name": "刘工（示例）", "phone": "13800000000", "call_at": CallAt.ANY,
            "budget": rng.choice(list(BudgetBand)),
        },
        files=[],
        fingerprint=hashlib.sha256(need_id.bytes).digest(),
        address="",
    )  # fmt: skip
    lead, officer = persons[leads[row.team_id]], persons[row.officer_id]
    ending = Ending.EXPLAINED if end in ("explained", "unhappy") else Ending.SOLVED
    for name in WAY[:far]:
        at = _later(rng, at, (1, 5))
        if not _step(lead if name == "accept" else officer, need_id, name, at, Said(ending=ending)):
            return
    at = _later(rng, at, (1, 3))
    if end == "ask":
        _step(officer, need_id, "ask", at, Said())
    elif end == "extend":
        _step(officer, need_id, "extend", at, Said(days=3), "等外地平台排期（示例）。")
    elif end in ("happy", "unhappy"):
        happy = end == "happy"
        rate(
            need_at_door(need_id), Solved.YES if happy else Solved.NO, rng.choice((4, 5)) if happy else 2,
            "回得很快（示例）。" if happy else "讲清楚了，但设备问题还在（示例）。", at,
        )  # fmt: skip


def _step(person: Person, need_id: uuid.UUID, name: str, at: datetime, said: Said, text: str = "") -> bool:
    """False when its moment has not come: somebody has enough to do already."""
    try:
        take_step(person, need_at_door(need_id), STEPS[name], at, text=text or SAID.get(name, ""), said=said)
    except WrongMoment:
        return False
    return True
