"""Bubblegum V1: create_tree, mint_v1, mint_to_collection_v1, transfer, set_tree_delegate.

Held to the vectors, which come from the compiled program; the order of checks follows the source of that version (1.4).
"""

from __future__ import annotations

from collections.abc import Callable

from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.instructions import CREATE_TREE, MINT_TO_COLLECTION_V1, MINT_V1
from mintworks_runners.solana.programs import anchor_discriminator

from mintworks_dev.localnet.programs import bubblegum_leaves, bubblegum_trees
from mintworks_dev.localnet.programs.anchor import refuse
from mintworks_dev.localnet.runtime import Call

TRANSFER = anchor_discriminator("transfer")
SET_TREE_DELEGATE = anchor_discriminator("set_tree_delegate")


def process(call: Call) -> None:
    """Runs one instruction; those the localnet does not know are refused like unknown ones."""
    if len(call.data) < 8:
        refuse(call, 100)
    known = _INSTRUCTIONS.get(call.data[:8])
    if known is None:
        refuse(call, 101)
    name, run = known
    call.log(f"Instruction: {name}")
    try:
        run(call, Reader(call.data, 8))
    except DecodeError:
        refuse(call, 102)


_INSTRUCTIONS: dict[bytes, tuple[str, Callable[[Call, Reader], None]]] = {
    CREATE_TREE: ("CreateTree", bubblegum_trees.create_tree),
    SET_TREE_DELEGATE: ("SetTreeDelegate", bubblegum_trees.set_tree_delegate),
    MINT_V1: ("MintV1", bubblegum_leaves.mint_v1),
    MINT_TO_COLLECTION_V1: ("MintToCollectionV1", bubblegum_leaves.mint_to_collection_v1),
    TRANSFER: ("Transfer", bubblegum_leaves.transfer),
}
