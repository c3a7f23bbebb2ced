"""How many Events about what goes as it should are worth a request each. Pure: the clock is an argument."""

from __future__ import annotations

#: So many are told one by one, and from then on one a second: as many as somebody can read.
AT_ONCE = 50
PER_SECOND = 1.0


class Budget:
    """A bucket for each namespace, full at first."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, namespace: str, now: float) -> bool:
        """Whether one more is worth it. `now` is in seconds and only grows."""
        left, since = self._left.get(namespace, (float(AT_ONCE), now))
        left = min(float(AT_ONCE), left + (now - since) * PER_SECOND)
        granted = left >= 1.0
        self._left[namespace] = (left - 1.0 if granted else left, now)
        return granted
