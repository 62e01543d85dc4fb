"""A city of 489 invented enterprises, its teams and officers, and some months of their work. All of it is 示例.

Seeded: two runs on the same day give the same city (but for secrets, which are random every time).
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from fieldapp import clock
from fieldapp.accounts.models import Region, Role, Team, User
from fieldapp.accounts.passwords import hash_password
from fieldapp.accounts.sessions import Person
from fieldapp.db import db, writing
from fieldapp.demo.aftermath import live_on
from fieldapp.demo.orders import order_and_serve
from fieldapp.enterprises.actions import add_helper, assign
from fieldapp.enterprises.models import Contact, Enterprise, EnterpriseTag
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.followups.actions import close
from fieldapp.imports.actions import Importer
from fieldapp.imports.commands import import_file
from fieldapp.needs import NeedKind
from fieldapp.needs.titles import take_in
from fieldapp.visits import VisitPurpose, VisitWay
from fieldapp.visits.actions import record_visit
from fieldapp.workdays import is_workday

# As the world does it: the big ledger has a row with a wrong credit code, a later sheet brings it right.
LEDGERS = [Path(__file__).with_name(name) for name in ("ledger.xlsx", "ledger-corrections.csv")]
SEED = 20261123
PASSWORD = "qingcao-lantian-2026"  # noqa: S105  (the demo city's, printed by `make run`)

ACCOUNTS = {
    "linche": "青年干部 林澈（走访一队）",
    "suwang": "负责人 苏望（走访一队）",
    "guanli": "管理员 管晓",
    "shenji": "审计员 沈纪",
}

REGIONS = [
    ("150202", "东河区"), ("150203", "昆都仑区"), ("150204", "青山区"), ("150205", "石拐区"), ("150206", "白云鄂博矿区"),
    ("150207", "九原区"), ("150221", "土默特右旗"), ("150222", "固阳县"), ("150223", "达尔罕茂明安联合旗"),
]  # fmt: skip
TEAMS = [
    ("走访一队（示例）", "0472-5550101", ("东河区", "昆都仑区", "青山区")),
    ("走访二队（示例）", "0472-5550102", ("石拐区", "白云鄂博矿区", "九原区")),
    ("走访三队（示例）", "0472-5550103", ("土默特右旗", "固阳县", "达尔罕茂明安联合旗")),
]
OFFICERS = [
    ("linche", "林澈", 0), ("qiaomu", "乔沐", 0), ("baiji", "白霁", 0), ("chengye", "程野", 0),
    ("nansheng", "南笙", 0), ("jizhao", "季昭", 0),
    ("heran", "何苒", 1), ("wenzhou", "温舟", 1), ("tangyu", "唐屿", 1),
    ("yanxi", "严溪", 1), ("suohe", "索禾", 1), ("beiling", "贝苓", 1),
    ("meiqing", "梅青", 2), ("luxing", "陆行", 2), ("yuxiu", "于岫", 2), ("anhe", "安禾", 2),
    ("muyuan", "牧原", 2), ("fengxiao", "冯晓", 2),
]  # fmt: skip
LEADS = [("suwang", "苏望", 0), ("gaoyuan", "高远", 1), ("zhengqi", "郑栖", 2)]
SAID = [
    "二期产线下月进场，担心涂覆均匀性，想找有经验的团队看一看。",
    "今年订单比去年多两成，研发人手跟不上，想招两名材料方向的硕士。",
    "研发费用加计扣除的材料还没理清，财务想要一份办理清单。",
    "车间带着转了一圈，新上的检测线还没有调好。",
    "高企明年到期，想提前准备复审，问哪些专利能算。",
    "负责人出差，技术科接待，约好下个月再来。",
    "对接过一家高校，样品测试两轮，第三轮等设备到货。",
    "用电成本高，想了解节能改造有没有政策支持。",
]
NEEDS: list[tuple[str, NeedKind, Decimal | None]] = [
    ("隔膜涂覆均匀性攻关（示例）", NeedKind.RESEARCH, Decimal(120)), ("稀土抛光粉粒径控制（示例）", NeedKind.RESEARCH, Decimal(80)),
    ("招两名材料方向硕士（示例）", NeedKind.TALENT, None), ("设备更新贷款贴息（示例）", NeedKind.FUNDING, Decimal(500)),
    ("高企复审材料辅导（示例）", NeedKind.POLICY, None), ("第三方金相检测（示例）", NeedKind.TESTING, Decimal(6)),
    ("焊缝在线检测方案（示例）", NeedKind.RESEARCH, Decimal(45)), ("乳品冷链温控改造（示例）", NeedKind.RESEARCH, Decimal(60)),
]  # fmt: skip
PROMISES = [
    "回复隔膜涂覆工艺专家名单（示例）", "送达研发费加计扣除办理清单（示例）", "约检测中心到厂取样（示例）",
    "发送同类产线改造案例 2 份（示例）", "问清设备更新贴息的申报时间（示例）", "联系高校就业办对接招聘（示例）",
]  # fmt: skip
RESULTS = ["材料已送到企业技术科。", "已电话答复，企业满意。", "名单已发，企业选了两位专家。"]


def is_empty() -> bool:
    return db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 0


def _uuid(rng: random.Random, at: datetime) -> uuid.UUID:
    """A UUIDv7 of that moment out of the seeded generator."""
    value = (int(at.timestamp() * 1000) << 80) | rng.getrandbits(80)
    value = value & ~(0xF << 76) | (7 << 76)
    return uuid.UUID(int=value & ~(3 << 62) | (2 << 62))


def _person(user: User) -> Person:
    return Person(
        id=user.id, username=user.username, name=user.name, role=user.role, team_id=user.team_id, team_name="",
        led_team_ids=(), language="zh", theme="auto", text_size="normal", must_change_password=False, session_id=0,
        csrf_seed=b"",
    )  # fmt: skip


def build(say: Callable[[str], object]) -> None:
    """Fill an empty database. One transaction: all of the city or nothing."""
    with writing():
        rng = random.Random(SEED)
        db.session.rollback()
        people = _people()
        for ledger in LEDGERS:
            import_file(Importer(), ledger.read_bytes(), ledger.name)
        say(f"  {db.session.scalar(sa.select(sa.func.count()).select_from(Enterprise))} enterprises")
        _serve(rng, people)
        visits = _months_of_work(rng, people, say)
        teams: dict[int | None, int] = {
            lead.team_id: lead.id for lead in people.values() if lead.role is Role.LEAD and lead.team_id
        }
        persons = {user.id: _person(user) for user in people.values()}
        live_on(rng, persons, teams, _uuid)
        order_and_serve(rng, persons, teams, _uuid)
        while take_in(clock.now()):
            pass
        db.session.commit()
        say(f"  {visits} visits")
    if db.engine.dialect.name == "postgresql":
        # It would look at the new rows by itself, but only after a minute; until then it takes every table for empty.
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))


def _people() -> dict[str, User]:
    regions = {name: Region(code=code, name=name) for code, name in REGIONS}
    db.session.add_all(regions.values())
    teams = [Team(name=n, office_phone=p, regions=[regions[r] for r in rs]) for n, p, rs in TEAMS]
    db.session.add_all(teams)
    secret = hash_password(PASSWORD)
    people: dict[str, User] = {}

    def add(username: str, name: str, role: Role, team: Team | None) -> User:
        people[username] = User(
            username=username,
            name=name,
            role=role,
            team=team,
            password_hash=secret,
            password_is_one_time=False,
        )
        db.session.add(people[username])
        return people[username]

    for username, name, team in OFFICERS:
        add(username, name, Role.OFFICER, teams[team])
    for username, name, team in LEADS:
        teams[team].leads.append(add(username, name, Role.LEAD, teams[team]))
    whole_city = add("zongtuan", "宗团", Role.LEAD, None)
    for team in teams:
        team.leads.append(whole_city)
    add("guanli", "管晓", Role.ADMIN, None)
    add("shenji", "沈纪", Role.AUDITOR, None)
    db.session.flush()
    return people


def _serve(rng: random.Random, people: dict[str, User]) -> None:
    """Nine in ten enterprises have an officer, the others wait in the pool; some have a helper."""
    by_team: dict[int | None, list[User]] = {}
    for username, _name, _team in OFFICERS:
        by_team.setdefault(people[username].team_id, []).append(people[username])
    started = clock.today() - timedelta(days=200)
    for enterprise in db.session.scalars(sa.select(Enterprise).order_by(Enterprise.id)):
        officers = by_team.get(enterprise.team_id, [])
        if not officers or rng.random() < 0.1:
            continue
        main = rng.choice(officers)
        assign(None, enterprise, main.id, started, "示例分配")
        if rng.random() < 0.08:
            helper = rng.choice([o for o in officers if o is not main])
            add_helper(None, enterprise, helper.id, started, "示例协助")
        if rng.random() < 0.15:
            db.session.add(
                EnterpriseTag(
                    enterprise_id=enterprise.id, tag=rng.choice(["链主企业", "产业集群", "园区企业"])
                )
            )
        if rng.random() < 0.2:
            enterprise.quiet_times = "12:00–14:00"


def _months_of_work(rng: random.Random, people: dict[str, User], say: Callable[[str], object]) -> int:
    """Half a year of working days; everything through the same actions that the forms use."""
    today = clock.today()
    persons = {user.id: _person(user) for user in people.values()}
    contacts: dict[int, list[int]] = {}
    for contact_id, enterprise_id in db.session.execute(
        sa.select(Contact.id, Contact.enterprise_id).order_by(Contact.id)
    ):
        contacts.setdefault(enterprise_id, []).append(contact_id)
    served: dict[int, list[Enterprise]] = {}
    for enterprise in db.session.scalars(
        sa.select(Enterprise).where(Enterprise.officer_id.is_not(None)).order_by(Enterprise.id)
    ):
        served.setdefault(enterprise.officer_id or 0, []).append(enterprise)
    made = 0
    for back in range(180, 0, -1):  # up to yesterday: today has not been lived yet
        day = today - timedelta(days=back)
        if not is_workday(day):
            continue
        for officer_id in sorted(served):
            if rng.random() > 0.3:
                continue
            _one_visit(rng, persons[officer_id], rng.choice(served[officer_id]), day, contacts)
            made += 1
    _keep_promises(rng, persons, today)
    return made


def _one_visit(
    rng: random.Random, person: Person, enterprise: Enterprise, day: date, contacts: dict[int, list[int]]
) -> None:
    arrived = datetime.combine(
        day, time(rng.choice((9, 10, 14, 15)), rng.choice((0, 10, 25, 40))), tzinfo=clock.zone()
    )
    left = arrived + timedelta(minutes=rng.choice((35, 50, 70, 90)))
    need = rng.choice(NEEDS) if rng.random() < 0.25 else None
    promised = rng.random() < 0.3
    met = contacts.get(enterprise.id, [])[:1] if rng.random() < 0.93 else []
    record_visit(
        person,
        enterprise,
        left + timedelta(minutes=20),
        arrived_at=arrived,
        left_at=left,
        way=rng.choices(list(VisitWay), (80, 8, 8, 4))[0],
        purposes=[p.name for p in rng.sample(list(VisitPurpose), rng.choice((1, 1, 2)))],
        met=met,
        met_nobody=not met,
        said=rng.choice(SAID),
        promises=[_promise(rng, arrived, day)] if promised else [],
        visit_id=_uuid(rng, arrived),
        needs=[{"need_id": _uuid(rng, arrived), "title": need[0], "kind": need[1], "budget": need[2]}]
        if need
        else [],
        device_at=arrived,
    )


def _promise(rng: random.Random, at: datetime, day: date) -> dict[str, Any]:
    title, due_on = rng.choice(PROMISES), day + timedelta(days=rng.choice((3, 7, 14, 30)))
    return {"follow_up_id": _uuid(rng, at), "title": title, "due_on": due_on}


def _keep_promises(rng: random.Random, persons: dict[int, Person], today: date) -> None:
    """Most promises are kept; a few are overdue, as in life."""
    for follow_up in db.session.scalars(sa.select(FollowUp).order_by(FollowUp.created_at, FollowUp.id)):
        if follow_up.due_on < today and rng.random() < 0.93:
            done_on = follow_up.due_on - timedelta(days=rng.choice((0, 1, 2)))
            at = datetime.combine(done_on, time(16), tzinfo=clock.zone())
            close(persons[follow_up.assignee_id], follow_up, FollowUpStatus.DONE, rng.choice(RESULTS), at)
