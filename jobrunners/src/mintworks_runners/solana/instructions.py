"""The three Bubblegum V1 instructions that a minter needs, encoded and decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from . import borsh
from .borsh import DecodeError, Reader
from .leaf import Leaf, leaf_of
from .metadata import MetadataArgs
from .programs import (
    BUBBLEGUM,
    BUBBLEGUM_SIGNER,
    COMPRESSION,
    NOOP,
    SYSTEM,
    TOKEN_METADATA,
    anchor_discriminator,
    edition_account,
    metadata_account,
    tree_authority,
)

CREATE_TREE = anchor_discriminator("create_tree")
MINT_V1 = anchor_discriminator("mint_v1")
MINT_TO_COLLECTION_V1 = anchor_discriminator("mint_to_collection_v1")


def _read_only(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def _writable(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _signer(key: Pubkey, *, writable: bool = False) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=writable)


@dataclass(frozen=True, slots=True)
class CreateTree:
    """create_tree: makes a Merkle tree of an account that the compression program owns already."""

    tree: Pubkey
    payer: Pubkey
    creator: Pubkey
    max_depth: int
    max_buffer_size: int
    public: bool | None = None

    def instruction(self) -> Instruction:
        """The instruction; creating the account comes before it in the same transaction."""
        data = (
            CREATE_TREE
            + borsh.u32(self.max_depth)
            + borsh.u32(self.max_buffer_size)
            + borsh.option(None if self.public is None else borsh.boolean(self.public))
        )
        accounts = [
            _writable(tree_authority(self.tree)),
            _writable(self.tree),
            _signer(self.payer, writable=True),
            _signer(self.creator),
            _read_only(NOOP),
            _read_only(COMPRESSION),
            _read_only(SYSTEM),
        ]
        return Instruction(BUBBLEGUM, data, accounts)


@dataclass(frozen=True, slots=True)
class CollectionAccounts:
    """What mint_to_collection_v1 needs beyond mint_v1; metadata and edition derive from the mint."""

    mint: Pubkey
    authority: Pubkey
    authority_record: Pubkey | None = None


@lru_cache(maxsize=64)
def _mint_accounts(
    *,
    tree: Pubkey,
    owner: Pubkey,
    delegate: Pubkey,
    payer: Pubkey,
    tree_delegate: Pubkey,
    collection: CollectionAccounts | None,
) -> tuple[AccountMeta, ...]:
    """A mint's accounts. They are the same for all mints of one owner: making them takes longer than signing."""
    head = (
        _writable(tree_authority(tree)),
        _read_only(owner),
        _read_only(delegate),
        _writable(tree),
        _signer(payer),
        _signer(tree_delegate),
    )
    if collection is None:
        return (*head, _read_only(NOOP), _read_only(COMPRESSION), _read_only(SYSTEM))
    return (
        *head,
        _signer(collection.authority),
        _read_only(collection.authority_record or BUBBLEGUM),
        _read_only(collection.mint),
        _writable(metadata_account(collection.mint)),
        _read_only(edition_account(collection.mint)),
        _read_only(BUBBLEGUM_SIGNER),
        _read_only(NOOP),
        _read_only(COMPRESSION),
        _read_only(TOKEN_METADATA),
        _read_only(SYSTEM),
    )


@dataclass(frozen=True, slots=True)
class Mint:
    """mint_v1, or mint_to_collection_v1 where `collection` is there."""

    tree: Pubkey
    leaf_owner: Pubkey
    leaf_delegate: Pubkey
    payer: Pubkey
    tree_delegate: Pubkey
    args: MetadataArgs
    collection: CollectionAccounts | None = None

    def instruction(self) -> Instruction:
        """The instruction, its accounts in the program's order."""
        accounts = _mint_accounts(
            tree=self.tree,
            owner=self.leaf_owner,
            delegate=self.leaf_delegate,
            payer=self.payer,
            tree_delegate=self.tree_delegate,
            collection=self.collection,
        )
        name = MINT_V1 if self.collection is None else MINT_TO_COLLECTION_V1
        return Instruction(BUBBLEGUM, name + self.args.encode(), accounts)

    def leaf(self, nonce: int) -> Leaf:
        """The leaf this mint makes when it is the tree's mint number `nonce`."""
        return leaf_of(
            self.tree,
            nonce,
            self.leaf_owner,
            self.leaf_delegate,
            self.args,
            to_collection=self.collection is not None,
        )


def decode_create_tree(data: bytes, accounts: Sequence[Pubkey]) -> CreateTree:
    """Reads a create_tree instruction; DecodeError where it is none. Derived accounts are not checked."""
    reader = _open(data, CREATE_TREE, accounts, 7)
    return CreateTree(
        tree=accounts[1],
        payer=accounts[2],
        creator=accounts[3],
        max_depth=reader.u32(),
        max_buffer_size=reader.u32(),
        public=reader.option(reader.boolean),
    )


def is_mint(data: bytes) -> bool:
    """Whether the data starts like one of the two mints."""
    return data[:8] in (MINT_V1, MINT_TO_COLLECTION_V1)


def decode_mint(data: bytes, accounts: Sequence[Pubkey]) -> Mint:
    """Reads either mint instruction; DecodeError where it is none.

    Derived accounts are not checked: a transaction that succeeded has had them checked by the program. Bytes after the
    arguments are allowed, as the program allows them.
    """
    to_collection = data[:8] == MINT_TO_COLLECTION_V1
    reader = _open(data, MINT_TO_COLLECTION_V1 if to_collection else MINT_V1, accounts, 16 if to_collection else 9)
    collection = None
    if to_collection:
        record = None if accounts[7] == BUBBLEGUM else accounts[7]
        collection = CollectionAccounts(mint=accounts[8], authority=accounts[6], authority_record=record)
    return Mint(
        tree=accounts[3],
        leaf_owner=accounts[1],
        leaf_delegate=accounts[2],
        payer=accounts[4],
        tree_delegate=accounts[5],
        args=MetadataArgs.read(reader),
        collection=collection,
    )


def _open(data: bytes, discriminator: bytes, accounts: Sequence[Pubkey], count: int) -> Reader:
    if data[:8] != discriminator:
        raise DecodeError(f"another instruction: it starts with {data[:8].hex()}, not {discriminator.hex()}")
    if len(accounts) < count:
        raise DecodeError(f"{len(accounts)} accounts, {count} are needed")
    return Reader(data, 8)
