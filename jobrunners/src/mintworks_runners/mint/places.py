"""What a run holds on to over its attempts."""

from __future__ import annotations

from dataclasses import dataclass

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from .lease import Lease
from .ledger import LedgerCache
from .rpc.chain import Chain
from .treeplan import NewTree


@dataclass(frozen=True, slots=True)
class Target:
    """The tree of a job: an address, and the plan where the job makes it itself."""

    tree: Pubkey
    plan: NewTree | None


@dataclass(frozen=True, slots=True)
class Places:
    """The chain, the tree, the keys, and what is shared with other processes. `authority` is the collection's, if
    any.
    """

    chain: Chain
    target: Target
    wallet: Keypair
    authority: Keypair | None
    lease: Lease
    cache: LedgerCache
    first_slot: int
