"""What blocks of others say: CIDs of both versions, and nodes of UnixFS. `blocks.py` writes ours.

Formats: https://ipld.io/specs/codecs/dag-pb/spec/ and https://specs.ipfs.tech/unixfs/.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

RAW: Final = 0x55
DAG_PB: Final = 0x70
_SHA256: Final = b"\x12\x20"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Malformed(ValueError):  # noqa: N818 - says what a thing is
    """Bytes or text that are not what they should be; the message says why."""


class Kind(IntEnum):
    """UnixFS's types of nodes."""

    RAW = 0
    DIRECTORY = 1
    FILE = 2
    METADATA = 3
    SYMLINK = 4
    SHARD = 5


@dataclass(frozen=True, slots=True)
class BlockId:
    """A CID of SHA-256: its codec (RAW or DAG_PB) and digest. Versions 0 and 1 of one block are equal."""

    codec: int
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> BlockId:
        """From `Qm…` or `b…`. Malformed where it is neither, or of another hash or codec."""
        if text.startswith("Qm"):
            return cls.from_bytes(_base58(text))
        if not text.startswith("b"):
            raise Malformed("a CID that begins neither with b nor with Qm")
        body = text[1:].upper()
        try:
            return cls.from_bytes(base64.b32decode(body + "=" * (-len(body) % 8)))
        except ValueError as error:
            raise Malformed(f"a CID that is not base32: {error}") from error

    @classmethod
    def from_bytes(cls, data: bytes) -> BlockId:
        """From the binary form, as links hold it. Malformed as in `parse`."""
        if len(data) == 34 and data.startswith(_SHA256):
            return cls(DAG_PB, data[2:])
        if len(data) != 36 or data[0] != 1 or data[2:4] != _SHA256:
            raise Malformed("a CID of another form than SHA-256 in version 0 or 1")
        if data[1] not in (RAW, DAG_PB):
            raise Malformed(f"a CID of the codec {data[1]:#x}: not a file or folder")
        return cls(data[1], data[4:])

    def matches(self, block: bytes) -> bool:
        """Whether the block is the one."""
        return hashlib.sha256(block).digest() == self.digest

    def __str__(self) -> str:
        """Version 1, base32."""
        data = bytes((1, self.codec)) + _SHA256 + self.digest
        return "b" + base64.b32encode(data).decode().lower().rstrip("=")


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a node; in a shard the name begins with the slot's hex digits."""

    name: str
    to: BlockId


@dataclass(frozen=True, slots=True)
class Node:
    """A UnixFS node. `sizes` are the bytes below each link of a file; `fanout` is a shard's."""

    kind: Kind
    links: tuple[Link, ...]
    data: bytes = b""
    sizes: tuple[int, ...] = ()
    fanout: int = 0


def decode(of: BlockId, block: bytes) -> Node:
    """What a block says. Malformed where it is no UnixFS."""
    if of.codec == RAW:
        return Node(Kind.RAW, (), block)
    links, inner = [], None
    for number, value in _fields(block):
        if number == 2:
            links.append(_link(_bytes(value)))
        elif number == 1:
            inner = _bytes(value)
    if inner is None:
        raise Malformed("a node without UnixFS data")
    kind, data, fanout = -1, b"", 0
    sizes: list[int] = []
    for number, value in _fields(inner):
        if number == 1:
            kind = _number(value)
        elif number == 2:
            data = _bytes(value)
        elif number == 4:
            sizes.extend(_packed(value))
        elif number == 6:
            fanout = _number(value)
    try:
        return Node(Kind(kind), tuple(links), data, tuple(sizes), fanout)
    except ValueError as error:
        raise Malformed(f"a node of the type {kind}") from error


def _link(data: bytes) -> Link:
    name, to = "", None
    for number, value in _fields(data):
        if number == 1:
            to = BlockId.from_bytes(_bytes(value))
        elif number == 2:
            name = _bytes(value).decode(errors="surrogateescape")
    if to is None:
        raise Malformed("a link without a hash")
    return Link(name, to)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: number, and an integer or bytes. Malformed where it is none."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, at = _varint(data, at)
            if length > len(data) - at:
                raise Malformed("a node that ends too soon")
            yield tag >> 3, data[at : at + length]
            at += length
        else:
            raise Malformed("a node that is no protobuf of UnixFS")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Malformed("a node with a number that does not end")


def _packed(value: int | bytes) -> list[int]:
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(number)
    return found


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise Malformed("a node with a number where bytes belong")


def _number(value: int | bytes) -> int:
    if isinstance(value, int):
        return value
    raise Malformed("a node with bytes where a number belongs")


def _base58(text: str) -> bytes:
    value = 0
    for letter in text:
        digit = _BASE58.find(letter)
        if digit < 0:
            raise Malformed("a CID that is not base58")
        value = value * 58 + digit
    try:
        return value.to_bytes(34, "big")
    except OverflowError as error:
        raise Malformed("a CID that is too long") from error
