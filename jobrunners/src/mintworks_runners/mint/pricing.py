"""What a transaction may use and what it pays: compute limit from simulations, price from recent blocks. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mintworks_runners.solana.budget import MAX_COMPUTE_UNITS

MARGIN = 1.1
SEARCH_UNITS = 25_000
"""A mint searches its asset id's bump: 1,500 units a step, unknown before the nonce is. Measured spread of real
mints.
"""


def percentile(values: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile; 0 of nothing."""
    if not values:
        return 0
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def price(recent: Sequence[int], percent: int, cap: int) -> int:
    """Micro-lamports a compute unit: a percentile of the recent minima, at most the cap."""
    return min(percentile(recent, percent), cap)


class Compute:
    """The compute limit of a batch, learned from simulations of real batches."""

    def __init__(self) -> None:
        self._per_mint = 0.0

    def learn(self, units: int, mints: int) -> None:
        """A simulation of `mints` mints used `units`."""
        self._per_mint = max(self._per_mint, units / mints)

    def limit(self, mints: int, retries: int) -> int:
        """Units to ask for; each retry after running out doubles the margin for the search."""
        one = self._per_mint * MARGIN + SEARCH_UNITS * (1 << retries)
        return min(MAX_COMPUTE_UNITS, math.ceil(mints * one))
