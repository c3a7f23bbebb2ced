"""The pass over one JobSchedule: which time is due, and which of its finished jobs go. Pure.

A job's name says the time that it is for, so a time never gets two jobs. `status.pending` is written before the job is
made and taken back after it was seen: whatever dies in between, the next pass makes that very job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from mintworks_api import (
    API_VERSION,
    FINISHED,
    JOB_KINDS,
    JOB_SCHEDULE,
    SCHEDULE_LABEL,
    SCHEDULED_AT,
    JobScheduleSpec,
    JobScheduleStatus,
    Phase,
    parse_duration,
)
from mintworks_api.jobschedule import TemplateMetadata, cron
from pydantic import ValidationError

from . import texts
from .actions import Emit
from .conditions import Said, condition, of_type
from .times import ahead, seconds
from .validation import problems

SUCCEEDED_KEPT, FAILED_KEPT = 3, 1
#: A job stays at least so long: a request of a leader that was can arrive late, and then finds the name taken.
LINGER = timedelta(minutes=1)
#: Timers do not see that a clock was set; so often is it looked at.
LOOK = timedelta(minutes=1)
#: So many missed times are counted.
COUNTED = 100


@dataclass(frozen=True)
class Scheduled:
    """A job that the schedule made. `time` is the one it is for; None where its annotation says none. `unsent`: one of
    its webhooks waits to be delivered.
    """

    kind: str
    name: str
    uid: str
    time: datetime | None
    created: datetime
    phase: str
    ended: datetime | None
    unsent: bool = False

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return self.phase in FINISHED


@dataclass(frozen=True)
class ScheduleView:
    """A JobSchedule as it was last seen; `spec` is None where it does not parse, and `problems` say why."""

    namespace: str
    name: str
    uid: str
    generation: int
    created: datetime
    spec: JobScheduleSpec | None
    problems: str = ""
    status: JobScheduleStatus = field(default_factory=JobScheduleStatus)
    deleting: bool = False
    kind: str = JOB_SCHEDULE.kind


@dataclass(frozen=True)
class Timetable:
    """What to do: write the status where it `changed`, make the job of `make`, delete those of `expired`, tell people,
    and look again.
    """

    status: JobScheduleStatus
    changed: bool = False
    make: datetime | None = None
    expired: tuple[Scheduled, ...] = ()
    news: tuple[Emit, ...] = ()
    again: datetime | None = None


@dataclass(frozen=True)
class _Due:
    """What the clock says: the time to make a job for, how many before it were passed over, what is said of waiting."""

    counted: datetime
    time: datetime | None = None
    news: tuple[Emit, ...] = ()
    reason: str = texts.READY
    message: str = texts.SCHEDULE_READY


def timetable(
    view: ScheduleView,
    jobs: Sequence[Scheduled],
    now: datetime,
    *,
    seen: Collection[datetime] = (),
    refused: str = "",
) -> Timetable:
    """What to do about one JobSchedule.

    Args:
        view: The schedule.
        jobs: Those that it made and that exist.
        now: The time.
        seen: Times whose jobs were seen; they may be gone by now.
        refused: Why the last attempt to make a job was turned down.
    """
    if view.deleting:
        return Timetable(view.status)
    spec, wrong = view.spec, view.problems or _template_problems(view.spec)
    active = sum(not job.finished for job in jobs)
    best = max((j.ended for j in jobs if j.phase == Phase.SUCCEEDED and j.ended is not None), default=None)
    known = view.status.last_successful_time
    status = view.status.model_copy(
        update={"active": active, "last_successful_time": max(filter(None, (best, known)), default=None)}
    )
    if spec is None or wrong:
        said = _ready(view, now, ("False", texts.INVALID_SPEC, wrong))
        return _done(view, status.model_copy(update=said | {"next_schedule_time": None}))
    expired, later = _expired(spec, jobs, now)
    since, status = _observed(view, spec, status, now)
    if status.pending is not None and _made(status.pending, jobs, seen):
        status = status.model_copy(update={"pending": None})
    if spec.suspend:
        said = _ready(view, now, ("True", texts.SUSPENDED, texts.SCHEDULE_SUSPENDED))
        return _done(view, status.model_copy(update=said | {"next_schedule_time": None}), expired=expired, again=later)
    if status.pending is not None and not _too_late(spec, status.pending, now):
        # What a pass before this one began with, and did not see the end of.
        if refused:
            status = status.model_copy(update=_ready(view, now, ("False", texts.CREATE_REFUSED, refused)))
        return _done(view, status, make=status.pending, expired=expired, again=later)
    due = _due(spec, since, active, now)
    if status.pending is not None:
        due = replace(due, news=(_missed(status.pending), *due.news))
    following = _after(spec, max(now, due.counted))
    status = status.model_copy(
        update=_ready(view, now, ("True", due.reason, due.message))
        | {
            "counted_until": due.counted,
            "pending": due.time,
            "last_schedule_time": due.time or status.last_schedule_time,
            "next_schedule_time": following,
        }
    )
    before = of_type(view.status.conditions, texts.READY)
    told = due.reason != texts.READY and before is not None and before.reason == due.reason
    news = () if told else due.news
    again = min(filter(None, (following, later, now + LOOK)))
    return _done(view, status, make=due.time, expired=expired, news=news, again=again)


def _due(spec: JobScheduleSpec, since: datetime, active: int, now: datetime) -> _Due:
    missed = list(islice(takewhile(lambda t: t > since, _before(spec, now)), COUNTED + 1))
    if not missed:
        return _Due(since)
    last = missed[0]
    if _too_late(spec, last, now):
        return _Due(last, news=(_missed(last),))
    if spec.concurrency_policy == "Forbid" and active:
        waits = Emit("Normal", texts.JOB_ACTIVE, texts.job_active(last))
        return _Due(since, None, (waits,), texts.JOB_ACTIVE, waits.message)
    count = len(missed) - 1
    return _Due(last, last, (Emit("Warning", texts.MISSED_SCHEDULE, texts.passed_over(count, last)),) if count else ())


def _missed(time: datetime) -> Emit:
    return Emit("Warning", texts.MISSED_SCHEDULE, texts.missed(time))


def _observed(
    view: ScheduleView, spec: JobScheduleSpec, status: JobScheduleStatus, now: datetime
) -> tuple[datetime, JobScheduleStatus]:
    """From when on times count: creation, and for another schedule the moment it was seen. And the status with it."""
    text = f"{spec.schedule} {spec.time_zone or 'UTC'}"
    since = status.counted_until
    if status.observed_schedule is None or since is None:
        since = view.created
    elif status.observed_schedule != text or ahead(since, now + LOOK):
        # A clock that was far ahead was put right: what it counted has not been yet.
        since = seconds(now)
    seen = {"observed_generation": view.generation, "observed_schedule": text, "counted_until": since}
    return since, status.model_copy(update=seen)


def _too_late(spec: JobScheduleSpec, time: datetime, now: datetime) -> bool:
    return spec.starting_deadline is not None and now - time > parse_duration(spec.starting_deadline)


def _made(time: datetime, jobs: Sequence[Scheduled], seen: Collection[datetime]) -> bool:
    return time in seen or any(job.time == time for job in jobs)


def _before(spec: JobScheduleSpec, now: datetime) -> Iterator[datetime]:
    """Times up to now, the last first."""
    inclusive = now.astimezone(spec.zone) + timedelta(microseconds=1)
    return (time.astimezone(UTC) for time in cron(spec.schedule, inclusive, back=True))


def _after(spec: JobScheduleSpec, moment: datetime) -> datetime | None:
    found = next(iter(cron(spec.schedule, moment.astimezone(spec.zone))), None)
    return None if found is None else found.astimezone(UTC)


def _expired(
    spec: JobScheduleSpec, jobs: Sequence[Scheduled], now: datetime
) -> tuple[tuple[Scheduled, ...], datetime | None]:
    """Finished jobs beyond the history's limits, and when one of them will be old enough to go."""
    kept = spec.history
    limits = {
        True: SUCCEEDED_KEPT if kept is None or kept.succeeded is None else kept.succeeded,
        False: FAILED_KEPT if kept is None or kept.failed is None else kept.failed,
    }
    over: list[Scheduled] = []
    # What a receiver has not heard would go with its job.
    for good, limit in limits.items():
        ended = [job for job in jobs if job.finished and (job.phase == Phase.SUCCEEDED) is good]
        ended.sort(key=lambda job: (job.ended or job.created, job.name), reverse=True)
        over += [job for job in ended[limit:] if not job.unsent]
    young = [job.created + LINGER for job in over if now < job.created + LINGER]
    return tuple(job for job in over if job.created + LINGER <= now), min(young, default=None)


def _template_problems(spec: JobScheduleSpec | None) -> str:
    """What is wrong with the template's spec."""
    if spec is None:
        return ""
    try:
        JOB_KINDS[spec.template.kind].parse(spec.template.spec)
    except ValidationError as error:
        return problems(error, "spec.template.spec")
    return ""


def _ready(view: ScheduleView, now: datetime, said: Said) -> dict[str, Any]:
    return {"conditions": [condition(view.status.conditions, texts.READY, said, generation=view.generation, now=now)]}


def _done(view: ScheduleView, status: JobScheduleStatus, **rest: Any) -> Timetable:
    return Timetable(status, status != view.status, **rest)


def job_name(schedule: str, time: datetime) -> str:
    """The name of the job for that time: the minutes since 1970, as a CronJob's Jobs have."""
    return f"{schedule}-{int(time.timestamp()) // 60}"


def manifest(view: ScheduleView, spec: JobScheduleSpec, time: datetime) -> dict[str, Any]:
    """The job for that time. The schedule controls it, so that it goes with the schedule."""
    meta = spec.template.metadata or TemplateMetadata()
    owner = {"apiVersion": API_VERSION, "kind": view.kind, "name": view.name, "uid": view.uid}
    return {
        "apiVersion": API_VERSION,
        "kind": spec.template.kind,
        "metadata": {
            "name": job_name(view.name, time),
            "namespace": view.namespace,
            "labels": {**(meta.labels or {}), SCHEDULE_LABEL: view.name},
            "annotations": {**(meta.annotations or {}), SCHEDULED_AT: time.astimezone(spec.zone).isoformat()},
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": False}],
        },
        "spec": spec.template.spec,
    }
