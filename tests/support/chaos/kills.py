"""At which write the operator is killed next: every kind once before it is carried out and once after."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from .asked import Write
from .plan import Plan


class Moment(StrEnum):
    """When, seen from the write."""

    BEFORE = "before"
    AFTER = "after"


#: Writes of which there are few: the operator is killed at the first that comes, and before it, so that it comes again.
_RARE = frozenset(
    {Write.QUEUE, Write.STOPPING, Write.RUN_DELETE, Write.RESOURCE_DELETE, Write.PROGRESS, Write.ECHO, Write.CLEAN}
)


class Kills:
    """The kills of a plan. One life of the operator ends at most once, and but for rare writes not before it has
    written a few times.
    """

    def __init__(self, plan: Plan, kinds: Iterable[Write], *, life: tuple[int, int] = (5, 30)) -> None:
        self._plan = plan
        self._life = life
        self._open = {(kind, moment) for kind in kinds for moment in Moment}
        self.done: list[tuple[Write, Moment]] = []
        self._left = 0
        self._over = False
        self.born()

    @property
    def open(self) -> list[tuple[Write, Moment]]:
        """What is still to come."""
        return sorted(self._open)

    def born(self) -> None:
        """A new life begins."""
        self._over = False
        self._left = self._plan.choice(f"life {len(self.done)}", *self._life)

    def due(self, write: Write | None) -> Moment | None:
        """Whether, and when, this write is the operator's last."""
        if write is None or self._over:
            return None
        if write is not Write.LEASE:
            self._left -= 1
        if self._left > 0 and write not in _RARE:
            return None
        moments = [m for m in Moment if (write, m) in self._open]
        if not moments:
            return None
        first = 0 if write in _RARE else self._plan.choice(f"moment {write}", 0, 1)
        chosen = moments[first % len(moments)]
        self._open.discard((write, chosen))
        self.done.append((write, chosen))
        self._over = True
        return chosen
