"""What the finalized chain says about a tree: transactions and the mints in them. Old facts can be out of date, never
wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True)
class MintFact:
    """One leaf as it was minted, recomputed from the instruction's arguments. Hashes are 32 bytes."""

    nonce: int
    uri: str
    owner: Pubkey
    data_hash: bytes
    leaf_hash: bytes
    tree_delegate: Pubkey


@dataclass(frozen=True, slots=True)
class TxFact:
    """One finalized transaction that mentions the tree.

    `fee` in lamports was paid by `payer`; `rent` in lamports is what creating the tree cost it; `error` is None where
    the transaction succeeded.
    """

    signature: str
    slot: int
    payer: Pubkey
    fee: int
    rent: int = 0
    error: str | None = None
    mints: tuple[MintFact, ...] = ()


@dataclass(slots=True)
class History:
    """All that is known of one tree's transactions; grows only."""

    _transactions: dict[str, TxFact] = field(default_factory=dict)
    _by_nonce: dict[int, MintFact] = field(default_factory=dict)

    def add(self, facts: Iterable[TxFact]) -> list[TxFact]:
        """Takes facts in and answers those that were new."""
        new = []
        for fact in facts:
            if fact.signature in self._transactions:
                continue
            self._transactions[fact.signature] = fact
            self._by_nonce.update((mint.nonce, mint) for mint in fact.mints)
            new.append(fact)
        return new

    def __contains__(self, signature: str) -> bool:
        """Whether a transaction is known."""
        return signature in self._transactions

    @property
    def transactions(self) -> Mapping[str, TxFact]:
        """By signature."""
        return MappingProxyType(self._transactions)

    @property
    def mints(self) -> Mapping[int, MintFact]:
        """By nonce."""
        return MappingProxyType(self._by_nonce)

    def missing(self, minted: int) -> list[int]:
        """Nonces below `minted` for which no mint is known."""
        return [nonce for nonce in range(minted) if nonce not in self._by_nonce]

    def contradicts(self, minted: int, slot: int) -> bool:
        """Whether a counter that says `minted` at the finalized `slot` cannot belong to this history: more mints are
        known of those slots. A chain that was restarted or rolled back has less than an old cache tells.
        """
        held = [mint for fact in self._transactions.values() if fact.slot <= slot for mint in fact.mints]
        return len(held) > minted or any(mint.nonce >= minted for mint in held)

    def goes_beyond(self, minted: int, slot: int) -> bool:
        """Whether a mint is known that is not among the first `minted` ones or is newer than `slot`."""
        mints = ((fact.slot, mint.nonce) for fact in self._transactions.values() for mint in fact.mints)
        return any(at > slot or nonce >= minted for at, nonce in mints)

    @property
    def created(self) -> bool:
        """Whether the transaction that created the tree, the dearest of all, is known."""
        return any(fact.rent for fact in self._transactions.values())

    def anchor_slot(self) -> int | None:
        """The slot up to which the history is known without a gap: that of the last mint of the gapless beginning.

        None where not even nonce 0 is known. Nonces grow with slots, so an older slot can hold no unknown mint.
        """
        known = 0
        while known in self._by_nonce:
            known += 1
        if not known:
            return None
        slots = (f.slot for f in self._transactions.values() if any(m.nonce == known - 1 for m in f.mints))
        return next(slots, None)

    def spent(self, payer: Pubkey, first_slot: int) -> tuple[int, int]:
        """(fees, rent) in lamports that `payer` paid from `first_slot` on, failed transactions included."""
        paid = [f for f in self._transactions.values() if f.payer == payer and f.slot >= first_slot]
        return sum(f.fee for f in paid), sum(f.rent for f in paid)
