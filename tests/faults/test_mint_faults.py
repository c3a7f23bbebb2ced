"""The mint runner against a chain, endpoints and strangers that misbehave. Each test reads the chain itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.mint import replay
from mintworks_runners.mint.facts import MintFact
from mintworks_runners.mint.ledger import decode_lines
from mintworks_runners.mint.rpc import pool
from mintworks_runners.solana.instructions import CreateTree, Mint
from mintworks_runners.solana.keccak import keccak
from mintworks_runners.solana.leaf import Leaf, creator_hash
from mintworks_runners.solana.metadata import Creator, MetadataArgs
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION, NOOP, SYSTEM, anchor_discriminator, tree_authority
from mintworks_runners.solana.tree import TreeSize
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from support.minting import BAD_INPUT, DONE, NOT_FINISHED, Minter, MintRuns, transact
from support.specs import CID

ITEMS = 24
ASKED = ["getEpochInfo", "getSignatureStatuses", "getMultipleAccounts", "getLatestBlockhash"]
WELL = {"hidden_rows": 0, "null_transactions": 0, "rate_limited": 0, "lost_replies": 0}


async def minted(job: MintRuns, net: Localnet) -> None:
    """The job ends well, and the chain holds exactly its items."""
    assert await job.here() == DONE, job.run.termination
    net.faults(primary=WELL)
    await job.check(net.url)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"network": {"drop": 0.5}}, id="half of all transactions dropped"),
        pytest.param({"network": {"late": 0.6, "late_slots": (1, 150)}}, id="late landings"),
        pytest.param({"network": {"skip": 0.3}}, id="skipped slots"),
        pytest.param({"primary": {"lost_replies": 1.0}}, id="every reply to sendTransaction lost"),
        pytest.param(
            {"primary": {"lost_replies": 0.3, "lost_methods": ["getEpochInfo", "getSignatureStatuses"]}},
            id="lost answers",
        ),
        pytest.param({"primary": {"rate_limited": 0.3, "retry_after": 0}}, id="429"),
        pytest.param({"primary": {"index_lag": 25}}, id="statuses and history lag the bank"),
        pytest.param({"primary": {"null_transactions": 0.5, "null_answers": 2}}, id="null from getTransaction"),
    ],
)
async def test_it_mints_all_the_same(tmp_path: Path, faults: dict[str, Any]) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        net.faults(**faults)
        await minted(MintRuns(tmp_path, minter, [net.url], ITEMS, inFlight=6), net)


async def test_transactions_that_never_land_expire_and_are_signed_anew(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet(slot_ms=15) as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS)

        async def weather() -> None:
            await job.until_step("mint")
            net.faults(network={"drop": 1.0})
            await asyncio.sleep(4)
            net.faults(network={"drop": 0.0})

        await with_weather(job, net, weather)


async def test_forks(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, inFlight=4)

        async def weather() -> None:
            await job.until_step("mint")
            for turn in range(12):
                net.fork(6, keep=turn % 2 == 0)
                await asyncio.sleep(0.25)

        await with_weather(job, net, weather)


async def test_slots_that_stand_still_for_a_while(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS)

        async def weather() -> None:
            await job.until_step("mint")
            net.faults(network={"stalled": True})
            await asyncio.sleep(3)
            net.faults(network={"stalled": False})

        await with_weather(job, net, weather)


async def test_an_endpoint_that_dies_leaves_the_other(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet(twin_lag=3) as net:
        job = MintRuns(tmp_path, minter, [net.url, net.twin_url], ITEMS, inFlight=4)

        async def weather() -> None:
            await job.until_step("mint")
            net.faults(twin={"dead": True})

        await with_weather(job, net, weather)


@pytest.mark.parametrize("lag", [40, 300])
async def test_an_endpoint_that_lags(tmp_path: Path, lag: int) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        net.advance(400)
        net.faults(twin={"lag": lag})
        await minted(MintRuns(tmp_path, minter, [net.twin_url, net.url], ITEMS), net)


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


async def with_weather(job: MintRuns, net: Localnet, weather: Callable[[], Awaitable[None]]) -> None:
    """Run the job while something happens to the chain."""
    changing = asyncio.ensure_future(weather())
    try:
        await minted(job, net)
    finally:
        changing.cancel()


def mint(minter: Minter, tree: str, uri: str, owner: Pubkey | None = None) -> Instruction:
    """A mint without a collection, as another tool would make it."""
    wallet = minter.wallet.pubkey()
    args = MetadataArgs("Stranger", "STR", uri, 0)
    return Mint(Pubkey.from_string(tree), owner or wallet, owner or wallet, wallet, wallet, args).instruction()


async def test_a_foreign_minter_stops_the_job_and_the_next_run_accounts_for_it(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        # Slow enough that the stranger's mint is finalized long before the job's last one.
        net.faults(network={"late": 1.0, "late_slots": (20, 40)})
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, hurry=net, inFlight=1, batchSize=1)
        job.run.spec["tree"] = {"create": {"capacity": ITEMS + 1}}
        running = asyncio.create_task(job.here())
        await job.until_step("mint")
        await transact(net.url, minter.wallet, mint(minter, job.frozen["trees"][0], "ipfs://stranger"))
        assert await running == NOT_FINISHED
        assert job.run.termination["reason"] == "ForeignMinter"
        net.faults(network={"late": 0.0})
        assert await job.here() == DONE
        assert job.run.termination["result"]["items"] == ITEMS


async def test_a_forged_event_is_no_mint_and_a_mention_is_no_history(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS)
        await minted(job, net)
        tree = Pubkey.from_string(job.frozen["trees"][0])
        forged = Leaf(Pubkey.default(), tree, tree, ITEMS, bytes(32), bytes(32)).event()
        lure = Instruction(NOOP, forged, [AccountMeta(tree, is_signer=False, is_writable=False)])
        await transact(net.url, minter.wallet, lure)
        again = MintRuns(tmp_path / "again", minter, [net.url], ITEMS, hurry=net)
        await minted(again, net)
        assert again.run.termination["result"]["already"] == ITEMS


async def test_a_leaf_that_was_sold_before_the_next_run_is_still_minted(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        tree = await new_tree(net, minter, public=False)
        job = MintRuns(tmp_path / "job", minter, [net.url], ITEMS, hurry=net)
        job.run.spec["tree"] = {"address": tree}
        await minted(job, net)
        (ledger,) = (tmp_path / "job" / "state" / "ledger").iterdir()
        facts = [mint for fact in decode_lines(ledger.read_text().splitlines()) for mint in fact.mints]
        sold, *_ = leaves = sorted(facts, key=lambda mint: mint.nonce)
        give = give_away(minter, tree, sold, [leaf.leaf_hash for leaf in leaves], Keypair().pubkey())
        await transact(net.url, minter.wallet, give)
        again = MintRuns(tmp_path / "again", minter, [net.url], ITEMS, hurry=net)
        again.run.spec["tree"] = {"address": tree}
        await minted(again, net)
        assert again.run.termination["result"]["already"] == ITEMS


def give_away(minter: Minter, tree: str, leaf: MintFact, leaves: list[bytes], to: Pubkey) -> Instruction:
    """Bubblegum's transfer of the tree's first leaf, with its proof computed from all leaves."""
    nodes, proof, empty = leaves, [], bytes(32)
    for _ in range(5):
        padded = [*nodes, *([empty] * (2 - len(nodes) % 2))]
        proof.append(padded[1])
        nodes = [keccak(padded[i] + padded[i + 1]) for i in range(0, len(padded) - 1, 2)]
        empty = keccak(empty + empty)
    creators = creator_hash((Creator(minter.wallet.pubkey(), verified=True, share=100),))
    data = anchor_discriminator("transfer") + nodes[0] + leaf.data_hash + creators + bytes(8) + bytes(4)
    owner, key = minter.wallet.pubkey(), Pubkey.from_string(tree)
    metas = [
        AccountMeta(tree_authority(key), is_signer=False, is_writable=False),
        AccountMeta(owner, is_signer=True, is_writable=False),
        AccountMeta(owner, is_signer=False, is_writable=False),
        AccountMeta(to, is_signer=False, is_writable=False),
        AccountMeta(key, is_signer=False, is_writable=True),
        *(AccountMeta(program, is_signer=False, is_writable=False) for program in (NOOP, COMPRESSION, SYSTEM)),
        *(AccountMeta(Pubkey.from_bytes(node), is_signer=False, is_writable=False) for node in proof),
    ]
    return Instruction(BUBBLEGUM, data, metas)


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
