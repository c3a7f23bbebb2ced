"""A lookup table on the way of many mints: used where it pays, found again after a crash, closed in the end."""

import asyncio
import base64
import json
import random
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from mintworks_dev.localnet.harness import Localnet
from mintworks_runners.mint import lookup
from mintworks_runners.mint.money import config_rent
from mintworks_runners.solana.lookuptable import made_table
from mintworks_runners.solana.tree import cheapest_size
from solders.address_lookup_table_account import ID as TABLE_PROGRAM
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from support import chain
from support.drop import CALM, WELL
from support.minting import DONE, Minter, MintRuns
from support.polling import until
from support.specs import CID

MANY, SOME = 2130, 720
"""Just enough for a table to pay: with three mints in a transaction instead of two, and with two instead of one."""


class Drop:
    """A job whose items go to a wallet each, and whose collection has a key of its own: two signatures each time."""

    def __init__(self, root: Path, items: int, *, creators: int = 1) -> None:
        self.minter, self.authority, self.items = Minter(), Keypair(), items
        self._root, self._creators = root, creators

    def localnet(self) -> Localnet:
        collections = [(self.minter.collection, self.authority.pubkey())]
        return Localnet(slot_ms=25, fund=[(self.minter.wallet.pubkey(), 50)], collections=collections)

    def job(self, net: Localnet) -> MintRuns:
        creators = [{"address": str(Keypair().pubkey()), "share": 100 // self._creators} for _ in range(self._creators)]
        job = MintRuns(
            self._root,
            self.minter,
            [net.url],
            self.items,
            hurry=net,
            collection={"mint": str(self.minter.collection), "authority": {"secret": {"name": "a", "key": "id.json"}}},
            metadataFrom={
                "cid": CID,
                "manifest": {"configMap": {"name": "rows", "key": "rows.csv"}},
                "asset": {"symbol": "LGT", "creators": creators},
            },
        )
        job.run.mount("collection.authority.secret/id.json", json.dumps(list(bytes(self.authority))))
        rows = (f"Light #{number},{Keypair().pubkey()}\n" for number in range(self.items))
        job.rows.write_text("name,recipient_wallet\n" + "".join(rows))
        return job


def transactions(url: str, tree: str) -> list[VersionedTransaction]:
    """All finalized transactions of a tree that succeeded."""
    options = {"encoding": "base64", "commitment": "finalized", "maxSupportedTransactionVersion": 0}
    return [
        VersionedTransaction.from_bytes(
            base64.b64decode(chain.call(url, "getTransaction", signature, options)["transaction"][0])
        )
        for signature in chain._signatures(url, tree)
    ]


def made(found: list[VersionedTransaction]) -> list[Pubkey]:
    """The lookup tables that transactions made."""
    tables = []
    for each in found:
        keys = each.message.account_keys
        for call in each.message.instructions:
            if keys[call.program_id_index] == TABLE_PROGRAM:
                table = made_table(bytes(call.data), [keys[i] for i in call.accounts])
                tables += [] if table is None else [table]
    return tables


def there(url: str, key: Pubkey, commitment: str = "finalized") -> bool:
    """Whether the chain has an account."""
    return (
        chain.call(url, "getAccountInfo", str(key), {"encoding": "base64", "commitment": commitment})["value"]
        is not None
    )


def through(found: list[VersionedTransaction]) -> int:
    """How many transactions use a lookup table."""
    return sum(isinstance(each.message, MessageV0) and bool(each.message.address_table_lookups) for each in found)


async def test_three_mints_in_a_transaction_instead_of_two(tmp_path: Path) -> None:
    drop = Drop(tmp_path, MANY)
    async with drop.localnet() as net:
        job = drop.job(net)
        assert await job.here() == DONE, job.run.termination
        await job.check(net.url)
        result = job.run.termination["result"]
        found = await asyncio.to_thread(transactions, net.url, result["tree"])
        (table,) = made(found)
        assert through(found) == MANY // 3
        assert not await asyncio.to_thread(there, net.url, table)
    # The tree; made, out of service, closed.
    assert len(found) == MANY // 3 + 4
    assert (result["audit"], result["minted"]) == ("ok", MANY)
    assert result["feesLamports"] == MANY // 3 * 10_000 + 4 * 5_000
    assert result["rentLamports"] == cheapest_size(MANY).rent + config_rent()
    assert "lookupTable" not in result


async def test_killed_between_making_a_table_and_using_it(tmp_path: Path) -> None:
    drop = Drop(tmp_path, SOME, creators=5)
    async with drop.localnet() as net:
        job = drop.job(net)
        process = await job.start()
        await job.until_step("table")
        told: dict[str, Any] = job.progress()
        table = Pubkey.from_string(
            next(word for word in told["message"].split() if len(word.rstrip(":")) > 40).rstrip(":")
        )
        deadline = time.monotonic() + 30
        while not await asyncio.to_thread(there, net.url, table, "confirmed"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
        result = await job.to_end()
        await job.check(net.url)
        found = await asyncio.to_thread(transactions, net.url, result["tree"])
        assert made(found) == [table]
        assert through(found) == SOME // 2
        assert not await asyncio.to_thread(there, net.url, table)


async def lossy(net: Localnet, job: MintRuns) -> None:
    """Not while it mints, which would take long."""
    while True:
        await until(lambda: job.progress().get("step") != "mint", 180)
        net.faults(
            network={"drop": 0.3, "late": 0.3, "late_slots": (1, 150)},
            primary={"lost_replies": 0.3, "rate_limited": 0.1, "retry_after": 0},
        )
        await until(lambda: job.progress().get("step") == "mint", 180)
        net.faults(network=CALM, primary=WELL)


async def forking(net: Localnet, job: MintRuns) -> None:
    """Not while it mints, either."""
    dice = random.Random(1)
    while True:
        await until(lambda: job.progress().get("step") != "mint", 180)
        net.fork(dice.randint(1, 20), keep=dice.random() < 0.5)
        await asyncio.sleep(dice.uniform(0.3, 1.5))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("weather", [lossy, forking])
async def test_bad_weather_from_the_tables_making_to_its_end(
    tmp_path: Path, weather: Callable[[Localnet, MintRuns], Coroutine[Any, Any, None]]
) -> None:
    drop = Drop(tmp_path, SOME, creators=5)
    async with drop.localnet() as net:
        job = drop.job(net)
        process = await job.start()
        await job.until_step("table")
        blowing = asyncio.create_task(weather(net, job))
        result = await job.followed_to_end(process)
        blowing.cancel()
        net.faults(network=CALM, primary=WELL)
        await job.check(net.url)
        found = await asyncio.to_thread(transactions, net.url, result["tree"])
        left = [str(table) for table in made(found) if await asyncio.to_thread(there, net.url, table)]
        assert left == ([result["lookupTable"]] if "lookupTable" in result else [])
        # Some part of it went through the table: the weather was no reason to do without.
        assert through(found) > 0
        assert result["audit"] == "ok"


async def test_a_table_that_is_left_open_is_named_and_the_next_run_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = Drop(tmp_path, SOME, creators=5)
    async with drop.localnet() as net:
        job = drop.job(net)
        monkeypatch.setattr(lookup, "WORTH_SECONDS", 0.0)
        monkeypatch.setattr(lookup, "MEASURED_SECONDS", 0.0)
        assert await job.here() == DONE, job.run.termination
        result = job.run.termination["result"]
        table = Pubkey.from_string(result["lookupTable"])
        assert str(table) in job.progress()["message"]
        assert await asyncio.to_thread(there, net.url, table)
        assert result["rentLamports"] > cheapest_size(SOME).rent + config_rent()
        monkeypatch.undo()
        assert await job.here() == DONE, job.run.termination
        again = job.run.termination["result"]
        assert not await asyncio.to_thread(there, net.url, table)
        assert "lookupTable" not in again
        assert again["rentLamports"] == cheapest_size(SOME).rent + config_rent()
        assert again["feesLamports"] == result["feesLamports"] + 5_000
