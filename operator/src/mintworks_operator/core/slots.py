"""How a job stands to its queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Waiting:
    """The job could start its run `run` now, had it a slot and the exclusive keys."""

    uid: str
    run: int
    kind: str
    priority: int
    created: datetime
    name: str
    keys: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[int, datetime, str, str]:
        """Who comes first: priority 0, then the oldest, then by name."""
        return (self.priority, self.created, self.name, self.uid)


@dataclass(frozen=True)
class Holding:
    """The job's run `run` holds a slot and the exclusive keys."""

    uid: str
    run: int
    keys: tuple[str, ...] = ()


Slot = Waiting | Holding
