"""The status that every job kind shares. Every list is bounded, every time is RFC 3339 in UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from .base import Count, StatusModel
from .commands import JobCommands
from .policy import ResolvedPolicy

Text = Annotated[str, Field(max_length=1024)]
Short = Annotated[str, Field(max_length=128)]

MAX_ERRORS = 10
MAX_ATTEMPTS_SHOWN = 10
MAX_NOTIFICATIONS = 10


class Phase(StrEnum):
    """Where a job is, for people. Machines read conditions."""

    PENDING = "Pending"
    DELAYED = "Delayed"
    QUEUED = "Queued"
    RUNNING = "Running"
    BACKOFF = "Backoff"
    SUSPENDED = "Suspended"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


FINISHED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED})


class Condition(StatusModel):
    """A Kubernetes condition: type, status, reason, message, and the generation it was decided for."""

    type: Short = Field(
        description="Admitted, Progressing, Succeeded or Failed; on a JobQueue Ready, Healthy or RedisConnected; on a "
        "JobSchedule Ready."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    reason: Short = Field(description="One word for machines.")
    message: Text = Field("", description="A sentence for people.")
    observed_generation: Count = Field(description="metadata.generation this was decided for.")
    last_transition_time: AwareDatetime = Field(description="When status last changed.")


class Items(StatusModel):
    """Counts of a job's items."""

    total: Count | None = Field(None, description="Items in all, once known.")
    done: Count = Field(0, description="Items finished, those found done among them.")
    failed: Count = Field(0, description="Items that ended in an error.")
    already: Count = Field(0, description="Of done, those that the last run found done.")


class Progress(StatusModel):
    """What the runner last told."""

    percent: int = Field(0, ge=0, le=100, description="0 to 100.")
    step: Short | None = Field(None, description="What is being done.")
    message: Text | None = Field(None, description="More about it.")
    items: Items | None = Field(None, description="Counts of items.")
    summary: Short | None = Field(None, description='The printer column PROGRESS: "60/100", or "60%" without items.')


class AttemptRecord(StatusModel):
    """One finished run."""

    run: Count = Field(description="Number of the run, the N of its Kubernetes Job's name.")
    outcome: Literal["Succeeded", "Failed", "Stalled", "Stopped"] = Field(
        description="Succeeded; Failed (an attempt consumed); Stalled or Stopped (none consumed)."
    )
    reason: Short = Field(description="One word for machines.")
    message: Text = Field("", description="A sentence for people.")
    started: AwareDatetime | None = Field(None, description="When the run's pod started.")
    finished: AwareDatetime | None = Field(None, description="When it ended.")


class Attempts(StatusModel):
    """Attempts made and what became of the last ones."""

    runs: Count = Field(0, description="Runs started so far; the next run's number is one more.")
    made: Count = Field(0, description="Attempts consumed, a running one not counted.")
    stalls: Count = Field(0, description="Interruptions that were not the job's fault.")
    stops: Count = Field(0, description="Consecutive stops before the work was finished (exit code 75).")
    limit: Count | None = Field(None, description="Attempts in all.")
    summary: Short | None = Field(None, description='The printer column ATTEMPT: "1/5".')
    last: list[AttemptRecord] = Field(
        default_factory=list, max_length=MAX_ATTEMPTS_SHOWN, description="The last runs, newest last."
    )


class JobError(StatusModel):
    """One error, as precise as it is known."""

    reason: Short = Field(description="One word for machines.")
    message: Text = Field(description="What was wrong and what is allowed.")
    field: Short | None = Field(None, description="Field of the spec.")
    row: Count | None = Field(None, description="Row of the input, as a spreadsheet counts: the header is row 1.")
    column: Short | None = Field(None, description="Column of the input.")
    item: Count | None = Field(None, description="Number of the item, from 0.")


class ActiveRun(StatusModel):
    """The run that holds the job's slot."""

    run: Count = Field(description="Number of the run.")
    uid: Short | None = Field(None, description="uid of the resource that the run is of; another's after a restore.")
    reserved: AwareDatetime = Field(description="When its slot was taken.")
    stopping: Short | None = Field(None, description="Why the operator asked it to stop, if it did.")


class Notification(StatusModel):
    """One end of the job that a webhook tells of, and what became of that."""

    id: Short = Field(description="The header webhook-id: the same however often it is sent.")
    url: Annotated[str, Field(max_length=2048)] = Field(description="Where to.")
    outcome: Short = Field(description="Succeeded, Failed or Cancelled.")
    reason: Short = Field(description="One word for machines.")
    message: Text = Field("", description="A sentence for people.")
    time: AwareDatetime = Field(description="When the job ended so.")
    attempts: Count = Field(0, description="How often that was tried.")
    code: Count | None = Field(None, description="The HTTP status of the last answer, where one came.")
    error: Text | None = Field(None, description="Why the last try failed.")
    next_attempt_time: AwareDatetime | None = Field(
        None, description="When it is tried next; none: it was delivered, or is given up."
    )
    delivered_time: AwareDatetime | None = Field(None, description="When it was delivered.")


class JobStatus(StatusModel):
    """Status of every job kind; `inputs` and `result` are the kind's own."""

    phase: Phase | None = Field(None, description="Where the job is, for people.")
    conditions: list[Condition] = Field(default_factory=list, max_length=8, description="For machines.")
    observed_generation: Count | None = Field(None, description="Last metadata.generation that was looked at.")
    progress: Progress | None = Field(None, description="What the runner last told.")
    attempts: Attempts | None = Field(None, description="Attempts made.")
    active: ActiveRun | None = Field(None, description="The run that holds the job's slot.")
    dry_run: bool | None = Field(None, description="true: what was run so far were dry runs.")
    next_attempt_time: AwareDatetime | None = Field(None, description="When the next attempt may start.")
    promoted: bool | None = Field(None, description="true: startAfter and delay no longer hold it back.")
    commands: JobCommands | None = Field(None, description="Commands that were carried out.")
    policy: ResolvedPolicy | None = Field(None, description="The policy, frozen at admission.")
    errors: list[JobError] = Field(default_factory=list, max_length=MAX_ERRORS, description="The last errors.")
    notifications: list[Notification] = Field(
        default_factory=list, max_length=MAX_NOTIFICATIONS, description="Webhooks of the last ends, newest last."
    )
    start_time: AwareDatetime | None = Field(None, description="When the first attempt was admitted.")
    completion_time: AwareDatetime | None = Field(None, description="When the job finished.")
