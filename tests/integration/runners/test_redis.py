"""The Redis channel against a real server with a tenant's rights: the stream, the echo, and a server that goes away."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mintworks_runners.core.channel import RedisChannel, open_channel, open_redis
from mintworks_runners.core.protocol import RunSpec
from mintworks_runners.core.report import Items, Reporter
from mintworks_runners.core.stop import StopSignal
from support.polling import until
from support.redis_server import RedisServer
from support.runs import Run
from support.specs import METADATA

STREAM = "mw:default:uid-1:progress"
ECHO = "mw:default:uid-1:inputs"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path / "redis", namespace="default").start()
    yield made
    made.stop()


@pytest.fixture
def run(tmp_path: Path, server: RedisServer) -> Run:
    made = Run(tmp_path, "MetadataJob", {**METADATA, "storage": None}, redis_url=server.url, with_channel=False)
    made.mount("rows/rows.csv", "name,image_filename\nOne,1.png\n")
    return made


def said(server: RedisServer) -> list[dict[str, Any]]:
    entries: Any = server.client.xrange(STREAM)
    return [json.loads(fields["data"]) for _, fields in entries]


def reporter(run: Run, interval: float = 0.02) -> Reporter:
    run.context()
    environment = run.environment
    channel = open_channel(environment, RunSpec.read(environment.spec))
    assert isinstance(channel, RedisChannel)
    return Reporter(channel, run=1, interval=interval)


async def test_a_job_tells_its_inputs_and_progress(run: Run, server: RedisServer) -> None:
    assert await run.here() == 0
    messages = said(server)
    result = run.termination["result"]
    assert [m["inputs"] for m in messages if m["type"] == "inputs"] == [
        {name: result[name] for name in ("rowsSha256", "items", "cid")}
    ]
    assert (messages[-1]["percent"], messages[-1]["run"]) == (100, 1)
    assert 6 * 24 * 3600 < int(str(server.client.ttl(STREAM))) <= 7 * 24 * 3600


async def test_the_stream_is_bounded(run: Run, server: RedisServer) -> None:
    channel = RedisChannel(run.environment, RunSpec.parse(run.document))
    for number in range(1000):
        await channel.send({"type": "progress", "run": 1, "percent": number})
    await channel.close()
    messages = said(server)
    assert messages[-1]["percent"] == 999
    assert len(messages) <= 250


async def test_the_echo_ends_the_wait(run: Run, server: RedisServer) -> None:
    async with reporter(run) as voice:
        waiting = asyncio.ensure_future(voice.wait_for_echo({"genesis": "g", "firstSlot": 5}, stop=StopSignal()))
        await until(lambda: any(m.get("inputs") == {"genesis": "g", "firstSlot": 5} for m in said(server)))
        assert not waiting.done()
        server.client.set(ECHO, json.dumps({"genesis": "g", "firstSlot": 5, "items": 3}))
        await asyncio.wait_for(waiting, 10)


async def test_a_server_that_comes_back_empty_hears_inputs_and_progress(run: Run, server: RedisServer) -> None:
    server.stop()
    async with reporter(run) as voice:
        waiting = asyncio.ensure_future(voice.wait_for_echo({"genesis": "g"}, stop=StopSignal()))
        voice.progress(40, "mint", "40 of 100", Items(100, 40))
        await asyncio.sleep(0.2)
        server.start()
        await until(lambda: {m["type"] for m in said(server)} == {"inputs", "progress"})
        server.client.set(ECHO, json.dumps({"genesis": "g"}))
        await asyncio.wait_for(waiting, 10)


@pytest.mark.parametrize("when", ["before", "blackhole"])
async def test_a_content_job_does_not_need_redis(run: Run, server: RedisServer, when: str) -> None:
    if when == "before":
        server.stop()
    else:
        server.client.client_pause(60_000)
    begin = time.monotonic()
    assert await run.here() == 0
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize("url", ["redis://tenant:pa/s3cret@127.0.0.1:1/0", "nonsense", "", "http://[", "redis://h:x/"])
async def test_a_file_without_a_url_is_redis_away(run: Run, url: str) -> None:
    """The parser's error once ended the run, and quoted parts of the password in the job's status."""
    run.redis_url = url or " "
    assert await run.here() == 0
    assert (run.root / "redis-url").read_text() == run.redis_url


async def test_no_file_means_no_redis(run: Run) -> None:
    (run.root / "redis-url").unlink()
    run.redis_url = None
    assert await run.here() == 0
    assert open_redis(run.environment) is None


async def test_a_new_password_is_read_on_the_way(run: Run, server: RedisServer) -> None:
    channel = RedisChannel(run.environment, RunSpec.parse(run.document))
    await channel.send({"type": "progress", "run": 1, "percent": 1})
    server.client.acl_setuser("tenant", enabled=True, reset_passwords=True, passwords="+fresh")
    server.client.client_kill_filter(user="tenant", skipme=True)
    run.redis_url = server.url.replace("s3cret", "fresh")
    async with reporter(run) as voice:
        voice.progress(2, "x")
    async with Reporter(channel, run=1, interval=0.02) as voice:
        voice.progress(3, "x")
        await until(lambda: any(m["percent"] == 3 for m in said(server)))
