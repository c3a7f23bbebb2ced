"""Who may take the Lease, for replicas whose clocks have nothing to do with each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
from hypothesis import given
from mintworks_operator import election
from mintworks_operator.election import DEADLINE, DURATION, LONGEST, Sight, free, observe, released, taken

Json = dict[str, Any]


def lease(version: int = 1, **spec: Any) -> Json:
    return {"metadata": {"resourceVersion": str(version)}, "spec": {"leaseDurationSeconds": DURATION, **spec}}


def test_nobodys_and_ones_own_is_free_at_once() -> None:
    for holder in ("", "me"):
        assert free(observe(None, lease(holderIdentity=holder), 0.0), "me", 0.0)
    assert free(observe(None, None, 0.0), "me", 0.0)
    assert free(observe(None, {"metadata": {"resourceVersion": "1"}}, 0.0), "me", 0.0), "somebody removed the spec"


def test_anothers_is_free_once_it_was_not_renewed_while_one_watched() -> None:
    first = observe(None, lease(holderIdentity="it", renewTime="1999-01-01T00:00:00Z"), 100.0)
    assert not free(first, "me", 100.0), "however old it says it is"
    again = observe(first, lease(holderIdentity="it"), 114.0)
    assert not free(again, "me", 115.0)
    assert free(again, "me", 115.1)
    renewed = observe(again, lease(2, holderIdentity="it"), 114.9)
    assert not free(renewed, "me", 129.9)


def test_a_deleted_lease_leaves_its_holder() -> None:
    before = observe(None, lease(holderIdentity="it"), 0.0)
    gone = observe(before, None, 3.0)
    assert not free(gone, "me", 18.0)
    assert free(observe(gone, None, 18.1), "me", 18.1)
    assert not free(observe(gone, lease(7, holderIdentity="it"), 18.1), "me", 18.1)


def test_a_duration_that_someone_wrote_is_kept_within_bounds() -> None:
    assert not free(observe(None, lease(holderIdentity="it", leaseDurationSeconds=1), 0.0), "me", DURATION)
    assert free(observe(None, lease(holderIdentity="it", leaseDurationSeconds=10**6), 0.0), "me", LONGEST + 1)


def test_what_is_written() -> None:
    first = taken(None, "me", "then")
    assert (first["acquireTime"], first["leaseTransitions"]) == ("then", 0)
    again = taken(first, "me", "now")
    assert (again["acquireTime"], again["renewTime"], again["leaseTransitions"]) == ("then", "now", 0)
    other = taken(again, "it", "later")
    assert (other["holderIdentity"], other["acquireTime"], other["leaseTransitions"]) == ("it", "later", 1)
    assert taken({**other, "leaseTransitions": 2**31 - 1}, "me", "x")["leaseTransitions"] == 2**31 - 1
    assert free(observe(None, {"metadata": {"resourceVersion": "9"}, "spec": released(other)}, 0.0), "me", 0.0)


@dataclass
class Replica:
    """As `lease.py` uses the decisions. `offset` is what its clock shows at the true time zero."""

    name: str
    offset: float
    sight: Sight | None = None
    renewed: float | None = None
    #: A write under way: the version it is guarded by, when it was sent, and whether it was answered.
    sent: tuple[int | None, float] | None = None

    def leads(self, time: float) -> bool:
        return self.renewed is not None and time + self.offset < self.renewed + DEADLINE


@dataclass
class World:
    """One Lease, replicas, and the true time that none of them knows."""

    replicas: list[Replica]
    time: float = 0.0
    version: int = 0
    holder: str | None = None
    leaders: list[str] = field(default_factory=list)

    def lease(self) -> Json | None:
        return None if self.holder is None else lease(self.version, holderIdentity=self.holder)

    def look(self, one: Replica) -> None:
        """It reads the Lease, and where it may, sends a write."""
        now = self.time + one.offset
        found = self.lease()
        if one.leads(self.time):
            if found is not None and self.holder != one.name:
                one.renewed = one.sight = None
                return
        else:
            one.renewed = None
            one.sight = observe(one.sight, found, now)
            if not free(one.sight, one.name, now):
                return
        one.sent = (None if found is None else self.version, now)

    def arrive(self, one: Replica, answered: bool) -> None:
        """Its write reaches the server, at whatever later time; the answer may be lost."""
        if one.sent is None:
            return
        (guard, started), one.sent = one.sent, None
        current = None if self.holder is None else self.version
        if guard != current:
            return
        self.version, self.holder = self.version + 1, one.name
        if answered:
            one.renewed = started

    def delete(self) -> None:
        """Somebody deletes it. Every replica has seen another lead, and none is about to make the first Lease: else the
        leader learns of another only at its next look.
        """
        others = [r for r in self.replicas if not r.leads(self.time)]
        seen = all(r.sight is not None and r.sight.holder not in {"", r.name} for r in others)
        if self.holder is not None and seen and all(r.sent is None or r.sent[0] is not None for r in self.replicas):
            self.holder = None


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0.1, 20.0)),
        st.tuples(st.just("look"), st.integers(0, 2)),
        st.tuples(st.just("arrive"), st.integers(0, 2)),
        st.tuples(st.just("lost"), st.integers(0, 2)),
        st.tuples(st.just("try"), st.integers(0, 2)),
        st.tuples(st.just("delete"), st.just(0)),
    ),
    max_size=60,
)


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), STEPS)
def test_no_two_lead_at_once(offsets: list[float], steps: list[tuple[str, float]]) -> None:
    """Whatever is slow, paused, lost or deleted: at no moment do two replicas believe that they lead."""
    world = World([Replica(f"r{n}", offset) for n, offset in enumerate(offsets)])
    for what, number in steps:
        if what == "pass":
            world.time += number
        elif what == "delete":
            world.delete()
        else:
            one = world.replicas[int(number)]
            if what in {"look", "try"}:
                world.look(one)
            if what in {"arrive", "try", "lost"}:
                world.arrive(one, what != "lost")
        leading = [r.name for r in world.replicas if r.leads(world.time)]
        assert len(leading) <= 1, (leading, steps)


@given(st.floats(0.0, 2.9))
def test_one_leads_again_within_the_bound(polled: float) -> None:
    """The bound that docs/architecture.md states: the duration and two looks."""
    world = World([Replica("old", 0.0), Replica("new", -500.0)])
    old, new = world.replicas
    world.look(old)
    world.arrive(old, answered=True)
    world.time = polled
    while not new.leads(world.time):
        world.look(new)
        world.arrive(new, answered=True)
        world.time += election.RENEW
    assert world.time - election.RENEW <= DURATION + 2 * election.RENEW
