"""The limit on runs of all namespaces together: what of it is used, and whose the rest is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mintworks_api import Reservation

from .cache import Cache
from .core import Claim, Holding, Run, Waiting, counted, shares
from .keys import JobKey, Key
from .slots import Slots
from .views import queue_view

Json = dict[str, Any]

#: Answers who of a namespace could start now, of all its queues.
Ready = Callable[[str, datetime], list[tuple[str, Waiting]]]


@dataclass
class _Used:
    """Slots of a namespace: those that runs have taken, and those that are reserved for jobs which have not yet."""

    running: set[Run] = field(default_factory=set)
    reserved: dict[Run, Waiting] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.running | self.reserved.keys())


class Total:
    """Which runs are counted in the limit is remembered: no other starts, whatever a queue's status says.

    `still_held` answers whether a reservation counts, `listed` whether a namespace can be read; `wake` asks for a pass
    over a job.
    """

    def __init__(
        self,
        most: int,
        cache: Cache,
        slots: Slots,
        *,
        still_held: Callable[[Reservation], bool],
        listed: Callable[[str], bool],
        wake: Callable[[Key, float], None],
    ) -> None:
        self._most, self._wake = most, wake
        self._cache = cache
        self._slots = slots
        self._still_held = still_held
        self._listed = listed
        #: Numbers of runs, by uid of the job.
        self._counted: dict[str, set[int]] = {}

    def of(self, uid: str) -> frozenset[int]:
        """Numbers of the job's runs that are counted."""
        return frozenset(self._counted.get(uid, ()))

    def count(self, runs: Iterable[Run]) -> None:
        """Slots were reserved for these by a write that was accepted."""
        for uid, run in runs:
            self._counted.setdefault(uid, set()).add(run)

    def share(self, ready: Ready, now: datetime) -> dict[tuple[str, str], int]:
        """How many of each queue may start now, by namespace and name; of a queue that is not named, none."""
        used = self._used()
        self._recount(used)
        if sum(map(len, used.values())) >= self._most:
            return {}
        line = {name: ready(name, now) for name in self._namespaces() if self._listed(name)}
        claims = [Claim(name, len(used.get(name, ())), [w for _, w in found]) for name, found in line.items()]
        # Those that cannot be read start nobody, and what they run counts all the same.
        claims += [Claim(name, len(each), []) for name, each in used.items() if name not in line]
        given: dict[tuple[str, str], int] = {}
        for name, number in shares(self._most, claims).items():
            for queue, _ in line[name][:number]:
                given[name, queue] = given.get((name, queue), 0) + 1
        return given

    def _recount(self, used: Mapping[str, _Used]) -> None:
        before = {(uid, run) for uid, runs in self._counted.items() for run in runs}
        running = {run for each in used.values() for run in each.running}
        reserved = {run: w for each in used.values() for run, w in each.reserved.items()}
        now = counted(self._most, before, running, reserved)
        self._counted = {}
        self.count(now)
        for namespace, each in used.items():
            for run in each.reserved.keys() & (now - before):
                self._wake(JobKey(each.reserved[run].kind, namespace, each.reserved[run].name), 0.0)

    def _namespaces(self) -> set[str]:
        return {obj["metadata"]["namespace"] for obj in self._cache.queues.all()}

    def _used(self) -> dict[str, _Used]:
        used: dict[str, _Used] = {}
        for (namespace, _), holding in self._slots.holders():
            used.setdefault(namespace, _Used()).running.add((holding.uid, holding.run))
        for obj in self._cache.queues.all():
            for reservation in queue_view(obj).status.reservations:
                if self._still_held(reservation):
                    self._reserve(used.setdefault(obj["metadata"]["namespace"], _Used()), reservation)
        return used

    def _reserve(self, used: _Used, reservation: Reservation) -> None:
        run, slot = (reservation.uid, reservation.run), self._slots.get(reservation.uid)
        if isinstance(slot, Waiting) and slot.run == reservation.run:
            used.reserved[run] = slot
        elif not isinstance(slot, Holding) or slot.run != reservation.run:
            # Of a job that is gone, or goes on to its next run, while a process of this one lives.
            used.running.add(run)
