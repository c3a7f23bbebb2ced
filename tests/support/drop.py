"""A drop of 10,000 items, minted by processes of the runner in bad weather: its chain, its run, its check."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.solana.collection import decode_collection
from mintworks_runners.solana.programs import metadata_account
from solders.signature import Signature

from support.minting import DONE, Minter, MintRuns

ITEMS = 10_000
WELL = {
    "dead": False,
    "hidden_rows": 0,
    "index_lag": 0,
    "lag": 0,
    "lost_replies": 0,
    "null_transactions": 0,
    "rate_limited": 0,
    "requests_per_second": None,
}
"""An endpoint without the faults of these tests."""

CALM = {"drop": 0, "late": 0, "stalled": False}
"""The network without them."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A job on a chain; `dice` are the weather's."""

    net: Localnet
    minter: Minter
    job: MintRuns
    dice: random.Random


Weather = Callable[[Drop], Awaitable[None]]
"""Changes the chain or its endpoints while the job's first run mints; it returns when it has passed."""


def large(root: Path, minter: Minter, net: Localnet, urls: list[str]) -> MintRuns:
    """The job, with a budget that leaves the pace to the chain."""
    job = MintRuns(root, minter, urls, ITEMS, hurry=net)
    job.run.spec["solana"]["requestsPerSecond"] = 2_000
    return job


def second_pod(root: Path, drop: Drop) -> MintRuns:
    """Another pod of the same job: its own disk, the same Redis or state directory."""
    other = MintRuns(root, drop.minter, [], drop.job.items, hurry=drop.net, **drop.job.run.spec)
    other.frozen, other.run.redis_url = drop.job.frozen, drop.job.run.redis_url
    return other


def unhurried(job: MintRuns, in_flight: int = 150) -> MintRuns:
    """The job with so few transactions under way that it takes a while on any machine: it is to be met at work."""
    job.run.spec["inFlight"] = in_flight
    return job


async def ride_out(root: Path, weather: Weather, urls: Callable[[Localnet], list[str]], seed: int) -> None:
    """One run mints everything in this weather; then the chain holds every item once."""
    minter = Minter()
    async with minter.localnet(fault_seed=seed) as net:
        net.advance(400)  # so that an endpoint can be that far behind
        drop = Drop(net, minter, large(root, minter, net, urls(net)), random.Random(seed))
        process = await drop.job.start()
        blowing = asyncio.create_task(_weather(drop, weather))
        try:
            code = await drop.job.finish(process, within=300)
            assert code == DONE, (code, drop.job.run.termination, drop.job.log())
            assert blowing.done(), "the run was over before the weather was"
        finally:
            blowing.cancel()
            await asyncio.wait([blowing])
        blowing.result()
        net.faults(network=CALM, primary=WELL, twin=WELL)
        await drop.job.check(net.url)


async def an_error_that_a_fork_takes_back(drop: Drop) -> set[Signature]:
    """On the fork that loses the collection belongs to somebody else, so every mint fails there; on the other one the
    same transactions land again. Returns those that failed.
    """
    world, key = drop.net.world, metadata_account(drop.minter.collection)
    began, account = world.chain.slot, world.chain.ledger.read(key)
    data = account.encode()
    assert decode_collection(data).update_authority == drop.minter.wallet.pubkey()
    world.chain.ledger.write(began, [(key, account._replace(data=data[:1] + bytes(32) + data[33:]))])
    # What is on the losing fork must not become final, so slots pass by hand: a busy machine lets many pass at once.
    drop.net.faults(network={"stalled": True})
    for _ in range(24):
        await asyncio.sleep(world.slot_seconds)
        drop.net.advance(1)
    records = world.chain.history.records.values()
    failed = {one.signature for one in records if one.slot >= began and one.error is not None}
    drop.net.fork(world.chain.slot - began + 1, keep=True)
    drop.net.faults(network={"stalled": False})
    return failed


async def _weather(drop: Drop, weather: Weather) -> None:
    await drop.job.until_step("mint")
    await weather(drop)
