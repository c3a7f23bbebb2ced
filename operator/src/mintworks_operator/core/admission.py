"""Admission: which waiting jobs of a queue get a slot now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mintworks_api import DEFAULT_CONCURRENCY, JobQueueStatus, Reservation

from .bulk import noted
from .ratelimit import left, next_at, started
from .slots import Holding, Slot, Waiting
from .standing import UNTOLD, Standing, conditions
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


@dataclass(frozen=True)
class _Room:
    """The slots that are taken, how many more the queue has, and how many of those its rate limit lets start now."""

    kept: dict[tuple[str, int], Reservation]
    free: int
    allowed: int


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
    standing: Standing = UNTOLD,
    still_held: Callable[[Reservation], bool],
    taken: frozenset[str] = frozenset(),
    most: int | None = None,
) -> Plan:
    """Who starts now.

    Args:
        queue: The queue, with the reservations written so far.
        waiting: Jobs that wait for a slot, in their `order`; read only as far as slots are free.
        holding: Jobs that run, whether or not their reservation is still written.
        now: The time.
        standing: What is told of the queue.
        still_held: `held` for a reservation of this queue.
        taken: Exclusive keys held elsewhere in the namespace.
        most: How many may start, by what all namespaces share; None where that is not limited.
    """
    room = _room(queue, holding, now, still_held)
    able = _ready(room, waiting, taken)
    admitted = able if most is None else able[:most]
    kept = room.kept | {(w.uid, w.run): Reservation(uid=w.uid, run=w.run, keys=list(w.keys)) for w in admitted}
    limit = queue.spec.rate_limit if queue.spec is not None else None
    starts = queue.status.starts if limit is not None else []
    again = None
    if limit is not None:
        starts = started(starts, limit, now, len(admitted)) if admitted else starts
        held_back = len(admitted) == room.allowed < room.free and len(waiting) > len(admitted)
        again = next_at(starts, limit, now) if held_back else None
    slots = sorted(kept.values(), key=lambda r: (r.uid, r.run))
    status = JobQueueStatus(
        observed_generation=queue.generation,
        conditions=conditions(queue, standing, now, crowded=len(admitted) < len(able)),
        running=len(slots),
        waiting=max(0, len(waiting) - len(admitted)),
        summary=f"{len(slots)}/{_concurrency(queue)}",
        counts=standing.counts(),
        last_hour=standing.last_hour(),
        oldest_waiting=standing.oldest,
        reservations=slots,
        starts=starts,
        commands=noted(queue, now),
    )
    released = tuple(r.uid for r in queue.status.reservations if (r.uid, r.run) not in kept)
    return Plan(status, status != queue.status, tuple(w.uid for w in admitted), released, again)


def ready(
    queue: QueueView,
    waiting: Sequence[Waiting],
    holding: Iterable[Holding],
    now: datetime,
    *,
    still_held: Callable[[Reservation], bool],
    taken: frozenset[str] = frozenset(),
) -> list[Waiting]:
    """Who of the queue could start now, were there no limit beyond its own; arguments as those of `admit`."""
    return _ready(_room(queue, holding, now, still_held), waiting, taken)


def _room(
    queue: QueueView, holding: Iterable[Holding], now: datetime, still_held: Callable[[Reservation], bool]
) -> _Room:
    kept = {(r.uid, r.run): r for r in queue.status.reservations if still_held(r)}
    for h in holding:
        kept.setdefault((h.uid, h.run), Reservation(uid=h.uid, run=h.run, keys=list(h.keys)))
    limit = queue.spec.rate_limit if queue.spec is not None else None
    free = _concurrency(queue) - len(kept) if queue.spec is not None and not queue.spec.paused else 0
    return _Room(kept, free, free if limit is None else min(free, left(queue.status.starts, limit, now)))


def _ready(room: _Room, waiting: Sequence[Waiting], taken: frozenset[str]) -> list[Waiting]:
    keys = set(taken).union(*(r.keys for r in room.kept.values()))
    busy = {uid for uid, _ in room.kept}
    found: list[Waiting] = []
    for w in waiting:
        if len(found) >= room.allowed:
            break
        if w.uid in busy or not keys.isdisjoint(w.keys):
            continue
        busy.add(w.uid)
        keys.update(w.keys)
        found.append(w)
    return found


def _concurrency(queue: QueueView) -> int:
    return (queue.spec.concurrency if queue.spec is not None else None) or DEFAULT_CONCURRENCY
