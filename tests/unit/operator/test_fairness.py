"""Whose the next start is, where all namespaces share a limit; and that no leader lets more run than it counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from mintworks_api import JobQueueSpec, Reservation
from mintworks_operator.core import (
    Claim,
    Holding,
    Plan,
    QueueView,
    Run,
    Waiting,
    admit,
    counted,
    held,
    ready,
    shares,
)
from support.steps import drive

START = datetime(2026, 1, 1, tzinfo=UTC)


def line(*ages: int) -> list[Waiting]:
    """Jobs that wait, created so many seconds after the start."""
    return [Waiting(f"j{age}", 1, "MetadataJob", 5, START + timedelta(seconds=age), f"j{age}") for age in ages]


def test_the_namespace_with_the_fewest_is_next() -> None:
    claims = [Claim("a", 3, line(0, 1, 2)), Claim("b", 1, line(5, 6, 7)), Claim("c", 2, line(3, 4))]
    assert shares(7, claims) == {"b": 1}
    assert shares(8, claims) == {"b": 1, "c": 1}
    assert shares(10, claims) == {"b": 2, "c": 1, "a": 1}
    assert shares(99, claims) == {"a": 3, "b": 3, "c": 2}


def test_of_equals_the_one_whose_next_is_oldest() -> None:
    claims = [Claim("a", 1, line(4, 9)), Claim("b", 1, line(3, 5)), Claim("c", 1, line(8))]
    assert shares(4, claims) == {"b": 1}
    assert shares(5, claims) == {"b": 1, "a": 1}


def test_who_has_nobody_to_start_gets_nothing_and_holds_nobody_up() -> None:
    claims = [Claim("a", 0, []), Claim("b", 2, line(1, 2))]
    assert shares(3, claims) == {"b": 1}
    assert shares(2, claims) == {}
    assert shares(1, claims) == {}, "the limit was lowered"


def test_what_runs_is_counted_and_of_what_is_reserved_as_much_as_there_is_room_for() -> None:
    old, young = line(1, 2)
    reserved = {("old", 1): old, ("young", 1): young}
    assert counted(2, [], {("x", 1)}, reserved) == {("x", 1), ("old", 1)}
    assert counted(2, [("young", 1), ("gone", 4)], {("x", 1)}, reserved) == {("x", 1), ("young", 1)}
    assert counted(1, [], {("x", 1), ("y", 1)}, reserved) == {("x", 1), ("y", 1)}


# --- a small world of namespaces ------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
BACKLOG = 4


@dataclass
class Leader:
    """What an operator remembers. Its cache is what is stored, but for the queues that it saw last."""

    queues: dict[str, QueueView]
    counted: set[Run] = field(default_factory=set)


class FairWorld(RuleBasedStateMachine):
    """Namespaces that always have more jobs than can start. Runs end, the leader dies, and what a former one wrote to
    a queue arrives when another leads.
    """

    @initialize(total=st.integers(1, 7), started=st.booleans())
    def begin(self, total: int, started: bool) -> None:
        self.total = total
        self.now = START
        self.made: Counter[str] = Counter()
        self.stored = {name: QueueView(name, "q", 1, JobQueueSpec(concurrency=9)) for name in NAMES}
        self.waiting: dict[str, list[Waiting]] = {name: [] for name in NAMES}
        self.running: dict[str, dict[str, Holding]] = {name: {} for name in NAMES}
        #: Writes of former leaders that are under way: namespace, the version they are guarded by, and the plan.
        self.late: list[tuple[str, QueueView, Plan]] = []
        for name in NAMES:
            self.fill(name)
        self.leader = Leader(dict(self.stored))
        if started:
            self.settles()

    def fill(self, name: str) -> None:
        while len(self.waiting[name]) < BACKLOG:
            self.made[name] += 1
            uid = f"{name}{self.made[name]:04d}"
            created = self.now + timedelta(seconds=self.made.total())
            self.waiting[name].append(Waiting(uid, 1, "MetadataJob", 5, created, uid))

    # --- a leader -----------------------------------------------------------------------------------------------------

    def still(self, name: str, reservation: Reservation) -> bool:
        slots = {w.uid: w for w in self.waiting[name]} | self.running[name]
        return held(reservation, slots.get(reservation.uid), alive=False)

    def look(self) -> dict[str, int]:
        """What a pass over any namespace begins with."""
        running: set[Run] = set()
        reserved: dict[Run, Waiting] = {}
        claims = []
        for name, queue in self.leader.queues.items():
            own = {(h.uid, h.run) for h in self.running[name].values()}
            slots = {(r.uid, r.run) for r in queue.status.reservations if self.still(name, r)} - own
            running |= own
            reserved |= {(w.uid, w.run): w for w in self.waiting[name] if (w.uid, w.run) in slots}
            claims.append(Claim(name, len(own | slots), self.able(name, queue)))
        self.leader.counted = counted(self.total, self.leader.counted, running, reserved)
        return shares(self.total, claims)

    def able(self, name: str, queue: QueueView) -> list[Waiting]:
        still = self.running[name].values()
        return ready(queue, self.waiting[name], still, self.now, still_held=lambda r: self.still(name, r))

    def plan(self, name: str) -> tuple[QueueView, Plan]:
        most = self.look().get(name, 0)
        queue, holding = self.leader.queues[name], self.running[name].values()
        return queue, admit(
            queue,
            self.waiting[name],
            holding,
            self.now,
            still_held=lambda r: self.still(name, r),
            most=most,
        )

    def write(self, name: str, seen: QueueView, plan: Plan) -> bool:
        """Compare and set."""
        if self.stored[name] is not seen:
            return False
        self.stored[name] = replace(seen, status=plan.status)
        return True

    def admit(self, name: str) -> bool:
        seen, plan = self.plan(name)
        if not plan.changed:
            return False
        if self.write(name, seen, plan):
            self.leader.counted |= {(r.uid, r.run) for r in plan.status.reservations if r.uid in plan.admitted}
        self.leader.queues[name] = self.stored[name]
        return True

    def start(self, name: str, pick: int) -> bool:
        """A pass over a job that has a slot."""
        slots = {(r.uid, r.run) for r in self.leader.queues[name].status.reservations}
        able = [w for w in self.waiting[name] if (w.uid, w.run) in slots & self.leader.counted]
        if not able:
            return False
        job = able[pick % len(able)]
        self.waiting[name].remove(job)
        self.running[name][job.uid] = Holding(job.uid, job.run)
        self.fill(name)
        return True

    @rule(name=st.sampled_from(NAMES))
    def admits(self, name: str) -> None:
        self.admit(name)

    @rule(name=st.sampled_from(NAMES), pick=st.integers(0, 9))
    def starts(self, name: str, pick: int) -> None:
        self.start(name, pick)

    # --- what happens to it -------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), pick=st.integers(0, 9))
    def ends(self, name: str, pick: int) -> None:
        runs = sorted(self.running[name])
        if runs:
            del self.running[name][runs[pick % len(runs)]]

    @rule(name=st.sampled_from(NAMES))
    def sees(self, name: str) -> None:
        self.leader.queues[name] = self.stored[name]

    @rule()
    def dies(self) -> None:
        self.leader = Leader(dict(self.stored))

    @rule(name=st.sampled_from(NAMES))
    def dies_while_it_writes(self, name: str) -> None:
        """What it wrote is under way, and nobody knows."""
        seen, plan = self.plan(name)
        if plan.changed:
            self.late.append((name, seen, plan))
        self.dies()

    @precondition(lambda self: bool(getattr(self, "late", [])))
    @rule(pick=st.integers(0, 9))
    def a_late_write_arrives(self, pick: int) -> None:
        self.write(*self.late.pop(pick % len(self.late)))

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def the_limit_holds(self) -> None:
        if hasattr(self, "running"):
            assert sum(map(len, self.running.values())) <= self.total

    @rule()
    def settles(self) -> None:
        """Undisturbed, all that is free is given, to all alike."""
        for _ in range(60):
            for name in NAMES:
                self.sees(name)
            busy = [self.admit(name) for name in NAMES]
            busy += [self.start(name, 0) for name in NAMES]
            if not any(busy):
                break
        else:
            raise AssertionError("it does not come to rest")
        self.at_rest([len(self.running[name]) for name in NAMES])

    def at_rest(self, counts: list[int]) -> None:
        assert sum(counts) == self.total
        assert max(counts) - min(counts) <= 1


class HeldWorld(FairWorld):
    """Jobs of a namespace are suspended meanwhile, and others get what was to be theirs. No queue is written for that:
    what a former leader wrote to theirs arrives all the same.
    """

    @rule(name=st.sampled_from(NAMES))
    def suspends_or_resumes(self, name: str) -> None:
        self.waiting[name], self.suspended[name] = self.suspended[name], self.waiting[name]

    def fill(self, name: str) -> None:
        if not hasattr(self, "suspended"):
            self.suspended: dict[str, list[Waiting]] = {each: [] for each in NAMES}
        if not self.suspended[name]:
            super().fill(name)

    def at_rest(self, counts: list[int]) -> None:
        able = [len(self.able(name, self.stored[name])) for name in NAMES]
        assert sum(counts) == self.total or not any(able)


@pytest.mark.parametrize("world", [FairWorld, HeldWorld])
def test_namespaces_are_served_alike(world: type[FairWorld]) -> None:
    drive(world, examples=200, length=50, least=5_000)


def test_what_a_former_leader_reserved_late_waits_until_there_is_room() -> None:
    world = HeldWorld()
    world.begin(total=1, started=False)
    world.dies_while_it_writes("a")
    world.suspends_or_resumes("a")
    world.admits("b")
    world.starts("b", 0)
    world.suspends_or_resumes("a")
    world.a_late_write_arrives(0)
    world.sees("a")
    assert [r.uid for r in world.leader.queues["a"].status.reservations] == ["a0001"]
    world.admits("c")
    world.starts("a", 0)
    world.the_limit_holds()
    world.ends("b", 0)
    world.admits("b")
    world.starts("a", 0)
    assert list(world.running["a"]) == ["a0001"]
