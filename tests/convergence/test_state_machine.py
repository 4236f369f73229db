"""The same world in Hypothesis' hands: it picks the steps, and shrinks what fails."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.convergence.edits import (
    History,
    State,
    Wait,
    some_add,
    some_configure,
    some_edit,
    some_life,
    some_plan,
    some_twin,
)
from tests.convergence.machine import Machine
from tests.convergence.shape import P, S, some_config
from tests.convergence.sync import Plan, one_time

# Hypothesis draws what these would draw, so that it can shrink it.
CHANCE = st.randoms(use_true_random=False)


class Convergence(RuleBasedStateMachine):
    """People, faults and runs in any order; at the end all comes to rest."""

    machine: Machine | None = None

    @initialize(chance=CHANCE, trims=st.booleans(), flow=st.booleans(), order=st.sampled_from("SP"))
    def begin(self, chance, trims, flow, order):
        switches = (("trims", trims), ("flow", flow), ("geocodes", True))
        other = {P: S, S: P}[order]
        self.machine = Machine(History(some_config(chance), switches, order=order + other))
        self.config = self.machine.history.config
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
