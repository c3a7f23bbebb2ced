"""A proxy in front of an HTTP service that misbehaves as told, and remembers what was asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

import aiohttp
from aiohttp import web
from yarl import URL

from support.standin import StandIn

_OF_THE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


class Fault(Enum):
    """What happens to a request."""

    BUSY = "answered 503 in the service's place"
    BROKEN = "answered 500 in the service's place"
    CUT = "its connection is closed before the service hears of it"
    LOST = "carried out, and its answer is lost"
    TRUNCATED = "carried out, and half of its answer arrives"
    SILENT = "carried out, and never answered"


@dataclass
class Rule:
    """The next `times` requests of this method whose path and query contain `part` meet the fault."""

    fault: Fault
    method: str = ""
    part: str = ""
    times: int = 1


@dataclass(frozen=True)
class Asked:
    """A request that came, with the bytes of its body that arrived."""

    method: str
    target: str
    size: int


@dataclass
class Faulty(StandIn):
    """Use it as an async context manager. `before` says of a request, by its number, whether the service shall hear of
    it; `after` hears of one that was carried out. `passed` are those that the service got.
    """

    upstream: str
    rules: list[Rule] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    passed: list[Asked] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    """Bytes of each answer that were sent on."""
    before: Callable[[int], bool] = lambda number: True
    after: Callable[[int], object] = lambda number: None

    RUNNER: ClassVar[dict[str, Any]] = {"handler_cancellation": False, "shutdown_timeout": 0.1}
    CLIENT: ClassVar[dict[str, Any]] = {"auto_decompress": False}

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{self.address}"

    def application(self) -> web.Application:
        """Any path."""
        app = web.Application(client_max_size=1 << 32)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    def carried(self, method: str, part: str) -> list[Asked]:
        """Requests of this kind that the service got, with content."""
        return [a for a in self.passed if a.method == method and part in a.target and a.size]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            content = await request.read()
        except (ConnectionError, aiohttp.ClientError, web.RequestPayloadError):
            return web.Response(status=400)
        number = len(self.asked)
        self.asked.append(Asked(request.method, request.raw_path, len(content)))
        fault = self._fault(request)
        if fault in (Fault.BUSY, Fault.BROKEN):
            return web.Response(status=503 if fault is Fault.BUSY else 500, text="misbehaving")
        if fault is Fault.CUT or not self.before(number):
            return self._closed(request)
        self.passed.append(self.asked[number])
        # Whoever asked may be gone by now: what was sent to the service is carried out all the same.
        answer = await asyncio.shield(asyncio.ensure_future(self._passed(request, content)))
        self.after(number)
        if fault is Fault.SILENT:
            await asyncio.sleep(3600)
        if fault is Fault.LOST:
            return self._closed(request)
        content = answer.body if isinstance(answer.body, bytes) else b""
        if fault is Fault.TRUNCATED:
            return await self._truncated(request, answer, content)
        self.answered.append(len(content))
        return answer

    async def _passed(self, request: web.Request, content: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_HOP}
        url = URL(f"{self.upstream}{request.raw_path}", encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=content, allow_redirects=False, skip_auto_headers=("User-Agent",)
        ) as response:
            body = await response.read()
            kept = {name: value for name, value in response.headers.items() if name.lower() not in _OF_THE_HOP}
            if request.method == "HEAD" and "Content-Length" in response.headers:
                kept["Content-Length"] = response.headers["Content-Length"]
            return web.Response(status=response.status, headers=kept, body=body)

    async def _truncated(self, request: web.Request, answer: web.Response, content: bytes) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(content)
        await response.prepare(request)
        half = content[: len(content) // 2]
        self.answered.append(len(half))
        await response.write(half)
        # A connection that ends in order: what was written still arrives.
        request.protocol.force_close()
        if request.transport is not None:
            request.transport.close()
        return response

    def _closed(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _fault(self, request: web.Request) -> Fault | None:
        for rule in self.rules:
            if rule.times and rule.method in ("", request.method) and rule.part in request.raw_path:
                rule.times -= 1
                return rule.fault
        return None
