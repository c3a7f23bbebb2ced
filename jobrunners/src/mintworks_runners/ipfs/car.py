"""CAR files (version 1): written as a stream, and read back to prove that each block is what its CID says.

Format: https://ipld.io/specs/transport/car/carv1/. The root stands first and is known last: its place is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from .blocks import CID_BYTES, DAG_PB, RAW, varint

#: dag-cbor of {roots: [CID], version: 1} up to the CID, and from it on; the CID is a byte string behind a zero byte.
_BEFORE: Final = b"\xa2\x65roots\x81\xd8\x2a\x58\x25\x00"
_BEHIND: Final = b"\x67version\x01"
_HEADER_BYTES: Final = len(_BEFORE) + CID_BYTES + len(_BEHIND)
_BUFFER: Final = 1 << 20
BLOCK_LIMIT: Final = 2 << 20
"""Bytes of one block that IPFS nodes take from each other; none of ours comes near it."""


class BrokenCar(ValueError):  # noqa: N818 - said of the file
    """The file is no CAR of whole blocks; the message says where."""


class CarWriter:
    """Writes blocks to a file at `path`. As a context manager it removes what was not finished."""

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._file: BinaryIO = self._part.open("wb", buffering=_BUFFER)
        self._file.write(_header(bytes(CID_BYTES)))
        self._finished = False

    def put(self, cid: bytes, block: bytes) -> None:
        """Append a block."""
        self._file.write(b"%b%b%b" % (varint(CID_BYTES + len(block)), cid, block))

    def finish(self, root: bytes) -> None:
        """Say which block is the root; the file stands at `path` from now on."""
        self._file.seek(0)
        self._file.write(_header(root))
        self._file.close()
        self._part.replace(self._path)
        self._finished = True

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Close the file, and remove it where it was not finished."""
        self._file.close()
        if not self._finished:
            self._part.unlink(missing_ok=True)


def read_root(path: Path) -> bytes:
    """The CID of the file's root. BrokenCar where it is no CARv1 with a single root as we write it."""
    with path.open("rb") as file:
        return _read_root(file)


def read_blocks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """(CID, block) of the file in its order, each held against its CID. BrokenCar at the first that is not it."""
    with path.open("rb", buffering=_BUFFER) as file:
        _read_root(file)
        position = file.tell()
        while (size := _read_varint(file)) is not None:
            if not CID_BYTES < size + 1 <= CID_BYTES + 1 + BLOCK_LIMIT:
                raise BrokenCar(f"a block of {size} bytes at offset {position}")
            data = file.read(size)
            cid, block = data[:CID_BYTES], data[CID_BYTES:]
            if len(data) != size or cid[:4] not in (RAW, DAG_PB) or sha256(block).digest() != cid[4:]:
                raise BrokenCar(f"the block at offset {position} is not what its CID says")
            position += len(varint(size)) + size
            yield cid, block


def verify(path: Path, root: bytes) -> int:
    """Read the whole file back; answers how many blocks it has. BrokenCar where a block or the root is another."""
    if read_root(path) != root:
        raise BrokenCar("the header names another root")
    blocks, last = 0, b""
    for last, _ in read_blocks(path):  # noqa: B007 - the last one is what is asked for
        blocks += 1
    if last != root:
        raise BrokenCar("the last block is not the root")
    return blocks


def _header(root: bytes) -> bytes:
    return b"%b%b%b%b" % (varint(_HEADER_BYTES), _BEFORE, root, _BEHIND)


def _read_root(file: BinaryIO) -> bytes:
    length = len(varint(_HEADER_BYTES))
    header = file.read(length + _HEADER_BYTES)
    root = header[length + len(_BEFORE) : -len(_BEHIND)]
    if header != _header(root):
        raise BrokenCar("the header is not that of a CARv1 with one root")
    return root


def _read_varint(file: BinaryIO) -> int | None:
    """The next number, or None at the end of the file."""
    number = shift = 0
    while byte := file.read(1):
        number |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return number
        shift += 7
        if shift > 28:
            break
    if shift or byte:
        raise BrokenCar("a length has no end")
    return None
