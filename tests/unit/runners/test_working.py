"""Retry, bounded concurrency and the cooperative stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.core.errors import Stopped
from mintworks_runners.core.retry import Backoff, bounded, retry
from mintworks_runners.core.stop import StopSignal

QUICK = Backoff(tries=3, delay=0.001)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0, 100))
def test_backoff_is_bounded(failed: int, chance: float, retry_after: float) -> None:
    rule = Backoff()
    seconds = rule.seconds(failed, chance, retry_after)
    assert retry_after <= seconds <= max(rule.cap, retry_after)
    assert seconds >= min(rule.cap, rule.delay * 2 ** min(failed - 1, 30)) * (1 - rule.jitter)


def test_backoff_doubles() -> None:
    assert [Backoff().seconds(n, 0.0) for n in range(1, 8)] == [0.25, 0.5, 1, 2, 4, 8, 8]


async def test_retry_until_it_answers() -> None:
    tries = count(1)

    async def work() -> int:
        number = next(tries)
        if number < 3:
            raise OSError("away")
        return number

    assert await retry(work, on=(OSError,), stop=StopSignal(), what="work", backoff=QUICK) == 3


async def test_retry_gives_up_with_the_last_error() -> None:
    tries = count(1)

    async def work() -> None:
        raise OSError(f"try {next(tries)}")

    with pytest.raises(OSError, match="try 3"):
        await retry(work, on=(OSError,), stop=StopSignal(), what="work", backoff=QUICK)


async def test_other_errors_pass_at_once() -> None:
    async def work() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await retry(work, on=(OSError,), stop=StopSignal(), what="work", backoff=QUICK)


async def test_a_stop_ends_the_wait_between_tries() -> None:
    stop = StopSignal()

    async def work() -> None:
        stop.set()
        raise OSError

    with pytest.raises(Stopped):
        await retry(work, on=(OSError,), stop=stop, what="work", backoff=Backoff(tries=2, delay=3600, cap=3600))


async def test_bounded_takes_endless_items_lazily_and_never_too_many() -> None:
    stop = StopSignal()
    under_way: set[int] = set()
    most = 0

    async def work(item: int) -> None:
        nonlocal most
        under_way.add(item)
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(item)
        if item == 50:
            stop.set()

    with pytest.raises(Stopped):
        await bounded(count(), work, limit=4, stop=stop)
    assert most == 4
    assert not under_way


async def test_bounded_passes_the_first_error_and_cancels_the_rest() -> None:
    cancelled = asyncio.Event()

    async def work(item: int) -> None:
        if item == 1:
            raise ValueError("item 1")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(ValueError, match="item 1"):
        await bounded(range(5), work, limit=2, stop=StopSignal())
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_bounded_passes_an_error_of_the_items() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("bad row")

    async def work(_: int) -> None:
        await asyncio.sleep(0)

    with pytest.raises(ValueError, match="bad row"):
        await bounded(items(), work, limit=2, stop=StopSignal())


async def test_race_prefers_an_answer_and_cancels_on_stop() -> None:
    stop = StopSignal()

    async def answer() -> str:
        return "yes"

    assert await stop.race(answer()) == "yes"
    endless = asyncio.ensure_future(asyncio.sleep(3600))
    asyncio.get_running_loop().call_soon(stop.set)
    with pytest.raises(Stopped):
        await stop.race(endless)
    await asyncio.wait({endless}, timeout=5)
    assert endless.cancelled()


async def test_sleep_and_breathe_notice_the_stop() -> None:
    stop = StopSignal()
    await stop.sleep(0.001)
    await stop.breathe()
    stop.set()
    with pytest.raises(Stopped):
        await stop.sleep(3600)
    with pytest.raises(Stopped):
        await stop.breathe()
