"""Writing needs. Every change leaves a line in the need's log."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError

from fieldapp import audit
from fieldapp.accounts import User
from fieldapp.attachments.actions import keep_all
from fieldapp.db import fetch, run
from fieldapp.enterprises.queries import may_see
from fieldapp.entries.actions import made
from fieldapp.languages import N_, _, lazy
from fieldapp.needs.clock import MORE_DAYS, STOPPED, instants, limits_of, ticked
from fieldapp.needs.models import (
    ENDED,
    Clock,
    Cooperation,
    Disclosure,
    Ending,
    IpOwnership,
    Need,
    NeedEvent,
    NeedField,
    NeedKind,
    NeedRating,
    NeedSource,
    NeedStatus,
    Solved,
    Urgency,
    need_file,
)
from fieldapp.needs.queries import events_of, leads_of, need_at_door, those_serving
from fieldapp.needs.rules import is_dissatisfied
from fieldapp.needs.steps import (
    HELD,
    REOPENED_AT_MOST,
    RESULTS,
    STEPS,
    WITH_HOLDER,
    Asks,
    Step,
    Who,
    WrongMoment,
    came_from,
    destination,
    gives_back,
    standing,
)
from fieldapp.needs.titles import forget
from fieldapp.notices.actions import tell
from fieldapp.refusals import Conflict

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.attachments.documents import Document
    from fieldapp.attachments.pictures import Photo
    from fieldapp.enterprises.models import Enterprise


class IdTaken(Conflict):
    message = lazy("这条需求已经保存过了，不用再提交。请到需求列表里看一看。")


class Stale(Conflict):
    """Somebody else saved since this edit began."""


_need = Need.__table__
_NEED = sa.insert(_need)
_STEP = sa.insert(NeedEvent.__table__)
_STEP_MADE = _STEP.returning(NeedEvent.__table__.c.id)
_RATING = sa.insert(NeedRating.__table__)
_FILE = sa.insert(need_file)


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

    Raises IdTaken. The log begins with the need itself: when, and by whom, stands in its row.
    """
    warn_at, due_at = instants(limits_of(current_app.config), Clock.ACCEPT, kind, at)
    need = {
        "id": need_id,
        "enterprise_id": enterprise.id,
        "visit_id": visit_id,
        "source": source,
        "title": title,
        "title_waits": at,
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
        "status_at": at,
        "clock": Clock.ACCEPT,
        "clock_from": at,
        "warn_at": warn_at,
        "due_at": due_at,
        "author_id": person.id if person else None,
        "created_at": at,
        "updated_at": at,
    }
    try:
        # The second net behind the receipt: the phone's id is unique, whatever key it travelled under.
        run(_NEED, need)
    except IntegrityError as error:
        raise IdTaken from error
    action = "need_submitted" if person else "order_placed"
    audit.record(action, f"need:{need_id}", actor=person, enterprise=enterprise.id, nameless=person is None)


def _log(
    need_id: uuid.UUID,
    person: Person | None,
    at: datetime,
    before: NeedStatus,
    after: NeedStatus,
    note: str,
    step: Step | None = None,
    *,
    shown: bool = False,
    through: uuid.UUID | None = None,
) -> int:
    """A line of the log; returns its number."""
    line = {
        "need_id": need_id,
        "at": at,
        "by_id": person.id if person else None,
        "before": before,
        "after": after,
        "note": note,
        "step": step.name if step else "",
        "shown": shown or (step is not None and step.shown),
        "from_enterprise": step is not None and step.who is Who.ENTERPRISE,
        "through_id": through,
    }
    return int(run(_STEP_MADE, line).scalar())


def amend(
    person: Person, need: Any, words: Mapping[str, Any], fields: Sequence[str], version: int, at: datetime
) -> None:
    """Put `words` in place of the need's `fields`, unless somebody saved after `version`. Raises Stale."""
    if "title" in fields:
        words = {**words, "title_waits": at}
    changed = run(
        sa.update(_need)
        .where(_need.c.id == need.id, _need.c.version == version, _need.c.status.not_in(ENDED))
        .values(version=version + 1, updated_at=at, **words)
    )
    if changed.rowcount != 1:
        raise Stale
    made(need.id, version + 1)
    if "title" in fields:
        forget(need.id)
    if fields:
        _log(need.id, person, at, need.status, need.status, "")
        audit.record(
            "need_changed",
            f"need:{need.id}",
            actor=person,
            enterprise=need.enterprise_id,
            fields=list(fields),
        )


def note(person: Person, need: Any, text: str, at: datetime, *, shown: bool = False) -> int:
    """A line in the log, for the enterprise too when it is `shown`; the need stays where it is. Returns its number."""
    line = _log(need.id, person, at, need.status, need.status, text, shown=shown)
    audit.record("need_noted", f"need:{need.id}", actor=person, enterprise=need.enterprise_id)
    return line


def attach(
    person: Person | None,
    need_id: uuid.UUID,
    enterprise_id: int,
    line: int | None,
    files: Sequence[Photo | Document],
    at: datetime,
) -> None:
    """Photos and PDFs that came with that line of the log; with none, with the need itself."""
    kept = keep_all(person, enterprise_id, files, at)
    if kept:
        run(
            _FILE,
            [
                {"need_id": need_id, "event_id": line, "attachment_id": one, "position": n}
                for n, one in enumerate(kept, 1)
            ],
        )


def where_to(need: Any, step: Step) -> NeedStatus:
    """Where the step leads from where the need stands. Raises WrongMoment."""
    held = step.name in _TAKING or need.claimed_by_id is not None
    if held and gives_back(step, need.status) and not may_see(need.claimed_by_id, need.enterprise_id):
        held = False  # ended needs are not handed over: whoever ended it may have gone since
    return destination(step, need, came_from=came_from(events_of(need)), held=held, held_by=need.holder)


_TAKING = ("claim", "assign", "pass")  # afterwards somebody else may hold it


@dataclass(frozen=True)
class Said:
    """What a step is told besides its sentence; each step takes its own (steps.Asks)."""

    ending: Ending | None = None
    unit: str = ""
    officer_id: int | None = None
    twin_id: uuid.UUID | None = None
    days: int | None = None
    solved: Solved | None = None
    level: int | None = None


def take_step(
    person: Person | None,
    need: Any,
    step: Step,
    at: datetime,
    *,
    text: str = "",
    said: Said | None = None,
    ending: Ending | None = None,
    files: Sequence[Photo | Document] = (),
    through: uuid.UUID | None = None,
) -> NeedStatus:
    """Move the need on, with what is sent along; returns where it stands now. Raises WrongMoment when it cannot, or
    somebody was quicker.

    `person` is None for what the enterprise does at its door and for what time does; the caller has asked the door.
    `through` is the order at whose receipt the enterprise said it, where that was merged into this need.
    """
    said = said or Said(ending=ending)
    after = where_to(need, step)
    if step.name == "claim" and person is not None:
        _leave_some_to_others(person)
    if step.asks is Asks.TWIN:
        _require_twin(need, said.twin_id)
    values: dict[str, Any] = {
        "status": after,
        "updated_at": at,
        **_holder_after(person, need, step, after, said),
    }
    if after is not need.status:
        values["status_at"] = at
    values |= ticked(limits_of(current_app.config), need, step, after, at) | _result_after(
        need, step, after, said, at
    )
    values |= _besides(need, step, said)
    # One statement asks and moves: of two at once, one finds the need no longer where it was.
    moved = run(
        sa.update(_need)
        .where(
            _need.c.id == need.id,
            _need.c.status == need.status,
            _need.c.claimed_by_id.is_not_distinct_from(need.claimed_by_id),
            _need.c.clock.is_not_distinct_from(need.clock),
            _need.c.paused_at.is_not_distinct_from(need.paused_at),
            _need.c.asked_days.is_not_distinct_from(need.asked_days),
            _need.c.reopened == need.reopened,
        )
        .values(values)
    )
    if moved.rowcount != 1:
        raise _overtaken(need.id, step)
    if step.asks is Asks.TWIN:
        # Whatever had been merged into this one goes along: nobody follows a chain.
        run(sa.update(_need).where(_need.c.merged_into_id == need.id).values(merged_into_id=said.twin_id))
    if step.asks is Asks.RATING:
        _keep_rating(need, said, text, at)
    line = _log(
        need.id, person, at, need.status, after, _in_words(step, need, said, text), step, through=through
    )
    attach(person, need.id, need.enterprise_id, line, files, at)
    detail: dict[str, Any] = {"step": step.name}
    if said.ending:
        detail["ending"] = said.ending.name
    audit.record(
        "call_wanted" if step.name == "call" else "need_moved",
        f"need:{need.id}",
        actor=person,
        nameless=person is None,
        enterprise=need.enterprise_id,
        before=need.status.name,
        after=after.name,
        **detail,
    )
    _tell_of(person, need, step, after, said, text, at)
    return after


def rate(need: Any, solved: Solved, level: int, comment: str, at: datetime) -> NeedStatus:
    """The enterprise's word on a result. Dissatisfied, and not given back twice before, it is worked on again at once
    and raised to the leads.
    """
    after = take_step(None, need, STEPS["rate"], at, text=comment, said=Said(solved=solved, level=level))
    if not is_dissatisfied(solved, level) or need.reopened >= REOPENED_AT_MOST:
        return after
    now = need_at_door(need.id)
    assert now is not None  # it has just been rated in this transaction
    # What was written beside the stars is for the leads to read; whoever works on it hears that it was not solved.
    return take_step(None, now, STEPS["redo"], at, text=_(solved.value))


def _leave_some_to_others(person: Person) -> None:
    """Nobody hoards: what one officer works on at a time is limited. Raises WrongMoment."""
    most = current_app.config["CLAIMS_MOST"]
    # Two claims of one officer at once: the second waits here until the first is counted.
    # (Rows that refer to the person hold a key share of theirs already: this lock goes along with those.)
    run(sa.select(User.id).where(User.id == person.id).with_for_update(key_share=True))
    held = fetch(
        sa.select(sa.func.count().label("count"))
        .select_from(_need)
        .where(_need.c.claimed_by_id == person.id, _need.c.status.in_(HELD))
    )[0].count
    if held >= most:
        raise WrongMoment(
            _(
                "你手上在办的已有 %(count)s 件，最多 %(most)s 件。先办好几件，或者留给同事来接。",
                count=held,
                most=most,
            )
        )


def _require_twin(need: Any, twin_id: uuid.UUID | None) -> None:
    """What a need is merged into is another open need of the same enterprise. Raises WrongMoment."""
    twin = sa.select(_need.c.id).where(
        _need.c.id == twin_id,
        _need.c.id != need.id,
        _need.c.enterprise_id == need.enterprise_id,
        _need.c.status.not_in(ENDED),
    )
    if need.source is NeedSource.ORDER:
        twin = twin.where(_need.c.source == NeedSource.ORDER)
    if not run(twin.with_for_update()).first():
        raise WrongMoment(_("要并入的那条需求刚刚结束了，请另选一条。"))


def _holder_after(
    person: Person | None, need: Any, step: Step, after: NeedStatus, said: Said
) -> dict[str, Any]:
    if step.name == "claim" and person is not None:
        return {"claimed_by_id": person.id}
    if step.asks is Asks.OFFICER:
        return {"claimed_by_id": said.officer_id}
    if after in WITH_HOLDER or after in ENDED:
        return {}
    return {"claimed_by_id": None}


def _result_after(need: Any, step: Step, after: NeedStatus, said: Said, at: datetime) -> dict[str, Any]:
    """The kind of ending, and since when it has ended."""
    values: dict[str, Any] = {}
    if after in ENDED and need.status not in ENDED:
        values["ended_at"] = at
    elif after not in ENDED and need.status in ENDED:
        values["ended_at"] = None
    if step.asks is Asks.ENDING:
        values["ending"] = said.ending
    elif step.asks is Asks.RATING and said.solved is not Solved.YES and need.ending is Ending.SOLVED:
        # Solved is what the enterprise calls so.
        values["ending"] = Ending.PARTLY if said.solved is Solved.PARTLY else Ending.IMPOSSIBLE
    elif after not in (*RESULTS, NeedStatus.ON_HOLD):  # a result may be put aside and taken up again
        values["ending"] = None
    return values


def _besides(need: Any, step: Step, said: Said) -> dict[str, Any]:
    if gives_back(step, need.status):
        return {"reopened": need.reopened + 1}
    if step.asks is Asks.UNIT:
        return {"referred_to": said.unit}
    if step.asks is Asks.TWIN:
        return {"merged_into_id": said.twin_id}
    if step.asks is Asks.DAYS:
        return {"asked_days": said.days}
    if step.name == "reopen":
        return {"referred_to": "", "merged_into_id": None}
    return {}


def _keep_rating(need: Any, said: Said, text: str, at: datetime) -> None:
    run(
        _RATING,
        {
            "need_id": need.id,
            "officer_id": need.claimed_by_id,
            "at": at,
            "solved": said.solved,
            "level": said.level,
            "comment": text,
        },
    )


def _in_words(step: Step, need: Any, said: Said, text: str) -> str:
    """The sentence of the log, with what else was told before it. A rating's own words are for the leads only."""
    if step.asks is Asks.RATING:
        return ""
    if step.asks is Asks.UNIT:
        return _TO_UNIT % {"unit": said.unit} + text
    if step.asks is Asks.OFFICER:
        return _TO_OFFICER % {"name": _name_of(said.officer_id)} + text
    if step.asks is Asks.DAYS or step.name == "grant":
        days = said.days if step.asks is Asks.DAYS else need.asked_days
        return MORE_DAYS % {"days": days} + text
    return text


_TO_UNIT, _TO_OFFICER = N_("转给%(unit)s。"), N_("派给%(name)s。")


def _name_of(user_id: int | None) -> str:
    return next((row.name for row in fetch(sa.select(User.name).where(User.id == user_id))), "")


def _tell_of(
    person: Person | None, need: Any, step: Step, after: NeedStatus, said: Said, text: str, at: datetime
) -> None:
    """What people hear of a step: what was done with a word of why, what the enterprise says, what waits for them.

    Plain progress is on the page.
    """
    who: set[int | None] = set()
    offered = gives_back(step, need.status) and after is NeedStatus.ACCEPTED  # to whoever serves them now
    if step.who in (Who.ENTERPRISE, Who.CLOCK):
        who = (
            {need.claimed_by_id}
            if need.claimed_by_id and not offered
            else set(those_serving(need.enterprise_id))
        )
        if step.name in ("redo", "recall"):
            who |= set(leads_of(need.enterprise_id))
    elif step.asks is Asks.DAYS:
        who = set(leads_of(need.enterprise_id))
    elif step.asks is not Asks.NOTHING:
        who = {need.author_id, need.claimed_by_id, said.officer_id}
        if offered:
            who |= set(those_serving(need.enterprise_id))
    kind = _KINDS.get(step.name, "need_step")
    for user_id in who - {None, person.id if person else None}:
        assert user_id is not None
        path = f"/needs/{need.id}" if may_see(user_id, need.enterprise_id) else ""
        tell(
            user_id,
            kind,
            at,
            path,
            urgent=kind == "call_wanted",
            enterprise=need.enterprise if kind == "call_wanted" else None,
            by=person.name if person else None,
            title=need.title,
            step=after.value,
            note="" if step.asks is Asks.RATING else text,
            days=said.days,
        )


# Notices that have a sentence of their own.
_KINDS = {
    "complete": "need_said", "answer": "need_said", "add": "need_said", "redo": "need_given_back",
    "recall": "need_recalled", "call": "call_wanted", "rate": "need_rated", "assign": "need_assigned",
    "pass": "need_assigned", "extend": "need_extension_asked", "idle": "need_idle", "lapse": "need_lapsed",
}  # fmt: skip


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


def _offered_again(at: datetime) -> dict[str, Any]:
    """The columns of a need that waits to be claimed from now on."""
    warn_at, due_at = instants(limits_of(current_app.config), Clock.CLAIM, NeedKind.OTHER, at)
    return STOPPED | {
        "status": NeedStatus.ACCEPTED,
        "status_at": at,
        "clock": Clock.CLAIM,
        "clock_from": at,
        "warn_at": warn_at,
        "due_at": due_at,
    }


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
        # Held until this is over: one that is being resolved just now is looked at afterwards, and has ended then.
        locked = sa.select(_need.c.id, _need.c.status).where(theirs).order_by(_need.c.id).with_for_update()
        rows = run(locked).all()
        if not rows:
            continue
        after: Any = to_id
        which = _need.c.id.in_([row.id for row in rows])
        run(sa.update(_need).where(which).values(claimed_by_id=after, updated_at=at))
        back = {row.id for row in rows if to_id is None and row.status in HELD}
        if back:
            run(sa.update(_need).where(_need.c.id.in_(back)).values(_offered_again(at)))
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
