"""The enterprise says whether somebody was there: codes given out, answers taken, once for every visit.

A confirmation is advice for those who read the record. Nobody owes one, and no place is asked for.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session, aliased

from fieldapp import audit, clock
from fieldapp.accounts import Team, User
from fieldapp.accounts.models import Role, team_lead
from fieldapp.codes.models import QrCode
from fieldapp.db import fetch, keep_if_refused, run
from fieldapp.enterprises.models import Enterprise
from fieldapp.enterprises.queries import may_see
from fieldapp.followups import FollowUp, FollowUpStatus
from fieldapp.languages import lazy
from fieldapp.notices.actions import tell
from fieldapp.refusals import Conflict
from fieldapp.visits import history, ratings
from fieldapp.visits.models import (
    HAPPENED,
    Answer,
    CodeKind,
    Visit,
    VisitCode,
    VisitStep,
    VisitWay,
    visit_companion,
)

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.visits.queries import VisitFile

LONGEST_TOKEN = 64  # ours have 22 characters, 128 random bits
MOST_ANSWERS = 6  # the first, and as often as that put right: whoever plays with it is heard no more
MOST_CODES = 40  # given out for one visit in all; who needs more has a printer jam, not a confirmation

_visit, _code = Visit.__table__, VisitCode.__table__
_officer = aliased(User)
_VALID = sa.and_(
    _code.c.revoked_at.is_(None), _code.c.expires_at > sa.bindparam("now", type_=_code.c.expires_at.type)
)


class NothingToConfirm(Conflict):
    message = lazy("这次走访还没有发生，或者已经取消，不用请企业确认。")


class AnsweredAlready(Conflict):
    message = lazy("企业已经回答过了，不用再请。")


class TooManyCodes(Conflict):
    message = lazy("这次走访的确认码出示得太多了。请对方打服务团的电话。")


# The officer's side.


@dataclass(frozen=True)
class Given:
    """What is shown once and stored nowhere."""

    shown: str  # token behind the symbol on the officer's phone
    digits: str
    link: str  # token of the link to be sent
    shown_until: datetime
    link_until: datetime


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _digits_hash(enterprise_id: int, digits: str) -> bytes:
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.digest(key, f"visit:{enterprise_id}:{digits}".encode(), "sha256")


def may_still_answer(answered_at: datetime | None, version: int, at: datetime) -> bool:
    """Not said yet, or said so lately that it may be put right."""
    if answered_at is None:
        return True
    limit = timedelta(hours=current_app.config["ANSWER_CORRECTION_HOURS"])
    return at - answered_at < limit and version < MOST_ANSWERS


def _issue(
    visit_id: uuid.UUID,
    kind: CodeKind,
    by_id: int | None,
    at: datetime,
    until: datetime,
    digits: bytes | None = None,
) -> str:
    token = secrets.token_urlsafe(16)
    row = {
        "visit_id": visit_id,
        "kind": kind,
        "token_hash": _hash(token),
        "digits_hash": digits,
        "issued_at": at,
        "issued_by_id": by_id,
        "expires_at": until,
    }
    run(sa.insert(_code), row)
    return token


def ask(person: Person, file: VisitFile, at: datetime) -> Given:
    """A code to show and a link to send. What was shown before counts no more; links that were sent go on.

    Raises NothingToConfirm, AnsweredAlready, TooManyCodes.
    """
    visit = file.visit
    if visit.status not in HAPPENED:
        raise NothingToConfirm
    if not may_still_answer(visit.answered_at, visit.answer_version, at):
        raise AnsweredAlready
    given = fetch(sa.select(sa.func.count()).select_from(_code).where(_code.c.visit_id == visit.id))[0][0]
    if given >= 2 * MOST_CODES:
        raise TooManyCodes
    run(
        sa.update(_code)
        .where(_code.c.visit_id == visit.id, _code.c.kind == CodeKind.SHOWN, _code.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    shown_until = at + timedelta(minutes=current_app.config["VISIT_CODE_MINUTES"])
    link_until = at + timedelta(days=current_app.config["VISIT_LINK_DAYS"])
    digits = _free_digits(visit.enterprise_id, at)
    hashed = _digits_hash(visit.enterprise_id, digits)
    shown = _issue(visit.id, CodeKind.SHOWN, person.id, at, shown_until, hashed)
    link = _issue(visit.id, CodeKind.LINK, person.id, at, link_until)
    audit.record("visit_code_given", f"visit:{visit.id}", actor=person, enterprise=visit.enterprise_id)
    return Given(shown, digits, link, shown_until, link_until)


def _free_digits(enterprise_id: int, at: datetime) -> str:
    """Six digits that lead to no other visit of this enterprise meanwhile."""
    while True:
        digits = f"{secrets.randbelow(900_000) + 100_000}"
        if not fetch(_BY_DIGITS, {"digits": _digits_hash(enterprise_id, digits), "now": at}):
            return digits


def take_back(person: Person, file: VisitFile, at: datetime) -> None:
    """Nothing that was given out for this visit leads there any longer."""
    ended = run(
        sa.update(_code)
        .where(_code.c.visit_id == file.visit.id, _code.c.revoked_at.is_(None), _code.c.expires_at > at)
        .values(revoked_at=at)
    )
    if ended.rowcount:
        audit.record(
            "visit_codes_revoked",
            f"visit:{file.visit.id}",
            actor=person,
            enterprise=file.visit.enterprise_id,
            count=ended.rowcount,
        )


# The enterprise's side.


@dataclass(frozen=True)
class Asked:
    """What the enterprise is shown of a visit: who came, when, what for, what was promised. Nothing that was said,
    nobody of the enterprise, no other visit."""

    code_id: int
    visit_id: uuid.UUID
    gone: str  # why this leads nowhere any more: "expired", "revoked", "called off", or ""
    enterprise_id: int
    enterprise: str
    team: str
    team_id: int | None
    office_phone: str
    door: str  # token of the code on the enterprise's door
    officer_id: int
    officer: str
    way: VisitWay
    arrived_at: datetime
    left_at: datetime | None
    purposes: list[str]
    answer: Answer | None
    answer_text: str
    answered_at: datetime | None
    answer_version: int
    companions: list[Any]  # rows: id, name
    promises: list[Any]  # rows: title, due_on, assignee

    @property
    def names(self) -> list[str]:
        return [self.officer, *(row.name for row in self.companions)]

    @property
    def officer_ids(self) -> list[int]:
        return [self.officer_id, *(row.id for row in self.companions)]


_BY_TOKEN = (
    sa.select(
        _code.c.id.label("code_id"),
        _code.c.expires_at,
        _code.c.revoked_at,
        Visit.id.label("visit_id"),
        Visit.status,
        Visit.officer_id,
        Visit.way,
        Visit.arrived_at,
        Visit.left_at,
        Visit.purposes,
        Visit.answer,
        Visit.answer_text,
        Visit.answered_at,
        Visit.answer_version,
        Enterprise.id.label("enterprise_id"),
        Enterprise.name.label("enterprise"),
        Enterprise.team_id,
        Team.name.label("team"),
        Team.office_phone,
        QrCode.token.label("door"),
        _officer.name.label("officer"),
    )
    .select_from(_code)
    .join(Visit, Visit.id == _code.c.visit_id)
    .join(Enterprise, Enterprise.id == Visit.enterprise_id)
    .join(_officer, _officer.id == Visit.officer_id)
    .outerjoin(Team, Team.id == Enterprise.team_id)
    .outerjoin(QrCode, sa.and_(QrCode.enterprise_id == Enterprise.id, QrCode.revoked_at.is_(None)))
    .where(_code.c.token_hash == sa.bindparam("token_hash"))
)
_COMPANIONS = (
    sa.select(User.id, User.name)
    .join(visit_companion, visit_companion.c.officer_id == User.id)
    .where(visit_companion.c.visit_id == sa.bindparam("visit", type_=visit_companion.c.visit_id.type))
    .order_by(User.name, User.id)
)
_PROMISES = (
    sa.select(FollowUp.title, FollowUp.due_on, User.name.label("assignee"))
    .join(User, User.id == FollowUp.assignee_id)
    .where(
        FollowUp.visit_id == sa.bindparam("visit", type_=FollowUp.visit_id.type),
        FollowUp.status != FollowUpStatus.DROPPED,
    )
    .order_by(FollowUp.due_on, FollowUp.id)
)
_BY_DIGITS = (
    sa.select(_code.c.visit_id, Visit.status, _code.c.id)
    .join(Visit, Visit.id == _code.c.visit_id)
    .where(_code.c.digits_hash == sa.bindparam("digits"), _VALID)
)


def find_asked(token: str, at: datetime) -> Asked | None:
    """What this token leads to; None when it was never given out. `gone` says why it leads nowhere any more."""
    if not 20 <= len(token) <= LONGEST_TOKEN or not token.isascii():
        return None
    row = next(iter(fetch(_BY_TOKEN, {"token_hash": _hash(token)})), None)
    if row is None:
        return None
    gone = ""
    if row.revoked_at is not None:
        gone = "revoked"
    elif row.expires_at <= at:
        gone = "expired"
    elif row.status not in HAPPENED or row.arrived_at is None:
        gone = "called off"
    return Asked(
        code_id=row.code_id,
        visit_id=row.visit_id,
        gone=gone,
        enterprise_id=row.enterprise_id,
        enterprise=row.enterprise,
        team=row.team or "",
        team_id=row.team_id,
        office_phone=row.office_phone or "",
        door=row.door or "",
        officer_id=row.officer_id,
        officer=row.officer,
        way=row.way,
        arrived_at=row.arrived_at,
        left_at=row.left_at,
        purposes=list(row.purposes),
        answer=row.answer,
        answer_text=row.answer_text,
        answered_at=row.answered_at,
        answer_version=row.answer_version,
        companions=[] if gone else list(fetch(_COMPANIONS, {"visit": row.visit_id})),
        promises=[] if gone else list(fetch(_PROMISES, {"visit": row.visit_id})),
    )


def open_by_digits(enterprise_id: int, digits: str, at: datetime) -> str | None:
    """The token of a way of its own for whoever typed the six digits that are shown at this enterprise now.

    None for wrong ones, which count against everything that is shown there, also when the request is refused; after a
    few the digits are no good any more, and the officer shows new ones.
    """
    found = fetch(_BY_DIGITS, {"digits": _digits_hash(enterprise_id, digits), "now": at})
    if not found:
        here = sa.select(Visit.id).where(Visit.enterprise_id == enterprise_id)
        shown = sa.and_(
            _code.c.digits_hash.is_not(None), _code.c.revoked_at.is_(None), _code.c.expires_at > at
        )
        wrong = _code.c.wrong_tries + 1
        spent = wrong >= current_app.config["VISIT_CODE_WRONG_TRIES"]
        count = (
            sa.update(_code)
            .where(shown, _code.c.visit_id.in_(here))
            .values(wrong_tries=wrong, digits_hash=sa.case((spent, sa.null()), else_=_code.c.digits_hash))
        )

        def told(session: Session) -> None:
            session.connection().execute(count)

        keep_if_refused(told)
        return None
    until = at + timedelta(minutes=current_app.config["VISIT_CODE_MINUTES"])
    return _issue(found[0].visit_id, CodeKind.TYPED, None, at, until)


def answer(
    asked: Asked,
    said: Answer,
    text: str,
    at: datetime,
    *,
    level: ratings.Level | None = None,
    troubles: Collection[ratings.Trouble] = (),
) -> bool:
    """The first answer to a visit; False when somebody was quicker, and nothing is written then.

    What was said without a name is counted apart, and not when nobody came.
    """
    first = (
        sa.update(_visit)
        .where(_visit.c.id == asked.visit_id, _visit.c.answer.is_(None), _visit.c.status.in_(HAPPENED))
        .values(answer=said, answer_text=text, answered_at=at, answer_version=1)
    )
    if not run(first).rowcount:
        return False
    _note(asked, said, text, at, {"answer": [None, said.name]})
    audit.record("visit_answered", f"visit:{asked.visit_id}", enterprise=asked.enterprise_id, after=said.name)
    if said is not Answer.DENIED:
        month = clock.local(at).date()
        ratings.count(asked.officer_ids, asked.team_id, month, level, troubles)
    return True


def correct(asked: Asked, version: int, said: Answer, text: str, at: datetime) -> bool:
    """Put the answer right that was given `version` times; False when somebody else did so meanwhile, or when it is too
    late. The record keeps both."""
    limit = at - timedelta(hours=current_app.config["ANSWER_CORRECTION_HOURS"])
    again = (
        sa.update(_visit)
        .where(
            _visit.c.id == asked.visit_id,
            _visit.c.answer_version == version,
            _visit.c.answer_version.between(1, MOST_ANSWERS - 1),
            _visit.c.answered_at > limit,
        )
        .values(answer=said, answer_text=text, answer_version=version + 1)
    )
    if not run(again).rowcount:
        return False
    before = asked.answer.name if asked.answer else None
    changes = history.compared(
        {"answer": before, "answer_text": asked.answer_text}, {"answer": said.name, "answer_text": text}
    )
    _note(asked, said, "", at, changes)
    audit.record(
        "visit_answer_corrected",
        f"visit:{asked.visit_id}",
        enterprise=asked.enterprise_id,
        before=before,
        after=said.name,
    )
    return True


_LEADS = (
    sa.select(team_lead.c.user_id)
    .join(User, User.id == team_lead.c.user_id)
    .where(team_lead.c.team_id == sa.bindparam("team", type_=sa.Integer), User.active, User.role == Role.LEAD)
)


def _note(asked: Asked, said: Answer, text: str, at: datetime, changes: dict[str, Any]) -> None:
    """The record's history has a line; who was there and the leads hear of everything but plain agreement. The code
    that was used stays good for as long as a link, so that what was said can be read again."""
    history.note(asked.visit_id, VisitStep.ANSWERED, None, at, text=text, changes=changes)
    until = at + timedelta(days=current_app.config["VISIT_LINK_DAYS"])
    run(
        sa.update(_code)
        .where(_code.c.id == asked.code_id, _code.c.expires_at < until)
        .values(expires_at=until, digits_hash=None)
    )
    put_right = asked.answer is not None and asked.answer is not Answer.CONFIRMED
    if said is Answer.CONFIRMED and not put_right:
        return
    leads = [row.user_id for row in fetch(_LEADS, {"team": asked.team_id})]
    for user_id in dict.fromkeys([*asked.officer_ids, *leads]):
        path = f"/visits/{asked.visit_id}" if may_see(user_id, asked.enterprise_id) else ""
        tell(
            user_id,
            "visit_answered",
            at,
            path,
            key=f"visit:{asked.visit_id}:answer:{asked.answer_version + 1}",
            enterprise=asked.enterprise,
            day=clock.local(asked.arrived_at).date(),
            answer=said.value,
            corrected=int(asked.answer is not None),
        )
