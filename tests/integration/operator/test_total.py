"""A limit on the runs of all namespaces, on a real API server: fair, and kept by the leader that follows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from support.kubelet import Kubelet
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Launcher, Process

JOB = "MetadataJob"
TOTAL = 4
BACKLOG = 4


@pytest.fixture
def spaces(launcher: Launcher, fresh: Callable[[], Kubelet]) -> list[Kubelet]:
    """Three namespaces."""
    del launcher
    return [fresh() for _ in range(3)]


@pytest.fixture
def start(launcher: Launcher, spaces: list[Kubelet]) -> Iterator[Callable[[], Process]]:
    """Starts operators that serve the three and let TOTAL run."""
    own = replace(
        launcher,
        lease=f"mintworks-{uuid.uuid4().hex[:6]}",
        namespaces=[space.namespace for space in spaces],
        settings={"MINTWORKS_TOTAL_CONCURRENCY": str(TOTAL)},
    )
    started: list[Process] = []

    def one() -> Process:
        started.append(own.start())
        return started[-1]

    yield one
    for process in started:
        process.kill()
        assert "Traceback" not in process.log.read_text(), process.log.read_text()[-4000:]


def running(space: Kubelet) -> list[str]:
    """Jobs of the namespace whose run has not ended: a slot is free once the pod ended, whatever its Job says yet."""
    runs = [run.metadata.labels["mintworks.dev/job"] for run in space.jobs()]
    pods = space.core.list_namespaced_pod(space.namespace).items
    ended = {p.metadata.labels["mintworks.dev/job"] for p in pods if p.status.phase in {"Succeeded", "Failed"}}
    return [name for name in runs if name not in ended]


def settled(spaces: list[Kubelet]) -> list[int] | None:
    """How many run in each, once it is as many as may."""
    counts = [len(running(space)) for space in spaces]
    assert sum(counts) <= TOTAL, counts
    return counts if sum(counts) == TOTAL else None


@pytest.mark.timeout(300)
def test_all_namespaces_share_what_one_operator_may_run(spaces: list[Kubelet], start: Callable[[], Process]) -> None:
    first, second, third = spaces
    process = start()
    # One who is early has all there is, and gives nothing back.
    for number in range(BACKLOG + 1):
        first.apply(JOB, f"j{number}", METADATA)
    eventually("the first has all", lambda: settled(spaces) == [4, 0, 0])
    for space in (second, third):
        for number in range(BACKLOG):
            space.apply(JOB, f"j{number}", METADATA)
        space.phase(JOB, "j0", "Queued")
    ready = eventually("told", lambda: _crowded(second))
    assert ready["status"] == "True"
    # What it gives back goes to those who have fewer, and from then on all have their share.
    for name in running(first)[:3]:
        first.end(name, 1, 0, {"result": RESULT})
        first.phase(JOB, name, "Succeeded")
        eventually("the slot is another's", lambda: settled(spaces))
    assert sorted(settled(spaces) or []) == [1, 1, 2]
    # Another operator goes on from what is stored, and neither forgets nor doubles a run.
    process.kill()
    gone = running(second)[0]
    second.end(gone, 1, 0, {"result": RESULT})
    start()
    second.phase(JOB, gone, "Succeeded")
    counts = eventually("shared again", lambda: settled(spaces))
    assert max(counts) - min(counts) <= 1
    assert second.status(JOB, gone)["attempts"]["runs"] == 1


def _crowded(space: Kubelet) -> dict[str, str] | None:
    condition = space.condition("JobQueue", "default", "Ready")
    return condition if condition.get("reason") == "TotalReached" else None
