"""A receiver of webhooks on this machine, whose answers a test lays down."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

#: Answers for ever slowly: an answer that a receiver never finishes.
HANGS = -1
#: A head that goes on for ever.
ENDLESS = -2


@dataclass
class Call:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The header webhook-id."""
        return self.headers["webhook-id"]

    def signed_by(self, secret: str) -> bool:
        """Whether one of its signatures is by that secret, at whatever time the sender's clock shows."""
        moment = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        signature = Webhook(secret).sign(self.id, moment, self.body.decode())
        return signature in self.headers["webhook-signature"].split(" ")


@dataclass
class Receiver:
    """`answers` by path are used up in turn, the last one stays: an HTTP status, HANGS or ENDLESS. Default: 204."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    heard: Callable[[Call], None] = lambda _: None

    def at(self, path: str) -> list[Call]:
        """The calls of that path."""
        return [call for call in self.calls if call.path == path]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Note the request and answer it."""
        call = Call(request.path, {k.lower(): v for k, v in request.headers.items()}, await request.read())
        self.calls.append(call)
        self.heard(call)
        queue = self.answers.get(call.path) or [204]
        code = queue.pop(0) if len(queue) > 1 else queue[0]
        if code == HANGS:
            await asyncio.sleep(600)
        if code == ENDLESS:
            response = web.StreamResponse(headers={"Set-Cookie": "a=b"})
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65536)
        return web.Response(status=code, headers={"Set-Cookie": "a=b", **self.headers.get(call.path, {})})


@contextmanager
def receiving(host: str = "127.0.0.1", trust: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run one in a thread of its own; it is gone afterwards."""
    receiver, ready, loop = Receiver(), threading.Event(), asyncio.new_event_loop()

    async def begin() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{any:.*}", receiver.serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site: Any = web.TCPSite(runner, host, 0, ssl_context=trust)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        receiver.url = f"http{'s' if trust else ''}://{f'[{host}]' if ':' in host else host}:{port}"
        return runner

    def work() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(begin())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
