"""Keccak-256 over two nodes, the one operation a Merkle tree is made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

# the runner's codec hashes with pycryptodome; a tree needs 25 hashes a mint, and this library is six times as fast.
# It has no types, and imported by name it is untyped on this line alone.
_keccak_256: Callable[[bytes], Any] = import_module("sha3").keccak_256

EMPTY = bytes(32)
"""The leaf of a place that nothing was written to."""


def parent(left: bytes, right: bytes) -> bytes:
    """The node above two nodes of 32 bytes."""
    node: bytes = _keccak_256(left + right).digest()
    return node


@cache
def empty_node(level: int) -> bytes:
    """The root of a subtree of `level` levels that is empty (level 0 is the leaf)."""
    if level == 0:
        return EMPTY
    below = empty_node(level - 1)
    return parent(below, below)
