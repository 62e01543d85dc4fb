"""What a need may become, how complete it is, and what two people made of one sheet: plain values, no app."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldapp.needs.models import ENDED, NeedKind, NeedStatus
from fieldapp.needs.rules import (
    HELD,
    PARTS,
    STEPS,
    Quality,
    WrongMoment,
    came_from,
    destination,
    digest,
    merge,
    quality,
    stepper,
    times_reopened,
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


def test_the_straight_way_leads_from_submitted_to_resolved():
    status = S.SUBMITTED
    for name in ("accept", "claim", "match", "propose", "resolve"):
        status = destination(STEPS[name], status, held=name != "accept")
    assert status is S.RESOLVED


def test_a_second_claim_is_told_who_was_quicker():
    with pytest.raises(WrongMoment) as refusal:
        destination(STEPS["claim"], S.CLAIMED, held=True, held_by="钱禾")
    assert "钱禾已经接了这条需求" in str(refusal.value.message)


def test_a_step_out_of_turn_says_where_the_need_stands():
    with pytest.raises(WrongMoment) as refusal:
        destination(STEPS["resolve"], S.SUBMITTED)
    assert "待受理" in str(refusal.value.message)


def test_work_goes_on_where_it_was_put_aside():
    assert destination(STEPS["resume"], S.ON_HOLD, came_from=S.MATCHING, held=True) is S.MATCHING


def test_without_anybody_holding_it_work_resumes_at_the_pool():
    assert destination(STEPS["resume"], S.ON_HOLD, came_from=S.MATCHING, held=False) is S.ACCEPTED


def test_a_result_is_given_back_at_most_twice():
    assert destination(STEPS["reopen"], S.RESOLVED, held=True, reopened=1) is S.MATCHING
    with pytest.raises(WrongMoment):
        destination(STEPS["reopen"], S.RESOLVED, held=True, reopened=2)
    # a decision about accepting it is another matter
    assert destination(STEPS["reopen"], S.DECLINED, reopened=2) is S.SUBMITTED


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
    assert [told(e) for e in (moved, noted, changed, back)] == [
        "受理了这条需求", "记了进展", "修改了内容", "重新打开",
    ]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=25))
def test_whatever_is_tried_the_need_stays_sound(names):
    """Random steps: every state is reached by the table, nothing is worked on unheld, results come back twice at most."""
    status, held, events = S.SUBMITTED, False, _events(S.SUBMITTED)
    for name in names:
        step = STEPS[name]
        claims = name == "claim"
        try:
            after = destination(
                step,
                status,
                came_from=came_from(events),
                held=held or claims,
                reopened=times_reopened(events),
            )
        except WrongMoment:
            assert status not in step.moves or name == "reopen"
            continue
        assert status in step.moves
        events.append(
            SimpleNamespace(
                at=events[-1].at + timedelta(hours=1), before=status, after=after, note=step.question
            )
        )
        held = claims or (held and after not in (S.SUBMITTED, S.ACCEPTED, S.RETURNED))
        status = after
        assert told(events[-1]) in {one.told for one in STEPS.values()}
        assert held or status not in HELD
        assert times_reopened(events) <= 2
        stages = stepper(status, events)
        assert len(stages) == 5 and sum(stage.current for stage in stages) <= 1
        if status in ENDED:
            assert not any(stage.current for stage in stages)


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
