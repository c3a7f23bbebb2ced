"""Several endpoints as one: who is asked, in turn, and what happens when nobody answers."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Container, Sequence
from typing import Any

from solders.hash import Hash

from mintworks_runners.core.errors import RunEnded
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal

from .bucket import Bucket
from .endpoint import Endpoint, EndpointAwayError, Read, RpcError

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 120.0
"""How long a call is tried again on all endpoints before the run waits for better times (exit 75)."""

MAX_LAG_SLOTS = 150
HEALTH_SECONDS = 5.0
LOOK_SECONDS = 0.25


class Pool:
    """The endpoints of a job under one request budget. Use as an async context manager."""

    def __init__(self, endpoints: Sequence[Endpoint], requests_per_second: int, stop: StopSignal) -> None:
        self.endpoints = tuple(endpoints)
        self.genesis = ""
        self.bucket = Bucket(float(requests_per_second), time.monotonic())
        self._best_slot = 0
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

    async def call(self, method: str, params: list[Any], read: Callable[[Any], Read]) -> Read:
        """The answer of some healthy endpoint, as `read` makes sense of it; others are tried until patience is over.

        Waiting `NoHealthyEndpoint`, where all refuse, too; Stopped.
        """
        try:
            return await self.ask(method, params, read)
        except RpcError as error:
            raise ended("NoHealthyEndpoint", f"every endpoint refuses {error}") from error

    async def ask(
        self, method: str, params: list[Any], read: Callable[[Any], Read], patience: float | None = None
    ) -> Read:
        """Like `call`, but RpcError where every usable endpoint was asked and each refused or did not answer. Another
        patience, in seconds, for what can be done without.
        """
        deadline = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
        refused: set[Endpoint] = set()
        while True:
            self._check_health()
            endpoint = self.pick(refused)
            if endpoint is not None:
                try:
                    return await self.call_one(endpoint, method, params, read)
                except EndpointAwayError:
                    pass
                except RpcError:
                    refused.add(endpoint)
                    if not self._others(refused):
                        raise
            if time.monotonic() > deadline:
                raise self._nobody(method)
            await self._stop.sleep(0.05 if self._others(refused) else 0.25)

    async def call_one(self, endpoint: Endpoint, method: str, params: list[Any], read: Callable[[Any], Read]) -> Read:
        """Ask this endpoint and no other. RpcError, EndpointAwayError, Stopped."""
        await self._turn_of(1)
        return await self._stop.race(endpoint.call(method, params, read))

    async def tell_one(self, endpoint: Endpoint, method: str, many: Sequence[list[Any]]) -> list[RpcError]:
        """Like `call_one` for several requests of which only the refusals matter; each counts in the budget."""
        await self._turn_of(len(many))
        return await self._stop.race(endpoint.tell(method, many))

    async def _turn_of(self, requests: int) -> None:
        """Returns when the budget allows so many more requests. Looked at again meanwhile: the rate may rise."""
        ticket = self.bucket.take(time.monotonic(), requests)
        while wait := self.bucket.wait(ticket, time.monotonic()):
            await self._stop.sleep(min(wait, LOOK_SECONDS))

    def spare(self, sending: int) -> int:
        """Transactions that may be sent now beside the `sending` ones whose answers are awaited; see Bucket."""
        return self.bucket.spare(time.monotonic(), sending)

    async def all(self, method: str, params: list[Any], read: Callable[[Any], Read]) -> list[Read]:
        """What every endpoint that is usable answers now; those that do not answer are left out."""
        asked = (self._maybe(endpoint, method, params, read) for endpoint in self.usable())
        return [answer for answer in await asyncio.gather(*asked) if answer is not None]

    def usable(self) -> list[Endpoint]:
        """The endpoints that are worth asking now."""
        now = time.monotonic()
        return [endpoint for endpoint in self.endpoints if endpoint.usable(now)]

    def pick(self, without: Container[Endpoint] = ()) -> Endpoint | None:
        """The endpoint whose turn it is among the usable ones."""
        usable = self._others(without)
        return usable[next(self._turn) % len(usable)] if usable else None

    def _others(self, without: Container[Endpoint]) -> list[Endpoint]:
        """Without taking a turn: a look that did would let the same endpoint come up every time."""
        return [endpoint for endpoint in self.usable() if endpoint not in without]

    async def _maybe(
        self, endpoint: Endpoint, method: str, params: list[Any], read: Callable[[Any], Read]
    ) -> Read | None:
        try:
            return await self.call_one(endpoint, method, params, read)
        except (EndpointAwayError, RpcError):
            return None

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
        slots = await asyncio.gather(*(self._maybe(e, "getSlot", [{"commitment": "finalized"}], int) for e in trusted))
        for endpoint, slot in zip(trusted, slots, strict=True):
            # One that does not answer is where it was: silence is no catching up.
            endpoint.slot = endpoint.slot if slot is None else slot
        self.reached(*(slot for slot in slots if slot is not None))

    def reached(self, *slots: int) -> None:
        """The chain is known to have finalized these slots: an endpoint far below them lags, though it be alone."""
        self._best_slot = max(self._best_slot, *slots, 0)
        for endpoint in self.endpoints:
            lagging = endpoint.slot is not None and self._best_slot - endpoint.slot > MAX_LAG_SLOTS
            if lagging != endpoint.lagging:
                log.warning("%s %s", endpoint.name, "lags" if lagging else "has caught up")
            endpoint.lagging = lagging

    async def _introduce(self, endpoint: Endpoint) -> None:
        found = await self._maybe(endpoint, "getGenesisHash", [], lambda answer: str(Hash.from_string(answer)))
        if found is None:
            return
        self.genesis = self.genesis or found
        if found != self.genesis:
            raise ended(
                "GenesisMismatch",
                f"{endpoint.name} serves the chain with genesis {found}, this job mints on {self.genesis}",
                field="spec.solana",
            )
        endpoint.trusted = True
