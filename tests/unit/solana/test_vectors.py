"""The codec against bytes taken from the real programs (tests/data/bubblegum-v1.json)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.collection import decode_collection
from mintworks_runners.solana.instructions import CollectionAccounts, CreateTree, Mint, decode_create_tree, decode_mint
from mintworks_runners.solana.keccak import keccak
from mintworks_runners.solana.leaf import creator_hash, data_hash, decode_event, hashed_args
from mintworks_runners.solana.metadata import Collection, Creator, MetadataArgs, problems
from mintworks_runners.solana.programs import (
    BUBBLEGUM,
    COMPRESSION,
    NOOP,
    TOKEN_METADATA,
    asset_id,
    edition_account,
    metadata_account,
    tree_authority,
)
from mintworks_runners.solana.tree import (
    HEADER_BYTES,
    TreeSize,
    TreeSizeError,
    decode_body,
    decode_config,
    decode_header,
    size_of_account,
)
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "bubblegum-v1.json").read_text())
PAYER = Pubkey.from_string(VECTORS["collection"]["update_authority"])
COLLECTION = Pubkey.from_string(VECTORS["collection"]["mint"])


def named(cases: list[dict[str, Any]], key: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case[key]) for case in cases])


def key(text: str) -> Pubkey:
    return Pubkey.from_string(text)


def form(instruction: Instruction) -> dict[str, Any]:
    accounts = [[str(meta.pubkey), meta.is_signer, meta.is_writable] for meta in instruction.accounts]
    return {"program": str(instruction.program_id), "data": instruction.data.hex(), "accounts": accounts}


def addresses(instruction: dict[str, Any]) -> list[Pubkey]:
    return [key(account[0]) for account in instruction["accounts"]]


def arguments(metadata: dict[str, Any]) -> MetadataArgs:
    return MetadataArgs(
        name=metadata["name"],
        symbol=metadata["symbol"],
        uri=metadata["uri"],
        seller_fee_basis_points=metadata["seller_fee_basis_points"],
        collection=Collection(COLLECTION, verified=False) if metadata["in_collection"] else None,
        creators=tuple(Creator(key(address), verified, share) for address, verified, share in metadata["creators"]),
    )


def mint_of(case: dict[str, Any]) -> Mint:
    in_collection = case["metadata"]["in_collection"]
    return Mint(
        tree=addresses(case["instruction"])[3],
        leaf_owner=key(case["owner"]),
        leaf_delegate=key(case["delegate"]),
        payer=PAYER,
        tree_delegate=PAYER,
        args=arguments(case["metadata"]),
        collection=CollectionAccounts(COLLECTION, PAYER) if in_collection else None,
    )


def test_program_ids() -> None:
    assert VECTORS["programs"] == {
        "bubblegum": str(BUBBLEGUM),
        "account_compression": str(COMPRESSION),
        "noop": str(NOOP),
        "token_metadata": str(TOKEN_METADATA),
    }


@named(VECTORS["trees"], "tree_label")
def test_create_tree(case: dict[str, Any]) -> None:
    accounts = addresses(case["create_tree"])
    created = CreateTree(accounts[1], PAYER, PAYER, case["max_depth"], case["max_buffer_size"])
    assert form(created.instruction()) == case["create_tree"]
    assert decode_create_tree(bytes.fromhex(case["create_tree"]["data"]), accounts) == created
    size = TreeSize(case["max_depth"], case["max_buffer_size"], case["canopy_depth"])
    assert (size.account_bytes, size.rent) == (case["account_bytes"], case["rent_lamports"])


@named([case for case in VECTORS["trees"] if case["accepted"]], "tree_label")
def test_tree_accounts(case: dict[str, Any]) -> None:
    raw_header, raw_config = bytes.fromhex(case["header_hex"]), bytes.fromhex(case["tree_config_hex"])
    tree = addresses(case["create_tree"])[1]
    header, config = decode_header(raw_header), decode_config(raw_config)
    assert tree_authority(tree) == key(case["tree_authority"]) == header.authority
    assert (header.max_depth, header.max_buffer_size) == (case["max_depth"], case["max_buffer_size"])
    assert (config.creator, config.delegate, config.num_minted, config.public) == (PAYER, PAYER, 0, False)
    assert config.capacity == 1 << case["max_depth"]
    assert header.encode() == raw_header
    assert config.encode() == raw_config
    assert size_of_account(case["account_bytes"], header).canopy_depth == case["canopy_depth"]


@named([case for case in VECTORS["trees"] if not case["accepted"]], "tree_label")
def test_sizes_the_program_refuses_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(TreeSizeError, match=r"maxDepth is one of|maxBufferSize is one of"):
        TreeSize(case["max_depth"], case["max_buffer_size"], case["canopy_depth"]).check()


def test_a_canopy_that_only_an_older_program_takes_is_refused() -> None:
    with pytest.raises(TreeSizeError, match="3–20"):
        TreeSize(20, 64, 2).check()


@named(VECTORS["mints"], "case")
def test_mint_instruction(case: dict[str, Any]) -> None:
    mint = mint_of(case)
    assert form(mint.instruction()) == case["instruction"]
    assert decode_mint(bytes.fromhex(case["instruction"]["data"]), addresses(case["instruction"])) == mint
    assert problems(mint.args, frozenset([PAYER]), to_collection=mint.collection is not None) == []


@named(VECTORS["mints"], "case")
def test_hashes_and_event(case: dict[str, Any]) -> None:
    mint = mint_of(case)
    leaf = mint.leaf(case["nonce"])
    assert asset_id(mint.tree, case["nonce"]) == key(case["asset_id"]) == leaf.asset_id
    hashed = hashed_args(mint.args, to_collection=mint.collection is not None)
    assert data_hash(hashed).hex() == case["data_hash"]
    assert creator_hash(mint.args.creators).hex() == case["creator_hash"]
    assert leaf.hash().hex() == case["leaf_hash"]
    assert leaf.event().hex() == case["noop_event"]
    assert decode_event(bytes.fromhex(case["noop_event"])) == leaf


@pytest.mark.parametrize("position", range(209))
def test_an_event_with_any_byte_changed_is_none(position: int) -> None:
    event = bytearray.fromhex(VECTORS["mints"][0]["noop_event"])
    event[position] ^= 1
    assert decode_event(bytes(event)) is None


def test_an_event_cut_short_is_none() -> None:
    event = bytes.fromhex(VECTORS["mints"][0]["noop_event"])
    assert all(decode_event(event[:length]) is None for length in range(len(event)))


# What the runner refuses before sending, by the error code that the program answered. The other rejections are
# about accounts (whose delegate, whose collection) or about state, and belong to preflight and to the localnet.
CODES = {6004, 6005, 6006, 6011, 6012, 6013, 6014, 6015, 6020, 6021, 6040}


def code_of(case: dict[str, Any]) -> int | None:
    error: str | None = case["error"]
    return int(error.rpartition("Custom(")[2].rstrip(")")) if error else None


@named([case for case in VECTORS["rejections"] if code_of(case) in CODES], "case")
def test_what_the_program_rejects_is_refused_with_its_code(case: dict[str, Any]) -> None:
    instruction = case["instruction"]
    mint = decode_mint(bytes.fromhex(instruction["data"]), addresses(instruction))
    signers = frozenset(key(account[0]) for account in instruction["accounts"] if account[1])
    found = problems(mint.args, signers, to_collection=mint.collection is not None)
    assert [problem.code for problem in found] == [code_of(case)]
    assert all(problem.message for problem in found)


@named([case for case in VECTORS["rejections"] if not case["rejected"]], "case")
def test_what_the_program_accepts_is_read(case: dict[str, Any]) -> None:
    instruction = case["instruction"]
    mint = decode_mint(bytes.fromhex(instruction["data"]), addresses(instruction))
    signers = frozenset(key(account[0]) for account in instruction["accounts"] if account[1])
    found = problems(mint.args, signers, to_collection=False)
    assert [(problem.field, problem.code) for problem in found] == (
        [("uri", None)] if case["case"] == "empty uri" else []
    )


@named([case for case in VECTORS["rejections"] if code_of(case) == 102], "case")
def test_what_the_program_cannot_read_is_a_decode_error(case: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        decode_mint(bytes.fromhex(case["instruction"]["data"]), addresses(case["instruction"]))


def test_every_rejection_is_covered_or_named() -> None:
    elsewhere = {
        "tree delegate who is not the tree's": 6016,
        "collection authority who is not the collection's": 6028,
        "collection metadata read-only": 2000,
        "ninth mint into a tree of depth 3": 6017,
    }
    rest = {case["case"]: code_of(case) for case in VECTORS["rejections"] if case["rejected"]}
    assert {name: code for name, code in rest.items() if code not in CODES | {102}} == elsewhere


def test_collection_accounts() -> None:
    collection = VECTORS["collection"]
    assert str(metadata_account(COLLECTION)) == collection["metadata"]
    assert str(edition_account(COLLECTION)) == collection["edition"]
    read = decode_collection(bytes.fromhex(collection["metadata_account_hex"]))
    assert (read.update_authority, read.mint, read.name) == (PAYER, COLLECTION, "Coll")


def merkle_root(leaves: list[bytes], depth: int) -> bytes:
    """The root of a tree whose first leaves are these, computed the plain way."""
    nodes, empty = leaves, bytes(32)
    for _ in range(depth):
        padded = nodes + [empty] * (len(nodes) % 2)
        nodes = [keccak(padded[i] + padded[i + 1]) for i in range(0, len(padded), 2)]
        empty = keccak(empty + empty)
    return nodes[0]


def test_the_roots_of_a_whole_run() -> None:
    run = VECTORS["run"]
    tree = next(t for t in VECTORS["trees"] if t["tree_label"] == run["tree_label"])
    address = addresses(tree["create_tree"])[1]
    owners = [seeded(f"wallet-{i}") for i in range(5)]
    leaves: list[bytes] = []
    for i, root in enumerate(run["roots"]):
        args = MetadataArgs(
            name=f"run #{i}",
            symbol="OK",
            uri=f"ipfs://{run['cid']}/{i}.json",
            seller_fee_basis_points=500,
            creators=(Creator(PAYER, verified=True, share=100),),
        )
        owner = owners[i % 5]
        leaves.append(Mint(address, owner, owner, PAYER, PAYER, args).leaf(i).hash())
        assert merkle_root(leaves, tree["max_depth"]).hex() == root


def seeded(label: str) -> Pubkey:
    return Keypair.from_seed(hashlib.sha256(label.encode()).digest()).pubkey()


def test_the_body_of_a_tree_account() -> None:
    case = VECTORS["trees"][3]
    size = TreeSize(case["max_depth"], case["max_buffer_size"], case["canopy_depth"])
    data = bytearray(size.account_bytes)
    data[:HEADER_BYTES] = bytes.fromhex(case["header_hex"])
    data[56:80] = b"".join(value.to_bytes(8, "little") for value in (9, 1, 8))
    data[80 + 136 : 80 + 136 + 32] = b"\x07" * 32
    body = decode_body(bytes(data))
    assert (body.sequence, body.active_index, body.buffer_size, body.root) == (9, 1, 8, b"\x07" * 32)
