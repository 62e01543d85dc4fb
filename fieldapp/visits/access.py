"""Who may do what with a visit. Only who: when, is asked of lifecycle.possible(step, status).

So a door says 403 to the wrong person, and an act that comes too late ends in a 409 that names what happened.
`visit` is what find_visit gives (a VisitFile), or anything else with the attributes of KnownVisit.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

from fieldapp.enterprises.access import can_record_visit, serves_enterprises

if TYPE_CHECKING:
    from fieldapp.accounts import Person


class KnownVisit(Protocol):
    """A visit, and what the person who looks at it has to do with its enterprise."""

    @property
    def officer_id(self) -> int: ...

    @property
    def companion_ids(self) -> Collection[int]: ...

    @property
    def team_id(self) -> int | None:
        """The enterprise's team."""

    @property
    def serves(self) -> bool:
        """The person who looks is assigned to the enterprise today, as main officer or helper."""

    @property
    def other_leads(self) -> bool:
        """The team has an active lead besides the person who looks."""


def takes_part(person: Person, visit: KnownVisit) -> bool:
    return person.id == visit.officer_id or person.id in visit.companion_ids


def leads(person: Person, visit: KnownVisit) -> bool:
    """A lead of the enterprise's team."""
    return person.is_lead and visit.team_id in person.led_team_ids


def can_amend(person: Person, visit: KnownVisit) -> bool:
    """Whoever was there, and whoever serves the enterprise, main officer and helpers alike.

    Leads do not write in others' records: they return them with a comment.
    """
    return takes_part(person, visit) or (person.is_officer and visit.serves)


def can_ask(person: Person, visit: KnownVisit) -> bool:
    """Ask the enterprise whether somebody was there: whoever was, and whoever serves it."""
    return can_amend(person, visit)


def can_replan(person: Person, visit: KnownVisit) -> bool:
    """Who planned it, or a lead of the team."""
    return person.id == visit.officer_id or leads(person, visit)


def can_join(person: Person, visit: KnownVisit) -> bool:
    """Whoever may visit the enterprise, if they do not go already."""
    return serves_enterprises(person) and not takes_part(person, visit)


def can_leave(person: Person, visit: KnownVisit) -> bool:
    """Companions; who planned the visit cancels it instead."""
    return person.id in visit.companion_ids


def can_cancel(person: Person, visit: KnownVisit) -> bool:
    """Who planned it, or a lead of the team."""
    return can_replan(person, visit)


def can_review(person: Person, visit: KnownVisit) -> bool:
    """A lead of the team. Nobody reviews their own visit, unless the team has no other lead to do it."""
    return leads(person, visit) and (person.id != visit.officer_id or not visit.other_leads)


__all__ = [
    "KnownVisit",
    "can_amend",
    "can_ask",
    "can_cancel",
    "can_join",
    "can_leave",
    "can_record_visit",
    "can_replan",
    "can_review",
    "leads",
    "takes_part",
]
