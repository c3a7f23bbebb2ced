"""The chain: slots and blocks, blockhashes and their age, commitment, forks, and the history of transactions.

Pure: no clock and no IO. The open slot takes transactions until `seal` makes a block of it.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from typing import NamedTuple

from solders.pubkey import Pubkey

from mintworks_dev.localnet.account import Account
from mintworks_dev.localnet.bank import Executed, execute
from mintworks_dev.localnet.errors import ErrorJson, RejectedError
from mintworks_dev.localnet.genesis import Genesis
from mintworks_dev.localnet.history import History, Record
from mintworks_dev.localnet.ledger import Ledger
from mintworks_dev.localnet.transaction import Parsed

MAX_BLOCKHASH_AGE = 150
"""Blocks of height for which a blockhash lives: ages 0 to 150, both included."""

ROOT_DISTANCE = 32
"""Slots between the newest slot and the finalized one."""

KEPT_SLOTS = 600
"""Slots for which reads at an older commitment (of a lagging endpoint too) are answered."""

COMMITMENTS = ("processed", "confirmed", "finalized")


class Block(NamedTuple):
    """A sealed block; `time` is in seconds since 1970."""

    slot: int
    height: int
    blockhash: bytes
    parent: int
    parent_hash: bytes
    time: int
    records: tuple[Record, ...]


class View(NamedTuple):
    """What an endpoint sees at a commitment: everything up to `slot`. `sealed` is the newest block in it."""

    slot: int
    height: int
    sealed: Block


class Chain:
    """One chain, starting with genesis as block 0."""

    def __init__(self, genesis: Genesis, time: int) -> None:
        self.genesis_hash = genesis.hash()
        self.ledger = Ledger(genesis.accounts())
        self.history = History()
        self.transactions = 0
        self._forks = 0
        first = Block(0, 0, self.genesis_hash, 0, bytes(32), time, ())
        self._blocks = [first]
        self._ages = {first.blockhash: 0}
        self._full: dict[int, Block] = {}
        self._open: list[Record] = []
        self.slot = 1

    @property
    def last(self) -> Block:
        """The newest sealed block."""
        return self._blocks[-1]

    @property
    def height(self) -> int:
        """Height of the block that is open."""
        return self.last.height + 1

    def submit(self, parsed: Parsed, time: int) -> Record:
        """Executes a transaction, whose signatures hold, in the open slot; RejectedError where it cannot enter."""
        executed = self.try_out(parsed)
        self.ledger.write(self.slot, executed.changes.items())
        record = Record.of(parsed, executed, self.slot, time)
        self._open.append(record)
        self.transactions += 1
        self.history.add(record, executed.loaded.keys)
        return record

    def try_out(self, parsed: Parsed) -> Executed:
        """What `submit` would do, changing nothing."""
        if parsed.signature in self.history.records:
            raise RejectedError("AlreadyProcessed")
        if not self.blockhash_lives(parsed.blockhash, self.last):
            raise RejectedError("BlockhashNotFound")
        return execute(parsed, self.ledger.read, self.slot)

    def blockhash_lives(self, blockhash: bytes, at: Block) -> bool:
        """Whether a transaction with this blockhash may enter the block after `at`."""
        height = self._ages.get(blockhash)
        return height is not None and 0 <= at.height - height <= MAX_BLOCKHASH_AGE

    def seal(self, time: int, skipped: int = 0) -> Block:
        """Makes a block of the open slot and opens the next one, `skipped` slots later."""
        parent = self.last
        block = Block(
            slot=self.slot,
            height=parent.height + 1,
            blockhash=self._hash(self.slot),
            parent=parent.slot,
            parent_hash=parent.blockhash,
            time=time,
            records=tuple(self._open),
        )
        self._open = []
        self._blocks.append(block)
        self._ages[block.blockhash] = block.height
        if block.records:
            self._full[block.slot] = block
        self.slot += 1 + skipped
        self._forget()
        return block

    def advance(self, slots: int, time: int) -> None:
        """Seals `slots` slots. Long stretches cost no more than what is still remembered of them."""
        self.seal(time)
        hurried = max(slots - 1 - KEPT_SLOTS - MAX_BLOCKHASH_AGE, 0)
        if hurried:
            last = self.last
            self.slot += hurried
            moved = last._replace(
                slot=self.slot - 1, height=last.height + hurried, blockhash=self._hash(self.slot - 1), records=()
            )
            self._blocks.append(moved)
            self._ages[moved.blockhash] = moved.height
            self._forget()
        for _ in range(slots - 1 - hurried):
            self.seal(time)

    def fork(self, slots: int) -> list[bytes]:
        """Drops the open slot and the newest blocks of the last `slots` slots, as far as they are not finalized.

        Their numbers become skipped slots, height falls back, and what was written is taken back. Returns the dropped
        transactions, oldest first.
        """
        keep = max(self.slot - 1 - slots, self.view("finalized").slot)
        dropped: list[Record] = []
        while self.last.slot > keep:
            block = self._blocks.pop()
            del self._ages[block.blockhash]
            self._full.pop(block.slot, None)
            dropped = [*block.records, *dropped]
        dropped += self._open
        self._open = []
        self.transactions -= len(dropped)
        self.ledger.revert(keep)
        self.history.revert(dropped)
        self._forks += 1
        return [record.raw for record in dropped]

    def view(self, commitment: str, lag: int = 0) -> View:
        """What an endpoint that is `lag` slots behind sees."""
        tip = max(self.slot - lag, 0)
        behind = {"processed": 0, "confirmed": 1 + tip % 2, "finalized": ROOT_DISTANCE}[commitment]
        target = max(tip - behind, 0)
        sealed = self._sealed_at(target)
        if target == self.slot:
            return View(target, self.height, sealed)
        return View(sealed.slot, sealed.height, sealed)

    def account(self, key: Pubkey, view: View) -> Account:
        """An account as a view shows it."""
        return self.ledger.read(key) if view.slot >= self.slot else self.ledger.read_at(key, view.slot)

    def block(self, slot: int) -> Block | None:
        """A sealed block; None for skipped slots and for empty ones of long ago."""
        if slot in self._full:
            return self._full[slot]
        block = self._sealed_at(slot)
        return block if block.slot == slot else None

    @property
    def oldest(self) -> int:
        """The oldest slot whose empty block is still known."""
        return self._blocks[0].slot

    def _sealed_at(self, slot: int) -> Block:
        at = bisect_right(self._blocks, slot, key=lambda block: block.slot)
        return self._blocks[max(at - 1, 0)]

    def _hash(self, slot: int) -> bytes:
        # the fork's number is in it: blocks of the losing fork and of the winning one never share a blockhash
        numbers = slot.to_bytes(8, "little") + self._forks.to_bytes(8, "little")
        return hashlib.sha256(self.genesis_hash + numbers).digest()

    def _forget(self) -> None:
        """Once in a while drops what nobody can ask for any more."""
        if len(self._blocks) < 2 * KEPT_SLOTS + 2:
            return
        del self._blocks[: len(self._blocks) - KEPT_SLOTS - MAX_BLOCKHASH_AGE]
        oldest = self._blocks[0]
        self._ages = {blockhash: age for blockhash, age in self._ages.items() if age >= oldest.height}
        self.ledger.forget(oldest.slot)


def status(record: Record, chain: Chain, lag: int = 0) -> dict[str, ErrorJson | int | None] | None:
    """A transaction's status as getSignatureStatuses shows it; None where the endpoint does not see it yet."""
    processed = chain.view("processed", lag).slot
    if record.slot > processed:
        return None
    finalized = record.slot <= chain.view("finalized", lag).slot
    confirmed = finalized or record.slot <= chain.view("confirmed", lag).slot
    result: ErrorJson = {"Ok": None} if record.error is None else {"Err": record.error}
    return {
        "slot": record.slot,
        "confirmations": None if finalized else processed - record.slot,
        "err": record.error,
        "status": result,
        "confirmationStatus": "finalized" if finalized else "confirmed" if confirmed else "processed",
    }
