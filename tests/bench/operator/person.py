"""Who creates objects and looks at them, the same on every side."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

import aiohttp

Json = dict[str, Any]

PARALLEL = 16
"""Requests that anybody has under way at once: who creates the objects, the operator, the script that replaces it."""
PATIENCE = 3600.0
"""Seconds that a burst may take."""
MERGE = "application/merge-patch+json"
SUCCEEDED = b'"phase":"Succeeded"'
"""Of a job of ours, and of a pod."""


class Person:
    """Requests with a certificate, which the audit log leaves out."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, method: str, path: str, body: Json | None = None, kind: str = "application/json") -> Json:
        """One request. Raises RuntimeError where it is refused."""
        data = None if body is None else json.dumps(body)
        async with self._session.request(method, path, data=data, headers={"Content-Type": kind}) as answer:
            text = await answer.text()
            if not answer.ok:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]}")
            found: Json = json.loads(text)
            return found

    async def create(self, path: str, objects: Iterable[Json]) -> None:
        """Create every object, `PARALLEL` at once."""
        await together(partial(self.ask, "POST", path, body) for body in objects)

    async def merge(self, path: str, body: Json) -> None:
        """A merge patch."""
        await self.ask("PATCH", path, body, MERGE)

    async def version(self, path: str) -> str:
        """The version of a collection as it is now."""
        found: str = (await self.ask("GET", f"{path}?limit=1"))["metadata"]["resourceVersion"]
        return found

    async def changes(self, path: str, version: str) -> AsyncIterator[bytes]:
        """Every change of a collection after that version: a line of JSON each."""
        query = f"watch=true&resourceVersion={version}&timeoutSeconds={int(PATIENCE)}"
        async with self._session.get(f"{path}?{query}", timeout=aiohttp.ClientTimeout(total=None)) as answer:
            async for line in answer.content:
                yield line

    async def burst(self, path: str, objects: Sequence[Json], mark: bytes) -> float:
        """Seconds from the first create until every object had a version that holds `mark`.

        Raises TimeoutError after `PATIENCE` seconds.
        """
        async with asyncio.timeout(PATIENCE):
            version = await self.version(path)
            names = {body["metadata"]["name"] for body in objects}
            ended = asyncio.create_task(self._ended(path, version, names, mark))
            started = time.perf_counter()
            await self.create(path, objects)
            await ended
            return time.perf_counter() - started

    async def _ended(self, path: str, version: str, left: set[str], mark: bytes) -> None:
        while left:
            async for line in self.changes(path, version):
                if mark in line:
                    left.discard(json.loads(line)["object"]["metadata"]["name"])
                    if not left:
                        return
            # The server ends a watch that is read too slowly.
            found = await self.ask("GET", path)
            for each in found["items"]:
                if mark in json.dumps(each, separators=(",", ":")).encode():
                    left.discard(each["metadata"]["name"])
            version = found["metadata"]["resourceVersion"]


async def together(calls: Iterable[Callable[[], Awaitable[object]]], parallel: int = PARALLEL) -> None:
    """All of them in this order, so many at once."""
    line = iter(calls)

    async def work() -> None:
        for call in line:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(work())
