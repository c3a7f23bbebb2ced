"""The Kubernetes Job of a run: a pure builder. Every field has its reason in docs/architecture.md or beside it."""

from __future__ import annotations

import math
from typing import Any

from mintworks_api import API_VERSION, Mount, ResolvedRunner, parse_quantity

from .config import Config
from .core import CreateRun, JobView, encode
from .names import CONTAINER, SPEC, labels, run_name

SPEC_DIR = "/mintworks/spec"
MOUNTS_DIR = "/mintworks/mounts"
WORK_DIR = "/mintworks/work"
REDIS_DIR = "/mintworks/redis"

#: Seconds; the API server takes no more.
LONGEST_DEADLINE = 2**31 - 1

#: Rules of the pod failure policy, in this order. A Failed condition names the index: it is what classifies a run.
RULES: tuple[dict[str, Any], ...] = (
    {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    {"action": "FailJob", "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [64]}},
    {"action": "FailJob", "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [75]}},
)


def build(job: JobView, create: CreateRun, config: Config) -> dict[str, Any]:
    """The Job of run `create.run`.

    Raises:
        KeyError: no image is configured for the kind.
    """
    marks = labels(job.kind, job.name, job.uid, create.run)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": run_name(job.name, job.uid, create.run),
            "namespace": job.namespace,
            "labels": marks,
            "ownerReferences": [_owner(job)],
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            # A replacement is not created while the old pod still ends: two runners would work at once.
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": list(RULES)},
            "template": {
                "metadata": {
                    "labels": {**marks, "sidecar.istio.io/inject": "false"},
                    "annotations": {SPEC: encode(create.document)},
                },
                "spec": _pod(create, config),
            },
        },
    }


def _owner(job: JobView) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": job.kind,
        "name": job.name,
        "uid": job.uid,
        "controller": True,
        # True would demand the right to update the job's finalizers.
        "blockOwnerDeletion": False,
    }


def _pod(create: CreateRun, config: Config) -> dict[str, Any]:
    volumes, mounts = _volumes(create, config)
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "serviceAccountName": config.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": create.grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(create, config, mounts)],
        "volumes": volumes,
    }
    placed = (create.policy.runner or ResolvedRunner()).wire()
    pod |= {name: placed[name] for name in ("nodeSelector", "tolerations") if name in placed}
    timeout = create.policy.timeout_delta
    if timeout is not None:
        # On the pod, so that it counts from the pod's start; on the Job it would count the time in the scheduler too.
        pod["activeDeadlineSeconds"] = min(max(1, math.ceil(timeout.total_seconds())), LONGEST_DEADLINE)
    return pod


def _container(create: CreateRun, config: Config, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    runner = create.policy.runner or ResolvedRunner()
    resources = _resources(runner, config)
    return {
        "name": CONTAINER,
        "image": runner.image or config.images[create.image],
        "imagePullPolicy": config.image_pull_policy,
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {part: values for part, values in resources.items() if values},
        "volumeMounts": mounts,
    }


def _resources(runner: ResolvedRunner, config: Config) -> dict[str, dict[str, Any]]:
    """The job's values over the chart's. Where a request would be above its limit, which the API server refuses, the
    side that the job did not set gives way.
    """
    own = runner.resources.wire() if runner.resources is not None else {}
    merged = {part: {**config.resources.get(part, {}), **own.get(part, {})} for part in ("requests", "limits")}
    requests, limits = merged["requests"], merged["limits"]
    for name in requests.keys() & limits.keys():
        if parse_quantity(requests[name]) <= parse_quantity(limits[name]):
            continue
        if name not in own.get("limits", {}):
            limits[name] = requests[name]
        elif name not in own.get("requests", {}):
            requests[name] = limits[name]
    return merged


def _volumes(create: CreateRun, config: Config) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    spec = {"path": "spec.json", "fieldRef": {"fieldPath": f"metadata.annotations['{SPEC}']"}}
    redis = {"secretName": config.redis_secret, "optional": True, "items": [{"key": "url", "path": "url"}]}
    volumes: list[dict[str, Any]] = [
        {"name": "spec", "downwardAPI": {"items": [spec]}},
        {"name": "work", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "redis", "secret": redis},
    ]
    mounts: list[dict[str, Any]] = [
        {"name": "spec", "mountPath": SPEC_DIR, "readOnly": True},
        {"name": "work", "mountPath": WORK_DIR},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 (a path in the container, an emptyDir of its own)
        {"name": "redis", "mountPath": REDIS_DIR, "readOnly": True},
    ]
    named = [(m.field, m) for m in create.mounts]
    named += [(f"dependencies/{job}/{m.field}", m) for job, shared in create.shared_mounts.items() for m in shared]
    claims: dict[str, str] = {}
    for number, (path, mount) in enumerate(named):
        name = f"mount-{number}"
        if mount.claim is not None and mount.claim in claims:
            # One claim is one volume, however many fields name it.
            name = claims[mount.claim]
        else:
            volumes.append({"name": name, **_source(mount, named)})
        if mount.claim is not None:
            claims[mount.claim] = name
        mounts.append({"name": name, "mountPath": f"{MOUNTS_DIR}/{path}", "readOnly": mount.read_only})
    return volumes, mounts


def _source(mount: Mount, named: list[tuple[str, Mount]]) -> dict[str, Any]:
    if mount.claim is not None:
        writers = any(m.claim == mount.claim and not m.read_only for _, m in named)
        return {"persistentVolumeClaim": {"claimName": mount.claim, "readOnly": not writers}}
    items = {} if mount.key is None else {"items": [{"key": mount.key, "path": mount.key}]}
    if mount.secret is not None:
        return {"secret": {"secretName": mount.secret, "defaultMode": 0o440, **items}}
    return {"configMap": {"name": mount.config_map, **items}}
