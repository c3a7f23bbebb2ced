"""Kubernetes objects as the views that `decide` knows. Pure."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from mintworks_api import JobQueueSpec, JobQueueStatus, JobStatus
from pydantic import ValidationError

from .core import Failure, JobView, QueueView, RunState, RunView, Trouble
from .names import CONTAINER, run_number
from .troubles import of_pod

Json = dict[str, Any]

S = TypeVar("S", JobStatus, JobQueueStatus)

log = logging.getLogger(__name__)

_RULE = re.compile(r"rule at index (\d+)")
#: What the rules of `jobs.RULES` stand for, by index.
_RULES = (Failure.DISRUPTED, Failure.INPUT_BAD, Failure.STOPPED)


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes writes it."""
    return None if not text else datetime.fromisoformat(text)


def job_view(kind: str, obj: Json) -> JobView:
    """A job resource."""
    meta, status = obj["metadata"], dict(obj.get("status") or {})
    inputs, result = status.pop("inputs", None), status.pop("result", None)
    return JobView(
        kind=kind,
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 1),
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        spec=obj.get("spec") or {},
        status=_status(JobStatus, status, meta),
        inputs=inputs or {},
        result=result,
        deleting="deletionTimestamp" in meta,
    )


def queue_view(obj: Json) -> QueueView:
    """A JobQueue."""
    meta = obj["metadata"]
    try:
        spec: JobQueueSpec | None = JobQueueSpec.model_validate(obj.get("spec") or {})
    except ValidationError:
        spec = None
    return QueueView(
        namespace=meta["namespace"],
        name=meta["name"],
        generation=meta.get("generation", 1),
        spec=spec,
        status=_status(JobQueueStatus, obj.get("status") or {}, meta),
    )


def _status(model: type[S], status: Json, meta: Json) -> S:
    try:
        return model.model_validate(status)
    except ValidationError as error:
        # The schema keeps this from happening. Numbers of runs are still safe: they are above those that exist.
        log.warning("%s/%s: its status does not parse and is begun anew: %s", meta["namespace"], meta["name"], error)
        return model()


def run_view(job: Json, pods: Iterable[Json], trouble: Trouble | None = None) -> RunView:
    """A run, from its Kubernetes Job and its pods (one; more only where someone made them).

    `trouble` is what the cluster's Events say about a run whose container does not start.
    """
    pod = max(pods, key=lambda p: str(p["metadata"].get("creationTimestamp") or ""), default=None)
    container = _container(pod)
    ended = (container.get("state") or {}).get("terminated") or {}
    running = (container.get("state") or {}).get("running") or {}
    stopping = "deletionTimestamp" in job["metadata"]
    state, failure, why = _state(job, pod, container)
    told = _told(ended)
    if stopping and ended and ended.get("exitCode") == 0 and told is not None and "result" in told:
        # A Job that is being deleted gets no conditions any more, but its runner finished: that stands.
        state = RunState.COMPLETE
    done = state in {RunState.COMPLETE, RunState.FAILED}
    return RunView(
        run=run_number(job) or 0,
        state=state,
        failure=failure,
        started=moment(running.get("startedAt") or ended.get("startedAt")),
        finished=(moment(ended.get("finishedAt")) or _transition(job)) if done else None,
        termination=told,
        message=_message(ended, why),
        trouble=(of_pod(pod) or trouble) if state is RunState.PENDING else None,
        stopping=stopping,
    )


def _container(pod: Json | None) -> Json:
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return next((s for s in statuses if s.get("name") == CONTAINER), {})


def _state(job: Json, pod: Json | None, container: Json) -> tuple[RunState, Failure | None, str]:
    conditions = {c["type"]: c for c in (job.get("status") or {}).get("conditions") or [] if c.get("status") == "True"}
    if "Complete" in conditions:
        return RunState.COMPLETE, None, ""
    if "Failed" in conditions:
        failed = conditions["Failed"]
        return RunState.FAILED, classify(failed, pod), failed.get("message") or ""
    state = container.get("state") or {}
    started = "running" in state or "terminated" in state
    return (RunState.RUNNING if started else RunState.PENDING), None, ""


def classify(failed: Mapping[str, Any], pod: Json | None) -> Failure:
    """What a Job's Failed condition means. A deadline comes first: the runner may have exited 75 on its way out."""
    reason = ((pod or {}).get("status") or {}).get("reason")
    if "DeadlineExceeded" in {reason, failed.get("reason")}:
        return Failure.DEADLINE_EXCEEDED
    rule = _RULE.search(failed.get("message") or "")
    if failed.get("reason") == "PodFailurePolicy" and rule is not None and int(rule[1]) < len(_RULES):
        return _RULES[int(rule[1])]
    return Failure.FAILED


def _told(ended: Json) -> Json | None:
    try:
        told = json.loads(ended.get("message") or "")
    except (ValueError, RecursionError):
        # 4,096 brackets are a termination message too.
        return None
    return told if isinstance(told, dict) else None


def _message(ended: Json, why: str) -> str:
    if not ended:
        return why
    reason = ended.get("reason") or ""
    code = f"The runner ended with exit code {ended.get('exitCode')}"
    return f"{code} ({reason})." if reason not in {"", "Error", "Completed"} else f"{code}."


def _transition(job: Json) -> datetime | None:
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition["type"] in {"Complete", "Failed"} and condition.get("status") == "True":
            return moment(condition.get("lastTransitionTime"))
    return None
