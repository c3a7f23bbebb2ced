"""Several endpoints as one: who is asked, in turn, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mintworks_runners.core.errors import RunEnded
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.mint.reasons import ended
from mintworks_runners.mint.rpc.bucket import Bucket
from mintworks_runners.mint.rpc.endpoint import Endpoint, EndpointAwayError, RpcError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0
"""How long a call is tried again on all endpoints before the run waits for better times (exit 75)."""

MAX_LAG_SLOTS = 150
HEALTH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one endpoint answered."""

    endpoint: Endpoint
    result: Any


class Pool:
    """The endpoints of a job under one request budget. Use as an async context manager."""

    def __init__(self, endpoints: Sequence[Endpoint], requests_per_second: int, stop: StopSignal) -> None:
        self.endpoints = tuple(endpoints)
        self.genesis = ""
        self._bucket = Bucket(float(requests_per_second), time.monotonic())
        self._stop = stop
        self._turn = itertools.count()
        self._health: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Pool:
        """Nothing is asked yet: `open` does that."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop looking after the endpoints' health and close their connections."""
        if self._health is not None:
            self._health.cancel()
        for endpoint in self.endpoints:
            await endpoint.close()

    async def open(self, frozen_genesis: str | None) -> None:
        """Finds out which chain this is.

        InvalidInput `GenesisMismatch`, naming the endpoint, where one belongs to another chain than the job's inputs
        or than the first endpoint; Waiting `NoHealthyEndpoint` where none answers.
        """
        self.genesis = frozen_genesis or ""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(endpoint.trusted for endpoint in self.endpoints):
            await self._look_after()
            if time.monotonic() > deadline:
                raise self._nobody("getGenesisHash")
            if not any(endpoint.trusted for endpoint in self.endpoints):
                await self._stop.sleep(0.5)
        self._health = asyncio.create_task(self._health_loop())

    async def call(self, method: str, params: list[Any]) -> Any:
        """The answer of some healthy endpoint; others are tried until patience is over.

        RpcError where a node refuses; Waiting `NoHealthyEndpoint`; Stopped.
        """
        return (await self.ask(method, params)).result

    async def ask(self, method: str, params: list[Any]) -> Answer:
        """Like `call`, and says who answered."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            endpoint = self.pick()
            if endpoint is not None:
                try:
                    return Answer(endpoint, await self.call_one(endpoint, method, params))
                except EndpointAwayError:
                    pass
            if time.monotonic() > deadline:
                raise self._nobody(method)
            self._check_health()
            await self._stop.sleep(0.05 if self.pick() is not None else 0.25)

    async def call_one(self, endpoint: Endpoint, method: str, params: list[Any]) -> Any:
        """Ask this endpoint and no other. RpcError, EndpointAwayError, Stopped."""
        wait = self._bucket.take(time.monotonic())
        if wait:
            await self._stop.sleep(wait)
        return await self._stop.race(endpoint.call(method, params))

    def spare(self) -> int:
        """Requests that may go now without making questions about what is under way wait."""
        return self._bucket.spare(time.monotonic())

    async def all(self, method: str, params: list[Any]) -> list[Answer]:
        """What every endpoint that is usable answers now; those that do not answer are left out."""
        answers = await asyncio.gather(*(self._maybe(endpoint, method, params) for endpoint in self.usable()))
        return [answer for answer in answers if answer is not None]

    def usable(self) -> list[Endpoint]:
        """The endpoints that are worth asking now."""
        now = time.monotonic()
        return [endpoint for endpoint in self.endpoints if endpoint.usable(now)]

    async def _maybe(self, endpoint: Endpoint, method: str, params: list[Any]) -> Answer | None:
        try:
            return Answer(endpoint, await self.call_one(endpoint, method, params))
        except (EndpointAwayError, RpcError):
            return None

    def pick(self) -> Endpoint | None:
        """The endpoint whose turn it is among the usable ones."""
        usable = self.usable()
        return usable[next(self._turn) % len(usable)] if usable else None

    def _nobody(self, method: str) -> RunEnded:
        names = ", ".join(endpoint.name for endpoint in self.endpoints)
        return ended("NoHealthyEndpoint", f"{method}: no endpoint answers ({names})")

    # --- health ----------------------------------------------------------------------------------------------------

    async def _health_loop(self) -> None:
        while True:
            await self._look_after()
            await asyncio.sleep(HEALTH_SECONDS)

    def _check_health(self) -> None:
        """Passes on what the health loop found wrong for good (another chain)."""
        if self._health is not None and self._health.done():
            self._health.result()

    async def _look_after(self) -> None:
        """Asks every endpoint its genesis (once) and its finalized slot; marks those that lag behind the best."""
        await asyncio.gather(*(self._introduce(endpoint) for endpoint in self.endpoints if not endpoint.trusted))
        trusted = [endpoint for endpoint in self.endpoints if endpoint.trusted]
        if len(trusted) < 2:
            for endpoint in trusted:
                endpoint.lagging = False
            return
        answers = await asyncio.gather(*(self._slot(endpoint) for endpoint in trusted))
        slots = {endpoint.name: slot for endpoint, slot in zip(trusted, answers, strict=True) if slot is not None}
        best = max(slots.values(), default=0)
        for endpoint in trusted:
            lagging = best - slots.get(endpoint.name, best) > MAX_LAG_SLOTS
            if lagging != endpoint.lagging:
                log.warning("%s %s", endpoint.name, "lags" if lagging else "has caught up")
            endpoint.lagging = lagging

    async def _introduce(self, endpoint: Endpoint) -> None:
        try:
            found = str(await self.call_one(endpoint, "getGenesisHash", []))
        except (EndpointAwayError, RpcError):
            return
        self.genesis = self.genesis or found
        if found != self.genesis:
            raise ended(
                "GenesisMismatch",
                f"{endpoint.name} serves the chain with genesis {found}, this job mints on {self.genesis}",
                field="spec.solana",
            )
        endpoint.trusted = True

    async def _slot(self, endpoint: Endpoint) -> int | None:
        try:
            return int(await self.call_one(endpoint, "getSlot", [{"commitment": "finalized"}]))
        except (EndpointAwayError, RpcError):
            return None
