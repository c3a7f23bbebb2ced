"""What waits to be sent, and who is next: a namespace whose receivers hang holds up no other."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Outbox(Generic[T]):
    """Items by namespace. Of one namespace at most `share` are under way at once."""

    def __init__(self, share: int) -> None:
        self._share = share
        #: Namespaces with something to send; the one that is served goes to the end.
        self._waiting: dict[str, deque[T]] = {}
        self._busy: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(items) for items in self._waiting.values())

    def add(self, namespace: str, item: T) -> None:
        """One more, after those of its namespace."""
        self._waiting.setdefault(namespace, deque()).append(item)
        self._changed.set()

    async def get(self) -> tuple[str, T]:
        """The next one, with its namespace; `done` must follow."""
        while True:
            namespace = next((n for n in self._waiting if self._busy[n] < self._share), None)
            if namespace is not None:
                return namespace, self._take(namespace)
            self._changed.clear()
            await self._changed.wait()

    def done(self, namespace: str) -> None:
        """One of that namespace is no longer under way."""
        self._busy[namespace] -= 1
        if not self._busy[namespace]:
            del self._busy[namespace]
        self._changed.set()

    def _take(self, namespace: str) -> T:
        items = self._waiting.pop(namespace)
        item = items.popleft()
        if items:
            self._waiting[namespace] = items
        self._busy[namespace] += 1
        return item
