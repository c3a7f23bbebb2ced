"""What a mint run pays for compute where others pay for the same accounts, read from the chain."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mintworks_dev.localnet.harness import Localnet
from mintworks_dev.localnet.transaction import parse
from mintworks_runners.core.tasks import end
from mintworks_runners.solana.budget import budget_instructions, decode_budget
from mintworks_runners.solana.programs import COMPUTE_BUDGET, metadata_account
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction, VersionedTransaction
from support import chain
from support.foreign import Foreign
from support.minting import DONE, Minter, MintRuns

ITEMS = 12
METHOD = "getRecentPrioritizationFees"


@contextlib.asynccontextmanager
async def crowd(net: Localnet, account: Pubkey) -> AsyncIterator[None]:
    """Strangers who write to the account in every block, for 150 blocks and then on, at prices of 100 to 1,000 from
    block to block, and others who pay 10 for something else.
    """
    stranger = Keypair()
    await asyncio.to_thread(chain.call, net.url, "requestAirdrop", str(stranger.pubkey()), 10**10)
    net.faults(network={"stalled": True})

    def land(receiver: Pubkey, price: int) -> None:
        parameters = TransferParams(from_pubkey=stranger.pubkey(), to_pubkey=receiver, lamports=1_000_000)
        parts = [*budget_instructions(1000, price), transfer(parameters)]
        latest = Hash(net.world.chain.last.blockhash)
        wire = bytes(Transaction([stranger], Message(parts, stranger.pubkey()), latest))
        net.world.network.send(parse(wire), 0, net.world.now())

    def block() -> None:
        land(stranger.pubkey(), 10)
        land(account, 100 + net.world.chain.slot % 10 * 100)
        net.advance(1)

    async def pay() -> None:
        while True:
            await asyncio.sleep(0.02)
            block()

    for _ in range(150):
        block()
    task = asyncio.create_task(pay())
    yield
    await end(task)
    net.faults(network={"stalled": False})


def paid(url: str, minter: Minter, tree: Pubkey) -> set[int]:
    """The prices of the wallet's finalized transactions that mention the tree, in micro-lamports a unit."""
    options = {"encoding": "base64", "commitment": "finalized", "maxSupportedTransactionVersion": 0}
    prices = set()
    for row in chain.call(url, "getSignaturesForAddress", str(minter.wallet.pubkey()), {"commitment": "finalized"}):
        answer = chain.call(url, "getTransaction", row["signature"], options)
        message = VersionedTransaction.from_bytes(base64.b64decode(answer["transaction"][0])).message
        if tree in message.account_keys:
            budgets = (i for i in message.instructions if message.account_keys[i.program_id_index] == COMPUTE_BUDGET)
            prices.add(decode_budget([bytes(i.data) for i in budgets], 1)[1])
    return prices


async def test_jobs_pay_the_percentile_of_what_others_pay_and_never_more_than_the_cap(tmp_path: Path) -> None:
    """The others write to the collection, not to the trees: whoever mentions a tree makes its history longer."""
    minter = Minter()
    async with minter.localnet() as net, crowd(net, metadata_account(minter.collection)):
        cases = [(50, 1_000_000), (95, 1_000_000), (95, 150), (95, 0)]
        jobs = []
        for number, (percentile, cap) in enumerate(cases):
            size = {"create": {"capacity": ITEMS, "salt": str(number)}}
            job = MintRuns(tmp_path / str(number), minter, [net.url], ITEMS, tree=size)
            job.run.spec["solana"]["priorityFee"] = {"percentile": percentile, "maxMicroLamports": cap}
            jobs.append(job)
        assert await asyncio.gather(*(job.here() for job in jobs)) == [DONE] * len(cases)
        trees = [Pubkey.from_string(job.frozen["trees"][0]) for job in jobs]
        low, high, capped, nothing = [await asyncio.to_thread(paid, net.url, minter, tree) for tree in trees]
        # What one of the jobs pays, the others find paid for wallet and collection.
        assert low <= {400, 500, 600}, low
        assert high <= {900, 1000}, high
        assert (capped, nothing) == ({150}, {0})
        for job in jobs:
            await job.check(net.url)


@pytest.mark.parametrize("status", [200, 400, 403])
async def test_where_the_endpoint_lacks_the_method_it_mints_without_a_price(tmp_path: Path, status: int) -> None:
    minter = Minter()
    async with minter.localnet() as net, Foreign(net.url, lacks=METHOD, status=status) as endpoint:
        job = MintRuns(tmp_path, minter, [endpoint.url], ITEMS)
        assert await asyncio.wait_for(job.here(), 60) == DONE, job.run.termination
        await job.check(net.url)
        prices = await asyncio.to_thread(paid, net.url, minter, Pubkey.from_string(job.frozen["trees"][0]))
        assert prices == {0}
        assert {*endpoint.wrong} == {f"{METHOD} is not published"}


async def test_where_one_endpoint_lacks_the_method_the_other_is_asked(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net, Foreign(net.url, lacks=METHOD) as one, Foreign(net.url) as other:
        job = MintRuns(tmp_path, minter, [one.url, other.url], ITEMS)
        assert await job.here() == DONE, job.run.termination
        assert METHOD in [method for method, _ in other.asked]
