"""Who may do what with a promise. Seeing its enterprise comes first; every query asks that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fieldapp.enterprises.access import serves_enterprises
from fieldapp.followups.models import FollowUp

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def can_promise(person: Person, _enterprise: Any) -> bool:
    """Whoever may see an enterprise may promise it something."""
    return serves_enterprises(person)


def can_note(person: Person, _follow_up: FollowUp) -> bool:
    """Whoever serves the enterprise may tell how it goes: a helper makes the call as often as the main officer."""
    return serves_enterprises(person)


def can_change(person: Person, follow_up: FollowUp) -> bool:
    """Whose promise it is; a lead for their team. Closing, postponing, editing, passing on."""
    return person.is_lead or person.id == follow_up.assignee_id


can_close = can_change


def can_reopen(person: Person, closed_by: int | None) -> bool:
    """Who closed it may take that back; a lead may always."""
    return person.is_lead or (closed_by is not None and person.id == closed_by)
