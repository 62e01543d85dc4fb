"""What a need may become, how complete it is, and what two people made of one sheet: plain values, no app."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from fieldapp.needs.models import ENDED, Clock, NeedKind, NeedSource, NeedStatus, Solved
from fieldapp.needs.rules import PARTS, Quality, digest, is_dissatisfied, merge, quality, stepper
from fieldapp.needs.steps import (
    FORWARD,
    HELD,
    INSIDE,
    STEPS,
    WAITING,
    Tick,
    Who,
    WrongMoment,
    comes_into_question,
    destination,
    told,
)

S = NeedStatus


def _need(**words):
    empty = {"indicators": [], "deadline": None, "budget": None, "ip_ownership": None, "conditions": ""}
    return SimpleNamespace(**(empty | words))


def test_a_bare_need_lacks_all_five_parts_and_says_which():
    assert quality(_need()).score == 0
    assert quality(_need()).missing == tuple(PARTS)


def test_each_part_adds_one_and_five_of_five_is_complete():
    words = {
        "indicators": [{"name": "良品率", "now": "91", "target": "95", "unit": "%"}],
        "deadline": date(2027, 1, 1),
        "budget": Decimal("0"),  # a known budget of nothing is known
        "ip_ownership": "SHARED",
        "conditions": "做过同类项目",
    }
    for part, value in words.items():
        one = quality(_need(**{part: value}))
        assert one.score == 1 and part not in one.missing
    assert quality(_need(**words)) == Quality(5, ())


def test_an_indicator_without_a_target_says_too_little():
    assert "indicators" in quality(_need(indicators=[{"name": "良品率", "target": ""}])).missing


def _at(status, **facts):
    """A need where it stands, as the table asks for it."""
    plain = {
        "source": NeedSource.ORDER, "clock": Clock.CONTACT, "paused_at": None, "asked_days": None, "reopened": 0,
        "call_at": None,
    }  # fmt: skip
    return SimpleNamespace(status=status, **(plain | facts))


def test_the_straight_way_leads_from_submitted_to_resolved():
    status = S.SUBMITTED
    for name in ("accept", "claim", "match", "propose", "resolve"):
        status = destination(STEPS[name], _at(status), held=name != "accept")
    assert status is S.RESOLVED


def test_a_second_claim_is_told_who_was_quicker():
    with pytest.raises(WrongMoment) as refusal:
        destination(STEPS["claim"], _at(S.CLAIMED), held=True, held_by="钱禾")
    assert "钱禾已经接了这条需求" in str(refusal.value.message)


def test_a_step_out_of_turn_says_where_the_need_stands():
    with pytest.raises(WrongMoment) as refusal:
        destination(STEPS["resolve"], _at(S.SUBMITTED))
    assert "待受理" in str(refusal.value.message)


def test_work_goes_on_where_it_was_put_aside():
    assert destination(STEPS["resume"], _at(S.ON_HOLD), came_from=S.MATCHING, held=True) is S.MATCHING


def test_without_anybody_holding_it_work_resumes_at_the_pool():
    assert destination(STEPS["resume"], _at(S.ON_HOLD), came_from=S.MATCHING, held=False) is S.ACCEPTED


@pytest.mark.parametrize("name", ["reopen", "redo"])
def test_a_result_is_given_back_at_most_twice(name):
    assert destination(STEPS[name], _at(S.RESOLVED, reopened=1), held=True) is S.MATCHING
    with pytest.raises(WrongMoment) as refusal:
        destination(STEPS[name], _at(S.RESOLVED, reopened=2), held=True)
    assert "2 次" in str(refusal.value.message)


def test_a_decision_about_accepting_is_another_matter_than_a_result():
    assert destination(STEPS["reopen"], _at(S.DECLINED, reopened=2)) is S.SUBMITTED


def test_only_an_enterprise_with_a_receipt_is_asked_at_its_door():
    assert comes_into_question(STEPS["ask"], _at(S.MATCHING))
    assert not comes_into_question(STEPS["ask"], _at(S.MATCHING, source=NeedSource.VISIT))
    for step in STEPS.values():
        # Whose order was merged into a need of another way still has a receipt, and may wish to be called.
        assert step.at_door or step.who is not Who.ENTERPRISE or step.name == "call"


def test_a_call_is_answered_once_and_as_the_first_contact_where_that_is_due():
    asked = {"call_at": datetime(2026, 11, 2, tzinfo=UTC)}
    assert not comes_into_question(STEPS["called"], _at(S.MATCHING))
    assert comes_into_question(STEPS["called"], _at(S.MATCHING, **asked))
    first = _at(S.CLAIMED, clock=Clock.CONTACT, **asked)
    assert comes_into_question(STEPS["contact"], first) and not comes_into_question(STEPS["called"], first)
    assert comes_into_question(STEPS["called"], _at(S.ON_HOLD, **asked))
    assert comes_into_question(STEPS["called"], _at(S.CLAIMED, clock=Clock.PLAN, **asked))
    assert not comes_into_question(STEPS["called"], _at(S.WITHDRAWN, **asked))


def test_a_question_is_asked_once_and_answered_once():
    asked = _at(S.MATCHING, paused_at=datetime(2026, 11, 2, tzinfo=UTC))
    assert not comes_into_question(STEPS["ask"], asked) and comes_into_question(STEPS["answer"], asked)
    assert not comes_into_question(STEPS["answer"], _at(S.MATCHING))
    assert not comes_into_question(STEPS["extend"], asked)


def test_an_extension_is_decided_only_when_asked_for():
    assert comes_into_question(STEPS["extend"], _at(S.CLAIMED)) and not comes_into_question(
        STEPS["grant"], _at(S.CLAIMED)
    )
    asked = _at(S.CLAIMED, asked_days=3)
    assert comes_into_question(STEPS["grant"], asked) and comes_into_question(STEPS["refuse"], asked)
    assert not comes_into_question(STEPS["extend"], asked)


def test_the_table_says_of_every_step_what_it_does_to_the_clock():
    """What ends stops it, what waits pauses it, what offers anew begins it anew."""
    for step in STEPS.values():
        for before, after in step.moves.items():
            if after in ENDED and before is not after:
                assert step.tick is Tick.STOP, step.name
            elif after in WAITING and before is not after:
                assert step.tick is Tick.PAUSE, step.name
            elif after in (S.SUBMITTED, S.ACCEPTED) and before is not after:
                assert step.tick is Tick.ANEW, step.name
            elif after is before and before in HELD:
                assert step.tick in (Tick.KEEP, Tick.NEXT, Tick.PAUSE, Tick.RESUME, Tick.EXTEND), step.name
        assert (step.promise is not None) == (step.tick is Tick.NEXT)
    assert {name for name in FORWARD if STEPS[name].who not in INSIDE} == set()


def test_from_every_state_that_is_open_somebody_inside_leads_on():
    for status in S:
        if status in (S.DRAFT, *ENDED):
            continue
        assert any(step.who in INSIDE and status in step.moves for step in STEPS.values()), status


def test_who_is_dissatisfied_is_said_by_the_answer_or_by_the_level():
    assert is_dissatisfied(Solved.NO, 5) and is_dissatisfied(Solved.YES, 2)
    assert not is_dissatisfied(Solved.PARTLY, 3)


def _events(*states, start=datetime(2026, 11, 2, 1, tzinfo=UTC)):
    before = None
    events = []
    for n, after in enumerate(states):
        events.append(SimpleNamespace(at=start + timedelta(days=n), before=before, after=after, note=""))
        before = after
    return events


def test_the_stepper_dates_each_stage_by_the_log():
    events = _events(S.SUBMITTED, S.ACCEPTED, S.CLAIMED, S.MATCHING)
    stages = stepper(S.MATCHING, events)
    assert [stage.done for stage in stages] == [True, True, True, False, False]
    assert [stage.at and stage.at.day for stage in stages] == [2, 3, 4, 5, None]
    assert [stage.current for stage in stages] == [False, False, False, True, False]


def test_a_need_put_aside_stands_where_it_was_and_a_declined_one_nowhere():
    held = stepper(S.ON_HOLD, _events(S.SUBMITTED, S.ACCEPTED, S.CLAIMED, S.ON_HOLD))
    assert [stage.current for stage in held] == [False, False, False, True, False]
    declined = stepper(S.DECLINED, _events(S.SUBMITTED, S.DECLINED))
    assert not any(stage.current for stage in declined) and declined[0].done


def test_the_log_tells_steps_notes_and_changes_apart():
    moved = SimpleNamespace(before=S.SUBMITTED, after=S.ACCEPTED, note="")
    noted = SimpleNamespace(before=S.ACCEPTED, after=S.ACCEPTED, note="打过电话")
    changed = SimpleNamespace(before=S.ACCEPTED, after=S.ACCEPTED, note="")
    back = SimpleNamespace(before=S.RESOLVED, after=S.ACCEPTED, note="没解决")
    named = SimpleNamespace(before=S.CLAIMED, after=S.CLAIMED, note="好", step="extend")
    assert told(named) == "申请延期"
    assert [told(e) for e in (moved, noted, changed, back)] == [
        "受理了这条需求", "记了进展", "修改了内容", "重新打开",
    ]  # fmt: skip


def test_equal_values_have_equal_marks_whatever_they_come_from():
    assert digest(Decimal("120.00")) == digest(Decimal("120"))
    assert digest(None) == digest("")
    assert digest(NeedKind.OTHER) != digest(NeedKind.TALENT)
    assert digest([{"name": "a", "now": "1"}]) == digest([{"now": "1", "name": "a"}])


def test_a_merge_tells_what_both_changed_from_what_only_the_other_did():
    base = {name: digest(value) for name, value in {"title": "甲", "budget": Decimal(1), "kind": "x"}.items()}
    theirs = {"title": "乙", "budget": Decimal(2), "kind": "x"}
    mine = {"title": "丙", "budget": Decimal(1), "kind": "y"}
    merged = merge(base, theirs, mine, ("title", "budget", "kind"))
    assert merged.both == ("title",) and merged.theirs == ("budget",)


def test_nothing_typed_is_given_up_when_the_start_is_unknown():
    assert merge({}, {"title": "乙"}, {"title": "甲"}, ("title",)).both == ("title",)
