"""/healthz: fails when the work loop is stuck, and so has the pod restarted. /readyz: fails also while the cache fills.

A server of our own instead of kopf's: a replica that waits for the Lease runs no kopf yet, and must not be killed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web

log = logging.getLogger(__name__)

#: Seconds without a pass, though one is asked for every few seconds, after which the loop counts as stuck.
STALE = 60.0


class Health:
    """The heartbeat and the server that tells of it. `clock` is in seconds and only grows."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._beat: float | None = None
        #: Whether the leader is still listing the cluster: alive, not ready.
        self.filling = False
        self._runner: web.AppRunner | None = None

    def beat(self) -> None:
        """The work loop turned."""
        self._beat = self._clock()

    def problem(self) -> str | None:
        """What is wrong, if anything. Before the first beat (a replica that does not lead) nothing is."""
        if self._beat is None or self._clock() - self._beat <= STALE:
            return None
        return f"the work loop has not turned for {self._clock() - self._beat:.0f} s"

    async def serve(self, port: int) -> None:
        """Serves /healthz and /readyz on that port."""
        app = web.Application()
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, port=port).start()

    async def close(self) -> None:
        """Ends the server."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _alive(self, _: web.Request) -> web.Response:
        return self._answer(self.problem())

    async def _ready(self, _: web.Request) -> web.Response:
        return self._answer(self.problem() or ("the cluster is being listed" if self.filling else None))

    def _answer(self, problem: str | None) -> web.Response:
        if problem is not None:
            log.error("not well: %s", problem)
        return web.Response(status=200 if problem is None else 500, text=problem or "ok")
