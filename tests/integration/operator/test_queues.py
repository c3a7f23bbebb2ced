"""What a JobQueue does beyond concurrency, on a real API server."""

from __future__ import annotations

import time

from support.kubelet import Kubelet, eventually
from support.specs import METADATA

JOB = "MetadataJob"


def test_a_paused_queue_starts_nothing_until_it_goes_on(space: Kubelet) -> None:
    space.apply("JobQueue", "slow", {"paused": True})
    for name in ("a", "b"):
        space.apply(JOB, name, {**METADATA, "queue": "slow"})
    space.phase(JOB, "a", "Queued")
    space.phase(JOB, "b", "Queued")
    assert space.condition("JobQueue", "slow", "Ready")["reason"] == "Paused"
    assert not space.jobs()
    space.change("JobQueue", "slow", {"paused": False})
    eventually("both run", lambda: len(space.jobs()) == 2)


def test_a_rate_limit_outlives_its_operator(space: Kubelet) -> None:
    space.apply("JobQueue", "slow", {"rateLimit": {"max": 2, "per": "6s"}})
    for number in range(5):
        space.apply(JOB, f"a{number}", {**METADATA, "queue": "slow"})
    made: list[float] = []

    def three() -> bool:
        while len(made) < len(space.jobs()):
            made.append(time.monotonic())
        return len(made) >= 5

    eventually("all have started", three)
    # Creation and the look at it are some tenths of a second apart.
    gaps = [later - first for first, later in zip(made, made[2:], strict=False)]
    assert all(gap > 5 for gap in gaps), gaps
    assert space.status(JOB, "a4")["attempts"]["made"] == 0
