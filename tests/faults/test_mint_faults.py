"""What the mint runner refuses, waits for or leaves alone, in small; what it survives: `test_large_*.py`."""

import json
from pathlib import Path

import pytest
from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.mint import replay
from mintworks_runners.mint.rpc import pool
from mintworks_runners.solana.instructions import CreateTree
from mintworks_runners.solana.programs import COMPRESSION
from mintworks_runners.solana.tree import TreeSize
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from support.minting import BAD_INPUT, DONE, NOT_FINISHED, Minter, MintRuns, transact
from support.specs import CID
from support.strangers import mint

ITEMS = 24
WELL = {"hidden_rows": 0}


async def minted(job: MintRuns, net: Localnet) -> None:
    """The job ends well, and the chain holds exactly its items."""
    assert await job.here() == DONE, job.run.termination
    net.faults(primary=WELL)
    await job.check(net.url)


async def test_no_endpoint_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 1.0)
    minter = Minter()
    async with minter.localnet() as net:
        net.faults(primary={"dead": True})
        job = MintRuns(tmp_path, minter, [net.url], 3)
        assert await job.here() == NOT_FINISHED
        assert job.run.termination["reason"] == "NoHealthyEndpoint"


async def test_history_with_gaps_mints_nothing_until_an_endpoint_has_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "PATIENCE_SECONDS", 2.0)
    minter = Minter()
    async with minter.localnet() as net:
        first = MintRuns(tmp_path / "first", minter, [net.url], ITEMS)
        await minted(first, net)
        net.faults(primary={"hidden_rows": 0.4})
        again = MintRuns(tmp_path / "again", minter, [net.url], ITEMS, hurry=net)
        assert await again.here() == NOT_FINISHED
        assert again.run.termination["reason"] == "HistoryIncomplete"
        again.run.spec["solana"]["rpcUrls"].append(net.twin_url)
        await minted(again, net)
        assert again.run.termination["result"]["already"] == ITEMS


# --- strangers and their transactions ---


async def test_the_same_uri_with_another_owner_is_a_conflict(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        tree = await new_tree(net, minter, public=False)
        await transact(net.url, minter.wallet, mint(minter, tree, f"ipfs://{CID}/1.json", Keypair().pubkey()))
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, hurry=net)
        job.run.spec["tree"] = {"address": tree}
        assert await job.here() == BAD_INPUT
        assert job.run.termination["reason"] == "Conflict"
        assert job.run.termination["errors"][0]["item"] == 1


async def new_tree(net: Localnet, minter: Minter, *, public: bool, depth: int = 5) -> str:
    """A tree made by another tool."""
    account, size = Keypair(), TreeSize(depth, 8)
    wallet = minter.wallet
    params = CreateAccountParams(
        from_pubkey=wallet.pubkey(),
        to_pubkey=account.pubkey(),
        lamports=size.rent,
        space=size.account_bytes,
        owner=COMPRESSION,
    )
    made = CreateTree(account.pubkey(), wallet.pubkey(), wallet.pubkey(), depth, 8, public=public)
    await transact(net.url, wallet, create_account(params), made.instruction(), others=[account])
    return str(account.pubkey())


async def test_a_public_tree_needs_a_word_and_counts_only_our_own_mints(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        tree = await new_tree(net, minter, public=True)
        stranger = Keypair()
        await transact(
            net.url,
            minter.wallet,
            transfer(TransferParams(from_pubkey=minter.wallet.pubkey(), to_pubkey=stranger.pubkey(), lamports=10**9)),
        )
        other = Minter()
        other.wallet = stranger
        await transact(net.url, stranger, mint(other, tree, f"ipfs://{CID}/1.json"))
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, hurry=net)
        job.run.spec["tree"] = {"address": tree}
        assert await job.here() == BAD_INPUT
        assert job.run.termination["reason"] == "PublicTree"
        job.run.spec["tree"]["allowPublic"] = True
        assert await job.here() == DONE, job.run.termination
        result = job.run.termination["result"]
        assert (result["minted"], result["already"]) == (ITEMS, 0)


async def test_an_address_that_somebody_sent_lamports_to_is_made_a_tree_all_the_same(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        probe = MintRuns(tmp_path / "probe", minter, [net.url], ITEMS, dryRun=True)
        assert await probe.here() == DONE
        tree = Pubkey.from_string(probe.run.termination["result"]["tree"])
        gift = TransferParams(from_pubkey=minter.wallet.pubkey(), to_pubkey=tree, lamports=1_000_000)
        await transact(net.url, minter.wallet, transfer(gift))
        await minted(MintRuns(tmp_path / "job", minter, [net.url], ITEMS), net)


# --- what is refused before anything is signed ---


async def test_preflight_tells_everything_at_once(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], 3, hurry=net)
        job.run.spec["recipients"] = {"overrides": {"0": str(Keypair().pubkey()), "7": str(Keypair().pubkey())}}
        job.run.spec["collection"]["authority"] = {"secret": {"name": "other", "key": "id.json"}}
        job.run.mount("collection.authority.secret/id.json", json.dumps(list(bytes(Keypair()))))
        assert await job.here() == BAD_INPUT
        reasons = [error["reason"] for error in job.run.termination["errors"]]
        assert reasons == ["NoRecipient", "NoRecipient", "UnknownItem", "NotCollectionAuthority"]
        assert job.run.termination["errors"][0]["row"] == 3


async def test_rows_tree_collection_and_money_are_told_together(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], 12, maxCost="0.000001")
        job.run.spec["tree"] = {"create": {"maxDepth": 3, "maxBufferSize": 8}}
        job.run.spec["recipients"] = {"default": "wallet", "overrides": {"99": str(Keypair().pubkey())}}
        job.run.spec["collection"]["authority"] = {"secret": {"name": "other", "key": "id.json"}}
        job.run.mount("collection.authority.secret/id.json", json.dumps(list(bytes(Keypair()))))
        job.run.spec["metadataFrom"]["asset"]["symbol"] = "ÄÄÄÄÄÄ"
        assert await job.here() == BAD_INPUT
        told = {error["reason"]: error for error in job.run.termination["errors"]}
        assert list(told) == ["UnknownItem", "InvalidMetadata", "TreeFull", "NotCollectionAuthority", "MaxCostTooLow"]
        assert "symbol has 12 bytes" in told["InvalidMetadata"]["message"]
        assert told["TreeFull"]["field"] == "spec.tree.create"
        assert "update authority" in told["NotCollectionAuthority"]["message"]
        # Rows that cannot be read hide what depends on them, and nothing else.
        job.rows.write_text("name\n" + "long" * 10 + "\n")
        assert await job.here() == BAD_INPUT
        first, last = job.run.termination["errors"]
        assert (first["reason"], first["row"], first["column"]) == ("TooLong", 2, "name")
        assert last["reason"] == "NotCollectionAuthority"


async def test_an_empty_wallet_is_told_with_what_is_wrong_for_good(tmp_path: Path) -> None:
    minter = Minter()
    async with Localnet(slot_ms=25, collections=[(minter.collection, minter.wallet.pubkey())]) as net:
        job = MintRuns(tmp_path, minter, [net.url], 9)
        # A tree that is too small is not paid for first.
        job.run.spec["tree"] = {"create": {"maxDepth": 3, "maxBufferSize": 8}}
        assert await job.here() == BAD_INPUT
        told = [(error["reason"], error["field"]) for error in job.run.termination["errors"]]
        assert told == [("TreeFull", "spec.tree.create"), ("LowBalance", "spec.wallet")]


async def test_keys_and_endpoints_are_told_together(tmp_path: Path) -> None:
    job = MintRuns(tmp_path, Minter(), ["http://localhost:1"], 3)
    job.run.mount("wallet.secret/id.json", "[1, 2]")
    job.run.spec["collection"]["authority"] = {"secret": {"name": "other", "key": "id.json"}}
    job.run.spec["solana"]["rpcSecret"] = {"name": "rpc", "key": "urls"}
    job.run.spec["tree"] = {"create": {"maxDepth": 4, "maxBufferSize": 8}}
    job.run.mount("solana.rpcSecret/urls", "localhost:1")
    assert await job.here() == BAD_INPUT
    told = [(error["reason"], error["field"]) for error in job.run.termination["errors"]]
    assert told == [
        ("InvalidSecret", "spec.wallet.secret"),
        ("MissingSecret", "spec.collection.authority.secret"),
        ("InvalidSecret", "spec.solana.rpcSecret"),
        ("InvalidTreeSize", "spec.tree.create"),
    ]


async def test_an_empty_wallet_waits(tmp_path: Path) -> None:
    minter = Minter()
    async with Localnet(slot_ms=25, collections=[(minter.collection, minter.wallet.pubkey())]) as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS)
        assert await job.here() == NOT_FINISHED
        assert job.run.termination["reason"] == "LowBalance"


async def test_a_key_that_is_none_is_named_and_not_shown(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], 3)
        job.run.mount("wallet.secret/id.json", "[1, 2, 3333]")
        assert await job.here() == BAD_INPUT
        assert job.run.termination["errors"][0]["field"] == "spec.wallet.secret"
        assert "3333" not in json.dumps(job.run.termination)
