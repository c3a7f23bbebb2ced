"""What of a job's items the chain already holds: the replay's facts held against the items. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mintworks_runners.core.errors import Findings
from mintworks_runners.mint.facts import MintFact
from mintworks_runners.mint.items import Design, Item
from mintworks_runners.solana.leaf import data_hash, hashed_args


@dataclass(frozen=True, slots=True)
class Standing:
    """`minted` is item → nonce, `missing` the items that no leaf stands for, in order."""

    minted: dict[int, int]
    missing: list[int]


def reconcile(
    items: Mapping[int, Item], design: Design, mints: Mapping[int, MintFact], findings: Findings, *, public: bool
) -> Standing:
    """Matches leaves with items by uri.

    On a public tree only leaves that our wallet signed for count: anyone may mint our uris there. The same uri with
    another owner at mint or other data, or minted twice, is a conflict and goes to `findings`: minting on would not
    mend it.
    """
    by_uri = {item.uri: item for item in items.values()}
    minted: dict[int, int] = {}
    for nonce in sorted(mints):
        fact = mints[nonce]
        item = by_uri.get(fact.uri)
        if item is None or (public and fact.tree_delegate != design.wallet):
            continue
        if item.number in minted:
            message = f"{item.uri} is on the tree twice, as numbers {minted[item.number]} and {nonce}"
            findings.add("Conflict", message, row=item.row, item=item.number)
            continue
        minted[item.number] = nonce
        difference = differs(fact, item, design)
        if difference:
            findings.add("Conflict", f"number {nonce} of the tree: {difference}", row=item.row, item=item.number)
    return Standing(minted, [number for number in sorted(items) if number not in minted])


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


def audit(
    items: Mapping[int, Item], failed: set[int], design: Design, mints: Mapping[int, MintFact], *, public: bool
) -> list[str]:
    """Holds the finalized chain against every item; an empty list means that each is there exactly once, as asked
    for.
    """
    findings = Findings()
    standing = reconcile(items, design, mints, findings, public=public)
    problems = [str(finding) for finding in findings.kept]
    problems += [f"item {number} is not on the tree" for number in standing.missing if number not in failed]
    problems += [f"item {number} failed, but is on the tree" for number in sorted(failed & standing.minted.keys())]
    return problems
