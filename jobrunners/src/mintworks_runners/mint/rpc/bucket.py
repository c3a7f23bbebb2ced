"""A request budget as a token bucket. Pure: the clock is an argument."""

from __future__ import annotations


class Bucket:
    """Allows `rate` requests a second on average, with a burst of one second's worth. Who takes gets a ticket and
    waits for its turn, which comes sooner or later when the rate changes meanwhile.
    """

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._granted = rate
        """The last ticket whose turn it is, counted from 0 on like `taken`."""
        self._at = now
        self.taken = 0
        """Requests taken out so far."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self._rate

    def change(self, rate: float, now: float) -> None:
        """Another rate from now on; what was saved up beyond its burst is forfeit."""
        self._settle(now)
        self._rate = rate
        self._settle(now)

    def take(self, now: float, count: int = 1) -> int:
        """Takes requests out and answers the ticket of the last one: see `wait`."""
        self._settle(now)
        self.taken += count
        return self.taken

    def wait(self, ticket: int, now: float) -> float:
        """Seconds until this ticket's turn at the present rate; 0 where the request may go at once."""
        self._settle(now)
        return max(0.0, (ticket - self._granted) / self._rate)

    def backlog(self, now: float) -> float:
        """Requests taken out whose turn has not come."""
        self._settle(now)
        return max(0.0, self.taken - self._granted)

    def spare(self, now: float, sending: int) -> int:
        """How many transactions could be sent at once and leave a fifth of the budget to questions. One may always
        wait for its turn: a small budget never has more to spare than the questions take.
        """
        self._settle(now)
        return max(0 if sending else 1, int(self._granted - self.taken - self._rate / 5))

    def _settle(self, now: float) -> None:
        """What was granted up to now, at most a second's worth ahead of what was taken."""
        self._granted = min(self.taken + self._rate, self._granted + (now - self._at) * self._rate)
        self._at = now
