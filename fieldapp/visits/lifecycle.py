"""Which step a visit can take from which state: plain values in, a yes, or a Refusal out.

planned → arrived → recorded → (returned → recorded) → accepted; planned and arrived ones may be cancelled.
A lead who accepted too early returns the visit: accepted ones are not amended.
"""

from __future__ import annotations

from fieldapp.languages import _, lazy
from fieldapp.refusals import Conflict
from fieldapp.visits.models import VisitStatus, VisitStep

FROM: dict[VisitStep, frozenset[VisitStatus]] = {
    VisitStep.REPLANNED: frozenset({VisitStatus.PLANNED}),
    VisitStep.JOINED: frozenset({VisitStatus.PLANNED}),
    VisitStep.LEFT: frozenset({VisitStatus.PLANNED}),
    VisitStep.ARRIVED: frozenset({VisitStatus.PLANNED}),
    VisitStep.RECORDED: frozenset({VisitStatus.PLANNED, VisitStatus.ARRIVED}),
    VisitStep.AMENDED: frozenset({VisitStatus.RECORDED, VisitStatus.RETURNED}),
    VisitStep.RETURNED: frozenset({VisitStatus.RECORDED, VisitStatus.ACCEPTED}),
    # A lead may also be satisfied by an answer given in person, after returning the visit.
    VisitStep.ACCEPTED: frozenset({VisitStatus.RECORDED, VisitStatus.RETURNED}),
    VisitStep.CANCELLED: frozenset({VisitStatus.PLANNED, VisitStatus.ARRIVED}),
}


class WrongMoment(Conflict):
    """The visit has gone on meanwhile; the sentence says to where."""

    title = lazy("没有保存：情况变了")


SENTENCES = {
    VisitStatus.PLANNED: lazy("这次走访还在计划中，先去走访再来。"),
    VisitStatus.ARRIVED: lazy("同事已经到企业签到了，这次走访正在进行。"),
    VisitStatus.RECORDED: lazy("这次走访已经记录好了。"),
    VisitStatus.RETURNED: lazy("这次走访已经退回补充，等干部改好再看。"),
    VisitStatus.ACCEPTED: lazy("这次走访已经审阅通过，不能再改。要改的话，请负责人先退回。"),
    VisitStatus.CANCELLED: lazy("这次走访已经取消了。"),
}


def possible(step: VisitStep, status: VisitStatus) -> bool:
    """Whether a visit in this state can take this step; buttons ask it."""
    return status in FROM[step]


def require_possible(step: VisitStep, status: VisitStatus) -> None:
    """The same for actions. Raises WrongMoment (409) with a sentence that names the state."""
    if status not in FROM[step]:
        raise WrongMoment(_("%(state)s请看一下最新内容。", state=SENTENCES[status]))
