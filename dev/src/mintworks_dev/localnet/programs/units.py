"""What instructions cost in compute units: fitted to the vectors, and within a few per cent of them.

A program's real cost depends on its machine code; what makes mints differ is modelled: looking for the bumps of derived
addresses, the tree's depth, how far up a new leaf meets the old ones, creators and the length of the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from mintworks_runners.solana.programs import BUBBLEGUM, TOKEN_METADATA
from solders.pubkey import Pubkey

NATIVE = 150
NOOP = 39
A_TRY = 1_500
"""find_program_address costs this for every bump it tries."""

CREATE_TREE = 14_100
MINT_V1 = 12_000
MINT_TO_COLLECTION_V1 = 18_000
TRANSFER = 12_000
SET_TREE_DELEGATE = 8_000

_A_CREATOR = 450
_A_BYTE = 2
_FIRST_LEAF = 9_800


def arguments(length: int, creators: int) -> int:
    """Decoding and hashing the metadata of a mint."""
    return _A_BYTE * length + _A_CREATOR * creators


def init_tree(depth: int) -> int:
    """The program computes every empty node anew, hence the square."""
    return 6_000 + 50 * depth + 325 * depth * depth


def append_leaf(depth: int, leaves: int) -> int:
    """An append to a tree that has `leaves` leaves."""
    if leaves == 0:
        return 2_000 + 900 * depth + _FIRST_LEAF
    meet = (leaves & -leaves).bit_length() - 1
    return 2_000 + 900 * depth + 450 * meet


def replace_leaf(depth: int, changes: int) -> int:
    """A replacement, the proof being forwarded over `changes` entries of the change log."""
    return 4_000 + 1_800 * depth + 60 * changes


@lru_cache(maxsize=256)
def tree_authority(tree: Pubkey) -> int:
    """Looking for the address of a tree's TreeConfig."""
    return _search((bytes(tree),), BUBBLEGUM)


@lru_cache(maxsize=256)
def collection(mint: Pubkey) -> int:
    """Looking for a collection's edition and for Bubblegum's signer."""
    edition = (b"metadata", bytes(TOKEN_METADATA), bytes(mint), b"edition")
    return _search(edition, TOKEN_METADATA) + _search((b"collection_cpi",), BUBBLEGUM)


def _search(seeds: Sequence[bytes], program: Pubkey) -> int:
    return A_TRY * (256 - Pubkey.find_program_address(seeds, program)[1])
