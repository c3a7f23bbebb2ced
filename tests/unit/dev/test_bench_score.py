"""The operator's requests as the bench counts them and has them made again."""

from __future__ import annotations

from typing import Any

import pytest
from bench.operator import score

Json = dict[str, Any]
UID = "11111111-1111-4111-8111-111111111111"


def event(second: int, verb: str, resource: str, name: str = "", namespace: str = "bench", **more: Any) -> Json:
    ref = {"resource": resource, "name": name, "namespace": namespace}
    return {"verb": verb, "objectRef": ref, "stageTimestamp": f"2026-01-01T00:00:{second:02}.000000Z", **more}


def life(name: str, second: int, namespace: str = "bench") -> list[Json]:
    """A job that was told that it waits, ran, was told that it runs, and ended; newest first."""
    status = {"requestObject": {"metadata": {"uid": UID, "resourceVersion": "7"}, "status": {"phase": "x"}}}
    made = {"requestObject": {"metadata": {"name": f"{name}-11111111-1"}}}
    return [
        event(second + 5, "create", "events", f"{name}.0a1b", namespace, requestObject={"metadata": {}}),
        event(second + 4, "patch", "mintjobs", name, namespace, **status),
        event(second + 3, "patch", "mintjobs", name, namespace, **status),
        event(second + 2, "create", "jobs", f"{name}-11111111-1", namespace, **made),
        event(second + 1, "patch", "mintjobs", name, namespace, **status),
        event(second, "patch", "mintjobs", name, namespace, **status),
    ]


def test_each_write_of_a_job_is_known_by_its_place() -> None:
    played = score.score(life("o-00001", 10), "bench")
    assert played["jobs"] == {"o-00001": ["queued", "running", "run", "told", "end", "event"]}


def test_a_queues_write_comes_after_what_came_before_it() -> None:
    queue = event(12, "patch", "jobqueues", "bench")
    assert score.score([*life("o-00001", 10), queue], "bench")["queues"] == [3]


def test_what_goes_by_time_is_not_played_and_what_is_unknown_is_refused() -> None:
    timed = [event(1, "list", "jobs"), event(1, "watch", "pods"), event(2, "update", "leases", "mintworks")]
    assert score.score(timed, "bench") == {"jobs": {}, "queues": []}
    with pytest.raises(ValueError, match="nobody plays"):
        score.score([event(1, "delete", "pods", "x")], "bench")


def test_every_write_of_the_namespace_counts() -> None:
    asked = [
        *life("o-00001", 10),
        *life("o-00002", 20),
        *life("o-00003", 30, "warm-up"),
        event(1, "list", "jobs"),
        event(2, "get", "mintjobs", "o-00001"),
        event(3, "patch", "jobqueues", "bench"),
    ]
    assert score.writes_per_job(asked, "bench", 2) == 6.5
    assert score.lists_per_job(asked, "bench", 2) == 0.5
    assert score.counted(asked, "bench")["patch mintjobs"] == 8


def test_bodies_are_those_of_the_warm_up() -> None:
    slots = {"requestObject": {"status": {"reservations": [{"uid": UID}]}}}
    queue = event(40, "patch", "jobqueues", "bench", "warm-up", **slots)
    bodies = score.templates([*life("o-00003", 30, "warm-up"), queue], "warm-up")
    assert bodies["run"] == {
        "name": "o-00003",
        "namespace": "warm-up",
        "uid": UID,
        "body": {"metadata": {"name": "o-00003-11111111-1"}},
    }
    assert bodies["queue"] == slots["requestObject"]
    score.playable({"bench": score.score(life("o-00001", 10), "bench")}, bodies)
    with pytest.raises(ValueError, match="queued"):
        score.playable({"bench": score.score(life("o-00001", 10), "bench")}, {"run": {}})
