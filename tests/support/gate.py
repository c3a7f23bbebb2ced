"""A gate between an operator and the API server: it counts requests, holds some back, refuses some, or lets none pass.

What it has held is sent on when the test says so, whether or not its sender still lives: so a request arrives late.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

Json = dict[str, Any]

#: Headers that speak of one connection.
_OWN = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True)
class Request:
    """What came to the gate: `path` without the query, the answer's status (0: none yet)."""

    method: str
    path: str
    query: str
    body: str
    status: int = 0


Choice = Callable[[Request], bool]


def choice(method: str, part: str) -> Choice:
    """Requests of that method whose path holds that part."""
    return lambda request: request.method == method and part in request.path


@dataclass
class Held:
    """A request that was held back, the first that `chosen` chose; or, where `after` is set, the answer to it."""

    chosen: Choice
    after: bool = False
    came: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    answered: Future[int] = field(default_factory=Future)
    taken: bool = False

    def wait(self, seconds: float = 40) -> None:
        """Until the request is here."""
        assert self.came.wait(seconds), "no such request came"

    def release(self, seconds: float = 20) -> int:
        """Send it on; the status of the API server's answer."""
        self.go.set()
        return self.answered.result(seconds)


class Gate:
    """Serves plain HTTP on a port of its own; `kubeconfig` leads there. Use it as a context manager."""

    def __init__(self, upstream: Path, folder: Path) -> None:
        config = yaml.safe_load(upstream.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._server = cluster["server"]
        self._ssl = _context(cluster, user, folder)
        self.kubeconfig = folder / "gate.kubeconfig"
        self._config = config
        #: What was answered.
        self.requests: list[Request] = []
        #: What came, and when by the monotonic clock, whether or not it got further.
        self.arrived: list[tuple[float, Request]] = []
        self._holds: list[Held] = []
        #: Objects in a page of a LIST, where it is to be fewer than what was asked for.
        self.page: int | None = None
        self._refusals: list[tuple[Choice, int]] = []
        self._open = threading.Event()
        self._open.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(20)
        self._config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
        self.kubeconfig.write_text(yaml.safe_dump(self._config))
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    # --- what a test does ---------------------------------------------------------------------------------------------

    def hold(self, chosen: Choice, *, after: bool = False) -> Held:
        """Hold the next such request back; with `after` it is carried out, and the answer held back."""
        held = Held(chosen, after)
        self._holds.append(held)
        return held

    def refuse(self, chosen: Choice, status: int) -> None:
        """Answer such requests with that status, from now on."""
        self._refusals.append((chosen, status))

    def relent(self) -> None:
        """Refuse nothing any more."""
        self._refusals.clear()

    def cut(self) -> None:
        """Let nothing pass: no answer, no event, no error, as when a network swallows packets."""
        self._open.clear()

    def mend(self) -> None:
        """Let all pass again."""
        self._open.set()

    def count(self, chosen: Choice = lambda _: True) -> int:
        """Requests so far."""
        return sum(1 for request in list(self.requests) if chosen(request))

    # --- the server ---------------------------------------------------------------------------------------------------

    async def _serve(self) -> int:
        connector = aiohttp.TCPConnector(ssl=self._ssl, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(), auto_decompress=False
        )
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def _close(self) -> None:
        self._open.set()
        for held in self._holds:
            held.go.set()
        await self._runner.cleanup()
        await self._session.close()

    async def _pass(self, incoming: web.Request) -> web.StreamResponse:
        body = await incoming.read()
        request = Request(incoming.method, incoming.path, incoming.query_string, body.decode())
        self.arrived.append((time.monotonic(), request))
        await _until(self._open)
        for chosen, status in self._refusals:
            if chosen(request):
                self.requests.append(replace(request, status=status))
                return web.json_response({"kind": "Status", "code": status, "message": "by the gate"}, status=status)
        held = next((h for h in self._holds if not h.taken and h.chosen(request)), None)
        if held is not None:
            held.taken = True
        if held is not None and not held.after:
            held.came.set()
        # Of its own: it goes on when the sender is gone.
        sent = asyncio.ensure_future(self._send(incoming, body, held))
        answer = await asyncio.shield(sent)
        self.requests.append(replace(request, status=answer.status))
        return await self._give(incoming, answer)

    async def _send(self, incoming: web.Request, body: bytes, held: Held | None) -> aiohttp.ClientResponse:
        if held is not None and not held.after:
            await _until(held.go)
        headers = {name: value for name, value in incoming.headers.items() if name.lower() not in _OWN}
        url = f"{self._server}{incoming.raw_path}"
        if self.page is not None:
            url = re.sub(r"([?&]limit=)\d+", rf"\g<1>{self.page}", url)
        answer = await self._session.request(
            incoming.method, URL(url, encoded=True), data=body or None, headers=headers
        )
        if held is not None and held.after:
            held.came.set()
            await _until(held.go)
        if held is not None:
            held.answered.set_result(answer.status)
        return answer

    async def _give(self, incoming: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        try:
            headers = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
            made = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
            await made.prepare(incoming)
            async for part in answer.content.iter_any():
                await _until(self._open)
                await made.write(part)
            await _until(self._open)
            await made.write_eof()
        finally:
            answer.close()
        return made


async def _until(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 (another thread sets it)
        await asyncio.sleep(0.02)


def _context(cluster: Json, user: Json, folder: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(_file(cluster, "certificate-authority", folder)))
    if "client-certificate" in user or "client-certificate-data" in user:
        made.load_cert_chain(_file(user, "client-certificate", folder), _file(user, "client-key", folder))
    return made


def _file(where: Json, name: str, folder: Path) -> Path:
    if name in where:
        return Path(where[name])
    path = folder / name
    path.write_bytes(base64.b64decode(where[f"{name}-data"]))
    return path
