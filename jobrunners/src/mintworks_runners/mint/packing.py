"""How many mints fit into one transaction: its size, computed without building or signing it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile

from solders.compute_budget import ID as COMPUTE_BUDGET
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from mintworks_runners.solana.budget import budget_instructions

from .items import Design
from .itemtable import Item

MAX_BYTES = 1232
"""A transaction's size on the wire."""

_SIGNATURE, _KEY, _BLOCKHASH, _HEADER = 64, 32, 32, 3


class Packing:
    """The sizes of one design's transactions. What differs from mint to mint is its owner, its name and its uri."""

    def __init__(self, design: Design, *, priced: bool, table: Sequence[Pubkey] = ()) -> None:
        """`priced`: whether the transactions carry a price for their compute units. `table`: what the lookup table
        holds that they use, if they use one.
        """
        owner = design.wallet
        blank = design.mint(Item(0, 0, "", "", owner)).instruction()
        self._keys = frozenset([design.wallet, COMPUTE_BUDGET, blank.program_id, *_mentioned(blank)])
        called = {COMPUTE_BUDGET, blank.program_id}
        looked_up = (self._keys - called - design.signers()) & set(table)
        self._looked_up = len(looked_up)
        self._accounts = len(blank.accounts)
        self._data = len(blank.data)
        self.signatures = len(design.signers())
        """Signatures of a transaction, each of which costs the base fee."""
        budget = budget_instructions(1, 1 if priced else 0)
        self._budget = len(budget)
        self._fixed = _counted(self.signatures) + _SIGNATURE * self.signatures + _HEADER + _BLOCKHASH
        self._fixed += sum(_instruction(len(each.accounts), len(each.data)) for each in budget)
        if table:
            # The version; then one table: its address, and a byte for each key, those that are written apart.
            self._fixed += 1 + _counted(1) + _KEY + 2 * _counted(0) + self._looked_up if looked_up else 2

    def size(self, items: Iterable[Item]) -> int:
        """Bytes on the wire of the transaction that mints exactly these."""
        return max(self._sizes(items))

    def fitting(self, items: Iterable[Item]) -> int:
        """How many of the first items fit into one transaction: at least one, which is the least that can be sent."""
        return max(1, sum(1 for _ in takewhile(MAX_BYTES.__ge__, self._sizes(items))))

    def batches(self, items: Mapping[int, Item], numbers: Iterable[int], most: int) -> Iterator[int]:
        """Mints in each transaction that items of these numbers, in this order, are sent in; at most `most` each."""
        coming = iter(numbers)
        waiting = [items[number] for number in islice(coming, most)]
        while waiting:
            count = self.fitting(waiting)
            yield count
            del waiting[:count]
            waiting += [items[number] for number in islice(coming, count)]

    def _sizes(self, items: Iterable[Item]) -> Iterator[int]:
        """Sizes of the transactions of the first item, of the first two, and so on; they grow."""
        owners, mints = set[Pubkey](), 0
        for count, item in enumerate(items, self._budget + 1):
            if item.owner not in self._keys:
                owners.add(item.owner)
            mints += _instruction(self._accounts, self._data + len(item.name.encode()) + len(item.uri.encode()))
            keys = len(self._keys) - self._looked_up + len(owners)
            yield self._fixed + _counted(keys) + _KEY * keys + _counted(count) + mints


def _mentioned(instruction: Instruction) -> Iterator[Pubkey]:
    return (account.pubkey for account in instruction.accounts)


def _instruction(accounts: int, data: int) -> int:
    """Bytes of a compiled instruction: its program, its accounts (a byte each), its data."""
    return 1 + _counted(accounts) + accounts + _counted(data) + data


def _counted(length: int) -> int:
    """Bytes of a length as a message writes it: seven bits a byte."""
    return 1 if length < 0x80 else 2 if length < 0x4000 else 3
