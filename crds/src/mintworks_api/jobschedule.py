"""JobSchedule: jobs that are made again and again, at the times of a cron expression."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from .base import GROUP, Count, Duration, LabelValue, Model, StatusModel, without_null
from .kind import Rendered
from .registry import JOB_KINDS
from .status import Condition

SCHEDULE_LABEL = f"{GROUP}/schedule"
"""Label of a job that a JobSchedule made: the schedule's name."""

SCHEDULED_AT = f"{GROUP}/scheduled-at"
"""Annotation of such a job: the time that it is for (RFC 3339)."""

#: A job is called `NAME-MINUTES`, where MINUTES is a number of up to ten digits.
LONGEST_NAME = 52

ConcurrencyPolicy = Literal["Allow", "Forbid"]

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
CRON_PATTERN = rf"^({'|'.join(MACROS)}|[0-9A-Za-z*/,#-]+( +[0-9A-Za-z*/,#-]+){{4}})$"
_ZONES = available_timezones()


def cron(expression: str, moment: datetime, *, back: bool = False) -> Iterator[datetime]:
    """The times of a cron expression after a moment, or before it, in the moment's time zone, as cron has them where
    clocks are put forward or back: a job of a certain hour runs once, one of every hour runs each hour that there is.

    Raises:
        ValueError: it is no such expression, or no day ever meets it.
    """
    try:
        return CronSim(MACROS.get(expression, expression), moment, reverse=back)
    except (CronSimError, AssertionError, ValueError) as error:
        raise ValueError(f"{expression!r} is not a cron expression of five fields: {error or 'bad step'}") from error


def _expression(text: str) -> str:
    try:
        next(iter(cron(text, datetime(2024, 1, 1, tzinfo=UTC))))
    except StopIteration:
        raise ValueError(f"{text!r} never comes") from None
    return text


@lru_cache(maxsize=1024)
def _zone(text: str) -> str:
    if text not in _ZONES:
        raise ValueError(f"{text!r} is not a time zone of the IANA database, such as Europe/Rome")
    return text


Cron = Annotated[str, Field(pattern=CRON_PATTERN, max_length=128), AfterValidator(_expression)]
TimeZone = Annotated[str, Field(pattern=r"^[A-Za-z0-9+_/-]+$", max_length=64), AfterValidator(_zone)]
Labels = Annotated[dict[str, LabelValue], Field(max_length=32), BeforeValidator(without_null)]
AnnotationValue = Annotated[str, Field(max_length=4096)]
Annotations = Annotated[dict[str, AnnotationValue], Field(max_length=32), BeforeValidator(without_null)]
#: What a job kind's model reads. The API server takes anything: each kind has its own form.
AnySpec = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]


class TemplateMetadata(Model):
    """Labels and annotations of each job."""

    labels: Labels | None = Field(None, description="Labels of each job.")
    annotations: Annotations | None = Field(None, description="Annotations of each job.")


_KINDS = sorted(JOB_KINDS)


def _kind(kind: str) -> str:
    if kind not in JOB_KINDS:
        raise ValueError(f"a kind of job is needed: {', '.join(_KINDS)}")
    return kind


AnyKind = Annotated[str, AfterValidator(_kind), WithJsonSchema({"type": "string", "enum": _KINDS})]


class JobTemplate(Model):
    """A job, without a name."""

    kind: AnyKind = Field(description=f"Kind of the jobs: {', '.join(_KINDS)}.")
    metadata: TemplateMetadata | None = Field(None, description="Labels and annotations of each job.")
    spec: AnySpec = Field(description="Spec of each job, as in that kind.")


class History(Model):
    """How many of the finished jobs stay."""

    succeeded: int | None = Field(None, ge=0, le=1000, description="Of those that succeeded. Default: 3.")
    failed: int | None = Field(None, ge=0, le=1000, description="Of those that failed or were cancelled. Default: 1.")


class JobScheduleSpec(Model):
    """Spec of a JobSchedule. Any field may change at any time; what has begun goes on as it was."""

    schedule: Cron = Field(
        description="Minute, hour, day of month, month and day of week, as in cron; or @daily and its like."
    )
    time_zone: TimeZone | None = Field(None, description="Of the schedule, such as Europe/Rome. Default: UTC.")
    starting_deadline: Duration | None = Field(
        None, description="A job that could not be made so long after its time is not made at all. Default: none."
    )
    concurrency_policy: ConcurrencyPolicy | None = Field(
        None, description="Forbid: no job is made while one before it is not finished. Default: Allow."
    )
    suspend: bool | None = Field(None, description="true: no job is made. What was made goes on. Default: false.")
    history: History | None = Field(None, description="How many of the finished jobs stay.")
    template: JobTemplate = Field(description="The job that is made each time.")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone or "UTC")


class JobScheduleStatus(StatusModel):
    """Status of a JobSchedule."""

    observed_generation: Count | None = Field(None, description="Last metadata.generation that was looked at.")
    conditions: list[Condition] = Field(default_factory=list, max_length=2, description="For machines.")
    observed_schedule: Annotated[str, Field(max_length=193)] | None = Field(
        None, description="The schedule and time zone that `countedUntil` is of."
    )
    counted_until: AwareDatetime | None = Field(
        None, description="No time of the schedule up to this one is looked at any more."
    )
    pending: AwareDatetime | None = Field(None, description="The time whose job is being made.")
    active: Count = Field(0, description="Jobs of this schedule that are not finished.")
    last_schedule_time: AwareDatetime | None = Field(None, description="The time that the last job was made for.")
    last_successful_time: AwareDatetime | None = Field(None, description="When a job last succeeded.")
    next_schedule_time: AwareDatetime | None = Field(None, description="The next time; none while suspended.")


JOB_SCHEDULE = Rendered(
    kind="JobSchedule",
    plural="jobschedules",
    singular="jobschedule",
    short_names=("jsched",),
    spec=JobScheduleSpec,
    status=JobScheduleStatus,
    description="Makes jobs at the times of a cron expression.",
    columns=(
        ("SCHEDULE", "string", ".spec.schedule", 0),
        ("TIMEZONE", "string", ".spec.timeZone", 0),
        ("SUSPEND", "boolean", ".spec.suspend", 0),
        ("ACTIVE", "integer", ".status.active", 0),
        ("LAST SCHEDULE", "date", ".status.lastScheduleTime", 0),
        ("AGE", "date", ".metadata.creationTimestamp", 0),
        ("KIND", "string", ".spec.template.kind", 1),
        ("NEXT", "string", ".status.nextScheduleTime", 1),
    ),
    longest_name=LONGEST_NAME,
)
