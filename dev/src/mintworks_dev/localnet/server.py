"""The sockets of a localnet: JSON-RPC for clients, an admin path for tests, and the clock that ends slots."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from pydantic import ValidationError

from mintworks_dev.localnet.rpc.dispatch import answer
from mintworks_dev.localnet.rpc.node import Node
from mintworks_dev.localnet.world import Settings, World

_MAX_BODY = 16 * 1024 * 1024


class Server:
    """A localnet in this process; `async with` starts and stops it. Ports of 0 are chosen by the system."""

    def __init__(self, settings: Settings, host: str, port: int, twin_port: int | None = None) -> None:
        self._settings = settings
        self._host = host
        self._wanted = (port, twin_port)
        self._runners: list[web.AppRunner] = []
        self._ticker: asyncio.Task[None] | None = None
        self.port = port
        self.twin_port = twin_port

    async def __aenter__(self) -> Self:
        """Opens the chain and the sockets."""
        self.world = World(self._settings, time.time)
        port, twin_port = self._wanted
        try:
            self.port = await self._serve(self.world.primary, port)
            if twin_port is not None:
                self.twin_port = await self._serve(self.world.twin, twin_port)
        except BaseException:
            await self._close()
            raise
        self._ticker = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes both."""
        await self._close()

    async def wait(self) -> None:
        """Ends only by an error, in which no slot ends any more."""
        if self._ticker:
            await self._ticker

    async def _close(self) -> None:
        if self._ticker:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        for runner in self._runners:
            await runner.cleanup()
        self.world.close()

    async def _serve(self, node: Node, port: int) -> int:
        endpoint = Endpoint(self.world, node)
        runner = web.AppRunner(endpoint.application(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, self._host, port).start()
        return int(runner.addresses[0][1])

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self.world.slot_seconds
        while True:
            await asyncio.sleep(max(due - loop.time(), 0))
            self.world.tick()
            # a slot that took too long moves all later ones: slots never come faster than their time
            due = max(due, loop.time() - self.world.slot_seconds) + self.world.slot_seconds


class Endpoint:
    """One port: the RPC of one node, with the node's faults, and the admin path."""

    def __init__(self, world: World, node: Node) -> None:
        self._world = world
        self._node = node
        self._tokens = 1.0
        self._refilled = time.monotonic()

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_post("/", self._rpc)
        app.router.add_get("/health", self._health)
        app.router.add_get("/faults", self._show_faults)
        app.router.add_post("/faults", self._set_faults)
        app.router.add_get("/chain", self._show_chain)
        app.router.add_post("/chain/advance", self._advance)
        app.router.add_post("/chain/fork", self._fork)
        return app

    async def _rpc(self, request: web.Request) -> web.Response:
        faults = self._node.faults
        if faults.dead:
            return _hang_up(request)
        body = await request.read()
        if self._limited():
            message = {"jsonrpc": "2.0", "error": {"code": 429, "message": "Too many requests"}, "id": None}
            headers = {"Retry-After": str(faults.retry_after)}
            return web.json_response(message, status=429, headers=headers)
        self._node.now = self._world.now()
        reply, methods = answer(self._node, body)
        if faults.delay_ms:
            await asyncio.sleep(faults.delay_ms / 1000)
        lossy = any(method in faults.lost_methods for method in methods)
        if lossy and self._world.dice.strikes(faults.lost_replies):
            return _hang_up(request)
        return web.Response(body=reply, content_type="application/json")

    def _limited(self) -> bool:
        faults = self._node.faults
        if self._world.dice.strikes(faults.rate_limited):
            return True
        rate = faults.requests_per_second
        if rate is None:
            return False
        now = time.monotonic()
        self._tokens = min(self._tokens + (now - self._refilled) * rate, max(rate, 1.0))
        self._refilled = now
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _show_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._world.faults.model_dump())

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            faults = self._world.set_faults(await _object(request))
        except ValidationError as error:
            return web.json_response({"errors": error.errors(include_url=False)}, status=400)
        return web.json_response(faults.model_dump())

    async def _show_chain(self, _: web.Request) -> web.Response:
        return self._chain_json()

    async def _advance(self, request: web.Request) -> web.Response:
        slots = (await _object(request)).get("slots")
        if not isinstance(slots, int) or not 1 <= slots <= 10_000_000:
            return web.json_response({"error": "slots is a number from 1 to 10000000"}, status=400)
        self._world.advance(slots)
        return self._chain_json()

    async def _fork(self, request: web.Request) -> web.Response:
        wanted = await _object(request)
        slots, fate = wanted.get("slots"), wanted.get("transactions", "retry")
        if not isinstance(slots, int) or not 1 <= slots <= 32 or fate not in ("retry", "vanish"):
            message = "slots is a number from 1 to 32, transactions is retry or vanish"
            return web.json_response({"error": message}, status=400)
        dropped = self._world.fork(slots, keep=fate == "retry")
        return self._chain_json(dropped=dropped)

    def _chain_json(self, **more: int) -> web.Response:
        chain = self._world.chain
        finalized = chain.view("finalized").slot
        shown: dict[str, Any] = {"slot": chain.slot, "height": chain.height, "finalized": finalized}
        return web.json_response({**shown, "transactions": chain.transactions, **more})


def _hang_up(request: web.Request) -> web.Response:
    """Cuts the connection: the client cannot know whether its request was carried out."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="a JSON object is needed")
    return value
