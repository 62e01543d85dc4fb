"""Who sees which enterprise: one condition in SQL, used by lists, counts, exports, search and pages alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from fieldapp.enterprises.models import Assignment, Enterprise

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def assigned_to(officer_id: int) -> sa.Select[tuple[int]]:
    """Ids of the enterprises this officer serves today, as main officer or helper."""
    return sa.select(Assignment.enterprise_id).where(
        Assignment.officer_id == officer_id, Assignment.ended_on.is_(None)
    )


def in_pool_of(team_id: int | None) -> ColumnElement[bool]:
    """The team's shared pool: nobody's yet."""
    return sa.and_(Enterprise.team_id == team_id, Enterprise.officer_id.is_(None))


def led_by(person: Person) -> ColumnElement[bool]:
    teams = person.led_team_ids
    if len(teams) == 1:  # plain equality lets both planners walk the (team, due) index in order
        return Enterprise.team_id == teams[0]
    return Enterprise.team_id.in_(teams) if teams else sa.false()


def visible_to(person: Person) -> ColumnElement[bool]:
    """Officers: assigned to them, or their team's pool. Leads: their teams'. Admins and auditors: none."""
    if person.is_officer:
        mine = Enterprise.id.in_(assigned_to(person.id))
        return sa.or_(mine, in_pool_of(person.team_id)) if person.team_id else mine
    return led_by(person) if person.is_lead else sa.false()


def serves_enterprises(person: Person) -> bool:
    """Officers and leads work with enterprises; admins and auditors do not."""
    return person.is_officer or person.is_lead


def can_record_visit(person: Person, enterprise: Enterprise) -> bool:
    """Whoever may see an enterprise may visit it."""
    return serves_enterprises(person)


def can_see_phones(person: Person, enterprise: Enterprise) -> bool:
    return serves_enterprises(person)


def can_assign(person: Person, enterprise: Enterprise) -> bool:
    return person.is_lead and enterprise.team_id in person.led_team_ids


def can_manage_codes(person: Person, enterprise: Enterprise) -> bool:
    return can_assign(person, enterprise)
