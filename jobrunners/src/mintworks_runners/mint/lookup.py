"""Whether an address lookup table pays for itself, and what it holds. Pure; amounts are lamports.

A table takes 31 bytes a key out of each transaction, so that more mints fit in. It costs three fees (made, taken out
of service, closed), and holds a rent that closing gives back. A new one is made only where it saves more than all of
this, so that it has paid for itself even if it is never closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from solders.pubkey import Pubkey

from mintworks_runners.solana.budget import fee
from mintworks_runners.solana.lookuptable import Table, table_rent

from .estimate import CONFIRMED_SECONDS, FINALIZED_SECONDS, Batches, Forecast
from .items import Design
from .itemtable import Item

UNITS = 30_000
"""Compute limit of each of a table's three transactions, more than was measured of any."""

WORTH_SECONDS = 150.0
"""So long a finished job may wait for its table's cool-down; at 400 ms a slot that takes 205 s, and the audit goes
first.
"""

MEASURED_SECONDS = 3.0


def shared(design: Design) -> tuple[Pubkey, ...]:
    """The keys that all mints of a design have in common and that a table may hold: neither who signs nor the program
    that is called.
    """
    blank = design.mint(Item(0, 0, "", "", design.wallet)).instruction()
    own = {*design.signers(), blank.program_id}
    return tuple(dict.fromkeys(account.pubkey for account in blank.accounts if account.pubkey not in own))


@dataclass(frozen=True, slots=True)
class Offer:
    """The same mints without and with a table of `keys` keys."""

    plain: Batches
    tabled: Batches
    keys: int

    def fees(self, price: int) -> int:
        """Of the table's own three transactions, at `price` micro-lamports a unit."""
        return 3 * fee(1, UNITS, price)

    @property
    def rent(self) -> int:
        """What the table holds while it is open."""
        return table_rent(self.keys)

    def with_fees(self, found: Forecast, price: int, cap: int) -> Forecast:
        """A forecast of the tabled mints, with what the table takes: its rent comes back, and does not count."""
        seconds = found.seconds + round(FINALIZED_SECONDS + CONFIRMED_SECONDS)
        return replace(
            found,
            transactions=found.transactions + 3,
            fees=found.fees + self.fees(price),
            most_fees=found.most_fees + self.fees(cap),
            seconds=seconds,
        )

    def helps(self) -> bool:
        """Whether a table that is there already saves anything."""
        return self.tabled.transactions < self.plain.transactions

    def pays(self, units: Callable[[int], int], price: int) -> bool:
        """Whether a new one saves more than it could ever cost. `units` answers the compute limit of so many mints."""
        saved = self.plain.fees(units, price) - self.tabled.fees(units, price)
        return saved >= self.fees(price) + self.rent

    def affordable(self, room: int, units: Callable[[int], int], price: int) -> bool:
        """Whether `room`, what the wallet and maxCost still allow, holds the mints and the table beside them."""
        return room >= self.tabled.fees(units, price) + self.fees(price) + self.rent


def serves(table: Table, wallet: Pubkey, keys: tuple[Pubkey, ...]) -> bool:
    """Whether a table that is there is the wallet's, in service, and holds these keys and no others."""
    return table.authority == wallet and table.deactivated is None and table.addresses == keys


def worth_waiting(left: int, passed: int, seconds: float) -> bool:
    """Whether to wait `left` slots more, where `passed` slots took the `seconds` that were waited so far."""
    if seconds < MEASURED_SECONDS:
        return True
    return seconds + left * seconds / max(passed, 1) <= WORTH_SECONDS
