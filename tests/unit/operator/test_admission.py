"""Which waiting jobs of a queue get a slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given
from mintworks_api import Reservation
from mintworks_operator.core import Holding, Plan, QueueView, Waiting, admit, held
from mintworks_operator.core.ratelimit import LATE
from mintworks_operator.slots import Slots
from support.snapshots import CREATED, NOW, queue


def waits(uid: str, priority: int = 5, age: int = 0, keys: tuple[str, ...] = (), run: int = 1) -> Waiting:
    return Waiting(uid, run, "MetadataJob", priority, CREATED + timedelta(seconds=age), uid, keys)


def admitted(
    view: QueueView, *waiting: Waiting, holding: tuple[Holding, ...] = (), taken: frozenset[str] = frozenset()
) -> list[str]:
    line = sorted(waiting, key=lambda w: w.order)
    plan = admit(view, line, holding, NOW, still_held=lambda _: True, taken=taken)
    return list(plan.admitted)


def test_priority_then_age_then_name() -> None:
    line = [waits("late", 0, age=9), waits("b", 5), waits("a", 5), waits("low", 6), waits("old", 0, age=1)]
    assert admitted(queue(), *line) == ["old", "late", "a", "b", "low"]


def test_concurrency_counts_reservations_and_those_that_hold_without_one() -> None:
    assert admitted(queue(("x", 1), concurrency=2), waits("a"), waits("b")) == ["a"]
    assert admitted(queue(concurrency=2), waits("a"), waits("b"), holding=(Holding("x", 1),)) == ["a"]
    assert admitted(queue(("x", 1), concurrency=2), waits("a"), waits("b"), holding=(Holding("x", 1),)) == ["a"]
    assert admitted(queue(("x", 1), ("y", 1), ("z", 1), concurrency=2), waits("a")) == []


def test_an_exclusive_key_holds_its_job_back_and_no_other() -> None:
    line = [waits("a", keys=("tree:T",)), waits("b", keys=("tree:T",)), waits("c")]
    assert admitted(queue(), *line) == ["a", "c"]
    assert admitted(queue(), *line, taken=frozenset({"tree:T"})) == ["c"]
    assert admitted(queue(), *line, holding=(Holding("x", 1, ("tree:T",)),)) == ["c"]


def test_a_reserved_job_is_not_reserved_again() -> None:
    plan = admit(queue(("a", 1)), [waits("a")], [], NOW, still_held=lambda _: True)
    assert plan.admitted == ()
    assert [(r.uid, r.run) for r in plan.status.reservations] == [("a", 1)]


def test_what_is_not_held_any_more_is_free_at_once() -> None:
    plan = admit(queue(("x", 1), concurrency=1), [waits("a")], [], NOW, still_held=lambda _: False)
    assert (plan.admitted, plan.released) == (("a",), ("x",))
    assert plan.changed


def test_a_plan_that_is_written_changes_nothing() -> None:
    plan = admit(queue(), [waits("a")], [], NOW, still_held=lambda _: True)
    again = QueueView("ns", "default", 1, queue().spec, plan.status)
    later = admit(again, [], [Holding("a", 1)], NOW + timedelta(hours=1), still_held=lambda _: True)
    assert not later.changed


def test_a_reservation_is_held_until_its_process_ended() -> None:
    mine = Reservation(uid="a", run=2)
    assert held(mine, waits("a", run=2), alive=False), "it has not started"
    assert held(mine, Holding("a", 2), alive=False)
    assert held(mine, None, alive=True), "its job is gone, its process is not"
    assert not held(mine, waits("a", run=3), alive=False), "its run has ended"
    assert not held(mine, None, alive=False)


@given(
    changes=st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["waits", "holds", "leaves"]), st.integers(0, 3)),
        max_size=40,
    )
)
def test_slots_keep_the_line_in_order(changes: list[tuple[str, str, int]]) -> None:
    slots, key, model = Slots(), ("ns", "q"), dict[str, Waiting | Holding]()
    for uid, change, priority in changes:
        slot = waits(uid, priority) if change == "waits" else Holding(uid, 1) if change == "holds" else None
        looks = slots.set(key, uid, slot)
        old = model.pop(uid, None)
        assert looks == (old != slot and not (isinstance(old, Waiting) and isinstance(slot, Holding)))
        if isinstance(slot, Waiting | Holding):
            model[uid] = slot
    line = [s for s in model.values() if isinstance(s, Waiting)]
    assert slots.waiting(key) == sorted(line, key=lambda w: w.order)
    assert {h.uid for h in slots.holding(key)} == {u for u, s in model.items() if isinstance(s, Holding)}


def test_a_paused_queue_starts_nothing_and_says_so() -> None:
    plan = admit(queue(("x", 1), paused=True), [waits("a")], [], NOW, still_held=lambda _: True)
    assert (plan.admitted, plan.status.waiting, plan.status.running) == ((), 1, 1)
    assert next((c.status, c.reason) for c in plan.status.conditions if c.type == "Ready") == ("True", "Paused")


def test_a_rate_limit_counts_starts_and_tells_when_to_look_again() -> None:
    view = queue(rateLimit={"max": 2, "per": "10s"})
    line = [waits(uid) for uid in "abc"]
    first = admit(view, line, [], NOW, still_held=lambda _: True)
    assert (first.admitted, sum(s.count for s in first.status.starts)) == (("a", "b"), 2)
    assert first.again is not None
    assert timedelta(seconds=10) <= first.again - NOW <= timedelta(seconds=10.2)
    # What it started has ended, and another operator goes on from the status.
    after = QueueView("ns", "default", 1, view.spec, first.status)
    early = admit(after, line[2:], [], NOW + timedelta(seconds=9), still_held=lambda _: False)
    assert (early.admitted, early.again) == ((), first.again)
    late = admit(after, line[2:], [], first.again, still_held=lambda _: False)
    assert (late.admitted, late.again) == (("c",), first.again + LATE)


def written(view: QueueView, plan: Plan) -> QueueView:
    """The queue, once the plan is in its status."""
    return replace(view, status=plan.status)


def test_a_start_that_comes_late_is_counted_when_it_comes() -> None:
    """Their leader died with the slots written; the next one came when the starts did not count any more."""
    view = queue(concurrency=9, rateLimit={"max": 3, "per": "1m"})
    line = [waits(uid) for uid in "abcdef"]
    view = written(view, admit(view, line, [], NOW, still_held=lambda _: True))
    plan = admit(view, line, [], NOW + timedelta(minutes=5), still_held=lambda _: True)
    assert (plan.admitted, plan.put_off) == ((), frozenset())
    assert sum(s.count for s in plan.status.starts) == 3


def test_a_start_that_comes_late_waits_for_its_turn_and_keeps_its_slot() -> None:
    view = queue(concurrency=9, rateLimit={"max": 3, "per": "1m"})
    line = [waits(uid) for uid in "abc"]
    view = written(view, admit(view, line, [], NOW, still_held=lambda _: True))
    view = replace(view, spec=queue(concurrency=9, rateLimit={"max": 1, "per": "1m"}).spec)
    later = NOW + timedelta(minutes=5)
    plan = admit(view, line, [], later, still_held=lambda _: True)
    assert plan.put_off == {("b", 1), ("c", 1)}
    assert (plan.status.running, plan.again) == (3, later + LATE)
    # What took its slot is not counted again.
    at = later + timedelta(minutes=2)
    plan = admit(written(view, plan), line[1:], [Holding("a", 1)], at, still_held=lambda _: True)
    assert plan.put_off == {("c", 1)}


def test_a_start_that_is_only_slow_is_not_counted_twice() -> None:
    view = queue(concurrency=9, rateLimit={"max": 2, "per": "1m"})
    line = [waits(uid) for uid in "abc"]
    view = written(view, admit(view, line, [], NOW, still_held=lambda _: True))
    plan = admit(view, line, [], NOW + LATE, still_held=lambda _: True)
    assert (plan.admitted, plan.put_off, plan.again) == ((), frozenset(), NOW + 2 * LATE)
    assert sum(s.count for s in plan.status.starts) == 2


def test_whose_job_is_gone_is_not_counted_again() -> None:
    """Its process lives on, and nothing of it is still to start."""
    view = queue(rateLimit={"max": 1, "per": "1m"})
    view = written(view, admit(view, [waits("a")], [], NOW, still_held=lambda _: True))
    plan = admit(view, [waits("b")], [], NOW + timedelta(minutes=5), still_held=lambda _: True)
    assert (plan.admitted, plan.put_off) == (("b",), frozenset())


class Limited:
    """A queue of 3 starts a minute, its jobs, and a leader that knows which of their starts are counted."""

    def __init__(self) -> None:
        self.view = queue(concurrency=9, rateLimit={"max": 3, "per": "1m"})
        self.line = [waits(f"job-{number:02}") for number in range(12)]
        self.begun: dict[str, datetime] = {}
        self.counted = frozenset[str]()
        self.again: datetime | None = None

    def look(self, now: datetime) -> None:
        """A pass over the queue; what has begun has ended."""
        left = [w for w in self.line if w.uid not in self.begun]
        plan = admit(self.view, left, [], now, still_held=lambda r: r.uid not in self.begun)
        self.view, self.again = written(self.view, plan), plan.again
        self.counted = frozenset(r.uid for r in plan.status.reservations if (r.uid, r.run) not in plan.put_off)

    def passes(self, now: datetime) -> None:
        """Time goes by, and the leader looks when it asked to."""
        while self.again is not None and self.again <= now:
            self.look(self.again)

    def dies(self) -> None:
        """Another leader follows; it has to look for itself."""
        self.counted, self.again = frozenset(), None

    def start(self, chosen: set[int], now: datetime) -> None:
        """Some passes over jobs happen; of the others nobody knows when they do."""
        for number in chosen:
            if self.line[number].uid in self.counted:
                self.begun.setdefault(self.line[number].uid, now)


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 70), st.sampled_from(["dies", "looks", "idles"]), st.sets(st.integers(0, 11))),
        min_size=5,
        max_size=40,
    )
)
def test_no_window_holds_more_starts_however_late_they_come(steps: list[tuple[int, str, set[int]]]) -> None:
    world, now = Limited(), NOW
    for seconds, what, starting in steps:
        if what == "dies":
            world.dies()
        now += timedelta(seconds=seconds)
        world.passes(now)
        if what == "looks":
            world.look(now)
        world.start(starting, now)
        window = now - timedelta(minutes=1) + LATE
        assert sum(at > window for at in world.begun.values()) <= 3


def test_a_full_queue_does_not_wait_for_its_rate() -> None:
    view = queue(("x", 1), concurrency=1, rateLimit={"max": 2, "per": "10s"})
    assert admit(view, [waits("a")], [], NOW, still_held=lambda _: True).again is None
