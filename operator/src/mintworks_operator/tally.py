"""Numbers of jobs by queue, kept up to date with every change, so that nobody has to go through all jobs for them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from mintworks_api import DEFAULT_QUEUE, FINISHED, Phase

from .keys import JobKey
from .views import as_dict, moment

Json = dict[str, Any]
QueueName = tuple[str, str]

HOUR = timedelta(hours=1)
_End = tuple[datetime, str, JobKey]


class Tally:
    """Of each queue: how many jobs are in which phase, and when those that ended did so."""

    def __init__(self) -> None:
        self._phases: dict[QueueName, Counter[tuple[str, str]]] = {}
        self._ends: dict[tuple[QueueName, bool], list[_End]] = {}
        #: When jobs were cancelled: an end like a failure, whose runs are kept as long, and no failure.
        self._cancelled: dict[QueueName, list[datetime]] = {}

    def change(self, kind: str, old: Json | None, new: Json | None) -> None:
        """A job came, changed, or went."""
        if old is not None:
            self._count(kind, old, -1)
        if new is not None:
            self._count(kind, new, 1)

    def phases(self, queue: QueueName) -> Counter[str]:
        """How many of the queue's jobs are in which phase; the empty one is of those that have none yet."""
        phases: Counter[str] = Counter()
        for (_, phase), number in self._phases.get(queue, {}).items():
            phases[phase] += number
        return phases

    def count(self) -> Counter[tuple[str, str, str, str]]:
        """Jobs by kind, namespace, queue and phase; `New` is of those that have none yet."""
        return Counter(
            {
                (kind, *queue, phase or "New"): number
                for queue, phases in self._phases.items()
                for (kind, phase), number in phases.items()
            }
        )

    def since(self, queue: QueueName, moment: datetime, *, good: bool) -> tuple[int, datetime | None]:
        """How many succeeded, or failed, after a moment, and when the first of them, or of those cancelled, did."""
        ends = self._ends.get((queue, good), [])
        at = bisect_right(ends, moment, key=_when)
        cancelled = [] if good else self._cancelled.get(queue, [])
        others = len(cancelled) - bisect_right(cancelled, moment)
        return len(ends) - at - others, ends[at][0] if at < len(ends) else None

    def newer(self, queue: QueueName, obj: Json) -> int:
        """How many of the queue's jobs came to the same end after this one."""
        ended = _ended(obj)
        if ended is None:
            return 0
        ends = self._ends.get((queue, _good(obj)), [])
        return len(ends) - bisect_right(ends, (ended, obj["metadata"]["uid"]), key=_which)

    def displaced(self, queue: QueueName, count: int, *, good: bool) -> JobKey | None:
        """Of the jobs that came to that end, the newest that is not among the last `count`."""
        ends = self._ends.get((queue, good), [])
        return ends[-count - 1][2] if len(ends) > count else None

    def _count(self, kind: str, obj: Json, step: int) -> None:
        meta = obj["metadata"]
        queue, phase = (meta["namespace"], queue_of(obj)), phase_of(obj)
        phases = self._phases.setdefault(queue, Counter())
        phases[kind, phase] += step
        if not phases[kind, phase]:
            del phases[kind, phase]
        ended = _ended(obj)
        if ended is None:
            return
        ends = self._ends.setdefault((queue, _good(obj)), [])
        entry = (ended, meta["uid"], JobKey(kind, meta["namespace"], meta["name"]))
        if step > 0:
            insort(ends, entry, key=_which)
        else:
            del ends[bisect_left(ends, entry[:2], key=_which)]
        if phase == Phase.CANCELLED:
            cancelled = self._cancelled.setdefault(queue, [])
            if step > 0:
                insort(cancelled, ended)
            else:
                del cancelled[bisect_left(cancelled, ended)]


def phase_of(obj: Json) -> str:
    """The phase of a job; empty before the first write."""
    return str(as_dict(obj.get("status")).get("phase") or "")


def queue_of(obj: Json) -> str:
    """The name of a job's queue."""
    return str(as_dict(obj.get("spec")).get("queue") or DEFAULT_QUEUE)


def _good(obj: Json) -> bool:
    return phase_of(obj) == Phase.SUCCEEDED


def _ended(obj: Json) -> datetime | None:
    """When a finished job ended."""
    if phase_of(obj) not in FINISHED:
        return None
    try:
        return moment(as_dict(obj.get("status")).get("completionTime"))
    except (TypeError, ValueError):
        return None


def _when(end: _End) -> datetime:
    return end[0]


def _which(end: _End) -> tuple[datetime, str]:
    return end[:2]
