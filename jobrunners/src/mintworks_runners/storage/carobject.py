"""The CAR as an object in a store that speaks the S3 API; a large one in parts, of which none is sent twice."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from mintworks_api.refs import ObjectStore

from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import CHUNK, FileBody, Told
from mintworks_runners.core.retry import Passing
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.s3.client import Bucket, Part, RefusedError

from .base import Car, Stored
from .trying import full, persist

log = logging.getLogger(__name__)

PART: Final = 16 << 20
"""Bytes of a part, and of the largest CAR that is sent in one request; larger where 10,000 parts would not do."""
_MOST_PARTS: Final = 10_000
_MIB: Final = 1 << 20

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a CAR: its number from 1 on, where it is in the file, and its hashes (hex)."""

    number: int
    start: int
    size: int
    sha256: str
    md5: str


class CarObject:
    """One object. Its metadata say the SHA-256 and the root of the CAR, so that a HEAD tells whether it is there."""

    def __init__(self, bucket: Bucket, place: ObjectStore, stop: StopSignal, *, part: int = PART) -> None:
        self.name = place.url
        self.bucket = bucket
        self._key = place.key
        self._stop = stop
        self._part = part

    async def put(self, car: Car, told: Told) -> Stored:
        """See `Storage.put`."""
        sha256 = (await self._hashed(car.path, 0, car.size)).sha256
        return await self._persist("writing the CAR", lambda: self._put(car, sha256, told))

    async def holds(self, cid: str) -> bool:
        """See `Storage.holds`: by the root in the object's metadata."""
        return await self._persist("asking for the CAR", self._root) == cid

    async def kept(self) -> AsyncIterator[str]:
        """See `Storage.kept`."""
        if root := await self._persist("asking for the CAR", self._root):
            yield root

    async def unpin(self, cid: str) -> bool:
        """See `Storage.unpin`: the object is removed if this is its root."""
        if not await self.holds(cid):
            return False
        await self._persist("removing the CAR", lambda: self.bucket.delete(self._key))
        return True

    async def _put(self, car: Car, sha256: str, told: Told) -> Stored:
        # Before every try: the last one may have been carried out though its answer was lost.
        if await self._there(car, sha256):
            return Stored(already=True)
        metadata = {"sha256": sha256, "root": car.root}
        if car.size <= self._part:
            await self.bucket.put(self._key, FileBody(car.path, told), sha256, metadata)
            sent = car.size
        else:
            sent = await self._in_parts(car, metadata, told)
        if not await self._there(car, sha256):
            raise Passing("written, but the store does not have it")
        return Stored(already=False, sent=sent)

    async def _there(self, car: Car, sha256: str) -> bool:
        head = await self.bucket.head(self._key)
        return head is not None and head.size == car.size and head.metadata.get("sha256") == sha256

    async def _root(self) -> str | None:
        head = await self.bucket.head(self._key)
        return None if head is None else head.metadata.get("root")

    async def _in_parts(self, car: Car, metadata: dict[str, str], told: Told) -> int:
        """Write it in parts, going on with an upload that an earlier attempt began; the bytes that were sent."""
        size = max(self._part, -(-car.size // _MOST_PARTS // _MIB) * _MIB)
        upload, there = await self._begun(car, size)
        if upload is None:
            upload, there = await self.bucket.begin(self._key, metadata), {}
        done, sent = list[Part](), 0
        for number, start in enumerate(range(0, car.size, size), start=1):
            piece = await self._hashed(car.path, start, min(size, car.size - start), number)
            part = there.get(number)
            if part is None or not _is(part, piece):
                content = FileBody(car.path, told, start=start, length=piece.size)
                etag = await self.bucket.put_part(self._key, upload, number, content, piece.sha256)
                part = Part(number, etag, piece.size)
                sent += piece.size
            told(start + piece.size, car.size)
            done.append(part)
        await self.bucket.complete(self._key, upload, done)
        return sent

    async def _begun(self, car: Car, size: int) -> tuple[str | None, dict[int, Part]]:
        """An upload of this very CAR that was not ended, and its parts: a CAR's first part holds its root.

        Others are left alone: somebody else may be at them, and a rule of the bucket's life cycle removes what is old.
        """
        for upload in await self.bucket.uploads(self._key):
            there = {part.number: part for part in await self.bucket.parts(self._key, upload) or ()}
            if 1 in there and _is(there[1], await self._hashed(car.path, 0, size, 1)):
                log.info("%s: going on with an upload of which %d parts are there", self.name, len(there))
                return upload, there
        return None, {}

    async def _hashed(self, path: Path, start: int, size: int, number: int = 1) -> Piece:
        return await asyncio.to_thread(_hashed, path, start, size, number, self._stop)

    async def _persist(self, what: str, work: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            return await persist(work, name=self.name, what=what, stop=self._stop)
        except RefusedError as error:
            reason = "StorageFull" if full(error.words) or "QuotaExceeded" in error.words else "StorageRefused"
            raise AttemptFailed(reason, f"{self.name}: {what}: {error}") from error


def _is(part: Part, piece: Piece) -> bool:
    return part.size == piece.size and part.etag == piece.md5


def _hashed(path: Path, start: int, size: int, number: int, stop: StopSignal) -> Piece:
    sha256, md5, left = hashlib.sha256(), hashlib.md5(usedforsecurity=False), size
    with path.open("rb") as file:
        file.seek(start)
        while left and (chunk := file.read(min(CHUNK, left))):
            stop.check()
            sha256.update(chunk)
            md5.update(chunk)
            left -= len(chunk)
    return Piece(number, start, size, sha256.hexdigest(), md5.hexdigest())
