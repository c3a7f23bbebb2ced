"""10,000 items under all faults together, in an order, at moments and of a strength that a seed draws.

`--fault-seed` sets another; the test prints the command that plays it again, and what happened when.
"""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from solders.keypair import Keypair
from support import chain, strangers
from support.drop import CALM, ITEMS, WELL, Drop, an_error_that_a_fork_takes_back, large, second_pod, unhurried
from support.link import Link
from support.minting import DONE, NOT_FINISHED, Minter, MintRuns, stop, transact
from support.redis_server import RedisServer
from support.specs import CID

QUESTIONS = ["sendTransaction", "getEpochInfo", "getSignatureStatuses", "getMultipleAccounts", "getLatestBlockhash"]
FOREIGN = "ipfs://stranger"

WEATHER: dict[str, dict[str, dict[str, Any]]] = {
    "lost replies": {"primary": {"lost_replies": 0.4, "lost_methods": QUESTIONS}},
    "dropped transactions": {"network": {"drop": 0.5}},
    "late landings up to expiry": {"network": {"late": 0.7, "late_slots": (1, 150)}},
    "expiry in flight": {"network": {"drop": 1.0}},
    "429": {"primary": {"rate_limited": 0.4, "retry_after": 0}},
    "dead endpoint": {"primary": {"dead": True}},
    "lagging endpoint": {"twin": {"lag": 120}},
    "null from a lagging node": {"twin": {"lag": 40, "null_transactions": 0.3}},
    "getSignaturesForAddress dropping rows": {"primary": {"hidden_rows": 0.4}},
    "slots stalled": {"network": {"stalled": True}},
}

Thing = TypeVar("Thing")


class Storm:
    """The job, its two pods, and the faults in the order in which they come."""

    def __init__(self, drop: Drop, second: MintRuns, server: RedisServer, link: Link) -> None:
        self.drop = drop
        self.job = drop.job
        self.second = second
        self.server = server
        self.link = link
        self.dice = drop.dice
        self.began = time.monotonic()
        self.weather = self._shuffled([*WEATHER, "forks", "error then success across a fork"])
        self.ends = self._shuffled(ENDS)
        self.gaps = self._shuffled(GAPS)

    def _shuffled(self, things: Sequence[Thing]) -> list[Thing]:
        return self.dice.sample(things, len(things))

    def say(self, what: str) -> None:
        """For whoever looks at a failure."""
        print(f"{time.monotonic() - self.began:6.1f} s: {what}")

    async def reach(self, job: MintRuns, done: int) -> asyncio.subprocess.Process:
        """A run that says that so many items are minted, or that has minted all; those that end with 75 are followed
        by others.
        """
        process = await job.start()
        deadline = time.monotonic() + 180
        while job.progress().get("step") != "mint" or job.progress()["items"]["done"] < done:
            job.operate()
            assert time.monotonic() < deadline, (job.progress(), job.log())
            if process.returncode == DONE:
                break
            if process.returncode is not None:
                assert process.returncode == NOT_FINISHED, (job.run.termination, job.log())
                self.say(f"a run ended by itself: {job.run.termination['reason']}")
                process = await job.start()
            await asyncio.sleep(0.02)
        return process

    async def blow(self, names: Sequence[str]) -> None:
        """These faults of chain and endpoints, one after the other."""
        for name in names:
            self.say(name)
            if name == "forks":
                for _ in range(4):
                    self.drop.net.fork(self.dice.randint(1, 25), keep=self.dice.random() < 0.5)
                    await asyncio.sleep(0.3)
            elif name in WEATHER:
                self.drop.net.faults(**WEATHER[name])
                await asyncio.sleep(self.dice.uniform(0.5, 2.5))
                self.drop.net.faults(network=CALM, primary=WELL, twin=WELL)
            else:
                await an_error_that_a_fork_takes_back(self.drop)


# --- how a run ends ---


async def killed(_: Storm, process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def killed_twice(storm: Storm, process: asyncio.subprocess.Process) -> None:
    """While it mints, and the next one before it does."""
    await killed(storm, process)
    step = storm.dice.choice(["prepare", "wait"])
    process = await storm.job.start()
    await storm.job.until_step(step)
    await asyncio.sleep(storm.dice.uniform(0, 1))
    await killed(storm, process)


async def stopped(storm: Storm, process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        stop(process)
    await storm.job.finish(process)


async def edited(storm: Storm, process: asyncio.subprocess.Process) -> None:
    """The rows, under a run; the next one will not have them."""
    rows = storm.job.rows
    was = rows.read_text()
    rows.write_text(was.replace("Light #3\n", "Light three\n"))
    await asyncio.sleep(storm.dice.uniform(0, 1))
    await killed(storm, process)
    assert await storm.job.attempt() == NOT_FINISHED
    assert storm.job.run.termination["reason"] == "InputChanged"
    rows.write_text(was)


async def met_a_foreign_minter(storm: Storm, process: asyncio.subprocess.Process) -> None:
    mint = strangers.mint(storm.drop.minter, storm.job.tree, FOREIGN)
    sent = transact(storm.drop.net.url, storm.drop.minter.wallet, strangers.by_another_program(mint))
    # It is noticed within some seconds, or the audit comes first.
    await asyncio.gather(sent, storm.job.finish(process))
    storm.say(f"{storm.job.run.termination}")


async def cut_off(storm: Storm, process: asyncio.subprocess.Process) -> None:
    """From Redis and not from the chain; a second pod takes over, and both are there when the way is mended."""
    storm.link.cut()
    second = await storm.second.start()
    await storm.second.until_step("wait")
    await asyncio.sleep(storm.dice.uniform(0, 25))
    storm.link.mend()
    await asyncio.sleep(storm.dice.uniform(0, 5))
    for one in storm.dice.sample([process, second], 2):
        await killed(storm, one)


async def put_back(storm: Storm, process: asyncio.subprocess.Process) -> None:
    """Redis as it was before anybody had the lease, with two live pods."""
    second = await storm.second.start()
    await asyncio.sleep(storm.dice.uniform(0.5, 3))
    held_up = storm.dice.random() < 0.5 and process.returncode is None
    if held_up:
        process.send_signal(signal.SIGSTOP)
    await asyncio.to_thread(storm.server.stop)
    await asyncio.to_thread(storm.server.start)
    await asyncio.sleep(storm.dice.uniform(0.5, 3))
    if held_up:
        process.send_signal(signal.SIGCONT)
    await asyncio.sleep(storm.dice.uniform(3, 15))
    for one in (process, second):
        await killed(storm, one)


ENDS = [killed_twice, stopped, edited, met_a_foreign_minter, cut_off, put_back]


# --- between two runs ---


async def redis_wiped(storm: Storm) -> None:
    storm.server.client.flushall()


async def ledger_cut_short_or_gone(storm: Storm) -> None:
    client, gone = storm.server.client, storm.dice.random() < 0.5
    for key in client.scan_iter("mw:default:ledger:*"):
        length = int(client.llen(key))
        client.ltrim(key, storm.dice.randint(0, length // 2), length // 2)
        client.rpush(key, "00000000 [", "no fact")
        if gone:
            client.delete(key)


async def an_item_minted_elsewhere(storm: Storm) -> None:
    """By somebody who looks first, and after what our runs had under way has died."""
    url, uri = storm.drop.net.url, f"ipfs://{CID}/{ITEMS - 1}.json"
    storm.drop.net.advance(200)
    if uri not in await asyncio.to_thread(chain.minted, url, storm.job.tree):
        item = await strangers.another_item(url, storm.job.tree, f"Light #{ITEMS - 1}", uri)
        await transact(url, storm.drop.minter.wallet, strangers.by_another_program(item))


async def an_event_forged(storm: Storm) -> None:
    nonce = storm.dice.randrange(ITEMS)
    await transact(storm.drop.net.url, storm.drop.minter.wallet, strangers.forged_event(storm.job.tree, nonce))


async def a_leaf_sold(storm: Storm) -> None:
    """Once the tree grows no more: the proof is of the tree as it is."""
    storm.drop.net.advance(200)
    url, minter, tree = storm.drop.net.url, storm.drop.minter, storm.job.tree
    give = strangers.give_away(minter, tree, await strangers.leaves(url, tree), Keypair().pubkey(), 14)
    await transact(url, minter.wallet, give)


async def applied_again(storm: Storm) -> None:
    """The job is deleted and made anew: nothing is frozen, nothing is remembered."""
    storm.job.frozen = storm.second.frozen = {}


GAPS: list[Callable[[Storm], Awaitable[None]]] = [
    redis_wiped,
    ledger_cut_short_or_gone,
    an_item_minted_elsewhere,
    an_event_forged,
    a_leaf_sold,
    applied_again,
]


@pytest.fixture
async def storm(tmp_path: Path, redis_server: RedisServer, fault_seed: int) -> AsyncIterator[Storm]:
    minter = Minter()
    redis_server.save()
    async with minter.localnet(fault_seed=fault_seed) as net, Link(redis_server.port) as link:
        net.advance(400)
        job = unhurried(large(tmp_path / "first", minter, net, [net.url, net.twin_url]), 60)
        job.run.redis_url = f"redis://127.0.0.1:{link.port}/0"
        drop = Drop(net, minter, job, random.Random(fault_seed))
        second = second_pod(tmp_path / "second", drop)
        second.run.redis_url = redis_server.url
        yield Storm(drop, second, redis_server, link)


@pytest.mark.timeout(900)
async def test_all_together(storm: Storm) -> None:
    rounds = len(ENDS)
    for number, (end, gap) in enumerate(zip(storm.ends, storm.gaps, strict=True)):
        process = await storm.reach(storm.job, (number + 1) * ITEMS // (rounds + 2))
        storm.second.frozen = storm.job.frozen
        await storm.blow(storm.weather[number::rounds])
        storm.say(f"{end.__name__}, {gap.__name__}; {storm.job.progress()}")
        await end(storm, process)
        await gap(storm)
    storm.say("the rest")
    result = await storm.job.to_end()
    assert result["audit"] == "ok"
    await storm.job.check(storm.drop.net.url, FOREIGN)
