"""What storages share: tries within an attempt, and what their errors come to."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import aiohttp

from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import said
from mintworks_runners.core.retry import Backoff, Passing, retry
from mintworks_runners.core.stop import StopSignal

TRIES: Final = Backoff(tries=4, delay=0.5)
_REFUSED: Final = frozenset({400, 401, 402, 403, 404, 405, 409, 410, 411, 413, 415, 422})
_FULL: Final = ("no space left on device", "disk quota exceeded", "not enough space", "insufficient storage")

Answer = TypeVar("Answer")


async def persist(
    work: Callable[[], Awaitable[Answer]], *, name: str, what: str, stop: StopSignal, backoff: Backoff = TRIES
) -> Answer:
    """`work`, tried again where it raises Passing; AttemptFailed `StorageUnavailable` where that does not pass."""
    try:
        return await retry(
            lambda: stop.race(work()), on=(Passing,), stop=stop, what=f"{what} ({name})", backoff=backoff
        )
    except Passing as error:
        raise AttemptFailed("StorageUnavailable", f"{name}: {what}: {error}") from error


async def refused(name: str, response: aiohttp.ClientResponse) -> Exception:
    """What an unwelcome answer comes to: AttemptFailed where another try would be in vain, else Passing."""
    words = await said(response)
    if full(words):
        return AttemptFailed("StorageFull", f"{name}: {words}")
    if response.status in _REFUSED or 300 <= response.status < 400:
        return AttemptFailed("StorageRefused", f"{name}: {words}")
    return Passing(words)


def full(words: str) -> bool:
    """Whether an error's words say that the disk is full."""
    return any(sign in words.lower() for sign in _FULL)


def unwritable(name: str, error: OSError) -> AttemptFailed:
    """What an error of a file system comes to."""
    reason = "StorageFull" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "StorageUnavailable"
    return AttemptFailed(reason, f"{name}: {error.strerror or error}")


def mismatch(name: str, found: str, car_root: str) -> AttemptFailed:
    """The place names another root than was computed here."""
    return AttemptFailed("CidMismatch", f"{name} names the root {found[:120]}; computed here: {car_root}")
