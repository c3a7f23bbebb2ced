"""Names and labels of what the operator makes, and the resources it watches."""

from __future__ import annotations

from typing import Any

from mintworks_api import GROUP, JOB_KINDS, JOB_QUEUE, VERSION

from .api import Resource

MANAGED_BY = "app.kubernetes.io/managed-by"
MINTWORKS = "mintworks"
KIND = f"{GROUP}/kind"
JOB = f"{GROUP}/job"
UID = f"{GROUP}/uid"
RUN = f"{GROUP}/run"
SPEC = f"{GROUP}/spec"
SELECTOR = f"{MANAGED_BY}={MINTWORKS}"
CONTAINER = "runner"

QUEUES = Resource(GROUP, VERSION, JOB_QUEUE.plural)
KINDS = {name: Resource(GROUP, VERSION, kind.plural) for name, kind in JOB_KINDS.items()}


def run_name(job: str, uid: str, run: int) -> str:
    """Name of a run's Kubernetes Job: `NAME[:40]-UID8-N`, a DNS label whatever the job is called."""
    head = job[:40].rstrip("-.")
    return f"{head}-{uid.replace('-', '')[:8]}-{run}"


def labels(kind: str, job: str, uid: str, run: int) -> dict[str, str]:
    """Labels of a run's Job and pod."""
    return {MANAGED_BY: MINTWORKS, KIND: kind, JOB: job, UID: uid, RUN: str(run)}


def label(obj: dict[str, Any], name: str) -> str:
    """The value of a label; empty where it is not set."""
    return str(((obj.get("metadata") or {}).get("labels") or {}).get(name, ""))
