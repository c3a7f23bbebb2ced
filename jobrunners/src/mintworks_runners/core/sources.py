"""Sources: content is spooled once an attempt into the work directory and hashed on the way.

Whatever a runner then reads is the spooled copy, so that what was hashed is what is used, however the source changes.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from contextlib import aclosing
from functools import partial
from pathlib import Path

from mintworks_api import Source
from mintworks_api.refs import HttpSource, IpfsSource, ObjectStore

from mintworks_runners.ipfs.gateway import Gateway
from mintworks_runners.s3.opening import open_bucket

from .download import Download
from .errors import AttemptFailed, InvalidInput
from .http import CHUNK, asked, opened
from .protocol import Environment
from .retry import Backoff
from .spool import DEFAULT_LIMIT, Spool, Spooled
from .stop import StopSignal

__all__ = ["DEFAULT_LIMIT", "SourceReader", "Spooled"]

log = logging.getLogger(__name__)


class SourceReader:
    """Reads sources of one run. `field` is the path under which its mount (and the spool file) is found."""

    def __init__(self, environment: Environment, stop: StopSignal, *, backoff: Backoff | None = None) -> None:
        self._environment = environment
        self._stop = stop
        self._backoff = backoff or Backoff(tries=4, delay=0.5)

    async def spool(self, source: Source, field: str, *, limit: int = DEFAULT_LIMIT) -> Spooled:
        """Copy the source into the work directory and hash it.

        InvalidInput where it is missing on its volume, larger than `limit` bytes, or not what its checksum says;
        AttemptFailed `SourceUnavailable` where it cannot be fetched now, `GatewayMismatch` where a gateway lies.
        """
        target = self._environment.work / "sources" / re.sub(r"[^A-Za-z0-9.-]", "_", field)
        with Spool(target, limit, field) as spool:
            if source.http is not None:
                await self._http(source.http, field, spool)
            elif source.ipfs is not None:
                await self._ipfs(source.ipfs, field, spool)
            elif source.object_store is not None:
                await self._object(source.object_store, field, spool)
            else:
                await asyncio.to_thread(self._mounted, source, field, spool)
            return spool.done()

    def _mounted(self, source: Source, field: str, spool: Spool) -> None:
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
        try:
            self._copied(path, spool)
        except OSError as error:
            raise AttemptFailed("SourceUnavailable", f"{field}: {what}: {error}") from error

    def _copied(self, path: Path, spool: Spool) -> None:
        with path.open("rb") as file:
            spool.announce(path.stat().st_size)
            while chunk := file.read(CHUNK):
                self._stop.check()
                spool.write(chunk)

    async def _http(self, source: HttpSource, field: str, spool: Spool) -> None:
        async with opened() as session:
            request = partial(asked, session, "GET", source.url)
            download = Download(lambda headers: request(headers=headers), spool, f"{field}: {source.url}")
            await download.run(self._stop, self._backoff)
            if spool.done().sha256 != source.sha256 and not download.whole:
                # It came in pieces, or without a length: what is wrong may be how it came.
                log.warning("%s: another checksum than the spec's; once more, from the start", source.url)
                spool.begin()
                await download.run(self._stop, self._backoff)
        if (found := spool.done().sha256) != source.sha256:
            message = f"{source.url} has sha256 {found}, the spec says {source.sha256}"
            raise InvalidInput.one("ChecksumMismatch", message, field=field)

    async def _ipfs(self, source: IpfsSource, field: str, spool: Spool) -> None:
        async with opened() as session:
            gateway = Gateway(source.gateway, session, self._stop, self._backoff, field)
            async with aclosing(gateway.file(source.cid, source.path or "")) as chunks:
                async for chunk in chunks:
                    spool.write(chunk)

    async def _object(self, source: ObjectStore, field: str, spool: Spool) -> None:
        async with open_bucket(self._environment, source, f"{field}.objectStore") as bucket:
            request = partial(bucket.get, source.key)
            download = Download(request, spool, f"{field}: {source.url}", guard="If-Match")
            await download.run(self._stop, self._backoff)
        # Stores tell it where whoever wrote the object had it computed; that of a whole object has no part number.
        said = download.headers.get("x-amz-checksum-sha256", "")
        found = base64.b64encode(bytes.fromhex(spool.done().sha256)).decode()
        if download.whole and len(said) == len(found) and said != found:
            raise AttemptFailed("SourceUnavailable", f"{field}: {source.url}: what came has not the store's checksum")
