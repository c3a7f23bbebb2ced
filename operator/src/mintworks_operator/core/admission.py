"""Admission: which waiting jobs of a queue get a slot now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mintworks_api import DEFAULT_CONCURRENCY, JobQueueStatus, Reservation, Starts
from mintworks_api.status import Condition

from . import texts
from .ratelimit import left, next_at, started
from .slots import Holding, Slot, Waiting
from .times import seconds
from .views import QueueView


@dataclass(frozen=True)
class Plan:
    """The queue's new status, whether it differs, and the jobs whose slots it reserves for the first time."""

    status: JobQueueStatus
    changed: bool
    admitted: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    again: datetime | None = None
    """When the rate limit lets the next one start, where it is that which holds one back."""


def held(reservation: Reservation, slot: Slot | None, alive: bool) -> bool:
    """Whether a reservation still counts.

    `slot` is how the job stands to its queue (None: it neither waits nor runs, or is gone), `alive` whether any of its
    runs lives: a slot is not free before the process that used it has ended.
    """
    return alive or (slot is not None and slot.run == reservation.run)


def admit(
    queue: QueueView,
    waiting: Sequence[Waiting],
    holding: Iterable[Holding],
    now: datetime,
    *,
    still_held: Callable[[Reservation], bool],
    taken: frozenset[str] = frozenset(),
) -> Plan:
    """Who starts now.

    Args:
        queue: The queue, with the reservations written so far.
        waiting: Jobs that wait for a slot, in their `order`; read only as far as slots are free.
        holding: Jobs that run, whether or not their reservation is still written.
        now: The time.
        still_held: `held` for a reservation of this queue.
        taken: Exclusive keys held elsewhere in the namespace.
    """
    kept = {(r.uid, r.run): r for r in queue.status.reservations if still_held(r)}
    for h in holding:
        kept.setdefault((h.uid, h.run), Reservation(uid=h.uid, run=h.run, keys=list(h.keys)))
    limit = queue.spec.rate_limit if queue.spec is not None else None
    free = _concurrency(queue) - len(kept) if queue.spec is not None and not queue.spec.paused else 0
    allowed = free if limit is None else min(free, left(queue.status.starts, limit, now))
    keys = set(taken).union(*(r.keys for r in kept.values()))
    busy = {uid for uid, _ in kept}
    admitted: list[str] = []
    for w in waiting:
        if len(admitted) >= allowed:
            break
        if w.uid in busy or not keys.isdisjoint(w.keys):
            continue
        kept[w.uid, w.run] = Reservation(uid=w.uid, run=w.run, keys=list(w.keys))
        keys.update(w.keys)
        admitted.append(w.uid)
    starts = queue.status.starts if limit is not None else []
    again = None
    if limit is not None:
        starts = started(starts, limit, now, len(admitted)) if admitted else starts
        held_back = len(admitted) == allowed < free and len(waiting) > len(admitted)
        again = next_at(starts, limit, now) if held_back else None
    status = _status(queue, kept.values(), max(0, len(waiting) - len(admitted)), starts, now)
    released = tuple(r.uid for r in queue.status.reservations if (r.uid, r.run) not in kept)
    return Plan(status, status != queue.status, tuple(admitted), released, again)


def _concurrency(queue: QueueView) -> int:
    return (queue.spec.concurrency if queue.spec is not None else None) or DEFAULT_CONCURRENCY


def _status(
    queue: QueueView, reservations: Iterable[Reservation], waiting: int, starts: list[Starts], now: datetime
) -> JobQueueStatus:
    slots = sorted(reservations, key=lambda r: (r.uid, r.run))
    return JobQueueStatus(
        observed_generation=queue.generation,
        conditions=[_ready(queue, now)],
        running=len(slots),
        waiting=waiting,
        summary=f"{len(slots)}/{_concurrency(queue)}",
        reservations=slots,
        starts=starts,
    )


def _ready(queue: QueueView, now: datetime) -> Condition:
    valid, paused = queue.spec is not None, queue.spec is not None and bool(queue.spec.paused)
    old = next((c for c in queue.status.conditions if c.type == texts.READY), None)
    status: Literal["True", "False"] = "True" if valid else "False"
    return Condition(
        type=texts.READY,
        status=status,
        reason=texts.PAUSED if paused else texts.READY if valid else texts.QUEUE_INVALID,
        message=texts.QUEUE_PAUSED if paused else texts.QUEUE_READY if valid else texts.queue_invalid(queue.name),
        observed_generation=queue.generation,
        last_transition_time=old.last_transition_time if old is not None and old.status == status else seconds(now),
    )
