"""The concurrent tree against a plain one that is computed whole after every change."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mintworks_dev.localnet.account import TreeData
from mintworks_dev.localnet.keccak import EMPTY, empty_node, parent
from mintworks_dev.localnet.merkle import (
    MerkleError,
    Replacement,
    Tree,
    append,
    empty_tree,
    recompute,
    replace,
)
from mintworks_runners.solana.tree import TreeHeader, TreeSize, decode_body, decode_header
from solders.pubkey import Pubkey

DEPTH, BUFFER = 5, 8


def leaf(number: int) -> bytes:
    return number.to_bytes(32, "big")


def levels(leaves: list[bytes], depth: int = DEPTH) -> list[list[bytes]]:
    """Every node of a plain Merkle tree, leaves first."""
    nodes = leaves + [EMPTY] * ((1 << depth) - len(leaves))
    rows = [nodes]
    while len(nodes) > 1:
        nodes = [parent(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
        rows.append(nodes)
    return rows


def proof(leaves: list[bytes], index: int, depth: int = DEPTH) -> list[bytes]:
    return [row[index >> level ^ 1] for level, row in enumerate(levels(leaves, depth)[:-1])]


def canopy_of(leaves: list[bytes], touched: set[int], depth: int, canopy: int) -> bytes:
    """The canopy as it must be: nodes above leaves that were ever written, zeros elsewhere."""
    rows = levels(leaves, depth)
    out = b""
    for level in range(1, canopy + 1):
        for place in range(1 << level):
            below = depth - level
            written = any(index >> below == place for index in touched)
            out += rows[below][place] if written else EMPTY
    return out


def filled(count: int, canopy: int = 0) -> Tree:
    tree = empty_tree(DEPTH, BUFFER, canopy)
    for number in range(1, count + 1):
        tree = append(tree, leaf(number))
    return tree


@pytest.mark.parametrize("canopy", [0, 2, 5])
def test_appending_until_it_is_full(canopy: int) -> None:
    tree = empty_tree(DEPTH, BUFFER, canopy)
    assert tree.last.root == empty_node(DEPTH)
    leaves: list[bytes] = []
    for number in range(1, 33):
        tree = append(tree, leaf(number))
        leaves.append(leaf(number))
        assert tree.last.root == levels(leaves)[-1][0]
        assert recompute(tree.rightmost.leaf, tree.rightmost.proof, number - 1) == tree.last.root
        assert tree.sequence == number
        assert tree.canopy.encode() == canopy_of(leaves, set(range(number)), DEPTH, canopy)
    with pytest.raises(MerkleError, match="full"):
        append(tree, leaf(33))


def test_an_empty_leaf_is_not_appended() -> None:
    with pytest.raises(MerkleError, match="empty"):
        append(filled(1), EMPTY)


changes = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 10**6), st.just(0)),
        st.tuples(st.just("replace"), st.integers(0, 31), st.integers(0, BUFFER - 2)),
    ),
    max_size=40,
)


@given(start=st.integers(1, 20), canopy=st.sampled_from([0, 1, 3]), steps=changes)
@settings(max_examples=60, deadline=None)
def test_any_order_of_appends_and_replacements(start: int, canopy: int, steps: list[tuple[str, int, int]]) -> None:
    """Proofs may be some changes old, and shortened by what the canopy holds: the root is that of a plain tree."""
    tree = filled(start, canopy)
    leaves = [leaf(number) for number in range(1, start + 1)]
    history = [(tree.last.root, list(leaves))]
    touched = set(range(start))
    for number, (what, value, age) in enumerate(steps):
        if what == "append" and len(leaves) < 32:
            tree = append(tree, leaf(value))
            leaves.append(leaf(value))
        elif what == "replace":
            index = value % len(leaves)
            root, old = history[max(len(history) - 1 - age, 0)]
            if index >= len(old) or old[index] != leaves[index]:
                root, old = history[-1]
            nodes = proof(old, index)[: DEPTH - canopy]
            new = leaf(10**7 + number)
            tree = replace(tree, Replacement(root, leaves[index], new, nodes, index))
            leaves[index] = new
        touched = set(range(len(leaves)))
        history.append((tree.last.root, list(leaves)))
        assert tree.last.root == levels(leaves)[-1][0]
        assert tree.canopy.encode() == canopy_of(leaves, touched, DEPTH, canopy)
        if len(leaves) < 32:
            assert recompute(leaves[-1], tree.rightmost.proof, len(leaves) - 1) == tree.last.root


def test_a_shortened_proof_needs_the_canopy() -> None:
    leaves = [leaf(number) for number in range(1, 5)]
    short = proof(leaves, 1)[:2]
    change = Replacement(filled(4).last.root, leaf(2), leaf(9), short, 1)
    # without a canopy what is missing counts as empty, which holds here; above another leaf it does not
    full = filled(32)
    wrong = Replacement(full.last.root, leaf(2), leaf(9), proof([leaf(n) for n in range(1, 33)], 1)[:2], 1)
    assert replace(filled(4), change).last.root != filled(4).last.root
    with pytest.raises(MerkleError, match="proof"):
        replace(full, wrong)


def test_a_leaf_that_has_changed_since_is_refused() -> None:
    tree = filled(4)
    leaves = [leaf(number) for number in range(1, 5)]
    change = Replacement(tree.last.root, leaf(2), leaf(9), proof(leaves, 1), 1)
    after = replace(tree, change)
    with pytest.raises(MerkleError, match="has changed"):
        replace(after, change)


def test_old_trees_stay_as_they_were() -> None:
    first = filled(3, canopy=2)
    root, canopy = first.last.root, first.canopy.encode()
    later = first
    for number in range(20):
        later = append(later, leaf(number + 50))
    assert (first.last.root, first.canopy.encode()) == (root, canopy)
    assert later.last.root != root


@pytest.mark.parametrize("mints", [0, 3, 20])
def test_the_account_reads_like_the_programs_own(mints: int) -> None:
    tree = filled(mints, canopy=3)
    header = TreeHeader(BUFFER, DEPTH, Pubkey.default(), 77)
    data = TreeData(header, tree)
    raw = data.encode()
    assert len(raw) == len(data) == TreeSize(DEPTH, BUFFER, 3).account_bytes
    assert decode_header(raw) == header
    body = decode_body(raw)
    assert (body.sequence, body.root) == (mints, tree.last.root)
    assert body.buffer_size == min(mints + 1, BUFFER)
    assert body.active_index == mints % BUFFER
    rightmost = 80 + BUFFER * (32 * DEPTH + 40)
    assert raw[rightmost + 32 * DEPTH :][:32] == tree.rightmost.leaf
    assert raw[-len(tree.canopy.encode()) :] == tree.canopy.encode()
    for offset, length in ((0, 56), (56, 24), (10, 4), (70, 40), (200, 10_000)):
        assert data.read(offset, length) == raw[offset : offset + length]
