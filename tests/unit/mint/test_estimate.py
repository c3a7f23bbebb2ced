"""What a job will cost: sizes, transactions and fees are those of the transactions that are really made."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mintworks_runners.mint.builder import MintBuilder, Signer
from mintworks_runners.mint.estimate import Batches, Forecast, Pace, forecast
from mintworks_runners.mint.items import Design
from mintworks_runners.mint.itemtable import Item
from mintworks_runners.mint.lookup import shared
from mintworks_runners.mint.packing import MAX_BYTES, Packing
from mintworks_runners.solana.instructions import CollectionAccounts
from mintworks_runners.solana.metadata import Creator
from mintworks_runners.solana.programs import NOOP
from mintworks_runners.solana.tree import TreeSize
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

WALLET, AUTHORITY = (Keypair.from_seed(bytes([n]) * 32) for n in (1, 2))
TREE, MINT = (Pubkey.from_bytes(bytes([n]) * 32) for n in (3, 4))
NOWHERE = Pubkey.from_bytes(bytes([9]) * 32)
FEW = [Pubkey.from_bytes(bytes([n]) * 32) for n in range(10, 14)]
names = st.text(st.characters(codec="utf-8"), max_size=32).filter(lambda name: len(name.encode()) <= 32)


@st.composite
def designs(draw: st.DrawFn) -> tuple[Design, Signer]:
    """A job with or without collection, its authority the wallet or another."""
    authority = draw(st.sampled_from([None, WALLET, AUTHORITY]))
    creators = tuple(Creator(key, verified=False, share=1) for key in draw(st.lists(st.sampled_from(FEW), unique=True)))
    collection = None if authority is None else CollectionAccounts(MINT, authority.pubkey())
    design = Design(TREE, WALLET.pubkey(), draw(st.text("SYM", max_size=10)), 500, True, creators, collection)
    return design, Signer(WALLET, *([] if authority is None else [authority]))


@st.composite
def item_lists(draw: st.DrawFn) -> dict[int, Item]:
    """Items whose owners may be shared, all different, or accounts that the transaction holds anyway."""
    owners = st.one_of(
        st.sampled_from([*FEW, TREE, MINT, WALLET.pubkey(), AUTHORITY.pubkey()]),
        st.binary(min_size=32, max_size=32).map(Pubkey.from_bytes),
    )
    folder = "ipfs://" + draw(st.text("bafy", max_size=120))
    rows = draw(st.lists(st.tuples(names, owners), min_size=1, max_size=30))
    return {n: Item(n, n + 2, name, f"{folder}/{n}.json", owner) for n, (name, owner) in enumerate(rows)}


def built(builder: MintBuilder, items: dict[int, Item], most: int, price: int) -> list[int]:
    """Mints in each transaction that the builder really makes, as a campaign asks for them."""
    waiting, sizes = list(items), list[int]()
    while waiting:
        sizes.append(builder.most(waiting[:most], Hash.default(), lambda _: 100_000, price).items)
        del waiting[: sizes[-1]]
    return sizes


@st.composite
def tables(draw: st.DrawFn, design: Design) -> AddressLookupTableAccount | None:
    """No lookup table, one that a job makes, or one that holds less."""
    held = draw(st.sampled_from([None, shared(design), (TREE, WALLET.pubkey()), (Pubkey.default(), NOOP), (NOWHERE,)]))
    return None if held is None else AddressLookupTableAccount(FEW[0], list(held))


@settings(max_examples=60, deadline=None)
@given(designs(), item_lists(), st.integers(1, 10), st.sampled_from([0, 1, 5_000_000]), st.booleans())
def test_transactions_are_counted_as_they_are_made(
    made: tuple[Design, Signer], items: dict[int, Item], most: int, price: int, tabled: bool
) -> None:
    design, signer = made
    table = AddressLookupTableAccount(FEW[0], list(shared(design))) if tabled else None
    packing = Packing(design, priced=price > 0, table=shared(design) if tabled else ())
    builder = MintBuilder(items, design, signer, table)
    sizes = list(packing.batches(items, items, most))
    assert sizes == built(builder, items, most, price)
    assert sum(sizes) == len(items)
    assert max(sizes) <= most


@settings(max_examples=60, deadline=None)
@given(designs(), item_lists(), st.booleans(), st.data())
def test_a_size_is_that_of_the_signed_transaction(
    made: tuple[Design, Signer], items: dict[int, Item], priced: bool, data: st.DataObject
) -> None:
    design, signer = made
    first, table = list(items)[:10], data.draw(tables(design))
    wire = MintBuilder(items, design, signer, table).sign(first, Hash.default(), 100_000, int(priced)).wire
    held = () if table is None else table.addresses
    assert Packing(design, priced=priced, table=held).size(items[n] for n in first) == len(wire)


@settings(max_examples=60, deadline=None)
@given(designs(), item_lists(), st.booleans())
def test_as_many_mints_as_fit_and_not_one_more(
    made: tuple[Design, Signer], items: dict[int, Item], tabled: bool
) -> None:
    design, signer = made
    held = shared(design) if tabled else ()
    builder, numbers = MintBuilder(items, design, signer), list(items)[:10]
    builder = builder.through(AddressLookupTableAccount(FEW[0], list(held))) if tabled else builder
    count = Packing(design, priced=True, table=held).fitting(items[n] for n in numbers)
    assert count == 1 or len(builder.sign(numbers[:count], Hash.default(), 1, 1).wire) <= MAX_BYTES
    if count < len(numbers):
        assert len(builder.sign(numbers[: count + 1], Hash.default(), 1, 1).wire) > MAX_BYTES


def units(mints: int) -> int:
    return 70_000 * mints


def test_fees_are_those_of_the_signed_transactions() -> None:
    items = {n: Item(n, n, f"Nº {n}", f"ipfs://c/{n}.json", FEW[n % 4]) for n in range(50)}
    design = Design(TREE, WALLET.pubkey(), "S", 0, True, (), CollectionAccounts(MINT, AUTHORITY.pubkey()))
    builder, price = MintBuilder(items, design, Signer(WALLET, AUTHORITY)), 40_000
    paid, waiting = 0, list(items)
    while waiting:
        signed = builder.most(waiting[:3], Hash.default(), units, price)
        paid += signed.cost
        del waiting[: signed.items]
    packing = Packing(design, priced=True)
    batches = Batches.of(packing.batches(items, items, 3), packing.signatures)
    assert batches.fees(units, price) == paid
    assert batches.fees(units, 0) == batches.transactions * 2 * 5_000


PACE = Pace(requests_per_second=50, in_flight=1000, finalized=False, units=45_000)


def told(sizes: Sequence[int], tree: TreeSize | None = None, pace: Pace = PACE, known: int = 0) -> Forecast:
    return forecast(Batches.of(sizes, 1), tree, units, prices=(1_000, 1_000_000), pace=pace, known=known)


def test_a_new_tree_costs_its_rent_and_a_transaction() -> None:
    size = TreeSize(14, 64)
    made, there = told([3] * 10, size), told([3] * 10)
    assert made.transactions == there.transactions + 1 == 11
    assert made.fees > there.fees + 5_000
    assert (made.rent, there.rent) == (size.rent + 1_559_040, 0)
    assert there.fees < there.most_fees


@pytest.mark.parametrize(
    "slower",
    [
        replace(PACE, requests_per_second=5),
        replace(PACE, in_flight=1),
        replace(PACE, in_flight=20, finalized=True),
        replace(PACE, units=40_000_000),
    ],
)
def test_what_bounds_the_speed_bounds_the_estimate(slower: Pace) -> None:
    assert told([3] * 1000, pace=slower).seconds > told([3] * 1000).seconds * 2


def test_where_nothing_is_missing_nothing_is_paid_nor_waited_for() -> None:
    done = told([], known=300)
    assert (done.transactions, done.fees, done.most_fees, done.rent) == (0, 0, 0, 0)
    assert done.seconds < told([1], known=300).seconds - 100
