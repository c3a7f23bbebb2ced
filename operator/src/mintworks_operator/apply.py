"""Carries out a decision: the status first, guarded; then Events; then what has effects."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mintworks_api import API_VERSION, JOB_QUEUE, JobStatus

from . import measures, metrics
from .api import JOBS, Api, ApiError
from .cache import Cache
from .config import Config
from .core import (
    CreateRun,
    Decision,
    DeleteJob,
    DeleteRun,
    Emit,
    EnsureQueue,
    JobView,
    Notify,
    RequeueAt,
    StopRun,
    Tell,
    WriteStatus,
)
from .core.actions import Action
from .events import Events
from .gather import Gatherer
from .jobs import build
from .keys import JobKey
from .names import KINDS, QUEUES, controller, run_name
from .patch import merge_patch, told
from .salvage import of_runner, salvage
from .troubles import of_refusal
from .views import as_dict, as_list
from .writes import StaleError, guard, refresh, write_status

Json = dict[str, Any]

log = logging.getLogger(__name__)

#: Fields of a status that are the kind's own.
_OF_KIND = frozenset({"inputs", "result"})


#: Answers to a create that say nothing about the Job: the server is away, or asks for patience.
_PASSING = frozenset({0, 429})


class Applier:
    """Writes to the API server; every answer goes into the cache, so that the next pass sees it."""

    def __init__(
        self,
        api: Api,
        cache: Cache,
        config: Config,
        gatherer: Gatherer,
        *,
        notify: Callable[[JobKey, str, Notify], None],
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._cache = cache
        self._config = config
        self._gatherer = gatherer
        self._notify = notify
        self._events = Events(api, config.identity, clock)

    async def apply(self, key: JobKey, obj: Json, job: JobView, decision: Decision, now: datetime) -> datetime | None:
        """Carries out the actions, each kind in order. Answers when to look again.

        Raises:
            StaleError: the status write was refused; nothing after it was done.
            ApiError: a request failed; what came before it was done, and repeating all of it does no harm.
        """
        later: datetime | None = None
        # People are told before anything is tried that may be refused: the pass ends there.
        for action in sorted(decision.actions, key=_turn):
            if isinstance(action, RequeueAt):
                later = action.time
            elif isinstance(action, WriteStatus):
                await self._write_some(key, obj, action)
                measures.written(job, action.status)
            elif isinstance(action, Tell):
                await self._tell(key, obj, action)
            elif isinstance(action, Emit):
                await self._events.tell(job, action, now)
            else:
                await self._effect(key, obj, job, action)
        return later

    async def _effect(self, key: JobKey, obj: Json, job: JobView, action: Action) -> None:
        if isinstance(action, CreateRun):
            await self._create(job, action)
        elif isinstance(action, StopRun):
            await self._delete(job, action.run, "Foreground")
        elif isinstance(action, DeleteRun):
            await self._delete(job, action.run, "Background")
        elif isinstance(action, EnsureQueue):
            await self._ensure_queue(job.namespace, action.name)
        elif isinstance(action, Notify):
            self._notify(key, job.uid, action)
        elif isinstance(action, DeleteJob):
            await self._expire(key, obj)

    async def _write_some(self, key: JobKey, obj: Json, action: WriteStatus) -> None:
        """The status; where it is refused for what a runner told, the rest of it, so that the job is not stuck."""
        try:
            await self._write(key, obj, action)
        except ApiError as error:
            if error.status != 422 or not of_runner(error.details):
                raise
            log.warning("%s: its status is refused and written without what its runner told: %s", key, error)
            inputs = (obj.get("status") or {}).get("inputs") or {}
            await self._write(key, obj, salvage(action, inputs, error.message))
            if dict(action.inputs) != inputs:
                # A run must not be created on inputs that are not written; what else was decided comes again.
                raise StaleError(str(error)) from error

    async def _write(self, key: JobKey, obj: Json, action: WriteStatus) -> None:
        patch = merge_patch(as_dict(obj.get("status")), action.wire(), JobStatus, _OF_KIND)
        await write_status(self._api, self._cache, KINDS[key.kind], obj, patch)

    async def _tell(self, key: JobKey, obj: Json, action: Tell) -> None:
        """One condition; everything else of the status stays as it is, readable or not."""
        conditions = told(as_list(as_dict(obj.get("status")).get("conditions")), action.condition.wire())
        if conditions is not None:
            await write_status(self._api, self._cache, KINDS[key.kind], obj, {"conditions": conditions})

    async def _create(self, job: JobView, action: CreateRun) -> None:
        name = run_name(job.name, job.uid, action.run)
        try:
            made = await self._api.create(JOBS, job.namespace, build(job, action, self._config))
            metrics.RUNS.labels(job.kind, job.namespace).inc()
        except ApiError as error:
            if error.status == 409:
                made = await self._existing(job, name, error)
            else:
                if error.status not in _PASSING:
                    self._gatherer.refused[job.uid] = of_refusal(error.message)
                raise
        self._gatherer.refused.pop(job.uid, None)
        self._cache.put(JOBS, made)

    async def _existing(self, job: JobView, name: str, error: ApiError) -> Json:
        """The Job of that name, which an earlier pass created and did not live to see; another's is not ours."""
        found = await self._api.get(JOBS, job.namespace, name)
        if controller(found) != job.uid:
            self._gatherer.refused[job.uid] = of_refusal(f"The Job {name} exists already and is not this job's.")
            raise error
        return found

    async def _delete(self, job: JobView, run: int, propagation: str) -> None:
        name = run_name(job.name, job.uid, run)
        obj = next((o for o in self._cache.runs.jobs_of(job.uid) if o["metadata"]["name"] == name), None)
        if obj is None:
            return
        options = {"propagationPolicy": propagation, "preconditions": {"uid": obj["metadata"]["uid"]}}
        try:
            await self._api.delete(JOBS, job.namespace, name, options)
        except ApiError as error:
            if error.status != 409 and not error.missing(name):
                raise
            await refresh(self._api, self._cache, JOBS, obj)

    async def _ensure_queue(self, namespace: str, name: str) -> None:
        meta = {"name": name, "namespace": namespace}
        body = {"apiVersion": API_VERSION, "kind": JOB_QUEUE.kind, "metadata": meta, "spec": {}}
        try:
            made = await self._api.create(QUEUES, namespace, body)
        except ApiError as error:
            if error.status != 409:
                raise
            made = await self._api.get(QUEUES, namespace, name)
        self._cache.put(QUEUES, made)

    async def _expire(self, key: JobKey, obj: Json) -> None:
        # Background: its Jobs and pods have ended. The version too: a spec that changed may have prolonged the ttl.
        options = {"propagationPolicy": "Background", "preconditions": guard(obj)}
        try:
            await self._api.delete(KINDS[key.kind], key.namespace, key.name, options)
        except ApiError as error:
            if error.status == 409:
                await refresh(self._api, self._cache, KINDS[key.kind], obj)
                raise StaleError(str(error)) from error
            if not error.missing(key.name):
                raise


def _turn(action: Action) -> int:
    return 0 if isinstance(action, WriteStatus) else 1 if isinstance(action, Emit) else 2
