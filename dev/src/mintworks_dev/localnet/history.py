"""What landed: transactions by signature and by address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey
from solders.signature import Signature

from mintworks_dev.localnet.bank import Executed
from mintworks_dev.localnet.errors import ErrorJson
from mintworks_dev.localnet.runtime import Inner
from mintworks_dev.localnet.transaction import Parsed


@dataclass(frozen=True, slots=True)
class Record:
    """A transaction of a block and what it did; balances in lamports before and after, for all its accounts."""

    signature: Signature
    raw: bytes
    slot: int
    time: int
    error: ErrorJson | None
    fee: int
    price: int
    before: Sequence[int]
    after: Sequence[int]
    logs: Sequence[str]
    inner: Sequence[Inner]
    units: int
    loaded_writable: Sequence[Pubkey]
    loaded_readonly: Sequence[Pubkey]
    writable: Sequence[Pubkey]

    @classmethod
    def of(cls, parsed: Parsed, executed: Executed, slot: int, time: int) -> Record:
        """The record of a transaction that was just executed."""
        loaded, budget = executed.loaded, executed.budget
        flags = zip(loaded.keys, loaded.writable, strict=True)
        return cls(
            signature=parsed.signature,
            raw=parsed.raw,
            slot=slot,
            time=time,
            error=executed.error,
            fee=budget.fee,
            price=budget.price,
            before=executed.before,
            after=executed.after,
            logs=executed.logs,
            inner=executed.inner,
            units=executed.units,
            loaded_writable=loaded.loaded_writable,
            loaded_readonly=loaded.loaded_readonly,
            writable=tuple(key for key, writable in flags if writable),
        )


class History:
    """Every transaction that landed, in the order of the chain."""

    def __init__(self) -> None:
        self.records: dict[Signature, Record] = {}
        self._by_address: defaultdict[Pubkey, list[Record]] = defaultdict(list)

    def add(self, record: Record, keys: Iterable[Pubkey]) -> None:
        """Adds the newest transaction, which names these accounts."""
        self.records[record.signature] = record
        for key in keys:
            self._by_address[key].append(record)

    def revert(self, dropped: Iterable[Record]) -> None:
        """Takes the newest transactions back."""
        signatures = {record.signature for record in dropped}
        if not signatures:
            return
        for signature in signatures:
            del self.records[signature]
        for rows in self._by_address.values():
            while rows and rows[-1].signature in signatures:
                rows.pop()

    def of_address(self, address: Pubkey) -> Iterator[Record]:
        """The transactions that name an address, newest first."""
        return reversed(self._by_address.get(address, []))
