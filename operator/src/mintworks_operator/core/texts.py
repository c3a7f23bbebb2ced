"""Every word that the operator says to people: reasons and messages of conditions and Events, in one place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from .times import TEXT, clip

ADMITTED = "Admitted"
PROGRESSING = "Progressing"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
READY = "Ready"
HEALTHY = "Healthy"
REDIS_CONNECTED = "RedisConnected"

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
STATUS_UNREADABLE = "StatusUnreadable"
RESTORED = "Restored"
QUEUE_NOT_FOUND = "QueueNotFound"
QUEUE_INVALID = "QueueInvalid"
PAUSED = "Paused"
TOTAL_REACHED = "TotalReached"
NAMESPACE_NOT_ENABLED = "NamespaceNotEnabled"
DEPENDENCY_MISSING = "DependencyMissing"
DEPENDENCY_FAILED = "DependencyFailed"
DEPENDENCY_NOT_FINISHED = "DependencyNotFinished"
RUNNER_NOT_ALLOWED = "RunnerNotAllowed"
INPUT_CHANGED = "InputChanged"
REOPENED = "Reopened"
CANCELLED = "Cancelled"
RETRIED = "Retried"
PROMOTED = "Promoted"
COMMAND_IGNORED = "CommandIgnored"
COMMAND_ACCEPTED = "CommandAccepted"
NOT_NOTIFIED = "NotNotified"
DRAINED = "Drained"
DEGRADED = "Degraded"
UNHEALTHY = "Unhealthy"
REDIS_AWAY = "RedisAway"
NO_REDIS = "NoRedis"
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
MISSED_SCHEDULE = "MissedSchedule"
JOB_ACTIVE = "JobActive"
CREATE_REFUSED = "CreateRefused"
SCHEDULED = "Scheduled"

SCHEDULE_READY = "Jobs are made at the times of the schedule."
SCHEDULE_SUSPENDED = "spec.suspend is true: no job is made."


#: What a person does to begin a finished job again.
AGAIN = "annotate it with mintworks.dev/retry and any new value"


class Reason(NamedTuple):
    """What a reason means, and in one sentence what a person should do about it."""

    what: str
    todo: str


#: Why a job waits: reasons of its conditions Admitted and Progressing before a run, and while one is under way.
WAITS: dict[str, Reason] = {
    NAMESPACE_NOT_ENABLED: Reason(
        "the operator does not serve this namespace",
        "Add the namespace to the chart's value `tenants`, or apply the job in a namespace that is there.",
    ),
    INVALID_SPEC: Reason(
        "the operator cannot read the spec",
        "Correct the field that the message names; where it is frozen, delete the job and apply it again.",
    ),
    STATUS_UNREADABLE: Reason(
        "the operator cannot read the status, and leaves the job alone: a newer operator wrote it",
        "Upgrade the operator, or delete the job and apply it again.",
    ),
    SPEC_TOO_LARGE: Reason("the job is too large for its runner", "Move content out of the spec into sources."),
    QUEUE_NOT_FOUND: Reason(
        "the job's queue does not exist", "Create the JobQueue, or leave spec.queue out for `default`."
    ),
    QUEUE_INVALID: Reason(
        "the operator cannot read the queue's spec", "Correct the JobQueue; until then it admits nothing."
    ),
    DEPENDENCY_MISSING: Reason("the job that it builds on does not exist", "Apply the job that the message names."),
    DEPENDENCY_FAILED: Reason(
        "the job that it builds on failed",
        "Delete the job that the message names, and apply a corrected one under the same name.",
    ),
    DEPENDENCY_NOT_FINISHED: Reason("the job that it builds on is under way", "It starts by itself."),
    RUNNER_NOT_ALLOWED: Reason(
        "spec.runner of the job, or of its queue's defaults, asks for what the chart does not allow",
        "Take what the message names out of spec.runner, or have the administrator add it to `runner.allowed`.",
    ),
    INPUT_CHANGED: Reason(
        "rows or a document differ from what the first attempt froze",
        "Put the old content back, or delete the job and apply it again for the new.",
    ),
    REOPENED: Reason("a dry run has ended, and spec.dryRun is no longer true", "It starts by itself."),
    RETRIED: Reason("somebody set the annotation mintworks.dev/retry", "It starts by itself."),
    QUEUED: Reason(
        "the queue is full, or another job holds an exclusive key (the same tree)",
        "It starts by itself; a job with spec.priority 0 goes first.",
    ),
    DELAYED: Reason("startAfter or delay has not passed", "It starts by itself at the time that the message names."),
    BACKOFF: Reason("the last run did not finish", "It goes on by itself at status.nextAttemptTime."),
    NODE_UNREACHABLE: Reason(
        "the node of the run's pod does not answer, or does not end a pod that it was told to end",
        "Bring the node back; the run keeps its slot, because it may still work there.",
    ),
    SUSPENDED: Reason(
        "spec.suspend is true, or the annotation mintworks.dev/hold is there",
        "Set spec.suspend to false, and take the annotation mintworks.dev/hold away, to go on.",
    ),
    STARTING: Reason("the run's pod is being made", "Wait: this takes seconds."),
    RUNNING: Reason("the run is under way", "Nothing."),
    STOPPING: Reason("the run was asked to stop", "Wait: it ends at a safe point."),
}

#: Of these waits, those that somebody must end: who waits for such a job is told as well.
STUCK = frozenset(
    {
        NAMESPACE_NOT_ENABLED,
        INVALID_SPEC,
        STATUS_UNREADABLE,
        SPEC_TOO_LARGE,
        QUEUE_NOT_FOUND,
        QUEUE_INVALID,
        DEPENDENCY_MISSING,
        DEPENDENCY_FAILED,
        RUNNER_NOT_ALLOWED,
        INPUT_CHANGED,
        SUSPENDED,
    }
)

#: Why a run's pod does not start. troubles.py finds them in the cluster's words, which follow the advice.
STARTS: dict[str, Reason] = {
    "QuotaExceeded": Reason(
        "a ResourceQuota of the namespace is used up",
        "Raise the namespace's ResourceQuota, wait until others end, or ask for less in spec.runner.resources.",
    ),
    "QuotaUnspecified": Reason(
        "a ResourceQuota counts what the pod does not state",
        "Set what the quota asks for in spec.runner.resources, or give the namespace a LimitRange with defaults.",
    ),
    "LimitRange": Reason(
        "the pod's resources are not what a LimitRange of the namespace allows",
        "Set spec.runner.resources within the namespace's LimitRange, or change the LimitRange.",
    ),
    "PodSecurity": Reason(
        "the pod violates the namespace's Pod Security Standard",
        "Find out what adds that to the pod, such as a mesh's sidecar injection: the runner's own pod is `restricted`.",
    ),
    "AdmissionDenied": Reason(
        "an admission webhook or policy refuses the pod",
        "Ask whoever owns the policy that the message names; its words say what it wants.",
    ),
    "AdmissionUnavailable": Reason(
        "an admission webhook does not answer",
        "Bring the webhook that the message names back, or delete its configuration.",
    ),
    "ServiceAccountMissing": Reason(
        "the namespace has no service account for runners",
        "Run `helm upgrade` with the namespace in `tenants`: the chart makes the account.",
    ),
    "RightsMissing": Reason(
        "the operator may not create Jobs in the namespace",
        "Run `helm upgrade` with the namespace in `tenants`: the chart gives the operator its rights there.",
    ),
    "NamespaceTerminating": Reason(
        "the namespace is being deleted", "The job goes with its namespace; apply it elsewhere."
    ),
    "JobRefused": Reason(
        "the API server refuses the run's Job",
        "Correct what the message names, in spec.runner or in the chart's values.",
    ),
    "PodNotCreated": Reason("the cluster makes no pod", "Read what the cluster says: it names what is in the way."),
    "SecretMissing": Reason("a Secret does not exist", "Create the Secret that the message names, in this namespace."),
    "SecretKeyMissing": Reason(
        "a Secret lacks an entry", "Add the entry that the message names to the Secret, or correct the key in the spec."
    ),
    "ConfigMapMissing": Reason(
        "a ConfigMap does not exist", "Create the ConfigMap that the message names, in this namespace."
    ),
    "ConfigMapKeyMissing": Reason(
        "a ConfigMap lacks an entry",
        "Add the entry that the message names to the ConfigMap, or correct the key in the spec.",
    ),
    "ClaimMissing": Reason(
        "a PersistentVolumeClaim does not exist, or is being deleted",
        "Create the PersistentVolumeClaim that the message names, in this namespace.",
    ),
    "ClaimNotBound": Reason(
        "a PersistentVolumeClaim has no volume",
        "Look at the claim with `kubectl describe pvc`: its StorageClass or its volume is missing.",
    ),
    "ClaimElsewhere": Reason(
        "a claim's volume is on a node that has no place for the pod",
        "Make room on the node that has the volume, or use a claim that every node can reach.",
    ),
    "MountFailed": Reason(
        "a volume cannot be mounted",
        "Look at the claim and its volume (`kubectl describe pvc`, `kubectl describe pv`): the node cannot mount it.",
    ),
    "Unschedulable": Reason(
        "no node takes the pod", "Add room or a node that fits, or ask for less in spec.runner.resources."
    ),
    "SchedulingGated": Reason(
        "another controller holds the pod back by a scheduling gate",
        "Ask whoever owns the gate in the pod's spec.schedulingGates.",
    ),
    "NodeRefused": Reason(
        "the node gave the pod back without starting it", "Look at the node with `kubectl describe node`."
    ),
    "ImagePull": Reason(
        "the image cannot be pulled",
        "Check the image's name and tag (the chart's `images`), its pull secret, and that nodes reach the registry.",
    ),
    "ImageNotPresent": Reason(
        "the pull policy is Never and the node lacks the image",
        "Load the image onto the node, or set another pullPolicy in the chart's `images`.",
    ),
    "ImageNameInvalid": Reason("the image's name is no name of an image", "Correct the image in the chart's `images`."),
    "ContainerNotCreated": Reason(
        "the node cannot make the container",
        "Read what the node says; if it names no cause of yours, look at the node.",
    ),
    "SandboxFailed": Reason(
        "the node cannot make the pod's network or sandbox",
        "Look at the node and its CNI plugin with `kubectl describe node`.",
    ),
}

#: How a run ended, in status.attempts.last, where its runner did not say so itself.
RUNS: dict[str, Reason] = {
    START_TIMEOUT: Reason(
        "the container did not start within startTimeout",
        "Do what the message says; the job starts by itself after it.",
    ),
    DISRUPTED: Reason(
        "the pod was evicted, or its node went away", "It is run again by itself, up to maxStalled times."
    ),
    OUT_OF_MEMORY: Reason(
        "the runner needed more memory than its limit",
        "Delete the job and apply it again with a higher spec.runner.resources.limits.memory.",
    ),
    DEADLINE_EXCEEDED: Reason(
        "the run took longer than spec.timeout", "Apply the job again with a longer spec.timeout."
    ),
    RUN_FAILED: Reason(
        "the run failed without a word",
        "Read its log with `kubectl logs`.",
    ),
    RUN_DELETED: Reason(
        "someone deleted the run's Kubernetes Job", "It is run again by itself; to stop a job, set spec.suspend."
    ),
    NO_RESULT: Reason("the run ended well, but without a result", "It is run again by itself, and finds what is done."),
    BAD_RESULT: Reason(
        "the run told a result that the operator cannot read",
        "See that operator and runner images are of the same version.",
    ),
    INPUT_BAD: Reason(
        "the runner refused its input", "Read its log, correct the input, delete the job, and apply it again."
    ),
    RESTORED: Reason(
        "the status came from a backup, and the run that it names was another resource's", "It goes on by itself."
    ),
    STOPPED: Reason("the run stopped before its work was finished", "It goes on by itself."),
}

#: How a job ended, where that is no reason of its runner.
ENDS: dict[str, Reason] = {
    SUCCEEDED: Reason("all is done", "Nothing."),
    DRAINED: Reason(
        "somebody set the annotation mintworks.dev/drain on the queue while the job waited",
        f"To begin it again, {AGAIN}.",
    ),
    CANCELLED: Reason("somebody set the annotation mintworks.dev/cancel", f"To begin it again, {AGAIN}."),
    ATTEMPTS_EXHAUSTED: Reason(
        "every attempt failed",
        f"Correct why the last one failed, then {AGAIN}.",
    ),
    TOO_MANY_STALLS: Reason(
        "the job was interrupted, or did not start, more often than maxStalled allows",
        f"Correct what interrupted it, then {AGAIN}.",
    ),
}

#: What a queue's conditions say.
QUEUES: dict[str, Reason] = {
    PAUSED: Reason("the queue starts nothing", "Set spec.paused of the JobQueue to false."),
    TOTAL_REACHED: Reason(
        "as many runs as the chart's concurrency.total allows are under way in all namespaces",
        "Wait for its namespace's turn, or ask whoever installed Mintworks to raise it.",
    ),
    DEGRADED: Reason("some jobs fail, or Redis does not answer", "Look at what failed, or at Redis."),
    UNHEALTHY: Reason("most jobs fail, or the spec cannot be read", "Look at what failed; correct the spec."),
    REDIS_AWAY: Reason("Redis does not answer the operator", "Look at the release's Redis; jobs go on without it."),
    NO_REDIS: Reason("the operator was given no Redis", "Nothing; progress is not shown."),
}

#: What became of a command or a webhook: reasons of Events alone.
ANSWERS: dict[str, Reason] = {
    PROMOTED: Reason("somebody set the annotation mintworks.dev/promote", "It starts as soon as its queue has a slot."),
    COMMAND_ACCEPTED: Reason(
        "somebody set the annotation of a command on a queue",
        "Nothing; each job that is retried or drained says so itself.",
    ),
    COMMAND_IGNORED: Reason("there was nothing to do for a command", "Nothing; the message says why."),
    NOT_NOTIFIED: Reason(
        "a webhook could not be delivered, and is given up",
        "Correct what the message names; the job itself says how it ended.",
    ),
}

#: What a JobSchedule's condition and Events say.
SCHEDULES: dict[str, Reason] = {
    SCHEDULED: Reason("a JobSchedule made a job", "Nothing."),
    JOB_ACTIVE: Reason(
        "a job is due, and one before it is not finished (concurrencyPolicy Forbid)",
        "Wait, or cancel that job.",
    ),
    MISSED_SCHEDULE: Reason(
        "no operator ran at the time, the job before took longer, or startingDeadline passed",
        "Nothing; for the last of the times a job is made unless startingDeadline forbids it.",
    ),
    CREATE_REFUSED: Reason(
        "the API server refuses the job", "Correct what the message names; it is tried until startingDeadline."
    ),
}

REASONS = {**WAITS, **STARTS, **RUNS, **ENDS, **QUEUES, **SCHEDULES, **ANSWERS}

STARTING_MESSAGE = "The run's pod is being started."
RUNNING_MESSAGE = "The run is under way."
STOPPING_MESSAGE = "The run was asked to stop."
SUSPENDED_MESSAGE = "spec.suspend is true, or the annotation mintworks.dev/hold is there; without both it goes on."
SUSPENDING_MESSAGE = "The run was asked to stop, because spec.suspend is true."
START_TIMEOUT_STOPPING = "The run was given up, because its container did not start in time."
REOPENED_MESSAGE = "The dry run has ended; the job begins for real."
CANCELLED_MESSAGE = f"The job was cancelled. {REASONS[CANCELLED].todo}"
CANCELLING_MESSAGE = "The job is being cancelled: its run was asked to stop."
DRAINED_MESSAGE = f"The queue was drained while the job waited. {REASONS[DRAINED].todo}"
RETRIED_MESSAGE = "The job begins again, with fresh attempts; what is done already stays done."
PROMOTED_MESSAGE = "The job no longer waits for its time."
NOT_CANCELLED = "the job is finished."
NOT_RETRIED = "the job has neither failed nor been cancelled."
NOT_PROMOTED = "the job waits for no time."
RETRYING_FAILED = "each job that has failed by now begins again."
DRAINING = "each job that waits now is cancelled; what runs goes on."
CLEANING = "the pods and logs of each job that has ended by now are removed."
QUEUED_MESSAGE = "Waits for a slot in its queue."
UNSERVED_MESSAGE = REASONS[NAMESPACE_NOT_ENABLED].todo
COMPLETE_WITHOUT_RESULT = "The run ended without an error but told no result; it is run again."
DELETED_MESSAGE = "The run's Kubernetes Job was deleted by someone else."
DISRUPTED_MESSAGE = "The run's pod was evicted or its node went away."
NEVER_ENDED_MESSAGE = "The run's pod was ended from outside; what its runner did last is not known."
UNREAD_MESSAGE = "The run failed, and its pod is gone: how it ended is not known."
DEADLINE_MESSAGE = "The run took longer than spec.timeout."
OUT_OF_MEMORY_MESSAGE = "The runner was killed, because it needed more memory than it may have."
STOPPED_MESSAGE = "The run stopped before its work was finished."
FAILED_MESSAGE = "The run failed without saying why."
INPUT_BAD_MESSAGE = "The runner refused the input without saying why."
QUEUE_READY = "Admits jobs."
HEALTHY_MESSAGE = "Jobs that ended within the last hour mostly succeeded."
REDIS_CONNECTED_MESSAGE = "Redis answers."
REDIS_AWAY_MESSAGE = "Redis does not answer: progress is not shown, and mint jobs wait before they sign."
NO_REDIS_MESSAGE = "The operator was given no Redis."
TOTAL_REACHED_MESSAGE = (
    "Starts one more when its namespace's turn comes: the limit on runs in all namespaces together is reached."
)
QUEUE_PAUSED = "Starts nothing, because spec.paused is true; what runs goes on."
RESTORED_MESSAGE = "The status came from a backup: the run it names was another resource's, and is not waited for."


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


def status_unreadable(problem: str) -> str:
    """The status does not parse."""
    return led(f"{problem}.", _todo(STATUS_UNREADABLE))


def queue_not_found(name: str) -> str:
    """The named queue does not exist."""
    return f"spec.queue: there is no JobQueue {name} in this namespace. {_todo(QUEUE_NOT_FOUND)}"


def queue_invalid(name: str) -> str:
    """The named queue's spec does not parse."""
    return f"The spec of JobQueue {name} is not valid. {_todo(QUEUE_INVALID)}"


def not_listed(value: str, listed: Iterable[str], which: str) -> str:
    """Something of the runner's pod that the chart does not list."""
    return f"{value} is not allowed; the chart's runner.allowed.{which} allows {', '.join(listed) or 'none'}"


def too_much(value: str | int, most: str | int, name: str) -> str:
    """More of a resource than the chart allows."""
    return f"{value} is too much; the chart's runner.allowed.{name} allows {most}"


def runner_not_allowed(problems: Iterable[str]) -> str:
    """The runner's pod would be other than the chart allows."""
    return led("; ".join(problems), _todo(RUNNER_NOT_ALLOWED))


def dependency_missing(field: str, kind: str, name: str) -> str:
    """A dependency does not exist."""
    return f"spec.{field}: there is no {kind} {name} in this namespace yet. {_todo(DEPENDENCY_MISSING)}"


def dependency_failed(field: str, kind: str, name: str, why: str) -> str:
    """A dependency ended badly."""
    return led(f"spec.{field}: {kind} {name} {_failed(why)}", _todo(DEPENDENCY_FAILED))


def dependency_incomplete(field: str, kind: str, name: str, why: str) -> str:
    """A dependency succeeded, but its status does not hold what that means."""
    return led(f"spec.{field}: the result of {kind} {name} is not usable ({why}).", _todo(DEPENDENCY_FAILED))


def dependency_not_finished(field: str, kind: str, name: str) -> str:
    """A dependency is under way."""
    return f"spec.{field}: waits for {kind} {name} to succeed."


def dependency_held_back(field: str, kind: str, name: str, reason: str, why: str) -> str:
    """A dependency waits for something that does not come by itself."""
    return led(f"spec.{field}: waits for {kind} {name}, which waits itself ({reason}):", why)


def delayed(until: datetime) -> str:
    """Not before a time."""
    return f"Starts at {stamp(until)}."


def backing_off(until: datetime, why: str) -> str:
    """Waiting for the next attempt."""
    return led(why, f"Goes on at {stamp(until)}.")


def input_changed(name: str, frozen: object, found: object) -> str:
    """An input differs from what was frozen before the first attempt."""
    what = f"status.inputs.{name} is frozen as {frozen!r}, but now it is {found!r}; nothing is done with it."
    return led(what, _todo(INPUT_CHANGED))


def not_notified(outcome: str, attempts: int, why: str) -> str:
    """A webhook is given up."""
    what = f"The webhook that tells of the end {outcome} is given up after {attempts} tries: {why}"
    return led(what, _todo(NOT_NOTIFIED))


def asked_for(what: str, by: str) -> str:
    """What a command did, and the field manager that asked for it."""
    return f"{what} Asked for by {by}." if by else what


def failing(failed: int, ended: int) -> str:
    """Of the jobs that ended within the last hour, so many failed."""
    return f"{failed} of the {ended} jobs that ended within the last hour failed."


def spec_too_large(size: int, limit: int) -> str:
    """The document for the runner does not fit."""
    what = f"The job and its dependencies are {size} bytes for the runner, {limit} are allowed."
    return f"{what} {_todo(SPEC_TOO_LARGE)}"


def invalid_spec(problem: str) -> str:
    """The spec does not parse."""
    return led(problem, _todo(INVALID_SPEC))


def trouble(reason: str, said: str) -> str:
    """Why a run does not start: first what to do, then the cluster's own words."""
    return f"{_todo(reason)} The cluster says: {said}"


def start_timeout(why: str) -> str:
    """No container within startTimeout, for what the condition said until then."""
    return led(why, START_TIMEOUT_STOPPING)


def ended(reason: str, what: str) -> str:
    """A run ended for this reason, which its runner did not put in words of its own."""
    return led(what, _todo(reason))


def attempts_exhausted(made: int, limit: int, why: str) -> str:
    """The last attempt failed."""
    return led(why, f"That was attempt {made} of {limit}. {_todo(ATTEMPTS_EXHAUSTED)}")


def too_many_stalls(stalls: int, limit: int, why: str) -> str:
    """More interruptions than allowed."""
    return led(why, f"That was interruption {stalls}; maxStalled allows {limit}. {_todo(TOO_MANY_STALLS)}")


def bad_result(why: str) -> str:
    """The result does not have the kind's form."""
    return led(f"The run told a result that does not fit its kind ({why}).", _todo(BAD_RESULT))


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


def led(why: str, rest: str) -> str:
    """First why, cut where it is long, so that the rest always follows."""
    said = sentence(why)
    return f"{clip(said, TEXT - len(rest) - 1)} {rest}" if said else rest


def sentence(said: str) -> str:
    """As a whole sentence: what a runner or a cluster says ends as it likes."""
    said = said.rstrip(" :\n")
    return said if not said or said.endswith((".", "!", "?", "…")) else f"{said}."


def _failed(why: str) -> str:
    return sentence(f"failed: {why}")


def _todo(reason: str) -> str:
    return REASONS[reason].todo


def scheduled(name: str) -> str:
    """A JobSchedule made a job."""
    return f"Made the job {name}."


def missed(time: datetime) -> str:
    """A time of a JobSchedule passed without a job."""
    return f"No job was made for {stamp(time)}: spec.startingDeadline has passed."


def passed_over(count: int, last: datetime) -> str:
    """Several times passed while nobody looked; one job is made for the last of them."""
    return f"{count} or more times before {stamp(last)} were missed; a job is made for the last of them alone."


def job_active(time: datetime) -> str:
    """Forbid: a job is under way."""
    return f"A job for {stamp(time)} is due and waits: one before it is not finished (concurrencyPolicy Forbid)."
