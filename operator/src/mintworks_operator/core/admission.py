"""Admission: which waiting jobs of a queue get a slot now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mintworks_api import DEFAULT_CONCURRENCY, JobQueueStatus, RateLimit, Reservation, Starts

from .bulk import noted
from .fairness import Run
from .ratelimit import LATE, anew, late, left, next_at, started
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
    put_off: frozenset[Run] = frozenset()
    """Runs that must not take their slot yet: they come late, and the rate limit has no room for them now."""
    again: datetime | None = None
    """When to look again for the rate limit's sake: it lets the next one start, or a start has not happened by then."""


@dataclass(frozen=True)
class _Room:
    """The slots that are taken, how many more the queue has, and how many of those its rate limit lets start now.

    `starts` are those that count. `put_off` are late ones that may not happen yet, and `due` is when the next is late.
    """

    kept: dict[Run, Reservation]
    free: int
    allowed: int
    starts: list[Starts]
    put_off: frozenset[Run] = frozenset()
    due: datetime | None = None


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
    room = _room(queue, waiting, holding, now, still_held)
    able = _ready(room, waiting, taken)
    admitted = able if most is None else able[:most]
    limit = queue.rate_limit
    at = now if limit is not None else None
    kept = room.kept | {(w.uid, w.run): Reservation(uid=w.uid, run=w.run, keys=list(w.keys), at=at) for w in admitted}
    starts, again = room.starts, None
    if limit is not None:
        starts = started(starts, limit, now, len(admitted)) if admitted else starts
        again = _again(room, limit, starts, now, more=len(waiting) > len(admitted), admitted=len(admitted))
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
    return Plan(status, status != queue.status, tuple(w.uid for w in admitted), released, room.put_off, again)


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
    return _ready(_room(queue, waiting, holding, now, still_held), waiting, taken)


def _room(
    queue: QueueView,
    waiting: Sequence[Waiting],
    holding: Iterable[Holding],
    now: datetime,
    still_held: Callable[[Reservation], bool],
) -> _Room:
    kept = {(r.uid, r.run): r for r in queue.status.reservations if still_held(r)}
    begun = {(h.uid, h.run): Reservation(uid=h.uid, run=h.run, keys=list(h.keys)) for h in holding}
    ahead = [r for run, r in kept.items() if run not in begun]
    kept = begun | kept
    free = _concurrency(queue) - len(kept) if queue.spec is not None and not queue.spec.paused else 0
    limit = queue.rate_limit
    if limit is None:
        return _Room(kept, free, free, [])
    overdue = _late(ahead, waiting, now)
    starts, counted = _counted_anew(queue.status.starts, limit, now, overdue)
    kept |= {(r.uid, r.run): r for r in counted}
    due = min((r.at + LATE for r in [*ahead, *counted] if r.at is not None and not late(r.at, now)), default=None)
    put_off = frozenset((r.uid, r.run) for r in overdue[len(counted) :])
    return _Room(kept, free, min(free, left(starts, limit, now)), starts, put_off, due)


def _late(ahead: Iterable[Reservation], waiting: Iterable[Waiting], now: datetime) -> list[Reservation]:
    """Which starts that have not happened are late, first counted first. Of a job that is gone none will happen."""
    found = [r for r in ahead if late(r.at, now)]
    waits = {(w.uid, w.run) for w in waiting} if found else set()
    return sorted((r for r in found if (r.uid, r.run) in waits), key=lambda r: (r.at or now, r.uid))


def _counted_anew(
    starts: list[Starts], limit: RateLimit, now: datetime, overdue: list[Reservation]
) -> tuple[list[Starts], list[Reservation]]:
    """What counts with as many late starts counted now as there is room for, and these."""
    counted: list[Reservation] = []
    for each in overdue:
        more = anew(starts, limit, now, each.at)
        if more is None:
            break
        starts = more
        counted.append(each.model_copy(update={"at": now}))
    return starts, counted


def _again(
    room: _Room, limit: RateLimit, starts: list[Starts], now: datetime, *, more: bool, admitted: int
) -> datetime | None:
    held_back = bool(room.put_off) or (more and admitted == room.allowed < room.free)
    due = [room.due, next_at(starts, limit, now) if held_back else None, now + LATE if admitted else None]
    return min((moment for moment in due if moment is not None), default=None)


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
