"""Kubernetes objects as the views that `decide` knows. Pure."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from mintworks_api import JOB_COMMANDS, JOB_KINDS, QUEUE_COMMANDS, JobQueueSpec, JobQueueStatus, JobStatus
from pydantic import ValidationError

from .asked import asked_of, held
from .core import Failure, JobView, Memo, QueueView, RunState, RunView, Trouble
from .core.validation import problems
from .endings import container_of, ended_of, ending, lingers, over, told, words
from .names import run_number
from .troubles import of_pod, of_rejected

Json = dict[str, Any]

log = logging.getLogger(__name__)


def as_dict(value: object) -> Json:
    """The value where it is an object; else an empty one. The schema says what it is, but schemas change."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value where it is a list; else an empty one."""
    return value if isinstance(value, list) else []


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes writes it."""
    return None if not text else datetime.fromisoformat(text)


def job_view(kind: str, obj: Json) -> JobView:
    """A job resource. `obj` must not be changed any more."""
    return _JOBS[kind](obj)


def _job_view(kind: str, obj: Json) -> JobView:
    meta, raw = obj["metadata"], as_dict(obj.get("status"))
    inputs, result = raw.get("inputs"), raw.get("result")
    status, unreadable = JobStatus(), ""
    try:
        status = JobStatus.model_validate({k: v for k, v in raw.items() if k not in {"inputs", "result"}})
    except ValidationError as error:
        unreadable = problems(error, "status")
    return JobView(
        kind=kind,
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 1),
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        spec=as_dict(obj.get("spec")),
        status=status,
        inputs=as_dict(inputs),
        result=result if isinstance(result, dict) else None,
        deleting="deletionTimestamp" in meta,
        unreadable=unreadable,
        asked=asked_of(meta, JOB_COMMANDS),
        held=held(meta),
    )


#: Views that are remembered: a pass asks for its job's several times, and most passes change it.
_VIEWS = 256
_JOBS: Mapping[str, Memo[Json, JobView]] = {kind: Memo(partial(_job_view, kind), _VIEWS) for kind in JOB_KINDS}


def queue_view(obj: Json) -> QueueView:
    """A JobQueue. `obj` must not be changed any more."""
    return _QUEUES(obj)


def _queue_view(obj: Json) -> QueueView:
    meta = obj["metadata"]
    try:
        spec: JobQueueSpec | None = JobQueueSpec.parse(obj.get("spec") or {})
    except ValidationError:
        spec = None
    return QueueView(
        namespace=meta["namespace"],
        name=meta["name"],
        generation=meta.get("generation", 1),
        spec=spec,
        status=_queue_status(as_dict(obj.get("status")), meta),
        asked=asked_of(meta, QUEUE_COMMANDS),
    )


_QUEUES: Memo[Json, QueueView] = Memo(_queue_view)


def _queue_status(status: Json, meta: Json) -> JobQueueStatus:
    try:
        return JobQueueStatus.model_validate(status)
    except ValidationError as error:
        # Jobs' own statuses say, too, who holds a slot; but not which commands were carried out, and what started.
        log.warning(
            "%s/%s: what of its status does not parse is begun anew: %s", meta["namespace"], meta["name"], error
        )
        bad = {each["loc"][0] for each in error.errors()}
        return JobQueueStatus.model_validate({name: value for name, value in status.items() if name not in bad})


def run_view(job: Json, pods: Sequence[Json], trouble: Trouble | None = None) -> RunView:
    """A run, from its Kubernetes Job and its pods (one; more only where someone made them).

    `trouble` is what the cluster's Events say about a run whose container does not start.
    """
    pod = max(pods, key=lambda p: str(p["metadata"].get("creationTimestamp") or ""), default=None)
    ended = ended_of(pod)
    running = (container_of(pod).get("state") or {}).get("running") or {}
    state, failure = ending(job, pod, alone=all(p is pod or over(p) for p in pods))
    done = state in {RunState.COMPLETE, RunState.FAILED}
    return RunView(
        run=run_number(job) or 0,
        state=state,
        failure=failure,
        started=moment(running.get("startedAt") or ended.get("startedAt")),
        finished=(moment(ended.get("finishedAt")) or _transition(job)) if done else None,
        termination=told(ended),
        message=words(job, pod, failure),
        trouble=_trouble(state, failure, pod, trouble),
        stopping="deletionTimestamp" in job["metadata"],
        lingers=done and lingers(pod),
        **whereabouts(pod),
    )


def _trouble(state: RunState, failure: Failure | None, pod: Json | None, told: Trouble | None) -> Trouble | None:
    if failure is Failure.DISRUPTED:
        return of_rejected(pod)
    return (of_pod(pod) or told) if state is RunState.PENDING else None


def orphan_view(pod: Json) -> RunView:
    """A run of which only the pod is left: its Job was deleted, and the garbage collector ends it."""
    return RunView(run_number(pod) or 0, RunState.RUNNING, stopping=True, **whereabouts(pod))


def whereabouts(pod: Json | None) -> Json:
    """Where a run is, and whether it can be heard: fields of a RunView.

    The node controller takes the condition Ready from the pods of a node that does not answer; ContainersReady, which
    only the kubelet writes, stays as it was. A deletionTimestamp is the end of the pod's grace. The node is of interest
    only then: that a pod was bound to one would else be news.
    """
    meta, spec, status = ((pod or {}).get(part) or {} for part in ("metadata", "spec", "status"))
    conditions = {c["type"]: c.get("status") for c in status.get("conditions") or []}
    lost = (conditions.get("Ready"), conditions.get("ContainersReady")) == ("False", "True")
    cut_off, due = lost and not spec.get("readinessGates"), moment(meta.get("deletionTimestamp"))
    return {"node": (spec.get("nodeName") or "") if cut_off or due else "", "cut_off": cut_off, "due": due}


def _transition(job: Json) -> datetime | None:
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition["type"] in {"Complete", "Failed"} and condition.get("status") == "True":
            return moment(condition.get("lastTransitionTime"))
    return None
