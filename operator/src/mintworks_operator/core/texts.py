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
RUN_FAILED = "RunFailed"
RUN_DELETED = "RunDeleted"
NO_RESULT = "NoResult"
BAD_RESULT = "BadResult"
START_TIMEOUT = "StartTimeout"
ATTEMPTS_EXHAUSTED = "AttemptsExhausted"
TOO_MANY_STALLS = "TooManyStalls"

STARTING_MESSAGE = "The run's pod is being started."
RUNNING_MESSAGE = "The run is under way."
SUSPENDED_MESSAGE = "spec.suspend is true; set it to false to go on."
SUSPENDING_MESSAGE = "The run was asked to stop, because spec.suspend is true."
START_TIMEOUT_STOPPING = "The run was given up, because its container did not start in time."
QUEUED_MESSAGE = "Waits for a slot in its queue."
UNSERVED_MESSAGE = "This namespace is not enabled; the chart's value `tenants` lists those that are."
COMPLETE_WITHOUT_RESULT = "The run ended without an error but told no result; it is run again."
DELETED_MESSAGE = "The run's Kubernetes Job was deleted by someone else."
DISRUPTED_MESSAGE = "The run's pod was evicted or its node went away."
DEADLINE_MESSAGE = "The run took longer than spec.timeout."
STOPPED_MESSAGE = "The run stopped before its work was finished."
FAILED_MESSAGE = "The run failed without saying why."
INPUT_BAD_MESSAGE = "The runner refused the input without saying why."
QUEUE_READY = "Admits jobs."


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
