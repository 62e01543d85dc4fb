"""Who could serve whom: a balanced proposal, and what changed told in lines. Plain values in, plain values out."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from fieldapp import clock
from fieldapp.coordinates import metres_between
from fieldapp.languages import N_, lazy

Place = tuple[float, float]  # longitude, latitude, WGS-84


class Act(enum.Enum):
    """What can be done with the chosen enterprises."""

    GIVE = N_("分配或交接")
    HELP = N_("加为协助")
    UNHELP = N_("不再协助")
    POOL = N_("退回共享名单")

    @property
    def needs_officer(self) -> bool:
        return self is not Act.POOL

    def takes_away(self, mains: Iterable[int | None]) -> bool:
        """Whether somebody loses an enterprise; `mains` are the present main officers. That wants a reason."""
        return self is Act.UNHELP or (self is not Act.HELP and any(mains))


class Candidate(NamedTuple):
    """An enterprise that somebody is to be proposed for."""

    id: int
    team_id: int | None
    region_id: int
    region: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class Server:
    """An officer who may be proposed: the load without the candidates, where it lies, and its middle."""

    id: int
    team_id: int | None
    load: int = 0
    regions: Mapping[int, int] = field(default_factory=dict)  # region id: enterprises served there
    place: Place | None = None


class Proposal(NamedTuple):
    enterprise_id: int
    officer_id: int
    reason: Any  # words, in the language of whoever reads them


def spread(loads: Iterable[int]) -> int:
    """How far the most loaded is from the least loaded."""
    known = list(loads)
    return max(known) - min(known) if known else 0


def level(loads: Iterable[int], count: int, mark: int | None) -> tuple[int, int]:
    """(to what level `count` more fill these loads, how many stand one above it), as water finds its level.

    Nobody is filled above `mark`; what does not fit is left over.
    """
    ordered = sorted(loads)
    at = rest = under = 0
    for wet, load in enumerate(ordered, 1):
        under += load
        at, rest = divmod(under + count, wet)
        if wet == len(ordered) or at < ordered[wet]:  # the next one stays dry
            break
    return (at, rest) if mark is None or at < mark else (mark, 0)


def propose(
    enterprises: Iterable[Candidate], officers: Iterable[Server], mark: int | None = None
) -> list[Proposal]:
    """Who could serve each enterprise, in the order of the enterprises; the same question has the same answer.

    Only officers of the enterprise's own team, each filled to the same level and never above `mark` (None: as far as
    it takes): how many each gets is settled first. Which ones is settled by region, officers who already serve there
    before others, then by distance to the middle of what the officer serves; an enterprise without coordinates goes
    by region alone. What fits nobody is left out.
    """
    wanted = list(enterprises)
    teams: dict[int | None, list[Server]] = {}
    for officer in officers:
        teams.setdefault(officer.team_id, []).append(officer)
    chosen: dict[int, Proposal] = {}
    for team_id, members in teams.items():
        theirs = [candidate for candidate in wanted if candidate.team_id == team_id]
        for proposal in _within(theirs, members, mark):
            chosen[proposal.enterprise_id] = proposal
    return [chosen[candidate.id] for candidate in wanted if candidate.id in chosen]


def _within(wanted: list[Candidate], officers: list[Server], mark: int | None) -> list[Proposal]:
    """One team's share: the best pair first, as long as there is room."""
    at, extra = level([officer.load for officer in officers], len(wanted), mark)
    load = {officer.id: officer.load for officer in officers}
    with_room = [officer for officer in officers if officer.load <= at]
    pairs = sorted([
        (*_fit(candidate, officer), officer.load, officer.id, number, candidate, officer)
        for number, candidate in enumerate(wanted)
        for officer in with_room
    ])  # fmt: skip
    settled: dict[int, Proposal] = {}
    for _elsewhere, _unknown, distance, _load, officer_id, number, candidate, officer in pairs:
        if number in settled:
            continue
        if load[officer_id] >= at:
            if load[officer_id] > at or extra == 0:
                continue
            extra -= 1
        load[officer_id] += 1
        settled[number] = Proposal(candidate.id, officer_id, _reason(candidate, officer, distance))
    return list(settled.values())


def _fit(candidate: Candidate, officer: Server) -> tuple[bool, bool, float]:
    """How well the two go together, best first: same region, then known distance, then near (or many there)."""
    there = officer.regions.get(candidate.region_id, 0)
    if candidate.place is None or officer.place is None:
        return there == 0, True, -float(there)
    return there == 0, False, metres_between(*candidate.place, *officer.place)


def _reason(candidate: Candidate, officer: Server, distance: float) -> Any:
    there = officer.regions.get(candidate.region_id, 0)
    near = candidate.place is not None and officer.place is not None
    km = f"{distance / 1000:.1f}" if distance < 10_000 else f"{distance / 1000:.0f}"
    if there and near:
        return lazy(
            "在%(region)s已有 %(count)s 家，相距约 %(km)s 公里", region=candidate.region, count=there, km=km
        )
    if there:
        return lazy("在%(region)s已有 %(count)s 家", region=candidate.region, count=there)
    if near:
        return lazy("离现在服务的企业约 %(km)s 公里", km=km)
    return lazy("现在负责的企业少")


def bar_of(load: int, more: int, mark: int, top: float) -> tuple[str, float, str, float, float, float]:
    """A bar of `top`: class and width of what stays; class, start and width of what comes; where the mark stands."""
    whole = max(top, 1)
    kept = load + min(more, 0)
    now, coming = round(100 * kept / whole, 3), round(100 * max(more, 0) / whole, 3)
    stays = "f-warn" if load >= mark and more <= 0 else "f-brand"
    comes = "f-warn" if kept + more > mark else "f-soft"
    return stays, now, comes, now, coming, round(100 * mark / whole, 3)


def earliest(today: date) -> date:
    """A hand-over may be dated back to this week's Monday: what was agreed on Monday is typed in on Wednesday."""
    return clock.monday_of(today)


# What changed, told in lines.


class Turn(NamedTuple):
    """One end of one assignment: its beginning or its ending."""

    enterprise_id: int
    enterprise: str
    officer: str
    is_main: bool
    on: date
    by: str
    reason: str


@dataclass
class Change:
    """What one person did to several enterprises at once."""

    kind: str  # assigned / handed_over / returned / helper_added / helper_removed
    on: date
    by: str
    before: str
    after: str
    reason: str
    names: list[str]


def changes(openings: Iterable[Turn], endings: Iterable[Turn], limit: int) -> list[Change]:
    """The newest changes, an ending and an opening of the same day told as one, like ones gathered."""
    ended = {(t.enterprise_id, t.is_main, t.on): t for t in endings}
    told: list[tuple[str, Turn, str, str]] = []
    for turn in openings:
        before = ended.pop((turn.enterprise_id, True, turn.on), None) if turn.is_main else None
        if not turn.is_main:
            told.append(("helper_added", turn, "", turn.officer))
        elif before:
            told.append(("handed_over", turn, before.officer, turn.officer))
        else:
            told.append(("assigned", turn, "", turn.officer))
    for turn in ended.values():
        told.append(("returned" if turn.is_main else "helper_removed", turn, turn.officer, ""))
    gathered: dict[tuple[str, ...], Change] = {}
    for kind, turn, was, now in sorted(told, key=lambda t: t[1].on, reverse=True):
        key = (kind, turn.on.isoformat(), turn.by, was, now, turn.reason)
        found = gathered.setdefault(key, Change(kind, turn.on, turn.by, was, now, turn.reason, []))
        found.names.append(turn.enterprise)
    return list(gathered.values())[:limit]


RECENT = timedelta(days=60)  # how far back an ending is looked for
