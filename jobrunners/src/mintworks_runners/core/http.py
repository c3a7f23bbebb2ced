"""HTTP as every source and storage asks it: what is worth another try, bodies from files, and no redirects.

Nothing here follows a redirect: the address in the spec is the address that is asked, and what goes along with a
request (a token, a signature) goes there alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from .retry import Passing

CHUNK: Final = 1 << 20
ANSWER_LIMIT: Final = 4 << 20
"""Bytes of an answer that is read as a whole: a list, a JSON object."""

OK: Final = 200
CREATED: Final = 201
NO_CONTENT: Final = 204
PARTIAL: Final = 206
NOT_FOUND: Final = 404
RANGE_REFUSED: Final = 416
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT: Final = 60.0

Told = Callable[[int, int], None]
"""Told how many bytes of how many are done."""


def untold(done: int, of: int) -> None:
    """A `Told` that keeps it to itself."""
    del done, of


def proxy_for(url: str) -> str | None:
    """The proxy on the way to that URL, as the environment says, for sessions that ask much: by themselves they look
    for it, and for ~/.netrc, before every request, in another thread.
    """
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


@asynccontextmanager
async def opened(read: float = 60.0) -> AsyncIterator[aiohttp.ClientSession]:
    """A session whose requests may take as long as they need, but never go `read` seconds without a byte."""
    timeout = aiohttp.ClientTimeout(total=None, connect=30.0, sock_connect=10.0, sock_read=read)
    # What a server compresses is not the bytes that a checksum is of.
    async with aiohttp.ClientSession(
        timeout=timeout,
        trust_env=True,
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
        middlewares=(_once,),
    ) as session:
        yield session


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends a PUT again by itself where its connection is cut. Here it is asked first what became of it."""
    try:
        return await handler(request)
    except (aiohttp.ClientError, ConnectionError) as error:
        raise _passing(error) from error


def _passing(error: BaseException) -> Passing:
    return Passing(f"{type(error).__name__}: {error}".rstrip(": "))


@asynccontextmanager
async def asked(
    session: aiohttp.ClientSession, method: str, url: str, *, passing: frozenset[int] = PASSING, **request: Any
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The response to one request. Passing where none comes whole, or its status is one of `passing`: not now."""
    try:
        async with session.request(method, url, allow_redirects=False, **request) as response:
            if response.status in passing:
                raise Passing(await said(response), wait_asked(response.headers))
            yield response
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise _passing(error) from error


async def body(response: aiohttp.ClientResponse, limit: int = ANSWER_LIMIT) -> bytes:
    """The response's body. Passing where it has more than `limit` bytes: no such answer was asked for."""
    read = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        read += chunk
        if len(read) > limit:
            raise Passing(f"the answer has more than {limit} bytes")
    return bytes(read)


async def json_object(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The response's body as a JSON object. Passing where it is none."""
    content = await body(response)
    try:
        value = json.loads(content)
    except ValueError as error:
        raise Passing(f"the answer is not JSON: {content[:100]!r}") from error
    if not isinstance(value, dict):
        raise Passing(f"the answer is not a JSON object: {content[:100]!r}")
    return value


async def said(response: aiohttp.ClientResponse) -> str:
    """The status and the first words of the body, for people."""
    words = (await response.content.read(300)).decode(errors="replace").strip()
    return f"status {response.status}: {words[:200]}".rstrip(": ")


def wait_asked(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After, at most a minute; 0 where there is none (or a date: our backoff will do)."""
    try:
        return min(max(float(headers.get("Retry-After", "0")), 0.0), _LONGEST_WAIT)
    except ValueError:
        return 0.0


class FileBody(Payload):
    """`length` bytes of a file from `start` on as a request's body, read as they are sent and told as they are."""

    def __init__(self, path: Path, told: Told = untold, *, start: int = 0, length: int | None = None) -> None:
        self._whole = path.stat().st_size
        self._start = start
        self._length = self._whole - start if length is None else length
        self._told = told
        super().__init__(path, content_type="application/octet-stream")

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self._length

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send it. ValueError where the file has become shorter."""
        with await asyncio.to_thread(self._value.open, "rb") as file:
            await asyncio.to_thread(file.seek, self._start)
            left = self._length
            while left:
                chunk = await asyncio.to_thread(_read, file, min(CHUNK, left))
                await writer.write(chunk)
                left -= len(chunk)
                self._told(self._start + self._length - left, self._whole)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Send it: its length is known beforehand."""
        del content_length
        await self.write(writer)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """For aiohttp's debugging only: where it comes from."""
        del encoding, errors
        return str(self._value)


def _read(file: IO[bytes], size: int) -> bytes:
    chunk = file.read(size)
    if not chunk:
        raise ValueError("the file has become shorter while it was sent")
    return chunk
