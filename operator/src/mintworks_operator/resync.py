"""Own LISTs: one before any work, and one every few minutes for what the watches missed."""

from __future__ import annotations

import asyncio
import logging

from .api import Api, ApiError, Resource
from .cache import Cache
from .config import Config
from .watching import RESOURCES, selector

log = logging.getLogger(__name__)

#: Seconds between LISTs. Deletions that happen while a watch starts anew are never told otherwise.
INTERVAL = 300.0
RETRY = 2.0


class Resync:
    """Compares the cache with the cluster."""

    def __init__(self, api: Api, cache: Cache, config: Config) -> None:
        self._api = api
        self._cache = cache
        self._config = config

    async def first(self) -> None:
        """Fills the cache; tried until it is complete."""
        while True:
            try:
                await self._all()
            except ApiError as error:
                log.warning("the cluster cannot be listed, tried again: %s", error)
                await asyncio.sleep(RETRY)
            else:
                return

    async def run(self) -> None:
        """Lists again and again, for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self._all()
            except ApiError as error:
                log.warning("the cluster cannot be listed, tried again later: %s", error)
            else:
                self._cache.wake_unfinished()

    async def _all(self) -> None:
        namespaces: tuple[str | None, ...] = (None,) if self._config.clusterwide else self._config.namespaces
        for resource in RESOURCES:
            for namespace in namespaces:
                await self._one(resource, namespace)

    async def _one(self, resource: Resource, namespace: str | None) -> None:
        store = self._cache.stores[resource]
        # Taken before the request: what is created while it runs is not in the answer, and is not gone.
        known = [
            o["metadata"]["uid"] for o in store.all() if namespace is None or o["metadata"]["namespace"] == namespace
        ]
        chosen = selector(resource)
        listed = await self._api.list(resource, namespace, {"labelSelector": chosen} if chosen is not None else None)
        for obj in listed:
            self._cache.put(resource, obj)
        for uid in store.missing(known, [o["metadata"]["uid"] for o in listed]):
            log.info("%s %s is gone, its deletion was not seen", resource.plural, uid)
            self._cache.drop(resource, uid)
