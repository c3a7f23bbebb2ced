"""A keyed, deduplicating work queue: a key is worked on by one worker at a time, and never forgotten."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")

FIRST_DELAY = 0.1
LONGEST_DELAY = 60.0


class WorkQueue(Generic[K]):
    """Keys to work on, now or later.

    A key that is added while it is worked on is worked on again afterwards; one that is added twice is worked on once.
    `clock` is in seconds and only ever grows.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ready: dict[K, None] = {}
        self._spare: dict[K, None] = {}
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._order = itertools.count()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready) + len(self._spare) + len(self._again)

    def add_spare(self, key: K) -> None:
        """Work on the key when there is nothing else to do."""
        if key not in self._ready and key not in self._busy:
            self._spare[key] = None
            self._changed.set()

    def add(self, key: K, delay: float = 0.0, *, first: bool = False) -> None:
        """Work on the key after so many seconds; an earlier wish stands. `first`: now, and before all others."""
        if delay > 0:
            due = self._clock() + delay
            if due < self._due.get(key, float("inf")):
                self._due[key] = due
                heapq.heappush(self._later, (due, next(self._order), key))
                self._changed.set()
        elif key in self._busy:
            self._again.add(key)
        else:
            if first:
                self._ready = {key: None, **self._ready}
            self._spare.pop(key, None)
            self._ready[key] = None
            self._changed.set()

    async def get(self) -> K:
        """The next key; `done` must follow."""
        # A pass may make no request, and so never wait: without this a long queue would keep all else from running.
        await asyncio.sleep(0)
        while True:
            wait = self._promote()
            if line := self._ready or self._spare:
                key = next(iter(line))
                del line[key]
                self._busy.add(key)
                return key
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def done(self, key: K) -> None:
        """The key was worked on."""
        self._busy.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def failed(self, key: K) -> float:
        """The work failed: it is tried again after a wait that doubles each time. Answers the wait in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures, 20))
        self.add(key, delay)
        return delay

    def succeeded(self, key: K) -> None:
        """The work succeeded: the next failure waits from the shortest again."""
        self._failures.pop(key, None)

    def _promote(self) -> float | None:
        """Makes ready what is due. Answers the seconds until something will be."""
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
        return self._later[0][0] - now if self._later else None
