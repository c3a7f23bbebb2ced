"""An archive's files: which kind it is tells its content, not its name."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from mintworks_runners.core.errors import InvalidInput

from .members import CHUNK, Limits, Members, broken
from .tarreader import BLOCK, read_tar
from .zipreader import read_zip

_OTHERS: Final = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\0": "compressed by xz",
    b"(\xb5/\xfd": "compressed by zstd",
}


@contextmanager
def opened(path: Path, limits: Limits, field: str) -> Iterator[Members]:
    """The files of the archive at `path`.

    InvalidInput `UnknownArchive`, or `BrokenArchive` and `TooManyFiles` while they are read.
    """
    with path.open("rb") as file:
        yield _members(file, limits, field)


def _members(file: BinaryIO, limits: Limits, field: str) -> Members:
    head = file.read(BLOCK)
    file.seek(0)
    if not head:
        raise InvalidInput.one("EmptyInput", "the archive is empty: 0 bytes", field=field)
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return read_zip(file, limits, field)
    if head.startswith(b"\x1f\x8b"):
        return read_tar(_Gzip(file, limits, field), limits, field)
    what = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), None)
    if what is not None or len(head) < BLOCK:
        raise InvalidInput.one("UnknownArchive", f"{what or 'no archive'}: make it a zip, tar or tar.gz", field=field)
    return read_tar(file, limits, field)


class _Gzip:
    """What a gzip file unpacks to, never much more than an archive within the limits can have."""

    def __init__(self, file: BinaryIO, limits: Limits, field: str) -> None:
        self._file, self._field, self._total = file, field, limits.total_size
        self._room = limits.total_size + limits.entries * 2 * BLOCK + (1 << 20)
        self._inflate = zlib.decompressobj(31)
        self._packed = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        parts: list[bytes] = []
        while size:
            data = self._some(size)
            if not data:
                break
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def _some(self, size: int) -> bytes:
        while True:
            if self._inflate.eof and not self._next():
                return b""
            self._packed = self._packed or self._file.read(CHUNK)
            try:
                data = self._inflate.decompress(self._packed, size)
            except zlib.error as error:
                raise broken(f"the archive cannot be unpacked ({error})", self._field) from error
            ended = not self._packed and not data and not self._inflate.eof
            self._packed = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if ended:
                raise broken("the gzip file is cut off", self._field)
            self._room -= len(data)
            if self._room < 0:
                message = f"unpacked it takes more than {self._total} bytes (limits.totalSize)"
                raise InvalidInput.one("TotalTooLarge", message, field=self._field)
            if data:
                return data

    def _next(self) -> bool:
        """Another gzip file may follow, and goes on where this one ends."""
        self._packed = self._packed or self._file.read(CHUNK)
        if not self._packed.startswith(b"\x1f"):
            return False
        self._inflate = zlib.decompressobj(31)
        return True
