"""An RPC endpoint that answers what a test tells it to, over real HTTP, and pools of such endpoints."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint.rpc.endpoint import Endpoint
from mintworks_runners.mint.rpc.pool import Pool

GENESIS = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY"


class RefusalError(Exception):
    """A JSON-RPC error that a scripted answer raises."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Node:
    """One endpoint: `answers` by method, a value or a function of the parameters; `asked` lists requests, `batches`
    counts messages with several. With `single` it refuses those, with this HTTP status. `authorized` is what it was
    told as a proxy.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    batches: int = 0
    single: int | None = None
    authorized: set[str] = field(default_factory=set)

    async def handle(self, request: web.Request) -> web.Response:
        self.authorized.update(request.headers.getall("Proxy-Authorization", []))
        body = await request.json()
        if not isinstance(body, list):
            return web.json_response(self._answer(body))
        self.batches += 1
        if self.single is not None:
            return web.json_response({"error": {"code": -32600, "message": "no batches"}}, status=self.single)
        return web.json_response([self._answer(one) for one in body])

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(body["method"])
        answer = self.answers.get(body["method"])
        try:
            result = answer(*body["params"]) if callable(answer) else answer
        except RefusalError as refusal:
            return {"id": body["id"], "error": {"code": refusal.code, "message": "no"}}
        return {"id": body["id"], "result": result}

    def refuse(self, method: str, code: int) -> None:
        def no(*_: Any) -> None:
            raise RefusalError(code)

        self.answers[method] = no


@pytest.fixture
async def make_node() -> AsyncIterator[Callable[[], Any]]:
    """A function that starts a scripted endpoint of a healthy chain."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(**answers: Any) -> Node:
            node = Node({"getGenesisHash": GENESIS, "getSlot": 1000} | answers)
            app = web.Application()
            app.router.add_post("/", node.handle)
            runner = web.AppRunner(app)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            node.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            return node

        yield make


@pytest.fixture
async def open_pool() -> AsyncIterator[Callable[..., Any]]:
    """A function that opens a pool of nodes."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(*nodes: Node) -> Pool:
            endpoints = [Endpoint(node.url, secret=False) for node in nodes]
            pool = await stack.enter_async_context(Pool(endpoints, 1000, StopSignal()))
            await pool.open(None)
            return pool

        yield opened
