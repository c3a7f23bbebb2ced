"""The shape of a runner whose items are independent: prepare → items → per-item work → finish.

A MintJob's items are not independent (one tree, one wallet), so that runner drives itself; the others have this shape.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, TypeVar

from .context import JobContext, Result
from .report import Items
from .retry import bounded

Item = TypeVar("Item")


class Steps(ABC, Generic[Item]):
    """One kind's four steps. An instance serves one run."""

    step = "work"
    """Name of the per-item step in the progress."""

    span = (10.0, 90.0)
    """Percent at which the per-item step begins and ends."""

    concurrency = 1
    """Items worked on at once."""

    def __init__(self, context: JobContext) -> None:
        self.context = context

    @abstractmethod
    async def prepare(self) -> int | None:
        """Read and check what the run needs; nothing outside may change yet. Answers the number of items, if known."""

    @abstractmethod
    def items(self) -> Iterable[Item]:
        """The items, lazily. An error it raises ends the run."""

    @abstractmethod
    async def work(self, item: Item) -> int:
        """Do one item. Answers how many of the job's items that was (an item may be a chunk of several)."""

    def share(self, done: int, total: int | None) -> float:
        """How much of the per-item work is done, 0 to 1; of an unknown number of items nobody knows."""
        return done / total if total else 0.0

    @abstractmethod
    async def finish(self) -> Result:
        """What is left to do once all items are done; the run's complete result."""


async def run_steps(steps: Steps[Item]) -> Result:
    """Run the four steps with progress, bounded concurrency and stop at safe points (between items and steps)."""
    context = steps.context
    total = await steps.prepare()
    done = 0
    begin, end = steps.span

    async def one(item: Item) -> None:
        nonlocal done
        done += await steps.work(item)
        percent = begin + (end - begin) * steps.share(done, total)
        if total:
            context.reporter.progress(percent, steps.step, f"{done} of {total}", Items(total, done))
        else:
            context.reporter.progress(percent, steps.step, f"{done} so far")

    context.stop.check()
    await bounded(steps.items(), one, limit=steps.concurrency, stop=context.stop)
    context.stop.check()
    return await steps.finish()
