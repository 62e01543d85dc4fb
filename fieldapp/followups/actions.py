"""Writing promises. Each step adds its line to the log, in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.exc import IntegrityError

from fieldapp import audit, clock
from fieldapp.accounts import User
from fieldapp.db import db, fetch, run
from fieldapp.enterprises.actions import add_helper
from fieldapp.enterprises.models import Assignment, Enterprise
from fieldapp.entries.actions import made
from fieldapp.followups.models import FollowUp, FollowUpKind, FollowUpNote, FollowUpStatus, FollowUpStep
from fieldapp.followups.queries import Colleague
from fieldapp.followups.rules import change_text, differences
from fieldapp.languages import _, lazy
from fieldapp.notices.actions import tell
from fieldapp.refusals import Conflict, Refusal

if TYPE_CHECKING:
    from fieldapp.accounts import Person


_PROMISE = sa.insert(FollowUp.__table__)
_LINE = sa.insert(FollowUpNote.__table__)
CHUNK = 500  # ids in one statement


class AlreadyClosed(Conflict):
    message = lazy("这件事已经有人记为办结了，请刷新看看结果。")


class StillOpen(Conflict):
    message = lazy("这件事已经重新打开了，不用再点。")


class IdTaken(Conflict):
    message = lazy("这件事已经保存过了，不用再提交。请到跟进列表里看一看。")


class NobodyNew(Refusal):
    message = lazy("这件事本来就由这位同事跟进。")


def log_line(
    follow_up_id: uuid.UUID, step: FollowUpStep, person: Person | None, at: datetime, text: str = ""
) -> None:
    """One line of the promise's log."""
    line = {
        "follow_up_id": follow_up_id,
        "at": at,
        "by_id": person.id if person else None,
        "step": step,
        "text": text,
    }
    run(_LINE, line)


def promise(
    person: Person,
    enterprise: Enterprise,
    follow_up_id: uuid.UUID,
    *,
    title: str,
    due_on: date,
    at: datetime,
    kind: FollowUpKind = FollowUpKind.OTHER,
    visit_id: uuid.UUID | None = None,
    need_id: uuid.UUID | None = None,
) -> None:
    """Something promised to an enterprise, kept by the one who promised it. Raises IdTaken.

    Its log begins with itself: who made it and when stands in the row.
    """
    follow_up = {
        "id": follow_up_id,
        "enterprise_id": enterprise.id,
        "visit_id": visit_id,
        "need_id": need_id,
        "kind": kind,
        "title": title,
        "due_on": due_on,
        "assignee_id": person.id,
        "author_id": person.id,
        "status": FollowUpStatus.OPEN,
        "created_at": at,
        "updated_at": at,
    }
    try:
        run(_PROMISE, follow_up)
    except IntegrityError as error:
        raise IdTaken from error
    audit.record("promised", f"follow_up:{follow_up_id}", actor=person, enterprise=enterprise.id)


def note(person: Person, follow_up: FollowUp, text: str, at: datetime) -> None:
    """How it goes, told by somebody who serves the enterprise."""
    log_line(follow_up.id, FollowUpStep.NOTED, person, at, text)
    audit.record(
        "follow_up_noted", f"follow_up:{follow_up.id}", actor=person, enterprise=follow_up.enterprise_id
    )


def close(person: Person, follow_up: FollowUp, status: FollowUpStatus, result: str, at: datetime) -> None:
    """Kept, or dropped with a reason. Raises AlreadyClosed."""
    _require_open(follow_up)
    follow_up.status = status
    follow_up.result = result
    follow_up.closed_at = at
    _touch(follow_up, at)
    log_line(follow_up.id, FollowUpStep[status.name], person, at, result)
    if person.id != follow_up.assignee_id:
        _tell(follow_up, follow_up.assignee_id, "promise_closed", at, by=person.name)
    audit.record("follow_up_closed", f"follow_up:{follow_up.id}", actor=person, status=status.name)


def reopen(person: Person, follow_up: FollowUp, at: datetime) -> None:
    """Closing it was a slip, or not the end. What was written as its result stays in the log. Raises StillOpen."""
    if follow_up.status is FollowUpStatus.OPEN:
        raise StillOpen
    follow_up.status = FollowUpStatus.OPEN
    follow_up.result = ""
    follow_up.closed_at = None
    _touch(follow_up, at)
    log_line(follow_up.id, FollowUpStep.REOPENED, person, at)
    if person.id != follow_up.assignee_id:
        _tell(follow_up, follow_up.assignee_id, "promise_reopened", at, by=person.name)
    audit.record("follow_up_reopened", f"follow_up:{follow_up.id}", actor=person)


def postpone(person: Person, follow_up: FollowUp, due_on: date, reason: str, at: datetime) -> None:
    """A new date, and why the enterprise has to wait. Raises AlreadyClosed."""
    _require_open(follow_up)
    before, follow_up.due_on = follow_up.due_on, due_on
    _touch(follow_up, at)
    log_line(follow_up.id, FollowUpStep.POSTPONED, person, at, change_text(before, due_on, reason))
    audit.record(
        "follow_up_postponed",
        f"follow_up:{follow_up.id}",
        actor=person,
        before=before.isoformat(),
        after=due_on.isoformat(),
    )


def edit(
    person: Person, follow_up: FollowUp, *, title: str, kind: FollowUpKind, due_on: date, at: datetime
) -> None:
    """Other words, another kind or another date; nothing happens when nothing differs. Raises AlreadyClosed."""
    _require_open(follow_up)
    changed = differences(follow_up, title, kind, due_on)
    if not changed:
        return
    follow_up.title, follow_up.kind, follow_up.due_on = title, kind, due_on
    _touch(follow_up, at)
    log_line(follow_up.id, FollowUpStep.EDITED, person, at, "\n".join(changed))
    audit.record("follow_up_edited", f"follow_up:{follow_up.id}", actor=person)


def reassign(person: Person, follow_up: FollowUp, to: Colleague, reason: str, at: datetime) -> None:
    """Somebody else keeps it from now on, and is told. Raises AlreadyClosed, NobodyNew.

    Who does not serve the enterprise yet becomes its helper, or they could not see what they are to keep; the door
    offers such colleagues to leads only.
    """
    _require_open(follow_up)
    before = follow_up.assignee_id
    if to.id == before:
        raise NobodyNew
    names = _names([before])
    enterprise = db.session.get_one(Enterprise, follow_up.enterprise_id)
    if not to.serves:
        # Two promises passed on to the same newcomer at once: the second waits here and finds the helper there.
        run(sa.select(Enterprise.id).where(Enterprise.id == enterprise.id).with_for_update(key_share=True))
        serves = sa.select(Assignment.id).where(
            Assignment.enterprise_id == enterprise.id,
            Assignment.officer_id == to.id,
            Assignment.ended_on.is_(None),
        )
        if not fetch(serves):
            add_helper(person, enterprise, to.id, clock.local(at).date(), reason)
    follow_up.assignee_id = to.id
    _touch(follow_up, at)
    log_line(
        follow_up.id,
        FollowUpStep.REASSIGNED,
        person,
        at,
        change_text(names.get(before, "?"), to.name, reason),
    )
    if to.id != person.id:
        _tell(
            follow_up,
            to.id,
            "reassigned",
            at,
            by=person.name,
            enterprise=enterprise.name,
            day=follow_up.due_on,
            reason=reason,
        )
    if before != person.id:
        _tell(follow_up, before, "reassigned_away", at, by=person.name, to=to.name, reason=reason)
    audit.record(
        "follow_up_reassigned", f"follow_up:{follow_up.id}", actor=person, before=before, after=to.id
    )


def hand_over(
    person: Person,
    enterprise_ids: Sequence[int],
    from_id: int | None,
    to_id: int | None,
    at: datetime,
    reason: str,
) -> int:
    """Open promises of `from_id` at these enterprises go to `to_id` with the enterprises. Returns how many.

    Back to the pool (`to_id` None) nobody is there to take them: they stay with who promised, and the log says so.
    Telling both people is the caller's, who hands over more than promises.
    """
    if from_id is None or from_id == to_id:
        return 0
    names = _names([from_id, to_id] if to_id else [from_id])
    moved: list[uuid.UUID] = []
    for start in range(0, len(enterprise_ids), CHUNK):
        mine = (
            sa.select(FollowUp.id)
            .where(
                FollowUp.enterprise_id.in_(enterprise_ids[start : start + CHUNK]),
                FollowUp.assignee_id == from_id,
                FollowUp.status == FollowUpStatus.OPEN,
            )
            .order_by(FollowUp.id)
            .with_for_update()
        )
        moved += db.session.scalars(mine)
    if not moved:
        return 0
    owner = names.get(from_id, "?")
    if to_id is None:
        step, text = FollowUpStep.NOTED, _("企业已收回共享名单，这件事仍由%(name)s跟进。", name=owner)
        text = f"{text}\n{reason}" if reason else text
    else:
        step, text = FollowUpStep.REASSIGNED, change_text(owner, names.get(to_id, "?"), reason)
        for start in range(0, len(moved), CHUNK):
            run(
                sa.update(FollowUp.__table__)
                .where(FollowUp.__table__.c.id.in_(moved[start : start + CHUNK]))
                .values(assignee_id=to_id, updated_at=at, version=FollowUp.__table__.c.version + 1)
            )
    run(
        _LINE,
        [{"follow_up_id": one, "at": at, "by_id": person.id, "step": step, "text": text} for one in moved],
    )
    audit.record(
        "promises_handed_over", f"user:{from_id}", actor=person, count=len(moved), before=from_id, after=to_id
    )
    return len(moved)


def _require_open(follow_up: FollowUp) -> None:
    if follow_up.status is not FollowUpStatus.OPEN:
        raise AlreadyClosed


def _touch(follow_up: FollowUp, at: datetime) -> None:
    follow_up.version += 1
    follow_up.updated_at = at
    made(follow_up.id, follow_up.version)


def _tell(follow_up: FollowUp, user_id: int, kind: str, at: datetime, **details: Any) -> None:
    path = url_for("followups.show", follow_up_id=follow_up.id)
    tell(user_id, kind, at, path, title=follow_up.title, **details)


def _names(ids: Sequence[int]) -> dict[int, str]:
    rows = db.session.execute(sa.select(User.id, User.name).where(User.id.in_(ids)))
    return {row.id: row.name for row in rows}
