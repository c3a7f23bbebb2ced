"""Reads the files that an UploadJob's spec names, checks each, and makes the folder of them: for the job itself, and
for whoever builds on it.

One file at a time is on disk; checked, it becomes blocks of the CAR. Of a file there remain its name, hash and CID.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mintworks_api import UploadJobSpec, parse_quantity

from mintworks_runners.core.context import JobContext
from mintworks_runners.core.errors import Findings, InvalidInput
from mintworks_runners.ipfs import blocks
from mintworks_runners.ipfs.car import CarWriter, verify
from mintworks_runners.ipfs.unixfs import CHUNK_BYTES, Entry, Folder, put_file

from . import archive, bucket, volume
from .checking import Decoder
from .filetypes import DECODED, HEAD, by_content, by_name
from .members import BrokenMember, Limits, Member, Members, shown, too_many
from .names import BadName, Names, left_behind

log = logging.getLogger(__name__)

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The folder: its CID, how many files, their size, the hash of their list, and their names."""

    cid: str
    items: int
    bytes: int
    list_sha256: str
    names: frozenset[str]


async def gather(
    context: JobContext, spec: UploadJobSpec, car: Path | None, prefix: str = "", told: Told | None = None
) -> Uploaded:
    """The folder of the files, each checked, as a CAR at `car` where one is wanted.

    `prefix` stands before the spec's fields: `dependencies/NAME/`; `told` is called with how many files and bytes were
    read. InvalidInput with all that is wrong, AttemptFailed where the source cannot be read, Stopped.
    """
    limits, files, field = limits_of(spec), spec.files, f"{prefix}files"
    loop = asyncio.get_running_loop()

    def tell(items: int, size: int) -> None:
        if told is not None:
            loop.call_soon_threadsafe(told, items, size)

    async with contextlib.AsyncExitStack() as stack:
        if files.archive is not None:
            field = f"{field}.archive"
            # A tar is larger than its files: each has a header and is filled up to blocks.
            room = limits.total_size + limits.entries * 2048 + (1 << 20)
            spooled = await context.sources.spool(files.archive, field, limit=room)
            stack.callback(spooled.path.unlink)
            members = stack.enter_context(archive.opened(spooled.path, limits, field))
        elif files.volume is not None:
            field = f"{field}.volume"
            members = stack.enter_context(
                volume.opened(context.environment.mount(field), files.volume.path, limits, field)
            )
        elif files.object_store is not None:
            field = f"{field}.objectStore"
            members = await stack.enter_async_context(bucket.opened(context, files.object_store, limits, field))
        else:
            raise TypeError("the model lets no spec without files through")
        decoder = stack.enter_context(Decoder(limits.pixels, limits.frames, context.stop.check))
        writer = None if car is None else stack.enter_context(CarWriter(car))
        rules = _Rules(limits, frozenset(spec.types), field)
        collector = _Collector(context.work / "file", rules, decoder, writer)
        await asyncio.to_thread(collector.collect, members, context.stop.check, tell)
        return await asyncio.to_thread(collector.done, car)


def limits_of(spec: UploadJobSpec) -> Limits:
    """The spec's limits in bytes, pixels and numbers."""
    given = spec.limits
    file_size, total_size = (int(parse_quantity(size)) for size in (given.file_size, given.total_size))
    return Limits(given.files, file_size, total_size, given.pixels, given.frames)


class _Rules(NamedTuple):
    """What is taken, and the field that names it."""

    limits: Limits
    types: frozenset[str]
    field: str


class _Collector:
    """The files on their way into the folder, in a thread of its own; each is at `path` while it is looked at."""

    def __init__(self, path: Path, rules: _Rules, decoder: Decoder, writer: CarWriter | None) -> None:
        self._path, self._decoder, self._writer = path, decoder, writer
        self._limits, self._types, self._field = rules
        self._put = writer.put if writer is not None else _nowhere
        self._folder = Folder()
        self._findings = Findings()
        self._names = Names()
        self._files: dict[str, tuple[bytes, int]] = {}
        self._read = 0
        self._seen = 0

    def collect(self, members: Members, check_stop: Callable[[], None], tell: Told) -> None:
        """Every file of the archive; InvalidInput with all that is wrong."""
        passed = 0
        with self._findings.absorbed():
            for member in members:
                check_stop()
                if left_behind(member.path):
                    passed += 1
                    continue
                self._seen += 1
                if self._seen > self._limits.files:
                    raise too_many(self._limits.files, self._field)
                self._take(member)
                tell(len(self._files), self._read)
        if not self._seen and not self._findings.total:
            self._findings.add("EmptyInput", "there are no files", field=self._field)
        if passed:
            log.info("passed over %d files that macOS or Windows left there", passed)
        self._findings.raise_if_any()

    def done(self, car: Path | None) -> Uploaded:
        """The folder of what was collected; its CAR is read back, and each block held against its CID."""
        digest = hashlib.sha256()
        for name in sorted(self._files, key=str.encode):
            sha256, size = self._files[name]
            digest.update(f"{sha256.hex()}  {size}  {name}\n".encode())
        root = self._folder.close(self._put)
        if self._writer is not None and car is not None:
            self._writer.finish(root.cid)
            verify(car, root.cid)
        size = sum(size for _, size in self._files.values())
        return Uploaded(blocks.text(root.cid), len(self._files), size, digest.hexdigest(), frozenset(self._files))

    def _take(self, member: Member) -> None:
        try:
            name = self._names.take(member.path)
        except BadName as error:
            self._findings.add(error.reason, f"{shown(member.path)}: {error}", field=self._field)
            return
        try:
            problem = member.wrong or self._unfit(name, member.size) or self._enter(name, member)
        except BrokenMember as error:
            problem = ("BrokenFile", str(error))
        if problem is not None:
            self._findings.add(problem[0], f"{shown(name)}: {problem[1]}", field=self._field)

    def _enter(self, name: str, member: Member) -> tuple[str, str] | None:
        """Into the folder, unless something is wrong with it."""
        kind = by_name(name) or ""
        sha256, size, head = self._write(member)
        if (found := by_content(head)) != kind:
            return "WrongType", f"its name says {kind}, its content {found or 'something else'}"
        looked = self._decoder.problem(self._path, kind) if kind == "svg" or kind in DECODED else None
        if looked is None:
            self._files[name] = sha256, size
            # Where anything is wrong, the rest is read for the rest of the problems, and nothing made of it.
            if not self._findings.total:
                self._folder.add(name.encode(), self._blocks())
        return looked

    def _unfit(self, name: str, size: int) -> tuple[str, str] | None:
        """What is wrong before anything was read."""
        kind = by_name(name)
        if kind is None or kind not in self._types:
            return "TypeNotTaken", f"files of this type are not taken; types has {', '.join(sorted(self._types))}"
        if size == 0:
            return "EmptyFile", "the file is empty: 0 bytes"
        if size > self._limits.file_size:
            return "FileTooLarge", f"{size} bytes, at most {self._limits.file_size} are taken (limits.fileSize)"
        return None

    def _write(self, member: Member) -> tuple[bytes, int, bytes]:
        """SHA-256, size and beginning of the file, which then is on disk."""
        digest, size, head = hashlib.sha256(), 0, b""
        with self._path.open("wb") as file:
            for chunk in member.content():
                size += len(chunk)
                self._read += len(chunk)
                if self._read > self._limits.total_size:
                    limit = self._limits.total_size
                    message = f"all files together have more than {limit} bytes (limits.totalSize)"
                    raise InvalidInput.one("TotalTooLarge", message, field=self._field)
                if len(head) < HEAD:
                    head += chunk[: HEAD - len(head)]
                digest.update(chunk)
                file.write(chunk)
        return digest.digest(), size, head

    def _blocks(self) -> Entry:
        with self._path.open("rb") as file:
            return put_file(iter(partial(file.read, CHUNK_BYTES), b""), self._put)


def _nowhere(cid: bytes, block: bytes) -> None:
    """Takes the blocks of a folder of which only the CID is asked."""
