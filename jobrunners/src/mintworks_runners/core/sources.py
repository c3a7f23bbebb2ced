"""Sources: content is spooled once an attempt into the work directory and hashed on the way.

Whatever a runner then reads is the spooled copy, so that what was hashed is what is used, however the source changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aleph_cid
import httpx
from mintworks_api import Source
from mintworks_api.refs import HttpSource, IpfsSource

from .errors import AttemptFailed, InvalidInput
from .protocol import Environment
from .retry import Backoff, retry
from .stop import StopSignal

CHUNK: Final = 1 << 20
DEFAULT_LIMIT: Final = 1 << 30
"""Bytes that a source may have unless its reader says otherwise."""

_TIMEOUT: Final = httpx.Timeout(10.0, read=60.0)
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Spooled:
    """A source's content on local disk: its size in bytes and the hex SHA-256 of exactly these bytes."""

    path: Path
    sha256: str
    size: int


class _Passing(Exception):  # noqa: N818 - never leaves this file
    """An error of the network or of a busy server: worth another try."""


class SourceReader:
    """Reads sources of one run. `field` is the path under which its mount (and the spool file) is found."""

    def __init__(self, environment: Environment, stop: StopSignal, *, backoff: Backoff | None = None) -> None:
        self._environment = environment
        self._stop = stop
        self._backoff = backoff or Backoff(tries=4, delay=0.5)

    async def spool(self, source: Source, field: str, *, limit: int = DEFAULT_LIMIT) -> Spooled:
        """Copy the source into the work directory and hash it.

        InvalidInput where it is missing on its volume, larger than `limit` bytes, or not what its checksum or CID says;
        AttemptFailed `SourceUnavailable` where it cannot be fetched now.
        """
        target = self._environment.work / "sources" / re.sub(r"[^A-Za-z0-9.-]", "_", field)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.http is not None:
            return await self._http(source.http, field, target, limit)
        if source.ipfs is not None:
            return await self._ipfs(source.ipfs, field, target, limit)
        return await asyncio.to_thread(self._mounted, source, field, target, limit)

    def _mounted(self, source: Source, field: str, target: Path, limit: int) -> Spooled:
        root = self._environment.mount(field).resolve()
        if source.config_map is not None:
            name, what = source.config_map.key, f"ConfigMap {source.config_map.name}"
        elif source.volume is not None:
            name, what = source.volume.path, f"claim {source.volume.claim}"
        else:
            raise InvalidInput.one("UnknownSource", "the source has no known form", field=field)
        path = (root / name).resolve()
        # A symbolic link on a volume may point anywhere in this container, the mounted Secrets included.
        if not path.is_relative_to(root):
            raise InvalidInput.one("SourceOutside", f"{name} leads out of its {what}", field=field)
        if not path.is_file():
            raise InvalidInput.one("SourceMissing", f"{what} has no file {name}", field=field)
        writer = _Spool(target, limit, field)
        try:
            with path.open("rb") as file, writer:
                while chunk := file.read(CHUNK):
                    writer.write(chunk)
        except OSError as error:
            raise AttemptFailed("SourceUnavailable", f"{field}: {what}: {error}") from error
        return writer.done()

    async def _http(self, source: HttpSource, field: str, target: Path, limit: int) -> Spooled:
        spooled = await self._fetch(source.url, field, target, limit)
        if spooled.sha256 != source.sha256:
            raise InvalidInput.one(
                "ChecksumMismatch",
                f"{source.url} has sha256 {spooled.sha256}, the spec says {source.sha256}",
                field=field,
            )
        return spooled

    async def _ipfs(self, source: IpfsSource, field: str, target: Path, limit: int) -> Spooled:
        path = f"/{quote(source.path)}" if source.path else ""
        url = f"{source.gateway.rstrip('/')}/ipfs/{source.cid}{path}"
        spooled = await self._fetch(url, field, target, limit)
        if not source.path:
            await asyncio.to_thread(_check_cid, spooled.path, source.cid, field)
        return spooled

    async def _fetch(self, url: str, field: str, target: Path, limit: int) -> Spooled:
        async def once() -> Spooled:
            return await self._stop.race(_download(url, _Spool(target, limit, field), field))

        try:
            return await retry(once, on=(_Passing,), stop=self._stop, what=f"fetching {url}", backoff=self._backoff)
        except _Passing as error:
            raise AttemptFailed("SourceUnavailable", f"{field}: {url}: {error}") from error


class _Spool:
    """A file being written, with its hash and a size limit."""

    def __init__(self, target: Path, limit: int, field: str) -> None:
        self._target, self._limit, self._field = target, limit, field
        self._hash = hashlib.sha256()
        self._size = 0

    def __enter__(self) -> _Spool:
        self._file = self._target.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise InvalidInput.one("SourceTooLarge", f"more than {self._limit} bytes", field=self._field)
        self._hash.update(chunk)
        self._file.write(chunk)

    def done(self) -> Spooled:
        return Spooled(self._target, self._hash.hexdigest(), self._size)


async def _download(url: str, spool: _Spool, field: str) -> Spooled:
    try:
        # No redirects: the address in the spec is the address that is asked.
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response,
        ):
            if response.status_code in _PASSING:
                raise _Passing(f"status {response.status_code}")
            if response.status_code != httpx.codes.OK:
                raise AttemptFailed("SourceUnavailable", f"{field}: {url}: status {response.status_code}")
            with spool:
                async for chunk in response.aiter_bytes(CHUNK):
                    spool.write(chunk)
    except httpx.HTTPError as error:
        raise _Passing(f"{type(error).__name__}: {error}") from error
    return spool.done()


def _check_cid(path: Path, cid: str, field: str) -> None:
    """A gateway is not trusted where the CID tells: that of a whole file is recomputed."""
    try:
        hasher = aleph_cid.CidHasher.for_expected(cid)
    except ValueError as error:
        raise InvalidInput.one("UnknownCid", f"{cid}: {error}", field=field) from error
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    if (found := hasher.finalize()) != cid:
        raise AttemptFailed("GatewayMismatch", f"{field}: the gateway answered content of {found}, not of {cid}")
