"""How many transactions are under way at once: grows while they land, shrinks when they are lost. Pure."""

from __future__ import annotations

START = 32
FLOOR = 4.0


def first_size(requests_per_second: int) -> int:
    """Transactions under way at first: as many as the budget lets go in a tenth of a second, but not fewer than those
    of small budgets. Whoever states a large one has an endpoint that bears it, and each doubling from a few takes a
    second and more.
    """
    return max(START, requests_per_second // 10)


class Window:
    """Additive increase, multiplicative decrease, with a quick start until the first loss; never above the cap."""

    def __init__(self, cap: int, start: int = START) -> None:
        self._cap = float(cap)
        self._size = min(float(start), self._cap)
        self._quick = True
        self._shrunk_at = float("-inf")
        self.shrinks = 0
        """How often it has shrunk."""

    @property
    def size(self) -> int:
        """Transactions that may be under way."""
        return int(self._size)

    def landed(self) -> None:
        """A transaction was seen in a block."""
        self._size = min(self._cap, self._size + (1.0 if self._quick else 1.0 / self._size))

    def expired(self, now: float, shrinks: int) -> None:
        """A transaction expired that was signed after so many shrinks. It was lost long ago, perhaps together with many
        that expire in their turn: that is one event.
        """
        if shrinks == self.shrinks:
            self.lost(now)

    def lost(self, now: float) -> None:
        """A node said 429, or nothing. Several losses within 2 s are one event."""
        if now - self._shrunk_at < 2.0:
            return
        self._shrunk_at = now
        self.shrinks += 1
        self._quick = False
        self._size = max(min(FLOOR, self._cap), self._size / 2)
