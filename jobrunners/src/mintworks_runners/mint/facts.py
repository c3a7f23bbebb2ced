"""What the finalized chain says about a tree: transactions and the mints in them. Old facts can be out of date, never
wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

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

    `fee` in lamports was paid by `payer`; `rent` in lamports is what creating the tree, or a lookup table, cost it
    (less than nothing where closing a table gave it back); `error` is None where the transaction succeeded; `table` is
    the lookup table that it made or used.
    """

    signature: str
    slot: int
    payer: Pubkey
    fee: int
    rent: int = 0
    error: str | None = None
    mints: tuple[MintFact, ...] = ()
    table: Pubkey | None = None
