"""Cooperative stop: SIGTERM sets an event; whoever works looks at it between two safe points."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from typing import Final, TypeVar

from .errors import Stopped

GRACE_SECONDS: Final = 5.0
"""The protocol's bound between SIGTERM and the exit."""

Answer = TypeVar("Answer")


class StopSignal:
    """An event that says: take no new work, flush, end with `Stopped`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ask for the stop. Safe to call again; call it from the event loop's thread."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the stop was asked for."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Stopped where the stop was asked for: call it at safe points."""
        if self.is_set:
            raise Stopped

    async def wait(self) -> None:
        """Return once the stop is asked for."""
        await self._event.wait()

    async def breathe(self) -> None:
        """Let others run for a moment (signals, the reporter) inside a long computation, then check."""
        await asyncio.sleep(0)
        self.check()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but raise Stopped as soon as the stop is asked for."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return
        raise Stopped

    async def race(self, work: Awaitable[Answer]) -> Answer:
        """The answer of `work`; where the stop comes first, `work` is cancelled and Stopped raised."""
        task = asyncio.ensure_future(work)
        waiter = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise Stopped
        finally:
            waiter.cancel()
            task.cancel()

    def on_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let SIGTERM and SIGINT (Ctrl-C in a local run) ask for the stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.set)
