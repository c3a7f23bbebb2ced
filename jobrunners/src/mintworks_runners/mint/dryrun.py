"""A dry run: everything up to the first signature, without a lease and without waiting, and what the rest will take."""

from __future__ import annotations

import asyncio
from itertools import islice

from mintworks_api import MintJobSpec

from mintworks_runners.core.context import JobContext, Result

from .estimate import TYPICAL_UNITS, Forecast, Pace, forecast
from .market import SAMPLE, Market, market_of
from .money import sol
from .places import Places
from .preflight import Foreseen, Preflight, offered
from .prepare import frozen
from .replay import HISTORY, Replay
from .telling import Telling


async def run_dry(context: JobContext, spec: MintJobSpec, places: Places, telling: Telling) -> Result:
    """The result of a dry run. InvalidInput with everything that is wrong.

    A wallet that cannot pay is no reason to wait: what it has to hold is what a dry run is there to tell.
    """
    tree, chain = places.target.tree, places.chain
    replay = Replay(chain, tree, places.first_slot, places.cache, context.stop, spool=context.work / HISTORY)
    telling.step(2, "prepare", "reading and checking the rows, and what the chain holds")
    foreseen = await Preflight(context, spec, places, replay).run()
    work = foreseen.work
    telling.total(len(work.items))
    if foreseen.waits is not None and foreseen.waits.reason != "LowBalance":
        raise foreseen.waits
    await frozen(context, places, work)
    telling.step(50, "estimate", "simulating a transaction and counting all of them")
    found = await _forecast(spec, places, foreseen, len(replay.history))
    short = max(0, found.rent + found.fees - foreseen.balance)
    message = f"{found.transactions} transactions, {sol(found.rent + found.fees)} SOL"
    telling.step(100, "done", f"{message}; the wallet lacks {sol(short)} SOL" if short else message)
    return {
        "dryRun": True,
        "tree": str(tree),
        "genesis": chain.pool.genesis,
        "items": len(work.items),
        "minted": 0,
        "already": foreseen.already,
        "failed": 0,
        "transactions": found.transactions,
        "feesLamports": found.fees,
        "mostFeesLamports": found.most_fees,
        "rentLamports": found.rent,
        "balanceLamports": foreseen.balance,
        "seconds": found.seconds,
    }


async def _forecast(spec: MintJobSpec, places: Places, foreseen: Foreseen, known: int) -> Forecast:
    work, plan = foreseen.work, places.target.plan
    market = market_of(spec, places, work.design)
    price = await market.price()
    await _learn(market, foreseen, spec.batch_size)
    offer = await asyncio.to_thread(offered, work, foreseen.missing, spec.batch_size, priced=price > 0)
    tabled = offer.pays(market.limit, price)
    pace = Pace(
        requests_per_second=spec.solana.requests_per_second,
        in_flight=spec.in_flight,
        finalized=spec.solana.commitment == "finalized",
        units=market.compute.limit(1, 0),
    )
    found = forecast(
        offer.tabled if tabled else offer.plain,
        plan.size if plan is not None and foreseen.stand is None else None,
        market.limit,
        prices=(price, spec.solana.priority_fee.max_micro_lamports),
        pace=pace,
        known=known,
    )
    return offer.with_fees(found, price, spec.solana.priority_fee.max_micro_lamports) if tabled else found


async def _learn(market: Market, foreseen: Foreseen, batch: int) -> None:
    """Simulates a mint where one can be simulated: the tree must be there, and the wallet able to pay."""
    if foreseen.stand is None or foreseen.waits is not None:
        market.compute.learn(TYPICAL_UNITS[foreseen.work.design.collection is not None], 1)
        return
    sample = list(islice(foreseen.missing(), SAMPLE))
    if sample:
        await market.learn(foreseen.work.builder, sample, batch)
