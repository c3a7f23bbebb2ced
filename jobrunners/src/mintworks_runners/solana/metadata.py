"""MetadataArgs, the part of a mint that says what is minted: Borsh form and the limits the program holds it to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from solders.pubkey import Pubkey

from . import borsh
from .borsh import Reader

# Bytes of UTF-8.
MAX_NAME_BYTES = 32
MAX_SYMBOL_BYTES = 10
MAX_URI_BYTES = 200
MAX_SELLER_FEE = 10_000
MAX_CREATORS = 5


class TokenStandard(IntEnum):
    """What kind of token; Bubblegum V1 takes NON_FUNGIBLE only."""

    NON_FUNGIBLE = 0
    FUNGIBLE_ASSET = 1
    FUNGIBLE = 2
    NON_FUNGIBLE_EDITION = 3


@dataclass(frozen=True, slots=True)
class Creator:
    """One creator: address, whether it signed, its share in percent."""

    address: Pubkey
    verified: bool
    share: int

    def encode(self) -> bytes:
        """34 bytes; also what the creator hash is made of."""
        return bytes(self.address) + borsh.boolean(self.verified) + borsh.u8(self.share)


@dataclass(frozen=True, slots=True)
class Collection:
    """The collection an NFT says it belongs to."""

    key: Pubkey
    verified: bool

    def encode(self) -> bytes:
        """33 bytes."""
        return borsh.boolean(self.verified) + bytes(self.key)


@dataclass(frozen=True, slots=True)
class Uses:
    """Limited uses of a token; nothing here makes them, other people's mints may carry them."""

    method: int
    remaining: int
    total: int

    def encode(self) -> bytes:
        """17 bytes."""
        return borsh.u8(self.method) + borsh.u64(self.remaining) + borsh.u64(self.total)


@dataclass(frozen=True, slots=True)
class MetadataArgs:
    """The arguments of mint_v1 and mint_to_collection_v1, fields in Borsh order."""

    name: str
    symbol: str
    uri: str
    seller_fee_basis_points: int
    primary_sale_happened: bool = False
    is_mutable: bool = True
    edition_nonce: int | None = None
    token_standard: TokenStandard | None = TokenStandard.NON_FUNGIBLE
    collection: Collection | None = None
    uses: Uses | None = None
    token_program_version: int = 0
    creators: tuple[Creator, ...] = ()

    def encode(self) -> bytes:
        """The Borsh bytes."""
        standard = self.token_standard
        return b"".join(
            (
                borsh.text(self.name),
                borsh.text(self.symbol),
                borsh.text(self.uri),
                borsh.u16(self.seller_fee_basis_points),
                borsh.boolean(self.primary_sale_happened),
                borsh.boolean(self.is_mutable),
                borsh.option(None if self.edition_nonce is None else borsh.u8(self.edition_nonce)),
                borsh.option(None if standard is None else borsh.u8(standard)),
                borsh.option(None if self.collection is None else self.collection.encode()),
                borsh.option(None if self.uses is None else self.uses.encode()),
                borsh.u8(self.token_program_version),
                borsh.u32(len(self.creators)),
                *(creator.encode() for creator in self.creators),
            )
        )

    @classmethod
    def read(cls, reader: Reader) -> MetadataArgs:
        """Reads the arguments; DecodeError where they are cut short or a tag does not exist."""
        return cls(
            name=reader.text(),
            symbol=reader.text(),
            uri=reader.text(),
            seller_fee_basis_points=reader.u16(),
            primary_sale_happened=reader.boolean(),
            is_mutable=reader.boolean(),
            edition_nonce=reader.option(reader.u8),
            token_standard=reader.option(lambda: TokenStandard(reader.tag(4))),
            collection=reader.option(lambda: _read_collection(reader)),
            uses=reader.option(lambda: Uses(reader.tag(3), reader.u64(), reader.u64())),
            token_program_version=reader.tag(2),
            creators=_read_creators(reader),
        )


def _read_collection(reader: Reader) -> Collection:
    verified = reader.boolean()
    return Collection(key=reader.pubkey(), verified=verified)


def _read_creators(reader: Reader) -> tuple[Creator, ...]:
    return tuple(Creator(reader.pubkey(), reader.boolean(), reader.u8()) for _ in range(reader.u32()))


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a mint must not be sent.

    `code` is the custom error that Bubblegum would answer, in the order it would find it; None where the program would
    accept and an indexer would then drop the NFT.
    """

    field: str
    message: str
    code: int | None


def problems(args: MetadataArgs, signers: frozenset[Pubkey], *, to_collection: bool) -> list[Problem]:
    """Everything that is wrong with the arguments of a mint which `signers` sign; empty when it can be sent."""
    return [*_lengths(args), *_creators(args, signers), *_kind(args, to_collection=to_collection)]


def _lengths(args: MetadataArgs) -> Iterator[Problem]:
    limits = (
        ("name", args.name, MAX_NAME_BYTES, 6012),
        ("symbol", args.symbol, MAX_SYMBOL_BYTES, 6013),
        ("uri", args.uri, MAX_URI_BYTES, 6014),
    )
    for field, value, limit, code in limits:
        length = len(value.encode())
        if length > limit:
            yield Problem(field, f"{field} has {length} bytes of UTF-8, at most {limit} are allowed", code)
    if not args.uri:
        yield Problem("uri", "uri is empty: indexers drop such an NFT", None)
    if args.seller_fee_basis_points > MAX_SELLER_FEE:
        fee = args.seller_fee_basis_points
        yield Problem("seller_fee_basis_points", f"seller fee {fee} is above {MAX_SELLER_FEE} (100 %)", 6015)


def _creators(args: MetadataArgs, signers: frozenset[Pubkey]) -> Iterator[Problem]:
    creators = args.creators
    if not creators:
        return
    if len(creators) > MAX_CREATORS:
        yield Problem("creators", f"{len(creators)} creators, at most {MAX_CREATORS} are allowed", 6011)
    addresses = [creator.address for creator in creators]
    if len(set(addresses)) < len(addresses):
        twice = next(address for address in addresses if addresses.count(address) > 1)
        yield Problem("creators", f"creator {twice} is there more than once", 6005)
    total = sum(creator.share for creator in creators)
    if total != 100:
        yield Problem("creators", f"the creators' shares add up to {total}, not to 100", 6004)
    for creator in creators:
        if creator.verified and creator.address not in signers:
            yield Problem("creators", f"creator {creator.address} is marked verified but does not sign", 6006)


def _kind(args: MetadataArgs, *, to_collection: bool) -> Iterator[Problem]:
    if args.token_standard is not TokenStandard.NON_FUNGIBLE:
        yield Problem("token_standard", "only the token standard NonFungible can be minted", 6040)
    if to_collection and args.collection is None:
        yield Problem("collection", "mint_to_collection_v1 needs a collection", 6021)
    if not to_collection and args.collection is not None and args.collection.verified:
        yield Problem("collection", "mint_v1 cannot mint into a verified collection", 6020)
