"""Who sees which enterprise: one condition in SQL, used by lists, counts, exports, search and pages alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from fieldapp.enterprises.models import Assignment, Enterprise

if TYPE_CHECKING:
    from fieldapp.accounts import Person


class Scope(NamedTuple):
    """The shape of a person's view: conditions are built once per shape, the person comes in as bind values."""

    role: str
    has_team: bool
    leads: int


def scope_of(person: Person) -> Scope:
    return Scope(person.role.name, person.team_id is not None, len(person.led_team_ids))


def scope_values(person: Person) -> dict[str, Any]:
    """Bind values for every condition of this module."""
    led = {f"led_{at}": team_id for at, team_id in enumerate(person.led_team_ids)}
    return {"viewer": person.id, "viewer_team": person.team_id, **led}


Bind = Callable[[str], "sa.BindParameter[int]"]


def _later(name: str) -> sa.BindParameter[int]:
    """A place in a statement that is built once; its value comes with scope_values()."""
    return sa.bindparam(name, type_=sa.Integer)


def _assigned(bind: Bind) -> sa.Select:
    return sa.select(Assignment.enterprise_id).where(
        Assignment.officer_id == bind("viewer"), Assignment.ended_on.is_(None)
    )


def _pooled(bind: Bind) -> ColumnElement[bool]:
    return sa.and_(Enterprise.team_id == bind("viewer_team"), Enterprise.officer_id.is_(None))


def _visible(scope: Scope, bind: Bind) -> ColumnElement[bool]:
    """Officers: assigned to them, or their team's pool. Leads: their teams'. Admins and auditors: none."""
    if scope.role == "OFFICER":
        mine = Enterprise.id.in_(_assigned(bind))
        return sa.or_(mine, _pooled(bind)) if scope.has_team else mine
    if scope.role != "LEAD" or scope.leads == 0:
        return sa.false()
    if scope.leads == 1:  # plain equality lets both planners walk the (team, due) index in order
        return Enterprise.team_id == bind("led_0")
    return Enterprise.team_id.in_([bind(f"led_{at}") for at in range(scope.leads)])


@cache
def assigned() -> sa.Select:
    """Ids of the enterprises the viewer serves today, as main officer or helper."""
    return _assigned(_later)


@cache
def pooled() -> ColumnElement[bool]:
    """The shared pool of the viewer's team: nobody's yet."""
    return _pooled(_later)


@cache
def visible(scope: Scope) -> ColumnElement[bool]:
    """The one condition for statements that are built once per scope; executed with scope_values(person)."""
    return _visible(scope, _later)


def visible_to(person: Person) -> ColumnElement[bool]:
    """The one condition, with this person in it."""
    values = scope_values(person)
    return _visible(scope_of(person), lambda name: sa.bindparam(name, values[name], type_=sa.Integer))


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
