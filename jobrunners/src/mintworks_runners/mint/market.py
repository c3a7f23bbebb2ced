"""What a mint uses and what the market asks for it: simulations and recent fees, fetched for `pricing` to decide."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from mintworks_api import MintJobSpec
from solders.hash import Hash
from solders.pubkey import Pubkey

from mintworks_runners.core.errors import Waiting
from mintworks_runners.core.reasons import ended
from mintworks_runners.solana.budget import MAX_COMPUTE_UNITS
from mintworks_runners.solana.programs import metadata_account

from .builder import MintBuilder
from .chainerrors import cannot_pay, explain
from .items import Design
from .places import Places
from .pricing import Compute, price
from .rpc.chain import Chain, Simulated
from .rpc.endpoint import RpcError

log = logging.getLogger(__name__)

SAMPLE = 20
"""Items that may be simulated before the first signature."""

PRICE_SECONDS = 10.0
SINGLES = 5


class Market:
    """Compute limit and price for the mints of one job."""

    def __init__(self, chain: Chain, written: Sequence[Pubkey], percentile: int, cap: int) -> None:
        """`written` are the accounts that every mint writes to; `cap` is in micro-lamports a unit."""
        self.compute = Compute()
        self._chain = chain
        self._written = list(written)
        self._percentile = percentile
        self._cap = cap
        self._price = 0
        self._read_at = float("-inf")

    def limit(self, mints: int) -> int:
        """Compute units that a transaction of so many mints asks for at first."""
        return self.compute.limit(mints, 0)

    async def price(self) -> int:
        """Micro-lamports a compute unit; asked of the chain at most every 10 s."""
        now = time.monotonic()
        if self._cap and now - self._read_at >= PRICE_SECONDS:
            self._read_at = now
            try:
                recent = await self._chain.priority_fees(self._written)
            except (RpcError, Waiting) as error:
                # Some providers do not offer the method, and not all say so in JSON: minting goes on at the price
                # known so far.
                log.warning("no priority fees: %s", error)
            else:
                self._price = price(recent, self._percentile, self._cap)
        return self._price

    async def learn(self, builder: MintBuilder, items: Sequence[int], batch: int) -> None:
        """Simulates the first batch, then single items until one can be minted: what a mint uses is measured, never
        guessed.

        Waiting `LowBalance` where the wallet cannot pay; AttemptFailed `SimulationFailed` where nothing can be
        minted.
        """
        draft = builder.most(items[:batch], Hash.default(), lambda _mints: MAX_COMPUTE_UNITS, 1)
        first = tuple(items[: draft.items])
        last = ""
        for tried in (first, *((item,) for item in items[:SINGLES])):
            simulated = await self._simulate(builder, tried)
            if simulated.error is None:
                self.compute.learn(simulated.units, len(tried))
                return
            last = simulated.error
            log.info("simulating items %s: %s", tried, last, extra={"logs": simulated.logs})
        raise ended("SimulationFailed", f"no mint can be simulated: {explain(last)}")

    async def _simulate(self, builder: MintBuilder, items: Sequence[int]) -> Simulated:
        draft = builder.sign(items, Hash.default(), MAX_COMPUTE_UNITS, 0)
        simulated = await self._chain.simulate(draft.wire)
        if simulated.error is not None and cannot_pay(simulated.error):
            raise ended("LowBalance", f"the wallet cannot pay for a mint ({simulated.error})")
        return simulated


def market_of(spec: MintJobSpec, places: Places, design: Design) -> Market:
    """The market of a job's mints."""
    written = [places.target.tree, places.wallet.pubkey()]
    written += [] if design.collection is None else [metadata_account(design.collection.mint)]
    fee = spec.solana.priority_fee
    return Market(places.chain, written, fee.percentile, fee.max_micro_lamports)
