"""Two replicas, one leader: a Lease of our own.

The client library's election never gives its Lease back and compares wall clocks; this one releases it at the end, so
that an update of the operator does not pause jobs, and trusts only its own monotonic clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from . import election
from .api import LEASES, Api, ApiError
from .election import DEADLINE, RENEW, Sight
from .events import stamp

Json = dict[str, Any]

log = logging.getLogger(__name__)

#: Seconds that one look at the Lease may take, so that a dead connection leaves time for another.
TRY = 4.0
#: Seconds that giving the Lease back may take.
RELEASE = 3.0
RELEASE_AGAIN = 0.2


class LeaseLostError(Exception):
    """Another replica may lead now: this process must end."""


class Lease:
    """The leader's Lease, at `place` (namespace, name). `clock` is in seconds and only grows; `now` is for people."""

    def __init__(
        self,
        api: Api,
        place: tuple[str, str],
        identity: str,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._namespace, self._name = place
        self._identity = identity
        self._clock = clock
        self._now = now
        self._sight: Sight | None = None
        self._renewed: float | None = None

    def holds(self) -> bool:
        """Whether this replica leads for certain: no other can have taken the Lease yet."""
        return self._renewed is not None and self._clock() < self._renewed + DEADLINE

    async def acquire(self) -> None:
        """Returns once this replica leads."""
        log.info("waiting for Lease %s/%s", self._namespace, self._name)
        while True:
            if await self._try():
                break
            await asyncio.sleep(RENEW)
        log.info("leading as %s", self._identity)

    async def keep(self) -> None:
        """Renews for ever.

        Raises:
            LeaseLostError: it could not be renewed in time, or someone else holds it.
        """
        while True:
            await asyncio.sleep(RENEW)
            try:
                async with asyncio.timeout(max(0.0, self._left())):
                    await self._renew()
            except TimeoutError:
                await self._last_try()

    async def release(self) -> None:
        """Lets another replica lead at once, where this one leads."""
        if not self.holds():
            return
        self._renewed = None
        try:
            async with asyncio.timeout(RELEASE):
                while True:
                    if await self._released():
                        return
                    await asyncio.sleep(RELEASE_AGAIN)
        except TimeoutError:
            log.warning("the Lease is not released and runs out by itself")

    async def _released(self) -> bool:
        try:
            lease = await self._get()
            if lease is not None and _holder(lease) == self._identity:
                await self._replace(lease, election.released(lease.get("spec")))
        except ApiError as error:
            log.warning("the Lease is not released, tried again: %s", error)
            return False
        return True

    def _left(self) -> float:
        """Seconds until this replica must count as replaced."""
        return 0.0 if self._renewed is None else self._renewed + DEADLINE - self._clock()

    async def _renew(self) -> None:
        while True:
            try:
                async with asyncio.timeout(TRY):
                    await self._renew_once()
            except (ApiError, TimeoutError) as error:
                log.warning("the Lease is not renewed, tried again: %s", str(error) or "no answer")
                await asyncio.sleep(1)
            else:
                return

    async def _last_try(self) -> None:
        """It may be this process that stood still, and nobody came meanwhile. It writes nothing until it knows."""
        try:
            async with asyncio.timeout(TRY):
                await self._renew_once()
        except (ApiError, TimeoutError):
            self._renewed = None
            raise LeaseLostError("the Lease could not be renewed in time") from None

    async def _renew_once(self) -> None:
        started = self._clock()
        lease = await self._get()
        if lease is not None and _holder(lease) != self._identity:
            self._renewed = None
            raise LeaseLostError(f"{_holder(lease) or 'nobody'} holds the Lease")
        # One that somebody deleted is made again: another replica that had seen it waits as if it were there.
        await self._take(lease, started)

    async def _try(self) -> bool:
        started = self._clock()
        try:
            async with asyncio.timeout(TRY):
                lease = await self._get()
                self._sight = election.observe(self._sight, lease, self._clock())
                if not election.free(self._sight, self._identity, self._clock()):
                    return False
                await self._take(lease, started)
        except (ApiError, TimeoutError) as error:
            log.info("the Lease is not taken, tried again: %s", str(error) or "no answer")
            return False
        return True

    async def _get(self) -> Json | None:
        try:
            return await self._api.get(LEASES, self._namespace, self._name)
        except ApiError as error:
            if not error.missing(self._name):
                raise
            return None

    async def _take(self, lease: Json | None, started: float) -> None:
        spec = election.taken((lease or {}).get("spec"), self._identity, stamp(self._now()))
        if lease is None:
            meta = {"name": self._name, "namespace": self._namespace}
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
            await self._api.create(LEASES, self._namespace, body)
        else:
            await self._replace(lease, spec)
        # Counted from before the request: that is the latest moment another replica may count from.
        self._renewed = started

    async def _replace(self, lease: Json, spec: Json) -> None:
        """Guarded by the version that was read."""
        await self._api.replace(LEASES, self._namespace, self._name, {**lease, "spec": spec})


def _holder(lease: Json) -> str:
    return str((lease.get("spec") or {}).get("holderIdentity") or "")
