"""The cast: two teams, two regions, a person of every role, a few enterprises. Everything is invented.

一队 (昆都仑区)  lead li · officers zhao (serves huaxing), qian (serves beichen, helps at huaxing)
二队 (固阳县)    lead zhou · officer sun (serves yuanshan)
admin wu · auditor zheng · wang is a disabled officer of 一队
chuntian waits in the shared pool of 一队
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal

from fieldapp import clock
from fieldapp.accounts.models import Region, Role, Team, User
from fieldapp.accounts.passwords import hash_password
from fieldapp.codes.actions import issue
from fieldapp.db import db, writing
from fieldapp.enterprises.actions import add_helper, assign, index
from fieldapp.enterprises.models import (
    Contact,
    Enterprise,
    EnterpriseTag,
    EnterpriseYear,
    Qualification,
    QualificationKind,
)
from fieldapp.followups.models import FollowUp, FollowUpStatus
from fieldapp.needs.models import Need, NeedKind, NeedSource, NeedStatus
from fieldapp.visits.models import Visit, VisitStatus, VisitWay, visit_contact

PASSWORD = "zhe-shi-ceshi-mima-9"

# username: (name, role, team)
PEOPLE = {
    "zhao": ("赵青", Role.OFFICER, "一队"),
    "qian": ("钱禾", Role.OFFICER, "一队"),
    "sun": ("孙岚", Role.OFFICER, "二队"),
    "wang": ("王野", Role.OFFICER, "一队"),
    "li": ("李望", Role.LEAD, "一队"),
    "zhou": ("周远", Role.LEAD, "二队"),
    "wu": ("吴管", Role.ADMIN, None),
    "zheng": ("郑纪", Role.AUDITOR, None),
}
# key: (name, uscc, region, officer, contact, phone); the codes have right check characters and belong to nobody.
ENTERPRISES = {
    "huaxing": ("华星新能源材料有限公司", "91150203QJ9FMT4E85", "昆都仑区", "zhao", "周岚", "13812345621"),
    "beichen": ("北辰数控机床有限公司", "91150203B9AWB0L8X3", "昆都仑区", "qian", "郝一鸣", "15100000937"),
    "chuntian": ("春田乳品股份有限公司", "911502033MU0L1GD2R", "昆都仑区", None, "施沐", "13700000001"),
    "yuanshan": ("远山磁材（集团）有限公司", "91150222DF14Q9HP4P", "固阳县", "sun", "许霁", "15395809188"),
}


def known_uuid(number: int) -> uuid.UUID:
    """A UUIDv7 that tests can name."""
    return uuid.UUID(int=(0x0192_0000_0000 << 80) | (7 << 76) | (2 << 62) | number)


VISIT, NEED, FOLLOW_UP = known_uuid(1), known_uuid(2), known_uuid(3)  # at huaxing
OTHER_VISIT, OTHER_NEED, OTHER_FOLLOW_UP = known_uuid(11), known_uuid(12), known_uuid(13)  # at yuanshan


def settle() -> None:
    """Put the cast into an empty, migrated database."""
    with writing():
        db.session.rollback()
        regions = {
            "昆都仑区": Region(code="150203", name="昆都仑区"),
            "固阳县": Region(code="150222", name="固阳县"),
        }
        teams = {
            "一队": Team(name="一队", office_phone="0472-5550101", regions=[regions["昆都仑区"]]),
            "二队": Team(name="二队", office_phone="0472-5550102", regions=[regions["固阳县"]]),
        }
        db.session.add_all([*regions.values(), *teams.values()])
        secret = hash_password(PASSWORD)
        people = {}
        for username, (name, role, team) in PEOPLE.items():
            people[username] = User(
                username=username,
                name=name,
                role=role,
                team=teams.get(team or ""),
                password_hash=secret,
                password_is_one_time=False,
                active=username != "wang",
            )
            db.session.add(people[username])
        teams["一队"].leads.append(people["li"])
        teams["二队"].leads.append(people["zhou"])
        db.session.flush()
        made: dict[str, Enterprise] = {}
        today = clock.today()
        for key, (name, uscc, region, officer, contact, phone) in ENTERPRISES.items():
            enterprise = Enterprise(
                name=name,
                uscc=uscc,
                region_id=regions[region].id,
                team_id=teams["一队" if region == "昆都仑区" else "二队"].id,
                industry="C3985",
                division="39",
                staff=186,
                lat=40.6574,
                lng=109.8404,
                given_lat=40.6574,
                given_lng=109.8404,
                given_crs="WGS-84",
                former_names=["华星隔膜厂"] if key == "huaxing" else [],
                visit_due_on=today - timedelta(days=1),
            )
            db.session.add(enterprise)
            db.session.flush()
            made[key] = enterprise
            db.session.add(Contact(enterprise_id=enterprise.id, name=contact, title="技术副总", phone=phone))
            if officer:
                assign(None, enterprise, people[officer].id, today - timedelta(days=60), "测试")
        add_helper(None, made["huaxing"], people["qian"].id, today - timedelta(days=30), "测试")
        db.session.add(
            EnterpriseYear(
                enterprise_id=made["huaxing"].id,
                year=2025,
                revenue=Decimal("8640.00"),
                rd_spend=Decimal("432.10"),
            )
        )
        db.session.add(
            Qualification(
                enterprise_id=made["huaxing"].id,
                kind=QualificationKind.HNTE,
                valid_from=date(2024, 11, 1),
                valid_to=date(2099, 10, 31),
            )
        )
        db.session.add(EnterpriseTag(enterprise_id=made["huaxing"].id, tag="链主企业"))
        db.session.flush()
        index(list(made.values()))
        issue(None, [e.id for e in made.values()])
        _history(made["huaxing"], people["zhao"], VISIT, NEED, FOLLOW_UP)
        _history(made["yuanshan"], people["sun"], OTHER_VISIT, OTHER_NEED, OTHER_FOLLOW_UP)
        db.session.commit()


def _history(
    enterprise: Enterprise, officer: User, visit: uuid.UUID, need: uuid.UUID, follow_up: uuid.UUID
) -> None:
    at = clock.now() - timedelta(days=10)
    contact = db.session.query(Contact).filter_by(enterprise_id=enterprise.id).one()
    db.session.add(
        Visit(
            id=visit, enterprise_id=enterprise.id, officer_id=officer.id, status=VisitStatus.RECORDED, arrived_at=at,
            way=VisitWay.ON_SITE, purposes=["NEEDS"], said="二期产线下月进场，担心涂覆均匀性",
        )
    )  # fmt: skip
    db.session.flush()
    db.session.execute(visit_contact.insert(), [{"visit_id": visit, "contact_id": contact.id}])
    db.session.add(
        Need(
            id=need, enterprise_id=enterprise.id, visit_id=visit, source=NeedSource.VISIT, title="隔膜涂覆均匀性攻关",
            kind=NeedKind.RESEARCH, budget=Decimal("120"), status=NeedStatus.SUBMITTED, author_id=officer.id, created_at=at,
        )
    )  # fmt: skip
    db.session.add(
        FollowUp(
            id=follow_up, enterprise_id=enterprise.id, visit_id=visit, title="回复隔膜涂覆工艺专家名单",
            due_on=clock.today() + timedelta(days=3), assignee_id=officer.id, author_id=officer.id,
            status=FollowUpStatus.OPEN, created_at=at,
        )
    )  # fmt: skip
    enterprise.last_visited_on = clock.local(at).date()
    enterprise.visit_due_on = enterprise.last_visited_on + timedelta(days=90)
    db.session.flush()
