"""Accounts as values, and tree accounts whose bytes are written only when somebody reads them."""

from __future__ import annotations

from typing import NamedTuple

from mintworks_runners.solana.programs import SYSTEM
from mintworks_runners.solana.tree import HEADER_BYTES, TreeHeader, rent
from solders.pubkey import Pubkey

from mintworks_dev.localnet.merkle import ChangeLog, Tree

_COUNTERS = 24


class TreeData:
    """The data of an initialized tree account: header, tree and canopy, as spl-account-compression lays them out."""

    __slots__ = ("header", "tree")

    def __init__(self, header: TreeHeader, tree: Tree) -> None:
        self.header = header
        self.tree = tree

    def __len__(self) -> int:
        entry = 32 * self.tree.depth + 40
        return HEADER_BYTES + _COUNTERS + entry * (self.tree.buffer + 1) + self.tree.canopy.size

    def encode(self) -> bytes:
        """Every byte of the account."""
        tree = self.tree
        rightmost = tree.rightmost
        unused = (tree.buffer - len(tree.ring)) * (32 * tree.depth + 40)
        return b"".join(
            (
                self._head(),
                *(_entry(change) for change in tree.ring),
                bytes(unused),
                *rightmost.proof,
                rightmost.leaf,
                rightmost.leaves.to_bytes(8, "little"),
                tree.canopy.encode(),
            )
        )

    def read(self, offset: int, length: int) -> bytes:
        """Part of the account; header and counters alone cost nothing."""
        if offset + length <= HEADER_BYTES + _COUNTERS:
            return self._head()[offset : offset + length]
        return self.encode()[offset : offset + length]

    def _head(self) -> bytes:
        tree = self.tree
        counters = (tree.sequence, tree.active, len(tree.ring))
        return self.header.encode() + b"".join(value.to_bytes(8, "little") for value in counters)


def _entry(change: ChangeLog) -> bytes:
    # the index is a u32 with four bytes of padding
    return b"".join((change.root, *change.path, change.place.to_bytes(8, "little")))


class Account(NamedTuple):
    """An account of the chain. `data` is bytes, except of an initialized Merkle tree."""

    lamports: int
    owner: Pubkey = SYSTEM
    data: bytes | TreeData = b""
    executable: bool = False

    def encode(self) -> bytes:
        """All of the data."""
        return self.data if isinstance(self.data, bytes) else self.data.encode()

    def read(self, offset: int, length: int) -> bytes:
        """Part of the data."""
        if isinstance(self.data, bytes):
            return self.data[offset : offset + length]
        return self.data.read(offset, length)

    @property
    def rent_exempt(self) -> bool:
        """Whether the lamports suffice for the size; an account without lamports does not exist, which is fine."""
        return self.lamports == 0 or self.lamports >= rent(len(self.data))


ABSENT = Account(0)
"""What reads of an address give that nothing is stored at."""
