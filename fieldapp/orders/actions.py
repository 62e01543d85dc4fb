"""Placing an order and what is done at its receipt: each form once, with word to those who serve the enterprise."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from uuid6 import uuid7

from fieldapp.accounts import User
from fieldapp.accounts.models import Role, team_lead
from fieldapp.db import fetch, run, together
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs.actions import IdTaken, Said, attach, note, rate, submit, take_step
from fieldapp.needs.models import Need, NeedSource, NeedStatus
from fieldapp.needs.steps import STEPS, Step
from fieldapp.notices.actions import tell_all, tell_team
from fieldapp.notices.models import Channel
from fieldapp.orders.models import Order, ReceiptAct
from fieldapp.orders.queries import last_call
from fieldapp.orders.rules import OLDEST, PRIVACY, new_number
from fieldapp.pages import link

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.attachments.documents import Document
    from fieldapp.attachments.pictures import Photo

CALLERS_KEPT = timedelta(days=365)  # privacy text 2026-11

_ORDER = sa.insert(Order.__table__)
# Who is told: the main officer, and the team's leads; where there is none to accept it, the admins that it is so.
# A row without a person is the team, where it has robots.
_NOBODY = sa.cast(sa.null(), sa.Integer)
_HEARD: Any = sa.literal_column("1").label("heard")
_LEADS = (
    sa.select(team_lead.c.user_id.label("id"), _NOBODY.label("team"), _HEARD)
    .join(Enterprise, Enterprise.team_id == team_lead.c.team_id)
    .join(User, User.id == team_lead.c.user_id)
    .where(Enterprise.id == sa.bindparam("enterprise"), User.active)
)
_TOLD = sa.union(
    sa.select(Enterprise.officer_id.label("id"), _NOBODY.label("team"), _HEARD).where(
        Enterprise.id == sa.bindparam("enterprise"), Enterprise.officer_id.is_not(None)
    ),
    _LEADS,
    sa.select(User.id, _NOBODY.label("team"), sa.literal_column("0").label("heard")).where(
        User.role == Role.ADMIN, User.active, ~_LEADS.exists()
    ),
    sa.select(_NOBODY.label("id"), Enterprise.team_id.label("team"), _HEARD).where(
        Enterprise.id == sa.bindparam("enterprise"),
        sa.exists().where(Channel.team_id == Enterprise.team_id, Channel.active).correlate(Enterprise),
    ),
)


def place(
    enterprise: Any,
    code_id: int,
    need_id: uuid.UUID,
    at: datetime,
    *,
    words: dict[str, Any],
    contact: dict[str, Any],
    files: Sequence[Photo | Document],
    fingerprint: bytes,
    address: str,
) -> str:
    """One order in one act; returns its receipt. Raises needs.actions.IdTaken when the form was sent before.

    `enterprise` has id and name, `words` are what needs.actions.submit takes, `contact` the order's own columns.
    """
    receipt = secrets.token_urlsafe(16)
    order = {
        "need_id": need_id,
        "code_id": code_id,
        "receipt": receipt,
        "number": new_number(),
        "fingerprint": fingerprint,
        "privacy": PRIVACY,
        "address": address,
        "created_at": at,
    }
    try:
        with together():
            submit(None, enterprise, need_id, at=at, source=NeedSource.ORDER, **words)
            run(_ORDER, order | contact)
    except IntegrityError as error:
        raise IdTaken from error
    attach(None, need_id, enterprise.id, None, files, at)
    path = link("needs.show", need_id=need_id)
    told = fetch(_TOLD, {"enterprise": enterprise.id})
    people = [row.id for row in told if row.id is not None and row.heard]
    tell_all(people, "order_placed", at, path, enterprise=enterprise.name, title=words["title"])
    if unheard := [row.id for row in told if not row.heard]:
        tell_all(
            unheard, "order_unheard", at, link("accounts.teams"), urgent=True, enterprise=enterprise.name
        )
    for row in told:
        if row.id is None:
            # In the group's chat without the order's words: not everybody there may see them.
            tell_team(row.team, "order_placed", at, path, key=f"order:{need_id}", enterprise=enterprise.name)
    return receipt


def forget_callers(at: datetime) -> int:
    """Delete who to call for orders whose need ended 12 months ago, as the privacy text promises; returns how many."""
    order, need = Order.__table__, Need.__table__
    over = sa.select(need.c.id).where(need.c.ended_at < at - CALLERS_KEPT)
    return run(
        sa.update(order)
        .where(order.c.need_id.in_(over), order.c.contact_name != "")
        .values(contact_name="", phone="", address="")
    ).rowcount


class ActKnown(Exception):
    """The form at the receipt was sent before, or is being carried out at this very moment."""


_ACT = sa.insert(ReceiptAct.__table__)


def _through(order_id: uuid.UUID, need: Any) -> uuid.UUID | None:
    """The order whose receipt this is, where another one goes on for it."""
    return None if order_id == need.id else order_id


def act(
    order_id: uuid.UUID,
    need: Any,
    step: Step,
    ticket: uuid.UUID,
    fingerprint: bytes,
    at: datetime,
    *,
    text: str,
    said: Said | None,
    files: Sequence[Photo | Document],
) -> NeedStatus:
    """One step of the enterprise at its receipt, with what it sends along. Raises ActKnown, WrongMoment."""
    row = {"id": ticket, "need_id": order_id, "step": step.name, "fingerprint": fingerprint, "at": at}
    try:
        run(_ACT, row)
    except IntegrityError as error:
        raise ActKnown from error
    if said is not None and said.solved is not None and said.level is not None:
        after = rate(need, said.solved, said.level, text, at)
    else:
        after = take_step(None, need, step, at, text=text, files=files, through=_through(order_id, need))
    return after


def send(person: Person, need: Any, text: str, files: Sequence[Photo | Document], at: datetime) -> None:
    """A word to the enterprise, with files: shown on its receipt and in the need's log."""
    line = note(person, need, text, at, shown=True)
    attach(person, need.id, need.enterprise_id, line, files, at)


_ORDER_ROW = (
    sa.select(Order.need_id)
    .where(Order.need_id == sa.bindparam("need", type_=Order.need_id.type))
    .with_for_update()
)


def ask_for_call(order_id: uuid.UUID, need: Any, at: datetime, since: datetime) -> bool:
    """Tell who holds the order, or who serves the enterprise, that it wishes to be called, and write it in the need's
    log; False when that was asked after `since`. Pressed twice at one moment it is asked once: the second waits at the
    order's row. Raises WrongMoment."""
    fetch(_ORDER_ROW, {"need": order_id})
    if last_call(order_id, since) is not None:
        return False
    run(_ACT, {"id": uuid7(), "need_id": order_id, "step": "call", "fingerprint": b"", "at": at})
    take_step(None, need, STEPS["call"], at, through=_through(order_id, need))
    return True


def forget_acts(at: datetime) -> int:
    """Tickets older than a form may be are refused anyway: what they did need not be remembered."""
    old = sa.delete(ReceiptAct).where(ReceiptAct.at < at - OLDEST - timedelta(days=1))
    return run(old).rowcount
