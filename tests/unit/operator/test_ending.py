"""How the process ends: as soon as it is asked to, and in a bounded time, whatever a part of it does."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from mintworks_operator.operator import end, heed

ASKING = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def own_signals() -> Iterator[None]:
    """What is done with the signals afterwards is what was done before."""
    before = {number: signal.getsignal(number) for number in ASKING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


@pytest.mark.parametrize("number", ASKING)
# Python itself says that the byte is lost.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("own_signals")
async def test_a_signal_is_heard_while_the_loop_has_much_to_hear(number: signal.Signals) -> None:
    """More wake-ups than its pipe holds: each watch that begins is a few of them, and a leader begins hundreds."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    # As kopf does it.
    loop.add_signal_handler(number, lambda: None)
    heed(stop)
    for _ in range(5000):
        loop.call_soon_threadsafe(lambda: None)
    os.kill(os.getpid(), number)
    async with asyncio.timeout(10):
        await stop.wait()
