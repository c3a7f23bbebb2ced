"""Retry with exponential backoff and jitter for IO inside one attempt, and bounded concurrency."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from .stop import StopSignal

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Wait before try n+1: delay·2^(n−1) seconds, at most `cap`, shortened by up to `jitter` (0..1) of itself.

    `tries` counts the first one. A `retry_after` that the other side asked for is a lower bound.
    """

    tries: int = 5
    delay: float = 0.25
    cap: float = 8.0
    jitter: float = 0.5

    def seconds(self, failed: int, chance: float, retry_after: float = 0.0) -> float:
        """Seconds to wait after `failed` tries (≥ 1) for a random number `chance` in [0, 1)."""
        full = min(self.cap, self.delay * 2.0 ** min(failed - 1, 32))
        return max(retry_after, full * (1.0 - self.jitter * chance))


class Passing(Exception):  # noqa: N818 - a state of the other side, not an error of ours
    """Not now: a network's error, or a busy server's answer. `wait`: seconds that the server asked for, if any."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


async def retry(
    work: Callable[[], Awaitable[Answer]],
    *,
    on: tuple[type[Exception], ...],
    stop: StopSignal,
    what: str,
    backoff: Backoff | None = None,
    chance: Callable[[], float] = random.random,
) -> Answer:
    """Call `work` until it answers; errors of the types `on` are tried again, others pass at once.

    The last error passes when the tries are used up; Stopped is raised where the stop comes during a wait.
    """
    rule = backoff or Backoff()
    for failed in range(1, rule.tries):
        try:
            return await work()
        except on as error:
            wait = rule.seconds(failed, chance(), error.wait if isinstance(error, Passing) else 0.0)
            log.warning("%s failed, next try in %.2f s", what, wait, extra={"error": repr(error), "try": failed})
            await stop.sleep(wait)
    return await work()


async def bounded(
    items: Iterable[Item], work: Callable[[Item], Awaitable[None]], *, limit: int, stop: StopSignal
) -> None:
    """Do `work` on every item, at most `limit` at once; items are taken only as room appears, so they may be endless.

    The first error ends it: nothing new is taken, what is under way is cancelled, the error passes. On stop nothing
    new is taken, what is under way ends by itself, then Stopped is raised.
    """
    running: set[asyncio.Task[None]] = set()
    try:
        for item in items:
            if stop.is_set:
                break
            running.add(asyncio.ensure_future(work(item)))
            if len(running) >= limit:
                running = await _some_done(running)
        while running:
            running = await _some_done(running)
        stop.check()
    finally:
        for task in running:
            task.cancel()


async def _some_done(running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    done, rest = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return rest
