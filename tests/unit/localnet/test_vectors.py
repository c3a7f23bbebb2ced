"""Every case of the vectors (taken from the compiled programs) through the localnet's bank."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.localnet.account import Account, TreeData
from mintworks_dev.localnet.bank import Executed, execute
from mintworks_dev.localnet.genesis import CollectionNft, Funded, Genesis, edition_data, metadata_data, mint_data
from mintworks_dev.localnet.ledger import Ledger
from mintworks_dev.localnet.transaction import parse
from mintworks_runners.solana.instructions import Mint, decode_mint
from mintworks_runners.solana.metadata import Creator, MetadataArgs
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION, NOOP, edition_account, tree_authority
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import CreateAccountParams, create_account
from solders.transaction import VersionedTransaction

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data/bubblegum-v1.json").read_text())
TREES: dict[str, dict[str, Any]] = {tree["tree_label"]: tree for tree in VECTORS["trees"]}


def keypair(label: str) -> Keypair:
    return Keypair.from_seed(hashlib.sha256(label.encode()).digest())


PAYER = keypair("payer")
COLLECTION = CollectionNft(
    Pubkey.from_string(VECTORS["collection"]["mint"]),
    Pubkey.from_string(VECTORS["collection"]["update_authority"]),
    "Coll",
    "C",
    "https://x",
)
CREATION_SLOT = 435_888_000


def address(label: str) -> Pubkey:
    """The tree's address: the second account of its create_tree."""
    return Pubkey.from_string(TREES[label]["create_tree"]["accounts"][1][0])


class World:
    """A bank at the slot at which the vectors were taken."""

    def __init__(self) -> None:
        funded = (Funded(PAYER.pubkey(), 10**15),)
        self.ledger = Ledger(Genesis("vectors", funded, (COLLECTION,)).accounts())

    def run(self, *instructions: Instruction) -> Executed:
        message = MessageV0.try_compile(PAYER.pubkey(), list(instructions), [], Hash.default())
        # the bank executes what the server has verified: signatures are not its concern
        unsigned = [Signature.default()] * message.header.num_required_signatures
        raw = bytes(VersionedTransaction.populate(message, unsigned))
        done = execute(parse(raw), self.ledger.read, CREATION_SLOT)
        self.ledger.write(CREATION_SLOT, done.changes.items())
        return done

    def create(self, label: str) -> Executed:
        tree = TREES[label]
        create = create_account(
            CreateAccountParams(
                from_pubkey=PAYER.pubkey(),
                to_pubkey=address(label),
                lamports=tree["rent_lamports"],
                space=tree["account_bytes"],
                owner=COMPRESSION,
            )
        )
        return self.run(set_compute_unit_limit(1_400_000), create, instruction(tree["create_tree"]))

    def tree(self, label: str) -> TreeData:
        data = self.ledger.read(address(label)).data
        assert isinstance(data, TreeData)
        return data


def instruction(case: dict[str, Any]) -> Instruction:
    accounts = [AccountMeta(Pubkey.from_string(key), signer, write) for key, signer, write in case["accounts"]]
    return Instruction(Pubkey.from_string(case["program"]), bytes.fromhex(case["data"]), accounts)


def mint(world: World, case: dict[str, Any]) -> Executed:
    return world.run(set_compute_unit_limit(1_400_000), instruction(case["instruction"]))


def custom_code(error: str | None) -> tuple[int, int] | None:
    """(instruction, number) of an error as the vectors write it."""
    if error is None:
        return None
    found = re.fullmatch(
        r"TransactionErrorInstructionError\(\((\d+), Tagged\(InstructionErrorCustom\((\d+)\)\)\)\)", error
    )
    assert found is not None
    return int(found[1]), int(found[2])


def code_of(done: Executed) -> tuple[int, int] | None:
    if done.error is None:
        return None
    assert isinstance(done.error, dict)
    index, inner = done.error["InstructionError"]
    return index, inner["Custom"]


def by_label(cases: list[dict[str, Any]], key: str) -> list[Any]:
    return [pytest.param(case, id=case[key]) for case in cases]


@pytest.mark.parametrize("case", by_label(VECTORS["trees"], "tree_label"))
def test_create_tree(case: dict[str, Any]) -> None:
    world = World()
    done = world.create(case["tree_label"])
    assert code_of(done) == custom_code(case.get("error"))
    if not case["accepted"]:
        assert world.ledger.read(address(case["tree_label"])) == Account(0)
        return
    tree = address(case["tree_label"])
    data = world.ledger.read(tree).encode()
    assert len(data) == case["account_bytes"]
    assert data[:56].hex() == case["header_hex"]
    assert world.ledger.read(Pubkey.from_string(case["tree_authority"])).encode().hex() == case["tree_config_hex"]


@pytest.fixture(scope="module")
def minted() -> list[tuple[dict[str, Any], Executed, bytes]]:
    """The vectors' mints, one after the other into their tree, with the tree account after each."""
    world = World()
    world.create("tree-14-64-8")
    tree = address("tree-14-64-8")
    return [(case, mint(world, case), world.ledger.read(tree).encode()) for case in VECTORS["mints"]]


def test_mints_are_accepted_with_the_same_events(minted: list[tuple[dict[str, Any], Executed, bytes]]) -> None:
    for case, done, _ in minted:
        assert done.error is None, (case["case"], done.logs)
        shapes = [[inner.data[:2].hex(), len(inner.data)] for inner in done.inner]
        assert shapes == case["inner_instructions"]
        assert [inner.height for inner in done.inner] == [2, 2, 3]
        assert [inner.program for inner in done.inner] == [NOOP, COMPRESSION, NOOP]
        assert done.inner[0].data.hex() == case["noop_event"]
        assert done.inner[0].data[-32:].hex() == case["leaf_hash"]


def test_units_are_close_to_the_real_programs(minted: list[tuple[dict[str, Any], Executed, bytes]]) -> None:
    """A runner asks by simulation and adds a margin; with these it learns what the real program would tell it."""
    for case, done, _ in minted:
        assert done.units == pytest.approx(case["compute_units"], rel=0.04), case["case"]
    for tree in VECTORS["trees"]:
        if tree["accepted"]:
            done = World().create(tree["tree_label"])
            assert done.units == pytest.approx(tree["compute_units"], rel=0.04), tree["tree_label"]


def test_roots_after_each_mint(minted: list[tuple[dict[str, Any], Executed, bytes]]) -> None:
    for case, done, account in minted:
        sequence, active, size = (int.from_bytes(account[at : at + 8], "little") for at in (56, 64, 72))
        entry = 80 + active * (32 * 14 + 40)
        assert account[entry : entry + 32].hex() == case["root_after"]
        assert sequence == case["sequence_after"]
        assert size == min(sequence + 1, 64)
        event = done.inner[2].data
        assert event[38 + 36 * 14 : 70 + 36 * 14].hex() == case["root_after"]
        assert int.from_bytes(event[-12:-4], "little") == sequence
        assert int.from_bytes(event[-4:], "little") == case["nonce"]


def test_asset_ids_and_leaves_agree_with_the_codec(minted: list[tuple[dict[str, Any], Executed, bytes]]) -> None:
    for case, done, _ in minted:
        raw = instruction(case["instruction"])
        leaf = decode_mint(raw.data, [meta.pubkey for meta in raw.accounts]).leaf(case["nonce"])
        assert str(leaf.asset_id) == case["asset_id"]
        assert leaf.data_hash.hex() == case["data_hash"]
        assert leaf.creator_hash.hex() == case["creator_hash"]
        assert leaf.event() == done.inner[0].data


@pytest.mark.parametrize("case", by_label(VECTORS["rejections"], "case"))
def test_what_the_program_rejects(case: dict[str, Any]) -> None:
    world = World()
    world.create("tree-14-64-8")
    world.create("tree-3-8-0")
    if case["case"].startswith("ninth"):
        for _ in range(8):
            assert mint(world, case).error is None
    done = mint(world, case)
    assert code_of(done) == custom_code(case["error"]), done.logs
    assert case["log"] is None or case["log"] in done.logs
    if case["rejected"]:
        assert done.inner == []


def test_the_program_looks_at_no_account_that_it_needs_no_more() -> None:
    """Umi names Bubblegum itself in place of bubblegum_signer and of token-metadata."""
    world = World()
    world.create("tree-14-64-8")
    case = next(case for case in VECTORS["mints"] if len(case["instruction"]["accounts"]) == 16)
    given = instruction(case["instruction"])
    metas = list(given.accounts)
    metas[11] = metas[14] = AccountMeta(BUBBLEGUM, False, False)
    done = world.run(set_compute_unit_limit(1_400_000), Instruction(BUBBLEGUM, given.data, metas))
    assert done.error is None, done.logs


def test_32_mints_fill_a_small_tree() -> None:
    run = VECTORS["run"]
    world = World()
    world.create(run["tree_label"])
    tree = address(run["tree_label"])
    payer = PAYER.pubkey()
    for number, root in enumerate(run["roots"]):
        owner = keypair(f"wallet-{number % 5}").pubkey()
        uri = f"ipfs://{run['cid']}/{number}.json"
        args = MetadataArgs(f"run #{number}", "OK", uri, 500, creators=(Creator(payer, True, 100),))
        done = world.run(Mint(tree, owner, owner, payer, payer, args).instruction())
        assert done.error is None
        assert world.tree(run["tree_label"]).tree.last.root.hex() == root


def test_genesis_writes_collection_accounts_as_token_metadata_does() -> None:
    expected = VECTORS["collection"]
    assert metadata_data(COLLECTION).hex() == expected["metadata_account_hex"]
    assert edition_data().hex() == expected["edition_account_hex"]
    assert mint_data(edition_account(COLLECTION.mint)).hex() == expected["mint_account_hex"]


def test_the_config_counts_mints(minted: list[tuple[dict[str, Any], Executed, bytes]]) -> None:
    tree = address("tree-14-64-8")
    _, done, _ = minted[-1]
    config = done.changes[tree_authority(tree)].encode()
    assert int.from_bytes(config[80:88], "little") == len(VECTORS["mints"])
