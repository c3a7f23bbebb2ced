"""What a job will cost and how long it will take, from its real items, before anything is signed. Pure.

Transactions and base fees are exact as long as nothing is refused: the sizes are those of the transactions themselves.
The rest is an estimate: priority fees move, and how fast an endpoint and the chain are is known only afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mintworks_runners.solana.budget import fee
from mintworks_runners.solana.tree import TreeSize

from .money import config_rent

SLOT_SECONDS = 0.4
WAIT_BLOCKS = 300
"""Blocks that an attempt on a tree that is there waits out before it signs: two lives of a blockhash."""

FINALIZED_SECONDS = 13.0
CONFIRMED_SECONDS = 2.0
QUESTIONS_PER_SECOND = 5
"""Requests that are not transactions: height, counter, statuses, blockhash, balance."""

READS_PER_SECOND = 150
"""Transactions read back a second, 16 at a time, from an endpoint a tenth of a second away."""

UNITS_PER_BLOCK = 12_000_000
"""Compute units that a block lets transactions use which write the same account: every mint writes its tree."""

CREATION_UNITS = 270_000
"""Compute limit of a tree's creation: the most that was measured (205,000) with the margin that is asked for."""

TYPICAL_UNITS = {False: 38_700, True: 46_900}
"""Median units of a mint without and with a collection, where none can be simulated yet: the tree is not there."""


@dataclass(frozen=True, slots=True)
class Batches:
    """How items go into transactions: `counts` is how many transactions hold so many mints."""

    counts: Mapping[int, int]
    signatures: int

    @classmethod
    def of(cls, sizes: Iterable[int], signatures: int) -> Batches:
        """From the mints of each transaction (Packing.batches)."""
        return cls(Counter(sizes), signatures)

    @property
    def transactions(self) -> int:
        """Transactions in all."""
        return sum(self.counts.values())

    @property
    def mints(self) -> int:
        """Mints in all."""
        return sum(size * count for size, count in self.counts.items())

    def fees(self, units: Callable[[int], int], price: int) -> int:
        """Lamports of base and priority fees; `units` answers the compute limit of so many mints, `price` is in
        micro-lamports a unit.
        """
        return sum(count * fee(self.signatures, units(size), price) for size, count in self.counts.items())


@dataclass(frozen=True, slots=True)
class Pace:
    """What bounds the speed: the spec's budget and window, and what a mint may use (compute units)."""

    requests_per_second: int
    in_flight: int
    finalized: bool
    units: float

    def minting(self, batches: Batches) -> float:
        """Seconds from the first signature to the last transaction seen."""
        if not batches.mints:
            return 0.0
        landing = FINALIZED_SECONDS if self.finalized else CONFIRMED_SECONDS
        sending = max(self.requests_per_second - QUESTIONS_PER_SECOND, self.requests_per_second / 5)
        chain = UNITS_PER_BLOCK / self.units / SLOT_SECONDS
        return max(batches.transactions / min(sending, self.in_flight / landing), batches.mints / chain, landing)

    def reading(self, transactions: int) -> float:
        """Seconds that so many transactions take to be read back."""
        return transactions / min(self.requests_per_second, READS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is still to come. Amounts are lamports; `most_fees` is what fees come to with every price at its cap."""

    transactions: int
    fees: int
    most_fees: int
    rent: int
    seconds: int


def forecast(
    batches: Batches,
    new_tree: TreeSize | None,
    units: Callable[[int], int],
    *,
    prices: tuple[int, int],
    pace: Pace,
    known: int,
) -> Forecast:
    """The forecast for a job that has `batches` to send.

    Args:
        batches: What is missing.
        new_tree: The tree, where it is still to be made.
        units: The compute limit of so many mints.
        prices: Micro-lamports a unit: today's, and the cap.
        pace: What bounds the speed.
        known: Transactions of the tree's history that the job has to read first.
    """
    making = 0 if new_tree is None else 1
    fees = [batches.fees(units, price) + making * fee(1, CREATION_UNITS, price) for price in prices]
    rent = 0 if new_tree is None else new_tree.rent + config_rent()
    if new_tree is not None:
        begin = FINALIZED_SECONDS + CONFIRMED_SECONDS
    else:
        # History is read while the blocks go by; where nothing is missing, nothing is waited for.
        begin = max(WAIT_BLOCKS * SLOT_SECONDS if batches.mints else 0.0, pace.reading(known))
    seconds = begin + pace.minting(batches) + FINALIZED_SECONDS + pace.reading(batches.transactions)
    return Forecast(batches.transactions + making, fees[0], fees[1], rent, round(seconds))
