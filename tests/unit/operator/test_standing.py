"""How a queue stands: numbers kept with every change, rates of the last hour, and what is told of its health."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from mintworks_api import Phase
from mintworks_operator.core import Standing, admit
from mintworks_operator.keys import JobKey
from mintworks_operator.slots import Slots
from mintworks_operator.tally import HOUR, Tally
from support.snapshots import NOW, queue

from .test_admission import waits

QUEUE = ("ns", "default")
ENDS = {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}


def obj(uid: str, phase: str, minute: int = 0, queue: str = "default") -> dict[str, Any]:
    status: dict[str, Any] = {"phase": phase} if phase else {}
    if phase in ENDS:
        status["completionTime"] = (NOW - timedelta(minutes=minute)).isoformat()
    return {"metadata": {"namespace": "ns", "name": uid, "uid": uid}, "spec": {"queue": queue}, "status": status}


JOBS = st.builds(
    obj,
    st.sampled_from("abcdef"),
    st.sampled_from(["", *Phase]),
    st.integers(0, 120),
    st.sampled_from(["default", "other"]),
)


@given(st.lists(st.tuples(JOBS, st.booleans()), max_size=40))
def test_numbers_equal_counting(changes: list[tuple[dict[str, Any], bool]]) -> None:
    tally, jobs = Tally(), dict[str, dict[str, Any]]()
    for new, gone in changes:
        uid = new["metadata"]["uid"]
        old = jobs.pop(uid, None)
        tally.change("MetadataJob", old, None if gone else new)
        if not gone:
            jobs[uid] = new
    mine = [job for job in jobs.values() if job["spec"]["queue"] == "default"]
    phases = [job["status"].get("phase", "") for job in mine]
    assert tally.phases(QUEUE) == {phase: phases.count(phase) for phase in phases}
    for good in (True, False):
        ends = sorted(
            (job["status"]["completionTime"], job["metadata"]["uid"])
            for job in mine
            if job["status"].get("phase") in ENDS and (job["status"]["phase"] == Phase.SUCCEEDED) is good
        )
        moments = {uid: datetime.fromisoformat(at) for at, uid in ends}
        recent = [uid for uid, at in moments.items() if at > NOW - HOUR]
        # Runs of what was cancelled are kept like those of what failed; a failure it is none.
        counted = [uid for uid in recent if jobs[uid]["status"]["phase"] != Phase.CANCELLED]
        first = min((moments[uid] for uid in recent), default=None)
        assert tally.since(QUEUE, NOW - HOUR, good=good) == (len(counted), first)
        for place, (_, uid) in enumerate(ends):
            assert tally.newer(QUEUE, jobs[uid]) == len(ends) - 1 - place
            assert tally.displaced(QUEUE, len(ends) - 1 - place, good=good) == JobKey("MetadataJob", "ns", uid)
        assert tally.displaced(QUEUE, len(ends), good=good) is None


def test_the_oldest_that_waits_is_found_behind_those_of_higher_priority() -> None:
    slots = Slots()
    assert slots.oldest(QUEUE) is None
    for waiting in (waits("a", 0, 50), waits("b", 5, 20), waits("c", 5, 30), waits("d", 9, 10), waits("e", 9, 40)):
        slots.set(QUEUE, waiting.uid, waiting)
    assert slots.oldest(QUEUE) == waits("d", 9, 10).created


@pytest.mark.parametrize(
    ("standing", "healthy", "connected"),
    [
        (Standing(succeeded=9, redis=True), ("True", "Healthy"), ("True", "RedisConnected")),
        (Standing(failed=4, redis=True), ("True", "Healthy"), ("True", "RedisConnected")),
        (Standing(succeeded=9, failed=1, redis=True), ("False", "Degraded"), ("True", "RedisConnected")),
        (Standing(succeeded=5, failed=5, redis=True), ("False", "Unhealthy"), ("True", "RedisConnected")),
        (Standing(redis=False), ("False", "Degraded"), ("False", "RedisAway")),
        (Standing(), ("True", "Healthy"), ("Unknown", "NoRedis")),
    ],
)
def test_health(standing: Standing, healthy: tuple[str, str], connected: tuple[str, str]) -> None:
    plan = admit(queue(), [], [], NOW, standing=standing, still_held=lambda _: True)
    found = {c.type: (c.status, c.reason) for c in plan.status.conditions}
    assert found == {"Ready": ("True", "Ready"), "Healthy": healthy, "RedisConnected": connected}


def test_numbers_and_rates_are_told() -> None:
    standing = Standing({"Running": 2, "": 1, "Pending": 3, "Failed": 9}, succeeded=90, failed=3, oldest=NOW)
    status = admit(queue(), [], [], NOW, standing=standing, still_held=lambda _: True).status.wire()
    assert {name: n for name, n in status["counts"].items() if n} == {"running": 2, "pending": 4, "failed": 9}
    assert status["lastHour"] == {
        "succeeded": 90,
        "failed": 3,
        "succeededPerMinute": "1.5",
        "failedPerMinute": "0.05",
    }
    assert datetime.fromisoformat(status["oldestWaiting"]) == NOW
