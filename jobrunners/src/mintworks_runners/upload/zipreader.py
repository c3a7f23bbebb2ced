"""A zip's files, by a reader of our own: the standard library reads the whole directory into memory first.

After APPNOTE.TXT 6.3.10: the directory at the end says what there is; stored and deflated files are read.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

from .members import CHUNK, BrokenMember, Limits, Member, Members, broken, refused, shown, too_many

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_COMMENT: Final = 0xFFFF
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13
_STORED, _DEFLATED = 0, 8
_UNIX: Final = 3


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the directory lies, and how many entries it says it has."""

    start: int
    size: int
    entries: int


@dataclass(frozen=True, slots=True)
class _Entry:
    path: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int


def read_zip(file: BinaryIO, limits: Limits, field: str) -> Members:
    """The files, in the order of the directory. InvalidInput where the archive is damaged or has too many entries."""
    directory = _directory(file, field)
    if directory.entries > limits.entries:
        raise too_many(limits.files, field)
    for entry in _entries(file, directory, field):
        if not entry.path.endswith(b"/"):
            yield _member(file, entry, directory.start, field)


def _directory(file: BinaryIO, field: str) -> _Directory:
    end = file.seek(0, 2)
    start = max(0, end - _END.size - _COMMENT)
    file.seek(start)
    tail = file.read()
    at = len(tail) - _END.size
    while at >= 0:
        at = tail.rfind(b"PK\5\6", 0, at + 4)
        if at < 0:
            break
        _, disk, first, here, entries, size, offset, comment = _END.unpack_from(tail, at)
        if at + _END.size + comment == len(tail):
            found = _Directory(offset, size, entries)
            if (disk, first) != (0, 0) or here != entries:
                raise broken("it is one part of several: make it one file", field)
            if entries == _FULL16 or _FULL32 in (size, offset):
                return _directory64(file, start + at, field)
            return _checked(found, start + at, field)
        at -= 1
    raise broken("the zip has no directory at its end: it was cut off, or is no zip", field)


def _directory64(file: BinaryIO, end: int, field: str) -> _Directory:
    locator = _at(file, end - _LOCATOR.size, _LOCATOR, b"PK\6\7", field)
    found = _at(file, locator[2], _END64, b"PK\6\6", field)
    return _checked(_Directory(found[9], found[8], found[7]), locator[2], field)


def _checked(found: _Directory, end: int, field: str) -> _Directory:
    if found.start + found.size != end:
        raise broken("the zip's directory is not where the zip says", field)
    if found.entries * _ENTRY.size > found.size:
        raise broken("the zip's directory has less room than its entries take", field)
    return found


def _at(file: BinaryIO, offset: int, form: struct.Struct, signature: bytes, field: str) -> tuple[int, ...]:
    data = b""
    if 0 <= offset <= file.seek(0, 2):
        file.seek(offset)
        data = file.read(form.size)
    if len(data) != form.size or not data.startswith(signature):
        raise broken("the zip's directory is damaged", field)
    return form.unpack(data)


def _entries(file: BinaryIO, directory: _Directory, field: str) -> Iterator[_Entry]:
    place, end = directory.start, directory.start + directory.size
    for _ in range(directory.entries):
        head = _at(file, place, _ENTRY, b"PK\1\2", field)
        _, made_by, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, outer, offset = head
        variable = file.read(name + extra)
        place += _ENTRY.size + name + extra + comment
        if len(variable) != name + extra or place > end or disk not in (0, _FULL16):
            raise broken("the zip's directory is damaged", field)
        mode = outer >> 16 if made_by >> 8 == _UNIX else 0
        size, packed, offset = _wide(variable[name:], size, packed, offset, field)
        yield _Entry(variable[:name], flags, method, crc, packed, size, offset, mode)
    if place != end:
        raise broken("the zip's directory holds other entries than it says", field)


def _wide(extra: bytes, size: int, packed: int, offset: int, field: str) -> tuple[int, int, int]:
    """Sizes and offset, from the ZIP64 field where they do not fit into 32 bits."""
    values = [size, packed, offset]
    if _FULL32 not in values:
        return size, packed, offset
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<2H", extra)
        body, extra = extra[4 : 4 + length], extra[4 + length :]
        if tag != 1 or len(body) != length:
            continue
        for number, value in enumerate(values):
            if value == _FULL32 and len(body) >= 8:
                values[number], body = int.from_bytes(body[:8], "little"), body[8:]
        return values[0], values[1], values[2]
    raise broken("the zip's directory lacks a size", field)


def _member(file: BinaryIO, entry: _Entry, end: int, field: str) -> Member:
    if entry.mode and not stat.S_ISREG(entry.mode) and stat.S_IFMT(entry.mode):
        return refused(entry.path, "NotAFile", "a link or a device, not a file")
    if entry.flags & _ENCRYPTED:
        return refused(entry.path, "EncryptedFile", "encrypted: make the archive without a password")
    if entry.method not in (_STORED, _DEFLATED):
        return refused(entry.path, "UnknownCompression", f"compressed by method {entry.method}: only deflate is read")
    return Member(entry.path, entry.size, partial(_content, file, entry, end, field))


def _content(file: BinaryIO, entry: _Entry, end: int, field: str) -> Iterator[bytes]:
    local = _at(file, entry.offset, _LOCAL, b"PK\3\4", field)
    name = file.read(local[9])
    start = entry.offset + _LOCAL.size + local[9] + local[10]
    if name != entry.path or start + entry.packed > end:
        raise broken(f"{shown(entry.path)}: the zip's directory and its content do not agree", field)
    size, crc = 0, 0
    for chunk in _unpacked(file, entry, start):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        if size > entry.size:
            break
        yield chunk
    if size != entry.size:
        raise BrokenMember("it is larger or smaller than the zip says")
    if crc != entry.crc:
        raise BrokenMember("its checksum is wrong")


def _unpacked(file: BinaryIO, entry: _Entry, start: int) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-15) if entry.method == _DEFLATED else None
    place, left = start, entry.packed
    while left:
        # Others may have moved the file's position between two chunks.
        file.seek(place)
        data = file.read(min(CHUNK, left))
        if not data:
            raise BrokenMember("the zip ends within it")
        place, left = place + len(data), left - len(data)
        if inflate is None:
            yield data
            continue
        try:
            while data and not inflate.eof:
                yield inflate.decompress(data, CHUNK)
                data = inflate.unconsumed_tail
        except zlib.error as error:
            raise BrokenMember(f"it cannot be unpacked ({error})") from error
    while inflate is not None and not inflate.eof:
        # What the last input still holds comes out without any.
        if not (rest := inflate.decompress(b"", CHUNK)):
            raise BrokenMember("it is cut off")
        yield rest
