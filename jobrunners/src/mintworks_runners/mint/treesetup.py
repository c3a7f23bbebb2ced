"""Makes the job's tree where it is not there yet, and waits until it is finalized: only then may a mint be signed."""

from __future__ import annotations

from solders.pubkey import Pubkey

from mintworks_runners.core.errors import InvalidInput
from mintworks_runners.core.reasons import ended
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.programs import tree_authority
from mintworks_runners.solana.tree import TreeConfig, decode_config

from .builder import Signer
from .lease import Lease
from .making import Draft, Look, Making
from .money import config_rent
from .rpc.chain import Chain
from .treeplan import Found, NewTree, accounts_of, check_new, creation, read_found

MAX_RENT_FACTOR = 2


async def find_tree(chain: Chain, tree: Pubkey, *, min_slot: int | None = None) -> Found:
    """What lies at a tree's address, at finalized."""
    slot, (account, config) = await chain.accounts(accounts_of(tree), min_slot=min_slot)
    return read_found(slot, account, config)


async def read_config(chain: Chain, tree: Pubkey, *, min_slot: int | None = None) -> tuple[int, TreeConfig]:
    """(finalized slot, TreeConfig) of a tree that exists; Waiting `TreeGone` where a node does not have it."""
    slot, account = await chain.account(tree_authority(tree), min_slot=min_slot)
    if account is None:
        raise ended("TreeGone", f"the tree {tree} is not there at slot {slot}")
    try:
        return slot, decode_config(account.data)
    except DecodeError as error:
        raise ended("TreeGone", f"what lies at the tree {tree} at slot {slot} is no tree: {error}") from error


class TreeSetup(Making):
    """One new tree on its way to existence. Where `make` answers a slot, nobody can have signed a mint into the tree
    before: mints are signed only into finalized trees.
    """

    reason = "TreeNotCreated"

    def __init__(self, chain: Chain, plan: NewTree, signer: Signer, lease: Lease, stop: StopSignal) -> None:
        super().__init__(chain, signer, lease, stop)
        self._plan = plan
        self.what = f"the tree {plan.address}"

    async def look(self, min_slot: int | None = None) -> Found:
        """What lies at the address now; InvalidInput `TreeMismatch` where the tree could not be made there."""
        found = await find_tree(self._chain, self._plan.address, min_slot=min_slot)
        finding = check_new(found, self._plan, self._signer.payer)
        if finding is not None:
            raise InvalidInput([finding])
        return found

    async def draft(self, look: Look) -> Draft:
        """The creation, at the rent that the chain asks. Nothing is known that would make it differ much from what
        it has always been: an endpoint that asks for more is not to be paid.
        """
        size, present = self._plan.size, 0 if look.account is None else look.account.lamports
        asked = await self._chain.rent(size.account_bytes)
        if asked > MAX_RENT_FACTOR * size.rent:
            message = f"an endpoint asks {asked} lamports of rent for {self._plan.address}; {size.rent} are usual"
            raise ended("TreeNotCreated", message)
        instructions = creation(self._plan, self._signer.payer, asked, present)
        return Draft(instructions, max(0, asked - present) + config_rent())
