"""The localnet over its sockets: the clients people use, faults that only a socket can show, kill -9, the daemon."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from mintworks_dev.localnet.daemon import Daemon
from mintworks_dev.localnet.genesis import EXAMPLE_COLLECTION
from mintworks_dev.localnet.harness import Localnet
from mintworks_dev.localnet.process import LocalnetProcess
from mintworks_runners.solana.budget import budget_instructions
from mintworks_runners.solana.programs import metadata_account, tree_authority
from mintworks_runners.solana.tree import decode_config
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import TxOpts
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.rpc.errors import SendTransactionPreflightFailureMessage
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_status import TransactionConfirmationStatus
from support.localnet import WALLET, Rpc, mint_of, new_tree, pay, signed

RENT = 890_880
SENT = TxOpts(skip_preflight=True, max_retries=0)


@pytest.fixture
async def chain() -> AsyncIterator[Localnet]:
    async with Localnet(slot_ms=20) as chain:
        yield chain


@pytest.fixture
async def rpc(chain: Localnet) -> AsyncIterator[Rpc]:
    rpc = Rpc(chain.url)
    yield rpc
    await rpc.close()


async def until_status(rpc: Rpc, signature: str, *wanted: str) -> int:
    """Waits at most 20 s for one of the statuses wanted; the slot it landed in."""
    for _ in range(2_000):
        status = await rpc.status(signature)
        if status is not None and status["confirmationStatus"] in wanted:
            return int(status["slot"])
        await asyncio.sleep(0.01)
    raise AssertionError(f"{signature} did not become {' or '.join(wanted)}")


async def status_of(client: AsyncClient, signature: Signature) -> TransactionConfirmationStatus | None:
    found = (await client.get_signature_statuses([signature], search_transaction_history=True)).value[0]
    return None if found is None else found.confirmation_status


async def test_a_tree_and_mints_through_solana_py(chain: Localnet) -> None:
    tree = Keypair()
    async with AsyncClient(chain.url) as client:
        assert await client.is_connected()
        chain.advance(40)
        latest = (await client.get_latest_blockhash(Confirmed)).value
        created = await client.send_raw_transaction(signed(new_tree(tree), latest.blockhash, tree), SENT)
        mint = signed(
            [*budget_instructions(400_000, 3), mint_of(tree.pubkey(), 0, collection=True).instruction()],
            latest.blockhash,
        )
        simulated = await client.simulate_transaction(
            VersionedTransaction.from_bytes(mint), sig_verify=True, commitment=Processed
        )
        assert simulated.value.err is None
        assert simulated.value.units_consumed
        minted = (await client.send_raw_transaction(mint, SENT)).value
        # Confirmed already, where the machine was slow to ask.
        early = TransactionConfirmationStatus.Processed, TransactionConfirmationStatus.Confirmed
        assert await status_of(client, minted) in early
        chain.advance(32)
        assert await status_of(client, minted) == TransactionConfirmationStatus.Finalized
        rows = (await client.get_signatures_for_address(tree.pubkey(), limit=10, commitment=Finalized)).value
        assert [row.signature for row in rows] == [minted, created.value]
        shown = (await client.get_transaction(minted, "json", Finalized, max_supported_transaction_version=0)).value
        assert shown is not None
        assert shown.transaction.meta is not None
        assert [len(group.instructions) for group in shown.transaction.meta.inner_instructions or []] == [3]
        config = (await client.get_account_info(tree_authority(tree.pubkey()), Finalized)).value
        assert config is not None
        assert decode_config(config.data).num_minted == 1
        metadata = await client.get_multiple_accounts([metadata_account(EXAMPLE_COLLECTION.pubkey())])
        assert metadata.value[0] is not None


async def test_everything_else_solana_py_parses(chain: Localnet) -> None:
    async with AsyncClient(chain.url) as client:
        receiver = Keypair().pubkey()
        known = (await client.request_airdrop(receiver, 10**9)).value
        chain.advance(40)
        assert (await client.get_balance(receiver)).value == 10**9
        assert (await client.get_slot()).value < (await client.get_slot(Processed)).value
        assert (await client.get_block_height()).value > 0
        assert (await client.get_epoch_info()).value.absolute_slot > 0
        assert (await client.get_epoch_schedule()).value.slots_per_epoch == 432_000
        assert (await client.get_genesis_hash()).value == Hash(chain.world.chain.genesis_hash)
        assert (await client.get_version()).value.solana_core
        assert (await client.get_identity()).value.identity
        assert (await client.get_minimum_balance_for_rent_exemption(0)).value == RENT
        assert (await client.get_recent_performance_samples(1)).value
        assert (await client.get_transaction_count()).value == 1
        assert (await client.get_first_available_block()).value == 0
        slot = chain.world.chain.history.records[known].slot
        assert slot in (await client.get_blocks(0, slot + 1)).value
        block = (await client.get_block(slot, max_supported_transaction_version=0)).value
        assert block is not None
        assert len(block.transactions or []) == 1
        assert (await client.get_block_time(slot)).value
        message = VersionedTransaction.from_bytes(chain.world.chain.history.records[known].raw).message
        assert isinstance(message, MessageV0)
        assert (await client.get_fee_for_message(message)).value == 5_000


async def test_a_preflight_failure_as_solana_py_sees_it(chain: Localnet) -> None:
    async with AsyncClient(chain.url) as client:
        chain.advance(40)
        blockhash = (await client.get_latest_blockhash(Finalized)).value.blockhash
        with pytest.raises(RPCException) as caught:
            await client.send_raw_transaction(signed([pay(Keypair().pubkey(), 10**15)], blockhash))
        error = caught.value.args[0]
        assert isinstance(error, SendTransactionPreflightFailureMessage)
        assert "custom program error: 0x1" in error.message
        assert error.data.logs


async def test_slots_end_by_themselves(chain: Localnet, rpc: Rpc) -> None:
    known = await rpc.send(signed([pay(Keypair().pubkey(), RENT)], await rpc.blockhash()))
    await until_status(rpc, known, "finalized")


async def test_a_lost_reply_was_carried_out(chain: Localnet, rpc: Rpc) -> None:
    chain.faults(primary={"lost_replies": 1.0})
    receiver = Keypair().pubkey()
    raw = signed([pay(receiver, RENT)], await rpc.blockhash())
    with pytest.raises(httpx.TransportError):
        await rpc.send(raw)
    value = (await rpc.call("getBalance", str(receiver), {"commitment": "processed"}))["value"]
    assert value == RENT


async def test_too_many_requests(chain: Localnet, rpc: Rpc) -> None:
    chain.faults(primary={"requests_per_second": 5, "retry_after": 3})
    request = {"jsonrpc": "2.0", "id": 1, "method": "getSlot"}
    replies = [await rpc.post(request) for _ in range(30)]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert len(refused) > 15
    assert refused[0].headers["Retry-After"] == "3"
    chain.faults(primary={"requests_per_second": None, "rate_limited": 1.0})
    assert (await rpc.post(request)).status_code == 429


async def test_a_dead_endpoint_and_its_twin(chain: Localnet, rpc: Rpc) -> None:
    chain.advance(50)
    chain.faults(primary={"dead": True}, twin={"lag": 30})
    with pytest.raises(httpx.TransportError):
        await rpc.call("getSlot")
    twin = Rpc(chain.twin_url)
    before = chain.world.chain.slot
    seen = await twin.call("getSlot", {"commitment": "processed"})
    assert before - 30 <= seen <= chain.world.chain.slot - 30
    assert await twin.call("getGenesisHash") == str(Hash(chain.world.chain.genesis_hash))
    await twin.close()


async def test_faults_and_time_over_http(chain: Localnet) -> None:
    async with httpx.AsyncClient(base_url=chain.url, trust_env=False) as admin:
        assert (await admin.get("/health")).text == "ok"
        shown = (await admin.post("/faults", json={"network": {"drop": 1.0}})).json()
        assert shown["network"]["drop"] == 1.0
        assert (await admin.get("/faults")).json() == shown
        assert (await admin.post("/faults", json={"network": {"drop": "often"}})).status_code == 400
        assert (await admin.post("/faults", content=b"[]")).status_code == 400
        before = (await admin.get("/chain")).json()["slot"]
        assert (await admin.post("/chain/advance", json={"slots": 500})).json()["slot"] >= before + 500
        assert (await admin.post("/chain/advance", json={"slots": -1})).status_code == 400
        assert (await admin.post("/chain/fork", json={"slots": 3, "transactions": "vanish"})).json()["dropped"] == 0
        assert (await admin.post("/chain/fork", json={"slots": 99})).status_code == 400


async def test_every_confirmed_transaction_survives_kill_9(tmp_path: Path) -> None:
    receiver = Keypair().pubkey()
    confirmed: dict[str, int] = {}
    genesis = set()
    amount = RENT
    for _ in range(3):
        with LocalnetProcess("--slot-ms=10", f"--state={tmp_path}") as chain:
            rpc = Rpc(chain.url)
            genesis.add(await rpc.call("getGenesisHash"))
            for signature, slot in confirmed.items():
                status = await rpc.status(signature)
                assert status is not None
                assert status["slot"] == slot
            blockhash = await rpc.blockhash()
            sent = []
            for _ in range(25):
                sent.append(await rpc.send(signed([pay(receiver, amount)], blockhash)))
                amount += 1
            for one in sent[:10]:
                confirmed[one] = await until_status(rpc, one, "confirmed", "finalized")
            await rpc.close()
            chain.kill()
    assert len(confirmed) == 30
    assert len(genesis) == 1


def localnet(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mintworks_dev.localnet", *arguments, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_daemon_outlives_the_command(tmp_path: Path) -> None:
    rich = Keypair().pubkey()
    started = localnet(tmp_path, "start", "--port=0", "--slot-ms=50", f"--fund={rich}=2.5")
    try:
        assert started.returncode == 0, started.stderr
        url = Daemon(tmp_path).url()
        assert url is not None
        assert url in localnet(tmp_path, "start").stdout
        balance = {"jsonrpc": "2.0", "id": 1, "method": "getBalance", "params": [str(rich)]}
        reply = httpx.post(url, json=balance, trust_env=False)
        assert reply.json()["result"]["value"] == 2_500_000_000
        assert url in localnet(tmp_path, "status").stdout
    finally:
        stopped = localnet(tmp_path, "stop")
    assert "stopped" in stopped.stdout
    assert localnet(tmp_path, "status").returncode == 1
    assert "not running" in localnet(tmp_path, "stop").stdout


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with LocalnetProcess() as chain:
        port = chain.url.rsplit(":", 1)[1]
        failed = localnet(tmp_path, "start", f"--port={port}")
    assert failed.returncode == 1
    assert "address already in use" in failed.stderr


def test_wrong_arguments() -> None:
    command = [sys.executable, "-m", "mintworks_dev.localnet", "run", "--fund", "nobody"]
    failed = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert failed.returncode == 64
    assert "--fund" in failed.stderr


def test_the_wallet_of_the_example_is_funded() -> None:
    with LocalnetProcess() as chain:
        balance = {"jsonrpc": "2.0", "id": 1, "method": "getBalance", "params": [str(WALLET.pubkey())]}
        reply = httpx.post(chain.url, json=balance, trust_env=False)
    assert reply.json()["result"]["value"] == 100 * 10**9
