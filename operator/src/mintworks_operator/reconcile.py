"""Passes: gather → decide → apply, over a job or over the queues of a namespace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from .admitter import Admitter
from .apply import Applier
from .cache import Cache
from .core import Decision, Holding, JobView, QueueView, RunState, Snapshot, decide
from .core.times import wait
from .gather import SLOW_START, Gatherer
from .health import Health
from .keys import JobKey, Key, PulseKey, QueuesKey, ScheduleKey
from .measures import Waits
from .progress import Progress
from .scheduler import Scheduler
from .slots import Slots
from .tally import phase_of
from .views import job_view
from .webhooks.notifier import Notifier
from .writes import StaleError

Json = dict[str, Any]

log = logging.getLogger(__name__)

#: Seconds that admissions of a namespace are gathered into one pass.
BATCH = 0.02
#: After a pass over the queues of a namespace, so many times as long as it took belongs to others; at most REST_MOST
#: seconds. With hundreds of slots such a pass is the longest that there is, and under load every end asks for one.
REST = 5.0
REST_MOST = 1.0


class Reconciler:
    """Carries out passes. `wake` asks for one more after so many seconds, `spare` for one when there is nothing else to
    do; `now` is the time, `clock` only grows.

    A namespace has none before it is `listed`.
    """

    def __init__(
        self,
        *,
        cache: Cache,
        gatherer: Gatherer,
        applier: Applier,
        admitter: Admitter,
        scheduler: Scheduler,
        slots: Slots,
        progress: Progress,
        notifier: Notifier,
        health: Health,
        listed: Callable[[str], bool],
        wake: Callable[[Key, float], None],
        spare: Callable[[Key], None],
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._gatherer = gatherer
        self._applier = applier
        self._admitter = admitter
        self._scheduler = scheduler
        self._slots = slots
        self._progress = progress
        self._notifier = notifier
        self._health = health
        self._listed = listed
        self._wake = wake
        self._spare = spare
        self._clock = clock
        self._now = now
        #: Unfinished jobs that had no pass yet since the start: until each had one, nobody knows who holds which key.
        self._cold: set[JobKey] | None = None
        #: Set once each of these had its pass.
        self.warm = asyncio.Event()
        #: When the queues of a namespace may be admitted from again.
        self._rested: dict[str, float] = {}
        self._waits = Waits()
        self._known: dict[JobKey, tuple[str, tuple[str, str]]] = {}
        #: Uids of jobs that are gone, by the name they had: their last runs may still be ending.
        self._gone: dict[JobKey, set[str]] = {}

    def begin(self) -> None:
        """The cache is complete: each unfinished job gets a first pass, admission begins, each other job gets one."""
        unfinished = self._cache.unfinished()
        self._cold = set(unfinished)
        for key in unfinished:
            self._wake(key, 0.0)
        for key in self._cache.job_keys():
            if key not in self._cold:
                self._spare(key)
        self._warm()

    def enter(self, namespace: str) -> None:
        """A namespace that could not be read was listed: its jobs get a first pass too before anybody is admitted."""
        # Of those that are gone, too, nobody has taken back what they hold: passes were skipped.
        keys = {key for key in (*self._cache.job_keys(), *self._known) if key.namespace == namespace}
        if self._cold is not None:
            self._cold.update(keys)
        woken: list[Key] = [*keys, *self._cache.schedule_keys(namespace), QueuesKey(namespace)]
        for key in woken:
            self._wake(key, 0.0)

    async def reconcile(self, key: Key) -> None:
        """One pass over what the key names."""
        if isinstance(key, PulseKey):
            self._health.beat()
        elif isinstance(key, QueuesKey):
            if self._listed(key.namespace) and not self._cold and self._cold is not None:
                await self._admit(key)
        elif isinstance(key, ScheduleKey):
            if self._listed(key.namespace):
                await self._schedule(key)
        else:
            try:
                if self._listed(key.namespace):
                    await self._job(key)
            finally:
                # A pass that fails must not keep all others from being admitted.
                if self._cold:
                    self._cold.discard(key)
                    self._warm()

    async def _admit(self, key: QueuesKey) -> None:
        """Slots are given at once where nothing was going on; else to all who came meanwhile together."""
        started = self._clock()
        rested = self._rested.get(key.namespace, started)
        if started < rested:
            self._wake(key, rested - started)
            return
        try:
            await self._admitter.admit(key, self._now(), started)
        finally:
            ended = self._clock()
            self._rested[key.namespace] = ended + min(REST_MOST, REST * (ended - started))

    async def _schedule(self, key: ScheduleKey) -> None:
        now = self._now()
        again = await self._scheduler.reconcile(key, now)
        if again is not None:
            self._wake(key, wait(again, now))

    async def _job(self, key: JobKey) -> None:
        obj = self._cache.job(key)
        before = self._known.get(key)
        if before is not None and (obj is None or obj["metadata"]["uid"] != before[0]):
            self._forget(key, *before)
        await self._clean(key)
        if obj is None:
            # Here, not where it was seen to go: a pass may just have looked at what it builds on.
            self._cache.followers.follow(key, ())
            return
        job = job_view(key.kind, obj)
        queue = (job.namespace, job.queue)
        self._known[key] = (job.uid, queue)
        self._slots.resume(queue, job)
        now = self._now()
        found = await self._gather(key, obj, now)
        snapshot = replace(
            found,
            counted=self._admitter.counted(job.uid, found.queue, now),
            waiting=self._waits.since(job.uid, now, self._clock()),
        )
        decision = decide(snapshot, now)
        self._take(queue, job, decision)
        later = await self._applier.apply(key, obj, job, decision, now)
        self._waits.note(job, decision.slot, self._clock())
        # Only now: until the status was written, the slot that was reserved for a waiting job must stay reserved.
        moved = self._slots.set(queue, job.uid, decision.slot)
        if moved or self._phase(key) != phase_of(obj):
            # Its queue counts phases, too: Pending and Queued are one slot.
            self._wake(QueuesKey(job.namespace), BATCH)
        if later is not None:
            self._wake(key, wait(later, now))
        await self._afterwards(key, job.uid, snapshot)

    def _phase(self, key: JobKey) -> str:
        obj = self._cache.job(key)
        return "" if obj is None else phase_of(obj)

    def _take(self, queue: tuple[str, str], job: JobView, decision: Decision) -> None:
        """A slot that is taken counts from before the write that says so: its answer can be lost.

        Raises:
            StaleError: the slot may have gone to another.
        """
        slot = decision.slot
        if not isinstance(slot, Holding) or job.status.active is not None:
            return
        if self._admitter.given_up(job.uid, slot.run):
            raise StaleError(f"the slot of {job.namespace}/{job.name} is being given up")
        if self._slots.get(job.uid) is None and self._slots.set(queue, job.uid, slot):
            self._wake(QueuesKey(job.namespace), BATCH)

    async def _gather(self, key: JobKey, obj: Json, now: datetime) -> Snapshot:
        snapshot = await self._gatherer.snapshot(key, obj, now)
        active = snapshot.job.status.active
        run = snapshot.run(active.run) if active is not None else None
        if active is None or run is None or run.alive:
            return snapshot
        self._progress.listen(snapshot.job.uid, key, active.run)
        await self._progress.catch_up(snapshot.job.uid)
        return await self._gatherer.snapshot(key, obj, now)

    async def _afterwards(self, key: JobKey, uid: str, snapshot: Snapshot) -> None:
        """What follows from the job's new status: whose progress is read, and what is echoed."""
        obj = self._cache.job(key)
        if obj is None or obj["metadata"]["uid"] != uid:
            return
        job = job_view(key.kind, obj)
        self._notifier.written(uid, job.status)
        if job.status.active is None:
            self._progress.forget(uid)
            if job.finished:
                self._gatherer.forget(uid)
                self._displace(job, snapshot.queue)
            return
        self._progress.listen(uid, key, job.status.active.run)
        await self._progress.echo(uid, job.inputs)
        run = snapshot.run(job.status.active.run)
        if run is not None and run.state is RunState.PENDING:
            self._wake(key, SLOW_START.total_seconds())

    def _displace(self, job: JobView, queue: QueueView | None) -> None:
        """Another look at the job that is, by this one's end, no longer among those whose runs are kept."""
        count = queue.keep(succeeded=job.succeeded).count if queue is not None else None
        if count is None:
            return
        found = self._cache.tally.displaced((job.namespace, job.queue), count, good=job.succeeded)
        if found is not None:
            self._wake(found, 0.0)

    def _forget(self, key: JobKey, uid: str, queue: tuple[str, str]) -> None:
        """The job is gone. Its reservation stays as long as one of its runs lives."""
        self._known.pop(key, None)
        self._gone.setdefault(key, set()).add(uid)
        self._progress.forget(uid)
        self._notifier.forget(uid)
        self._gatherer.forget(uid)
        self._waits.forget(uid)
        self._slots.set(queue, uid, None)
        self._wake(QueuesKey(queue[0]), BATCH)

    async def _clean(self, key: JobKey) -> None:
        """Removes what Redis holds of jobs that are gone, once no pod of theirs can write there any more."""
        for uid in self._gone.pop(key, set()):
            if self._cache.runs.alive(uid):
                self._gone.setdefault(key, set()).add(uid)
            else:
                await self._progress.clean(key.namespace, uid)

    def _warm(self) -> None:
        if self._cold is None or self._cold:
            return
        for namespace in {o["metadata"]["namespace"] for o in self._cache.queues.all()}:
            self._wake(QueuesKey(namespace), 0.0)
        self.warm.set()
