"""One uploaded file and what becomes of each of its rows."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.clock import now
from fieldapp.db import db, named
from fieldapp.imports.rules import Verdict
from fieldapp.languages import N_


class BatchState(enum.Enum):
    UPLOADED = N_("待对列")  # the columns that tell an enterprise apart are not found yet
    CHECKED = N_("待入库")
    CONFIRMED = N_("已入库")
    WITHDRAWN = N_("已取消")


class Effect(enum.Enum):
    """What taking a row would do, or did."""

    NONE = N_("不入库")
    NEW = N_("新增")
    CHANGED = N_("更新")
    UNCHANGED = N_("不变")


class ImportBatch(db.Model):
    """An upload. The bytes stay until it is withdrawn: the refused rows are cut out of them."""

    __tablename__ = "import_batch"
    __table_args__ = (sa.Index(None, "person_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user.id"))  # None: the command line
    created_at: Mapped[datetime] = mapped_column(default=now)
    confirmed_at: Mapped[datetime | None]
    filename: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    form: Mapped[str] = mapped_column(sa.String(8))  # xlsx / csv
    encoding: Mapped[str] = mapped_column(sa.String(16), default="")
    sheet: Mapped[str] = mapped_column(sa.String(120), default="")
    shape: Mapped[str] = mapped_column(
        sa.String(64), default=""
    )  # of the headings, to know the same form again
    mapping: Mapped[dict[str, Any]]
    state: Mapped[BatchState] = mapped_column(named(BatchState))
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)  # another mapping makes another version


class ImportRow(db.Model):
    """The outcome of one row. `fields` is rules.EnterpriseRow.as_json(), emptied once it has been taken."""

    __tablename__ = "import_row"
    __table_args__ = (sa.Index(None, "batch_id", "rank", "row"),)

    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batch.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    rank: Mapped[int]  # what needs a person's eye first, see rules of Rank
    verdict: Mapped[Verdict] = mapped_column(named(Verdict))
    effect: Mapped[Effect] = mapped_column(named(Effect))
    asks: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    notes: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)
    changes: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
