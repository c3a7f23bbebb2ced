"""How long a new attempt takes to know what stands on a tree, from a ledger cache that holds all of it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mintworks_runners.core.errors import Findings
from mintworks_runners.mint.facts import MintFact, TxFact
from mintworks_runners.mint.history import History
from mintworks_runners.mint.items import Design
from mintworks_runners.mint.itemtable import ItemTable
from mintworks_runners.mint.ledger import FileLedger
from mintworks_runners.mint.reconcile import reconcile
from solders.pubkey import Pubkey
from solders.signature import Signature
from support.minting import Minter

from bench.racers import bench_items

MINTS = 100_000
BATCH = 3
"""The default of a MintJob."""
_PORTION = 3_000


def replay_seconds() -> tuple[float, float]:
    """(seconds, seconds of a processor) from the file's first line to the match of every mint with its item."""
    items, made_for = bench_items(Minter(), Pubkey.new_unique(), MINTS)
    with tempfile.TemporaryDirectory() as scratch:
        cache = FileLedger(Path(scratch) / "ledger")
        asyncio.run(_write(cache, items, made_for))
        started, computed = time.perf_counter(), time.process_time()
        history = asyncio.run(_load(cache, Path(scratch) / "history"))
        standing = reconcile(items, made_for, history.mints(), Findings(), public=False)
        elapsed, computed = time.perf_counter() - started, time.process_time() - computed
        history.close()
    if standing.minted != MINTS:
        raise RuntimeError(f"{standing.minted} of {MINTS} mints were read back")
    return elapsed, computed


async def _write(cache: FileLedger, items: ItemTable, made_for: Design) -> None:
    facts = list(_facts(items, made_for))
    for start in range(0, len(facts), _PORTION):
        await cache.append(facts[start : start + _PORTION])


def _facts(items: ItemTable, made_for: Design) -> Iterator[TxFact]:
    numbers = list(items)
    for start in range(0, len(numbers), BATCH):
        mints = tuple(_mint(number, items, made_for) for number in numbers[start : start + BATCH])
        yield TxFact(str(Signature.new_unique()), start, made_for.wallet, 5000, mints=mints)


def _mint(number: int, items: ItemTable, made_for: Design) -> MintFact:
    item = items[number]
    leaf = made_for.mint(item).leaf(number)
    return MintFact(number, item.uri, item.owner, leaf.data_hash, leaf.hash(), made_for.wallet)


async def _load(cache: FileLedger, spool: Path) -> History:
    history = History(spool)
    async for facts in cache.load():
        history.add(facts)
    return history
