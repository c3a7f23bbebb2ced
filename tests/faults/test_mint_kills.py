"""Real processes of one job after and beside each other, in small; 10,000 items: `test_large_ends.py`.

What is on the chain is read by RPC with code of the tests' own. The chain's slots are fast, so its waits are short.
"""

from pathlib import Path

from mintworks_dev.localnet.harness import Localnet
from support.minting import BAD_INPUT, DONE, NOT_FINISHED, Minter, MintRuns

ITEMS = 60


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


async def test_another_chain_behind_the_endpoint_is_refused(tmp_path: Path) -> None:
    minter = Minter()
    async with minter.localnet() as net, Localnet(slot_ms=25) as other:
        job = MintRuns(tmp_path, minter, [net.url], 3, hurry=net)
        await job.to_end()
        job.run.spec["solana"]["rpcUrls"] = [net.url, other.url]
        assert await job.attempt() == BAD_INPUT
        assert job.run.termination["reason"] == "GenesisMismatch"
        assert other.url in job.run.termination["message"]
