"""Makes the collection NFT that a drop needs, at an address derived from wallet, chain and salt."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.system_program import (
    AllocateWithSeedParams,
    CreateAccountWithSeedParams,
    TransferParams,
    allocate_with_seed,
    create_account_with_seed,
    transfer,
)

from mintworks_runners.core.errors import Finding, InvalidInput
from mintworks_runners.core.stop import StopSignal
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.collection import CollectionMetadata, decode_collection
from mintworks_runners.solana.programs import SYSTEM, TOKEN, TOKEN_METADATA, edition_account, metadata_account
from mintworks_runners.solana.tokens import MINT_BYTES, CollectionNft, collection_rent
from mintworks_runners.solana.tree import rent

from .builder import Signer
from .lease import Lease
from .making import Draft, Look, Making
from .rpc.chain import Account, Chain


def collection_seed(genesis: str, salt: str) -> str:
    """The seed of a collection's mint: 32 hex digits of a SHA-256 that no tree's seed is of."""
    return hashlib.sha256("\n".join(("collection", genesis, salt)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class FoundCollection:
    """What lies at the mint's address at a finalized slot."""

    slot: int
    account: Account | None
    metadata: CollectionMetadata | None
    complete: bool

    @property
    def exists(self) -> bool:
        """Whether it is a collection."""
        return self.metadata is not None and self.complete


class CollectionSetup(Making):
    """One collection on its way to existence."""

    reason = "CollectionNotCreated"

    def __init__(self, chain: Chain, nft: CollectionNft, signer: Signer, lease: Lease, stop: StopSignal) -> None:
        super().__init__(chain, signer, lease, stop)
        self._nft = nft
        self.what = f"the collection {nft.mint}"

    async def look(self, min_slot: int | None = None) -> FoundCollection:
        """What lies at the address now; InvalidInput `CollectionMismatch` where it is something else."""
        mint = self._nft.mint
        places = [mint, metadata_account(mint), edition_account(mint)]
        slot, (account, metadata, edition) = await self._chain.accounts(places, min_slot=min_slot)
        complete = edition is not None and edition.owner == TOKEN_METADATA
        found = FoundCollection(slot, account, collection_in(metadata), complete)
        finding = mismatch(found, self._nft)
        if finding is not None:
            raise InvalidInput([finding])
        return found

    async def draft(self, look: Look) -> Draft:
        """Everything in one transaction, so that there is a whole collection or none."""
        present = 0 if look.account is None else look.account.lamports
        instructions = [*self._account(present), *self._nft.instructions()]
        return Draft(instructions, max(0, collection_rent() - min(present, rent(MINT_BYTES))))

    def _account(self, present: int) -> list[Instruction]:
        """The mint's account. Where somebody has sent lamports already it is topped up and allocated instead."""
        wallet, mint, lamports = self._nft.owner, self._nft.mint, rent(MINT_BYTES)
        if not present:
            params = CreateAccountWithSeedParams(
                from_pubkey=wallet,
                to_pubkey=mint,
                base=wallet,
                seed=self._nft.seed,
                lamports=lamports,
                space=MINT_BYTES,
                owner=TOKEN,
            )
            return [create_account_with_seed(params)]
        top_up = TransferParams(from_pubkey=wallet, to_pubkey=mint, lamports=max(0, lamports - present))
        allocate = AllocateWithSeedParams(address=mint, base=wallet, seed=self._nft.seed, space=MINT_BYTES, owner=TOKEN)
        return [transfer(top_up), allocate_with_seed(allocate)]


def mismatch(found: FoundCollection, nft: CollectionNft) -> Finding | None:
    """What is wrong with what lies there; None where the address is free or holds this very collection."""
    there, account = found.metadata, found.account
    if there is None:
        if account is None or (account.owner == SYSTEM and not account.data):
            return None
        return Finding("CollectionMismatch", f"{nft.mint} is taken by another account; give another --salt")
    asked = CollectionMetadata(nft.owner, nft.mint, nft.name, nft.symbol, nft.uri, nft.seller_fee_basis_points)
    if found.complete and there == asked:
        return None
    message = f"{nft.mint} holds the collection {there.name!r}, which differs from what is asked; give another --salt"
    return Finding("CollectionMismatch", message)


def collection_in(account: Account | None) -> CollectionMetadata | None:
    """What a metadata account says; None where it is none."""
    if account is None or account.owner != TOKEN_METADATA:
        return None
    try:
        return decode_collection(account.data)
    except DecodeError:
        return None
