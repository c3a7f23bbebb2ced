"""What a new chain holds: the example's wallet and collection, the faucet, the programs, and what flags add."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mintworks_runners.solana import borsh
from mintworks_runners.solana.programs import TOKEN, TOKEN_METADATA, edition_account, metadata_account
from mintworks_runners.solana.tree import rent
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mintworks_dev.localnet.account import Account
from mintworks_dev.localnet.programs import PROGRAMS

LAMPORTS_PER_SOL = 1_000_000_000
NATIVE_LOADER = Pubkey.from_string("NativeLoader1111111111111111111111111111111")

_METADATA_BYTES, _EDITION_BYTES = 679, 282
_FAUCET_SOL = 1_000_000_000


def throwaway(label: str) -> Keypair:
    """A keypair that everybody can derive: it must never hold anything of value."""
    return Keypair.from_seed(hashlib.sha256(label.encode()).digest())


EXAMPLE_WALLET = throwaway("mintworks/examples/genesis/minter")
EXAMPLE_COLLECTION = throwaway("mintworks/examples/genesis/collection")
FAUCET = throwaway("mintworks/localnet/faucet")


class Funded(NamedTuple):
    """An address and the lamports it starts with."""

    address: Pubkey
    lamports: int


class CollectionNft(NamedTuple):
    """A collection that exists from the start, and who may mint into it."""

    mint: Pubkey
    authority: Pubkey
    name: str = "Genesis"
    symbol: str = "GEN"
    uri: str = "https://example.com/genesis.json"


class Genesis(NamedTuple):
    """All that makes one chain differ from another. Two chains with other seeds never share a genesis hash."""

    seed: str
    funded: tuple[Funded, ...]
    collections: tuple[CollectionNft, ...]

    def hash(self) -> bytes:
        """The genesis hash, 32 bytes."""
        parts = [f"seed {self.seed}"]
        parts += [f"fund {address}={lamports}" for address, lamports in self.funded]
        parts += [f"collection {' '.join(map(str, nft))}" for nft in self.collections]
        return hashlib.sha256("\n".join(parts).encode()).digest()

    def accounts(self) -> Iterator[tuple[Pubkey, Account]]:
        """Every account of slot 0."""
        yield FAUCET.pubkey(), Account(_FAUCET_SOL * LAMPORTS_PER_SOL)
        for program in PROGRAMS:
            yield program, Account(1, NATIVE_LOADER, b"", executable=True)
        for address, lamports in self.funded:
            yield address, Account(lamports)
        for nft in self.collections:
            yield from _collection_accounts(nft)


def default_genesis(seed: str, funded: Sequence[Funded] = (), collections: Sequence[CollectionNft] = ()) -> Genesis:
    """The genesis with the example's wallet (100 SOL) and collection, and what is added to it."""
    wallet = EXAMPLE_WALLET.pubkey()
    return Genesis(
        seed,
        (Funded(wallet, 100 * LAMPORTS_PER_SOL), *funded),
        (CollectionNft(EXAMPLE_COLLECTION.pubkey(), wallet), *collections),
    )


def _collection_accounts(nft: CollectionNft) -> Iterator[tuple[Pubkey, Account]]:
    """Mint, metadata and master edition as token-metadata leaves them (layouts taken from the vectors)."""
    edition = edition_account(nft.mint)
    yield nft.mint, _owned(TOKEN, mint_data(edition))
    yield metadata_account(nft.mint), _owned(TOKEN_METADATA, metadata_data(nft))
    yield edition, _owned(TOKEN_METADATA, edition_data())


def _owned(owner: Pubkey, data: bytes) -> Account:
    return Account(rent(len(data)), owner, data)


def mint_data(edition: Pubkey) -> bytes:
    """A token mint of supply 1 and 0 decimals whose authorities are the master edition (82 bytes)."""
    authority = borsh.u32(1) + bytes(edition)
    return authority + borsh.u64(1) + borsh.u8(0) + borsh.boolean(True) + authority


def metadata_data(nft: CollectionNft) -> bytes:
    """A metadata account (679 bytes): a mutable NonFungible without creators, a sized collection of size 0."""
    head = b"\x04" + bytes(nft.authority) + bytes(nft.mint)
    texts = borsh.text(nft.name) + borsh.text(nft.symbol) + borsh.text(nft.uri)
    no_fee_no_creators = borsh.u16(0) + b"\x00"
    unsold_mutable = b"\x00\x01"
    edition_nonce_non_fungible = b"\x01\xff" + b"\x01\x00"
    no_collection_no_uses_sized = b"\x00" + b"\x00" + b"\x01\x00" + borsh.u64(0)
    body = head + texts + no_fee_no_creators + unsold_mutable + edition_nonce_non_fungible
    return (body + no_collection_no_uses_sized).ljust(_METADATA_BYTES, b"\x00")


def edition_data() -> bytes:
    """A master edition (282 bytes) with supply 0 of at most 0: nothing can be printed from it."""
    return (b"\x06" + borsh.u64(0) + b"\x01" + borsh.u64(0)).ljust(_EDITION_BYTES, b"\x00")
