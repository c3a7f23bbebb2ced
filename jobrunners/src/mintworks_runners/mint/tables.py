"""The lookup tables of one attempt: those that the tree's history tells of are found, one is made where that pays, and
all are closed in the end. None is ever needed: where anything about one fails, minting goes on without.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from mintworks_runners.core.errors import RunEnded, Stopped
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.solana.lookuptable import COOL_DOWN_SLOTS, NewTable, Table, table_rent

from .history import History
from .lookup import Offer, serves, worth_waiting
from .market import Market
from .money import sol
from .places import Places
from .tablesetup import TableClosing, TableRetirement, TableSetup, read_table
from .telling import Telling

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Open:
    """A table that is there, at the wallet's expense."""

    address: Pubkey
    table: Table

    @property
    def rent(self) -> int:
        """Lamports that closing it gives back."""
        return table_rent(len(self.table.addresses))

    def usable(self) -> AddressLookupTableAccount:
        """As a transaction looks keys up in it."""
        return AddressLookupTableAccount(self.address, list(self.table.addresses))


class Tables:
    """See the module."""

    def __init__(self, places: Places, stop: StopSignal, telling: Telling) -> None:
        self._places = places
        self._stop = stop
        self._telling = telling
        self._wallet = places.wallet.pubkey()
        self.open: list[Open] = []
        """Those that hold the wallet's lamports, as far as is known."""
        self.signatures: list[str] = []
        """The transactions of this attempt that were about tables."""
        self.paid = 0
        """Lamports that making one took from the wallet in this attempt."""

    async def find(self, history: History, min_slot: int) -> None:
        """Looks at every table that the tree's history tells of."""
        known = history.tables(self._wallet)
        for start in range(0, len(known), 100):
            part = known[start : start + 100]
            _, accounts = await self._places.chain.accounts(part, min_slot=min_slot)
            found = zip(part, map(read_table, accounts), strict=True)
            self.open += [Open(address, table) for address, table in found if table and table.authority == self._wallet]

    def serving(self, keys: tuple[Pubkey, ...]) -> Open | None:
        """One of them that can be used for these keys."""
        return next((each for each in self.open if serves(each.table, self._wallet, keys)), None)

    async def make(self, keys: tuple[Pubkey, ...], offer: Offer, market: Market, allowance: int | None) -> Open | None:
        """A new one, finalized; None where it could not be made: nothing of it can land any more then.

        Only where everything that was signed before has ended, so that history tells of all there are.
        """
        price = await market.price()
        # A finalized slot has a block, so the program knows it for another 512 slots.
        plan = NewTable(self._wallet, (await self._places.chain.epoch()).slot, keys)
        self._telling.step(9, "table", f"making the lookup table {plan.address}: more mints fit into a transaction")
        setup = TableSetup(self._places, plan, self._stop)
        made = Open(plan.address, Table(self._wallet, keys, None))
        self.open.append(made)
        try:
            slot = await setup.make(price, allowance)
        except RunEnded as error:
            if error.reason not in {"TableFailed", "LowBalance", "CostLimit"}:
                raise
            self.open.remove(made)
            log.warning("minting goes on without a lookup table: %s", error)
            return None
        self._note(setup.signature)
        if slot is not None:
            self.paid += offer.rent + offer.fees(price)
        log.info("minting through the lookup table %s", plan.address)
        return made

    async def retire(self, market: Market) -> None:
        """Takes all out of service, which begins their cool-down. Nothing that uses one may be under way."""
        for each in [each for each in self.open if each.table.deactivated is None]:
            work = TableRetirement(self._places, each.address, self._stop)
            self._telling.step(97, "table", f"taking {work.what} out of service")
            try:
                await work.make(await market.price(), None)
                found = await work.look()
            except Stopped:
                raise
            except RunEnded as error:
                log.warning("%s stays open: %s", work.what, error)
                continue
            self._note(work.signature)
            self.open.remove(each)
            if found.table is not None:
                self.open.append(Open(each.address, found.table))

    async def close(self, market: Market) -> None:
        """Closes all whose cool-down ends soon; what is left is in `open`."""
        for each in [each for each in self.open if each.table.deactivated is not None]:
            work = TableClosing(self._places, each.address, self._stop)
            try:
                if await self._cooled_down(each):
                    await work.make(await market.price(), None)
                    self._note(work.signature)
                    self.open.remove(each)
            except RunEnded as error:
                # Everything that the job is for is done: it is not run again for this, and says what is left.
                log.warning("%s stays open: %s", work.what, error)

    def left(self) -> str:
        """What is still open, in a sentence without its stop; empty where nothing is."""
        if not self.open:
            return ""
        names = ", ".join(str(each.address) for each in self.open)
        held = sol(sum(each.rent for each in self.open))
        return f"still open: lookup table {names}, which holds {held} SOL until the same job is run again"

    async def _cooled_down(self, each: Open) -> bool:
        """Whether it can be closed now, once that was waited for as long as it is worth."""
        due = (each.table.deactivated or 0) + COOL_DOWN_SLOTS
        started, first = time.monotonic(), (await self._places.chain.epoch()).slot
        now = first
        while now <= due:
            if not worth_waiting(due - now, now - first, time.monotonic() - started):
                return False
            self._telling.step(99, "close", f"{due - now + 1} slots until the lookup table gives its rent back")
            await self._stop.sleep(POLL_SECONDS)
            now = (await self._places.chain.epoch()).slot
        return True

    def _note(self, signature: str | None) -> None:
        if signature is not None:
            self.signatures.append(signature)
