"""What really happened: every change that the API server made, from watches that no fault touches."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

Json = dict[str, Any]

GROUP = "/apis/mintworks.dev/v1alpha1"
PATHS = {
    "MetadataJob": f"{GROUP}/metadatajobs",
    "MintJob": f"{GROUP}/mintjobs",
    "JobQueue": f"{GROUP}/jobqueues",
    "Job": "/apis/batch/v1/jobs",
    "Pod": "/api/v1/pods",
}


@dataclass(frozen=True)
class Change:
    """A version of an object. `version` grows over all objects of the cluster in the order of what happened."""

    version: int
    type: str
    kind: str
    obj: Json

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        return self.kind, self.obj["metadata"]["namespace"], self.obj["metadata"]["name"]


class ApiServer:
    """Direct requests to the API server, as its administrator."""

    def __init__(self, server: str, context: ssl.SSLContext) -> None:
        self._server = server
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        self._http = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=None), read_bufsize=1 << 22
        )

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.close()

    async def ask(self, method: str, path: str, body: Json | None = None, patch: bool = False) -> Json | None:
        """The answer; None where there is no such object. AssertionError where it is refused."""
        headers = {"Content-Type": "application/merge-patch+json" if patch else "application/json"}
        data = None if body is None else json.dumps(body)
        while True:
            async with self._http.request(method, f"{self._server}{path}", data=data, headers=headers) as answer:
                text = await answer.text()
            if answer.status == 404:
                return None
            if answer.status != 429:
                break
            # A server that has just learned of a kind asks for patience.
            await asyncio.sleep(1)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {text[:500]}"
        found: Json = json.loads(text)
        return found

    async def watch(self, kind: str, seen: Callable[[Change], None]) -> None:
        """Every change of a kind from now on, for ever. RuntimeError where the watch breaks: something is missing."""
        listed = await self.ask("GET", PATHS[kind])
        assert listed is not None
        for obj in listed["items"]:
            seen(Change(int(obj["metadata"]["resourceVersion"]), "ADDED", kind, obj))
        version = listed["metadata"]["resourceVersion"]
        while True:
            query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3000"}
            async with self._http.get(f"{self._server}{PATHS[kind]}", params=query) as answer:
                async for line in answer.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise RuntimeError(f"the test's own watch of {kind} broke: {event}")
                    version = event["object"]["metadata"]["resourceVersion"]
                    seen(Change(int(version), event["type"], kind, event["object"]))


class History:
    """All changes, and the newest version of each object. `listeners` are called with each change."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self.changes: list[Change] = []
        self.now: dict[tuple[str, str, str], Json] = {}
        self.listeners: list[Callable[[Change], None]] = []

    async def follow(self) -> None:
        """Watches for ever."""
        async with asyncio.TaskGroup() as tasks:
            for kind in PATHS:
                tasks.create_task(self._api.watch(kind, self._seen))

    def _seen(self, change: Change) -> None:
        self.changes.append(change)
        if change.type == "DELETED":
            self.now.pop(change.key, None)
        else:
            self.now[change.key] = change.obj
        for listener in self.listeners:
            listener(change)

    def of(self, kind: str) -> list[Json]:
        """The objects of a kind that exist."""
        return [obj for key, obj in self.now.items() if key[0] == kind]
