"""What an enterprise asks for, and every step of what became of it."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.attachments import Attachment  # noqa: F401  (need_file points at its table)
from fieldapp.clock import now
from fieldapp.db import db, named, only_where
from fieldapp.languages import N_


class NeedStatus(enum.Enum):
    DRAFT = N_("草稿")
    SUBMITTED = N_("待受理")
    ACCEPTED = N_("待接单")
    CLAIMED = N_("已接单")
    MATCHING = N_("对接中")
    AWAITING_ENTERPRISE = N_("待企业确认")
    RESOLVED = N_("已办结")
    RATED = N_("已评价")
    RETURNED = N_("待补充")
    DECLINED = N_("不予受理")
    REFERRED = N_("已转出")
    ON_HOLD = N_("暂缓")
    WITHDRAWN = N_("已撤回")
    MERGED = N_("已合并")


class NeedKind(enum.Enum):
    RESEARCH = N_("技术攻关")
    TALENT = N_("人才")
    FUNDING = N_("资金")
    POLICY = N_("政策申报")
    TESTING = N_("检测设备")
    OTHER = N_("其他")


class NeedField(enum.Enum):
    """国家重点支持的高新技术领域: the eight of 国科发火〔2016〕32号, annex."""

    ELECTRONICS = N_("电子信息")
    BIOMEDICINE = N_("生物与新医药")
    AEROSPACE = N_("航空航天")
    MATERIALS = N_("新材料")
    SERVICES = N_("高技术服务")
    ENERGY = N_("新能源与节能")
    ENVIRONMENT = N_("资源与环境")
    MANUFACTURING = N_("先进制造与自动化")


class Cooperation(enum.Enum):
    DEVELOPMENT = N_("委托开发")
    JOINT = N_("联合攻关")
    LICENCE = N_("技术转让或许可")
    CONSULTING = N_("技术咨询服务")
    OPEN = N_("怎么合作都行")


class IpOwnership(enum.Enum):
    ENTERPRISE = N_("归企业")
    SHARED = N_("双方共有")
    SOLVER = N_("归研发方，企业可用")
    NEGOTIABLE = N_("可以商量")


class Urgency(enum.Enum):
    NORMAL = N_("一般")
    SOON = N_("较急")
    URGENT = N_("很急")


class Disclosure(enum.Enum):
    PUBLIC = N_("可以公开")
    DESENSITISED = N_("隐去企业后公开")
    MATCHING = N_("只用于对接")


class Ending(enum.Enum):
    """How a need really ended; closed and solved are two numbers."""

    SOLVED = N_("真正解决")
    EXPLAINED = N_("讲明缘由")
    SCHEDULED = N_("已排上日程")
    IMPOSSIBLE = N_("暂时办不了")
    PARTLY = N_("部分解决")  # only the enterprise says so, of what was called solved


class Clock(enum.Enum):
    """The promise that is running; each has its limit in working days (settings CLOCK_…)."""

    ACCEPT = N_("受理")
    CLAIM = N_("接单")
    CONTACT = N_("联系")
    PLAN = N_("给方案")
    RESOLVE = N_("答复")


class Light(enum.Enum):
    """How a running promise stands; derived from due_at and warn_at, never stored (see clock.py)."""

    RED = N_("红灯")
    YELLOW = N_("黄灯")
    GREEN = N_("绿灯")
    GREY = N_("灰灯")


class Solved(enum.Enum):
    """What the enterprise says of the result."""

    YES = N_("真正解决")
    PARTLY = N_("部分解决")
    NO = N_("没有解决")


class NeedSource(enum.Enum):
    VISIT = N_("走访")
    ORDER = N_("企业点单")
    PHONE = N_("电话")
    IMPORT = N_("导入")


# Over for good: nothing waits for anybody any more.
ENDED = (
    NeedStatus.RESOLVED,
    NeedStatus.RATED,
    NeedStatus.DECLINED,
    NeedStatus.REFERRED,
    NeedStatus.WITHDRAWN,
    NeedStatus.MERGED,
)


class Need(db.Model):
    __tablename__ = "need"
    __table_args__ = (
        sa.Index(None, "enterprise_id", "created_at"),
        sa.Index(None, "created_at", "id"),
        # A new need has none of this yet, and need not be entered where nobody would look for it.
        sa.Index(None, "visit_id", **only_where("visit_id IS NOT NULL")),
        sa.Index(None, "claimed_by_id", "status", **only_where("claimed_by_id IS NOT NULL")),
        sa.Index(None, "claimed_by_id", "ended_at", **only_where("claimed_by_id IS NOT NULL")),
        sa.Index(None, "ended_at", **only_where("ended_at IS NOT NULL")),
        sa.Index(None, "merged_into_id", **only_where("merged_into_id IS NOT NULL")),
        sa.Index(None, "enterprise_id", "paused_at", **only_where("paused_at IS NOT NULL")),
        sa.Index(None, "paused_at", "id", **only_where("paused_at IS NOT NULL")),
        sa.Index(None, "status", "created_at", "id"),
        sa.Index(None, "due_at", "id"),
        sa.Index(None, "status", "due_at", "id"),
        sa.Index(None, "enterprise_id", "due_at", "warn_at"),
        sa.Index(None, "disclosure", "created_at", "id"),
        sa.Index(None, "title_waits", **only_where("title_waits IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # UUIDv7, made on the phone
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("visit.id"))
    source: Mapped[NeedSource] = mapped_column(named(NeedSource))
    title: Mapped[str] = mapped_column(sa.String(200))
    # Since when the title waits to be found through the index of titles; None: it is there, see titles.py.
    title_waits: Mapped[datetime | None] = mapped_column(default=now)
    description: Mapped[str] = mapped_column(sa.Text, default="")
    kind: Mapped[NeedKind] = mapped_column(named(NeedKind))
    field: Mapped[NeedField | None] = mapped_column(named(NeedField))
    # Rows of {"name", "now", "target", "unit"}, texts as the enterprise says them.
    indicators: Mapped[list[dict[str, str]]] = mapped_column(sa.JSON, default=list)
    deadline: Mapped[date | None]
    budget: Mapped[Decimal | None] = mapped_column(sa.Numeric(14, 2))  # 万元
    cooperation: Mapped[Cooperation | None] = mapped_column(named(Cooperation))
    ip_ownership: Mapped[IpOwnership | None] = mapped_column(named(IpOwnership))
    conditions: Mapped[str] = mapped_column(sa.Text, default="")  # what the solver should bring
    urgency: Mapped[Urgency] = mapped_column(named(Urgency), default=Urgency.NORMAL)
    disclosure: Mapped[Disclosure] = mapped_column(named(Disclosure), default=Disclosure.MATCHING)
    contact_id: Mapped[int | None] = mapped_column(sa.ForeignKey("contact.id"))
    status: Mapped[NeedStatus] = mapped_column(named(NeedStatus))
    ending: Mapped[Ending | None] = mapped_column(named(Ending))
    ended_at: Mapped[datetime | None]
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    claimed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    # The promise that runs: which, since when it counts, what was added to its limit, and when it falls due. Both
    # instants are empty while it is paused or nothing runs; lights are read from them.
    clock: Mapped[Clock | None] = mapped_column(named(Clock))
    clock_from: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    paused_at: Mapped[
        datetime | None
    ]  # since when the enterprise is asked, or the matter waits for a condition
    paused_minutes: Mapped[int] = mapped_column(
        default=0
    )  # office minutes of earlier pauses since clock_from
    asked_days: Mapped[int | None]  # an extension somebody has asked for, in working days
    extra_days: Mapped[int] = mapped_column(default=0)  # granted for the running clock
    warned: Mapped[Light | None] = mapped_column(named(Light))  # the last light that people were told of
    status_at: Mapped[
        datetime | None
    ]  # since when it stands where it stands; None: since before this was kept
    reopened: Mapped[int] = mapped_column(default=0)  # how often a result was given back
    referred_to: Mapped[str] = mapped_column(sa.String(100), default="")
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("need.id"))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class NeedEvent(db.Model):
    """One step of a need; the log that the stepper and the clock are read from."""

    __tablename__ = "need_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    need_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("need.id"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))
    before: Mapped[NeedStatus | None] = mapped_column(named(NeedStatus))
    after: Mapped[NeedStatus] = mapped_column(named(NeedStatus))
    note: Mapped[str] = mapped_column(sa.Text, default="")
    step: Mapped[str] = mapped_column(
        sa.String(20), default=""
    )  # its name in steps.STEPS; "": noted, changed, handed over
    shown: Mapped[bool] = mapped_column(default=False)  # the enterprise reads the note on its receipt
    from_enterprise: Mapped[bool] = mapped_column(default=False)  # said at the enterprise's own door
    # The order at whose receipt that was, where it had been merged into this one: who reads the other receipt reads no
    # word of it. No foreign key: the line is what is kept.
    through_id: Mapped[uuid.UUID | None]


class NeedRating(db.Model):
    """What the enterprise said of a result, once a result. Officers see these in sum only."""

    __tablename__ = "need_rating"
    __table_args__ = (sa.Index(None, "officer_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    need_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("need.id"), index=True)
    officer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))  # who had brought the result
    at: Mapped[datetime]
    solved: Mapped[Solved] = mapped_column(named(Solved))
    level: Mapped[int] = mapped_column(sa.SmallInteger)  # 1 very dissatisfied … 5 very satisfied
    comment: Mapped[str] = mapped_column(sa.Text, default="")


need_file = sa.Table(
    "need_file",
    db.metadata,
    sa.Column("need_id", sa.ForeignKey("need.id"), primary_key=True),
    sa.Column("attachment_id", sa.ForeignKey("attachment.id"), primary_key=True, index=True),
    sa.Column("event_id", sa.ForeignKey("need_event.id"), index=True),  # the line of the log it came with
    sa.Column("position", sa.SmallInteger, nullable=False),
)


class NeedToken(db.Model):
    """The index of titles, see titles.py. Walked by token, and emptied by need when a title changes."""

    __tablename__ = "need_token"
    __table_args__ = (sa.Index(None, "need_id", "token"), {"sqlite_with_rowid": False})

    token: Mapped[str] = mapped_column(
        sa.String(8, collation="C").with_variant(sa.String(8), "sqlite"), primary_key=True
    )
    need_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("need.id"), primary_key=True)


class NeedView(db.Model):
    """Filters of the pool that somebody wants to find again, under a name of their own."""

    __tablename__ = "need_view"
    __table_args__ = (sa.UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    name: Mapped[str] = mapped_column(sa.String(20))
    query: Mapped[str] = mapped_column(sa.String(1000))  # as it stands in the address
    created_at: Mapped[datetime] = mapped_column(default=now)
