"""10,000 items by several pods at once, over a Redis that forgets, goes back, or cannot be reached by one of them.

Real processes with the real lease of 20 seconds. Each test reads the chain itself; `--fault-seed` draws other moments.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.drop import ITEMS, Drop, large, second_pod, unhurried
from support.link import Link
from support.minting import DONE, NOT_FINISHED, Minter
from support.polling import until
from support.redis_server import RedisServer

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def drop(tmp_path: Path, redis_server: RedisServer, fault_seed: int) -> AsyncIterator[Drop]:
    minter = Minter()
    async with minter.localnet(fault_seed=fault_seed) as net:
        job = unhurried(large(tmp_path / "job", minter, net, [net.url]))
        drop = Drop(net, minter, job, random.Random(fault_seed))
        drop.job.run.redis_url = redis_server.url
        yield drop


def session(server: RedisServer) -> object:
    """Who holds the lease."""
    keys = [*server.client.scan_iter("mw:default:lease:*")]
    return server.client.get(keys[0]) if keys else None


async def test_redis_wiped(drop: Drop, redis_server: RedisServer) -> None:
    process = await drop.job.start()
    for done in (1, 3_000, 6_000):
        await drop.job.until_done(done)
        redis_server.client.flushall()
    assert await drop.job.finish(process) == DONE, drop.job.log()
    await drop.job.check(drop.net.url)


async def test_two_pods_at_once(drop: Drop, tmp_path: Path) -> None:
    other = second_pod(tmp_path / "other", drop)
    first, second = await drop.job.start(), await other.start()
    ends = await asyncio.gather(drop.job.finish(first), other.finish(second))
    assert DONE in ends
    assert {*ends} <= {DONE, NOT_FINISHED}
    runs = (drop.job, other)
    minted = [job.run.termination["result"]["minted"] for job, end in zip(runs, ends, strict=True) if end == DONE]
    assert minted[0] in (0, ITEMS)
    assert max(minted) == ITEMS
    drop.job.frozen = drop.job.frozen or other.frozen
    await drop.job.check(drop.net.url)


async def test_redis_restored_to_a_moment_ago_with_two_live_pods(
    drop: Drop, tmp_path: Path, redis_server: RedisServer
) -> None:
    """Restored to just before the first pod took the lease, while it mints: the second one takes it, too."""
    redis_server.save()
    drop.net.faults(network={"late": 0.3, "late_slots": (1, 140)})
    first = await drop.job.start()
    await drop.job.until_done(500)
    other = second_pod(tmp_path / "other", drop)
    second = await other.start()
    await other.until_step("prepare")
    before = session(redis_server)
    # The first one is held up, so that the second is sure to come first; then it goes on, and believes in its lease.
    first.send_signal(signal.SIGSTOP)
    await asyncio.to_thread(redis_server.stop)
    await asyncio.to_thread(redis_server.start)
    await until(lambda: session(redis_server) is not None, 180)
    first.send_signal(signal.SIGCONT)
    assert session(redis_server) != before
    assert await drop.job.finish(first) == NOT_FINISHED
    assert drop.job.run.termination["reason"] == "LeaseHeld"
    drop.net.faults(network={"late": 0})
    assert await other.finish(second) == DONE, other.log()
    assert 500 < other.progress()["items"]["already"] < ITEMS
    await other.check(drop.net.url)


async def test_cut_off_from_redis_and_not_from_the_chain(drop: Drop, tmp_path: Path, redis_server: RedisServer) -> None:
    """The first pod mints on for the rest of its lease; the second takes over; the first finds all done."""
    other = second_pod(tmp_path / "other", drop)
    async with Link(redis_server.port) as link:
        drop.job.run.redis_url = f"redis://127.0.0.1:{link.port}/0"
        # Slow enough to have much left when its lease ends.
        unhurried(drop.job, 25)
        first = await drop.job.start()
        await drop.job.until_done(200)
        other.frozen = drop.job.frozen
        link.cut()
        second = await other.start()
        assert await other.finish(second) == DONE, other.log()
        assert 200 < other.progress()["items"]["already"] < ITEMS, "one of the two minted nothing"
        link.mend()
        assert await drop.job.finish(first) == DONE, drop.job.log()
    await other.check(drop.net.url)
