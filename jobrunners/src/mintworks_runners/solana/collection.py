"""Token-metadata accounts: as much of them as a collection's check needs."""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey

from .borsh import DecodeError, Reader

_METADATA_KEY = 4


@dataclass(frozen=True, slots=True)
class CollectionMetadata:
    """Who may verify NFTs into a collection."""

    update_authority: Pubkey
    mint: Pubkey
    name: str
    symbol: str
    uri: str
    seller_fee_basis_points: int


def decode_collection(data: bytes) -> CollectionMetadata:
    """Reads a metadata account; DecodeError where it is something else. Names come without their padding."""
    reader = Reader(data)
    if reader.u8() != _METADATA_KEY:
        raise DecodeError("not a token-metadata account of kind MetadataV1")
    authority, mint = reader.pubkey(), reader.pubkey()
    name, symbol, uri = (reader.text().rstrip("\x00") for _ in range(3))
    return CollectionMetadata(authority, mint, name, symbol, uri, reader.u16())
