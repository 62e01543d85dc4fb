"""Sums of the desk: shares, the board put together from counted groups, whom today begins with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from fieldapp.needs import Ending, NeedStatus
from fieldapp.visits import Answer, VisitStatus

# A need is closed when its work is done, whatever became of it; withdrawn or merged ones were never worked on.
CLOSED = frozenset({NeedStatus.RESOLVED.name, NeedStatus.RATED.name})
# The order in which needs travel; the states beside the way follow, and are shown when there is something in them.
STAGES = (
    NeedStatus.SUBMITTED,
    NeedStatus.ACCEPTED,
    NeedStatus.CLAIMED,
    NeedStatus.MATCHING,
    NeedStatus.AWAITING_ENTERPRISE,
    NeedStatus.RESOLVED,
    NeedStatus.RATED,
)
ON_THEIR_WAY = (*STAGES, *(state for state in NeedStatus if state not in STAGES))


class Share(NamedTuple):
    """Some of all. `percent` is None when there is nothing to divide by, and 100 only when it is all."""

    part: int = 0
    whole: int = 0

    @property
    def percent(self) -> int | None:
        return self.part * 100 // self.whole if self.whole else None

    def plus(self, part: int, whole: int) -> Share:
        return Share(self.part + part, self.whole + whole)


NONE = Share()


class Tally(NamedTuple):
    """One counted group: what, whose (an officer's id), state and ending by name, how many, and one number more.

    Of "came" and "visits" `number` is of the period and `more` of the week; of "claimed" it is seconds in all; of
    "covered" how many of them were visited. The ending of "open" is the light's name, that of "visits" the answer's.
    "person" is an officer of the team, the state their name.
    """

    what: str
    officer_id: int | None
    state: str
    ending: str
    number: int
    more: int


@dataclass
class OfficerLine:
    """One row of the workload table. Nothing here adds up to a score."""

    id: int | None  # None: enterprises that wait for an officer
    name: str = ""
    active: bool = True
    covered: Share = NONE
    open_needs: int = 0
    overdue: int = 0
    closed: int = 0
    solved: int = 0


@dataclass
class RegionLine:
    id: int
    name: str
    covered: Share = NONE


@dataclass
class Board:
    covered: Share = NONE
    regions: list[RegionLine] = field(default_factory=list)
    officers: dict[int | None, OfficerLine] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)  # needs that came in, by the name of their state
    came: int = 0
    closed: int = 0
    solved: int = 0
    claimed: int = 0
    claim_seconds: int = 0
    overdue: int = 0
    to_review: int = 0
    answers: dict[str, int] = field(
        default_factory=lambda: {"yes": 0, "no": 0, "disputed": 0}
    )  # visits of the period: confirmed by the enterprise, not, disputed
    # Needs that are open now: by the name of their state, by the name of their light ("" for none).
    stuck: dict[str, dict[str, int]] = field(default_factory=dict)
    week: dict[str, int] = field(default_factory=lambda: {"visits": 0, "needs": 0, "promises": 0})

    @property
    def closed_share(self) -> Share:
        return Share(self.closed, self.came)

    @property
    def solved_share(self) -> Share:
        return Share(self.solved, self.came)

    @property
    def claim_days(self) -> float | None:
        """Days from a need's coming in until somebody took it on, on average."""
        return round(self.claim_seconds / self.claimed / 86400, 1) if self.claimed else None

    @property
    def visits(self) -> int:
        """Made in the period."""
        return sum(self.answers.values())

    @property
    def stages(self) -> list[tuple[NeedStatus, int]]:
        """The way of a need, each state with how many stand there; states beside the way only when there are some."""
        aside = [s for s in NeedStatus if s not in STAGES and self.states.get(s.name)]
        return [(state, self.states.get(state.name, 0)) for state in (*STAGES, *aside)]

    @property
    def waiting(self) -> list[tuple[NeedStatus, int, dict[str, int]]]:
        """Where open needs stand: state, how many, how many by light. In the order of their way, the rest last."""
        return [
            (state, sum(lights.values()), lights)
            for state in ON_THEIR_WAY
            if (lights := self.stuck.get(state.name))
        ]

    def standing_at(self, state: NeedStatus) -> int:
        """How many open needs stand in that state."""
        return sum(self.stuck.get(state.name, {}).values())

    @property
    def open_by_light(self) -> dict[str, int]:
        lights: dict[str, int] = {}
        for counts in self.stuck.values():
            for light, number in counts.items():
                lights[light] = lights.get(light, 0) + number
        return lights

    def officer(self, officer_id: int | None) -> OfficerLine:
        line = self.officers.get(officer_id)
        if line is None:
            line = self.officers[officer_id] = OfficerLine(officer_id)
        return line


def board_of(coverage: Iterable[Any], tallies: Iterable[Any]) -> Board:
    """The board from its two groups of counts.

    `coverage`: rows region_id, region, officer_id, enterprises, covered; regions in the order they are shown.
    `tallies`: rows as Tally has them.
    """
    board = Board()
    regions: dict[int, RegionLine] = {}
    part = whole = 0
    for region_id, name, officer_id, enterprises, covered in coverage:
        region = regions.get(region_id)
        if region is None:
            region = regions[region_id] = RegionLine(region_id, name)
        region.covered = region.covered.plus(covered, enterprises)
        line = board.officer(officer_id)
        line.covered = line.covered.plus(covered, enterprises)
        part, whole = part + covered, whole + enterprises
    board.covered = Share(part, whole)
    board.regions = list(regions.values())
    for tally in tallies:
        _add(board, tally)
    return board


def _add(board: Board, tally: Tally) -> None:
    what, officer_id, state, ending, number, more = tally
    if what == "came":
        board.week["needs"] += more
        if not number:
            return
        board.came += number
        board.states[state] = board.states.get(state, 0) + number
        if state in CLOSED:
            line = board.officer(officer_id)
            board.closed += number
            line.closed += number
            if ending == Ending.SOLVED.name:
                board.solved += number
                line.solved += number
    elif what == "open":
        board.officer(officer_id).open_needs += number
        by_light = board.stuck.setdefault(state, {})
        by_light[ending] = by_light.get(ending, 0) + number
    elif what == "covered":
        board.covered = Share(more, number)
    elif what == "overdue":
        board.overdue += number
        board.officer(officer_id).overdue += number
    elif what == "claimed":
        board.claimed, board.claim_seconds = number, more
    elif what == "visits":
        board.week["visits"] += more
        kind = {"": "no", Answer.CONFIRMED.name: "yes"}.get(ending, "disputed")
        board.answers[kind] += number
    elif what == "review":
        board.to_review = number
    elif what == "promises":
        board.week["promises"] = number
    elif what == "person":
        board.officer(officer_id).name = state
    else:
        raise ValueError(what)


@dataclass
class Plans:
    """An officer's visits that are under way, sorted by what they ask for."""

    unfinished: list[Any] = field(default_factory=list)  # arrived, not written down yet
    returned: list[Any] = field(default_factory=list)  # the lead asks for more
    missed: list[Any] = field(default_factory=list)  # the planned day is over
    planned: list[Any] = field(default_factory=list)  # today and later, soonest first


def plans_of(visits: Iterable[Any], today: date) -> Plans:
    """Rows with status, planned_on, planned_at and arrived_at, sorted."""
    plans = Plans()
    for visit in visits:
        if visit.status is VisitStatus.ARRIVED:
            plans.unfinished.append(visit)
        elif visit.status is VisitStatus.RETURNED:
            plans.returned.append(visit)
        elif visit.planned_on is not None and visit.planned_on < today:
            plans.missed.append(visit)
        else:
            plans.planned.append(visit)
    plans.missed.sort(key=lambda v: (v.planned_on, v.planned_at))
    # A plan without an hour comes after the day's plans that have one.
    plans.planned.sort(key=lambda v: (v.planned_on or today, v.planned_at or "99:99"))
    return plans


def next_stop(plans: Plans, due: Sequence[Any]) -> tuple[str, Any]:
    """What to do next: ("unfinished" | "planned" | "due" | "", its row)."""
    for kind, rows in (("unfinished", plans.unfinished), ("planned", plans.planned), ("due", due)):
        if rows:
            return kind, rows[0]
    return "", None
