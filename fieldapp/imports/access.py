"""Who may import, and into which regions."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from fieldapp.imports.models import ImportBatch

if TYPE_CHECKING:
    from fieldapp.accounts import Person


def owns(person: Person, batch: ImportBatch) -> bool:
    """A batch is seen by whoever uploaded it, and by nobody else: it holds telephone numbers."""
    return batch.person_id == person.id


def in_scope(team_ids: Collection[int] | None, team_id: int | None) -> bool:
    """Whether an enterprise of this team may be written; `None` for team_ids is the command line, which may all."""
    return team_ids is None or team_id in team_ids
