"""What of a job's items the chain already holds: the replay's facts held against the items. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from mintworks_runners.core.errors import Findings
from mintworks_runners.solana.leaf import data_hash, hashed_args

from .facts import MintFact
from .items import Design
from .itemtable import Item, ItemTable

_NOT_MINTED = -1


@dataclass(frozen=True, slots=True)
class Standing:
    """Which of `items` stand on the tree. `nonces` holds one for each item, in the order of their numbers."""

    items: ItemTable
    nonces: array[int]

    @property
    def minted(self) -> int:
        """How many are on the tree."""
        return len(self.nonces) - self.nonces.count(_NOT_MINTED)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """(item, nonce) of those that are, by ascending item."""
        return ((item, nonce) for item, nonce in zip(self.items, self.nonces, strict=True) if nonce != _NOT_MINTED)

    def all(self) -> Iterator[tuple[int, int | None]]:
        """(item, nonce, or None where it is not there) by ascending item."""
        return (
            (item, None if nonce == _NOT_MINTED else nonce) for item, nonce in zip(self.items, self.nonces, strict=True)
        )

    def missing(self) -> Iterator[int]:
        """The items that are not, ascending."""
        return (item for item, nonce in zip(self.items, self.nonces, strict=True) if nonce == _NOT_MINTED)


def reconcile(
    items: ItemTable, design: Design, mints: Iterable[MintFact], findings: Findings, *, public: bool
) -> Standing:
    """Matches leaves, which come by ascending nonce, with items by uri.

    On a public tree only leaves that our wallet signed for count: anyone may mint our uris there. The same uri with
    another owner at mint or other data, or minted twice, is a conflict and goes to `findings`: minting on would not
    mend it.
    """
    nonces = array("q", [_NOT_MINTED]) * len(items)
    for fact in mints:
        item = items.by_uri(fact.uri)
        if item is None or (public and fact.tree_delegate != design.wallet):
            continue
        rank = items.rank(item.number)
        if nonces[rank] != _NOT_MINTED:
            message = f"{item.uri} is on the tree twice, as numbers {nonces[rank]} and {fact.nonce}"
            findings.add("Conflict", message, row=item.row, item=item.number)
            continue
        nonces[rank] = fact.nonce
        difference = differs(fact, item, design)
        if difference:
            findings.add("Conflict", f"number {fact.nonce} of the tree: {difference}", row=item.row, item=item.number)
    return Standing(items, nonces)


def differs(fact: MintFact, item: Item, design: Design) -> str | None:
    """How a leaf differs from what the item asks for; None where it is the item's."""
    if fact.owner != item.owner:
        return f"{item.uri} was minted to {fact.owner}, not to {item.owner}"
    in_collection = design.collection is not None
    if fact.data_hash != data_hash(hashed_args(design.args(item), to_collection=in_collection)):
        return f"{item.uri} was minted with other metadata"
    if fact.leaf_hash != design.mint(item).leaf(fact.nonce).hash():
        return f"{item.uri} was minted with another delegate or other creators"
    return None


def audit(standing: Standing, failed: Container[int], findings: Findings) -> None:
    """Holds what stands on the tree against every item; without findings each is there exactly once, as asked for."""
    for number in standing.missing():
        if number not in failed:
            findings.add("AuditFailed", f"item {number} is not on the tree", item=number)
    for number, _ in standing.pairs():
        if number in failed:
            findings.add("AuditFailed", f"item {number} failed, but is on the tree", item=number)
