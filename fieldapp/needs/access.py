"""Who may do what with a need. Whoever sees the enterprise sees its needs; the rest is said here.

`need` is a row of queries.find_need: the columns of a need, and `serves`, whether this person serves its enterprise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fieldapp.enterprises.access import serves_enterprises
from fieldapp.needs.models import ENDED
from fieldapp.needs.steps import INSIDE, STEPS, Step, Who, open_among

if TYPE_CHECKING:
    from fieldapp.accounts import Person
    from fieldapp.enterprises.models import Enterprise


def can_add_need(person: Person, enterprise: Enterprise) -> bool:
    """Whoever may see an enterprise may say what it needs."""
    return serves_enterprises(person)


def can_write(person: Person, need: Any) -> bool:
    """Its author, who has claimed it, officers serving the enterprise, its leads."""
    return person.is_lead or person.id in (need.author_id, need.claimed_by_id) or bool(need.serves)


def can_edit(person: Person, need: Any) -> bool:
    """Its text, as long as it has not ended."""
    return can_write(person, need) and need.status not in ENDED


def _holds(person: Person, need: Any) -> bool:
    return person.id == need.claimed_by_id or (need.claimed_by_id is None and bool(need.serves))


def can_step(person: Person, need: Any, step: Step) -> bool:
    """Whether this step is theirs; whether its moment has come is for steps.destination to say."""
    if step.who not in INSIDE:
        return False
    if person.is_lead or step.who is Who.SEEING:
        return True
    if step.who is Who.WRITER:
        return can_write(person, need)
    if step.who is Who.HOLDER:
        return _holds(person, need)
    return step.who is Who.AUTHOR and person.id == need.author_id


def open_steps(person: Person, need: Any) -> list[Step]:
    """What this person may do with the need as it stands, the way forward first."""
    return [step for step in open_among(STEPS.values(), need) if can_step(person, need, step)]


def enterprise_steps(need: Any) -> list[Step]:
    """What the enterprise may do with its order as it stands; `need` is a row of queries.need_at_door."""
    return [step for step in open_among(STEPS.values(), need) if step.who is Who.ENTERPRISE]
