"""A job's snapshot from the cache; the API server is asked only where a decision would else rest on a late watch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mintworks_api import JOB_KINDS, JobRef
from pydantic import ValidationError

from .api import JOBS, PODS, Api, ApiError
from .cache import Cache
from .config import Config
from .core import Delivery, JobView, News, RunState, RunView, Snapshot, Trouble, named_of, parsed
from .keys import JobKey
from .names import RUN, UID, run_name, run_number
from .views import job_view, queue_view
from .warned import Warned

Json = dict[str, Any]

#: A run whose container has not started after this long is asked after among the cluster's Events.
SLOW_START = timedelta(seconds=5)


class Gatherer:
    """Takes snapshots. `news` answers what a job's active run told, `deliveries` how its webhooks went."""

    def __init__(
        self,
        cache: Cache,
        api: Api,
        config: Config,
        news: Callable[[str, int], News],
        deliveries: Callable[[str], tuple[Delivery, ...]],
    ) -> None:
        self._cache = cache
        self._api = api
        self._config = config
        self._news = news
        self._deliveries = deliveries
        #: Why the API server turned down the last create of a job's run, by uid: cleared once one is accepted.
        self.refused: dict[str, Trouble] = {}
        self._warned = Warned(api)
        #: Uids of Kubernetes Jobs that were asked for and are not there, by uid of the job.
        self._absent: dict[str, set[str]] = {}

    async def snapshot(self, key: JobKey, obj: Json, now: datetime) -> Snapshot:
        """Everything that `decide` looks at for that job."""
        job = job_view(key.kind, obj)
        queue = self._cache.queue(key.namespace, job.queue)
        active = job.status.active
        if active is not None:
            await self._find(job, active.run)
            await self._find_pods(job, active.run)
        runs = self._cache.runs.of(job.uid)
        if active is not None:
            runs = [await self._looked_at(job, run, now) if run.run == active.run else run for run in runs]
        return Snapshot(
            job=job,
            queue=queue_view(queue) if queue is not None else None,
            runs=tuple(sorted(runs, key=lambda r: r.run)),
            lost=self._cache.runs.lost(job.uid),
            dependencies=self._dependencies(key, job),
            named=self._named(job),
            news=self._news(job.uid, active.run) if active is not None else News(),
            refused=self.refused.get(job.uid),
            served=self._config.serves(key.namespace),
            allowed=self._config.runner_allowed,
            newer=self._cache.tally.newer((key.namespace, job.queue), obj),
            notifies=True,
            deliveries=self._deliveries(job.uid),
        )

    def forget(self, uid: str) -> None:
        """The job is gone or finished."""
        self.refused.pop(uid, None)
        self._absent.pop(uid, None)

    async def _find(self, job: JobView, run: int) -> None:
        """The Job of a pod of that run, where it is not known to be gone: a pod can be seen before its Job is, if the
        answer to the Job's creation was lost and the watch of Jobs is behind.
        """
        unseen = self._cache.runs.unseen(job.uid, run) - self._absent.get(job.uid, set())
        if not unseen:
            return
        name = run_name(job.name, job.uid, run)
        try:
            self._cache.put(JOBS, await self._api.get(JOBS, job.namespace, name))
        except ApiError as error:
            if not error.missing(name):
                raise
        self._absent.setdefault(job.uid, set()).update(unseen)

    async def _find_pods(self, job: JobView, run: int) -> None:
        """The pods of that run, where its Job was seen to go and no pod was ever seen: the watch of pods may be behind,
        and the next run must not begin beside one that lives.
        """
        runs = self._cache.runs
        if run in runs.lost(job.uid) and not any(run_number(pod) == run for pod in runs.pods.group(job.uid)):
            await self._list_pods(job, run)

    async def _list_pods(self, job: JobView, run: int) -> None:
        query = {"labelSelector": f"{UID}={job.uid},{RUN}={run}"}
        for pod in await self._api.list(PODS, job.namespace, query):
            self._cache.put(PODS, pod)

    async def _looked_at(self, job: JobView, run: RunView, now: datetime) -> RunView:
        """The active run, after a second look where the watch may be late."""
        obj = next((o for o in self._cache.runs.jobs_of(job.uid) if run_number(o) == run.run), None)
        if obj is None:
            return run
        if not run.alive and run.termination is None:
            # The Job's end can arrive before its pod's. A result must not be missed for that.
            await self._list_pods(job, run.run)
            return self._cache.runs.view(obj, job.uid)
        reserved = job.status.active.reserved if job.status.active is not None else now
        if run.state is RunState.PENDING and run.trouble is None and now - reserved >= SLOW_START:
            pods = self._cache.runs.pods_of(obj, job.uid)
            # Of several pods the last one: each follows one that was over.
            starting = (pods or [obj])[-1]["metadata"]["uid"]
            return self._cache.runs.view(obj, job.uid, await self._warned.of(job.namespace, starting, now))
        return run

    def _dependencies(self, key: JobKey, job: JobView) -> dict[str, JobView]:
        found: dict[str, JobView] = {}
        leaders: list[JobKey] = []
        for ref in _refs(job):
            leaders.append(leader := JobKey(ref.kind, key.namespace, ref.name))
            if (named := self._job(leader)) is None:
                continue
            found[ref.name] = named
            for inner in _refs(named) if ref.with_own else ():
                leaders.append(leader := JobKey(inner.kind, key.namespace, inner.name))
                if (beneath := self._job(leader)) is not None:
                    found[ref.beneath(inner)] = beneath
        # In one go with the look at them: whatever changes from here on calls for another pass.
        self._cache.followers.follow(key, () if job.finished else leaders)
        return found

    def _job(self, key: JobKey) -> JobView | None:
        obj = self._cache.job(key)
        return None if obj is None else job_view(key.kind, obj)

    def _named(self, job: JobView) -> frozenset[str]:
        try:
            removed = parsed(JOB_KINDS[job.kind], job.spec).removes()
        except ValidationError:
            return frozenset()
        if not removed:
            return frozenset()
        others = (job_view(kind, obj) for kind, obj in self._cache.neighbours(job.namespace, job.uid))
        return named_of(removed, others)


def _refs(job: JobView) -> list[JobRef]:
    try:
        return parsed(JOB_KINDS[job.kind], job.spec).depends_on()
    except ValidationError:
        return []
