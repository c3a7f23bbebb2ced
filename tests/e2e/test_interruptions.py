"""What interrupts a run, on real pods: what it costs, what people are told, and that the job goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from mintworks_dev.cluster import AnyCluster, Cluster
from support.gated import Gated, apart, counts, side_by_side
from support.kube import Space, condition, freeze, kill_processes
from support.rows import held_rows
from support.sidecar import policy

pytestmark = pytest.mark.timeout(600)
Json = dict[str, Any]


@pytest.fixture
def gated(cluster: AnyCluster, space: Callable[[str], Space]) -> Iterator[Callable[[str], Gated]]:
    """A namespace for jobs whose runners ask this machine for their rows."""
    if not isinstance(cluster, Cluster):
        pytest.skip("the pods of a cluster elsewhere may not reach this machine")
    with held_rows(cluster.host_ip) as found:
        yield lambda name: Gated(space(name), found).widened()


def test_interruptions(gated: Callable[[str], Gated]) -> None:
    jobs = gated("cut")
    cases = (
        evicted,
        evicted_too_often,
        preempted,
        deleted,
        deleted_by_force,
        killed,
        out_of_memory,
        too_late,
        deaf_to_a_pause,
        deaf_to_an_eviction,
    )
    side_by_side({case.__name__: partial(case, jobs) for case in cases})


def test_a_second_container(gated: Callable[[str], Gated]) -> None:
    """A container that the cluster adds decides nothing: not when it never ends, and not when it fails."""
    jobs = gated("beside")
    forever = ["sleep", "600"]
    sidecars = policy(jobs.space.namespace, {"beside": forever, "beside-killed": forever, "beside-failed": ["false"]})
    jobs.space.apply(*sidecars)
    try:
        jobs.space.wait("the policy acts", lambda: len(_pod_of_job(jobs, "beside")["spec"]["containers"]) == 2)
        cases = (never_ends, never_ends_beside_a_killed_runner, fails_beside_the_runner)
        side_by_side({case.__name__: partial(case, jobs) for case in cases})
    finally:
        jobs.space.kubectl("delete", *(f"{each['kind']}/{each['metadata']['name']}" for each in sidecars))


def _pod_of_job(jobs: Gated, job: str) -> Json:
    """What admission makes of a pod like a run's."""
    safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "metadata": {"name": "probe", "labels": {"mintworks.dev/job": job}},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "runner", "image": "none", "securityContext": safe}],
        },
    }
    return jobs.space.would_be("pods", pod)


def never_ends(jobs: Gated) -> None:
    assert len(jobs.start("beside")["spec"]["containers"]) == 2
    status = jobs.succeeds("beside")
    assert counts(status) == (1, 0, 1)
    assert status["result"]["items"] == 2
    jobs.space.wait("the pod is ended", lambda: not jobs.pods("beside"), 90)


def never_ends_beside_a_killed_runner(jobs: Gated) -> None:
    kill_processes(jobs.start("beside-killed")["metadata"]["uid"], "mintworks_runners")
    record = jobs.ended("beside-killed", 1)
    assert (record["outcome"], record["reason"]) == ("Failed", "RunFailed")
    assert "137" in record["message"]
    assert counts(jobs.succeeds("beside-killed")) == (2, 0, 2)


def fails_beside_the_runner(jobs: Gated) -> None:
    """The pod is Failed in the end, and so is the Kubernetes Job."""
    jobs.start("beside-failed")
    assert counts(jobs.succeeds("beside-failed")) == (1, 0, 1)


def evicted(jobs: Gated) -> None:
    """A drain, or anyone with the eviction API."""
    jobs.space.evict(jobs.start("evicted")["metadata"]["name"])
    record = jobs.ended("evicted", 1)
    assert (record["outcome"], record["reason"]) == ("Stalled", "Disrupted")
    assert "evicted" in record["message"]
    status = jobs.succeeds("evicted")
    assert counts(status) == (1, 1, 2)
    assert apart(*status["attempts"]["last"])


def evicted_too_often(jobs: Gated) -> None:
    jobs.apply("too-often", maxStalled=1)
    for run in (1, 2):
        jobs.space.evict(jobs.working("too-often", run)["metadata"]["name"])
        jobs.ended("too-often", run)
    status = jobs.space.finished("metadatajobs", "too-often")
    assert (status["phase"], counts(status)) == ("Failed", (0, 2, 2))
    failed = condition(status, "Failed")
    assert failed["reason"] == "TooManyStalls"
    assert "maxStalled allows 1" in failed["message"]
    assert "evicted" in failed["message"]
    jobs.event("too-often", "TooManyStalls")


def preempted(jobs: Gated) -> None:
    """A pod of higher priority that cannot be beside the run's, whatever room there is."""
    pod = jobs.start("preempted")
    jobs.space.apply(*_precious(pod, "preempted"))
    try:
        record = jobs.ended("preempted", 1)
        assert (record["outcome"], record["reason"]) == ("Stalled", "Disrupted")
        jobs.told("preempted", "Unschedulable")
    finally:
        jobs.space.kubectl("delete", "pod/precious", "priorityclass/mintworks-test-precious", "--wait=false")
    assert counts(jobs.succeeds("preempted")) == (1, 1, 2)


def _precious(beside: Json, job: str) -> tuple[Json, Json]:
    name = "mintworks-test-precious"
    priority = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": 1000,
    }
    runner = beside["spec"]["containers"][0]
    term = {"labelSelector": {"matchLabels": {"mintworks.dev/job": job}}, "topologyKey": "kubernetes.io/hostname"}
    spec = {
        "priorityClassName": name,
        "terminationGracePeriodSeconds": 0,
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
        "securityContext": beside["spec"]["securityContext"],
        "containers": [
            {
                "name": "sleep",
                "image": runner["image"],
                "command": ["sleep", "600"],
                "securityContext": runner["securityContext"],
            }
        ],
    }
    return priority, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "precious"}, "spec": spec}


def deleted(jobs: Gated) -> None:
    """`kubectl delete pod`: the runner is asked, and stops in good order."""
    pod = jobs.start("deleted")["metadata"]["name"]
    jobs.space.kubectl("delete", "pod", pod, "--wait=false")
    record = jobs.ended("deleted", 1)
    assert (record["outcome"], record["reason"]) == ("Stopped", "Stopped")
    assert counts(jobs.succeeds("deleted")) == (1, 0, 2)


def deleted_by_force(jobs: Gated) -> None:
    """The process lives on for a moment, and hangs; the pod stays until the kubelet has ended it."""
    pod = jobs.start("by-force")["metadata"]
    freeze(pod["uid"])
    jobs.space.kubectl("delete", "pod", pod["name"], "--grace-period=0", "--force", "--wait=false")
    record = jobs.ended("by-force", 1)
    assert (record["outcome"], record["reason"]) == ("Failed", "RunFailed")
    status = jobs.succeeds("by-force")
    assert counts(status) == (2, 0, 2)
    assert apart(*status["attempts"]["last"])


def killed(jobs: Gated) -> None:
    kill_processes(jobs.start("killed")["metadata"]["uid"])
    record = jobs.ended("killed", 1)
    assert (record["outcome"], record["reason"]) == ("Failed", "RunFailed")
    assert "137" in record["message"]
    assert counts(jobs.succeeds("killed")) == (2, 0, 2)


def out_of_memory(jobs: Gated) -> None:
    """Python itself needs more."""
    resources = {"requests": {"memory": "16Mi"}, "limits": {"memory": "24Mi"}}
    jobs.apply("hungry", maxAttempts=1, runner={"resources": resources})
    record = jobs.ended("hungry", 1)
    assert (record["outcome"], record["reason"]) == ("Failed", "OutOfMemory")
    status = jobs.space.finished("metadatajobs", "hungry")
    assert (status["phase"], counts(status)) == ("Failed", (1, 0, 1))
    assert "runner.resources.limits.memory" in condition(status, "Failed")["message"]


def too_late(jobs: Gated) -> None:
    """The runner exits 75 when its time is over, which does not excuse it."""
    jobs.apply("late", timeout="8s", maxAttempts=1)
    status = jobs.space.finished("metadatajobs", "late")
    assert (status["phase"], counts(status)) == ("Failed", (1, 0, 1))
    assert status["attempts"]["last"][0]["reason"] == "DeadlineExceeded"
    assert "spec.timeout" in condition(status, "Failed")["message"]


def deaf_to_a_pause(jobs: Gated) -> None:
    """A runner that does not hear SIGTERM is killed after its grace of 30 seconds; the pause costs nothing."""
    freeze(jobs.start("deaf-paused")["metadata"]["uid"])
    jobs.space.kubectl("patch", "metadatajob", "deaf-paused", "--type=merge", "-p", '{"spec": {"suspend": true}}')
    jobs.space.wait("Suspended", lambda: jobs.status("deaf-paused").get("phase") == "Suspended", 90)
    assert not jobs.pods("deaf-paused")
    jobs.space.kubectl("patch", "metadatajob", "deaf-paused", "--type=merge", "-p", '{"spec": {"suspend": false}}')
    assert counts(jobs.succeeds("deaf-paused")) == (1, 0, 2)


def deaf_to_an_eviction(jobs: Gated) -> None:
    pod = jobs.start("deaf-evicted")["metadata"]
    freeze(pod["uid"])
    jobs.space.evict(pod["name"])
    record = jobs.ended("deaf-evicted", 1)
    assert (record["outcome"], record["reason"]) == ("Stalled", "Disrupted")
    status = jobs.succeeds("deaf-evicted")
    assert counts(status) == (1, 1, 2)
    assert apart(*status["attempts"]["last"])
