"""The items of a job: what shall be minted, for whom, and whether the chain could hold it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from mintworks_api.metadatajob import CollectionData
from mintworks_api.mintjob import Asset, Recipients
from solders.pubkey import Pubkey

from mintworks_runners.core.errors import Findings
from mintworks_runners.core.reasons import ended
from mintworks_runners.metadata.recompute import MintItem
from mintworks_runners.solana.instructions import CollectionAccounts, Mint
from mintworks_runners.solana.metadata import Collection, Creator, MetadataArgs, problems

from .itemtable import Item, ItemTable

WALLET = "wallet"
NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
"""An item's number as the keys of recipients.overrides spell it."""


@dataclass(frozen=True, slots=True)
class Design:
    """What all items of a job have in common, so that an item and a design make a mint instruction."""

    tree: Pubkey
    wallet: Pubkey
    symbol: str
    seller_fee_basis_points: int
    is_mutable: bool
    creators: tuple[Creator, ...]
    collection: CollectionAccounts | None

    def args(self, item: Item) -> MetadataArgs:
        """The metadata arguments of an item."""
        collection = None if self.collection is None else Collection(self.collection.mint, verified=False)
        return MetadataArgs(
            name=item.name,
            symbol=self.symbol,
            uri=item.uri,
            seller_fee_basis_points=self.seller_fee_basis_points,
            is_mutable=self.is_mutable,
            collection=collection,
            creators=self.creators,
        )

    def mint(self, item: Item) -> Mint:
        """The mint of an item."""
        return Mint(
            tree=self.tree,
            leaf_owner=item.owner,
            leaf_delegate=item.owner,
            payer=self.wallet,
            tree_delegate=self.wallet,
            args=self.args(item),
            collection=self.collection,
        )

    def signers(self) -> frozenset[Pubkey]:
        """Who signs a mint; only these can be verified creators."""
        return frozenset([self.wallet] if self.collection is None else [self.wallet, self.collection.authority])


def design(
    tree: Pubkey, wallet: Pubkey, asset: Asset | CollectionData, collection: CollectionAccounts | None
) -> Design:
    """The design from a MetadataJob's collection or a MintJob's asset. The wallet as creator is verified, others are
    not.
    """
    addressed = [(address(c.address, "spec.metadataFrom"), c.share) for c in asset.creators or ()]
    creators = tuple(Creator(creator, creator == wallet, share) for creator, share in addressed)
    return Design(
        tree=tree,
        wallet=wallet,
        symbol=asset.symbol,
        seller_fee_basis_points=asset.seller_fee_basis_points,
        is_mutable=asset.is_mutable,
        creators=creators,
        collection=collection,
    )


class MintRows(Protocol):
    """Checked rows of one folder; `field` is where the spec names them."""

    @property
    def cid(self) -> str:
        """The folder with the documents."""

    @property
    def field(self) -> str:
        """The spec's field."""

    def __iter__(self) -> Iterator[MintItem]:
        """The rows, each number once."""


def resolve(rows: MintRows, recipients: Recipients, wallet: Pubkey, findings: Findings) -> ItemTable:
    """Items by number: an override, else the row's wallet, else the default; rows without any are added to
    `findings`.
    """
    overrides = _overrides(recipients, findings)
    field_default = "spec.recipients.default"
    named = None if recipients.default == WALLET else recipients.default
    default = findings.take(lambda: _optional(named, field_default))
    if recipients.default is not None and default is None:
        # Also where it is no address: that is told already, and not of every row again.
        default = wallet
    field = rows.field

    def entries() -> Iterator[tuple[int, int, str, Pubkey]]:
        for row in rows:
            owner = overrides.get(row.index) or _optional(row.recipient, field) or default
            if owner is None:
                message = "no recipient: the row names none, and neither recipients.overrides nor .default does"
                findings.add(
                    "NoRecipient", message, field=field, row=row.row, column="recipient_wallet", item=row.index
                )
            else:
                yield row.index, row.row, row.name, owner

    items = ItemTable(rows.cid, entries())
    for number in sorted(overrides.keys() - items.keys()):
        findings.add("UnknownItem", f"there is no item {number}", field="spec.recipients.overrides", item=number)
    return items


def check(items: Mapping[int, Item], design: Design, findings: Findings, field: str) -> None:
    """Adds everything that Bubblegum or an indexer would refuse."""
    signers = design.signers()
    shared: set[str] = set()
    for item in items.values():
        for problem in problems(design.args(item), signers, to_collection=design.collection is not None):
            if problem.field in ("name", "uri"):
                findings.add(
                    "InvalidMetadata",
                    problem.message,
                    field=field,
                    row=item.row,
                    column=problem.field,
                    item=item.number,
                )
            elif problem.message not in shared:
                # What all items share is told once, not once a row.
                shared.add(problem.message)
                findings.add("InvalidMetadata", problem.message, field=field)


def _overrides(recipients: Recipients, findings: Findings) -> dict[int, Pubkey]:
    found: dict[int, Pubkey] = {}
    field = "spec.recipients.overrides"
    for number, owner in (recipients.overrides or {}).items():
        # One spelling a number: "1" and "01" would name two owners of one item.
        if not NUMBER.fullmatch(number):
            findings.add("InvalidItem", f"{number[:20]!r} is not the number of an item", field=field)
            continue
        with findings.absorbed():
            found[int(number)] = address(owner, field)
    return found


def address(text: str, field: str) -> Pubkey:
    """An address that has the right letters; InvalidInput `InvalidAddress` where they are not of 32 bytes."""
    try:
        return Pubkey.from_string(text)
    except ValueError as error:
        raise ended("InvalidAddress", f"{text} is not an address: it is not of 32 bytes", field=field) from error


def _optional(text: str | None, field: str) -> Pubkey | None:
    return None if text is None else address(text, field)
