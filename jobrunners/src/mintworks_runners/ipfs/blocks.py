"""Blocks and their CIDs (CIDv1, SHA-256), and the two messages of dag-pb and UnixFS that folders and files need.

Formats: https://ipld.io/specs/codecs/dag-pb/spec/ and https://specs.ipfs.tech/unixfs/. A CID is 36 bytes here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

RAW: Final = b"\x01\x55\x12\x20"
DAG_PB: Final = b"\x01\x70\x12\x20"
"""What stands before the digest in the CID of a raw block, and of a dag-pb node."""

CID_BYTES: Final = 36

_ONE_BYTE: Final = [bytes((number,)) for number in range(0x80)]
_DIRECTORY: Final = b"\x08\x01"
_FILE: Final = b"\x08\x02"
_SHARD: Final = b"\x08\x05"
_MURMUR3: Final = b"\x28\x22"
_FANOUT_256: Final = b"\x30\x80\x02"


def varint(number: int) -> bytes:
    """The number (at least 0) as protobuf and CAR write it."""
    if number < 0x80:
        return _ONE_BYTE[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def raw_cid(block: bytes) -> bytes:
    """The CID of a raw block."""
    return RAW + sha256(block).digest()


def node_cid(block: bytes) -> bytes:
    """The CID of a dag-pb node."""
    return DAG_PB + sha256(block).digest()


def text(cid: bytes) -> str:
    """The CID as people write it: `bafy…`, base32 in lower case."""
    return "b" + base64.b32encode(cid).decode().rstrip("=").lower()


def link(cid: bytes, name: bytes, size: int) -> bytes:
    """A link of a dag-pb node, as it stands in the node; `size` is the bytes of all blocks below it."""
    body = b"\x0a\x24%b\x12%b%b\x18%b" % (cid, varint(len(name)), name, varint(size))
    return b"\x12%b%b" % (varint(len(body)), body)


def directory(links: Iterable[bytes]) -> bytes:
    """The node of a folder that is not sharded; `links` in the order of their names' bytes."""
    return b"".join((*links, _data(_DIRECTORY)))


def shard(links: Iterable[bytes], slots: int) -> bytes:
    """A node of a sharded folder (HAMT over murmur3, 256 wide); bit n of `slots` says that slot n has a link."""
    bits = slots.to_bytes((slots.bit_length() + 7) // 8, "big")
    return b"".join((*links, _data(b"%b\x12%b%b%b%b" % (_SHARD, varint(len(bits)), bits, _MURMUR3, _FANOUT_256))))


def file_node(links: Iterable[bytes], sizes: Sequence[int]) -> bytes:
    """The node over parts of a file; `sizes` are the bytes of the file below each link."""
    parts = b"".join(b"\x20" + varint(size) for size in sizes)
    return b"".join((*links, _data(b"%b\x18%b%b" % (_FILE, varint(sum(sizes)), parts))))


def _data(unixfs: bytes) -> bytes:
    return b"\x0a%b%b" % (varint(len(unixfs)), unixfs)
