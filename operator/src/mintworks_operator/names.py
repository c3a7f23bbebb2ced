"""Names and labels of what the operator makes, and the resources it watches."""

from __future__ import annotations

import re
from typing import Any

from mintworks_api import GROUP, JOB_KINDS, JOB_QUEUE, JOB_SCHEDULE, VERSION

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

_NUMBER = re.compile(r"[0-9]{1,9}")

QUEUES = Resource(GROUP, VERSION, JOB_QUEUE.plural)
SCHEDULES = Resource(GROUP, VERSION, JOB_SCHEDULE.plural)
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


def run_number(obj: dict[str, Any]) -> int | None:
    """The number of the run that the labels of a Job or pod name; None where they name none."""
    text = label(obj, RUN)
    return int(text) if _NUMBER.fullmatch(text) else None


def controller(obj: dict[str, Any], kind: str | None = None) -> str:
    """The uid of the owner that controls the object; empty where there is none (of that kind, where one is asked for).

    Labels can be anyone's. This says whose the object is, and the garbage collector removes it with its owner.
    """
    owners = obj["metadata"].get("ownerReferences") or []
    return next((str(o["uid"]) for o in owners if o.get("controller") and kind in {None, o.get("kind")}), "")


def is_run(obj: dict[str, Any], uid: str) -> bool:
    """Whether a Kubernetes Job is a run of the job of that uid: controlled by it, and named as that run is.

    Whoever may create Kubernetes Jobs can name any owner. One of another name could not be told from a run, nor ended.
    """
    owners = obj["metadata"].get("ownerReferences") or []
    owner: dict[str, Any] = next((o for o in owners if o.get("controller")), {})
    number = run_number(obj)
    named = number is not None and obj["metadata"]["name"] == run_name(str(owner.get("name")), uid, number)
    return owner.get("uid") == uid and named
