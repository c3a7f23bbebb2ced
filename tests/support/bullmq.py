"""Scenarios of a queue, and npm's bullmq that plays them on a real Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from support import node

_SOURCE = Path(__file__).parent / "bullmq_js"

#: The name of a step, and what it is given.
Step = tuple[Any, ...]


@dataclass(frozen=True)
class Scenario:
    """What people and workers do to one queue.

    Steps are `add` (a name; priority, delay, attempts, backoff {type, delay}; how many runs `fails`; `bad`: for good;
    `held`: it runs until `finish`), `pause`, `resume`, `drain`, `started`, `finish`, `ended`, `promote`, `retry`,
    `priority`, `passed` (that time passes) and `idle` (it passes, and starts are counted meanwhile). Times in seconds.
    """

    name: str
    steps: Sequence[Step]
    concurrency: int = 1
    limiter: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it: runs in the order of their starts ({job, at}, seconds), how many started in each `idle`, and of
    each job its end (completed, failed or removed) and the attempts that counted. `let`: when runs were let start,
    where that is told apart from when their processes did.
    """

    starts: Sequence[Mapping[str, Any]]
    quiet: Sequence[int]
    ends: Mapping[str, str]
    attempts: Mapping[str, int] = field(default_factory=dict)
    let: Sequence[float] = ()

    @property
    def order(self) -> list[str]:
        """Whose runs started, in order."""
        return [start["job"] for start in self.starts]

    @property
    def times(self) -> list[float]:
        """When runs started, as early as is known."""
        return sorted(self.let) or [start["at"] for start in self.starts]

    def gaps(self) -> list[float]:
        """Seconds between each start and the next."""
        times = [start["at"] for start in self.starts]
        return [after - before for before, after in pairwise(times)]


def play(port: int, scenarios: Sequence[Scenario]) -> list[Outcome]:
    """Plays them on BullMQ, side by side, on the Redis at this port."""
    asked = {"port": port, "scenarios": [asdict(scenario) for scenario in scenarios]}
    return [Outcome(**told) for told in node.run(node.install("bullmq", _SOURCE), "play.mjs", asked)]
