"""Where the folder goes: a Kubo node, a CAR file on a volume, or (in a local run) a CAR file in the state directory."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.retry import Backoff, retry
from mintworks_runners.core.stop import StopSignal

_TIMEOUT: Final = httpx.Timeout(10.0, read=300.0, write=60.0)
_TRIES: Final = Backoff(tries=4, delay=0.5)


class _Unavailable(Exception):  # noqa: N818 - never leaves this file
    """The node did not answer, or answered that it cannot now."""


@dataclass(frozen=True, slots=True)
class Kubo:
    """A Kubo node's RPC. Only `pin/ls` and `dag/import` are asked."""

    url: str
    stop: StopSignal

    async def store(self, cid: str, car: Path) -> None:
        """Import the CAR and pin its root `cid`; nothing is sent where the node has it pinned already.

        AttemptFailed `StorageUnavailable` where the node does not answer, `CidMismatch` where it names another root.
        """
        try:
            if await self._retry("asking for the pin", lambda: self._has_pin(cid)):
                return
            root = await self._retry("importing the CAR", lambda: self._import(car))
        except _Unavailable as error:
            raise AttemptFailed("StorageUnavailable", f"{self.url}: {error}") from error
        if root != cid:
            raise AttemptFailed("CidMismatch", f"{self.url} names the root {root}; computed here: {cid}")

    async def _retry(self, what: str, work: Any) -> Any:
        return await retry(
            lambda: self.stop.race(work()), on=(_Unavailable,), stop=self.stop, what=what, backoff=_TRIES
        )

    async def _has_pin(self, cid: str) -> bool:
        response = await self._post("pin/ls", params={"arg": cid, "type": "recursive"})
        if response.status_code == httpx.codes.OK:
            return cid in _json(response.text).get("Keys", {})
        if "not pinned" in response.text:
            return False
        raise _Unavailable(_said(response))

    async def _import(self, car: Path) -> str:
        with car.open("rb") as file:
            response = await self._post(
                "dag/import", params={"pin-roots": "true"}, files={"file": (car.name, file, "application/vnd.ipld.car")}
            )
        if response.status_code != httpx.codes.OK:
            raise _Unavailable(_said(response))
        return _root(response.text)

    async def _post(self, command: str, **request: Any) -> httpx.Response:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
                return await client.post(f"{self.url.rstrip('/')}/api/v0/{command}", **request)
        except httpx.HTTPError as error:
            raise _Unavailable(f"{type(error).__name__}: {error}") from error


def _root(answer: str) -> str:
    """The root of a `dag/import` answer (JSON lines); _Unavailable where it says an error or no root."""
    for line in answer.splitlines():
        value = _json(line) if line.strip() else {}
        if "Root" in value:
            if problem := value["Root"].get("PinErrorMsg"):
                raise _Unavailable(f"not pinned: {problem}")
            return str(value["Root"]["Cid"]["/"])
        if "Message" in value:
            raise _Unavailable(str(value["Message"]))
    raise _Unavailable("the answer names no root")


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _Unavailable(f"the answer is not JSON: {text[:100]!r}") from error
    return value if isinstance(value, dict) else {}


def _said(response: httpx.Response) -> str:
    return f"status {response.status_code}: {response.text[:200].strip()}"


async def keep_car(car: Path, target: Path) -> None:
    """Put a copy of the CAR at `target`, whole or not at all. AttemptFailed `StorageUnavailable` where it cannot be."""
    try:
        await asyncio.to_thread(_copy, car, target)
    except OSError as error:
        raise AttemptFailed("StorageUnavailable", f"cannot write the CAR: {error}") from error


def _copy(car: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    with car.open("rb") as source, part.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())
    part.replace(target)
