"""All that is known of one tree's transactions. It is kept in SQLite, because a tree may hold a million mints: what
memory holds is one byte for each nonce.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from .facts import MintFact, TxFact

_SCHEMA = """
CREATE TABLE tx (id INTEGER PRIMARY KEY, signature TEXT UNIQUE, slot, payer, fee, rent, error, mints, tbl);
CREATE TABLE mint (nonce, slot, tx, uri, owner, data_hash, leaf_hash, tree_delegate);
CREATE INDEX mint_nonce ON mint (nonce);
CREATE TABLE heard (id INTEGER PRIMARY KEY, signature TEXT UNIQUE, slot, failed);
CREATE INDEX heard_slot ON heard (slot);
"""
# What a crash destroys is read again from the cache or the chain: nothing has to reach the disk.
_PRAGMAS = ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-16000")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mint is: its transaction, and the slot of that."""

    signature: str
    slot: int


class History:
    """Facts of one tree; grows only. With a `path` they are in that file, which is made anew, else in memory."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.unlink(missing_ok=True)
        # Long readings go to a thread of their own; nobody writes meanwhile.
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        for pragma in _PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)
        self._nonces = bytearray()
        self._known = 0
        self._gapless = 0

    def close(self) -> None:
        """Nothing can be asked afterwards."""
        self._db.close()

    def add(self, facts: Iterable[TxFact]) -> list[TxFact]:
        """Takes facts in and answers those that were new."""
        new: list[TxFact] = []
        with self._db:
            self._db.execute("BEGIN")
            for fact in facts:
                if self._enter(fact):
                    new.append(fact)
        return new

    def _enter(self, fact: TxFact) -> bool:
        row = (
            fact.signature,
            fact.slot,
            bytes(fact.payer),
            fact.fee,
            fact.rent,
            fact.error,
            len(fact.mints),
            None if fact.table is None else bytes(fact.table),
        )
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO tx (signature, slot, payer, fee, rent, error, mints, tbl)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        if not cursor.rowcount:
            return False
        self._db.execute("DELETE FROM heard WHERE signature = ?", (fact.signature,))
        self._db.executemany(
            "INSERT INTO mint (slot, tx, nonce, uri, owner, data_hash, leaf_hash, tree_delegate)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    fact.slot,
                    cursor.lastrowid,
                    mint.nonce,
                    mint.uri,
                    bytes(mint.owner),
                    mint.data_hash,
                    mint.leaf_hash,
                    bytes(mint.tree_delegate),
                )
                for mint in fact.mints
            ],
        )
        for mint in fact.mints:
            self._mark(mint.nonce)
        return True

    def _mark(self, nonce: int) -> None:
        if nonce >= len(self._nonces):
            self._nonces.extend(bytes(nonce + 1 - len(self._nonces)))
        self._known += not self._nonces[nonce]
        self._nonces[nonce] = 1

    def __contains__(self, signature: str) -> bool:
        """Whether a transaction is known."""
        return self._one("SELECT 1 FROM tx WHERE signature = ?", signature) is not None

    def __len__(self) -> int:
        """How many nonces are known."""
        return self._known

    def entries(self, *, after: int) -> Iterator[tuple[str, int, int]]:
        """(signature, slot, mints) of each transaction in a slot after that one."""
        yield from self._db.execute("SELECT signature, slot, mints FROM tx WHERE slot > ?", (after,))

    # --- transactions of which no more is known yet than that there are such ------------------------------------------

    def hear(self, rows: Iterable[tuple[str, int, bool]]) -> int:
        """Notes (signature, slot, whether it failed) of transactions to read; how many of them were news."""
        news = 0
        query = "INSERT OR IGNORE INTO heard (signature, slot, failed) VALUES (?, ?, ?)"
        with self._db:
            self._db.execute("BEGIN")
            for signature, slot, failed in rows:
                if signature not in self:
                    news += self._db.execute(query, (signature, slot, failed)).rowcount
        return news

    def unread(self, first_slot: int, portion: int) -> Iterator[list[str]]:
        """Signatures to read, at most `portion` at once, oldest first; failed ones from `first_slot` on. What is added
        meanwhile is left out of later portions.
        """
        slot, last = -1, -1
        query = (
            "SELECT slot, id, signature FROM heard WHERE (slot, id) > (?, ?) AND (NOT failed OR slot >= ?)"
            " ORDER BY slot, id LIMIT ?"
        )
        while found := self._db.execute(query, (slot, last, first_slot, portion)).fetchall():
            slot, last, _ = found[-1]
            yield [signature for _, _, signature in found]

    def first_unread(self, first_slot: int) -> str | None:
        """One of those from `first_slot` on that are to be read still, if there are any."""
        found = self._one("SELECT signature FROM heard WHERE slot >= ? ORDER BY slot LIMIT 1", first_slot)
        return None if found is None else str(found[0])

    def mints(self) -> Iterator[MintFact]:
        """All mints by ascending nonce."""
        query = "SELECT nonce, uri, owner, data_hash, leaf_hash, tree_delegate FROM mint ORDER BY nonce"
        for nonce, uri, owner, data, leaf, by in self._db.execute(query):
            yield MintFact(nonce, uri, Pubkey.from_bytes(owner), data, leaf, Pubkey.from_bytes(by))

    def place(self, nonce: int) -> Place:
        """Where a known nonce was minted. KeyError for another."""
        query = "SELECT tx.signature, tx.slot FROM mint JOIN tx ON tx.id = mint.tx WHERE nonce = ?"
        found = self._one(query, nonce)
        if found is None:
            raise KeyError(nonce)
        return Place(*found)

    def missing(self, minted: int) -> int:
        """How many nonces below `minted` no mint is known for."""
        return minted - sum(self._nonces[:minted])

    def first_missing(self) -> int:
        """The smallest nonce for which no mint is known."""
        found = self._nonces.find(0, self._gapless)
        self._gapless = len(self._nonces) if found < 0 else found
        return self._gapless

    def contradicts(self, minted: int, slot: int) -> bool:
        """Whether a counter that says `minted` at the finalized `slot` cannot belong to this history: more mints are
        known of those slots. A chain that was restarted or rolled back has less than an old cache tells.
        """
        count, largest = self._one("SELECT count(*), max(nonce) FROM mint WHERE slot <= ?", slot) or (0, None)
        return count > minted or (largest is not None and largest >= minted)

    def goes_beyond(self, minted: int, slot: int) -> bool:
        """Whether a mint is known that is not among the first `minted` ones or is newer than `slot`."""
        newest, largest = self._one("SELECT max(slot), max(nonce) FROM mint") or (None, None)
        return newest is not None and (newest > slot or largest >= minted)

    @property
    def created(self) -> bool:
        """Whether the transaction that created the tree, the dearest of all, is known."""
        return self._one("SELECT 1 FROM tx WHERE rent > 0 AND tbl IS NULL") is not None

    def anchor_slot(self) -> int | None:
        """The slot up to which the history is known without a gap: that of the last mint of the gapless beginning.

        None where not even nonce 0 is known. Nonces grow with slots, so an older slot can hold no unknown mint.
        """
        gapless = self.first_missing()
        return self.place(gapless - 1).slot if gapless else None

    def spent(self, payer: Pubkey, first_slot: int) -> tuple[int, int]:
        """(fees, rent) in lamports that `payer` paid from `first_slot` on, failed transactions included."""
        query = "SELECT coalesce(sum(fee), 0), coalesce(sum(rent), 0) FROM tx WHERE payer = ? AND slot >= ?"
        fees, rent = self._one(query, bytes(payer), first_slot) or (0, 0)
        # A lookup table of an earlier job that is closed now gives back what this one never paid.
        return fees, max(0, rent)

    def tables(self, payer: Pubkey) -> list[Pubkey]:
        """The lookup tables that transactions of `payer` made or used, oldest first."""
        query = "SELECT tbl FROM tx WHERE payer = ? AND tbl IS NOT NULL GROUP BY tbl ORDER BY min(slot)"
        return [Pubkey.from_bytes(table) for (table,) in self._db.execute(query, (bytes(payer),))]

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
        return row
