"""JobQueue: which waiting jobs of a namespace start, and what they inherit."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from .base import Count, Duration, Model, StatusModel
from .commands import Token
from .kind import Rendered
from .policy import PolicyDefaults
from .status import Condition, Short

DEFAULT_QUEUE = "default"
DEFAULT_CONCURRENCY = 5
MAX_CONCURRENCY = 500
MAX_RATE = 100_000
MAX_STARTS = 64


class RateLimit(Model):
    """How many runs may start in a time, on top of how many may be under way."""

    max: int = Field(ge=1, le=MAX_RATE, description="Most runs that start within any window of length `per`.")
    per: Duration = Field(description="Length of the window, for example 1s or 1m.")


class Keep(Model):
    """How long, and of how many finished jobs, the runs are kept. Whichever is reached first counts."""

    age: Duration | None = Field(
        None, description="Time after a job's end at which its runs are deleted. Default: no limit."
    )
    count: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="Number of finished jobs, newest first, whose runs are kept. Default: no limit.",
    )


class Retention(Model):
    """When the Kubernetes Jobs and pods of finished jobs go, and with them their logs. The jobs themselves stay: a
    GitOps tool would make them again.
    """

    succeeded: Keep | None = Field(None, description="Runs of jobs that succeeded.")
    failed: Keep | None = Field(None, description="Runs of jobs that failed or were cancelled.")


class JobQueueSpec(Model):
    """Spec of a JobQueue."""

    concurrency: int | None = Field(
        None, ge=1, le=MAX_CONCURRENCY, description="Jobs of this queue that run at once. Default: 5."
    )
    paused: bool | None = Field(
        None, description="true: nothing starts, what runs goes on, and what waits keeps its place. Default: false."
    )
    rate_limit: RateLimit | None = Field(
        None, description="How many runs may start in a time. A start that it puts off costs no attempt. Default: none."
    )
    retention: Retention | None = Field(None, description="When the runs of finished jobs go. Default: never.")
    job_defaults: PolicyDefaults | None = Field(None, description="Policy of jobs that do not set their own.")


class Reservation(StatusModel):
    """A slot taken by a run, written before its Kubernetes Job is created."""

    uid: str = Field(max_length=64, description="uid of the job.")
    run: Count = Field(description="Number of the run.")
    keys: list[str] = Field(default_factory=list, max_length=8, description="Exclusive keys that the run holds.")
    at: AwareDatetime | None = Field(None, description="When rateLimit counted its start.")


class Starts(StatusModel):
    """Runs that started at about the same time. They are counted as if at `at`, which is never too early."""

    at: AwareDatetime = Field(description="When they had started.")
    count: Count = Field(description="How many.")


class JobCounts(StatusModel):
    """Jobs of the queue by phase."""

    pending: Count = Field(0, description="Seen, and waiting for another job, or not looked at yet.")
    delayed: Count = Field(0, description="Waiting for their time.")
    queued: Count = Field(0, description="Waiting for a slot.")
    running: Count = Field(0, description="Running.")
    backoff: Count = Field(0, description="Between two runs.")
    suspended: Count = Field(0, description="Suspended.")
    succeeded: Count = Field(0, description="Succeeded.")
    failed: Count = Field(0, description="Failed.")
    cancelled: Count = Field(0, description="Cancelled.")


class LastHour(StatusModel):
    """What ended within the last hour."""

    succeeded: Count = Field(0, description="Jobs that succeeded.")
    failed: Count = Field(0, description="Jobs that failed.")
    succeeded_per_minute: Short = Field("0", description='Jobs that succeeded per minute, such as "0.5".')
    failed_per_minute: Short = Field("0", description='Jobs that failed per minute, such as "0.5".')


class BulkCommand(StatusModel):
    """A command for all jobs of the queue. It touches what was so at `time`, and nothing that came after."""

    name: Short = Field(description="retry-failed, clean or drain.")
    token: Token = Field(description="The annotation's value.")
    time: AwareDatetime | None = Field(None, description="When it was given; none: it came with the resource.")
    by: Short = Field("", description="The field manager that asked for it.")


class JobQueueStatus(StatusModel):
    """Status of a JobQueue."""

    observed_generation: Count | None = Field(None, description="Last metadata.generation that was looked at.")
    conditions: list[Condition] = Field(default_factory=list, max_length=4, description="For machines.")
    running: Count = Field(0, description="Slots taken.")
    waiting: Count = Field(0, description="Jobs that wait for a slot.")
    summary: Short | None = Field(None, description='The printer column RUNNING: "2/5".')
    counts: JobCounts | None = Field(None, description="Jobs by phase.")
    last_hour: LastHour | None = Field(None, description="What ended within the last hour.")
    oldest_waiting: AwareDatetime | None = Field(None, description="When the oldest job that waits was created.")
    reservations: list[Reservation] = Field(
        default_factory=list, max_length=MAX_CONCURRENCY, description="Slots taken."
    )
    starts: list[Starts] = Field(
        default_factory=list, max_length=MAX_STARTS, description="What rateLimit counts, oldest first."
    )
    commands: list[BulkCommand] = Field(default_factory=list, max_length=4, description="The last one of each name.")


JOB_QUEUE = Rendered(
    kind="JobQueue",
    plural="jobqueues",
    singular="jobqueue",
    short_names=("jq",),
    spec=JobQueueSpec,
    status=JobQueueStatus,
    description="Admits jobs: how many run at once, and what they inherit.",
    columns=(
        ("RUNNING", "string", ".status.summary", 0),
        ("WAITING", "integer", ".status.waiting", 0),
        ("AGE", "date", ".metadata.creationTimestamp", 0),
    ),
)
