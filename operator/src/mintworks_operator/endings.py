"""How a run's Kubernetes Job and its pod ended, and what that means. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .core import Failure, RunState, texts
from .names import CONTAINER

Json = dict[str, Any]

#: What the rules of `jobs.RULES` stand for, by index.
_RULES = (Failure.DISRUPTED, Failure.INPUT_BAD, Failure.STOPPED)
_RULE = re.compile(r"rule at index (\d+)")
#: The same exit codes, where the Job has not failed because another container of its pod goes on.
_CODES = {64: Failure.INPUT_BAD, 75: Failure.STOPPED}
#: A kubelet says this of a container that it found gone after it was away itself.
_UNKNOWN = "ContainerStatusUnknown"


def container_of(pod: Json | None) -> Json:
    """The runner's container status; empty where the pod has none yet."""
    return next((s for s in _containers(pod) if s.get("name") == CONTAINER), {})


def ended_of(pod: Json | None) -> Json:
    """How the runner's container ended; empty while it has not, or nobody knows how."""
    ended: Json = (container_of(pod).get("state") or {}).get("terminated") or {}
    return ended if ended.get("reason") != _UNKNOWN else {}


def lingers(pod: Json | None) -> bool:
    """Whether the runner's container ended and another one of the pod has not: a pod ends with its last container."""
    others = [s for s in _containers(pod) if s.get("name") != CONTAINER]
    going_on = any("terminated" not in (s.get("state") or {}) for s in others)
    return bool(ended_of(pod)) and going_on and not over(pod)


def over(pod: Json | None) -> bool:
    """Whether none of the pod's containers runs or will run."""
    return _phase(pod) in {"Succeeded", "Failed"}


def stopping(job: Json) -> bool:
    """Whether no pod of the Kubernetes Job goes on, and none will be made."""
    return "Failed" in _conditions(job) or "deletionTimestamp" in job["metadata"]


def told(ended: Json) -> Json | None:
    """The runner's termination message; None where it is none."""
    try:
        message = json.loads(ended.get("message") or "")
    except (ValueError, RecursionError):
        # 4,096 brackets are a termination message too.
        return None
    return message if isinstance(message, dict) else None


def ending(job: Json, pod: Json | None, *, alone: bool) -> tuple[RunState, Failure | None]:
    """How far the run has come, and why it failed where it did. `alone`: no other pod of the Job works.

    The runner's container decides. What other containers of its pod do, or how the Job ends because of them, changes
    nothing: a result that a runner told with exit code 0 stands, whatever became of its pod. Where no pod is left that
    works, it ends the run before the Job's controller has seen it.
    """
    conditions = _conditions(job)
    ended = ended_of(pod)
    done = ended.get("exitCode") == 0 and "result" in (told(ended) or {})
    if "Complete" in conditions or (done and ("Failed" in conditions or (alone and (over(pod) or stopping(job))))):
        return RunState.COMPLETE, None
    if "Failed" in conditions:
        failure = classify(conditions["Failed"], pod)
        silent = ended.get("exitCode") == 0 and failure is Failure.FAILED
        return (RunState.COMPLETE, None) if silent else (RunState.FAILED, failure)
    if alone and lingers(pod):
        return (RunState.COMPLETE, None) if ended.get("exitCode") == 0 else (RunState.FAILED, _of_pod(pod))
    state = container_of(pod).get("state") or {}
    return (RunState.RUNNING if "running" in state or "terminated" in state else RunState.PENDING), None


def classify(failed: Mapping[str, Any], pod: Json | None) -> Failure:
    """What a Job's Failed condition means. A deadline comes first: the runner may have exited 75 on its way out."""
    if "DeadlineExceeded" in {_status(pod).get("reason"), failed.get("reason")}:
        return Failure.DEADLINE_EXCEEDED
    rule = _RULE.search(failed.get("message") or "")
    if failed.get("reason") == "PodFailurePolicy" and rule is not None and int(rule[1]) < len(_RULES):
        return _RULES[int(rule[1])]
    if pod is not None and not ended_of(pod):
        # Refused by its node, or removed while nobody heard of the runner: no attempt of the job's.
        return Failure.DISRUPTED
    return Failure.OUT_OF_MEMORY if ended_of(pod).get("reason") == "OOMKilled" else Failure.FAILED


def _of_pod(pod: Json | None) -> Failure:
    """The same, from the pod alone."""
    ended = ended_of(pod)
    if _status(pod).get("reason") == "DeadlineExceeded":
        return Failure.DEADLINE_EXCEEDED
    if _disruption(pod):
        return Failure.DISRUPTED
    plain = Failure.OUT_OF_MEMORY if ended.get("reason") == "OOMKilled" else Failure.FAILED
    return _CODES.get(ended.get("exitCode") or 0, plain)


def words(job: Json, pod: Json | None, failure: Failure | None) -> str:
    """What is to be said of a failure in the cluster's words; empty where our own say all."""
    ended = ended_of(pod)
    if failure is Failure.DISRUPTED:
        found = _disruption(pod)
        if not found and pod is not None and not ended:
            return texts.never_ended(str(_status(pod).get("message") or _status(pod).get("reason") or ""))
        return texts.disrupted(str(found.get("reason") or ""), str(found.get("message") or ""))
    if failure in {Failure.DEADLINE_EXCEEDED, Failure.OUT_OF_MEMORY}:
        return ""
    if pod is None and failure is Failure.FAILED:
        return texts.UNREAD_MESSAGE
    if not ended:
        return _why(job)
    reason = ended.get("reason") or ""
    code = f"The runner ended with exit code {ended.get('exitCode')}"
    return f"{code} ({reason})." if reason not in {"", "Error", "Completed"} else f"{code}."


def _why(job: Json) -> str:
    return (_conditions(job).get("Failed") or {}).get("message") or ""


def _conditions(job: Json) -> dict[str, Json]:
    """What holds of a Kubernetes Job, by type."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return {c["type"]: c for c in conditions if c.get("status") == "True"}


def _disruption(pod: Json | None) -> Json:
    conditions: list[Json] = _status(pod).get("conditions") or []
    found = (c for c in conditions if c["type"] == "DisruptionTarget" and c.get("status") == "True")
    return next(found, {})


def _status(pod: Json | None) -> Json:
    return (pod or {}).get("status") or {}


def _phase(pod: Json | None) -> str:
    return str(_status(pod).get("phase") or "")


def _containers(pod: Json | None) -> list[Json]:
    return _status(pod).get("containerStatuses") or []
