"""Keccak-256 over two nodes, the one operation a Merkle tree is made of."""

from __future__ import annotations

from functools import cache

from mintworks_runners.solana.keccak import keccak

EMPTY = bytes(32)
"""The leaf of a place that nothing was written to."""


def parent(left: bytes, right: bytes) -> bytes:
    """The node above two nodes of 32 bytes."""
    return keccak(left + right)


@cache
def empty_node(level: int) -> bytes:
    """The root of a subtree of `level` levels that is empty (level 0 is the leaf)."""
    if level == 0:
        return EMPTY
    below = empty_node(level - 1)
    return parent(below, below)
