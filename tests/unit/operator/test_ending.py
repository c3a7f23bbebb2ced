"""How the process ends: in a bounded time, whatever a part of it does."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest
from mintworks_operator.operator import end


async def fails() -> None:
    raise ValueError("once")


async def deaf(heard: asyncio.Event) -> None:
    """It takes the first cancellation for something else, as a wait that ends at that moment does."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    heard.set()
    await asyncio.Event().wait()


async def test_a_part_that_does_not_hear_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    heard = asyncio.Event()
    tasks = [asyncio.create_task(part) for part in (deaf(heard), fails(), asyncio.sleep(3600))]
    await asyncio.sleep(0)
    begun = time.monotonic()
    await end(tasks, 0.2)
    assert heard.is_set()
    assert time.monotonic() - begun < 10
    assert [task.done() for task in tasks] == [False, True, True]
    assert "deaf" in caplog.text
    await end(tasks, 10)
    assert tasks[0].cancelled()


async def test_where_nothing_goes_on_nothing_is_waited_for() -> None:
    await end([], 3600)
