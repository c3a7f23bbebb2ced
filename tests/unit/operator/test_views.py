"""Kubernetes objects as views: how a run's state is read from its Job and pod."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mintworks_api import JobStatus
from mintworks_operator.core import Failure, RunState, Trouble, texts
from mintworks_operator.views import job_view, queue_view, run_view

Json = dict[str, Any]
RULE = "Container runner for pod ns/p failed with exit code 64 matching FailJob rule at index {}"
EVICTED = "Pod ns/p has condition DisruptionTarget matching FailJob rule at index 0"


def kube_job(*conditions: Json, deleting: bool = False) -> Json:
    meta = {"labels": {"mintworks.dev/run": "3"}, **({"deletionTimestamp": "x"} if deleting else {})}
    return {"metadata": meta, "status": {"conditions": list(conditions)}}


def condition(name: str, reason: str = "", message: str = "") -> Json:
    when = "2026-01-01T00:00:09Z"
    return {"type": name, "status": "True", "reason": reason, "message": message, "lastTransitionTime": when}


def pod(state: Json | None = None, **status: Any) -> Json:
    containers = [{"name": "sidecar", "state": {"terminated": {"exitCode": 9}}}]
    if state is not None:
        containers.append({"name": "runner", "state": state})
    return {"metadata": {"uid": "p"}, "status": {"containerStatuses": containers, **status}}


def ended(code: int, message: str = "", reason: str = "Error") -> Json:
    times = {"startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:05Z"}
    return {"terminated": {"exitCode": code, "message": message, "reason": reason, **times}}


@pytest.mark.parametrize(
    ("job", "pods", "state"),
    [
        (kube_job(), [], RunState.PENDING),
        (kube_job(), [pod({"waiting": {"reason": "ContainerCreating"}})], RunState.PENDING),
        (kube_job(), [pod({"running": {"startedAt": "2026-01-01T00:00:01Z"}})], RunState.RUNNING),
        (kube_job(), [pod(ended(0))], RunState.RUNNING),
        (kube_job(condition("FailureTarget")), [pod(ended(1))], RunState.RUNNING),
        (kube_job(condition("Complete")), [pod(ended(0))], RunState.COMPLETE),
        (kube_job(condition("Failed")), [], RunState.FAILED),
        (kube_job(deleting=True), [pod(ended(1))], RunState.RUNNING),
        (kube_job(deleting=True), [pod(ended(0, '{"result": {}}'))], RunState.COMPLETE),
    ],
)
def test_states(job: Json, pods: list[Json], state: RunState) -> None:
    view = run_view(job, pods)
    assert (view.run, view.state) == (3, state)
    assert view.alive == (state in {RunState.PENDING, RunState.RUNNING})


@pytest.mark.parametrize(
    ("failed", "status", "failure"),
    [
        (condition("Failed", "PodFailurePolicy", EVICTED), {}, Failure.DISRUPTED),
        (condition("Failed", "PodFailurePolicy", RULE.format(1)), {}, Failure.INPUT_BAD),
        (condition("Failed", "PodFailurePolicy", RULE.format(2)), {}, Failure.STOPPED),
        (
            condition("Failed", "PodFailurePolicy", RULE.format(2)),
            {"reason": "DeadlineExceeded"},
            Failure.DEADLINE_EXCEEDED,
        ),
        (condition("Failed", "PodFailurePolicy", RULE.format(9)), {}, Failure.FAILED),
        (condition("Failed", "PodFailurePolicy", "other words"), {}, Failure.FAILED),
        (condition("Failed", "BackoffLimitExceeded", "rule at index 1"), {}, Failure.FAILED),
        (condition("Failed", "DeadlineExceeded"), {}, Failure.DEADLINE_EXCEEDED),
    ],
)
def test_failures(failed: Json, status: Json, failure: Failure) -> None:
    assert run_view(kube_job(failed), [pod(ended(75), **status)]).failure is failure


@pytest.mark.parametrize(
    ("message", "told"),
    [('{"result": {"a": 1}}', {"result": {"a": 1}}), ("Killed", None), ("[1]", None), ("", None), ("[" * 4096, None)],
)
def test_the_termination_message(message: str, told: Json | None) -> None:
    view = run_view(kube_job(condition("Complete")), [pod(ended(0, message))])
    assert view.termination == told
    assert view.finished is not None
    assert view.finished.second == 5


def test_the_exit_code_in_words() -> None:
    failed = condition("Failed", "BackoffLimitExceeded", "Job has reached the limit")
    assert run_view(kube_job(failed), [pod(ended(128, reason="StartError"))]).message.endswith("code 128 (StartError).")
    assert run_view(kube_job(failed), [pod(ended(1))]).message.endswith("code 1.")
    gone = run_view(kube_job(failed), [])
    assert gone.message == texts.UNREAD_MESSAGE
    assert gone.finished is not None
    assert gone.finished.second == 9


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (
            pod({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}),
            Trouble("ImagePull", "no such image"),
        ),
        (
            pod({"waiting": {"reason": "ErrImagePull", "message": "no such image"}}),
            Trouble("ImagePull", "no such image"),
        ),
        (pod({"waiting": {"reason": "ContainerCreating"}}), None),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]),
            Trouble("Unschedulable", "0/1 nodes are available"),
        ),
    ],
)
def test_why_a_pod_does_not_start(status: Json, trouble: Trouble | None) -> None:
    assert run_view(kube_job(), [status]).trouble == trouble


def test_a_job_resource() -> None:
    meta = {"namespace": "ns", "name": "a", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 4}
    status = {"phase": "Running", "inputs": {"items": 3}, "result": {"cid": "b"}, "fromTheFuture": 1}
    view = job_view("MetadataJob", {"metadata": meta, "spec": {"priority": 1}, "status": status})
    assert (view.uid, view.generation, view.inputs, view.result) == ("u", 4, {"items": 3}, {"cid": "b"})
    assert view.status.phase == "Running"
    broken = job_view("MetadataJob", {"metadata": meta, "status": {"attempts": "none"}})
    assert broken.status == JobStatus()
    assert job_view("MetadataJob", {"metadata": {**meta, "deletionTimestamp": "x"}}).deleting


def test_a_queue_resource() -> None:
    meta = {"namespace": "ns", "name": "q", "uid": "u"}
    view = queue_view(
        {"metadata": meta, "spec": {"concurrency": 2}, "status": {"reservations": [{"uid": "a", "run": 1}]}}
    )
    assert view.reserved("a", 1)
    assert not view.reserved("a", 2)
    assert queue_view({"metadata": meta, "spec": {"concurrency": 0}}).spec is None
    done = {"name": "retry-failed", "token": "1"}
    odd = {"reservations": [{"uid": 1}], "oldestWaiting": "long ago", "commands": [done]}
    kept = queue_view({"metadata": meta, "spec": {}, "status": odd}).status
    assert ([c.token for c in kept.commands], kept.reservations, kept.oldest_waiting) == (["1"], [], None)
    assert json.dumps(view.status.wire())
