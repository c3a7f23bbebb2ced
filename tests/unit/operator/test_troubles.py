"""Why a run does not start, in texts that a Kubernetes 1.37 said."""

from __future__ import annotations

from typing import Any

import pytest
from mintworks_operator.core import Failure, RunState, Trouble
from mintworks_operator.troubles import of_events, of_pod, of_refusal, of_rejected
from mintworks_operator.views import run_view

Json = dict[str, Any]

#: Reason of the Event, its text, our reason.
EVENTS = (
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: exceeded quota: memory, requested: limits.memory=64Gi, '
        "used: limits.memory=2304Mi, limited: limits.memory=40Gi",
        "QuotaExceeded",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: failed quota: cpu: must specify limits.cpu for: runner',
        "QuotaUnspecified",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: maximum memory usage per Container is 128Gi, but limit is 256Gi',
        "LimitRange",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: minimum memory usage per Container is 100Mi, but request is 64Mi',
        "LimitRange",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 2Gi',
        "LimitRange",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: memory max limit to request ratio per Container is 2, but provided '
        "ratio is 4.000000",
        "LimitRange",
    ),
    (
        "FailedCreate",
        'Error creating: Pod "a-1-x" is invalid: spec.containers[0].resources.requests: Invalid value: "100m": must be '
        "less than or equal to cpu limit of 50m",
        "LimitRange",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: violates PodSecurity "restricted:latest": host namespaces '
        "(hostNetwork=true)",
        "PodSecurity",
    ),
    (
        "FailedCreate",
        "Error creating: pods \"a-1-x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
        "no pods on Sundays",
        "AdmissionDenied",
    ),
    (
        "FailedCreate",
        'Error creating: admission webhook "w.example" denied the request: ask the platform team',
        "AdmissionDenied",
    ),
    (
        "FailedCreate",
        'Error creating: Internal error occurred: failed calling webhook "w.example": failed to call webhook: Post '
        '"https://nobody.ns.svc:443/?timeout=5s": service "nobody" not found',
        "AdmissionUnavailable",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: error looking up service account ns/mintworks-runner: '
        'serviceaccount "mintworks-runner" not found',
        "ServiceAccountMissing",
    ),
    (
        "FailedCreate",
        'Error creating: pods "a-1-x" is forbidden: unable to create new content in namespace ns because it is being '
        "terminated",
        "NamespaceTerminating",
    ),
    ("FailedCreate", "Error creating: something new", "PodNotCreated"),
    ("FailedMount", 'MountVolume.SetUp failed for volume "mount-0" : secret "minter" not found', "SecretMissing"),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "mount-0" : references non-existent secret key: id.json',
        "SecretKeyMissing",
    ),
    ("FailedMount", 'MountVolume.SetUp failed for volume "mount-0" : configmap "rows" not found', "ConfigMapMissing"),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "mount-0" : configmap references non-existent config key: rows.csv',
        "ConfigMapKeyMissing",
    ),
    (
        "FailedMount",
        'MountVolume.SetUp failed for volume "pv" : hostPath type check failed: /nowhere is not a directory',
        "MountFailed",
    ),
    (
        "FailedScheduling",
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims "
        "found for incoming pod.",
        "Unschedulable",
    ),
    ("FailedCreatePodSandBox", "Failed to create pod sandbox: no CNI", "SandboxFailed"),
)


def event(reason: str, note: str, second: int = 1, type_: str = "Warning") -> Json:
    return {"type": type_, "reason": reason, "note": note, "eventTime": f"2026-01-01T00:00:0{second}Z"}


@pytest.mark.parametrize(("reason", "note", "told"), EVENTS)
def test_what_the_clusters_events_say(reason: str, note: str, told: str) -> None:
    old = event("FailedMount", "old", 0)
    normal = event("Scheduled", "fine", 2, "Normal")
    assert of_events([old, event(reason, note), normal]) == Trouble(told, note)
    assert of_events([normal]) is None


@pytest.mark.parametrize(
    "vague",
    [
        "Unable to attach or mount volumes: unmounted volumes=[mount-0], unattached volumes=[], failed to process "
        "volumes=[]: timed out waiting for the condition",
        'MountVolume.SetUp failed for volume "mount-0" : failed to sync secret cache: timed out waiting for the '
        "condition",
    ],
)
def test_that_it_takes_long_does_not_hide_why(vague: str) -> None:
    why = 'MountVolume.SetUp failed for volume "mount-0" : secret "minter" not found'
    assert of_events([event("FailedMount", why), event("FailedMount", vague, 2)]) == Trouble("SecretMissing", why)
    assert of_events([event("FailedMount", vague)]) == Trouble("MountFailed", vague)


def test_a_series_of_an_event_is_as_old_as_its_last() -> None:
    again = event("FailedCreate", "exceeded quota: q", 0) | {
        "series": {"count": 3, "lastObservedTime": "2026-01-01T00:00:05Z"}
    }
    assert of_events([event("FailedMount", "new"), again]) == Trouble("QuotaExceeded", "exceeded quota: q")


def waiting(reason: str, message: str = "") -> Json:
    return {"containerStatuses": [{"name": "runner", "state": {"waiting": {"reason": reason, "message": message}}}]}


def unscheduled(message: str, reason: str = "Unschedulable") -> Json:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return {"phase": "Pending", "conditions": [condition]}


NODES = "0/1 nodes are available: "


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (waiting("ErrImagePull", "failed to pull and unpack image"), "ImagePull"),
        (waiting("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: failed to resolve'), "ImagePull"),
        (
            waiting("ErrImageNeverPull", 'Container image "x" is not present with pull policy of Never'),
            "ImageNotPresent",
        ),
        (waiting("InvalidImageName", 'Failed to apply default image tag "Not:An:Image"'), "ImageNameInvalid"),
        (waiting("CreateContainerConfigError", 'secret "x" not found'), "SecretMissing"),
        (waiting("CreateContainerError", "context deadline exceeded"), "ContainerNotCreated"),
        (waiting("RunContainerError"), "ContainerNotCreated"),
        (waiting("ContainerCreating"), None),
        (unscheduled(f"{NODES}1 node(s) didn't match Pod's node affinity/selector."), "Unschedulable"),
        (unscheduled(f'{NODES}persistentvolumeclaim "missing" not found. not found'), "ClaimMissing"),
        (unscheduled(f'{NODES}persistentvolumeclaim "gone" is being deleted.'), "ClaimMissing"),
        (unscheduled(f"{NODES}pod has unbound immediate PersistentVolumeClaims. not found"), "ClaimNotBound"),
        (unscheduled(f"{NODES}1 node(s) didn't find available persistent volumes to bind."), "ClaimNotBound"),
        (unscheduled(f'{NODES}persistentvolumeclaim "c" bound to non-existent persistentvolume "v".'), "ClaimNotBound"),
        (unscheduled(f"{NODES}1 node(s) had volume node affinity conflict."), "ClaimElsewhere"),
        (
            unscheduled("Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"),
            "SchedulingGated",
        ),
        ({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}, None),
    ],
)
def test_what_the_pods_status_says(status: Json, told: str | None) -> None:
    found = of_pod({"status": status})
    assert (found.reason if found else None) == told


def test_a_pod_that_waits_for_others_to_give_way_is_not_scheduled_yet() -> None:
    status = unscheduled(f"{NODES}1 Insufficient cpu.") | {"nominatedNodeName": "one"}
    assert of_pod({"status": status}) == Trouble("Unschedulable", f"{NODES}1 Insufficient cpu.")


def test_an_init_container_that_others_added_holds_the_pod_back_too() -> None:
    injected = {"initContainerStatuses": waiting("ErrImagePull", "no such image")["containerStatuses"]}
    assert of_pod({"status": injected}) == Trouble("ImagePull", "no such image")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            'jobs.batch "x" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1, used: '
            "count/jobs.batch=9, limited: count/jobs.batch=9",
            "QuotaExceeded",
        ),
        (
            'jobs.batch is forbidden: User "system:serviceaccount:mintworks:mintworks" cannot create resource "jobs" '
            'in API group "batch" in the namespace "ns"',
            "RightsMissing",
        ),
        (
            'jobs.batch "x" is forbidden: unable to create new content in namespace ns because it is being terminated',
            "NamespaceTerminating",
        ),
        ("anything", "JobRefused"),
    ],
)
def test_a_refusal_keeps_the_clusters_words(message: str, told: str) -> None:
    assert of_refusal(message) == Trouble(told, message)


OUT_OF_CPU = "Node didn't have enough resource: cpu, requested: 1000000, used: 210, capacity: 2000"


def test_a_pod_that_its_node_refused() -> None:
    refused = {"phase": "Failed", "reason": "OutOfcpu", "message": OUT_OF_CPU}
    trouble = Trouble("NodeRefused", f"OutOfcpu: {OUT_OF_CPU}")
    assert of_rejected({"status": refused}) == trouble
    job = {
        "metadata": {"labels": {"mintworks.dev/run": "1"}},
        "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
    }
    view = run_view(job, [{"metadata": {"uid": "p"}, "status": refused}])
    assert (view.state, view.failure, view.trouble) == (RunState.FAILED, Failure.DISRUPTED, trouble)


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Failed"},
        {"phase": "Pending", "reason": "OutOfcpu"},
        {"phase": "Failed", "reason": "Evicted", "conditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"phase": "Failed", "reason": "DeadlineExceeded", **waiting("ErrImagePull")},
    ],
)
def test_a_pod_that_its_node_took(status: Json) -> None:
    assert of_rejected({"status": status}) is None
