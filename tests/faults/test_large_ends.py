"""10,000 items while their processes end, together with whatever they had under way, and are run again.

Each test reads the chain itself; `--fault-seed` draws other moments.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from solders.keypair import Keypair
from support import strangers
from support.drop import ITEMS, Drop, large, unhurried
from support.minting import DONE, NOT_FINISHED, Minter, stop, transact
from support.specs import CID

pytestmark = pytest.mark.timeout(600)

LATE = {"late": 0.5, "late_slots": (1, 140)}
"""So that much of what is under way when a process ends lands after that."""

STEPS = ("prepare", "tree", "wait", "replay", "mint", "wait", "replay", "mint", "audit")


@pytest.fixture
async def drop(tmp_path: Path, fault_seed: int) -> AsyncIterator[Drop]:
    minter = Minter()
    async with minter.localnet(fault_seed=fault_seed) as net:
        job = unhurried(large(tmp_path / "job", minter, net, [net.url]))
        yield Drop(net, minter, job, random.Random(fault_seed))


async def killed(drop: Drop, done: int) -> None:
    """One run, killed some time after it has said that so many items are minted."""
    process = await drop.job.start()
    await drop.job.until_step("mint")
    await drop.job.until_done(done)
    await asyncio.sleep(drop.dice.uniform(0, 0.5))
    process.kill()
    await process.wait()


async def test_killed_at_every_step(drop: Drop) -> None:
    done = 0
    for step in STEPS:
        # A slow endpoint, so that the short steps take long enough to be met.
        slow = step in ("prepare", "replay", "audit")
        drop.net.faults(network=LATE, primary={"delay_ms": 50 if slow else 0})
        if step == "mint":
            done += 3_000
            await killed(drop, done)
            continue
        process = await drop.job.start()
        await drop.job.until_step(step)
        assert drop.job.progress()["step"] == step
        process.kill()
        await process.wait()
    drop.net.faults(network={"late": 0}, primary={"delay_ms": 0})
    result = await drop.job.to_end()
    assert (result["audit"], result["minted"]) == ("ok", ITEMS)
    await drop.job.check(drop.net.url)


async def test_stopped(drop: Drop) -> None:
    drop.net.faults(network=LATE)
    for done in (2_000, 5_000):
        process = await drop.job.start()
        await drop.job.until_done(done)
        stopped = time.monotonic()
        stop(process)
        assert await drop.job.finish(process) == NOT_FINISHED
        assert time.monotonic() - stopped < 6
        assert drop.job.run.termination["reason"] == "Stopped"
    await drop.job.to_end()
    await drop.job.check(drop.net.url)


async def test_the_ledger_cache_cut_short_and_gone(drop: Drop) -> None:
    await killed(drop, 2_000)
    await killed(drop, 4_000)
    (ledger,) = (drop.job.root / "state" / "ledger").iterdir()
    whole = ledger.read_bytes()
    assert len(whole) > 100_000
    ledger.write_bytes(whole[: len(whole) // 2 + 7])
    await killed(drop, 6_000)
    ledger.unlink()
    await killed(drop, 8_000)
    ledger.write_bytes(ledger.read_bytes().replace(b"ipfs", b"ipsf"))
    await drop.job.to_end()
    await drop.job.check(drop.net.url)


async def test_rows_edited_mid_run(drop: Drop) -> None:
    process = await drop.job.start()
    await drop.job.until_done(2_000)
    was = drop.job.rows.read_text()
    drop.job.rows.write_text(was.replace("Light #7\n", "Light seven\n"))
    await asyncio.sleep(1)
    process.kill()
    await process.wait()
    assert await drop.job.attempt() == NOT_FINISHED
    assert drop.job.run.termination["reason"] == "InputChanged"
    drop.job.rows.write_text(was)
    await drop.job.to_end()
    await drop.job.check(drop.net.url)


async def test_strangers_at_the_tree(drop: Drop, tmp_path: Path) -> None:
    """One chain: another minter, a liar, another tool that mints an item, a sale; and after each a run."""
    url, wallet, job = drop.net.url, drop.minter.wallet, unhurried(drop.job, 40)
    process = await job.start()
    await job.until_done(1_000)
    foreign = strangers.by_another_program(strangers.mint(drop.minter, job.tree, "ipfs://stranger"))
    await asyncio.gather(transact(url, wallet, foreign), job.finish(process))
    assert process.returncode == NOT_FINISHED
    assert job.run.termination["reason"] == "ForeignMinter"
    unhurried(job)
    await killed(drop, 4_000)
    for nonce in (0, 5_000, ITEMS):
        lie = strangers.forged_event(job.tree, nonce)
        await transact(url, wallet, lie, strangers.by_another_program(lie))
    await killed(drop, 7_000)
    last = ITEMS - 1
    ours = await strangers.another_item(url, job.tree, f"Light #{last}", f"ipfs://{CID}/{last}.json")
    await transact(url, wallet, strangers.by_another_program(ours))
    await job.to_end()
    await job.check(url, "ipfs://stranger")
    sold = strangers.give_away(drop.minter, job.tree, await strangers.leaves(url, job.tree), Keypair().pubkey(), 14)
    await transact(url, wallet, sold)
    again = large(tmp_path / "again", drop.minter, drop.net, [url])
    process = await again.start()
    assert await again.finish(process) == DONE
    result = again.run.termination["result"]
    assert (result["minted"], result["already"]) == (0, ITEMS)
    await again.check(url, "ipfs://stranger")
