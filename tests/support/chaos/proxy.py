"""The proxy: plain HTTP towards the operator, TLS with a client certificate towards the API server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from .asked import Asked, parse
from .kills import Kills, Moment
from .plan import Fate, Fault, Faults, WatchFate, WatchFault

#: Longer than any client waits.
NEVER = 3600.0
#: Lists come in pages of at most this many objects, so that there are pages to expire.
PAGE = 100
#: An event of a watch is a line, and may be as long as an object.
LONGEST_LINE = 1 << 22

_ANSWERS = {
    Fault.CONFLICT: (409, "Conflict"),
    Fault.INVALID: (422, "Invalid"),
    Fault.THROTTLED: (429, "TooManyRequests"),
    Fault.ERROR: (500, "InternalError"),
    Fault.UNAVAILABLE: (503, "ServiceUnavailable"),
    Fault.EXPIRED_PAGE: (410, "Expired"),
}
_KEPT = {"Content-Type", "Accept", "Authorization", "User-Agent"}


class Proxy:
    """Forwards to the API server at `server` what the plan lets through.

    `kill` ends the operator at once. `injected` counts faults by kind, `requests` what was asked by subject.
    """

    def __init__(
        self, server: str, context: ssl.SSLContext, plan: Faults, kills: Kills, kill: Callable[[], None]
    ) -> None:
        self._server = server
        self._context = context
        self._plan = plan
        self._kills = kills
        self._kill = kill
        self._events: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.url = ""

    async def __aenter__(self) -> Proxy:
        connector = aiohttp.TCPConnector(ssl=self._context, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._client = aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=LONGEST_LINE)
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # A client that goes away ends what is done for it.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._client.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = parse(request.method, request.path, request.query, body)
        number = self.requests[asked.subject]
        self.requests[asked.subject] += 1
        if asked.watch:
            return await self._watch(request, asked)
        last = self._kills.due(asked.write)
        if last is not None:
            if last is Moment.AFTER:
                await self._forward(request, body)
            self._kill()
            return _cut(request)
        fate = self._plan.request(asked.subject, number, write=asked.write is not None, page=asked.further_page)
        if fate is not None:
            self.injected[fate.fault] += 1
        return await self._carry_out(request, body, fate)

    async def _carry_out(self, request: web.Request, body: bytes, fate: Fate | None) -> web.StreamResponse:
        fault = fate.fault if fate is not None else None
        if fate is not None and fault is Fault.DELAY:
            await asyncio.sleep(fate.seconds)
        if fault is Fault.CUT_BEFORE:
            return _cut(request)
        if fate is not None and fault in _ANSWERS:
            return _answer(fate)
        response = await self._forward(request, body)
        if fault is Fault.NO_ANSWER:
            await asyncio.sleep(NEVER)
        return _cut(request) if fault is Fault.CUT_AFTER else response

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        async with self._ask(request, body) as answer:
            content = await answer.read()
            headers = {name: value for name, value in answer.headers.items() if name in _KEPT | {"Retry-After"}}
            return web.Response(status=answer.status, body=content, headers=headers)

    def _ask(self, request: web.Request, body: bytes) -> Any:
        query = dict(request.query)
        if "limit" in query:
            query["limit"] = str(PAGE)
        headers = {name: value for name, value in request.headers.items() if name in _KEPT}
        url = f"{self._server}{request.path}"
        return self._client.request(request.method, url, params=query, data=body or None, headers=headers)

    async def _watch(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        async with self._ask(request, b"") as answer:
            if answer.status != 200:
                return web.Response(status=answer.status, body=await answer.read(), content_type="application/json")
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                await self._events_of(request, asked, answer.content, response)
            return response

    async def _events_of(
        self, request: web.Request, asked: Asked, lines: aiohttp.StreamReader, response: web.StreamResponse
    ) -> None:
        async for line in lines:
            fate = None if b'"type":"BOOKMARK"' in line[:40] else self._next(asked)
            if fate is None:
                await response.write(line)
                continue
            self.injected[fate.fault] += 1
            if fate.fault is WatchFault.SKIPPED:
                continue
            if fate.fault is WatchFault.LATE:
                await asyncio.sleep(fate.seconds)
                await response.write(line)
            elif fate.fault is WatchFault.CLOSED:
                return
            elif fate.fault is WatchFault.CUT:
                _cut(request)
                return
            else:
                # What happens meanwhile is in no watch: neither in this one nor in the next, which starts with a list.
                await asyncio.sleep(fate.seconds)
                gone = {"type": "ERROR", "object": _status(410, "Expired")}
                await response.write(json.dumps(gone).encode() + b"\n")
                return

    def _next(self, asked: Asked) -> WatchFate | None:
        number = self._events[asked.subject]
        self._events[asked.subject] += 1
        return self._plan.event(asked.subject, number)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _status(code: int, reason: str) -> dict[str, Any]:
    message = f"Injected by the fault proxy: {code} {reason}."
    told = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**told, "message": message, "reason": reason, "code": code}


def _answer(fate: Fate) -> web.Response:
    code, reason = _ANSWERS[fate.fault]
    headers = {"Retry-After": f"{fate.seconds:.0f}"} if fate.fault is Fault.THROTTLED else {}
    return web.json_response(_status(code, reason), status=code, headers=headers)
