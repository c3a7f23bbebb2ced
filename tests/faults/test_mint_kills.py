"""Real processes, killed with SIGKILL at arbitrary moments and run again: nothing is minted twice and nothing is lost.

What is on the chain is read by RPC with code of the tests' own. The chain's slots are fast, so its waits are short.
"""

import asyncio
import random
import time
from pathlib import Path

import pytest
from mintworks_dev.localnet.harness import Localnet
from support.minting import BAD_INPUT, DONE, NOT_FINISHED, Minter, MintRuns, stop

ITEMS = 60


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_at_any_moment_on_a_bad_network(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    minter = Minter()
    async with minter.localnet() as net:
        net.faults(network={"drop": 0.2, "late": 0.3, "late_slots": (1, 140)}, primary={"lost_replies": 0.3})
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, inFlight=8)
        # The first kills fall into preparation, the tree's creation and the first mints, the later ones anywhere.
        for moment in (dice.uniform(0.3, 1.5), dice.uniform(1.5, 5.0), dice.uniform(8.0, 14.0)):
            if await job.attempt(kill_after=moment) is not None:
                break
            await job.check_never_twice(net.url)
        net.faults(network={"drop": 0.05, "late": 0.1})
        result = await job.to_end()
        await job.check(net.url)
        assert result["audit"] == "ok"
        assert (result["minted"], result["already"], result["failed"]) == (ITEMS, 0, 0)


async def test_killed_while_transactions_are_under_way(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        # Everything that is sent lands late: the kill leaves transactions that come to life while the next run waits.
        net.faults(network={"late": 1.0, "late_slots": (60, 130)})
        job = MintRuns(tmp_path, minter, [net.url], ITEMS)
        process = await job.start()
        await job.until_step("mint")
        await asyncio.sleep(0.5)
        process.kill()
        await process.wait()
        net.faults(network={"late": 0.0})
        assert await job.attempt() == DONE, job.log()
        await job.check(net.url)


async def test_stop_ends_a_run_in_five_seconds_and_the_next_goes_on(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, hurry=net, inFlight=2)
        process = await job.start()
        await job.until_step("mint")
        stopped = time.monotonic()
        stop(process)
        assert await job.finish(process) == NOT_FINISHED
        assert time.monotonic() - stopped < 5
        assert job.run.termination["reason"] == "Stopped"
        await job.to_end()
        await job.check(net.url)


async def test_applied_again_everything_is_already_there(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        first = MintRuns(tmp_path / "first", minter, [net.url], ITEMS)
        await first.to_end()
        # Nothing is to be signed, so nothing is waited for: at a second a slot the wait would take five minutes.
        net.faults(network={"slot_ms": 1000})
        again = MintRuns(tmp_path / "again", minter, [net.url], ITEMS)
        result = await again.to_end()
        assert (result["minted"], result["already"], result["feesLamports"]) == (0, ITEMS, 0)
        await again.check(net.url)


async def test_the_ledger_cache_is_only_a_cache(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, hurry=net)
        await job.to_end()
        (ledger,) = (tmp_path / "state" / "ledger").iterdir()
        data = ledger.read_bytes()
        for damaged in (b"", data[: len(data) // 2], data.replace(b"ipfs", b"ipsf"), bytes(256)):
            ledger.write_bytes(damaged)
            await job.to_end()
        await job.check(net.url)


async def test_two_processes_at_once_do_not_mint_together(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        # Slow enough that the first is still at work when the second gives up waiting for the lock (3 s).
        net.faults(network={"late": 1.0, "late_slots": (20, 30)})
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, inFlight=1)
        process = await job.start()
        await job.until_step("mint")
        other = MintRuns(tmp_path / "other", minter, [net.url], ITEMS)
        (tmp_path / "other" / "state").rmdir()
        (tmp_path / "other" / "state").symlink_to(tmp_path / "state")
        other.frozen = job.frozen
        assert await other.attempt() == NOT_FINISHED
        assert other.run.termination["reason"] == "LeaseHeld"
        assert await job.finish(process) == DONE
        await job.check(net.url)


async def test_rows_edited_after_the_first_attempt_are_noticed(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net:
        job = MintRuns(tmp_path, minter, [net.url], ITEMS, hurry=net, inFlight=2)
        process = await job.start()
        await job.until_step("mint")
        process.kill()
        await process.wait()
        was = job.rows.read_text()
        job.rows.write_text(was.replace("Light #7\n", "Light seven\n"))
        assert await job.attempt() == NOT_FINISHED
        assert job.run.termination["reason"] == "InputChanged"
        job.rows.write_text(was)
        await job.to_end()
        await job.check(net.url)


async def test_another_chain_behind_the_endpoint_is_refused(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net, Localnet(slot_ms=25) as other:
        job = MintRuns(tmp_path, minter, [net.url], 3, hurry=net)
        await job.to_end()
        job.run.spec["solana"]["rpcUrls"] = [net.url, other.url]
        assert await job.attempt() == BAD_INPUT
        assert job.run.termination["reason"] == "GenesisMismatch"
        assert other.url in job.run.termination["message"]
