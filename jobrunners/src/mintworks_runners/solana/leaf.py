"""Leaves: the hashes Bubblegum V1 computes from a mint, and the noop event in which it publishes them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from solders.pubkey import Pubkey

from . import borsh
from .borsh import DecodeError, Reader
from .keccak import keccak
from .metadata import Collection, Creator, MetadataArgs
from .programs import asset_id

EVENT_PREFIX = b"\x01\x00"
"""Application data, version 0: how the data of a leaf event's noop call starts (change logs start with 0000)."""

_EVENT_BODY = 203
_LEAF_SCHEMA_V1 = b"\x01\x00\x00"


def data_hash(args: MetadataArgs) -> bytes:
    """Hash of the metadata; for a mint to a collection pass `hashed_args`."""
    return keccak(keccak(args.encode()) + borsh.u16(args.seller_fee_basis_points))


def creator_hash(creators: tuple[Creator, ...]) -> bytes:
    """Hash of the creators, in their order."""
    return keccak(b"".join(creator.encode() for creator in creators))


def hashed_args(args: MetadataArgs, *, to_collection: bool) -> MetadataArgs:
    """The arguments as the program hashes them: mint_to_collection_v1 sets collection.verified first."""
    if to_collection and args.collection is not None:
        return replace(args, collection=Collection(args.collection.key, verified=True))
    return args


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of schema V1 as it stands in the tree."""

    asset_id: Pubkey
    owner: Pubkey
    delegate: Pubkey
    nonce: int
    data_hash: bytes
    creator_hash: bytes

    def hash(self) -> bytes:
        """The node of the Merkle tree."""
        return keccak(b"\x01" + self._body())

    def event(self) -> bytes:
        """The 209 bytes of data of the noop call that publishes this leaf."""
        body = _LEAF_SCHEMA_V1 + self._body() + self.hash()
        return EVENT_PREFIX + borsh.u32(len(body)) + body

    def _body(self) -> bytes:
        return b"".join(
            (
                bytes(self.asset_id),
                bytes(self.owner),
                bytes(self.delegate),
                borsh.u64(self.nonce),
                self.data_hash,
                self.creator_hash,
            )
        )


def leaf_of(
    tree: Pubkey, nonce: int, owner: Pubkey, delegate: Pubkey, args: MetadataArgs, *, to_collection: bool
) -> Leaf:
    """The leaf that minting `args` as number `nonce` makes."""
    return Leaf(
        asset_id=asset_id(tree, nonce),
        owner=owner,
        delegate=delegate,
        nonce=nonce,
        data_hash=data_hash(hashed_args(args, to_collection=to_collection)),
        creator_hash=creator_hash(args.creators),
    )


def decode_event(data: bytes) -> Leaf | None:
    """The leaf of a noop call's data; None where the data is another kind of event or the hash is not the leaf's own.

    Anyone can call noop with such bytes: the caller recomputes the leaf from the mint's arguments before believing it.
    """
    if not data.startswith(EVENT_PREFIX):
        return None
    reader = Reader(data, len(EVENT_PREFIX))
    try:
        if reader.u32() != _EVENT_BODY or reader.take(3) != _LEAF_SCHEMA_V1:
            return None
        leaf = Leaf(
            asset_id=reader.pubkey(),
            owner=reader.pubkey(),
            delegate=reader.pubkey(),
            nonce=reader.u64(),
            data_hash=reader.take(32),
            creator_hash=reader.take(32),
        )
        return leaf if reader.take(32) == leaf.hash() else None
    except DecodeError:
        return None
