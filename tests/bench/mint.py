"""Minting: signing alone, a whole run against Umi and against the chain's own ceiling, replay, memory.

The localnet has no per-account limits: real chains let one tree or one payer take a share of a block only, so none of
these rates can be expected there. They say what the runner costs, not what a chain grants.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from mintworks_api.metadatajob import CollectionData
from mintworks_runners.mint.builder import MintBuilder, Signer
from mintworks_runners.mint.items import design
from mintworks_runners.mint.itemtable import Item
from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from support.specs import CID
from support.umi import install

from bench import racers
from bench.track import Track
from bench.warm import replay_seconds

TRANSACTIONS = 2_000
IN_FLIGHT = (100, 400, 1_000)
UMI_ITEMS = 2_000
"""Fewer than the runner mints: rates are compared."""


def measure() -> Mapping[str, float]:
    """See the keys; all from one run. MINTWORKS_BENCH_ITEMS is how many the runner mints (60,000)."""
    items = int(os.environ.get("MINTWORKS_BENCH_ITEMS", "60000"))
    install()
    figures = {"sign_per_second": _sign_per_second()}
    figures["replay_s"], figures["replay_cpu_s"] = replay_seconds()
    with Track() as track:
        ours, _ = racers.run(track, items)
    with Track() as track:
        ceiling = racers.throw(track, items)
    if ceiling.transactions != ours.transactions:
        raise RuntimeError(f"other transactions: {ceiling.transactions} thrown, {ours.transactions} by the runner")
    best = 0.0
    for in_flight in IN_FLIGHT:
        with Track() as track:
            figures[f"umi_{in_flight}_per_second"] = racers.umi(track, UMI_ITEMS, in_flight).per_second
        best = max(best, figures[f"umi_{in_flight}_per_second"])
    return figures | {
        "mints_a_transaction": ours.mints / ours.transactions,
        "mints_per_second": ours.per_second,
        "ceiling_per_second": ceiling.per_second,
        "vs_ceiling": ours.per_second / ceiling.per_second,
        "vs_umi": ours.per_second / best,
    }


def measure_million() -> Mapping[str, float]:
    """`rss_mb_1m`: the most memory of the runner's process (MB of 2^20 bytes) in a run of a million items, from a real
    chain; `mints_per_second_1m` beside it. MINTWORKS_BENCH_MILLION makes it another number, for trying, and the
    figure's name says which.
    """
    items = int(os.environ.get("MINTWORKS_BENCH_MILLION", "1000000"))
    size = "1m" if items == 1_000_000 else str(items)
    with Track() as track:
        rate, peak = racers.run(track, items)
    return {f"rss_mb_{size}": peak, f"mints_per_second_{size}": rate.per_second}


def _sign_per_second() -> float:
    """Transactions of one mint each, built and signed, for each second of one process; no chain is in this figure."""
    wallet = Keypair()
    data = CollectionData.model_validate(
        {"name": "Bench", "symbol": "BENCH", "creators": [{"address": str(wallet.pubkey()), "share": 100}]}
    )
    items = {n: Item(n, n, f"Bench #{n}", f"ipfs://{CID}/{n}.json", Pubkey.new_unique()) for n in range(TRANSACTIONS)}
    builder = MintBuilder(items, design(Pubkey.new_unique(), wallet.pubkey(), data, None), Signer(wallet))
    started = time.perf_counter()
    for number in items:
        builder.sign([number], Hash.default(), 100_000, 1)
    return TRANSACTIONS / (time.perf_counter() - started)
