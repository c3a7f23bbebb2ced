"""Two replicas, one leader: a Lease of our own.

The client library's election never gives its Lease back and compares wall clocks; this one releases it at the end, so
that an update of the operator does not pause jobs, and trusts only its own monotonic clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .api import LEASES, Api, ApiError
from .events import stamp

Json = dict[str, Any]

log = logging.getLogger(__name__)

DURATION = 15
RENEW = 3.0
#: Seconds without a renewal after which the leader gives up, well before another may take over.
DEADLINE = 10.0


class LeaseLostError(Exception):
    """Another replica may lead now: this process must end."""


class Lease:
    """The leader's Lease. `clock` is in seconds and only grows."""

    def __init__(self, api: Api, namespace: str, name: str, identity: str, clock: Callable[[], float]) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._lease: Json | None = None
        self._seen: tuple[str, float] = ("", 0.0)
        self._renewed = 0.0

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
                async with asyncio.timeout(max(0.1, self._renewed + DEADLINE - self._clock())):
                    await self._renew()
            except TimeoutError:
                raise LeaseLostError("the Lease could not be renewed in time") from None

    async def release(self) -> None:
        """Lets another replica lead at once."""
        if self._lease is None:
            return
        lease, self._lease = self._lease, None
        spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._api.replace(LEASES, self._namespace, self._name, {**lease, "spec": spec})
        except ApiError as error:
            log.warning("the Lease is not released and runs out by itself: %s", error)

    async def _renew(self) -> None:
        while True:
            started = self._clock()
            try:
                lease = await self._api.get(LEASES, self._namespace, self._name)
                if lease["spec"].get("holderIdentity") != self._identity:
                    raise LeaseLostError(f"{lease['spec'].get('holderIdentity')} holds the Lease")
                await self._take(lease, started)
            except ApiError as error:
                log.warning("the Lease is not renewed, tried again: %s", error)
                await asyncio.sleep(1)
            else:
                return

    async def _try(self) -> bool:
        started = self._clock()
        try:
            lease = await self._api.get(LEASES, self._namespace, self._name)
        except ApiError as error:
            if error.status != 404:
                log.warning("the Lease cannot be read: %s", error)
                return False
            return await self._attempt(None, started)
        holder = lease["spec"].get("holderIdentity") or ""
        if holder in {"", self._identity} or self._expired(lease):
            return await self._attempt(lease, started)
        return False

    def _expired(self, lease: Json) -> bool:
        """Whether the holder has not renewed for its whole duration while this replica watched."""
        version, now = lease["metadata"]["resourceVersion"], self._clock()
        if version != self._seen[0]:
            self._seen = (version, now)
        return now - self._seen[1] > float(lease["spec"].get("leaseDurationSeconds") or DURATION)

    async def _attempt(self, lease: Json | None, started: float) -> bool:
        try:
            await self._take(lease, started)
        except ApiError as error:
            log.info("the Lease went to someone else, or cannot be written: %s", error)
            return False
        return True

    async def _take(self, lease: Json | None, started: float) -> None:
        now = stamp(datetime.now(UTC))
        old = (lease or {}).get("spec") or {}
        mine = old.get("holderIdentity") == self._identity
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": DURATION,
            "acquireTime": old.get("acquireTime") if mine and old.get("acquireTime") else now,
            "renewTime": now,
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + (0 if mine or lease is None else 1),
        }
        if lease is None:
            meta = {"name": self._name, "namespace": self._namespace}
            body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
            self._lease = await self._api.create(LEASES, self._namespace, body)
        else:
            self._lease = await self._api.replace(LEASES, self._namespace, self._name, {**lease, "spec": spec})
        # Counted from before the request: that is the latest moment another replica may count from.
        self._renewed = started
