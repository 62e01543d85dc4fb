"""The worker's part: what waits in the outbox goes out.

Claimed in one short transaction, sent while none is open, settled in another. Of a worker that is killed in between
the claim runs out, and the message goes again: at least once. It was counted as a try when it was claimed, so a message
that kills whoever sends it ends among the dead letters like any other.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from fieldapp.accounts.models import User
from fieldapp.db import own_transaction, reading
from fieldapp.languages import _, speaking_in
from fieldapp.notices import channels
from fieldapp.notices.models import Channel, ChannelKind, Delivery, DeliveryState, Notification
from fieldapp.notices.queries import quiet_of, usual_quiet
from fieldapp.notices.rules import Quiet, due, next_open, wait_after
from fieldapp.notices.words import sentence
from fieldapp.pages import same_site_path
from fieldapp.work import is_ending

MOST_TOGETHER = 200  # rows of one digest
MOST_LINES = 10  # of them written out
MOST_IN_A_ROW = 100  # messages before another job may have its turn

_WAITING = Delivery.state == DeliveryState.WAITING


@dataclass(frozen=True)
class Message:
    """What goes out as one: a single notice or a digest of several."""

    claim: str
    ids: tuple[int, ...]
    kind: ChannelKind
    target: str
    secret: str
    language: str
    lines: tuple[tuple[str, dict[str, Any], str], ...]  # kind of notice, details, path
    test: bool
    tries: int


def deliver(now: datetime) -> bool:
    """Send what is due. True when there may be more."""
    began = time.monotonic()
    with reading() as session:  # mostly there is nothing, and then no lock is taken
        if session.execute(sa.select(Delivery.id).where(_free(now)).limit(1)).first() is None:
            return False
    for _number in range(MOST_IN_A_ROW):
        if is_ending():
            return False
        at = now + timedelta(seconds=time.monotonic() - began)
        with own_transaction() as session:
            message = _claim_next(session, at)
        if message is None:
            return False
        fault = _send(message)
        with own_transaction() as session:
            _settle(session, message, fault, now + timedelta(seconds=time.monotonic() - began))
    return True


def _free(at: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        _WAITING,
        Delivery.due_at <= at,
        sa.or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= at),
    )


_LOOKED_AT = (
    Delivery.id,
    Delivery.channel_id,
    Delivery.kind,
    Delivery.details,
    Delivery.path,
    Delivery.urgent,
    Delivery.test,
    Delivery.tries,
    Notification.kind.label("told"),
    Notification.details.label("told_details"),
    Notification.path.label("told_path"),
    Notification.read_at,
)


def _claim_next(session: Session, at: datetime) -> Message | None:
    """The message that has been due longest, marked as ours; on the way, what must not go now is put off or ended."""
    while True:
        first = session.execute(
            sa.select(*_LOOKED_AT, Channel, User.active.label("has_account"), User.language)
            .join(Channel, Channel.id == Delivery.channel_id)
            .outerjoin(User, User.id == Channel.user_id)
            .outerjoin(Notification, Notification.id == Delivery.notification_id)
            .where(_free(at))
            .order_by(Delivery.due_at, Delivery.id)
            .limit(1)
        ).first()
        if first is None:
            return None
        channel = first.Channel
        gone = "removed" if not channel.active else "disabled" if first.has_account is False else ""
        if gone:
            _end(session, sa.and_(Delivery.channel_id == channel.id, _WAITING), gone, at)
            continue
        if first.tries >= current_app.config["DELIVERY_TRIES"]:
            # Whoever sent it the last time was killed over it.
            _end(session, Delivery.id == first.id, "killed", at, DeliveryState.DEAD)
            continue
        quiet = quiet_of(channel.user_id, session) if channel.user_id else usual_quiet()
        opens = next_open(at, quiet)
        if opens > at and not first.test:
            _put_off(session, channel.id, quiet, at)
            continue
        rows = [first] if first.urgent or not quiet.digest else _waiting_with(session, channel.id, at)
        read = [row.id for row in rows if row.read_at is not None]
        if read:
            _end(session, Delivery.id.in_(read), "read", at)
        message = _claimed(
            session, channel, first.language or "zh", [r for r in rows if r.read_at is None], at
        )
        if message is not None:
            return message


def _waiting_with(session: Session, channel_id: int, at: datetime) -> Sequence[Any]:
    return session.execute(
        sa.select(*_LOOKED_AT)
        .outerjoin(Notification, Notification.id == Delivery.notification_id)
        .where(_free(at), Delivery.channel_id == channel_id, ~Delivery.urgent)
        .order_by(Delivery.id)
        .limit(MOST_TOGETHER)
    ).all()


def _put_off(session: Session, channel_id: int, quiet: Quiet, at: datetime) -> None:
    """It is quiet where these were to go: the worker was away, or the person has changed their hours."""
    for urgent in (True, False):
        session.execute(
            sa.update(Delivery)
            .where(_free(at), Delivery.channel_id == channel_id, Delivery.urgent == urgent, ~Delivery.test)
            .values(due_at=due(at, quiet, urgent=urgent))
        )


def _end(
    session: Session,
    which: sa.ColumnElement[bool],
    error: str,
    at: datetime,
    state: DeliveryState = DeliveryState.GIVEN_UP,
) -> None:
    session.execute(sa.update(Delivery).where(which, _WAITING).values(state=state, error=error, ended_at=at))


def _claimed(
    session: Session, channel: Channel, language: str, rows: Sequence[Any], at: datetime
) -> Message | None:
    """Those of the rows that nobody was quicker to claim; PostgreSQL asks the condition again after waiting."""
    claim = secrets.token_hex(16)
    until = at + timedelta(seconds=current_app.config["DELIVERY_CLAIM_SECONDS"])
    got = set(
        session.scalars(
            sa.update(Delivery)
            .where(Delivery.id.in_([row.id for row in rows]), _free(at))
            .values(claim=claim, claimed_until=until, tries=Delivery.tries + 1)
            .returning(Delivery.id)
        )
    )
    ours = [row for row in rows if row.id in got]
    if not ours:
        return None
    return Message(
        claim=claim,
        ids=tuple(row.id for row in ours),
        kind=channel.kind,
        target=channel.target,
        secret=channel.secret,
        language=language,
        lines=tuple(
            (row.told or row.kind, row.told_details or row.details or {}, row.told_path or row.path)
            for row in ours
        ),
        test=ours[0].test,
        tries=max(row.tries for row in ours) + 1,
    )


def _send(message: Message) -> str:
    """ "" when it went, else the code of what went wrong."""
    try:
        with speaking_in(message.language):
            title, text = words_of(message)
        channels.send(message.kind, message.target, message.secret, title, text, current_app.config)
    except channels.Fault as fault:
        return fault.code
    return ""


def words_of(message: Message) -> tuple[str, str]:
    """(title, text) in the language spoken now: one notice with where it leads, or a list that leads to the inbox."""
    site = current_app.config["PUBLIC_URL"]
    most = channels.LONGEST[message.kind]
    if len(message.lines) == 1:
        kind, details, path = message.lines[0]
        title = _("青助企提醒")
        end = f"\n{site}{same_site_path(path) or '/notices'}"
        said = sentence(kind, details)
    else:
        title = _("青助企：%(count)s 件事和你有关", count=len(message.lines))
        end = f"\n{site}/notices"
        left = len(message.lines) - MOST_LINES
        said = "\n".join(
            f"{number}. {sentence(kind, details)}"
            for number, (kind, details, _path) in enumerate(message.lines[:MOST_LINES], 1)
        )
        if left > 0:
            end = "\n" + _("还有 %(count)s 件，打开青助企看。", count=left) + end
    return title, channels.cut(said, most - len((title + end).encode()) - 2) + end


def _settle(session: Session, message: Message, fault: str, at: datetime) -> None:
    """Marked once: only while the claim is still ours."""
    config = current_app.config
    ours = sa.and_(Delivery.id.in_(message.ids), Delivery.claim == message.claim, _WAITING)
    dead = sa.and_(ours, Delivery.tries >= config["DELIVERY_TRIES"])
    free: dict[str, Any] = {"claim": "", "claimed_until": None, "error": fault}
    over = free | {"ended_at": at}
    if not fault:
        session.execute(sa.update(Delivery).where(ours).values(**over, state=DeliveryState.SENT))
    elif message.test:
        session.execute(sa.update(Delivery).where(ours).values(**over, state=DeliveryState.GIVEN_UP))
    else:
        wait = wait_after(message.tries, config["DELIVERY_FIRST_WAIT"], config["DELIVERY_LONGEST_WAIT"])
        session.execute(sa.update(Delivery).where(dead).values(**over, state=DeliveryState.DEAD))
        session.execute(sa.update(Delivery).where(ours).values(**free, due_at=at + wait))
