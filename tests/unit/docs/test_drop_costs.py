"""The tables of costs on docs/mainnet-drop.md are what the runner's own functions say."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest
from mintworks_runners.mint.estimate import TYPICAL_UNITS, Batches
from mintworks_runners.mint.items import Design
from mintworks_runners.mint.itemtable import Item
from mintworks_runners.mint.lookup import Offer, shared
from mintworks_runners.mint.money import config_rent, sol
from mintworks_runners.mint.packing import Packing
from mintworks_runners.mint.pricing import Compute
from mintworks_runners.solana.instructions import CollectionAccounts
from mintworks_runners.solana.metadata import Creator
from mintworks_runners.solana.tree import TreeSize, cheapest_size
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from support.specs import CID

PAGE = (Path(__file__).parents[3] / "docs/mainnet-drop.md").read_text()
SIZES = (10_000, 100_000, 1_000_000)
MOST, ONE = 3, Keypair().pubkey()


def tree_rows() -> Iterator[str]:
    """Items, tree, what a transfer has to carry, rent of both accounts."""
    for items in SIZES:
        least = cheapest_size(items)
        for canopy in sorted({least.canopy_depth, *(least.max_depth - proof for proof in (10, 8, 5))}):
            size = TreeSize(least.max_depth, least.max_buffer_size, canopy)
            size.check()
            rent = sol(size.rent + config_rent())
            shape = f"{size.max_depth} / {size.max_buffer_size} / {canopy}"
            yield f"| {items:,} | {shape} | {size.max_depth - canopy} | {rent} |"


def fitting(*, alone: bool, own_authority: bool) -> tuple[int, int, int]:
    """Mints in a transaction with a price, without and with a lookup table, and the keys of that: names of 12 bytes,
    one creator, `ipfs://` URIs of a folder.
    """
    wallet = Keypair().pubkey()
    authority = Keypair().pubkey() if own_authority else wallet
    collection = CollectionAccounts(Keypair().pubkey(), authority)
    design = Design(Keypair().pubkey(), wallet, "GEN", 500, True, (Creator(wallet, True, 100),), collection)
    owners: Iterator[Pubkey] = (Keypair().pubkey() for _ in range(MOST)) if alone else repeat(ONE, MOST)
    items = [Item(n, n + 2, "Genesis 1234", f"ipfs://{CID}/9999.json", owner) for n, owner in enumerate(owners)]
    keys = shared(design)
    plain, tabled = (Packing(design, priced=True, table=held).fitting(items) for held in ((), keys))
    return plain, tabled, len(keys)


def units(mints: int) -> int:
    """Compute limit of so many mints."""
    compute = Compute()
    compute.learn(TYPICAL_UNITS[True], 1)
    return compute.limit(mints, 0)


def packed(items: int, most: int, *, own: bool) -> Batches:
    """So many in each transaction."""
    return Batches.of([most] * (items // most) + ([items % most] if items % most else []), 2 if own else 1)


def fee_rows() -> Iterator[str]:
    """Items, who receives them, signatures, transactions, base fees, priority fees at two prices."""
    for items in SIZES:
        for alone, own in ((False, False), (True, False), (True, True)):
            plain, tabled, keys = fitting(alone=alone, own_authority=own)
            offer = Offer(packed(items, plain, own=own), packed(items, tabled, own=own), keys)
            pays = offer.pays(units, 0)
            assert (pays, offer.pays(units, 1_000_000)) == (alone, alone)
            batches, table = (offer.tabled, 3) if pays else (offer.plain, 0)
            fees = [batches.fees(units, price) + pays * offer.fees(price) for price in (0, 10_000, 1_000_000)]
            base, priced = fees[0], [fee - fees[0] for fee in fees[1:]]
            most = f"{tabled} with a table" if pays else str(plain)
            who = "each its own" if alone else "one for all"
            key = "another key" if own else "the wallet"
            yield (
                f"| {items:,} | {who} | {key} | {most} | {batches.transactions + table:,} | {sol(base)} |"
                f" {sol(priced[0])} | {sol(priced[1])} |"
            )


@pytest.mark.parametrize("rows", [tree_rows, fee_rows])
def test_the_tables_are_what_the_runner_computes(rows: object) -> None:
    assert callable(rows)
    wanted = "\n".join(rows())
    assert wanted in PAGE, f"\n{wanted}"
