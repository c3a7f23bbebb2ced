"""One file over HTTP into a spool: tried again where it may help, and gone on with where the server can."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

import aiohttp

from .errors import AttemptFailed
from .http import CHUNK, OK, PARTIAL, RANGE_REFUSED, said
from .retry import Backoff, Passing
from .spool import Spool
from .stop import StopSignal

log = logging.getLogger(__name__)

CHANGED: Final = 412
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
Request = Callable[[Mapping[str, str]], AbstractAsyncContextManager[aiohttp.ClientResponse]]
"""A GET with these headers; raises Passing where no answer comes."""


class Download:
    """A file being fetched. `whole`: it came in one answer of a known length; `headers`: the last answer's."""

    def __init__(self, request: Request, spool: Spool, name: str, *, guard: str = "If-Range") -> None:
        """`guard` is the header by which the server is told not to go on with another content: If-Range or If-Match."""
        self._request, self._spool, self._name, self._guard = request, spool, name, guard
        self._etag = ""
        self.whole = False
        self.headers: Mapping[str, str] = {}

    async def run(self, stop: StopSignal, backoff: Backoff) -> None:
        """Fetch it. AttemptFailed `SourceUnavailable` where tries without any progress are used up.

        A try that brings new bytes does not count, so a large file arrives over a bad line too.
        """
        failed, best = 0, 0
        while True:
            try:
                return await stop.race(self._once())
            except Passing as error:
                failed, best = (1, self._spool.size) if self._spool.size > best else (failed + 1, best)
                if failed >= backoff.tries:
                    raise AttemptFailed("SourceUnavailable", f"{self._name}: {error}") from error
                wait = backoff.seconds(failed, random.random(), error.wait)  # noqa: S311 - jitter, no secret
                log.warning("fetching %s failed at byte %d: %s", self._name, self._spool.size, error)
            await stop.sleep(wait)

    async def _once(self) -> None:
        start = self._spool.size if self._etag else 0
        headers = {"Range": f"bytes={start}-", self._guard: self._etag} if start else {}
        async with self._request(headers) as response:
            if response.status in (CHANGED, RANGE_REFUSED) and start:
                self._etag = ""
                raise Passing("the content has changed since it was begun")
            if response.status == PARTIAL and start:
                self._check_range(response, start)
            elif response.status == OK:
                self._begin(response)
            else:
                reason = "SourceRefused" if response.status in (UNAUTHORIZED, FORBIDDEN) else "SourceUnavailable"
                raise AttemptFailed(reason, f"{self._name}: {await said(response)}")
            self.headers = response.headers
            async for chunk in response.content.iter_chunked(CHUNK):
                self._spool.write(chunk)

    def _begin(self, response: aiohttp.ClientResponse) -> None:
        self._spool.begin()
        etag = response.headers.get("ETag", "")
        # A weak one does not promise equal bytes.
        self._etag = etag if etag.startswith('"') else ""
        self.whole = response.content_length is not None
        self._spool.announce(response.content_length or 0)

    def _check_range(self, response: aiohttp.ClientResponse, start: int) -> None:
        found = re.match(r"bytes (\d+)-\d+/(\d+|\*)$", response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != start:
            self._etag = ""
            raise Passing(f"asked for the rest from byte {start} on, the server answers another part")
        self.whole = False
        self._spool.announce(start + (response.content_length or 0))
