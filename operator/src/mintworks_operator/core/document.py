"""The document that a run's runner reads (MINTWORKS_SPEC of the runner protocol)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mintworks_api import Dependency, JobSpec

from .views import JobView, Snapshot

#: Most bytes of the document as JSON: it travels in an annotation of the pod.
MAX_DOCUMENT = 48 * 1024


def dependency(job: JobView) -> Dependency:
    """A finished job as one that depends on it sees it."""
    return Dependency(kind=job.kind, uid=job.uid, spec=job.spec, inputs=job.inputs, result=job.result or {})


def initial_inputs(spec: JobSpec, snapshot: Snapshot) -> dict[str, Any]:
    """What of the job's inputs is known without a run."""
    found = {name: dependency(job) for name, job in snapshot.dependencies.items()}
    return {**spec.initial_inputs(found), **spec.spares(snapshot.named)}


def document(snapshot: Snapshot, run: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What run number `run` of the job is told."""
    job = snapshot.job
    return {
        "job": {
            "kind": job.kind,
            "namespace": job.namespace,
            "name": job.name,
            "uid": job.uid,
            "run": run,
            "spec": dict(job.spec),
        },
        "inputs": dict(inputs),
        "dependencies": {
            name: {
                "kind": d.kind,
                "uid": d.uid,
                "spec": dict(d.spec),
                "inputs": dict(d.inputs),
                "result": dict(d.result or {}),
            }
            for name, d in snapshot.dependencies.items()
        },
    }


def encode(doc: Mapping[str, Any]) -> str:
    """The document as compact JSON."""
    return json.dumps(doc, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
