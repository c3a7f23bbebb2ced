"""The CAR as a file: on a volume, or, in a local run without storage, in the state directory."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from mintworks_runners.core.errors import AttemptFailed
from mintworks_runners.core.http import CHUNK, Told
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.ipfs.blocks import text
from mintworks_runners.ipfs.car import BrokenCar, read_root

from .base import Car, Stored
from .trying import unwritable

Answer = TypeVar("Answer")


class CarFile:
    """One file. It appears whole or not at all: whoever finds it under its name finds all of it."""

    def __init__(self, folder: Path, path: str, name: str, stop: StopSignal) -> None:
        """At a path below `folder`, a volume's root, which no link may lead out of."""
        self.name = name
        self._folder = folder
        self._target = folder / path
        self._stop = stop

    async def put(self, car: Car, told: Told) -> Stored:
        """See `Storage.put`. A file of the same bytes is left as it is; another one is replaced."""
        loop = asyncio.get_running_loop()
        return await self._away(self._put, car, lambda done, of: loop.call_soon_threadsafe(told, done, of))

    async def holds(self, cid: str) -> bool:
        """See `Storage.holds`: by the root in the file's header."""
        return await self._away(self._root) == cid

    async def kept(self) -> AsyncIterator[str]:
        """See `Storage.kept`."""
        if (root := await self._away(self._root)) is not None:
            yield root

    async def unpin(self, cid: str) -> bool:
        """See `Storage.unpin`: the file is removed if this is its root."""
        if not await self.holds(cid):
            return False
        await self._away(self._target.unlink, True)
        return True

    async def _away(self, work: Callable[..., Answer], *arguments: object) -> Answer:
        """`work` in a thread, and what an error of the file system comes to."""
        try:
            return await asyncio.to_thread(work, *arguments)
        except OSError as error:
            raise unwritable(self.name, error) from error

    def _root(self) -> str | None:
        """The root of the file that is there; None where there is none, or one that is no CAR."""
        try:
            return text(read_root(self._target))
        except (FileNotFoundError, IsADirectoryError, BrokenCar):
            return None

    def _put(self, car: Car, told: Told) -> Stored:
        if self._same(car):
            return Stored(already=True)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        if not self._target.parent.resolve().is_relative_to(self._folder.resolve()):
            raise AttemptFailed("StorageRefused", f"{self.name}: {self._target.name} leads out of it")
        part = self._target.with_name(f".{self._target.name}.part")
        # What a killed pod left there, or a link that somebody put there.
        part.unlink(missing_ok=True)
        try:
            self._copy(car, part, told)
            part.replace(self._target)
            _sync(self._target.parent)
        except BaseException:
            # Where the volume is full, half a file would keep it so.
            part.unlink(missing_ok=True)
            raise
        return Stored(already=False, sent=car.size)

    def _same(self, car: Car) -> bool:
        there = self._target.is_file() and self._target.stat().st_size == car.size
        return there and self._sha256(self._target) == self._sha256(car.path)

    def _copy(self, car: Car, part: Path, told: Told) -> None:
        with car.path.open("rb") as source, part.open("xb") as copy:
            while chunk := source.read(CHUNK):
                self._stop.check()
                copy.write(chunk)
                told(copy.tell(), car.size)
            copy.flush()
            os.fsync(copy.fileno())

    def _sha256(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                self._stop.check()
                digest.update(chunk)
        return digest.hexdigest()


def _sync(folder: Path) -> None:
    """Have the new name itself survive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
