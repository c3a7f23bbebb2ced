"""A request budget as a token bucket. Pure: the clock is an argument."""

from __future__ import annotations


class Bucket:
    """Allows `rate` requests a second on average, with a burst of one second's worth."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._at = now

    def take(self, now: float) -> float:
        """Takes one request out and answers how many seconds it has to wait; 0 where it may go at once."""
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def spare(self, now: float, sending: int) -> int:
        """How many transactions could be sent at once and leave a fifth of the budget to questions. One may always
        wait for its turn: a small budget never has more to spare than the questions take.
        """
        tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        return max(0 if sending else 1, int(tokens - self._rate / 5))
