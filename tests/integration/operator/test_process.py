"""The operator as a process: killed, replaced, led by one; and what its writes rest on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from kubernetes.client.exceptions import ApiException
from support.gate import choice
from support.kubelet import GROUP, Kubelet
from support.machines import machines
from support.metrics import requests, text
from support.polling import eventually
from support.specs import METADATA, RESULT

from .conftest import Launcher, Process, Team

JOB = "MetadataJob"
JOBS = 20


@pytest.fixture
def start(launcher: Launcher) -> Iterator[Callable[[], Process]]:
    """Starts operators, and ends those that a test left."""
    started: list[Process] = []

    def one() -> Process:
        started.append(launcher.start())
        return started[-1]

    yield one
    for process in started:
        if process.popen.poll() is None:
            process.kill()


def logged(process: Process, words: str) -> bool:
    return words in process.log.read_text()


def test_a_killed_operator_is_replaced_without_a_trace(
    start: Callable[[], Process], fresh: Callable[[], Kubelet]
) -> None:
    space, first = fresh(), start()
    space.apply(JOB, "a", METADATA)
    space.start("a", 1)
    first.kill()
    space.end("a", 1, 0, {"result": RESULT})
    space.apply(JOB, "b", METADATA)
    second = start()
    assert space.phase(JOB, "a", "Succeeded")["attempts"]["runs"] == 1
    space.end("b", 1, 0, {"result": RESULT})
    space.phase(JOB, "b", "Succeeded")
    assert len(space.jobs()) == 2
    assert second.stop() == 0


def test_one_of_two_leads_and_hands_over_at_once(start: Callable[[], Process], fresh: Callable[[], Kubelet]) -> None:
    space, first = fresh(), start()
    eventually("the first leads", lambda: logged(first, "leading as"))
    second = start()
    eventually("the second waits", lambda: logged(second, "waiting for Lease"))
    assert text(second.health, "/healthz") == "ok"
    began = time.monotonic()
    assert first.stop() == 0
    assert time.monotonic() - began < 5
    eventually("the second leads", lambda: logged(second, "leading as"), seconds=10)
    space.apply(JOB, "a", METADATA)
    space.phase(JOB, "a", "Running")
    assert 'mintworks_jobs{kind="MetadataJob"' in text(second.metrics, "/metrics")
    assert "mintworks_leader 1.0" in text(second.metrics, "/metrics")
    assert second.stop() == 0


def test_a_leader_whose_lease_is_taken_ends(start: Callable[[], Process], launcher: Launcher) -> None:
    process = start()
    eventually("it leads", lambda: logged(process, "leading as"))
    patch = '{"spec":{"holderIdentity":"someone-else"}}'
    launcher.plane.kubectl("patch", "lease", launcher.lease, "--type=merge", "-p", patch)
    assert process.popen.wait(20) == 1
    free = '{"spec":{"holderIdentity":""}}'
    launcher.plane.kubectl("patch", "lease", launcher.lease, "--type=merge", "-p", free)


def test_what_a_job_costs_the_api_server(start: Callable[[], Process], fresh: Callable[[], Kubelet]) -> None:
    """Two status writes, a create and an Event; and shares of what a queue writes for all."""
    space, process = fresh(), start()
    eventually("it leads", lambda: logged(process, "the cache is complete"))
    before = requests(process.metrics)
    space.apply("JobQueue", "wide", {"concurrency": JOBS})
    for number in range(JOBS):
        space.apply(JOB, f"j{number}", {**METADATA, "queue": "wide"})
    for number in range(JOBS):
        space.end(f"j{number}", 1, 0, {"result": RESULT})
    for number in range(JOBS):
        space.phase(JOB, f"j{number}", "Succeeded")
    assert requests(process.metrics) - before <= 7 * JOBS
    assert process.stop() == 0


def test_an_empty_patch_of_an_old_version_is_refused(fresh: Callable[[], Kubelet]) -> None:
    """Every effect is guarded by a status write; where nothing has to be written, by one that changes nothing."""
    space = fresh()
    old = space.apply(JOB, "a", {**METADATA, "suspend": True})["metadata"]
    space.change(JOB, "a", {"suspend": False})
    body = {"metadata": {"uid": old["uid"], "resourceVersion": old["resourceVersion"]}, "status": {}}
    with pytest.raises(ApiException) as refused:
        space.custom.patch_namespaced_custom_object_status(*GROUP, space.namespace, "metadatajobs", "a", body)
    assert refused.value.status == 409


def test_an_operator_that_starts_late_waits_for_the_pod_of_a_deleted_run(
    start: Callable[[], Process], fresh: Callable[[], Kubelet], launcher: Launcher
) -> None:
    """Job and operator went together. Of the run only its pod is left, which tells that the number was used."""
    space, first = fresh(), start()
    space.apply(JOB, "a", {**METADATA, "backoff": {"type": "fixed", "delay": "1s", "jitter": 0}})
    node = f"node-{space.namespace}"
    # On a node: Kubernetes itself ends, within 20 s, a pod that is to end and has none.
    with machines(launcher.plane.kubeconfig) as nodes:
        nodes.add(node)
        nodes.place(space.pod("a", 1), node)
        pod = space.start("a", 1)
        first.kill()
        name = space.jobs("a")[0].metadata.name
        space.batch.delete_namespaced_job(name, space.namespace, propagation_policy="Background")
        eventually("the pod is to end", lambda: space.pod("a", 1).metadata.deletion_timestamp)
        second = start()
        eventually("the second one leads", lambda: logged(second, "the cache is complete"), 60)
        time.sleep(2)
        assert not space.jobs("a"), "no run beside the one that ends"
        space.core.delete_namespaced_pod(pod.metadata.name, space.namespace, grace_period_seconds=0)
    space.end("a", 2, 0, {"result": RESULT})
    status = space.phase(JOB, "a", "Succeeded")
    assert [(r["run"], r["outcome"]) for r in status["attempts"]["last"]] == [(1, "Stalled"), (2, "Succeeded")]


def test_a_404_that_is_not_about_the_job_does_not_lose_it(team: Team) -> None:
    """The API server answers so while a CRD is replaced. What the operator takes for gone it never looks at again."""
    gate, space = team.gate(), team.space
    process = team.leader(gate)
    gate.refuse(choice("PATCH", "/metadatajobs/"), 404)
    space.apply(JOB, "a", METADATA)
    eventually("it was refused", lambda: gate.count(lambda r: r.status == 404) >= 2)
    gate.relent()
    space.phase(JOB, "a", "Running")
    assert process.stop() == 0
