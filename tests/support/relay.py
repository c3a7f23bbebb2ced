"""An RPC endpoint with credentials in its URL, in front of a localnet.

It passes requests on, or tells its address to all the world, as gateways do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from support.standin import StandIn

PATH_KEY = "Zk3-path-key-77aa19"
QUERY_KEY = "Qy8_query-key/5512"
PASSWORD = "Pw5-rpc-password-901"
MARKS = (PATH_KEY, QUERY_KEY, QUERY_KEY.replace("/", "%2F"), PASSWORD)
"""What nobody else may see of the URL."""


class Relay(StandIn):
    """Use it as an async context manager. `answer` may answer for the node, given the methods asked for and the relay's
    URL; None passes the request on.
    """

    def __init__(self, upstream: str, answer: Callable[[set[str], str], web.Response | None] | None = None) -> None:
        self._upstream = upstream
        self._answer = answer
        self.asked: set[str] = set()
        """Methods that were asked for with the right credentials."""
        self._heard: dict[str, asyncio.Event] = {}

    def application(self) -> web.Application:
        """Any path: the right one is checked."""
        app = web.Application()
        app.router.add_post("/{path:.*}", self._serve)
        return app

    @property
    def url(self) -> str:
        """Its URL: user info, a path and a query with keys."""
        query = QUERY_KEY.replace("/", "%2F")
        return f"http://app:{PASSWORD}@{self.address}/v2/{PATH_KEY}/?api-key={query}"

    def until_asked(self, method: str) -> asyncio.Task[bool]:
        """Done once the method was asked for."""
        event = self._heard.setdefault(method, asyncio.Event())
        if method in self.asked:
            event.set()
        return asyncio.ensure_future(event.wait())

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if (
            PATH_KEY not in request.path
            or request.query.get("api-key") != QUERY_KEY
            or not request.headers.get("Authorization")
        ):
            return web.Response(status=401, text=f"{request.url}: no such key")
        body = await request.json()
        methods = {call["method"] for call in (body if isinstance(body, list) else [body])}
        self.asked |= methods
        for method in methods & self._heard.keys():
            self._heard[method].set()
        answer = self._answer(methods, self.url) if self._answer is not None else None
        if answer is not None:
            return answer
        async with self._session.post(self._upstream, json=body) as passed:
            return web.Response(status=passed.status, body=await passed.read(), content_type="application/json")


def refusing(*refused: str) -> Callable[[set[str], str], web.Response | None]:
    """Refuses these methods by a JSON-RPC error that names the whole URL, and each of its keys alone."""

    def answer(methods: set[str], url: str) -> web.Response | None:
        if not methods & {*refused}:
            return None
        message = f"no access to {url} with {QUERY_KEY} or {PATH_KEY} of {PASSWORD}"
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32001, "message": message}}
        return web.Response(body=json.dumps(told), content_type="application/json")

    return answer


def page(status: int) -> Callable[[set[str], str], web.Response | None]:
    """Answers everything with a page that names the URL."""
    return lambda _methods, url: web.Response(status=status, text=f"<h1>{url}</h1>", headers={"X-Url": url})
