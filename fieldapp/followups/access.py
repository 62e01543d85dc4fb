"""Who may do what with a promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldapp.followups.models import FollowUp

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def can_close(person: Person, follow_up: FollowUp) -> bool:
    """Who promised it; a lead for their team."""
    return person.is_lead or person.id == follow_up.assignee_id
