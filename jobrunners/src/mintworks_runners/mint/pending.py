"""The items that wait for a signature, in order, in little memory: there may be a million of them. Pure."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice


class Pending:
    """A queue of item numbers; what comes back goes to its front."""

    def __init__(self, items: Iterable[int]) -> None:
        self._first: deque[int] = deque()
        self._rest = array("Q", items)
        self._at = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._first) + len(self._rest) - self._at

    def head(self, count: int) -> list[int]:
        """The first `count` of them, or fewer."""
        first = list(islice(self._first, count))
        return [*first, *self._rest[self._at : self._at + count - len(first)]]

    def __iter__(self) -> Iterator[int]:
        """All of them, in their order."""
        yield from self._first
        for at in range(self._at, len(self._rest)):
            yield self._rest[at]

    def pop(self) -> int:
        """Takes the first one out. IndexError where none waits."""
        if self._first:
            return self._first.popleft()
        item = self._rest[self._at]
        self._at += 1
        return item

    def back(self, items: Sequence[int]) -> None:
        """Puts items back to the front, in their order."""
        self._first.extendleft(reversed(items))
