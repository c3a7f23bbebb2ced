"""The concurrent Merkle tree of spl-account-compression, as a value: every change gives a new tree.

Values make forks, reads at older commitments and failed transactions simple: nothing has to be undone in place.
Source: concurrent_merkle_tree.rs and changelog.rs of spl-concurrent-merkle-tree.
"""

from __future__ import annotations

from typing import NamedTuple

from mintworks_dev.localnet.canopy import Canopy
from mintworks_dev.localnet.keccak import EMPTY, empty_node, parent


class MerkleError(Exception):
    """The tree refuses a change; the text is what the program logs (error.rs of spl-concurrent-merkle-tree)."""


class ChangeLog(NamedTuple):
    """One change: the root after it, the changed path from the leaf up (root left out) and the leaf's place."""

    root: bytes
    path: tuple[bytes, ...]
    place: int


class Rightmost(NamedTuple):
    """The proof of the rightmost leaf, that leaf, and how many leaves there are: the next one's index."""

    proof: tuple[bytes, ...]
    leaf: bytes
    leaves: int


class Tree(NamedTuple):
    """A tree of `depth` levels with the last changes in a ring; `ring` holds only the places written so far."""

    depth: int
    buffer: int
    sequence: int
    active: int
    ring: tuple[ChangeLog, ...]
    rightmost: Rightmost
    canopy: Canopy

    @property
    def last(self) -> ChangeLog:
        """The change made last; its root is the tree's root."""
        return self.ring[self.active]


def empty_tree(depth: int, buffer: int, canopy_depth: int) -> Tree:
    """A tree without leaves."""
    path = tuple(empty_node(level) for level in range(depth))
    first = ChangeLog(empty_node(depth), path, 0)
    return Tree(depth, buffer, 0, 0, (first,), Rightmost(path, EMPTY, 0), Canopy(depth, canopy_depth))


def append(tree: Tree, leaf: bytes) -> Tree:
    """The tree with one leaf more; MerkleError when it is full."""
    index = tree.rightmost.leaves
    if leaf == EMPTY:
        raise MerkleError("Cannot append an empty node")
    if index >= 1 << tree.depth:
        raise MerkleError("Tree is full, cannot append")
    change, proof = _append_path(tree.rightmost, leaf)
    return _record(tree, change, Rightmost(proof, leaf, index + 1))


def _append_path(rightmost: Rightmost, leaf: bytes) -> tuple[ChangeLog, tuple[bytes, ...]]:
    """The new leaf's path, and its proof.

    The old rightmost leaf and the new one part at level `meet`: below it the new leaf's siblings are empty, at it the
    sibling is the old leaf's subtree, above it both share their proof.
    """
    index = rightmost.leaves
    depth = len(rightmost.proof)
    meet = (index & -index).bit_length() - 1 if index else depth
    node, old = leaf, rightmost.leaf
    path, proof = [], []
    for level, sibling in enumerate(rightmost.proof):
        path.append(node)
        if level < meet:
            if index:
                old = _up(old, sibling, index - 1, level)
            empty = empty_node(level)
            node = parent(node, empty)
            proof.append(empty)
        elif level == meet:
            node = parent(old, node)
            proof.append(old)
        else:
            node = _up(node, sibling, index - 1, level)
            proof.append(sibling)
    return ChangeLog(node, tuple(path), index), tuple(proof)


class Replacement(NamedTuple):
    """A leaf that takes another's place, with the proof that the other was there when `root` was the root.

    `proof` goes from the leaf up; what the canopy holds may be left out.
    """

    root: bytes
    previous: bytes
    leaf: bytes
    proof: list[bytes]
    place: int


def replace(tree: Tree, change: Replacement) -> Tree:
    """The tree with a leaf replaced, the proof fast-forwarded over the changes since; MerkleError where it fails."""
    root, previous, leaf, proof, index = change
    if index >= 1 << tree.depth or index > tree.rightmost.leaves:
        raise MerkleError("Leaf index out of bounds")
    whole = _fill_proof(tree, proof, index)
    start = _find_root(tree, root)
    newest = previous
    for later in _changes_after(tree, start):
        if later.place == index:
            newest = later.path[0]
        else:
            fork = (later.place ^ index).bit_length() - 1
            whole[fork] = later.path[fork]
    if newest != previous:
        raise MerkleError("Valid proof was passed to a leaf, but its value has changed since the proof was issued")
    if recompute(previous, whole, index) != tree.last.root:
        raise MerkleError("Invalid root recomputed from proof")
    return _apply(tree, leaf, tuple(whole), index)


def recompute(leaf: bytes, proof: list[bytes] | tuple[bytes, ...], index: int) -> bytes:
    """The root that a leaf and its proof make."""
    node = leaf
    for level, sibling in enumerate(proof):
        node = _up(node, sibling, index, level)
    return node


def _up(node: bytes, sibling: bytes, index: int, level: int) -> bytes:
    return parent(sibling, node) if index >> level & 1 else parent(node, sibling)


def _fill_proof(tree: Tree, proof: list[bytes], index: int) -> list[bytes]:
    tail = tree.canopy.proof_tail(index)
    overlap = max(len(proof) + len(tail) - tree.depth, 0)
    whole = proof + tail[overlap:]
    if len(whole) > tree.depth:
        raise MerkleError("Invalid root recomputed from proof")
    return whole + [empty_node(level) for level in range(len(whole), tree.depth)]


def _find_root(tree: Tree, root: bytes) -> int | None:
    """How many changes ago `root` was the root; None where the ring does not know it."""
    for ago in range(len(tree.ring)):
        if tree.ring[tree.active - ago].root == root:
            return ago
    return None


def _changes_after(tree: Tree, ago: int | None) -> list[ChangeLog]:
    """The changes since the one `ago` changes back, oldest first; for an unknown root those since the ring's oldest."""
    since = len(tree.ring) - 1 if ago is None else ago
    return [tree.ring[tree.active - back] for back in range(since - 1, -1, -1)]


def _apply(tree: Tree, leaf: bytes, proof: tuple[bytes, ...], index: int) -> Tree:
    node, path = leaf, []
    for level, sibling in enumerate(proof):
        path.append(node)
        node = _up(node, sibling, index, level)
    change = ChangeLog(node, tuple(path), index)
    return _record(tree, change, _forward(tree, change, proof))


def _forward(tree: Tree, change: ChangeLog, proof: tuple[bytes, ...]) -> Rightmost:
    """The rightmost proof after a change; a full tree keeps its own as it is."""
    rightmost = tree.rightmost
    if rightmost.leaves >= 1 << tree.depth:
        return rightmost
    if change.place == rightmost.leaves:
        return Rightmost(proof, change.path[0], change.place + 1)
    if change.place == rightmost.leaves - 1:
        return rightmost._replace(leaf=change.path[0])
    fork = (change.place ^ (rightmost.leaves - 1)).bit_length() - 1
    nodes = list(rightmost.proof)
    nodes[fork] = change.path[fork]
    return rightmost._replace(proof=tuple(nodes))


def _record(tree: Tree, change: ChangeLog, rightmost: Rightmost) -> Tree:
    active = (tree.active + 1) & (tree.buffer - 1)
    ring = tree.ring
    ring = (*ring, change) if active == len(ring) else (*ring[:active], change, *ring[active + 1 :])
    canopy = tree.canopy.with_path(change.place, change.path)
    return Tree(tree.depth, tree.buffer, tree.sequence + 1, active, ring, rightmost, canopy)
