"""Passes over JobSchedules: the status first, guarded; then Events; then the job is made, and old ones go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mintworks_api import JobScheduleSpec, JobScheduleStatus
from pydantic import ValidationError

from . import metrics
from .api import Api, ApiError
from .cache import Cache
from .core import Emit, Scheduled, ScheduleView, texts, timetable
from .core.schedule import job_name, manifest
from .core.times import clip
from .core.validation import problems
from .events import Events
from .keys import ScheduleKey
from .names import KINDS, SCHEDULES, controller
from .patch import merge_patch
from .views import as_dict
from .writes import guard, refresh, write_status

Json = dict[str, Any]


class Scheduler:
    """Makes jobs when their time has come. `clock` is in seconds and only grows."""

    def __init__(self, api: Api, cache: Cache, identity: str, clock: Callable[[], float]) -> None:
        self._api = api
        self._cache = cache
        self._events = Events(api, identity, clock)
        #: Why the API server did not take a schedule's last job, by uid of the schedule.
        self._refused: dict[str, str] = {}

    async def reconcile(self, key: ScheduleKey, now: datetime) -> datetime | None:
        """One pass over a JobSchedule. Answers when to look again.

        Raises:
            StaleError: the schedule changed meanwhile; nothing was done.
            ApiError: a request failed; repeating all of it does no harm.
        """
        obj = self._cache.schedule(key)
        if obj is None:
            return None
        view = schedule_view(obj)
        offspring = self._cache.offspring
        plan = timetable(
            view, offspring.of(view.uid), now, seen=offspring.seen(view.uid), refused=self._refused.get(view.uid, "")
        )
        if plan.changed:
            patch = merge_patch(as_dict(obj.get("status")), plan.status.wire(), JobScheduleStatus)
            await write_status(self._api, self._cache, SCHEDULES, obj, patch)
        for emit in plan.news:
            await self._events.tell(view, emit, now)
        if plan.make is None or view.spec is None:
            self._refused.pop(view.uid, None)
        else:
            await self._make(view, view.spec, plan.make, now)
        for job in plan.expired:
            await self._expire(view, job)
        return plan.again

    async def _make(self, view: ScheduleView, spec: JobScheduleSpec, time: datetime, now: datetime) -> None:
        kind, name = spec.template.kind, job_name(view.name, time)
        try:
            made = await self._api.create(KINDS[kind], view.namespace, manifest(view, spec, time))
        except ApiError as error:
            if error.status != 409:
                self._refused[view.uid] = clip(error.message)
                raise
            made = await self._existing(view, kind, name, error)
        else:
            metrics.SCHEDULED.labels(kind, view.namespace).inc()
            await self._events.tell(view, Emit("Normal", texts.SCHEDULED, texts.scheduled(name)), now)
        self._refused.pop(view.uid, None)
        self._cache.put(KINDS[kind], made)

    async def _existing(self, view: ScheduleView, kind: str, name: str, error: ApiError) -> Json:
        """The job of that name, which an earlier pass made and did not live to see; another's is not ours."""
        found = await self._api.get(KINDS[kind], view.namespace, name)
        if controller(found) != view.uid:
            self._refused[view.uid] = f"The {kind} {name} exists already and is not this schedule's."
            raise error
        return found

    async def _expire(self, view: ScheduleView, job: Scheduled) -> None:
        obj = self._cache.offspring.job(view.uid, job.uid)
        if obj is None:
            return
        # The version too: the annotation `retry` may have begun the job again.
        options = {"propagationPolicy": "Background", "preconditions": guard(obj)}
        try:
            await self._api.delete(KINDS[job.kind], view.namespace, job.name, options)
        except ApiError as error:
            if error.status != 409 and not error.missing(job.name):
                raise
            await refresh(self._api, self._cache, KINDS[job.kind], obj)


def schedule_view(obj: Json) -> ScheduleView:
    """A JobSchedule."""
    meta, spec, wrong = obj["metadata"], None, ""
    try:
        spec = JobScheduleSpec.parse(as_dict(obj.get("spec")))
    except ValidationError as error:
        wrong = problems(error, "spec")
    return ScheduleView(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 1),
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        spec=spec,
        problems=wrong,
        status=_status(as_dict(obj.get("status"))),
        deleting="deletionTimestamp" in meta,
    )


def _status(raw: Json) -> JobScheduleStatus:
    try:
        return JobScheduleStatus.model_validate(raw)
    except ValidationError:
        # What was made shows in the jobs' names.
        return JobScheduleStatus()
