"""Own LISTs: one before any work, and one every few minutes for what the watches missed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from .api import Api, ApiError, Resource
from .cache import Cache
from .config import Config
from .keys import JobKey
from .watching import RESOURCES, selector

log = logging.getLogger(__name__)

RETRY = 2.0
#: Seconds that a watch has to tell of an object that was listed, at least; at most twice as long.
SETTLE = 10.0
#: So many objects of a page are taken in before others run: the request for the next page is one of these.
AT_ONCE = 50
#: Seconds between two looks at namespaces that could not be read.
RETRY_REFUSED = 10.0


class Resync:
    """Compares the cache with the cluster.

    A namespace that the API server refuses (it is gone, or another release has it) keeps nobody else waiting: it has no
    passes until it was listed, so that nothing is decided there on half of what there is. `opened` is called then.
    After a LIST of everything `spare` asks for another look at every job that has not come to its end, whatever was or
    was not seen.
    """

    def __init__(
        self, api: Api, cache: Cache, config: Config, opened: Callable[[str], None], spare: Callable[[JobKey], None]
    ) -> None:
        self._api = api
        self._spare = spare
        self._opened = opened
        self._cache = cache
        #: Seconds between LISTs. Deletions that happen while a watch starts anew are never told otherwise.
        self._interval = config.resync
        self._namespaces = config.namespaces
        self._refused: set[str] = set()
        #: Uids that were listed and that no watch told of yet: since the last look at them, and since the one before.
        self._untold: dict[Resource, set[str]] = {resource: set() for resource in RESOURCES}
        self._late: dict[Resource, set[str]] = {resource: set() for resource in RESOURCES}

    def listed(self, namespace: str) -> bool:
        """Whether the cache may be taken for all that is in that namespace."""
        return namespace not in self._refused

    def told(self, resource: Resource, uid: str) -> None:
        """A watch told of an object: from here on it tells of its end too."""
        self._untold[resource].discard(uid)
        self._late[resource].discard(uid)

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
            await asyncio.sleep(self._interval)
            try:
                await self._all()
            except ApiError as error:
                log.warning("the cluster cannot be listed, tried again later: %s", error)
            else:
                for key in self._cache.unfinished():
                    self._spare(key)

    async def retry_refused(self) -> None:
        """Looks whether namespaces that could not be read can be read now, for ever."""
        while True:
            await asyncio.sleep(RETRY_REFUSED)
            for namespace in sorted(self._refused):
                try:
                    await self._namespace(namespace)
                except ApiError as error:
                    log.warning("namespace %s cannot be listed, tried again: %s", namespace, error)

    async def confirm(self) -> None:
        """Lists again, for ever, where a watch is silent about something that was listed: it went between that LIST and
        the one from which the watch goes on, and no watch will ever tell.
        """
        while True:
            await asyncio.sleep(SETTLE)
            try:
                await self._confirm()
            except ApiError as error:
                log.info("not listed again, tried later: %s", error)

    async def _confirm(self) -> None:
        for resource, late in self._late.items():
            store = self._cache.stores[resource]
            found = [obj for uid in late if (obj := store.get(uid)) is not None]
            for namespace in {obj["metadata"]["namespace"] for obj in found}:
                await self._one(resource, namespace)
            # Who is still silent is asked after again.
            self._late[resource] = {uid for uid in late if store.get(uid) is not None} | self._untold[resource]
            self._untold[resource] = set()

    async def _all(self) -> None:
        for namespace in self._namespaces:
            await self._namespace(namespace)

    async def _namespace(self, namespace: str) -> None:
        try:
            for resource in RESOURCES:
                await self._one(resource, namespace)
        except ApiError as error:
            if error.status != 403:
                raise
            if namespace not in self._refused:
                log.warning(
                    "namespace %s is not served until it can be read: is it there, and has another release its "
                    "RoleBinding mintworks-operator? %s",
                    namespace,
                    error,
                )
            self._refused.add(namespace)
            return
        if namespace in self._refused:
            log.info("namespace %s can be read and is served", namespace)
            self._refused.discard(namespace)
            self._opened(namespace)

    async def _one(self, resource: Resource, namespace: str) -> None:
        store = self._cache.stores[resource]
        # Taken before the request: what is created while it runs is not in the answer, and is not gone.
        known = {o["metadata"]["uid"] for o in store.all() if o["metadata"]["namespace"] == namespace}
        chosen, unlisted = selector(resource), set[str]()
        query = {"labelSelector": chosen} if chosen is not None else None
        async for page in self._api.pages(resource, namespace, query):
            if page.first:
                unlisted = set(known)
            for number, obj in enumerate(page.items):
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
                if store.get(obj["metadata"]["uid"]) is None:
                    self._untold[resource].add(obj["metadata"]["uid"])
                unlisted.discard(obj["metadata"]["uid"])
                self._cache.put(resource, obj)
        for uid in unlisted:
            if store.get(uid) is not None:
                log.info("%s %s is gone, its deletion was not seen", resource.plural, uid)
                self._cache.drop(resource, uid)
