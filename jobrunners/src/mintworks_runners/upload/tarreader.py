"""A tar's files, from a stream, by a reader of our own: the standard library takes headers of any size into memory.

After POSIX pax and GNU tar: names and sizes from pax headers and GNU's long names; links, devices and sparse files are
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Protocol

from .members import CHUNK, Limits, Member, Members, broken, refused, shown, too_many

BLOCK: Final = 512
HEADER_LIMIT: Final = 1 << 16
"""Bytes of a pax header or a long name."""

_OCTAL: Final = re.compile(rb"[0-7]+")
_FILES: Final = b"0\x007"
_KINDS: Final = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
}


class Stream(Protocol):
    """Bytes that can be read once."""

    def read(self, size: int) -> bytes:
        """At most so many bytes; fewer only at the end."""


def read_tar(stream: Stream, limits: Limits, field: str) -> Members:
    """The files, in their order. InvalidInput where the archive is damaged or has too many entries."""
    reader = _Reader(stream, field)
    path, size, sparse = None, None, False
    for _ in range(limits.entries):
        header = reader.header()
        if header is None:
            return
        kind = header[156:157]
        length = _number(header[124:136], field) if size is None or kind in b"xgLK" else size
        if kind in b"xgLK":
            data = reader.small(length)
            if kind == b"x":
                path, size, sparse = _pax(data, field, path)
            elif kind == b"L":
                path = data.rstrip(b"\0")
            continue
        named = _name(header) if path is None else path
        if kind in _KINDS or sparse:
            # Links say a size now and then, and have no content.
            reader.pad(0 if kind in b"12" else length)
            yield refused(named, "NotAFile", f"{_KINDS.get(kind, 'a sparse file')}, not a file")
        elif kind == b"5" or (kind == b"\0" and named.endswith(b"/")):
            reader.pad(length)
        elif kind in _FILES:
            reader.begin(length)
            yield Member(named, length, reader.content)
            reader.end()
        else:
            reader.pad(length)
            yield refused(named, "NotAFile", f"an entry of the type {shown(kind)}, not a file")
        path, size, sparse = None, None, False
    raise too_many(limits.files, field)


class _Reader:
    """The stream in blocks."""

    def __init__(self, stream: Stream, field: str) -> None:
        self._stream, self._field = stream, field
        self._left = 0
        self._padding = 0
        self._first = True

    def header(self) -> bytes | None:
        """The next header; None at the end of the archive."""
        data = self._stream.read(BLOCK)
        if not any(data) and (len(data) == BLOCK or not self._first):
            # Some programs leave the closing blocks away.
            return None
        said = data[148:156].strip(b" \0")
        if len(data) < BLOCK or not _OCTAL.fullmatch(said) or int(said, 8) != sum(data[:148] + data[156:]) + 8 * 32:
            what = "the archive is no tar" if self._first else "the tar is damaged or cut off"
            raise broken(what, self._field)
        self._first = False
        return data

    def small(self, length: int) -> bytes:
        """A header's content, whole."""
        if length > HEADER_LIMIT:
            raise broken(f"the tar has a header of {length} bytes", self._field)
        self.begin(length)
        data = b"".join(self.content())
        self.end()
        return data

    def begin(self, length: int) -> None:
        """An entry of so many bytes comes."""
        self._left, self._padding = length, -length % BLOCK

    def content(self) -> Iterator[bytes]:
        """What of the entry was not read yet."""
        while self._left:
            data = self._stream.read(min(CHUNK, self._left))
            if not data:
                raise broken("the tar is cut off", self._field)
            self._left -= len(data)
            yield data

    def end(self) -> None:
        """Pass over the rest of the entry."""
        for _ in self.content():
            pass
        self._stream.read(self._padding)

    def pad(self, length: int) -> None:
        """Pass over an entry."""
        self.begin(length)
        self.end()


def _name(header: bytes) -> bytes:
    name, prefix = header[:100].split(b"\0", 1)[0], header[345:500].split(b"\0", 1)[0]
    return prefix + b"/" + name if prefix and header[257:263] == b"ustar\0" else name


def _number(field_bytes: bytes, field: str) -> int:
    if field_bytes[0] == 0x80:
        return int.from_bytes(field_bytes[1:], "big")
    text = field_bytes.strip(b" \0")
    if text and not _OCTAL.fullmatch(text):
        raise broken("the tar is damaged: a number is none", field)
    return int(text or b"0", 8)


def _pax(data: bytes, field: str, path: bytes | None) -> tuple[bytes | None, int | None, bool]:
    """Path, size and whether the file is sparse, as a pax header says."""
    size, sparse = None, False
    while data:
        length, _, _ = data.partition(b" ")
        if not (length.isdigit() and len(length) < 9 and len(length) < int(length) <= len(data)):
            raise broken("the tar has a damaged pax header", field)
        record, data = data[len(length) + 1 : int(length)], data[int(length) :]
        key, _, value = record.removesuffix(b"\n").partition(b"=")
        if key == b"path":
            path = value
        elif key == b"size":
            size = _decimal(value, field)
        sparse = sparse or key.startswith(b"GNU.sparse.")
    return path, size, sparse


def _decimal(value: bytes, field: str) -> int:
    if not value.isdigit() or len(value) > 19:
        raise broken("the tar has a damaged pax header", field)
    return int(value)
