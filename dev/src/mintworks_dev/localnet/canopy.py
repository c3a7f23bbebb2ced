"""The canopy of a tree account: the upper levels of the tree, kept so that proofs can be shorter.

A canopy is a value: `with_path` gives a new one. Written paths are kept in a linked list and folded into bytes only
when somebody reads or the list is long, because a mint writes up to 17 nodes into what may be megabytes.
"""

from __future__ import annotations

from mintworks_dev.localnet.keccak import EMPTY, empty_node

_FOLD_AT = 512

_Link = tuple["_Link | None", int, tuple[bytes, ...]]


class Canopy:
    """Nodes of levels 1 (below the root) to `depth`, in heap order without the root.

    Source: canopy.rs of spl-account-compression; node number n (root 1) stands at n − 2.
    """

    __slots__ = ("_base", "_length", "_pending", "depth", "max_depth")

    def __init__(self, max_depth: int, depth: int) -> None:
        self.max_depth = max_depth
        self.depth = depth
        self._base = bytes(32 * max((1 << (depth + 1)) - 2, 0))
        self._pending: _Link | None = None
        self._length = 0

    @property
    def size(self) -> int:
        """Bytes in the account."""
        return len(self._base)

    def with_path(self, index: int, path: tuple[bytes, ...]) -> Canopy:
        """The canopy after leaf `index` changed; `path` holds the nodes from the leaf up, the root left out."""
        if self.depth == 0:
            return self
        after = Canopy.__new__(Canopy)
        after.max_depth, after.depth = self.max_depth, self.depth
        after._base, after._pending, after._length = self._base, self._pending, self._length
        after._pending = (after._pending, index, path[self.max_depth - self.depth :])
        after._length += 1
        if after._length >= _FOLD_AT:
            after._fold()
        return after

    def encode(self) -> bytes:
        """The bytes at the end of the tree account; a node never written is zero."""
        self._fold()
        return self._base

    def proof_tail(self, index: int) -> list[bytes]:
        """The upper part of the proof of leaf `index`, from the canopy's lowest level upwards."""
        nodes = self.encode()
        number = ((1 << self.max_depth) + index) >> (self.max_depth - self.depth)
        tail = []
        while number > 1:
            at = 32 * ((number ^ 1) - 2)
            node = nodes[at : at + 32]
            tail.append(empty_node(self.max_depth - number.bit_length() + 1) if node == EMPTY else node)
            number >>= 1
        return tail

    def _fold(self) -> None:
        """Writes what is pending into the bytes, newest first, each node once. The value stays the same."""
        if self._pending is None:
            return
        base = bytearray(self._base)
        seen: set[int] = set()
        link: _Link | None = self._pending
        while link is not None:
            link, index, nodes = link
            number = ((1 << self.max_depth) + index) >> (self.max_depth - self.depth)
            for node in nodes:
                if number in seen:
                    break  # every level above was written by the newer path too
                seen.add(number)
                base[32 * (number - 2) : 32 * (number - 1)] = node
                number >>= 1
        self._base, self._pending, self._length = bytes(base), None, 0
