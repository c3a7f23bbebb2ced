"""What a pass looks at: the snapshot types. Plain data without Kubernetes objects: `mintworks run` fills them too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from mintworks_api import DEFAULT_QUEUE, FINISHED, JobQueueSpec, JobQueueStatus, JobStatus, Keep, Phase, RateLimit
from mintworks_api.status import Progress

from .permits import Allowed


@dataclass(frozen=True)
class Asked:
    """A command that somebody asked for: `token` is the annotation's value, `by` the field manager that set it.

    `at_creation`: it came with the resource, as one that is restored from a backup has its old commands.
    """

    token: str
    by: str = ""
    at_creation: bool = False


@dataclass(frozen=True)
class JobView:
    """A job resource as it was last seen. `spec`, `inputs` and `result` are wire form (camelCase).

    `unreadable` says what of its status does not parse; `status` is then empty, and nothing may be concluded from it.
    `asked` holds the commands by name; `held` says that it is on hold.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    generation: int
    created: datetime
    spec: Mapping[str, Any]
    status: JobStatus = field(default_factory=JobStatus)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    deleting: bool = False
    unreadable: str = ""
    asked: Mapping[str, Asked] = field(default_factory=dict)
    held: bool = False

    @property
    def queue(self) -> str:
        """Name of the JobQueue that admits the job."""
        name = self.spec.get("queue")
        return name if isinstance(name, str) and name else DEFAULT_QUEUE

    @property
    def finished(self) -> bool:
        """Whether the job came to its end."""
        return self.status.phase in FINISHED

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status.phase is Phase.SUCCEEDED


class RunState(StrEnum):
    """How far a run has come."""

    PENDING = "Pending"
    """Its process has not started."""
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"


class Failure(StrEnum):
    """Why a run failed, by what decides how it goes on."""

    INPUT_BAD = "InputBad"
    """Exit code 64: final."""
    STOPPED = "Stopped"
    """Exit code 75: not finished, no attempt consumed."""
    DISRUPTED = "Disrupted"
    """Evicted, drained, preempted, or its pod was ended before the runner was: a stall."""
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    """Longer than `timeout`: an attempt consumed, whatever the exit code."""
    OUT_OF_MEMORY = "OutOfMemory"
    """Killed for the memory it used: an attempt consumed."""
    FAILED = "Failed"
    """Anything else: an attempt consumed."""


@dataclass(frozen=True)
class Trouble:
    """Why a run does not start: a word for machines and the cluster's own message."""

    reason: str
    message: str


@dataclass(frozen=True)
class RunView:
    """A run (in a cluster: one Kubernetes Job and its pod) as it was last seen.

    `termination` is the runner's termination message, parsed; `message` the cluster's or the system's own words about a
    failure; `trouble` why it does not start, or why its node did not take it; `stopping` says that a stop was asked for
    and is under way.

    `lingers`: the runner's process has ended, another process of the run goes on. `cut_off` says that its node does not
    answer, and `due` when the run must have ended, told to by whomever: after that it can only be that nobody there
    hears. `node` is where it is, told in these two cases.
    """

    run: int
    state: RunState
    failure: Failure | None = None
    started: datetime | None = None
    finished: datetime | None = None
    termination: Mapping[str, Any] | None = None
    message: str = ""
    trouble: Trouble | None = None
    stopping: bool = False
    lingers: bool = False
    node: str = ""
    cut_off: bool = False
    due: datetime | None = None

    @property
    def alive(self) -> bool:
        """Whether its runner runs or may still start."""
        return self.state in {RunState.PENDING, RunState.RUNNING}


@dataclass(frozen=True)
class QueueView:
    """A JobQueue as it was last seen; `spec` is None where it does not parse."""

    namespace: str
    name: str
    generation: int
    spec: JobQueueSpec | None
    status: JobQueueStatus = field(default_factory=JobQueueStatus)
    asked: Mapping[str, Asked] = field(default_factory=dict)

    def keep(self, *, succeeded: bool) -> Keep:
        """Whose runs are kept of the jobs that came to that end, and how long."""
        retention = self.spec.retention if self.spec is not None else None
        kept = (retention.succeeded if succeeded else retention.failed) if retention is not None else None
        return kept or Keep()

    @property
    def rate_limit(self) -> RateLimit | None:
        """How many runs of it start in a time."""
        return self.spec.rate_limit if self.spec is not None else None

    def reserved(self, uid: str, run: int) -> bool:
        """Whether that run holds a slot."""
        return any(r.uid == uid and r.run == run for r in self.status.reservations)


@dataclass(frozen=True)
class News:
    """What the active run has told since it started: its last progress and all inputs it found."""

    progress: Progress | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """How try number `attempt` of a notification went, at `time`: it was delivered where `error` is empty.

    `code` is the HTTP status, where an answer came. `final`: a further try would end the same way. `retry_after` is the
    wait that the receiver asks for.
    """

    id: str
    attempt: int
    time: datetime
    code: int | None = None
    error: str = ""
    final: bool = False
    retry_after: timedelta = timedelta(0)


@dataclass(frozen=True)
class Snapshot:
    """Everything one pass over one job looks at.

    `runs` are the runs of this job's uid that exist; `lost` the numbers of runs that were seen and are gone.
    `dependencies` holds the jobs that exist, by name; `named` are those of the CIDs that the job removes which other
    jobs of its namespace name. `refused` is why the last attempt to create the active run was
    turned down. `served`: whether the namespace is enabled. `allowed`: what runners' pods may be; None: anything.
    `newer`: how many jobs of its queue came to the same end after this one, where it is finished. `counted`: which of
    its runs this leader has counted in a rate limit and in what all namespaces share; None: there is no such limit.
    `waiting`: since when it was seen to wait for its slot; None: nobody keeps that.
    `notifies`: whether whoever carries out the decision sends webhooks; `deliveries` are the tries of which the status
    may not know yet.
    """

    job: JobView
    queue: QueueView | None = None
    runs: tuple[RunView, ...] = ()
    lost: frozenset[int] = frozenset()
    dependencies: Mapping[str, JobView] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    news: News = field(default_factory=News)
    refused: Trouble | None = None
    served: bool = True
    allowed: Allowed | None = None
    newer: int = 0
    counted: frozenset[int] | None = None
    waiting: datetime | None = None
    notifies: bool = False
    deliveries: tuple[Delivery, ...] = ()

    def has_slot(self, number: int) -> bool:
        """Whether a slot is reserved for that run, and it may take it."""
        reserved = self.queue is not None and self.queue.reserved(self.job.uid, number)
        return reserved and (self.counted is None or number in self.counted)

    def run(self, number: int) -> RunView | None:
        """The run of that number, where it exists."""
        return next((r for r in self.runs if r.run == number), None)
