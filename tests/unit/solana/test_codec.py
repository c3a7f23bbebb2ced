"""The codec's own laws: what is written is read again, and limits hold exactly at their edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.budget import budget_instructions, decode_budget, fee
from mintworks_runners.solana.instructions import CollectionAccounts, CreateTree, Mint, decode_create_tree, decode_mint
from mintworks_runners.solana.leaf import Leaf, decode_event
from mintworks_runners.solana.metadata import (
    Collection,
    Creator,
    MetadataArgs,
    TokenStandard,
    Uses,
    problems,
)
from mintworks_runners.solana.tree import (
    VALID_SIZES,
    TreeConfig,
    TreeHeader,
    TreeSize,
    TreeSizeError,
    cheapest_size,
    decode_config,
    decode_header,
)
from solders.pubkey import Pubkey

keys = st.binary(min_size=32, max_size=32).map(Pubkey.from_bytes)
u64 = st.integers(0, 2**64 - 1)
u8 = st.integers(0, 255)
creators = st.lists(st.builds(Creator, keys, st.booleans(), u8), max_size=6).map(tuple)
metadata = st.builds(
    MetadataArgs,
    name=st.text(max_size=40),
    symbol=st.text(max_size=12),
    uri=st.text(max_size=210),
    seller_fee_basis_points=st.integers(0, 65535),
    primary_sale_happened=st.booleans(),
    is_mutable=st.booleans(),
    edition_nonce=st.none() | u8,
    token_standard=st.none() | st.sampled_from(TokenStandard),
    collection=st.none() | st.builds(Collection, keys, st.booleans()),
    uses=st.none() | st.builds(Uses, st.integers(0, 2), u64, u64),
    token_program_version=st.integers(0, 1),
    creators=creators,
)
mints = st.builds(
    Mint,
    tree=keys,
    leaf_owner=keys,
    leaf_delegate=keys,
    payer=keys,
    tree_delegate=keys,
    args=metadata,
    collection=st.none() | st.builds(CollectionAccounts, keys, keys, st.none() | keys),
)
KEY = Pubkey.from_bytes(bytes([7]) * 32)


@given(mints)
def test_mints_are_read_as_written(mint: Mint) -> None:
    instruction = mint.instruction()
    assert decode_mint(bytes(instruction.data), [meta.pubkey for meta in instruction.accounts]) == mint


@given(metadata, st.data())
def test_arguments_cut_anywhere_are_a_decode_error(args: MetadataArgs, data: st.DataObject) -> None:
    raw = args.encode()
    with pytest.raises(DecodeError):
        MetadataArgs.read(Reader(raw[: data.draw(st.integers(0, len(raw) - 1))]))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_a_decode_error(raw: bytes) -> None:
    try:
        args = MetadataArgs.read(Reader(raw))
    except DecodeError:
        return
    assert raw.startswith(args.encode())


@given(st.builds(CreateTree, keys, keys, keys, st.integers(0, 30), st.integers(0, 2048), st.none() | st.booleans()))
def test_create_tree_is_read_as_written(created: CreateTree) -> None:
    instruction = created.instruction()
    assert decode_create_tree(bytes(instruction.data), [meta.pubkey for meta in instruction.accounts]) == created


@given(st.builds(Leaf, keys, keys, keys, u64, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32)))
def test_events_are_read_as_written(leaf: Leaf) -> None:
    assert decode_event(leaf.event()) == leaf


@given(st.builds(TreeConfig, keys, keys, u64, u64, st.booleans()))
def test_configs_are_read_as_written(config: TreeConfig) -> None:
    assert decode_config(config.encode()) == config


@given(st.builds(TreeHeader, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), keys, u64))
def test_headers_are_read_as_written(header: TreeHeader) -> None:
    assert decode_header(header.encode()) == header


def test_other_accounts_are_no_trees() -> None:
    with pytest.raises(DecodeError, match="not a TreeConfig"):
        decode_config(bytes(96))
    with pytest.raises(DecodeError, match="not an initialized tree"):
        decode_header(bytes(56))


@given(st.integers(0, 1_400_000), st.integers(0, 2**64 - 1))
def test_budgets_are_read_as_written(units: int, price: int) -> None:
    datas = [bytes(instruction.data) for instruction in budget_instructions(units, price)]
    assert decode_budget(datas, 3) == (units, price)


def test_a_budget_that_says_nothing_is_the_default() -> None:
    assert decode_budget([], 3) == (600_000, 0)
    assert decode_budget([], 9) == (1_400_000, 0)


def test_fees_round_up() -> None:
    assert fee(1, 200_000, 0) == 5_000
    assert fee(2, 1, 1) == 10_001
    assert fee(1, 100_000, 1_000_000) == 105_000


@given(st.integers(1, 1 << 30))
def test_the_cheapest_tree_holds_the_capacity_and_nothing_cheaper_does(capacity: int) -> None:
    chosen = cheapest_size(capacity)
    chosen.check()
    assert chosen.capacity >= capacity
    for depth, buffer in VALID_SIZES:
        other = TreeSize(depth, buffer, max(depth - 17, 0))
        assert other.capacity < capacity or other.rent >= chosen.rent


@pytest.mark.parametrize("capacity", [0, -1, (1 << 30) + 1])
def test_capacities_that_no_tree_holds(capacity: int) -> None:
    with pytest.raises(TreeSizeError, match="no tree holds"):
        cheapest_size(capacity)


@pytest.mark.parametrize(("capacity", "depth"), [(1, 3), (8, 3), (9, 5), (32, 5), (33, 14), (16384, 14), (16385, 15)])
def test_capacity_edges(capacity: int, depth: int) -> None:
    assert cheapest_size(capacity).max_depth == depth


@pytest.mark.parametrize(
    ("name", "symbol", "uri_bytes", "fee_points", "fields"),
    [
        ("n" * 32, "s" * 10, 200, 10_000, []),
        ("n" * 33, "s" * 11, 201, 10_001, ["name", "symbol", "uri", "seller_fee_basis_points"]),
        ("é" * 16, "", 1, 0, []),
        ("é" * 17, "", 0, 0, ["name", "uri"]),
    ],
)
def test_limits_are_bytes_and_all_findings_come_at_once(
    name: str, symbol: str, uri_bytes: int, fee_points: int, fields: list[str]
) -> None:
    args = MetadataArgs(name=name, symbol=symbol, uri="u" * uri_bytes, seller_fee_basis_points=fee_points)
    assert [problem.field for problem in problems(args, frozenset(), to_collection=False)] == fields


def test_a_verified_creator_must_sign() -> None:
    args = MetadataArgs("n", "s", "u", 0, creators=(Creator(KEY, verified=True, share=100),))
    assert [problem.code for problem in problems(args, frozenset(), to_collection=False)] == [6006]
    assert problems(args, frozenset([KEY]), to_collection=False) == []
