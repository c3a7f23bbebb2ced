"""Scenarios that npm's bullmq plays on a real Redis and the operator on a real API server: order and counts are equal.

Where the two differ by choice, docs/bullmq.md says so, and test_bullmq_semantics.py holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import bullmq
from support.bullmq import Outcome, Scenario
from support.kubelet import Kubelet
from support.queueplay import QueuePlay
from support.redis_server import RedisServer

from .conftest import Process

#: Scenarios that the operator plays at a time.
AT_ONCE = 4
PER = 6
RATED = [f"j{number}" for number in range(6)]
HELD = {"held": True}
FLOW = ["mint", "rows", "images"]
LIMITED = ["a", "b", "c", "d"]

SCENARIOS = [
    Scenario(
        "priorities-and-fifo",
        [
            ("pause",),
            ("add", "a", {"priority": 5}),
            ("add", "b", {"priority": 1}),
            ("add", "z", {"priority": 0}),
            ("add", "d", {"priority": 5}),
            # Ours are as old as their whole seconds.
            ("passed", 1.1),
            ("add", "e", {"priority": 0}),
            ("add", "c", {"priority": 1}),
            ("resume",),
            ("ended", "a", "b", "c", "d", "e", "z"),
        ],
    ),
    Scenario(
        "a-priority-changes",
        [
            ("pause",),
            ("add", "a", {"priority": 5}),
            ("add", "b", {"priority": 6}),
            ("add", "c", {"priority": 7}),
            ("priority", "c", 1),
            ("priority", "a", 9),
            ("resume",),
            ("ended", "a", "b", "c"),
        ],
    ),
    Scenario(
        "delays",
        [
            ("add", "now", HELD),
            ("started", "now"),
            ("add", "far", {"delay": 3600}),
            ("add", "later", {"delay": 4}),
            ("ended", "later"),
            ("finish", "now"),
            ("ended", "now"),
            ("promote", "far"),
            ("ended", "far"),
        ],
        concurrency=2,
    ),
    Scenario(
        "attempts-and-backoff",
        [
            ("add", "doubled", {"attempts": 3, "fails": 9, "backoff": {"type": "exponential", "delay": 1}}),
            ("ended", "doubled"),
            ("add", "fixed", {"attempts": 3, "fails": 2, "backoff": {"type": "fixed", "delay": 1}}),
            ("ended", "fixed"),
            ("add", "once", {"fails": 1}),
            ("ended", "once"),
            ("add", "hopeless", {"attempts": 5, "bad": True}),
            ("ended", "hopeless"),
        ],
    ),
    Scenario(
        "a-pause-keeps-places",
        [
            ("add", "a", HELD),
            ("started", "a"),
            ("add", "b", {"priority": 2}),
            ("add", "c", {"priority": 1}),
            ("pause",),
            ("finish", "a"),
            ("ended", "a"),
            ("passed", 1.1),
            ("add", "d", {"priority": 2}),
            ("add", "e", {"priority": 1}),
            ("idle", 2),
            ("resume",),
            ("ended", "b", "c", "d", "e"),
        ],
    ),
    Scenario(
        "a-rate-limit",
        [("pause",), *(("add", name, {}) for name in RATED), ("resume",), ("ended", *RATED)],
        concurrency=3,
        limiter={"max": 2, "per": PER},
    ),
    Scenario(
        "a-retry-has-fresh-attempts",
        [
            ("add", "a", {"attempts": 2, "fails": 3, "backoff": {"type": "fixed", "delay": 1}}),
            ("ended", "a"),
            ("retry", "a"),
            ("ended", "a"),
        ],
    ),
    Scenario(
        "drained",
        [
            ("add", "a", HELD),
            ("started", "a"),
            ("add", "b", {}),
            ("add", "c", {"priority": 3}),
            ("add", "d", {"delay": 3600}),
            ("passed", 1.1),
            ("drain",),
            ("finish", "a"),
            ("ended", "a"),
            ("idle", 1),
        ],
    ),
    Scenario(
        "a-flow",
        [
            ("flow", FLOW, {"images": HELD}),
            ("started", "images"),
            ("counts",),
            ("idle", 1),
            ("finish", "images"),
            ("ended", *FLOW),
        ],
        concurrency=3,
    ),
    Scenario(
        "a-flow-whose-last-fails",
        [
            ("flow", FLOW, {"images": {"fails": 1}}),
            ("ended", "images"),
            ("idle", 1),
            ("counts",),
            ("retry", "images"),
            ("ended", *FLOW),
        ],
    ),
    Scenario(
        "all-are-promoted",
        [
            ("pause",),
            ("add", "a", {"delay": 3600}),
            ("add", "b", {"delay": 3700}),
            ("add", "c", {"delay": 3800, "priority": 1}),
            ("counts",),
            ("promote_all",),
            ("counts",),
            ("resume",),
            ("ended", "a", "b", "c"),
        ],
    ),
    Scenario(
        "a-stall-costs-no-attempt",
        [
            ("add", "a", {"held": True, "fails": 2, "attempts": 2, "backoff": {"type": "fixed", "delay": 1}}),
            ("started", "a"),
            ("stall", "a"),
            ("finish", "a"),
            ("ended", "a"),
        ],
    ),
    Scenario(
        "the-limit-changes",
        [
            ("limit", 3),
            *(("add", name, HELD) for name in LIMITED),
            *(("started", name) for name in LIMITED[:3]),
            ("idle", 1),
            ("limit", 1),
            ("finish", "a"),
            ("finish", "b"),
            ("ended", "a", "b"),
            ("idle", 2),
            ("counts",),
            ("finish", "c"),
            ("started", "d"),
            ("finish", "d"),
            ("ended", "c", "d"),
        ],
    ),
]

#: Whoever had to wait for a time has, here, the place of its age; in BullMQ it goes to the end of the line.
WAITED = Scenario(
    "who-waited",
    [
        ("add", "first", HELD),
        ("started", "first"),
        ("add", "delayed", {"delay": 3}),
        ("passed", 1.1),
        ("add", "young", {}),
        # Until the delay is over for certain.
        ("passed", 4),
        ("finish", "first"),
        ("ended", "delayed", "young"),
    ],
)
#: Of what is retried together the attempts begin anew here; in BullMQ they go on.
RETRIED = Scenario(
    "all-that-failed-again",
    [
        ("add", "b", {"fails": 1}),
        ("ended", "b"),
        ("passed", 1.1),
        ("add", "a", {"fails": 1}),
        ("ended", "a"),
        ("add", "good", {}),
        ("ended", "good"),
        ("counts",),
        ("pause",),
        ("retry_all",),
        ("counts",),
        ("resume",),
        ("ended", "a", "b"),
    ],
)
#: A clean takes the jobs themselves there, and here what their runs left.
CLEANED = Scenario(
    "cleaned",
    [
        ("add", "a", {}),
        ("ended", "a"),
        ("add", "b", HELD),
        ("started", "b"),
        ("add", "c", {}),
        ("passed", 1.1),
        ("clean",),
        ("counts",),
        ("finish", "b"),
        ("ended", "b", "c"),
    ],
)
ALL = [*SCENARIOS, WAITED, RETRIED, CLEANED]

Pair = tuple[Outcome, Outcome]


@pytest.fixture(scope="module")
def played(operator: Process, fresh: Callable[[], Kubelet], redis_server: RedisServer) -> Mapping[str, Pair]:
    """Of each scenario what came of it there and here; some of them at a time."""
    del operator
    spaces = [fresh() for _ in ALL]
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        theirs = pool.submit(bullmq.play, redis_server.port, ALL)
        ours = [pool.submit(QueuePlay(*pair).play) for pair in zip(spaces, ALL, strict=True)]
        each = zip(ALL, theirs.result(), (outcome.result() for outcome in ours), strict=True)
        return {scenario.name: (bull, mint) for scenario, bull, mint in each}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_order_and_counts_are_those_of_bullmq(played: Mapping[str, Pair], scenario: Scenario) -> None:
    bull, mint = played[scenario.name]
    assert mint.order == bull.order
    assert mint.ends == bull.ends
    assert mint.attempts == bull.attempts
    assert mint.quiet == bull.quiet
    assert mint.counts == bull.counts


def test_both_wait_as_long_as_delay_and_backoff_say(played: Mapping[str, Pair]) -> None:
    for outcome in played["delays"]:
        # Kubernetes tells a creation in whole seconds, rounded down.
        assert outcome.gaps()[0] >= 2.9
    for outcome in played["attempts-and-backoff"]:
        doubled, again, _, fixed, once_more, *_ = outcome.gaps()
        assert (doubled >= 0.9, again >= 1.9, fixed >= 0.9, once_more >= 0.9) == (True,) * 4


def test_both_let_so_many_start_in_each_window(played: Mapping[str, Pair]) -> None:
    for outcome in played["a-rate-limit"]:
        times = outcome.times
        assert len(times) == len(RATED)
        # Ours are told in whole seconds, and some time after they were counted.
        assert all(third - first >= PER - 3 for first, third in zip(times, times[2:], strict=False)), times
        assert times[-1] - times[0] < 4 * PER


def test_jobs_that_waited_have_the_place_of_their_age(played: Mapping[str, Pair]) -> None:
    bull, mint = played[WAITED.name]
    assert bull.order == ["first", "young", "delayed"]
    assert mint.order == ["first", "delayed", "young"]


def test_what_is_retried_together_has_fresh_attempts(played: Mapping[str, Pair]) -> None:
    bull, mint = played[RETRIED.name]
    assert (mint.order, mint.ends, mint.counts) == (bull.order, bull.ends, bull.counts)
    assert bull.attempts == {"a": 2, "b": 2, "good": 1}
    assert mint.attempts == {"a": 1, "b": 1, "good": 1}


def test_a_clean_leaves_the_jobs(played: Mapping[str, Pair]) -> None:
    bull, mint = played[CLEANED.name]
    assert mint.order == bull.order
    assert (bull.ends, mint.ends) == ({**mint.ends, "a": "removed"}, dict.fromkeys("abc", "completed"))
    gone = [{**counts, "completed": counts["completed"] - 1} for counts in mint.counts]
    assert gone == bull.counts
