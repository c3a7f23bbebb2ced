"""Ending tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any

REPEAT_SECONDS = 0.2


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks and returns when all have ended; what they raise is dropped.

    The cancellation is repeated: redis-py turns one that meets it in the middle of a command into an error of the
    connection, which is then handled as such, and the task goes on as if nobody had wanted it to end.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=REPEAT_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()
