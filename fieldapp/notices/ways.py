"""Setting up how somebody, or a team, is told outside the app; and what admins do about messages that did not go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fieldapp import audit
from fieldapp.accounts.models import Team
from fieldapp.db import db, run
from fieldapp.notices.models import TEST, Channel, ChannelKind, Delivery, DeliveryState, QuietTime
from fieldapp.refusals import NotFound

if TYPE_CHECKING:
    from fieldapp.accounts import Person

ROBOTS = (ChannelKind.DINGTALK, ChannelKind.WECOM)


@dataclass(frozen=True)
class Owner:
    """Whose ways they are: a person's own, or a team's. One of the two numbers is given."""

    user_id: int | None = None
    team_id: int | None = None
    name: str = ""

    @property
    def subject(self) -> str:
        return f"team:{self.team_id}" if self.team_id else f"user:{self.user_id}"

    def owns(self) -> sa.ColumnElement[bool]:
        return Channel.team_id == self.team_id if self.team_id else Channel.user_id == self.user_id


def find_team(person: Person, team_id: int) -> Owner:
    """The door to a team's robots, for admins and its leads. Raises NotFound for any other lead."""
    team = db.session.get(Team, team_id)
    if team is None or not (person.is_admin or team_id in person.led_team_ids):
        raise NotFound
    return Owner(team_id=team.id, name=team.name)


def find_channel(owner: Owner, kind: ChannelKind) -> Channel | None:
    """The owner's channel of that kind, while it is in use."""
    query = sa.select(Channel).where(owner.owns(), Channel.kind == kind, Channel.active)
    return db.session.scalars(query).first()


def open_channel(
    person: Person, owner: Owner, kind: ChannelKind, target: str, secret: str, at: datetime
) -> None:
    """Begin, or go on elsewhere; what waits for the old address goes to the new one."""
    query = sa.select(Channel).where(owner.owns(), Channel.kind == kind)
    channel = db.session.scalars(query).first() or Channel(
        user_id=owner.user_id, team_id=owner.team_id, kind=kind
    )
    channel.target, channel.secret, channel.active, channel.updated_at = target, secret, True, at
    db.session.add(channel)
    db.session.flush()
    audit.record("channel_opened", owner.subject, actor=person, how=kind.name)


def close_channel(person: Person, owner: Owner, kind: ChannelKind, at: datetime) -> None:
    """Nothing more goes that way, and its address and secret are forgotten."""
    channel = find_channel(owner, kind)
    if channel is None:
        raise NotFound
    channel.target, channel.secret, channel.active, channel.updated_at = "", "", False, at
    run(
        sa.update(Delivery)
        .where(Delivery.channel_id == channel.id, Delivery.state == DeliveryState.WAITING)
        .values(state=DeliveryState.GIVEN_UP, error="removed", ended_at=at)
    )
    audit.record("channel_closed", owner.subject, actor=person, how=kind.name)


def send_test(person: Person, owner: Owner, kind: ChannelKind, at: datetime) -> None:
    """One message for the worker to send at once, quiet or not: whoever asks for it is looking."""
    channel = find_channel(owner, kind)
    if channel is None:
        raise NotFound
    run(sa.delete(Delivery).where(Delivery.channel_id == channel.id, Delivery.key == TEST))
    db.session.add(
        Delivery(
            channel_id=channel.id, kind="channel_test", details={"by": person.name}, key=TEST, test=True,
            urgent=True, created_at=at, due_at=at,
        )
    )  # fmt: skip
    db.session.flush()


def set_quiet(
    person: Person, starts: time, ends: time, at: datetime, *, days_off: bool, digest: bool
) -> None:
    """From now on; what already waits is looked at again when it is due."""
    mine = db.session.get(QuietTime, person.id) or QuietTime(user_id=person.id)
    mine.starts, mine.ends, mine.days_off, mine.digest = starts, ends, days_off, digest
    db.session.add(mine)
    db.session.flush()
    audit.record("quiet_changed", f"user:{person.id}", actor=person)


def find_dead(delivery_id: int) -> Delivery:
    """A message that did not go. Raises NotFound for any other."""
    delivery = db.session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is None or delivery.state is not DeliveryState.DEAD:
        raise NotFound
    return delivery


def try_again(person: Person, delivery: Delivery, at: datetime) -> None:
    """All its tries once more, beginning when it is next not quiet."""
    delivery.state, delivery.tries, delivery.due_at = DeliveryState.WAITING, 0, at
    delivery.error, delivery.ended_at, delivery.claim, delivery.claimed_until = "", None, "", None
    audit.record("delivery_retried", f"delivery:{delivery.id}", actor=person)


def give_up(person: Person, delivery: Delivery, at: datetime) -> None:
    delivery.state, delivery.ended_at = DeliveryState.GIVEN_UP, at
    audit.record("delivery_given_up", f"delivery:{delivery.id}", actor=person)
