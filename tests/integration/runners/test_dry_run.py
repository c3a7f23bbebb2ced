"""Dry runs of MintJobs against a chain: what they tell is what the real run then costs, and they write nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.solana.budget import budget_instructions
from mintworks_runners.solana.instructions import Mint
from mintworks_runners.solana.metadata import MetadataArgs
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from support import chain
from support.minting import BAD_INPUT, DONE, NOT_FINISHED, Minter, MintRuns, transact
from support.specs import ADDRESS

ITEMS = 40
FREE = {"percentile": 50, "maxMicroLamports": 0}


async def balance(net: Localnet, minter: Minter) -> int:
    """Lamports of the wallet, at the newest state."""
    wallet = str(minter.wallet.pubkey())
    answer = await asyncio.to_thread(chain.call, net.url, "getBalance", wallet, {"commitment": "processed"})
    return int(answer["value"])


def mint(minter: Minter, tree: str) -> Instruction:
    """A mint of our wallet."""
    wallet = minter.wallet.pubkey()
    return Mint(
        Pubkey.from_string(tree), wallet, wallet, wallet, wallet, MetadataArgs("N", "S", "ipfs://x", 0)
    ).instruction()


async def test_a_dry_run_signs_nothing_and_tells_what_the_real_run_costs(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, hurry=net, dryRun=True)
        job.run.spec["solana"]["priorityFee"] = FREE
        before = await balance(net, minter)
        assert await job.here() == DONE, job.run.termination
        told = job.run.termination["result"]
        assert await balance(net, minter) == before == told["balanceLamports"]
        assert not list((tmp_path / "state").rglob("*.lock")), "no lease is taken"
        assert (told["dryRun"], told["items"], told["minted"], told["already"]) == (True, ITEMS, 0, 0)
        assert told["seconds"] > 0

        del job.run.spec["dryRun"]
        assert await job.here() == DONE, job.run.termination
        real = job.run.termination["result"]
        assert real["tree"] == told["tree"]
        assert (real["feesLamports"], real["rentLamports"]) == (told["feesLamports"], told["rentLamports"])
        assert before - (await balance(net, minter)) == told["feesLamports"] + told["rentLamports"]
        options = {"commitment": "finalized"}
        signatures = await asyncio.to_thread(chain.call, net.url, "getSignaturesForAddress", told["tree"], options)
        assert len(signatures) == told["transactions"]

        # Another one finds everything done, and needs neither money nor time.
        job.run.spec["dryRun"] = True
        assert await job.here() == DONE, job.run.termination
        again = job.run.termination["result"]
        assert (again["already"], again["transactions"], again["feesLamports"], again["rentLamports"]) == (
            ITEMS,
            0,
            0,
            0,
        )
        assert again["seconds"] < told["seconds"]


async def test_a_dry_run_with_an_empty_wallet_tells_what_it_lacks(tmp_path: Path) -> None:
    minter = Minter()
    async with Localnet(slot_ms=25, collections=[(minter.collection, minter.wallet.pubkey())]) as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, dryRun=True)
        assert await job.here() == DONE, job.run.termination
        told = job.run.termination["result"]
        assert told["balanceLamports"] == 0
        assert told["rentLamports"] > 0
        assert "lacks" in job.progress()["message"]


async def test_a_dry_run_refuses_what_a_real_one_refuses(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, dryRun=True, maxCost="0.0001")
        job.run.spec["collection"]["mint"] = ADDRESS
        assert await job.here() == BAD_INPUT
        told = [error["reason"] for error in job.run.termination["errors"]]
        assert told == ["NoCollection", "MaxCostTooLow"]


async def test_max_cost_holds_over_all_attempts_with_the_fees_of_what_failed(tmp_path: Path) -> None:
    minter, price = Minter(), 10_000_000
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, dryRun=True)
        job.run.spec["solana"]["priorityFee"] = FREE
        assert await job.here() == DONE, job.run.termination
        told = job.run.termination["result"]
        least = told["feesLamports"] + told["rentLamports"]
        before = await balance(net, minter)
        # Transactions of the job that fail, with a priority fee: into a tree that is not there.
        for units in (100_000, 200_000):
            doomed = [*budget_instructions(units, price), mint(minter, told["tree"])]
            await transact(net.url, minter.wallet, *doomed, fails=True)
        failed = before - (await balance(net, minter))
        assert failed == 2 * 5_000 + 300_000 * price // 10**6

        del job.run.spec["dryRun"]
        job.run.spec["maxCost"] = f"{(least + failed - 1) / 10**9:.9f}"
        assert await job.here() == NOT_FINISHED, job.run.termination
        assert job.run.termination["reason"] == "CostLimit"
        assert before - (await balance(net, minter)) == failed

        job.run.spec["maxCost"] = f"{(least + failed) / 10**9:.9f}"
        assert await job.here() == DONE, job.run.termination
        result = job.run.termination["result"]
        assert (
            result["feesLamports"] + result["rentLamports"] == least + failed == before - (await balance(net, minter))
        )
