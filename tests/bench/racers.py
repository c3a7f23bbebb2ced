"""Three ways to mint: our runner, Umi, and transactions of the runner's form that were signed beforehand."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from mintworks_api.mintjob import Asset, TreeCreate
from mintworks_runners.mint.builder import MintBuilder, Signer
from mintworks_runners.mint.items import Design, design
from mintworks_runners.mint.itemtable import ItemTable
from mintworks_runners.mint.lookup import shared
from mintworks_runners.mint.treeplan import creation, new_tree
from mintworks_runners.solana.budget import MAX_COMPUTE_UNITS, budget_instructions
from mintworks_runners.solana.instructions import CollectionAccounts
from mintworks_runners.solana.lookuptable import NewTable
from mintworks_runners.solana.tree import cheapest_size
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from support import chain
from support import umi as support_umi
from support.minting import DONE, Minter, MintRuns, transact
from support.specs import CID

from bench.track import Rate, Track

_TESTS = Path(__file__).parents[1]
_SEND_TOGETHER = 24
_RUN_SECONDS = 7200.0
BATCH = 10
"""More than fit: what a transaction holds is left to its size."""


# --- the runner ------------------------------------------------------------------------------------------------------


def run(track: Track, items: int) -> tuple[Rate, float]:
    """The rate of the runner, a process of its own, and its largest resident size (MB of 2^20 bytes)."""
    with tempfile.TemporaryDirectory() as scratch:
        runs = MintRuns(
            Path(scratch),
            track.minter,
            [track.url],
            items,
            solana={"rpcUrls": [track.url], "requestsPerSecond": 10_000},
            batchSize=BATCH,
            inFlight=10_000,
            maxCost="4000",
        )
        peak = asyncio.run(_to_end(runs))
        return track.rate(runs.frozen["trees"][0], items), peak


async def _to_end(runs: MintRuns) -> float:
    """Plays the operator only until the inputs are frozen: this process must not take the runner's time."""
    process = await runs.start()
    peak, waited = 0.0, 0.0
    try:
        while process.returncode is None:
            if not runs.frozen:
                runs.freeze()
            peak = max(peak, _largest(process.pid))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), 0.2)
            waited += 0.2
            if waited > _RUN_SECONDS:
                raise RuntimeError(f"the run does not end: {runs.log()}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != DONE:
        raise RuntimeError(f"exit code {process.returncode}: {runs.log()}")
    return peak


def _largest(pid: int) -> float:
    """What the kernel remembers as the largest resident size of a process; 0 once it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


# --- signed beforehand -----------------------------------------------------------------------------------------------


def throw(track: Track, items: int) -> Rate:
    """The rate of the same mints when nobody has to sign, to ask or to remember anything while they land."""
    wallet = track.minter.wallet
    genesis = chain.call(track.url, "getGenesisHash")
    plan = new_tree(TreeCreate(capacity=items), wallet.pubkey(), genesis, CID)
    _land(track, creation(plan, wallet.pubkey(), plan.size.rent, 0))
    table = _make_table(track, plan.address, items)
    with tempfile.TemporaryDirectory() as scratch:
        messages = Path(scratch) / "messages"
        with messages.open("w") as file:
            file.writelines(_messages(_signed(track, plan.address, items, table)))
        command = [sys.executable, "-m", "bench.throw", track.url, str(messages)]
        subprocess.run(command, cwd=_TESTS, check=True)
        return track.rate(str(plan.address), items)


def _make_table(track: Track, tree: Pubkey, items: int) -> AddressLookupTableAccount:
    """The lookup table that the runner makes for so many items, too, in service."""
    _, made_for = bench_items(track.minter, tree, items)
    slot = chain.call(track.url, "getSlot", {"commitment": "finalized"})
    plan = NewTable(track.minter.wallet.pubkey(), slot, shared(made_for))
    _land(track, plan.creation())
    return AddressLookupTableAccount(plan.address, list(plan.addresses))


def _land(track: Track, instructions: Sequence[Instruction]) -> None:
    """One transaction, finalized."""
    limited = [*budget_instructions(MAX_COMPUTE_UNITS, 0), *instructions]
    asyncio.run(transact(track.url, track.minter.wallet, *limited))


def _signed(track: Track, tree: Pubkey, items: int, table: AddressLookupTableAccount) -> Iterator[bytes]:
    """Transactions as the runner makes them. One blockhash lives for a minute: until then they must have landed."""
    listed, made_for = bench_items(track.minter, tree, items)
    builder = MintBuilder(listed, made_for, Signer(track.minter.wallet), table)
    blockhash, start = _blockhash(track), 0
    while start < items:
        numbers = range(start, min(start + BATCH, items))
        signed = builder.most(numbers, blockhash, lambda _mints: MAX_COMPUTE_UNITS, 0)
        start += signed.items
        yield signed.wire


def bench_items(minter: Minter, tree: Pubkey, items: int) -> tuple[ItemTable, Design]:
    """The items and the design of the MintJob that `run` runs."""
    wallet = minter.wallet.pubkey()
    asset = Asset.model_validate({"symbol": "LGT", "creators": [{"address": str(wallet), "share": 100}]})
    made_for = design(tree, wallet, asset, CollectionAccounts(minter.collection, wallet))
    return ItemTable(CID, ((number, number, f"Light #{number}", wallet) for number in range(items))), made_for


def _messages(wires: Iterator[bytes]) -> Iterator[str]:
    """JSON-RPC messages of several transactions each, a line each."""
    options = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
    requests = [
        {"jsonrpc": "2.0", "id": n, "method": "sendTransaction", "params": [base64.b64encode(wire).decode(), options]}
        for n, wire in enumerate(wires)
    ]
    for start in range(0, len(requests), _SEND_TOGETHER):
        yield json.dumps(requests[start : start + _SEND_TOGETHER]) + "\n"


def _blockhash(track: Track) -> Hash:
    latest = chain.call(track.url, "getLatestBlockhash", {"commitment": "confirmed"})
    return Hash.from_string(latest["value"]["blockhash"])


# --- Umi -------------------------------------------------------------------------------------------------------------


def umi(track: Track, items: int, in_flight: int) -> Rate:
    """The rate of Umi with so many transactions under way."""
    told = support_umi.mint(track.url, track.minter, cheapest_size(items), items, in_flight=in_flight)
    if told.failed:
        raise RuntimeError(f"{told.failed} of Umi's mints failed, one with {told.error}")
    return track.rate(told.tree, items)
