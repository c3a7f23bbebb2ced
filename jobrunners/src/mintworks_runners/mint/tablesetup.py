"""What is done to a lookup table, one transaction each: made and filled, taken out of service, closed.

Each transaction also mentions the tree, so that the tree's history tells of every table that was ever made for it: a
crash forgets none, and what it cost is counted like everything else.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from solders.address_lookup_table_account import ID as TABLE_PROGRAM
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from mintworks_runners.core.stop import StopSignal
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.lookuptable import (
    NewTable,
    Table,
    closing,
    deactivation,
    decode_table,
    table_rent,
)
from mintworks_runners.solana.programs import NOOP

from .builder import Signer
from .making import Draft, Look, Making
from .places import Places
from .rpc.chain import Account


@dataclass(frozen=True, slots=True)
class FoundTable:
    """What lies at a table's address at a finalized slot; `exists` says whether what was to be done to it is done."""

    slot: int
    account: Account | None
    table: Table | None
    exists: bool


def read_table(account: Account | None) -> Table | None:
    """The table in an account; None where there is none. A closed one leaves nothing, or no data."""
    if account is None or account.owner != TABLE_PROGRAM:
        return None
    try:
        return decode_table(account.data)
    except DecodeError:
        return None


class _TableWork(Making):
    """One transaction about one table of the wallet's."""

    reason = "TableFailed"

    def __init__(self, places: Places, address: Pubkey, stop: StopSignal) -> None:
        super().__init__(places.chain, Signer(places.wallet), places.lease, stop)
        self._address = address
        self._tree = places.target.tree
        self.what = f"the lookup table {address}"

    async def look(self, min_slot: int | None = None) -> FoundTable:
        """What lies there now."""
        slot, account = await self._chain.account(self._address, min_slot=min_slot)
        table = read_table(account)
        return FoundTable(slot, account, table, self._done(table))

    async def draft(self, look: Look) -> Draft:
        """The transaction. No rent has to be known to take a table out of service, or to close it."""
        del look
        mention = Instruction(NOOP, b"", [AccountMeta(self._tree, is_signer=False, is_writable=False)])
        return Draft([*self._instructions(), mention], self._rent())

    @abstractmethod
    def _done(self, table: Table | None) -> bool: ...

    @abstractmethod
    def _instructions(self) -> Sequence[Instruction]: ...

    def _rent(self) -> int:
        return 0


class TableSetup(_TableWork):
    """Makes and fills it. It can be used from the next slot on, and is finalized when `make` has ended."""

    def __init__(self, places: Places, plan: NewTable, stop: StopSignal) -> None:
        super().__init__(places, plan.address, stop)
        self._plan = plan

    def _done(self, table: Table | None) -> bool:
        return table is not None

    def _instructions(self) -> Sequence[Instruction]:
        return self._plan.creation()

    def _rent(self) -> int:
        return table_rent(len(self._plan.addresses))


class TableRetirement(_TableWork):
    """Takes it out of service."""

    doing = "deactivating"

    def _done(self, table: Table | None) -> bool:
        return table is None or table.deactivated is not None

    def _instructions(self) -> Sequence[Instruction]:
        return [deactivation(self._address, self._signer.payer)]


class TableClosing(_TableWork):
    """Closes it, once its cool-down is over: the wallet gets its rent back."""

    doing = "closing"

    def _done(self, table: Table | None) -> bool:
        return table is None

    def _instructions(self) -> Sequence[Instruction]:
        return [closing(self._address, self._signer.payer)]
