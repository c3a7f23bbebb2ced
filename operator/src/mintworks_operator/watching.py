"""kopf watches; the cache takes in what it sees. Only `on.event`: no finalizers, no annotations, no patches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any, Protocol

import aiohttp
import kopf

from .api import GONE, JOBS, PODS, Resource
from .config import Config
from .names import KINDS, QUEUES, SCHEDULES, SELECTOR

log = logging.getLogger(__name__)


class Receiver(Protocol):
    """Who takes in what is seen."""

    def put(self, resource: Resource, obj: dict[str, Any]) -> None:
        """A version of an object was seen."""

    def drop(self, resource: Resource, uid: str, last: dict[str, Any] | None = None) -> None:
        """An object is gone; `last` is its last version."""


#: What is called with the resource and the uid of an object.
Told = Callable[[Resource, str], None]

RESOURCES: tuple[Resource, ...] = (QUEUES, SCHEDULES, *KINDS.values(), JOBS, PODS)


def selector(resource: Resource) -> str | None:
    """The label selector of what is watched: of Jobs and pods only our own."""
    return SELECTOR if resource in {JOBS, PODS} else None


class Patience:
    """Seconds between tries of a request, without an end. By default kopf gives up after a minute, and with it ends the
    whole operator: one namespace that is deleted, or that another release took, would be all tenants' trouble.
    """

    def __iter__(self) -> Iterator[float]:
        """1, 2, 4 … and then every 10 seconds."""
        return chain((1.0, 2.0, 4.0, 8.0), repeat(10.0))


class NoDifferences(kopf.DiffBaseStorage):
    """kopf compares no versions for us. By default it copies each object several times for handlers of changes, which
    there are none of: half of the operator's CPU time went there.
    """

    def build(self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None) -> kopf.BodyEssence:
        """Nothing of the object matters."""
        del body, extra_fields
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Nothing was stored."""
        del body
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Stores nothing."""


class NoProgress(kopf.ProgressStorage):
    """kopf keeps no record of handlers that are under way: there are none. By default it looks for one, in every
    event, under several names.
    """

    def fetch(self, **_: Any) -> None:
        """Nothing was stored."""

    def store(self, **_: Any) -> None:
        """Stores nothing."""

    def purge(self, **_: Any) -> None:
        """Nothing was stored."""

    def touch(self, **_: Any) -> None:
        """Touches nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """There is nothing to leave out."""
        return essence


def settings() -> kopf.OperatorSettings:
    """kopf's settings: no Events of its own, no peering, no scanning, and guards against watches that died silently."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False
    made.peering.standalone = True
    # It would need the right to watch CRDs and namespaces; both are known.
    made.scanning.disabled = True
    made.watching.server_timeout = 300
    made.watching.client_timeout = 330
    made.watching.connect_timeout = 10
    # In one piece the first LIST of 20,000 jobs would take more memory than all else. A worker holds its object as long
    # as it idles, and each object has one.
    made.watching.chunk_size = 200
    made.networking.error_backoffs = Patience()
    # A LIST whose answer never comes holds up its watch for so long; by default it is five minutes.
    made.networking.request_timeout = 30
    made.networking.connect_timeout = 10
    made.queueing.idle_timeout = 0.1
    made.persistence.diffbase_storage = NoDifferences()
    made.persistence.progress_storage = NoProgress()
    for resource in RESOURCES:
        chosen = selector(resource)
        if chosen is not None:
            made.watching.label_selectors[_key(resource)] = chosen
    return made


def registry(cache: Receiver, told: Told) -> kopf.OperatorRegistry:
    """The handlers: one for each resource, all alike. `told` is called with every object that a watch tells of."""
    made = kopf.OperatorRegistry()
    kopf.on.login(registry=made)(Login().log_in)
    for resource in RESOURCES:
        _watch(made, cache, resource, told)
    return made


async def watch(cache: Receiver, config: Config, told: Told, began: Callable[[], None] = lambda: None) -> None:
    """Watches until the task is cancelled. `began` is called once kopf has taken SIGTERM and SIGINT for itself; unless
    they are taken back then, they end it too.

    It gets no stop flag: the task that waits for one would hold its end up for 5 seconds.
    """
    others = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry(cache, told), settings=settings(), namespaces=config.namespaces, standalone=True
    )
    began()
    await kopf.run_tasks(tasks, ignored=others)


class Login:
    """kopf's login: the credentials that the library finds, in a session of our own."""

    def __init__(self) -> None:
        self._last: tuple[kopf.ConnectionInfo, kopf.AiohttpSession] | None = None

    async def log_in(self, **kwargs: Any) -> kopf.AiohttpSession | None:
        """None where nothing is found; the same as before where that was found: kopf refuses what was refused."""
        found = kopf.login_via_client(**kwargs)
        if found is None:
            return None
        if self._last is None or self._last[0] != found:
            self._last = found, kopf.AiohttpSession(server=found.server, aiohttp_session=_session(found))
        return self._last[1]


def _session(found: kopf.ConnectionInfo) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=found.as_ssl_context()),
        headers=found.as_http_headers(),
        proxy=found.proxy_url,
        trust_env=found.trust_env,
        middlewares=(_begun_anew,),
    )


async def _begun_anew(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """An expired page of a LIST, as what lets kopf begin that LIST anew; by itself it ends the whole operator."""
    response = await handler(request)
    if response.status == GONE and "continue" in request.url.query:
        response.release()
        raise aiohttp.ClientPayloadError("a further page of a LIST has expired")
    return response


def unclosed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handles what the event loop has nobody else to tell.

    kopf leaves its watches to the loop's end, and cannot close one that was cut off while it gave an object away. That
    is no error of anybody's; a traceback at every other end would hide those that are.
    """
    if "asyncgen" in context:
        log.debug("%s: %r", context.get("message"), context.get("exception"))
    else:
        loop.default_exception_handler(context)


def _watch(made: kopf.OperatorRegistry, cache: Receiver, resource: Resource, told: Told) -> None:
    def seen(event: Mapping[str, Any], **_: Any) -> None:
        obj = dict(event["object"])
        told(resource, obj["metadata"]["uid"])
        if event["type"] == "DELETED":
            cache.drop(resource, obj["metadata"]["uid"], obj)
        else:
            cache.put(resource, obj)

    async def handler(event: Mapping[str, Any], **kwargs: Any) -> None:
        seen(event, **kwargs)

    kopf.on.event(*_key(resource), registry=made, id=resource.plural)(handler)


def _key(resource: Resource) -> tuple[str, str, str]:
    # kopf writes the core group as an empty string.
    return resource.group, resource.version, resource.plural
