"""Thousands of random moves, legal and illegal, by everybody who could make one: the need stays sound on both databases."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from uuid6 import uuid7

from fieldapp.accounts.models import Role, User
from fieldapp.accounts.sessions import Person
from fieldapp.db import db, writing
from fieldapp.enterprises.models import Enterprise
from fieldapp.needs import duties
from fieldapp.needs.access import can_step, enterprise_steps, open_steps
from fieldapp.needs.actions import Said, rate, submit, take_step
from fieldapp.needs.clock import after_line, light_is, light_of, limits_of
from fieldapp.needs.models import (
    ENDED,
    Ending,
    Light,
    Need,
    NeedEvent,
    NeedKind,
    NeedRating,
    NeedSource,
    NeedStatus,
    Solved,
)
from fieldapp.needs.queries import events_of, find_need, need_at_door
from fieldapp.needs.steps import (
    HELD,
    INSIDE,
    REOPENED_AT_MOST,
    RESULTS,
    STEPS,
    WAITING,
    Who,
    WrongMoment,
    comes_into_question,
    question_open,
)

S = NeedStatus
NEED = Need.__table__
OVER = {S.MERGED, S.DECLINED, S.WITHDRAWN, S.REFERRED}
RUNS, MOVES = 20, 30  # on either database
# Walked before luck takes over: whatever it brings, a need has been to these.
WALKS = (
    ("accept", "claim", "match", "propose", "rate"),
    ("assign", "match", "propose", "resolve", "redo"),
    ("accept", "claim", "hold", "recall"),
)
# The same working days on whatever day the tests run: what was reached yesterday is reached today.
BEGINNING = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


def _person(username: str) -> Person:
    user = db.session.scalars(sa.select(User).where(User.username == username)).one()
    return Person(
        id=user.id, username=username, name=user.name, role=user.role, team_id=user.team_id, team_name="",
        led_team_ids=(db.session.scalar(sa.select(Enterprise.team_id).where(Enterprise.officer_id.is_not(None))),)
        if user.role is Role.LEAD else (),
        language="zh", theme="", text_size="", must_change_password=False, session_id=0, csrf_seed=b"",
    )  # fmt: skip


class Life(RuleBasedStateMachine):
    """One order or one need from a visit, a twin of the same enterprise, two officers, their lead, the door and time."""

    tally: dict[str, int]
    cast: dict[str, Person]
    enterprise: Enterprise

    @initialize(from_door=st.booleans())
    def begin(self, from_door, now=BEGINNING):
        self.now = now
        self.id, self.twin = uuid7(), uuid7()
        source = NeedSource.ORDER if from_door else NeedSource.VISIT
        for need_id in (self.id, self.twin):
            submit(
                None if from_door else self.cast["zhao"], self.enterprise, need_id, title="示例", kind=NeedKind.TALENT,
                at=self.now, source=source,
            )  # fmt: skip
        db.session.commit()

    def _row(self):
        return need_at_door(self.id)

    @rule(who=st.sampled_from(["zhao", "qian", "li"]))
    def all_that_is_out_of_turn(self, who):
        """Every step whose moment has not come is refused with a reason and changes nothing."""
        before = self._row()
        shut = [step for step in STEPS.values() if not comes_into_question(step, before)]
        for step in shut:
            person = self.cast[who] if step.who in INSIDE else None
            try:
                take_step(person, before, step, self.now, text="x", said=Said(solved=Solved.YES, level=3))
            except WrongMoment as refusal:
                assert len(str(refusal.message)) > 10
            else:
                raise AssertionError(f"{step.name} went through from {before.status}")
        self.tally["refused"] += len(shut)
        assert self._row() == before

    @rule(seed=st.integers(0, 2**32))
    def go_on(self, seed):
        """Six things that are open to whoever is there; what ends a need otherwise than with a result is rare."""
        rng = random.Random(seed)
        for _move in range(6):
            hours, need = rng.randint(1, 60), self._row()
            if need.status in ENDED and rng.random() < 0.5:  # the next one, in the days that follow
                self.begin(rng.random() < 0.6, self.now)
                need = self._row()
            answers = need.status in RESULTS and rng.random() < 0.5
            who = "door" if answers else rng.choice(["zhao", "qian", "li", "li", "door"])
            if who == "door":
                steps = enterprise_steps(need)
            else:
                steps = open_steps(self.cast[who], find_need(self.cast[who], self.id))
            rare = rng.random() < 0.1
            names = [step.name for step in steps if rare or not set(step.moves.values()) & OVER]
            if "rate" in names and rng.random() < 0.4:
                self.rate_it(rng.choice(list(Solved)), rng.randint(1, 5), hours)
            elif names:
                name = rng.choice([one for one in names if one != "rate"] or ["rate"])
                if name != "rate":
                    person = "li" if who == "door" else who
                    self._try(name, person, hours, rng.choice(list(Ending)[:4]), rng.randint(1, 15))
            self.it_is_sound()

    def walk(self, *names):
        """These steps of an order, one after the other, each in its moment."""
        self.begin(True)
        for name in names:
            if name == "rate":
                self.rate_it(Solved.YES, 5, 5)
            else:
                assert comes_into_question(STEPS[name], self._row()), name
                self._try(name, "li", 5, Ending.SOLVED, 3)
            self.it_is_sound()
        self.teardown()

    def _try(self, name, who, hours, ending, days):
        self.now += timedelta(hours=hours)
        step, need = STEPS[name], self._row()
        person = None if step.who is Who.ENTERPRISE else self.cast[who]
        if person is None:
            may = step in enterprise_steps(need)
            assert may == comes_into_question(step, need)
        else:
            seen = find_need(person, self.id)
            may = can_step(person, seen, step) and comes_into_question(step, need)
            assert may == (step in open_steps(person, seen)), "the buttons and the door read one table"
            if not can_step(person, seen, step):
                return
        said = Said(
            ending=ending, unit="示例研究院", officer_id=self.cast["qian"].id, twin_id=self.twin, days=days
        )
        before = self._row()
        try:
            after = take_step(person, need, step, self.now, text="说明", said=said)
        except WrongMoment:
            db.session.rollback()
            assert not may or name == "merge", (name, need.status)  # its twin has ended
            assert self._row() == before, "a refused step changes nothing"
            return
        db.session.commit()
        assert may, (name, need.status)
        self.tally["taken"] += 1
        self.tally[name] = self.tally.get(name, 0) + 1
        assert self._row().status is after

    def rate_it(self, solved, level, hours):
        self.now += timedelta(hours=hours)
        need = self._row()
        try:
            after = rate(need, solved, level, "说一句", self.now)
        except WrongMoment:
            db.session.rollback()
            assert not comes_into_question(STEPS["rate"], need)
            return
        db.session.commit()
        self.tally["rate"] = self.tally.get("rate", 0) + 1
        unhappy = solved is Solved.NO or level <= 2
        if unhappy and need.reopened < REOPENED_AT_MOST:
            assert after in (S.MATCHING, S.ACCEPTED) and self._row().reopened == need.reopened + 1
        else:
            assert after is S.RATED
            assert self._row().ending is not Ending.SOLVED or solved is Solved.YES

    @rule(days=st.integers(0, 30))
    def time_passes(self, days):
        self.now += timedelta(days=days)
        for duty in (duties.return_idle, duties.close_unanswered, duties.escalate, duties.recount):
            duty(self.now)
        db.session.commit()
        need = self._row()
        if need.due_at is not None:
            assert duties.recount(self.now) == 0, "what the steps wrote is what is worked out"

    @invariant()
    def it_is_sound(self):
        if not hasattr(self, "id"):
            return
        need = self._row()
        assert need.status not in HELD or need.claimed_by_id is not None
        assert need.status not in (S.SUBMITTED, S.ACCEPTED, S.RETURNED) or need.claimed_by_id is None
        assert (need.status in ENDED) == (need.ended_at is not None) == (need.clock is None)
        if need.status in ENDED:
            assert need.due_at is need.warn_at is need.paused_at is need.asked_days is None
        else:
            assert (need.due_at is None) == (need.warn_at is None) == (need.paused_at is not None)
            assert (need.paused_at is not None) == (need.status in WAITING or question_open(need))
            assert need.paused_at is not None or need.warn_at <= need.due_at
        assert need.status not in RESULTS or need.ending is not None
        assert need.status in (*RESULTS, S.ON_HOLD) or need.ending is None
        assert 0 <= need.reopened <= REOPENED_AT_MOST
        assert (need.status is S.MERGED) == (need.merged_into_id is not None)
        assert need.referred_to == "" or need.status is S.REFERRED

    @invariant()
    def the_log_tells_it_whole(self):
        if not hasattr(self, "id"):
            return
        events = db.session.execute(
            sa.select(
                NeedEvent.before, NeedEvent.after, NeedEvent.step, NeedEvent.by_id, NeedEvent.from_enterprise
            )
            .where(NeedEvent.need_id == self.id)
            .order_by(NeedEvent.id)
        ).all()
        states = [S.SUBMITTED, *(event.after for event in events)]  # it begins with itself
        assert states[-1] is self._row().status
        for event, before in zip(events, states, strict=False):
            assert event.before is before
        for event in events:
            step = STEPS[event.step]
            assert event.before in step.moves and step.moves[event.before] in (
                event.after,
                None,
                S.MATCHING,
                S.CLAIMED,
            )
            assert event.from_enterprise == (step.who is Who.ENTERPRISE)
            assert (event.by_id is not None) == (step.who in INSIDE)

    @invariant()
    def the_clock_is_the_same_when_it_is_worked_out_from_the_log(self):
        if not hasattr(self, "id"):
            return
        limits, past = limits_of(current_app.config), None
        need = self._row()
        for event in events_of(need):
            past = after_line(limits, past, event, need.kind)
        for column in (
            "clock", "clock_from", "due_at", "paused_at", "paused_minutes", "extra_days", "asked_days", "status",
        ):  # fmt: skip
            assert getattr(past, column) == getattr(need, column), column

    @invariant()
    def lights_are_the_same_in_python_and_in_sql(self):
        if not hasattr(self, "id"):
            return
        need = self._row()
        moments = {self.now, *(m for m in (need.due_at, need.warn_at) if m), self.now + timedelta(days=9)}
        for moment in moments | {one + timedelta(microseconds=1) for one in moments}:
            query = sa.select(*(light_is(light, moment) for light in Light)).where(NEED.c.id == self.id)
            lit = [
                light for light, is_it in zip(Light, db.session.execute(query).one(), strict=True) if is_it
            ]
            assert lit == [one for one in [light_of(need, moment)] if one], (lit, moment)

    def teardown(self):
        db.session.rollback()


def test_whatever_is_tried_a_need_stays_sound(app, city):
    app.config["CLAIMS_MOST"], before = 10_000, app.config["CLAIMS_MOST"]
    tally = {"taken": 0, "refused": 0}
    try:
        with writing():
            cast = {name: _person(name) for name in ("zhao", "qian", "li")}
            enterprise = db.session.get(Enterprise, city.huaxing.id)
            machine = type("Life", (Life,), {"tally": tally, "cast": cast, "enterprise": enterprise})
            for steps in WALKS:
                machine().walk(*steps)
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=RUNS, stateful_step_count=MOVES, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck),
                    phases=[Phase.generate],  # a failure shows its steps; making them fewer takes minutes
                ),
            )  # fmt: skip
    finally:
        app.config["CLAIMS_MOST"] = before
    assert tally["taken"] > 400 and tally["refused"] > 2000, tally
    never = {name for steps in WALKS for name in steps} - set(tally)
    assert not never, f"the runs never came to: {never}"
    ratings = db.session.scalar(sa.select(sa.func.count()).select_from(NeedRating))
    assert ratings >= tally["rate"]
