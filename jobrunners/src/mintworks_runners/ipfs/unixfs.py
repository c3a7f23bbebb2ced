"""Files and folders as Kubo makes them from `ipfs add --cid-version=1`: the same blocks, so the same CIDs.

Raw leaves of 256 KiB, at most 174 links in a node above them, and a folder sharded past 256 KiB of names and CIDs.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import mmh3

from .blocks import CID_BYTES, directory, file_node, link, node_cid, raw_cid, shard

CHUNK_BYTES: Final = 256 << 10
LINKS: Final = 174
SHARDING_BYTES: Final = 256 << 10
_WIDTH_BITS: Final = 8
_HASH_BITS: Final = 64

Put = Callable[[bytes, bytes], None]
"""Takes each block as soon as it is made: its CID and its bytes."""


class Entry(NamedTuple):
    """A file or folder: its CID and the bytes of all its blocks."""

    cid: bytes
    size: int


class TooDeep(ValueError):  # noqa: N818 - said of the folder
    """More names than one share all 64 bits of their hash; no such folder can be sharded."""


def put_small(data: bytes, put: Put) -> Entry:
    """A file of at most one chunk."""
    cid = raw_cid(data)
    put(cid, data)
    return Entry(cid, len(data))


def put_file(chunks: Iterable[bytes], put: Put) -> Entry:
    """A file of any size from its chunks, each of CHUNK_BYTES but the last; some 150 bytes a chunk are held."""
    level = [(put_small(chunk, put), len(chunk)) for chunk in chunks]
    while len(level) > 1:
        level = [_node(level[start : start + LINKS], put) for start in range(0, len(level), LINKS)]
    return level[0][0] if level else put_small(b"", put)


def _node(parts: list[tuple[Entry, int]], put: Put) -> tuple[Entry, int]:
    sizes = [size for _, size in parts]
    block = file_node((link(entry.cid, b"", entry.size) for entry, _ in parts), sizes)
    cid = node_cid(block)
    put(cid, block)
    return Entry(cid, len(block) + sum(entry.size for entry, _ in parts)), sum(sizes)


class Folder:
    """Collects a folder's entries in flat arrays (some 75 bytes each for short names), then makes its nodes."""

    def __init__(self) -> None:
        self._entries = bytearray()
        self._ends = array("Q", [0])
        self._sizes = array("Q")
        self.hashes = array("Q")
        """Of each name: the first half of murmur3's 128 bits, by which a sharded folder is laid out."""

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, name: bytes, entry: Entry) -> None:
        """Add an entry; `name` is UTF-8, and added once."""
        self._entries += entry.cid
        self._entries += name
        self._ends.append(len(self._entries))
        self._sizes.append(entry.size)
        self.hashes.append(mmh3.hash64(name, signed=False)[0])

    def close(self, put: Put) -> Entry:
        """Make the folder's nodes, the root last."""
        if len(self._entries) > SHARDING_BYTES:
            return _Sharding(self, put).root()
        links = [link(cid, name, size) for name, cid, size in sorted(self[n] for n in range(len(self)))]
        block = directory(links)
        cid = node_cid(block)
        put(cid, block)
        return Entry(cid, len(block) + sum(self._sizes))

    def __getitem__(self, position: int) -> tuple[bytes, bytes, int]:
        """Name, CID and size of the entry that was added as number `position`."""
        data = bytes(self._entries[self._ends[position] : self._ends[position + 1]])
        return data[CID_BYTES:], data[:CID_BYTES], self._sizes[position]


class _Sharding:
    """Makes the nodes of a sharded folder from below. A level looks at one byte of the hash, the highest first."""

    def __init__(self, folder: Folder, put: Put) -> None:
        self._folder, self._put = folder, put

    def root(self) -> Entry:
        shift = _HASH_BITS - _WIDTH_BITS
        slots = [array("Q") for _ in range(1 << _WIDTH_BITS)]
        for position, hashed in enumerate(self._folder.hashes):
            slots[hashed >> shift].append(position)
        hash_of = self._folder.hashes.__getitem__
        return self._close(
            (slot, self._link(slot, sorted(zip(map(hash_of, places), places, strict=True)), shift - _WIDTH_BITS))
            for slot, places in enumerate(slots)
            if places
        )

    def _link(self, slot: int, entries: list[tuple[int, int]], shift: int) -> tuple[bytes, int]:
        """The link of a slot that holds `entries`, in the order of their hashes, and the bytes below it."""
        if len(entries) == 1:
            name, cid, size = self._folder[entries[0][1]]
            return link(cid, b"%02X%b" % (slot, name), size), size
        if shift < 0:
            raise TooDeep(f"{len(entries)} names have one hash")
        cid, size = self._close(self._slots(entries, shift))
        return link(cid, b"%02X" % slot, size), size

    def _slots(self, entries: list[tuple[int, int]], shift: int) -> Iterator[tuple[int, tuple[bytes, int]]]:
        start, slot = 0, entries[0][0] >> shift & 0xFF
        for position in range(1, len(entries)):
            following = entries[position][0] >> shift & 0xFF
            if following != slot:
                yield slot, self._link(slot, entries[start:position], shift - _WIDTH_BITS)
                start, slot = position, following
        yield slot, self._link(slot, entries[start:], shift - _WIDTH_BITS)

    def _close(self, filled: Iterable[tuple[int, tuple[bytes, int]]]) -> Entry:
        links: list[bytes] = []
        bits = below = 0
        for slot, (made, size) in filled:
            links.append(made)
            bits |= 1 << slot
            below += size
        block = shard(links, bits)
        cid = node_cid(block)
        self._put(cid, block)
        return Entry(cid, len(block) + below)
