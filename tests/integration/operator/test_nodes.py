"""Nodes that fall silent or go: the controllers that judge them are real, and so is what they do to pods."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from mintworks_dev.cluster import ControlPlane
from support.gated import side_by_side
from support.kubelet import Kubelet
from support.machines import Machines, machines
from support.polling import eventually
from support.specs import METADATA, RESULT

SPEC: dict[str, Any] = {**METADATA, "backoff": {"type": "fixed", "delay": "1s", "jitter": 0}}
JOB = "MetadataJob"
#: Seconds of silence before a node is unreachable; its pods are told to leave it four times as much later.
PATIENCE = 4
#: Nodes that are well, more than those that are not: where most are silent, Kubernetes takes the fault for its own.
WELL = 6
HEARD = [{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}]


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    """One of its own, whose node controller does not wait long."""
    with ControlPlane(crds=True, patience=PATIENCE) as plane:
        yield plane


def test_silent_nodes(operator: object, control_plane: ControlPlane, fresh: Callable[[], Kubelet]) -> None:
    del operator
    cases = (
        comes_back_in_time,
        comes_back_late,
        is_out_of_service,
        is_deleted,
        holds_a_deleted_pod,
        holds_a_paused_run,
    )
    with machines(control_plane.kubeconfig) as nodes:
        nodes.add(*(f"well-{number}" for number in range(WELL)))
        side_by_side({case.__name__: partial(case, fresh(), nodes) for case in cases})


def silent(space: Kubelet, nodes: Machines, name: str) -> Any:
    """A job `a` whose run works on that node, of which nothing is heard any more."""
    nodes.add(name)
    space.apply(JOB, "a", SPEC)
    nodes.place(space.pod("a", 1), name)
    pod = space.start("a", 1, conditions=HEARD)
    space.phase(JOB, "a", "Running")
    nodes.silence(name)
    eventually("told", lambda: progressing(space)["reason"] == "NodeUnreachable")
    told = progressing(space)
    assert told["status"] == "False"
    assert f"kubectl taint nodes {name} node.kubernetes.io/out-of-service" in told["message"]
    eventually("the Event", lambda: [e for e in space.events("a") if e["reason"] == "NodeUnreachable"])
    return pod


def progressing(space: Kubelet) -> dict[str, Any]:
    return space.condition(JOB, "a", "Progressing")


def nothing_else(space: Kubelet) -> None:
    """The slot is held, and nothing was started in the run's place."""
    status = space.status(JOB, "a")
    assert (status["phase"], status["active"]["run"], status["attempts"]["runs"]) == ("Running", 1, 1)
    assert len(space.core.list_namespaced_pod(space.namespace).items) == 1
    assert space.status("JobQueue", "default")["running"] == 1


def stalled(space: Kubelet, words: str) -> None:
    """The run was an interruption, and the job goes on after it."""
    space.end("a", 2, 0, {"result": RESULT})
    status = space.phase(JOB, "a", "Succeeded")
    attempts = status["attempts"]
    assert (attempts["made"], attempts["stalls"], attempts["runs"]) == (1, 1, 2)
    first = attempts["last"][0]
    assert (first["outcome"], first["reason"]) == ("Stalled", "Disrupted")
    assert words in first["message"]


def comes_back_in_time(space: Kubelet, nodes: Machines) -> None:
    silent(space, nodes, "brief")
    nothing_else(space)
    nodes.hear("brief")
    space.start("a", 1, conditions=HEARD)
    eventually("it runs on", lambda: progressing(space)["reason"] == "Running")
    space.end("a", 1, 0, {"result": RESULT})
    attempts = space.phase(JOB, "a", "Succeeded")["attempts"]
    assert (attempts["made"], attempts["stalls"], attempts["runs"]) == (1, 0, 1)


def comes_back_late(space: Kubelet, nodes: Machines) -> None:
    """Its pods were told to leave it. Until it is heard of, nobody knows whether they did."""
    silent(space, nodes, "late")
    eventually("it is told to leave", lambda: space.pod("a", 1).metadata.deletion_timestamp)
    time.sleep(2)
    nothing_else(space)
    nodes.hear("late")
    space.end("a", 1, 75, {"reason": "Stopped", "message": "."})
    stalled(space, "tainted")


def is_out_of_service(space: Kubelet, nodes: Machines) -> None:
    """A person says so, and Kubernetes removes its pods."""
    silent(space, nodes, "off")
    nothing_else(space)
    nodes.out_of_service("off")
    stalled(space, "tainted")


def is_deleted(space: Kubelet, nodes: Machines) -> None:
    silent(space, nodes, "gone")
    nothing_else(space)
    nodes.delete("gone")
    eventually("pod garbage collection", lambda: len(space.jobs("a")) == 2, 120)
    stalled(space, "node")


def holds_a_deleted_pod(space: Kubelet, nodes: Machines) -> None:
    """`kubectl delete pod --force` takes nothing away: the Job's finalizer keeps the pod until its node is heard of."""
    pod = silent(space, nodes, "forced")
    space.core.delete_namespaced_pod(pod.metadata.name, space.namespace, grace_period_seconds=0)
    eventually("it is to go", lambda: space.pod("a", 1).metadata.deletion_timestamp)
    time.sleep(2)
    nothing_else(space)
    assert space.pod("a", 1).metadata.uid == pod.metadata.uid
    nodes.out_of_service("forced")
    stalled(space, "tainted")


def holds_a_paused_run(space: Kubelet, nodes: Machines) -> None:
    """The pause takes effect once the node is heard of; until then the run may still work."""
    silent(space, nodes, "paused")
    space.change(JOB, "a", {"suspend": True})
    eventually("its Job is to go", lambda: space.jobs("a")[0].metadata.deletion_timestamp)
    nothing_else(space)
    assert progressing(space)["reason"] == "NodeUnreachable"
    nodes.hear("paused")
    space.end("a", 1, 75, {"reason": "Stopped", "message": "."})
    name = space.pod("a", 1).metadata.name
    space.core.delete_namespaced_pod(name, space.namespace, grace_period_seconds=0)
    attempts = space.phase(JOB, "a", "Suspended")["attempts"]
    assert (attempts["made"], attempts.get("stalls", 0)) == (0, 0)
