"""Lives of documents over the hub's decisions alone: whatever agencies send, whatever becomes of what is published,
whatever closes, whatever was lost, and however late it is, nothing contradicts itself."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from axis.core.registry import Member
from tests.hub.invariants import check
from tests.hub.memory import NOW, members, rules
from tests.hub.record import Record
from tests.hub.world import World

CHOICES = st.integers(0, 2**32 - 1)
CLOSED = NOW + timedelta(days=1)


class Lives(RuleBasedStateMachine):
    """Each step chooses for itself, by one number."""

    world: World
    kept: Record | None = None
    steps: int = 0

    @initialize(seed=CHOICES, succeeds=st.booleans(), follows=st.booleans())
    def begin(self, seed: int, succeeds: bool, follows: bool) -> None:
        """An installation, in which G06 closes after a day, with or without a successor."""
        closing = Member("G06", "Cơ quan G06", valid_until=CLOSED, successor="H41" if succeeds else "")
        self.world = World(Random(seed), rules(members(closing), follow_successors=follows))

    def _with(self, seed: int) -> World:
        self.steps += 1
        self.world.chance = Random(f"{self.steps} {seed}")
        return self.world

    @rule(seed=CHOICES)
    def agencies_send(self, seed: int) -> None:
        """Messages come together."""
        world = self._with(seed)
        world.hub.submit(*world.messages(8))

    @rule(seed=CHOICES)
    def the_hub_publishes(self, seed: int) -> None:
        """Some of what is due."""
        self._with(seed).publish()

    @rule(seed=CHOICES)
    def adapters_work(self, seed: int) -> None:
        """On some of what is in their queues."""
        self._with(seed).take()

    @rule(seed=CHOICES)
    def time_passes(self, seed: int) -> None:
        """Up to two days."""
        self._with(seed).wait()

    @rule()
    def everything_rests(self) -> None:
        """Everything that is under way arrives, and is answered."""
        self.world.rest()

    @precondition(lambda self: self.kept is None)
    @rule()
    def the_record_is_copied(self) -> None:
        """A backup."""
        self.kept = self.world.hub.record.copy()

    @precondition(lambda self: self.kept is not None and self.world.hub.rules.lost_until is None)
    @rule(seed=CHOICES)
    def the_record_is_put_back(self, seed: int) -> None:
        """What agencies have sent since comes again, in any order."""
        assert self.kept is not None
        self._with(seed).put_back(self.kept)

    @invariant()
    def nothing_contradicts_itself(self) -> None:
        """See invariants.py."""
        if hasattr(self, "world"):
            check(self.world.hub)

    def teardown(self) -> None:
        """In the end everything has an end."""
        if hasattr(self, "world"):
            self.world.rest()
            check(self.world.hub)


Lives.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # what follows from one number does not get simpler with a smaller one
)
TestLives = Lives.TestCase
