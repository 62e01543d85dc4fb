"""What would happen: gathered for the page that shows it before it is done. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import current_app

from fieldapp.assignments.queries import Burden, Officer, Row, burdens, officers_of, rows_of, servers
from fieldapp.assignments.rules import Act, propose, spread

if TYPE_CHECKING:
    from fieldapp.accounts import Person


@dataclass
class PlanLine:
    """One enterprise: from its present main officer to somebody."""

    row: Row
    to: Officer | None
    burden: Burden = field(default_factory=Burden)
    reason: Any = ""
    ticked: bool = True

    @property
    def value(self) -> str:
        """What its tick box sends."""
        return f"{self.row.id}:{self.row.officer_id or 0}"


@dataclass
class Plan:
    act: Act
    to: Officer | None
    lines: list[PlanLine]
    same: list[Row]  # already so
    foreign: list[Row]  # of another team than the officer
    officers: list[Officer]

    @property
    def proposed(self) -> bool:
        return self.act is Act.GIVE and self.to is None

    @cached_property
    def total(self) -> Burden:
        return sum((line.burden for line in self.lines if line.ticked), Burden())

    @property
    def takes_away(self) -> bool:
        """Somebody loses an enterprise: that wants a reason."""
        return self.act.takes_away(line.row.officer_id for line in self.lines)

    @cached_property
    def after(self) -> dict[int, int]:
        """Officer id: enterprises when it is done."""
        loads = {officer.id: officer.load for officer in self.officers}
        if self.act in (Act.GIVE, Act.POOL):
            for line in self.lines:
                if not line.ticked:
                    continue
                if line.row.officer_id in loads:
                    loads[line.row.officer_id] -= 1
                if line.to is not None:
                    loads[line.to.id] += 1
        return loads

    @property
    def moved(self) -> list[Officer]:
        """Officers whose number changes."""
        return [officer for officer in self.officers if self.after[officer.id] != officer.load]

    @property
    def sources(self) -> list[tuple[str, int]]:
        """(present officer or "", ticked enterprises), as met."""
        found: dict[str, int] = {}
        for line in self.lines:
            if line.ticked:
                found[line.row.officer] = found.get(line.row.officer, 0) + 1
        return list(found.items())

    @property
    def spread_before(self) -> int:
        return spread(officer.load for officer in self.officers)

    @property
    def spread_after(self) -> int:
        return spread(self.after.values())


def plan_for(person: Person, act: Act, to_id: int | None, ids: Sequence[int]) -> Plan | None:
    """What `act` would do to these enterprises; None when the officer cannot be chosen (the page asks again).

    Raises NotFound when one of the enterprises is not this person's.
    """
    rows = rows_of(person, ids)
    officers = officers_of(person, {row.team_id for row in rows})
    to = next((o for o in officers if o.id == to_id), None)
    helper_name = next((row.helpers[to_id] for row in rows if to_id in row.helpers), "") if to_id else ""
    if act is Act.UNHELP and to is None and to_id and helper_name:
        to = Officer(to_id, helper_name, 0, "")  # a helper who left the team can still be relieved
    if act.needs_officer and to is None:
        return None
    lines, same, foreign = [], [], []
    for row in rows:
        if to and act in (Act.GIVE, Act.HELP) and row.team_id != to.team_id:
            foreign.append(row)
        elif _already(act, row, to.id if to else None):
            same.append(row)
        else:
            lines.append(PlanLine(row, to))
    known = burdens([line.row.id for line in lines], to_id if act is Act.UNHELP else None)
    if act is not Act.HELP:
        for line in lines:
            line.burden = known[line.row.id]
    return Plan(act, to, lines, same, foreign, officers)


def _already(act: Act, row: Row, to_id: int | None) -> bool:
    if act is Act.UNHELP:
        return to_id not in row.helpers
    if act is Act.HELP:
        return to_id == row.officer_id or to_id in row.helpers
    return row.officer_id == to_id


def proposal_for(
    person: Person, ids: Sequence[int], *, beyond: bool = False, chosen: dict[int, int | None] | None = None
) -> Plan:
    """A balanced proposal for these enterprises. `chosen` is what the lead has made of it: only the ticked ones, with
    the officers meant. Raises NotFound when one of the enterprises is not this person's."""
    rows = rows_of(person, ids)
    return proposed(rows, officers_of(person, {row.team_id for row in rows}), beyond=beyond, chosen=chosen)


def proposed(
    rows: Iterable[Row],
    officers: list[Officer],
    *,
    beyond: bool = False,
    chosen: dict[int, int | None] | None = None,
    weighed: bool = True,
) -> Plan:
    """The same for enterprises and officers already read; `weighed=False` leaves out what hangs on them."""
    rows = list(rows)
    mark = None if beyond else current_app.config["OFFICER_LOAD"]
    freed: dict[int, int] = {}
    for row in rows:
        if row.officer_id:
            freed[row.officer_id] = freed.get(row.officer_id, 0) + 1
    by_id = {officer.id: officer for officer in officers}
    found = {p.enterprise_id: p for p in propose([r.candidate for r in rows], servers(officers, freed), mark)}
    lines, same = [], []
    for row in rows:
        proposal = found.get(row.id)
        to = by_id[proposal.officer_id] if proposal else None
        line = PlanLine(row, to, reason=proposal.reason if proposal else "", ticked=to is not None)
        if chosen is not None:
            line.ticked = row.id in chosen
            meant = by_id.get(chosen.get(row.id) or 0)
            if line.ticked and meant is not to:
                line.to, line.reason = meant, ""
        elif to is not None and to.id == row.officer_id:
            same.append(row)
            continue
        lines.append(line)
    if weighed and any(line.row.officer_id for line in lines):
        known = burdens([line.row.id for line in lines])
        for line in lines:
            line.burden = known[line.row.id]
    return Plan(Act.GIVE, None, lines, same, [], officers)
