"""The instructions that make a collection NFT: a token of supply 1, its metadata, its master edition.

Sources: spl-token's and spl-associated-token-account's instruction.rs; mpl-token-metadata 5.1 (its generated clients
create_metadata_account_v3.rs and create_master_edition_v3.rs, and the program's state/metadata.rs, state/fee.rs and
state/master_edition.rs for sizes and the fee).
"""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from . import borsh
from .programs import (
    ASSOCIATED_TOKEN,
    SYSTEM,
    TOKEN,
    TOKEN_METADATA,
    edition_account,
    metadata_account,
    token_account,
)
from .tree import rent

MINT_BYTES, TOKEN_ACCOUNT_BYTES = 82, 165
METADATA_BYTES, EDITION_BYTES = 607, 20
METADATA_FEE = rent(1308) + 5_440
"""Lamports that token-metadata keeps in a new metadata account for itself: 0.01 SOL."""

INITIALIZE_MINT_2, MINT_TO, SET_AUTHORITY, INITIALIZE_ACCOUNT_3 = 20, 7, 6, 18
CREATE_IDEMPOTENT = 1
CREATE_METADATA_V3, CREATE_MASTER_EDITION_V3 = 33, 17


@dataclass(frozen=True, slots=True)
class CollectionNft:
    """A collection to be: a token of supply 1 that `owner` pays for, holds and may verify NFTs into. Its mint's account
    is the owner's with this seed, of 82 bytes and of the token program; it has to be there first.
    """

    owner: Pubkey
    seed: str
    name: str
    symbol: str
    uri: str
    seller_fee_basis_points: int = 0

    @property
    def mint(self) -> Pubkey:
        """The token's address, by which a collection is known."""
        return Pubkey.create_with_seed(self.owner, self.seed, TOKEN)

    def instructions(self) -> list[Instruction]:
        """What makes it, all in one transaction."""
        return [self._mint(), self._account(), self._one(), self._metadata(), self._edition()]

    def _mint(self) -> Instruction:
        """InitializeMint2: no decimals. token-metadata wants a freeze authority, and takes both over."""
        owner = bytes(self.owner)
        data = borsh.u8(INITIALIZE_MINT_2) + borsh.u8(0) + owner + borsh.option(owner)
        return Instruction(TOKEN, data, [_account(self.mint, "w")])

    def _account(self) -> Instruction:
        """CreateIdempotent of the associated token account."""
        place = token_account(self.owner, self.mint)
        accounts = [
            _account(self.owner, "ws"),
            _account(place, "w"),
            _account(self.owner),
            _account(self.mint),
            _account(SYSTEM),
            _account(TOKEN),
        ]
        return Instruction(ASSOCIATED_TOKEN, borsh.u8(CREATE_IDEMPOTENT), accounts)

    def _one(self) -> Instruction:
        """MintTo: the one token."""
        place = token_account(self.owner, self.mint)
        accounts = [_account(self.mint, "w"), _account(place, "w"), _account(self.owner, "s")]
        return Instruction(TOKEN, borsh.u8(MINT_TO) + borsh.u64(1), accounts)

    def _metadata(self) -> Instruction:
        """CreateMetadataAccountV3: mutable, its owner the only creator, a sized collection."""
        creator = bytes(self.owner) + borsh.boolean(True) + borsh.u8(100)
        data = b"".join(
            (
                borsh.u8(CREATE_METADATA_V3),
                borsh.text(self.name),
                borsh.text(self.symbol),
                borsh.text(self.uri),
                borsh.u16(self.seller_fee_basis_points),
                borsh.option(borsh.u32(1) + creator),
                borsh.option(None),  # it is no member of a collection
                borsh.option(None),  # no uses
                borsh.boolean(True),
                borsh.option(borsh.u8(0) + borsh.u64(0)),  # CollectionDetails::V1, size 0
            )
        )
        accounts = [
            _account(metadata_account(self.mint), "w"),
            _account(self.mint),
            _account(self.owner, "s"),
            _account(self.owner, "ws"),
            _account(self.owner, "s"),
            _account(SYSTEM),
        ]
        return Instruction(TOKEN_METADATA, data, accounts)

    def _edition(self) -> Instruction:
        """CreateMasterEditionV3 with a largest supply of 0: nothing can be printed from it."""
        data = borsh.u8(CREATE_MASTER_EDITION_V3) + borsh.option(borsh.u64(0))
        accounts = [
            _account(edition_account(self.mint), "w"),
            _account(self.mint, "w"),
            _account(self.owner, "s"),
            _account(self.owner, "s"),
            _account(self.owner, "ws"),
            _account(metadata_account(self.mint), "w"),
            _account(TOKEN),
            _account(SYSTEM),
        ]
        return Instruction(TOKEN_METADATA, data, accounts)


def collection_rent() -> int:
    """Lamports that a collection takes beside its transaction's fee, at today's rent and token-metadata's fee."""
    return sum(map(rent, (MINT_BYTES, TOKEN_ACCOUNT_BYTES, METADATA_BYTES, EDITION_BYTES))) + METADATA_FEE


def _account(key: Pubkey, rights: str = "") -> AccountMeta:
    return AccountMeta(key, is_signer="s" in rights, is_writable="w" in rights)
