"""The same world in Hypothesis' hands: it picks the steps, and shrinks what fails."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.convergence.edits import (
    History,
    State,
    Wait,
    some_activity,
    some_activity_edit,
    some_add,
    some_awaited,
    some_completion,
    some_configure,
    some_convert,
    some_edit,
    some_lead,
    some_life,
    some_plan,
    some_staff,
    some_twin,
    staffed,
    widened,
)
from tests.convergence.machine import Machine
from tests.convergence.shape import P, S, some_config
from tests.convergence.sync import Plan, one_time

# Hypothesis draws what these would draw, so that it can shrink it.
CHANCE = st.randoms(use_true_random=False)


class Convergence(RuleBasedStateMachine):
    """People, faults and runs in any order; at the end all comes to rest.

    Records have parents, change them and are merged; leads are converted; activities are logged and
    users come and go, where the drawn configuration has them.
    """

    machine: Machine | None = None

    @initialize(
        chance=CHANCE,
        trims=st.booleans(),
        flow=st.booleans(),
        order=st.sampled_from("SP"),
        more=st.sets(st.sampled_from([widened, staffed])),
    )
    def begin(self, chance, trims, flow, order, *, more):
        switches = (("trims", trims), ("flow", flow), ("geocodes", True))
        other = {P: S, S: P}[order]
        history = History(some_config(chance), switches, (Plan(S),), order=order + other)
        for change in (widened, staffed):
            history = change(chance, history, faults=True) if change in more else history
        # What they put into a history the rules below do in Hypothesis' order.
        self.machine = Machine(replace(history, steps=()))
        self.config = history.config
        self.machine.perform(some_add(chance, self.config))

    def take(self, step):
        with one_time(self.machine.world, fast=True):
            self.machine.perform(step)

    @rule(chance=CHANCE)
    def somebody_creates(self, chance):
        self.take(some_add(chance, self.config))

    @rule(chance=CHANCE)
    def somebody_edits(self, chance):
        self.take(some_edit(chance, self.config))

    @rule(chance=CHANCE)
    def a_record_lives(self, chance):
        self.take(some_life(chance, self.config))

    @precondition(lambda self: len(self.machine.world.rows) < 6)
    @rule(chance=CHANCE)
    def two_belong_together(self, chance):
        self.take(some_twin(chance, self.config))

    @precondition(lambda self: self.config.leads)
    @rule(chance=CHANCE)
    def somebody_finds_a_lead(self, chance):
        self.take(some_lead(chance, self.config))

    @precondition(lambda self: self.config.leads)
    @rule(chance=CHANCE)
    def a_lead_is_converted(self, chance):
        self.take(some_convert(chance))

    @precondition(lambda self: self.config.activities)
    @rule(chance=CHANCE, what=st.sampled_from([some_activity, some_activity_edit, some_completion]))
    def somebody_is_active(self, chance, what):
        self.take(what(chance, self.config))

    @precondition(lambda self: self.config.users is not None)
    @rule(chance=CHANCE)
    def a_user_comes_goes_or_changes(self, chance):
        self.take(some_staff(chance))

    @precondition(
        lambda self: self.config.users is not None and self.config.rule("owner", "Account")
    )
    @rule(chance=CHANCE)
    def an_owner_is_nobody_for_a_while(self, chance):
        for step in some_awaited(chance, self.config.rule("owner", "Account")):
            self.take(step)

    @rule(chance=CHANCE)
    def the_definition_is_edited(self, chance):
        self.take(some_configure(chance, self.config))

    @rule(side=st.sampled_from([P, S]))
    def a_direction_runs(self, side):
        self.take(Plan(side))

    @rule(chance=CHANCE)
    def a_direction_runs_into_faults(self, chance):
        self.take(some_plan(chance, self.config, faults=True))

    @rule(side=st.sampled_from([P, S]), back=st.integers(0, 2))
    def state_is_lost_or_old(self, side, back):
        self.take(State(side, back))

    @rule(milliseconds=st.sampled_from([0, 1, 2_500, 700_000]))
    def time_passes(self, milliseconds):
        self.take(Wait(milliseconds))

    def teardown(self):
        if self.machine is None:
            return
        with one_time(self.machine.world, fast=True):
            assert self.machine.rest().violations == []


TestConvergence = Convergence.TestCase
TestConvergence.settings = settings(
    max_examples=120,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
