"""Writing needs. Every change leaves a line in the need's log."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from fieldapp import audit
from fieldapp.accounts import User
from fieldapp.db import fetch, run
from fieldapp.enterprises.queries import may_see
from fieldapp.entries.actions import made
from fieldapp.languages import N_, _, lazy
from fieldapp.needs.models import (
    ENDED,
    Cooperation,
    Disclosure,
    Ending,
    IpOwnership,
    Need,
    NeedEvent,
    NeedField,
    NeedKind,
    NeedSource,
    NeedStatus,
    Urgency,
)
from fieldapp.needs.queries import events_of
from fieldapp.needs.rules import (
    HELD,
    Asks,
    Step,
    WrongMoment,
    came_from,
    destination,
    standing,
    times_reopened,
)
from fieldapp.notices.actions import tell
from fieldapp.refusals import Conflict

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.enterprises.models import Enterprise


class IdTaken(Conflict):
    message = lazy("这条需求已经保存过了，不用再提交。请到需求列表里看一看。")


class Stale(Conflict):
    """Somebody else saved since this edit began."""


_need = Need.__table__
_NEED = sa.insert(_need)
_STEP = sa.insert(NeedEvent.__table__)


def submit(
    person: Person | None,
    enterprise: Enterprise,
    need_id: uuid.UUID,
    *,
    title: str,
    kind: NeedKind,
    at: datetime,
    description: str = "",
    field: NeedField | None = None,
    indicators: list[dict[str, str]] | None = None,
    deadline: date | None = None,
    budget: Decimal | None = None,
    cooperation: Cooperation | None = None,
    ip_ownership: IpOwnership | None = None,
    conditions: str = "",
    urgency: Urgency = Urgency.NORMAL,
    disclosure: Disclosure = Disclosure.MATCHING,
    contact_id: int | None = None,
    visit_id: uuid.UUID | None = None,
    source: NeedSource = NeedSource.VISIT,
) -> None:
    """A need heard by an officer, or placed by the enterprise itself (None): it waits to be accepted.

    Raises IdTaken.
    """
    need = {
        "id": need_id,
        "enterprise_id": enterprise.id,
        "visit_id": visit_id,
        "source": source,
        "title": title,
        "description": description,
        "kind": kind,
        "field": field,
        "indicators": indicators or [],
        "deadline": deadline,
        "budget": budget,
        "cooperation": cooperation,
        "ip_ownership": ip_ownership,
        "conditions": conditions,
        "urgency": urgency,
        "disclosure": disclosure,
        "contact_id": contact_id,
        "status": NeedStatus.SUBMITTED,
        "author_id": person.id if person else None,
        "created_at": at,
        "updated_at": at,
    }
    try:
        # The second net behind the receipt: the phone's id is unique, whatever key it travelled under.
        run(_NEED, need)
    except IntegrityError as error:
        raise IdTaken from error
    by_id = person.id if person else None
    run(_STEP, {"need_id": need_id, "at": at, "by_id": by_id, "after": NeedStatus.SUBMITTED})
    action = "need_submitted" if person else "order_placed"
    audit.record(action, f"need:{need_id}", actor=person, enterprise=enterprise.id)


def _log(
    need_id: uuid.UUID, person: Person | None, at: datetime, before: NeedStatus, after: NeedStatus, note: str
) -> None:
    by_id = person.id if person else None
    run(
        _STEP,
        {"need_id": need_id, "at": at, "by_id": by_id, "before": before, "after": after, "note": note},
    )


def amend(
    person: Person, need: Any, words: Mapping[str, Any], fields: Sequence[str], version: int, at: datetime
) -> None:
    """Put `words` in place of the need's `fields`, unless somebody saved after `version`. Raises Stale."""
    changed = run(
        sa.update(_need)
        .where(_need.c.id == need.id, _need.c.version == version, _need.c.status.not_in(ENDED))
        .values(version=version + 1, updated_at=at, **words)
    )
    if changed.rowcount != 1:
        raise Stale
    made(need.id, version + 1)
    if fields:
        _log(need.id, person, at, need.status, need.status, "")
        audit.record(
            "need_changed",
            f"need:{need.id}",
            actor=person,
            enterprise=need.enterprise_id,
            fields=list(fields),
        )


def note(person: Person, need: Any, text: str, at: datetime) -> None:
    """A line in the log; the need stays where it is."""
    _log(need.id, person, at, need.status, need.status, text)
    audit.record("need_noted", f"need:{need.id}", actor=person, enterprise=need.enterprise_id)


def where_to(need: Any, step: Step) -> NeedStatus:
    """Where the step leads from where the need stands. Raises WrongMoment."""
    events = events_of(need.id)
    return destination(
        step,
        need.status,
        came_from=came_from(events),
        held=step.name == "claim" or need.claimed_by_id is not None,
        held_by=need.holder,
        reopened=times_reopened(events),
    )


def take_step(
    person: Person, need: Any, step: Step, at: datetime, *, text: str = "", ending: Ending | None = None
) -> NeedStatus:
    """Move the need on; returns where it stands now. Raises WrongMoment when it cannot, or somebody was quicker."""
    after = where_to(need, step)
    claims = step.name == "claim"
    values: dict[str, Any] = {"status": after, "updated_at": at}
    if claims:
        values["claimed_by_id"] = person.id
    elif after in (NeedStatus.SUBMITTED, NeedStatus.ACCEPTED, NeedStatus.RETURNED):
        values["claimed_by_id"] = None
    if after in ENDED:
        values |= {"ended_at": at, "ending": ending}
    elif need.status in ENDED:
        values |= {"ended_at": None, "ending": None}
    # One statement asks and moves: of two at once, one finds the need no longer where it was.
    moved = run(
        sa.update(_need)
        .where(
            _need.c.id == need.id,
            _need.c.status == need.status,
            _need.c.claimed_by_id.is_not_distinct_from(need.claimed_by_id),
        )
        .values(values)
    )
    if moved.rowcount != 1:
        raise _overtaken(need.id, step)
    _log(need.id, person, at, need.status, after, text)
    detail: dict[str, Any] = {"ending": ending.name} if ending else {}
    audit.record(
        "need_moved",
        f"need:{need.id}",
        actor=person,
        enterprise=need.enterprise_id,
        before=need.status.name,
        after=after.name,
        **detail,
    )
    if (
        step.asks is not Asks.NOTHING
    ):  # what was done with a word of why is told; plain progress is on the page
        for user_id in {need.author_id, need.claimed_by_id} - {person.id, None}:
            path = f"/needs/{need.id}" if may_see(user_id, need.enterprise_id) else ""
            tell(
                user_id, "need_step", at, path, by=person.name, title=need.title, step=after.value, note=text
            )
    return after


def _overtaken(need_id: uuid.UUID, step: Step) -> WrongMoment:
    """Why a step came too late, as the need stands now."""
    row = fetch(
        sa.select(Need.status, User.name).outerjoin(User, User.id == Need.claimed_by_id).where(Need.id == need_id)
    )[0]  # fmt: skip
    if step.name == "claim" and row.name:
        return WrongMoment(_("%(name)s已经接了这条需求。", name=row.name))
    return WrongMoment(_("刚刚有人办过这一步，现在是“%(status)s”。", status=standing(row.status, row.name)))


_HANDED = N_("由%(before)s移交给%(after)s。%(reason)s")
_HANDED_TO_POOL = N_("%(before)s不再负责，等新的接单人。%(reason)s")


def hand_over(
    person: Person | None,
    enterprise_ids: Sequence[int],
    from_id: int,
    to_id: int | None,
    at: datetime,
    reason: str,
) -> int:
    """Open needs that `from_id` has claimed at these enterprises go to `to_id`; returns how many.

    With nobody to go to, what was being worked on waits to be claimed again.
    """
    names = {
        row.id: row.name
        for row in fetch(sa.select(User.id, User.name).where(User.id.in_([from_id, to_id or from_id])))
    }
    moved = 0
    for start in range(0, len(enterprise_ids), 500):
        theirs = sa.and_(
            _need.c.enterprise_id.in_(enterprise_ids[start : start + 500]),
            _need.c.claimed_by_id == from_id,
            _need.c.status.not_in(ENDED),
        )
        rows = fetch(sa.select(_need.c.id, _need.c.status).where(theirs))
        if not rows:
            continue
        after: Any = to_id
        run(sa.update(_need).where(theirs).values(claimed_by_id=after, updated_at=at))
        back = {row.id for row in rows if to_id is None and row.status in HELD}
        if back:
            run(sa.update(_need).where(_need.c.id.in_(back)).values(status=NeedStatus.ACCEPTED))
        sentence = _HANDED if to_id is not None else _HANDED_TO_POOL
        words = sentence % {
            "before": names.get(from_id, ""),
            "after": names.get(to_id, "") if to_id is not None else "",
            "reason": reason,
        }
        run(
            _STEP,
            [
                {
                    "need_id": row.id,
                    "at": at,
                    "by_id": person.id if person else None,
                    "before": row.status,
                    "after": NeedStatus.ACCEPTED if row.id in back else row.status,
                    "note": words,
                }
                for row in rows
            ],
        )
        moved += len(rows)
    if moved:
        audit.record("needs_handed_over", f"user:{from_id}", actor=person, count=moved, officer=to_id)
    return moved
