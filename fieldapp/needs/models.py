"""What an enterprise asks for, and every step of what became of it."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.clock import now
from fieldapp.db import db, named
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
        sa.Index(None, "visit_id"),
        sa.Index(None, "status", "created_at", "id"),
        sa.Index(None, "claimed_by_id", "status"),
        sa.Index(None, "claimed_by_id", "ended_at"),
        sa.Index(None, "ended_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # UUIDv7, made on the phone
    enterprise_id: Mapped[int] = mapped_column(sa.ForeignKey("enterprise.id"))
    visit_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("visit.id"))
    source: Mapped[NeedSource] = mapped_column(named(NeedSource))
    title: Mapped[str] = mapped_column(sa.String(200))
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
