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
    `held`: it runs until `finish`), `flow` (three names, each of which waits for the next; what is asked by name as in
    `add`), `pause`, `resume`, `drain`, `clean`, `limit` (the concurrency), `started`, `finish`, `ended`, `promote`,
    `promote_all`, `retry`, `retry_all` (what failed), `stall` (what runs it is gone), `priority`, `counts`, `passed`
    (that time passes) and `idle` (it passes, and starts are counted meanwhile). Times in seconds.
    """

    name: str
    steps: Sequence[Step]
    concurrency: int = 1
    limiter: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of it: runs in the order of their starts ({job, at}, seconds), how many started in each `idle`, and of
    each job its end (completed, failed or removed) and the attempts that counted. `counts`: jobs by state, at each
    `counts` and at the end.
    """

    starts: Sequence[Mapping[str, Any]]
    quiet: Sequence[int]
    ends: Mapping[str, str]
    counts: Sequence[Mapping[str, int]]
    attempts: Mapping[str, int] = field(default_factory=dict)

    @property
    def order(self) -> list[str]:
        """Whose runs started, in order."""
        return [start["job"] for start in self.starts]

    @property
    def times(self) -> list[float]:
        """When runs started."""
        return [start["at"] for start in self.starts]

    def gaps(self) -> list[float]:
        """Seconds between each start and the next."""
        return [after - before for before, after in pairwise(self.times)]


def play(port: int, scenarios: Sequence[Scenario]) -> list[Outcome]:
    """Plays them on BullMQ, side by side, on the Redis at this port."""
    asked = {"port": port, "scenarios": [asdict(scenario) for scenario in scenarios]}
    return [Outcome(**told) for told in node.run(node.install("bullmq", _SOURCE), "play.mjs", asked)]
