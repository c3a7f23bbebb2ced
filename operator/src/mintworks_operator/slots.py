"""How every job stands to its queue, as its last pass found: who waits, in order, and who holds a slot."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from datetime import datetime

from mintworks_api import JOB_KINDS
from pydantic import ValidationError

from .core import Holding, JobView, Slot, Waiting, parsed

_Queue = tuple[str, str]


class Slots:
    """Kept sorted, so that a completion in a long queue looks at its head only."""

    def __init__(self) -> None:
        self._slots: dict[str, tuple[_Queue, Slot]] = {}
        self._waiting: dict[_Queue, list[Waiting]] = {}
        self._holding: dict[_Queue, dict[str, Holding]] = {}

    def set(self, queue: _Queue, uid: str, slot: Slot | None) -> bool:
        """Takes in what a pass found. Answers whether admission has to look again."""
        _, old = self._slots.get(uid, (queue, None))
        if old == slot:
            return False
        self._remove(uid)
        if slot is not None:
            self._slots[uid] = (queue, slot)
        if isinstance(slot, Waiting):
            insort(self._waiting.setdefault(queue, []), slot, key=_order)
        elif isinstance(slot, Holding):
            self._holding.setdefault(queue, {})[uid] = slot
        started = isinstance(old, Waiting) and isinstance(slot, Holding) and old.run == slot.run
        return not started

    def get(self, uid: str) -> Slot | None:
        """How that job stands."""
        return self._slots[uid][1] if uid in self._slots else None

    def waiting(self, queue: _Queue) -> list[Waiting]:
        """Who waits, first come first."""
        return self._waiting.get(queue, [])

    def oldest(self, queue: _Queue) -> datetime | None:
        """When the oldest of those who wait was created."""
        line, found, at = self.waiting(queue), [], 0
        while at < len(line):
            # The line goes by priority, and within one by age.
            found.append(line[at].created)
            at = bisect_right(line, line[at].priority, lo=at, key=lambda w: w.priority)
        return min(found, default=None)

    def holding(self, queue: _Queue) -> Iterable[Holding]:
        """Who holds a slot."""
        return list(self._holding.get(queue, {}).values())

    def holders(self) -> Iterator[tuple[_Queue, Holding]]:
        """Everybody who holds a slot, with the queue, which may be gone."""
        return ((queue, held) for queue, holding in self._holding.items() for held in holding.values())

    def keys(self, namespace: str, but: _Queue) -> frozenset[str]:
        """Exclusive keys that runs of the namespace hold, but for those of one queue.

        A queue may be gone: what it admitted still runs.
        """
        found = (q for q in self._holding if q[0] == namespace and q != but)
        return frozenset(key for queue in found for held in self._holding[queue].values() for key in held.keys)

    def resume(self, queue: _Queue, job: JobView) -> None:
        """Takes in the slot that a job's status says its run holds, before a pass that may fail.

        After a restart nothing else tells of it, and the first pass over the job may be refused for a long time.
        """
        active, known = job.status.active, self.get(job.uid)
        if active is None or job.deleting or (isinstance(known, Holding) and known.run == active.run):
            return
        try:
            keys = tuple(parsed(JOB_KINDS[job.kind], job.spec).exclusive(job.inputs))
        except ValidationError:
            keys = ()
        self.set(queue, job.uid, Holding(job.uid, active.run, keys))

    def _remove(self, uid: str) -> None:
        queue, old = self._slots.pop(uid, (("", ""), None))
        if isinstance(old, Waiting):
            line = self._waiting[queue]
            del line[bisect_left(line, _order(old), key=_order)]
        elif isinstance(old, Holding):
            del self._holding[queue][uid]


def _order(waiting: Waiting) -> tuple[object, ...]:
    return waiting.order
