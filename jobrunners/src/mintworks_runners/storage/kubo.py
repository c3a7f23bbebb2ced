"""A Kubo node by its RPC: the CAR is imported and its root pinned. A recursive pin means that it has all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import aiohttp

from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import OK, FileBody, Told, asked, body, json_object, opened
from mintworks_runners.core.retry import Passing
from mintworks_runners.core.stop import StopSignal

from .base import Car, Stored
from .trying import full, mismatch, persist

_IMPORT_SILENCE: Final = 300.0
"""Seconds that the node may be silent: it pins after it has read the CAR, and says nothing meanwhile."""


class Kubo:
    """Asks `dag/import`, `pin/ls` and `pin/rm` alone. Open it with `open_kubo`."""

    def __init__(self, url: str, session: aiohttp.ClientSession, stop: StopSignal) -> None:
        self.name = url
        self._base = f"{url.rstrip('/')}/api/v0"
        self._session = session
        self._stop = stop

    async def put(self, car: Car, told: Told) -> Stored:
        """See `Storage.put`."""
        return await persist(lambda: self._put(car, told), name=self.name, what="importing the CAR", stop=self._stop)

    async def _put(self, car: Car, told: Told) -> Stored:
        # Before every try: the last one may have been carried out though its answer was lost.
        if await self._pinned(car.root):
            return Stored(already=True)
        if (root := await self._import(car, told)) != car.root:
            raise mismatch(self.name, root, car.root)
        if not await self._pinned(car.root):
            raise Passing("imported, but the root is not pinned")
        return Stored(already=False, sent=car.size)

    async def holds(self, cid: str) -> bool:
        """See `Storage.holds`."""
        return await persist(lambda: self._pinned(cid), name=self.name, what="asking for the pin", stop=self._stop)

    async def kept(self) -> AsyncIterator[str]:
        """Recursive pins; the node says them one by one, and there may be many."""
        try:
            async with self._post("pin/ls", {"type": "recursive", "stream": "true"}) as response:
                if response.status != OK:
                    raise self._error(await body(response))
                async for line in response.content:
                    if cid := _json(line).get("Cid"):
                        yield str(cid)
        except Passing as error:
            raise AttemptFailed("StorageUnavailable", f"{self.name}: {error}") from error

    async def unpin(self, cid: str) -> bool:
        """See `Storage.unpin`. The node removes the blocks at its next garbage collection."""
        return await persist(lambda: self._unpin(cid), name=self.name, what="unpinning", stop=self._stop)

    async def _unpin(self, cid: str) -> bool:
        async with self._post("pin/rm", {"arg": cid}) as response:
            if response.status == OK:
                return True
            answer = await body(response)
            if b"not pinned" in answer:
                return False
            raise self._error(answer)

    async def _pinned(self, cid: str) -> bool:
        async with self._post("pin/ls", {"arg": cid, "type": "recursive"}) as response:
            if response.status == OK:
                keys = (await json_object(response)).get("Keys")
                return isinstance(keys, dict) and cid in keys
            answer = await body(response)
            if b"not pinned" in answer:
                return False
            raise self._error(answer)

    async def _import(self, car: Car, told: Told) -> str:
        form = aiohttp.MultipartWriter("form-data")
        part = form.append_payload(FileBody(car.path, told))
        part.set_content_disposition("form-data", name="file", filename=car.path.name)
        async with self._post("dag/import", {"pin-roots": "true"}, data=form) as response:
            answer = await body(response)
            if response.status != OK:
                raise self._error(answer)
            return self._root(answer)

    def _root(self, answer: bytes) -> str:
        """The root of a `dag/import` answer (JSON lines); Passing where it says an error or no root."""
        for line in answer.splitlines():
            value = _json(line) if line.strip() else {}
            if isinstance(root := value.get("Root"), dict):
                if problem := root.get("PinErrorMsg"):
                    raise self._error(str(problem).encode())
                if isinstance(cid := root.get("Cid"), dict):
                    return str(cid.get("/"))
            if "Message" in value:
                raise self._error(line)
        raise Passing("the answer names no root")

    def _post(
        self, command: str, params: dict[str, str], **request: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        # Not 500: that is how the node says everything, "not pinned" among it.
        busy = frozenset({429, 502, 503, 504})
        return asked(self._session, "POST", f"{self._base}/{command}", passing=busy, params=params, **request)

    def _error(self, answer: bytes) -> Exception:
        words = answer.decode(errors="replace").strip()
        # Kubo begins with the block and the file's path, and ends with why.
        shown = words if len(words) <= 300 else f"{words[:140]}…{words[-160:]}"
        return AttemptFailed("StorageFull", f"{self.name}: {shown}") if full(words) else Passing(shown)


@asynccontextmanager
async def open_kubo(url: str, stop: StopSignal) -> AsyncIterator[Kubo]:
    """The node whose RPC is at `url`."""
    async with opened(read=_IMPORT_SILENCE) as session:
        yield Kubo(url, session, stop)


def _json(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise Passing(f"the answer is not JSON: {line[:100]!r}") from error
    return value if isinstance(value, dict) else {}
