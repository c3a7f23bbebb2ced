"""The few requests that the operator makes, on plain JSON objects. Connection and credentials are the library's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from kubernetes.aio import client, config

from . import metrics, patience

Json = dict[str, Any]

#: The library's own functions carry no types.
_CONFIG: Any = config

MERGE_PATCH = "application/merge-patch+json"
#: Objects of a page. Two pages are in memory at a time, with all that the server has of each object.
PAGE = 250
TIMEOUT = aiohttp.ClientTimeout(total=30)
GONE = 410


def proxy_for(url: str) -> str | None:
    """The proxy on the way to that URL, as the environment says."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


class ApiError(Exception):
    """The API server refused, or could not be reached (status 0). `details` is what it said for machines."""

    def __init__(self, status: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or {}

    @property
    def refused(self) -> bool:
        """Whether repeating the same request soon will not help: quota, admission, an object that is not allowed."""
        return self.status in {400, 403, 422}

    def missing(self, name: str) -> bool:
        """Whether this says that the object of that name does not exist.

        A 404 alone does not: it is the answer, too, where the kind is not served, as while its CRD is being replaced.
        """
        return self.status == 404 and self.reason == "NotFound" and self.details.get("name") == name


@dataclass(frozen=True)
class Resource:
    """A kind of object on the API server; `group` is empty for the core group."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of a collection or an object."""
        parts = [f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"]
        if namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        parts += [p for p in (name, subresource) if p is not None]
        return "/".join(parts)


@dataclass(frozen=True)
class Page:
    """Objects of a collection. `first`: they begin it, or begin it anew, where what came before is of a version that
    the server no longer has.
    """

    items: list[Json]
    first: bool


JOBS = Resource("batch", "v1", "jobs")
PODS = Resource("", "v1", "pods")
EVENTS = Resource("events.k8s.io", "v1", "events")
LEASES = Resource("coordination.k8s.io", "v1", "leases")


class Api:
    """A connection to the API server. Nothing is written where `may_write` answers no."""

    def __init__(self, connection: client.ApiClient, may_write: Callable[[], bool] = lambda: True) -> None:
        self._client: Any = connection
        self._may_write = may_write

    @classmethod
    async def connect(cls) -> Api:
        """With the pod's service account, else with KUBECONFIG."""
        settings = client.Configuration()
        try:
            _CONFIG.load_incluster_config(client_configuration=settings)
        except config.ConfigException:
            await _CONFIG.load_kube_config(client_configuration=settings)
        # By default the session looks for a proxy and for ~/.netrc before every request, each time in another thread.
        settings.client_session_kwargs = {"trust_env": False}
        settings.proxy = settings.proxy or proxy_for(settings.host)
        return cls(client.ApiClient(settings))

    def fenced(self, may_write: Callable[[], bool]) -> Api:
        """The same connection, for those who write only while `may_write` answers yes."""
        return Api(self._client, may_write)

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """One object."""
        return await self._request("GET", resource, resource.path(namespace, name))

    async def list(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str] | None = None
    ) -> list[Json]:
        """All objects of a collection."""
        found: list[Json] = []
        async for page in self.pages(resource, namespace, query):
            if page.first:
                found.clear()
            found += page.items
        return found

    async def pages(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[Page]:
        """All objects of a collection, page by page: thousands at once take more memory than all else.

        The server makes the next one while one is taken in, if whoever does so lets others run.
        """
        asked = asyncio.create_task(self._page(resource, namespace, query, ""))
        try:
            while True:
                page, more = await asked
                if more:
                    asked = asyncio.create_task(self._page(resource, namespace, query, more))
                yield page
                if not more:
                    return
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    async def _page(
        self, resource: Resource, namespace: str | None, query: Mapping[str, str] | None, more: str
    ) -> tuple[Page, str]:
        """The page that `more` names, the first where that is empty; and the name of the next one."""
        page = {"limit": str(PAGE), **(query or {}), **({"continue": more} if more else {})}
        first = not more
        try:
            answer = await self._request("GET", resource, resource.path(namespace), query=page)
        except ApiError as error:
            if error.status != GONE or not more:
                raise
            # The version that the pages are of was compacted away: all of it anew, and in one piece.
            answer, first = await self._request("GET", resource, resource.path(namespace), query=query), True
        return Page(answer.get("items") or [], first), (answer.get("metadata") or {}).get("continue") or ""

    async def create(self, resource: Resource, namespace: str, body: Json) -> Json:
        """Create an object; the answer is what the server stored."""
        return await self._request("POST", resource, resource.path(namespace), body=body)

    async def replace(self, resource: Resource, namespace: str, name: str, body: Json) -> Json:
        """Replace an object."""
        return await self._request("PUT", resource, resource.path(namespace, name), body=body)

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Json, subresource: str | None = None
    ) -> Json:
        """Merge-patch an object or its subresource."""
        path = resource.path(namespace, name, subresource)
        return await self._request("PATCH", resource, path, body=body, content_type=MERGE_PATCH)

    async def delete(self, resource: Resource, namespace: str, name: str, options: Json) -> None:
        """Delete an object."""
        await self._request("DELETE", resource, resource.path(namespace, name), body=options)

    async def version(self) -> tuple[int, int]:
        """Major and minor version of the cluster."""
        answer = await self._request("GET", Resource("", "", "version"), "/version")
        return int(answer["major"]), int("".join(c for c in answer["minor"] if c.isdigit()))

    async def _request(
        self,
        method: str,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> Json:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        request = await self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            auth_settings=["BearerToken"],
        )
        tried = 0
        while True:
            if method != "GET" and not self._may_write():
                raise ApiError(0, "NotLeading", "another replica may lead by now: nothing is written")
            answer = await self._send(method, resource, request, body)
            tried += 1
            pause = patience.wait(method, answer.status, answer.retry_after, tried)
            if pause is None:
                return answer.read()
            await asyncio.sleep(pause)

    async def _send(self, method: str, resource: Resource, request: Any, body: Json | None) -> _Answer:
        """The request once."""
        status = 0
        try:
            answer = await self._client.rest_client.request(
                request[0], request[1], headers=request[2], body=body, _request_timeout=TIMEOUT
            )
            text = await answer.response.read()
            status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return _Answer(0, type(error).__name__, str(error).encode())
        finally:
            metrics.REQUESTS.labels(method, resource.plural, str(status)).inc()
        return _Answer(status, answer.reason or "", text, answer.response.headers.get("Retry-After"))


@dataclass(frozen=True)
class _Answer:
    """What the API server answered; status 0 where nothing came."""

    status: int
    reason: str
    text: bytes
    retry_after: str | None = None

    def read(self) -> Json:
        """The object that it holds. Raises ApiError where it is none."""
        try:
            answer = orjson.loads(self.text) if self.status and self.text else {}
        except ValueError:
            answer = {}
        told = answer if isinstance(answer, dict) else {}
        if 200 <= self.status < 300:
            return told
        details = told.get("details")
        details = details if isinstance(details, dict) else {}
        message = told.get("message") or self.text[:1000].decode(errors="replace")
        raise ApiError(self.status, told.get("reason") or self.reason, message, details)
