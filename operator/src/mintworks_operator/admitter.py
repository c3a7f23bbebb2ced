"""Admission of a namespace: every queue's plan is written to its status, then the admitted jobs get a pass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mintworks_api import JOB_QUEUE, JobQueueStatus, Reservation

from .api import Api
from .cache import Cache
from .core import Plan, QueueView, Run, Standing, Waiting, admit, announced, held, late, ready
from .core.times import wait
from .events import Events, Named
from .keys import JobKey, Key, QueuesKey
from .names import QUEUES
from .patch import merge_patch
from .slots import Slots
from .tally import HOUR
from .total import Total
from .views import queue_view
from .writes import StaleError, refresh, write_status

Json = dict[str, Any]

#: Fields of a queue's status that decide nothing. Where only they differ it is written no oftener than this (seconds).
NUMBERS = ("waiting", "counts", "last_hour", "oldest_waiting")
COUNT_INTERVAL = 1.0
#: Jobs fall out of the last hour one by one; so often is a write made of it at most, in seconds.
RATES_INTERVAL = 60.0


class Admitter:
    """Gives slots. `wake` asks for a pass over a key after so many seconds, `redis` whether Redis answers; `total` is
    how many run at once in all namespaces (None: any number), `listed` whether a namespace can be read.
    """

    def __init__(
        self,
        api: Api,
        cache: Cache,
        slots: Slots,
        wake: Callable[[Key, float], None],
        redis: Callable[[], bool | None],
        *,
        events: Events,
        total: int | None = None,
        listed: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._api = api
        self._cache = cache
        self._slots = slots
        self._events = events
        self._wake = wake
        self._redis = redis
        self._written: dict[str, float] = {}
        #: Queues whose last write had no answer yet, and the reservations (uid, run) that it gave up.
        self._given_up: dict[tuple[str, str], frozenset[Run]] = {}
        #: Of queues with a rate limit, by namespace and name: the runs that this leader knows to be counted, and when.
        self._paced: dict[tuple[str, str], dict[Run, datetime | None]] = {}
        self._total: Total | None = None
        if total is not None:
            self._total = Total(total, cache, slots, still_held=self._held, listed=listed, wake=wake)
        #: What is free belongs to all namespaces: while one is given of it, no other is.
        self._one = asyncio.Lock()

    def given_up(self, uid: str, run: int) -> bool:
        """Whether that slot may be another's by now, though the queue in the cache still reserves it."""
        return any((uid, run) in runs for runs in self._given_up.values())

    def counted(self, uid: str, queue: QueueView | None, now: datetime) -> frozenset[int] | None:
        """Which runs of that job are counted in its queue's rate limit and in what all namespaces share; None where
        there is no such limit.

        A reservation alone does not let them start: it may be of a leader that died long ago, or this one slept.
        """
        shared = None if self._total is None else self._total.of(uid)
        if queue is None or queue.rate_limit is None:
            return shared
        found = self._paced.get((queue.namespace, queue.name), {})
        paced = frozenset(run for (whose, run), at in found.items() if whose == uid and not late(at, now))
        return paced if shared is None else paced & shared

    async def admit(self, key: QueuesKey, now: datetime, clock: float) -> None:
        """One pass over the queues of a namespace.

        Raises:
            StaleError: a queue changed meanwhile; its reservations were not written.
            ApiError: a request failed.
        """
        if self._total is None:
            await self._find_out(key.namespace)
            await self._admit(key, now, clock, None)
            return
        async with self._one:
            await self._find_out(key.namespace)
            shares = self._total.share(self._ready, now)
            await self._admit(key, now, clock, shares)
        # Only after a pass that succeeded: two that fail would wake each other without an end.
        for namespace in {namespace for namespace, _ in shares} - {key.namespace}:
            self._wake(QueuesKey(namespace), 0.0)

    async def _admit(
        self, key: QueuesKey, now: datetime, clock: float, shares: Mapping[tuple[str, str], int] | None
    ) -> None:
        objects = self._queues(key.namespace)
        for obj in objects:
            # Read again: an earlier queue of this pass may have taken a key.
            queue, taken = queue_view(obj), self._taken(objects, obj)
            slot_of = (queue.namespace, queue.name)
            standing = self._standing(slot_of, now)
            plan = admit(
                queue,
                self._slots.waiting(slot_of),
                self._slots.holding(slot_of),
                now,
                standing=standing,
                still_held=self._held,
                taken=taken,
                most=None if shares is None else shares.get(slot_of, 0),
            )
            if plan.changed and not self._postponed(key, obj, queue, plan, clock):
                await self._write(obj, queue, plan, now)
                self._written[obj["metadata"]["uid"]] = clock
            kept = {(r.uid, r.run): r.at for r in plan.status.reservations}
            self._paced[slot_of] = {run: at for run, at in kept.items() if run not in plan.put_off}
            self._wake_admitted(key.namespace, plan)
            if plan.again is not None:
                self._wake(key, wait(plan.again, now))
            if standing.changes is not None:
                self._wake(key, max(RATES_INTERVAL, (standing.changes - now).total_seconds()))

    def _ready(self, namespace: str, now: datetime) -> list[tuple[str, Waiting]]:
        """Who of a namespace could start now, with the name of its queue, first come first."""
        objects, given = self._queues(namespace), frozenset[str]()
        found: list[tuple[str, Waiting]] = []
        for obj in objects:
            slot_of = (namespace, obj["metadata"]["name"])
            waiting = self._slots.waiting(slot_of)
            if not waiting:
                continue
            holding, taken = self._slots.holding(slot_of), self._taken(objects, obj) | given
            able = ready(queue_view(obj), waiting, holding, now, still_held=self._held, taken=taken)
            given |= {key for each in able for key in each.keys}
            found.extend((slot_of[1], each) for each in able)
        return sorted(found, key=lambda each: each[1].order)

    def _queues(self, namespace: str) -> list[Json]:
        return [obj for obj in self._cache.queues.all() if obj["metadata"]["namespace"] == namespace]

    def _standing(self, queue: tuple[str, str], now: datetime) -> Standing:
        tally = self._cache.tally
        good, first = tally.since(queue, now - HOUR, good=True)
        bad, other = tally.since(queue, now - HOUR, good=False)
        ends = [moment + HOUR for moment in (first, other) if moment is not None]
        return Standing(
            phases=tally.phases(queue),
            succeeded=good,
            failed=bad,
            oldest=self._slots.oldest(queue),
            redis=self._redis(),
            changes=min(ends, default=None),
        )

    async def _find_out(self, namespace: str) -> None:
        """What became of writes that had no answer. Until then nobody knows which keys other queues have given."""
        for name in [name for name in self._given_up if name[0] == namespace]:
            obj = self._cache.queue(*name)
            if obj is not None:
                await refresh(self._api, self._cache, QUEUES, obj)
            del self._given_up[name]

    async def _write(self, obj: Json, queue: QueueView, plan: Plan, now: datetime) -> None:
        name, kept = (queue.namespace, queue.name), {(r.uid, r.run) for r in plan.status.reservations}
        self._given_up[name] = frozenset((r.uid, r.run) for r in queue.status.reservations) - kept
        patch = merge_patch(obj.get("status") or {}, plan.status.wire(), JobQueueStatus)
        try:
            await write_status(self._api, self._cache, QUEUES, obj, patch)
        except StaleError:
            del self._given_up[name]
            raise
        # The cache knows it now. Without an answer nobody does.
        del self._given_up[name]
        if self._total is not None:
            # Not all that are kept: some may be there that another leader wrote, and wait until there is room.
            self._total.count(run for run in kept if run[0] in plan.admitted)
        for emit in announced(queue.status, plan.status):
            await self._events.tell(Named.of(JOB_QUEUE.kind, obj), emit, now)

    def _postponed(self, key: QueuesKey, obj: Json, queue: QueueView, plan: Plan, clock: float) -> bool:
        """Whether the difference can wait: only numbers changed, and they were written just now."""
        numbers = {name: getattr(queue.status, name) for name in NUMBERS}
        if plan.status.model_copy(update=numbers) != queue.status:
            return False
        age = clock - self._written.get(obj["metadata"]["uid"], float("-inf"))
        if age < COUNT_INTERVAL:
            self._wake(key, max(0.001, COUNT_INTERVAL - age))
            return True
        return False

    def _taken(self, objects: list[Json], own: Json) -> frozenset[str]:
        """Exclusive keys held in the namespace by jobs of other queues, and of queues that are gone."""
        found: set[str] = set()
        for obj in objects:
            if obj["metadata"]["uid"] == own["metadata"]["uid"]:
                continue
            current = self._cache.queues.get(obj["metadata"]["uid"]) or obj
            for reservation in (current.get("status") or {}).get("reservations") or []:
                found.update(reservation.get("keys") or [])
        meta = own["metadata"]
        return frozenset(found | self._slots.keys(meta["namespace"], but=(meta["namespace"], meta["name"])))

    def _held(self, reservation: Reservation) -> bool:
        """Whether it still counts. Of most the job's slot says so, and nobody needs to look at its runs."""
        slot = self._slots.get(reservation.uid)
        return held(reservation, slot, alive=False) or held(reservation, slot, self._alive(reservation))

    def _alive(self, reservation: Reservation) -> bool:
        """Whether a process of that job lives, though its resource may be gone."""
        return self._cache.runs.alive(reservation.uid)

    def _wake_admitted(self, namespace: str, plan: Plan) -> None:
        """Every reserved job that still waits, not only those reserved just now: a pass may have been lost."""
        for reservation in plan.status.reservations:
            slot = self._slots.get(reservation.uid)
            if isinstance(slot, Waiting) and slot.run == reservation.run:
                self._wake(JobKey(slot.kind, namespace, slot.name), 0.0)
