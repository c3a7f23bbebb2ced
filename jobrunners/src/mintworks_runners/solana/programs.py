"""Program ids and the addresses derived from them."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from solders.pubkey import Pubkey

BUBBLEGUM = Pubkey.from_string("BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY")
COMPRESSION = Pubkey.from_string("cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK")
NOOP = Pubkey.from_string("noopb9bkMVfRPU8AsbpTUg8AQkHtKwMYZiFUjNRtMmV")
TOKEN_METADATA = Pubkey.from_string("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s")
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
ASSOCIATED_TOKEN = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")
COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")

BUBBLEGUM_SIGNER = Pubkey.find_program_address([b"collection_cpi"], BUBBLEGUM)[0]


def anchor_discriminator(name: str) -> bytes:
    """The 8 bytes that an Anchor instruction of this name starts with."""
    return hashlib.sha256(f"global:{name}".encode()).digest()[:8]


@lru_cache(maxsize=256)
def tree_authority(tree: Pubkey) -> Pubkey:
    """The address of a tree's TreeConfig account, which is also the tree's authority."""
    return Pubkey.find_program_address([bytes(tree)], BUBBLEGUM)[0]


def asset_id(tree: Pubkey, nonce: int) -> Pubkey:
    """The id of the NFT that was minted into the tree as number `nonce`."""
    return Pubkey.find_program_address([b"asset", bytes(tree), nonce.to_bytes(8, "little")], BUBBLEGUM)[0]


@lru_cache(maxsize=256)
def metadata_account(mint: Pubkey) -> Pubkey:
    """The token-metadata account of a mint (here: of a collection)."""
    return Pubkey.find_program_address([b"metadata", bytes(TOKEN_METADATA), bytes(mint)], TOKEN_METADATA)[0]


@lru_cache(maxsize=256)
def edition_account(mint: Pubkey) -> Pubkey:
    """The master edition account of a mint (here: of a collection)."""
    seeds = [b"metadata", bytes(TOKEN_METADATA), bytes(mint), b"edition"]
    return Pubkey.find_program_address(seeds, TOKEN_METADATA)[0]


def token_account(owner: Pubkey, mint: Pubkey) -> Pubkey:
    """The associated token account: where `owner` holds tokens of `mint` unless it chose another place."""
    return Pubkey.find_program_address([bytes(owner), bytes(TOKEN), bytes(mint)], ASSOCIATED_TOKEN)[0]
