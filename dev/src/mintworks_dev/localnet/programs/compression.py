"""spl-account-compression: the tree accounts. Source: its lib.rs; the tree itself is `merkle`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Never

from mintworks_runners.solana import borsh
from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.programs import COMPRESSION, NOOP, anchor_discriminator
from mintworks_runners.solana.tree import VALID_SIZES, TreeHeader, TreeSize

from mintworks_dev.localnet import merkle
from mintworks_dev.localnet.account import TreeData
from mintworks_dev.localnet.programs import units
from mintworks_dev.localnet.programs.anchor import (
    fail,
    need_accounts,
    need_program,
    need_signer,
    need_writable,
    refuse,
)
from mintworks_dev.localnet.runtime import Call

INIT_EMPTY = anchor_discriminator("init_empty_merkle_tree")
APPEND = anchor_discriminator("append")
REPLACE_LEAF = anchor_discriminator("replace_leaf")

_ACCOUNTS = ("merkle_tree", "authority", "noop")


def process(call: Call) -> None:
    """init_empty_merkle_tree, append and replace_leaf; other instructions are refused as unknown."""
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


def canopy_depth_of(data_length: int, depth: int, buffer: int) -> int | None:
    """The canopy that an account of this length has room for; None where the length fits none.

    KeyError where the program is not compiled for this depth and buffer.
    """
    if (depth, buffer) not in VALID_SIZES:
        raise KeyError((depth, buffer))
    rest = data_length - TreeSize(depth, buffer).account_bytes
    nodes, odd = divmod(rest, 32)
    canopy = (nodes + 2).bit_length() - 2
    return canopy if not odd and 0 <= canopy <= depth and nodes + 2 == 1 << (canopy + 1) else None


def _init_empty(call: Call, reader: Reader) -> None:
    depth, buffer = reader.u32(), reader.u32()
    need_accounts(call, _ACCOUNTS)
    need_signer(call, 1, "authority")
    need_program(call, 2, "noop", NOOP)
    account = call.account(0)
    if account.owner != COMPRESSION:
        _wrong_owner(call)
    if any(account.read(0, 8)):
        refuse(call, 2013, "merkle_tree")
    need_writable(call, 0, "merkle_tree")
    try:
        canopy = canopy_depth_of(len(account.data), depth, buffer)
    except KeyError:
        unsupported_size(call, depth, buffer)
    if canopy is None:
        fail(call, 6004, "CanopyLengthMismatch", "Expected a different byte length for the merkle tree canopy")
    header = TreeHeader(buffer, depth, call.metas[1].key, call.run.slot)
    tree = merkle.empty_tree(depth, buffer, canopy)
    call.charge(units.init_tree(depth))
    call.set(0, account._replace(data=TreeData(header, tree)))
    _publish(call, tree)


def unsupported_size(call: Call, depth: int, buffer: int) -> Never:
    """The error for a depth and buffer that the program is not compiled for; Bubblegum meets the same one first."""
    call.log(f"Failed to get size of max depth {depth} and max buffer size {buffer}")
    message = "An unsupported max depth or max buffer size constant was provided"
    fail(call, 6003, "ConcurrentMerkleTreeConstantsError", message)


def _append(call: Call, reader: Reader) -> None:
    leaf = reader.take(32)
    data = _tree_to_change(call)
    call.charge(units.append_leaf(data.tree.depth, data.tree.rightmost.leaves))
    _write(call, data, lambda: merkle.append(data.tree, leaf))


def _replace_leaf(call: Call, reader: Reader) -> None:
    root, previous, leaf, index = reader.take(32), reader.take(32), reader.take(32), reader.u32()
    data = _tree_to_change(call)
    if index >= 1 << data.tree.depth:
        fail(call, 6008, "LeafIndexOutOfBounds", "Leaf index of concurrent merkle tree is out of bounds")
    call.charge(units.replace_leaf(data.tree.depth, len(data.tree.ring)))
    proof = [bytes(meta.key) for meta in call.metas[3:]]
    change = merkle.Replacement(root, previous, leaf, proof, index)
    _write(call, data, lambda: merkle.replace(data.tree, change))


def _tree_to_change(call: Call) -> TreeData:
    need_accounts(call, _ACCOUNTS)
    need_signer(call, 1, "authority")
    need_program(call, 2, "noop", NOOP)
    need_writable(call, 0, "merkle_tree")
    account = call.account(0)
    if account.owner != COMPRESSION:
        _wrong_owner(call)
    data = account.data
    if not isinstance(data, TreeData):
        fail(call, 6007, "IncorrectAccountType", "Account provided has incorrect account type")
    if data.header.authority != call.metas[1].key:
        fail(call, 6005, "IncorrectAuthority", "Provided authority does not match expected tree authority")
    return data


def _write(call: Call, data: TreeData, change: Callable[[], merkle.Tree]) -> None:
    try:
        tree = change()
    except merkle.MerkleError as error:
        call.log(f"Error using concurrent merkle tree: {error}")
        fail(call, 6001, "ConcurrentMerkleTreeError", "Concurrent merkle tree error")
    call.set(0, call.account(0)._replace(data=TreeData(data.header, tree)))
    _publish(call, tree)


def _publish(call: Call, tree: merkle.Tree) -> None:
    """The change-log event: a noop call that starts 0000, path with heap indices, root last."""
    change = tree.last
    depth = tree.depth
    parts = [b"\x00\x00", bytes(call.metas[0].key), borsh.u32(depth + 1)]
    for level, node in enumerate(change.path):
        parts.append(node)
        parts.append(((1 << (depth - level)) + (change.place >> level)).to_bytes(4, "little"))
    parts += [change.root, b"\x01\x00\x00\x00", borsh.u64(tree.sequence), borsh.u32(change.place)]
    call.invoke(NOOP, (), b"".join(parts))


def _wrong_owner(call: Call) -> Never:
    message = "Account is owned by a different program, expected it to be owned by this program"
    fail(call, 6006, "IncorrectAccountOwner", message)


_INSTRUCTIONS: dict[bytes, tuple[str, Callable[[Call, Reader], None]]] = {
    INIT_EMPTY: ("InitEmptyMerkleTree", _init_empty),
    APPEND: ("Append", _append),
    REPLACE_LEAF: ("ReplaceLeaf", _replace_leaf),
}
