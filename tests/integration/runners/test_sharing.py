"""One request budget shared through a real Redis, with a tenant's rights, by pools that know nothing of each other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from mintworks_runners.core.protocol import Environment
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.core.tasks import end
from mintworks_runners.mint.redislink import RedisLink
from mintworks_runners.mint.rpc.endpoint import Endpoint, EndpointAwayError
from mintworks_runners.mint.rpc.pool import Pool
from mintworks_runners.mint.sharing import Sharing
from support.polling import until
from support.redis_server import RedisServer

BUDGET = 200


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    made = RedisServer(tmp_path / "redis", namespace="default").start()
    (tmp_path / "url").write_text(made.url)
    yield made
    made.stop()


@dataclass
class Node:
    """An endpoint that counts who asks; while `hushed` it answers 429 and this Retry-After."""

    url: str = ""
    asked: dict[str, int] = field(default_factory=dict)
    hushed: float | None = None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        (who,) = body["params"]
        self.asked[who] = self.asked.get(who, 0) + 1
        if self.hushed is not None:
            return web.Response(status=429, headers={"Retry-After": str(self.hushed)})
        return web.json_response({"id": body["id"], "result": 0})

    async def rates(self, seconds: float) -> dict[str, float]:
        """Requests a second by who asked, over the next so many seconds."""
        before, started = dict(self.asked), time.monotonic()
        await asyncio.sleep(seconds)
        took = time.monotonic() - started
        return {who: (count - before.get(who, 0)) / took for who, count in self.asked.items()}


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    made, app = Node(), web.Application()
    app.router.add_post("/{key}", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/secret-api-key"
    yield made
    await runner.cleanup()


@contextlib.asynccontextmanager
async def pod(node: Node, folder: Path, budget: int = BUDGET) -> AsyncIterator[Pool]:
    link = RedisLink(Environment(redis_file=folder / "url"))
    async with Pool([Endpoint(node.url, secret=True)], budget, StopSignal()) as pool, Sharing(pool, link, "default"):
        yield pool


@contextlib.asynccontextmanager
async def busy(pool: Pool, who: str) -> AsyncIterator[None]:
    """Asks as much as the budget lets it."""

    async def ask() -> None:
        while True:
            with contextlib.suppress(EndpointAwayError):
                await pool.call_one(pool.endpoints[0], "getSlot", [who], int)

    tasks = [asyncio.create_task(ask()) for _ in range(16)]
    try:
        yield
    finally:
        await end(*tasks)


async def test_pods_share_equally_and_an_idle_ones_part_goes_to_the_busy_one(
    tmp_path: Path, server: RedisServer, node: Node
) -> None:
    pods = pod(node, tmp_path), pod(node, tmp_path), pod(node, tmp_path)
    async with pods[0] as first, pods[1] as second, pods[2], busy(first, "first"):
        async with busy(second, "second"):
            await until(lambda: abs(first.bucket.rate - second.bucket.rate) < BUDGET * 0.05)
            both = await node.rates(3.0)
            assert sum(both.values()) <= BUDGET * 1.1
            assert sum(both.values()) >= BUDGET * 0.75
            assert both["first"] == pytest.approx(both["second"], rel=0.2)
        await until(lambda: first.bucket.rate > BUDGET * 0.8)
        one = await node.rates(3.0)
        assert BUDGET * 0.7 <= one["first"] <= BUDGET * 1.1
        keys = [str(key) for key in server.client.keys("*")]
        assert [key.startswith("mw:default:budget:") and "secret" not in key for key in keys] == [True]
        assert "secret" not in str(server.client.get(keys[0]))
    assert server.client.get(keys[0]) == "{}"


async def test_without_redis_all_go_on_with_equal_parts_and_share_again_when_it_is_back(
    tmp_path: Path, server: RedisServer, node: Node
) -> None:
    async with pod(node, tmp_path) as first, pod(node, tmp_path) as second, busy(first, "first"):
        await until(lambda: BUDGET * 0.9 < first.bucket.rate < BUDGET)
        server.stop()
        await until(lambda: first.bucket.rate == second.bucket.rate == BUDGET / 2)
        alone = await node.rates(2.0)
        assert BUDGET * 0.4 <= alone["first"] <= BUDGET * 0.55
        server.start()
        await until(lambda: BUDGET * 0.9 < first.bucket.rate < BUDGET)


async def test_a_run_that_begins_without_redis_has_its_own_budget(
    tmp_path: Path, server: RedisServer, node: Node
) -> None:
    server.stop()
    async with pod(node, tmp_path) as pool:
        assert pool.bucket.rate == BUDGET


async def test_a_pod_that_was_killed_leaves_its_part_to_the_others(
    tmp_path: Path, server: RedisServer, node: Node
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        pool = Pool([Endpoint(node.url, secret=True)], BUDGET, StopSignal())
        dead = Sharing(pool, RedisLink(Environment(redis_file=tmp_path / "url")), "default")
        await dead.__aenter__()
        assert dead._task is not None
        dead._task.cancel()
        living = await stack.enter_async_context(pod(node, tmp_path))
        assert living.bucket.rate < BUDGET / 2
        await until(lambda: living.bucket.rate == BUDGET)


async def test_what_one_is_told_by_429_holds_for_the_others_and_ends(
    tmp_path: Path, server: RedisServer, node: Node
) -> None:
    async with pod(node, tmp_path) as first, pod(node, tmp_path) as second:
        node.hushed = 3.0
        with pytest.raises(EndpointAwayError):
            await first.call_one(first.endpoints[0], "getSlot", ["first"], int)
        node.hushed = None
        await until(lambda: second.endpoints[0].paused_for(time.monotonic()) > 0.0, 2.5)
        assert 1.0 < second.endpoints[0].paused_for(time.monotonic()) <= 3.0
        assert second.endpoints[0].told_to_wait(time.monotonic()) == 0.0
        await until(lambda: first.endpoints[0].paused_for(time.monotonic()) == 0.0, 4.5)
        await until(lambda: second.endpoints[0].paused_for(time.monotonic()) == 0.0, 1.0)
