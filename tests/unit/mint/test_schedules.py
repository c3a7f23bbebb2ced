"""The heart of the product against a chain that does its worst: random schedules of lost replies, late landings, forks,
lagging nodes, kills, second pods. Each item is on the chain at most once at every moment, and exactly once at the end.

Rules are then broken on purpose, one by one: the same schedules must notice.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from mintworks_runners.mint import campaign as campaign_module
from mintworks_runners.mint import machine
from mintworks_runners.mint.books import Books
from mintworks_runners.mint.machine import Status
from support.mintsim import LIFE, Chain, Process, calm_end, check

ITEMS = 7
BLOCKS = 10
SCHEDULES = 2000
PATIENCE = 6000
"""Schedules that may pass until a broken rule is noticed; most are within a few hundred."""


class Lives(RuleBasedStateMachine):
    """One life of a job: up to three processes at once, of which one holds the lease, then a calm end."""

    patience = LIFE + LIFE
    gapless = True
    leased = True

    @initialize(number=st.integers(0, 2**32 - 1))
    def begin(self, number: int) -> None:
        self.dice = random.Random(number)
        self.chain = Chain(self.dice, frozenset(item for item in range(ITEMS) if self.dice.random() < 0.1))
        self.processes = 0
        self.zombies: list[Process] = []
        self.sleepers: list[Process] = []
        self.holder = self.fresh()

    def fresh(self) -> Process:
        self.processes += 1
        return Process(self.chain, f"p{self.processes}", ITEMS, self.patience, self.gapless)

    @rule(
        landing=st.sampled_from([0.0, 0.2, 0.2, 1.0]),
        blocks=st.integers(1, 12),
        steps=st.integers(0, 5),
        others=st.integers(0, 3),
        forks=st.sampled_from([0.0, 0.3, 0.6]),
    )
    def go_on(self, landing: float, blocks: int, steps: int, others: int, forks: float) -> None:
        """Blocks pass, with a share of what was sent landing in each, while the processes do a few things a block."""
        for _ in range(blocks):
            self.chain.tick()
            self.chain.land(landing)
            check(self.chain)
            if self.dice.random() < forks:
                self.chain.fork(vanish=self.dice.random() < 0.3)
            for _ in range(steps):
                self.holder.step(may_sign=True)
            for _ in range(others):
                if self.zombies:
                    self.zombie_acts()

    @rule(vanish=st.booleans())
    def fork(self, vanish: bool) -> None:
        self.chain.fork(vanish=vanish)

    @rule(fate=st.sampled_from(["dies", "lives on", "sleeps"]))
    def take_over(self, fate: str) -> None:
        """A new process takes the lease: the old one died, or lives on and may rebroadcast, but signs no more. A
        suspended one does so when it wakes up.
        """
        if fate == "sleeps":
            self.sleepers = [*self.sleepers, self.holder][-2:]
        elif fate == "lives on":
            self.zombies = [*self.zombies, self.holder][-2:]
        self.holder = self.fresh()

    @rule()
    def wake_up(self) -> None:
        self.zombies, self.sleepers = [*self.zombies, *self.sleepers][-2:], []

    def zombie_acts(self) -> None:
        one = self.dice.choice(self.zombies)
        try:
            one.step(may_sign=not self.leased)
        except campaign_module.ForeignMinter:
            self.zombies.remove(one)  # it sees the mints of its successor, and ends

    @invariant()
    def nothing_is_minted_twice(self) -> None:
        check(self.chain)

    def teardown(self) -> None:
        for zombie in self.zombies:
            zombie.campaign = None
        calm_end(self.chain, self.holder)
        assert self.holder.campaign is not None
        minted = self.chain.minted
        assert {item for item, count in minted.items() if count == 1} == set(range(ITEMS)) - self.chain.poisoned
        assert set(self.holder.campaign.failed) == self.chain.poisoned - set(+minted)
        assert not self.holder.campaign.books.unexplained()


def live(lives: type[Lives], schedules: int, *, number: int = 0, shrink: bool = True) -> None:
    """So many schedules. A failure prints its steps; the block's number makes the same schedules again."""
    run_state_machine_as_test(
        seed(number)(type("Block", (lives,), {})),
        settings=settings(
            max_examples=schedules,
            stateful_step_count=30,
            database=None,
            deadline=None,
            # explaining a failure would trace every line of every schedule
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("block", range(BLOCKS))
def test_each_item_exactly_once_whatever_happens(block: int) -> None:
    live(Lives, SCHEDULES // BLOCKS, number=block)


# --- with one rule broken ---

Break = Callable[[pytest.MonkeyPatch], None]


def null_is_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """A null status past the blockhash's life counts as expired, without the tree's counter."""
    real = machine.on_status

    def eager(state: machine.State, status: Status | None, *, with_history: bool) -> machine.State:
        after = real(state, status, with_history=with_history)
        return machine.Expired() if isinstance(after, machine.InFlight) and after.absent else after

    monkeypatch.setattr(machine, "on_status", eager)


def any_null_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A null status counts as absent although the blockhash lives, and expiry does not ask for the height."""
    monkeypatch.setattr(machine, "HEIGHT_MARGIN", -LIFE)


def error_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in a block that may still lose frees the items."""
    real = machine.on_status

    def eager(state: machine.State, status: Status | None, *, with_history: bool) -> machine.State:
        after = real(state, status, with_history=with_history)
        return machine.FinalErr(after.slot, after.error) if isinstance(after, machine.Seen) and after.error else after

    monkeypatch.setattr(machine, "on_status", eager)


def confirmed_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen in a block counts as minted."""
    real = machine.on_status

    def eager(state: machine.State, status: Status | None, *, with_history: bool) -> machine.State:
        after = real(state, status, with_history=with_history)
        return machine.FinalOk(after.slot) if isinstance(after, machine.Seen) and not after.error else after

    monkeypatch.setattr(machine, "on_status", eager)


def any_counter_proves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Books that were equal at any slot prove an expiry, also at one before the blockhash's end."""
    real = machine.on_all_accounted

    def eager(state: machine.State, slot: int) -> machine.State:
        return real(state, 10**9)

    monkeypatch.setattr(machine, "on_all_accounted", eager)


def unequal_books_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter is read, but not compared."""

    def compare(self: Books, slot: int, minted: int, now: float) -> None:
        self.accounted_to = slot

    monkeypatch.setattr(Books, "compare", compare)


class NoWait(Lives):
    """A new attempt does not wait for what was signed before."""

    patience = -LIFE


class ShortWait(Lives):
    """A new attempt waits, but for less than a blockhash lives."""

    patience = 2


class Holes(Lives):
    """A replay with holes is believed."""

    gapless = False


class NoLease(Lives):
    """Whoever lost the lease goes on signing."""

    leased = False


# The numbers are of blocks that notice soon; any other does within `PATIENCE` schedules.
@pytest.mark.parametrize(
    ("broken", "number"),
    [
        (null_is_proof, 0),
        (any_null_is_absent, 0),
        (error_is_final, 0),
        (confirmed_is_final, 0),
        (any_counter_proves, 25),
        (unequal_books_prove, 0),
    ],
)
def test_a_broken_rule_of_a_transaction_is_noticed(broken: Break, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    with pytest.raises((AssertionError, campaign_module.ForeignMinter)):
        live(Lives, PATIENCE, number=number, shrink=False)


@pytest.mark.parametrize(("broken", "number"), [(NoWait, 0), (ShortWait, 0), (Holes, 2), (NoLease, 28)])
def test_a_broken_rule_of_an_attempt_is_noticed(broken: type[Lives], number: int) -> None:
    with pytest.raises((AssertionError, campaign_module.ForeignMinter)):
        live(broken, PATIENCE, number=number, shrink=False)
