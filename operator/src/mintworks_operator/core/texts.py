"""Every word that the operator says to people: reasons and messages of conditions and Events, in one place."""

from __future__ import annotations

from datetime import UTC, datetime

ADMITTED = "Admitted"
PROGRESSING = "Progressing"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
READY = "Ready"

# Reasons: one word for machines.
STARTING = "Starting"
RUNNING = "Running"
STOPPING = "Stopping"
SUSPENDED = "Suspended"
BACKOFF = "Backoff"
QUEUED = "Queued"
DELAYED = "Delayed"
INVALID_SPEC = "InvalidSpec"
SPEC_TOO_LARGE = "SpecTooLarge"
QUEUE_NOT_FOUND = "QueueNotFound"
QUEUE_INVALID = "QueueInvalid"
NAMESPACE_NOT_ENABLED = "NamespaceNotEnabled"
DEPENDENCY_MISSING = "DependencyMissing"
DEPENDENCY_FAILED = "DependencyFailed"
DEPENDENCY_NOT_FINISHED = "DependencyNotFinished"
INPUT_CHANGED = "InputChanged"
INPUT_BAD = "InputBad"
STOPPED = "Stopped"
DISRUPTED = "Disrupted"
DEADLINE_EXCEEDED = "DeadlineExceeded"
OUT_OF_MEMORY = "OutOfMemory"
RUN_FAILED = "RunFailed"
RUN_DELETED = "RunDeleted"
NO_RESULT = "NoResult"
BAD_RESULT = "BadResult"
START_TIMEOUT = "StartTimeout"
ATTEMPTS_EXHAUSTED = "AttemptsExhausted"
TOO_MANY_STALLS = "TooManyStalls"
NODE_UNREACHABLE = "NodeUnreachable"

STARTING_MESSAGE = "The run's pod is being started."
RUNNING_MESSAGE = "The run is under way."
STOPPING_MESSAGE = "The run was asked to stop."
SUSPENDED_MESSAGE = "spec.suspend is true; set it to false to go on."
SUSPENDING_MESSAGE = "The run was asked to stop, because spec.suspend is true."
START_TIMEOUT_STOPPING = "The run was given up, because its container did not start in time."
QUEUED_MESSAGE = "Waits for a slot in its queue."
UNSERVED_MESSAGE = "This namespace is not enabled; the chart's value `tenants` lists those that are."
COMPLETE_WITHOUT_RESULT = "The run ended without an error but told no result; it is run again."
DELETED_MESSAGE = "The run's Kubernetes Job was deleted by someone else."
DISRUPTED_MESSAGE = "The run's pod was evicted or its node went away."
NEVER_ENDED_MESSAGE = "The run's pod was ended from outside; what its runner did last is not known."
DEADLINE_MESSAGE = "The run took longer than spec.timeout."
OUT_OF_MEMORY_MESSAGE = (
    "The runner was killed, because it needed more memory than it may have. "
    "Apply the job anew with a higher spec.runner.resources.limits.memory."
)
STOPPED_MESSAGE = "The run stopped before its work was finished."
FAILED_MESSAGE = "The run failed without saying why."
INPUT_BAD_MESSAGE = "The runner refused the input without saying why."
QUEUE_READY = "Admits jobs."


#: What Kubernetes calls the ways in which it ends a pod that did nothing wrong, in words.
DISRUPTIONS = {
    "EvictionByEvictionAPI": "The run's pod was evicted: its node is being drained, or someone asked for it.",
    "PreemptionByScheduler": "The run's pod gave way to one of higher priority.",
    "DeletionByTaintManager": "The run's node was tainted, and its pods had to leave it.",
    "DeletionByPodGC": "The run's node is gone.",
    "TerminationByKubelet": "The run's node ended its pod: it is short of something, or shuts down.",
}


def disrupted(reason: str, message: str) -> str:
    """The condition DisruptionTarget of the run's pod."""
    return f"{DISRUPTIONS.get(reason, DISRUPTED_MESSAGE)} ({message})" if message else DISRUPTIONS.get(reason, "")


def never_ended(why: str) -> str:
    """The pod failed although its runner did not end."""
    return f"The run's pod was ended from outside: {why}" if why else NEVER_ENDED_MESSAGE


def node_unreachable(node: str) -> str:
    """The run may still work, but nobody hears of it."""
    return (
        f"The node {node} does not answer. The run may still work there, so it keeps its slot and nothing is started "
        "in its place; it goes on by itself once the node is back. Only where you know that the node is off: "
        f"kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    )


def queue_not_found(name: str) -> str:
    """The named queue does not exist."""
    return f"spec.queue: there is no JobQueue {name} in this namespace; create it, or leave queue out for `default`."


def queue_invalid(name: str) -> str:
    """The named queue's spec does not parse."""
    return f"The spec of JobQueue {name} is not valid; it admits nothing until it is corrected."


def dependency_missing(field: str, kind: str, name: str) -> str:
    """A dependency does not exist."""
    return f"spec.{field}: there is no {kind} {name} in this namespace yet."


def dependency_failed(field: str, kind: str, name: str, why: str) -> str:
    """A dependency ended badly."""
    return f"spec.{field}: {kind} {name} {_failed(why)} This job starts once a {kind} of that name has succeeded."


def dependency_incomplete(field: str, kind: str, name: str, why: str) -> str:
    """A dependency succeeded, but its status does not hold what that means."""
    return f"spec.{field}: the result of {kind} {name} is not usable ({why}); delete it and apply it anew."


def dependency_not_finished(field: str, kind: str, name: str) -> str:
    """A dependency is under way."""
    return f"spec.{field}: waits for {kind} {name} to succeed."


def delayed(until: datetime) -> str:
    """Not before a time."""
    return f"Starts at {stamp(until)}."


def backing_off(until: datetime, why: str) -> str:
    """Waiting for the next attempt."""
    return f"Goes on at {stamp(until)}. {why}".rstrip()


def input_changed(name: str, frozen: object, found: object) -> str:
    """An input differs from what was frozen before the first attempt."""
    return (
        f"status.inputs.{name} is frozen as {frozen!r}, but now it is {found!r}; nothing is done with a changed input."
    )


def spec_too_large(size: int, limit: int) -> str:
    """The document for the runner does not fit."""
    return (
        f"The job and its dependencies are {size} bytes for the runner, {limit} are allowed; move content into sources."
    )


def start_timeout(waited: str, why: str) -> str:
    """No container within startTimeout."""
    return f"No container started within {waited}. {why}".rstrip()


def attempts_exhausted(made: int, limit: int, why: str) -> str:
    """The last attempt failed."""
    return f"Attempt {made} of {limit} failed: {why}"


def too_many_stalls(stalls: int, limit: int, why: str) -> str:
    """More interruptions than allowed."""
    return f"Interrupted {stalls} times, maxStalled allows {limit}: {why}"


def bad_result(why: str) -> str:
    """The result does not have the kind's form."""
    return f"The run told a result that does not fit its kind ({why}); it is run again."


def succeeded(attempts: str) -> str:
    """The end, where it is a good one."""
    return f"Finished in attempt {attempts}."


def stamp(moment: datetime) -> str:
    """A time as people and Kubernetes write it."""
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        # The last hours of the year 9999, west of Greenwich.
        return moment.isoformat(timespec="seconds")


def _failed(why: str) -> str:
    """Failed, as a whole sentence: what a runner told ends as it likes."""
    said = f"failed: {why}".rstrip(" :\n")
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."
