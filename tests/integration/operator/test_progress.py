"""Progress against a real Redis: what a tenant may write there, how often it shows, and the end of the task."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mintworks_operator.core import News
from mintworks_operator.keys import JobKey
from mintworks_operator.progress import INTERVAL, Progress
from support.polling import until
from support.redis_server import RedisServer

BOUND = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield made
    made.stop()


@pytest.fixture
def woken() -> list[tuple[JobKey, float]]:
    return []


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def progress(
    server: RedisServer, tmp_path: Path, woken: list[tuple[JobKey, float]], clock: Clock
) -> AsyncIterator[Progress]:
    server.client.flushall()
    (tmp_path / "url").write_text(f"redis://127.0.0.1:{server.port}/0\n")
    made = Progress(tmp_path / "url", lambda key, delay: woken.append((key, delay)), clock, lambda: None)
    task = asyncio.create_task(made.run())
    yield made
    assert not task.done(), "whatever was read, the task goes on"
    task.cancel()
    await asyncio.wait([task], timeout=BOUND)
    assert task.cancelled()
    await made.close()


def key(name: str) -> JobKey:
    return JobKey("MetadataJob", "ns", name)


def stream(uid: str) -> str:
    return f"mw:ns:{uid}:progress"


def percent(number: int, run: int = 1) -> Any:
    return {"data": json.dumps({"type": "progress", "run": run, "percent": number})}


def shown(progress: Progress, uid: str, run: int = 1) -> int | None:
    told = progress.news(uid, run).progress
    return None if told is None else told.percent


def a_string(server: RedisServer) -> None:
    server.client.set(stream("bad"), "x")


def not_utf8(server: RedisServer) -> None:
    server.client.xadd(stream("bad"), {"data": b"\xff\xfe"})


def brackets(server: RedisServer) -> None:
    server.client.xadd(stream("bad"), {"data": "[" * 100_000})


def another_field(server: RedisServer) -> None:
    server.client.xadd(stream("bad"), {"datum": "x"})


@pytest.mark.parametrize("harm", [a_string, not_utf8, brackets, another_field])
async def test_what_one_tenant_writes_stops_nobody_elses_progress(
    progress: Progress, server: RedisServer, harm: Callable[[RedisServer], None]
) -> None:
    harm(server)
    progress.listen("bad", key("bad"), 1)
    progress.listen("good", key("good"), 1)
    server.client.xadd(stream("good"), percent(1))
    await until(lambda: shown(progress, "good") == 1)
    await progress.catch_up("bad")
    assert progress.news("bad", 1) == News()
    server.client.delete(stream("bad"))
    server.client.xadd(stream("bad"), percent(3, run=2))
    progress.listen("bad", key("bad"), 2)
    await until(lambda: shown(progress, "bad", run=2) == 3)


async def test_progress_shows_once_in_an_interval_and_at_once_at_the_end(
    progress: Progress, server: RedisServer, woken: list[tuple[JobKey, float]], clock: Clock
) -> None:
    progress.listen("a", key("a"), 1)
    server.client.xadd(stream("a"), percent(1))
    await until(lambda: shown(progress, "a") == 1)
    assert woken[0] == (key("a"), 0.0)
    woken.clear()
    server.client.xadd(stream("a"), percent(2))
    await until(lambda: bool(woken))
    assert shown(progress, "a") == 1
    assert {delay for _, delay in woken} == {INTERVAL}
    clock.now = INTERVAL
    assert shown(progress, "a") == 2
    server.client.xadd(stream("a"), percent(3))
    await progress.catch_up("a")
    assert shown(progress, "a") == 3


async def test_inputs_show_at_once_and_only_those_of_the_kind(
    progress: Progress, server: RedisServer, woken: list[tuple[JobKey, float]]
) -> None:
    progress.listen("a", key("a"), 1)
    server.client.xadd(stream("a"), percent(1))
    await until(lambda: shown(progress, "a") == 1)
    woken.clear()
    message = {"type": "inputs", "run": 1, "inputs": {"items": 3, **{f"strange{i}": i for i in range(100)}}}
    server.client.xadd(stream("a"), {"data": json.dumps(message)})
    await until(lambda: bool(woken))
    assert woken == [(key("a"), 0.0)]
    assert progress.news("a", 1).inputs == {"items": 3}
    await progress.echo("a", {"items": 3})
    assert json.loads(str(server.client.get("mw:ns:a:inputs"))) == {"items": 3}


@pytest.mark.parametrize("moment", range(20))
async def test_a_cancellation_ends_the_task_wherever_it_meets_it(
    server: RedisServer, tmp_path: Path, moment: int
) -> None:
    """redis-py swallows one in the middle of a command."""
    (tmp_path / "url").write_text(f"redis://127.0.0.1:{server.port}/0")
    progress = Progress(tmp_path / "url", lambda key, delay: None, time.monotonic, lambda: None)
    progress.listen("a", key("a"), 1)
    task = asyncio.create_task(progress.run())
    for _ in range(moment * 3):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=BOUND)
    assert task.cancelled()
    await progress.close()


async def test_a_cancellation_ends_a_worker_whose_request_hangs(progress: Progress, server: RedisServer) -> None:
    progress.listen("a", key("a"), 1)
    message = {"type": "inputs", "run": 1, "inputs": {"items": 3}}
    server.client.xadd(stream("a"), {"data": json.dumps(message)})
    await until(lambda: bool(progress.news("a", 1).inputs))
    server.client.client_pause(1000)

    async def work() -> None:
        while True:
            await progress.catch_up("a")
            await progress.echo("a", {"items": 3})
            await progress.clean("ns", "gone")
            await asyncio.sleep(0)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task], timeout=BOUND)
    assert task.cancelled()


async def test_the_log_tells_no_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "url").write_text("redis://:s3cret/half@127.0.0.1:notaport/0")
    progress = Progress(tmp_path / "url", lambda key, delay: None, time.monotonic, lambda: None)
    task = asyncio.create_task(progress.run())
    await until(lambda: "Redis is away" in caplog.text)
    task.cancel()
    await asyncio.wait([task], timeout=BOUND)
    assert "s3cret" not in caplog.text


async def test_what_gone_jobs_left_is_swept(progress: Progress, server: RedisServer) -> None:
    for key in ("mw:a:gone:progress", "mw:a:gone:inputs", "mw:a:here:inputs", "mw:b:gone:inputs", "mw:a:ledger:x"):
        server.client.set(key, "x")
    for _ in range(200):  # until it is connected
        if await progress.sweep(["a"], lambda uid: uid == "here"):
            break
        await asyncio.sleep(0.05)
    assert {str(k) for k in server.client.keys("mw:*")} == {"mw:a:here:inputs", "mw:b:gone:inputs", "mw:a:ledger:x"}


@pytest.mark.parametrize(
    "change",
    [("operator:", "stranger:"), ("s3cret-5d1", "s3c/ret-5d1"), ("redis:", "http:"), ("127.0.0.1", "127.0.0.2")],
)
async def test_a_redis_that_cannot_be_used_is_told_of_without_its_password(
    server: RedisServer, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, change: tuple[str, str]
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"redis://operator:s3cret-5d1@127.0.0.1:{server.port}/0".replace(*change)
    (tmp_path / "url").write_text(url)
    made = Progress(tmp_path / "url", lambda _key, _delay: None, clock, lambda: None)
    task = asyncio.create_task(made.run())
    await until(lambda: "Redis is away" in caplog.text)
    task.cancel()
    await asyncio.wait([task], timeout=BOUND)
    await made.close()
    assert not any(part in caplog.text for part in ("s3cret-5d1", "s3c/", "ret-5d1"))
