"""How a run ended, from its Job and its pod: the runner's container decides, whatever else went on in the pod."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mintworks_operator.core import Failure, RunState, texts
from mintworks_operator.core import views as core
from mintworks_operator.views import orphan_view, run_view

Json = dict[str, Any]

DONE = json.dumps({"result": {"cid": "b"}})
GOING_ON: Json = {"running": {"startedAt": "2026-01-01T00:00:01Z"}}
EVICTED = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "evicting"}
LIMIT = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
POLICY = ("PodFailurePolicy", "Pod ns/p has condition DisruptionTarget matching FailJob rule at index 0")
COMPLETE, FAILED, RUNNING = RunState.COMPLETE, RunState.FAILED, RunState.RUNNING


def kube_job(failed: tuple[str, str] | None = None, *, deleting: bool = False) -> Json:
    """A run's Job, failed with that reason and message."""
    found = [] if failed is None else [{"type": "Failed", "status": "True", "reason": failed[0], "message": failed[1]}]
    meta = {"labels": {"mintworks.dev/run": "3"}, **({"deletionTimestamp": "x"} if deleting else {})}
    return {"metadata": meta, "status": {"conditions": found}}


def ended(code: int, message: str = "", reason: str = "Error") -> Json:
    """The state of a container that ended."""
    times = {"startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:05Z"}
    return {"terminated": {"exitCode": code, "message": message, "reason": reason, **times}}


def pod(runner: Json | None, beside: Json | None = None, phase: str = "Running", **status: Any) -> Json:
    """A pod with the runner's container in that state and, where one is given, another container beside it."""
    states = {"sidecar": beside, "runner": runner}
    containers = [{"name": name, "state": state} for name, state in states.items() if state is not None]
    meta = {"uid": "p", "labels": {"mintworks.dev/run": "3"}}
    return {"metadata": meta, "spec": {}, "status": {"phase": phase, "containerStatuses": containers, **status}}


@pytest.mark.parametrize(
    ("runner", "status", "state", "failure"),
    [
        (ended(0, DONE, "Completed"), {}, COMPLETE, None),
        (ended(0), {}, COMPLETE, None),
        (ended(64), {}, FAILED, Failure.INPUT_BAD),
        (ended(75), {}, FAILED, Failure.STOPPED),
        (ended(1), {}, FAILED, Failure.FAILED),
        (ended(137, reason="OOMKilled"), {}, FAILED, Failure.OUT_OF_MEMORY),
        (ended(75), {"conditions": [EVICTED]}, FAILED, Failure.DISRUPTED),
        (ended(75), {"reason": "DeadlineExceeded"}, FAILED, Failure.DEADLINE_EXCEEDED),
        (ended(0, DONE), {"reason": "DeadlineExceeded"}, COMPLETE, None),
    ],
)
def test_a_container_that_never_ends_does_not_hide_the_runners_end(
    runner: Json, status: Json, state: RunState, failure: Failure | None
) -> None:
    for beside in (GOING_ON, {"waiting": {"reason": "ImagePullBackOff"}}):
        view = run_view(kube_job(), [pod(runner, beside, **status)])
        assert (view.state, view.failure, view.lingers, view.alive) == (state, failure, True, False)
        assert view.finished is not None


@pytest.mark.parametrize(
    ("runner", "beside"),
    [(GOING_ON, GOING_ON), (GOING_ON, ended(1)), (ended(0, DONE), ended(0)), (ended(0, DONE), None), (ended(1), None)],
)
def test_nothing_lingers_while_the_runner_works_or_once_all_containers_ended(runner: Json, beside: Json | None) -> None:
    view = run_view(kube_job(), [pod(runner, beside)])
    assert (view.state, view.lingers) == (RUNNING, False)


@pytest.mark.parametrize(("beside", "phase"), [(None, "Succeeded"), (ended(0), "Succeeded"), (ended(1), "Failed")])
def test_a_result_ends_the_run_before_the_jobs_controller_has_seen_it(beside: Json | None, phase: str) -> None:
    found = pod(ended(0, DONE), beside, phase)
    early = run_view(kube_job(), [found])
    assert (early.state, early.lingers) == (COMPLETE, False)
    complete = {**kube_job(), "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    assert run_view(complete, [found]) == early, "what the controller says afterwards is no news"


@pytest.mark.parametrize(("code", "message"), [(0, ""), (1, DONE), (75, DONE)])
def test_without_a_result_the_jobs_controller_says_how_the_run_ended(code: int, message: str) -> None:
    assert run_view(kube_job(), [pod(ended(code, message), None, "Failed" if code else "Succeeded")]).state is RUNNING


def test_a_pod_that_somebody_added_keeps_the_run_going() -> None:
    """Its runner works too, and nobody would stop it once the run counts as ended."""
    other = pod(GOING_ON)
    done = pod(ended(0, DONE), None, "Succeeded")
    done["metadata"]["creationTimestamp"] = "2026-01-01T00:00:09Z"
    assert run_view(kube_job(), [other, done]).state is RUNNING
    stopped = kube_job()
    stopped["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:10Z"
    assert run_view(stopped, [other, done]).state is RUNNING
    lingering = {**pod(ended(0, DONE), GOING_ON), "metadata": done["metadata"]}
    assert run_view(kube_job(), [other, lingering]).state is RUNNING


@pytest.mark.parametrize(
    ("found", "failed", "state", "failure"),
    [
        # Another container failed, and the Job with it: the runner had done its work.
        (pod(ended(0, DONE), ended(1), "Failed"), LIMIT, COMPLETE, None),
        (pod(ended(0), ended(1), "Failed"), LIMIT, COMPLETE, None),
        (pod(ended(0, DONE), ended(143), "Failed", conditions=[EVICTED]), POLICY, COMPLETE, None),
        (pod(ended(0), ended(143), "Failed", conditions=[EVICTED]), POLICY, FAILED, Failure.DISRUPTED),
        (pod(ended(137, reason="OOMKilled"), None, "Failed"), LIMIT, FAILED, Failure.OUT_OF_MEMORY),
        # Never started, or nobody heard of its end.
        (pod(None, None, "Failed", reason="OutOfcpu"), LIMIT, FAILED, Failure.DISRUPTED),
        (pod({"waiting": {"reason": "ContainerCreating"}}, None, "Failed"), LIMIT, FAILED, Failure.DISRUPTED),
        (pod(GOING_ON, None, "Failed"), LIMIT, FAILED, Failure.DISRUPTED),
        (pod(ended(137, reason="ContainerStatusUnknown"), None, "Failed"), LIMIT, FAILED, Failure.DISRUPTED),
        (pod(ended(137), None, "Failed"), LIMIT, FAILED, Failure.FAILED),
    ],
)
def test_a_failed_jobs_pod_says_what_became_of_the_runner(
    found: Json, failed: tuple[str, str], state: RunState, failure: Failure | None
) -> None:
    view = run_view(kube_job(failed), [found])
    assert (view.state, view.failure, view.lingers) == (state, failure, False)


def test_a_job_that_is_deleted_with_its_lingering_pod() -> None:
    view = run_view(kube_job(deleting=True), [pod(ended(1), GOING_ON)])
    assert (view.state, view.stopping, view.lingers) == (FAILED, True, True)


@pytest.mark.parametrize("reason", sorted(texts.DISRUPTIONS))
def test_a_disruption_in_words(reason: str) -> None:
    found = pod(ended(75), None, "Failed", conditions=[{**EVICTED, "reason": reason, "message": "why"}])
    assert run_view(kube_job(POLICY), [found]).message == f"{texts.DISRUPTIONS[reason]} (why)"


def test_an_unknown_disruption_and_a_pod_without_a_last_word() -> None:
    found = pod(ended(75), None, "Failed", conditions=[{**EVICTED, "reason": "New"}])
    assert run_view(kube_job(POLICY), [found]).message == f"{texts.DISRUPTED_MESSAGE} (evicting)"
    assert run_view(kube_job(POLICY), []).message == ""
    refused = pod(None, None, "Failed", reason="OutOfcpu", message="Node didn't have enough resource: cpu")
    assert "enough resource: cpu" in run_view(kube_job(LIMIT), [refused]).message
    assert run_view(kube_job(LIMIT), [pod(None, None, "Failed")]).message == texts.NEVER_ENDED_MESSAGE


def conditions(ready: str, containers: str) -> Json:
    """What a pod's conditions say."""
    found = [{"type": "Ready", "status": ready}, {"type": "ContainersReady", "status": containers}]
    return {"conditions": found}


def test_the_node_controller_marks_the_pods_of_a_node_that_does_not_answer() -> None:
    cut = pod(GOING_ON, **conditions("False", "True"))
    cut["spec"]["nodeName"] = "n"
    view = run_view(kube_job(), [cut])
    assert (view.alive, view.cut_off, view.node) == (True, True, "n")
    assert not run_view(kube_job(), [pod(GOING_ON, **conditions("True", "True"))]).cut_off
    assert not run_view(kube_job(), [pod(GOING_ON, **conditions("False", "False"))]).cut_off
    gated = pod(GOING_ON, **conditions("False", "True"))
    gated["spec"]["readinessGates"] = [{"conditionType": "example.com/in-service"}]
    assert not run_view(kube_job(), [gated]).cut_off


def test_a_pod_that_is_to_end_says_by_when() -> None:
    late = pod(GOING_ON)
    late["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    for view in (run_view(kube_job(deleting=True), [late]), orphan_view(late)):
        assert isinstance(view, core.RunView)
        assert (view.run, view.alive, view.stopping) == (3, True, True)
        assert view.due is not None
        assert view.due.minute == 1
