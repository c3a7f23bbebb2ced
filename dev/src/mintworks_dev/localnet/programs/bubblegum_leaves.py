"""Bubblegum's instructions on leaves: the two mints and transfer."""

from __future__ import annotations

from mintworks_runners.solana import borsh
from mintworks_runners.solana.borsh import Reader
from mintworks_runners.solana.leaf import Leaf, creator_hash, data_hash, hashed_args
from mintworks_runners.solana.metadata import MetadataArgs, TokenStandard
from mintworks_runners.solana.programs import (
    BUBBLEGUM,
    COMPRESSION,
    NOOP,
    SYSTEM,
)
from mintworks_runners.solana.tree import TreeConfig
from solders.pubkey import Pubkey

from mintworks_dev.localnet.programs import compression, units
from mintworks_dev.localnet.programs.anchor import (
    need_accounts,
    need_program,
    need_signer,
    need_writable,
)
from mintworks_dev.localnet.programs.bubblegum_errors import error
from mintworks_dev.localnet.programs.bubblegum_trees import config_at
from mintworks_dev.localnet.programs.collections import check_collection
from mintworks_dev.localnet.runtime import Call, Meta

_HEAD = ("tree_authority", "leaf_owner", "leaf_delegate", "merkle_tree", "payer", "tree_delegate")
_PROGRAMS = ("log_wrapper", "compression_program", "system_program")
_COLLECTION = (
    "collection_authority",
    "collection_authority_record_pda",
    "collection_mint",
    "collection_metadata",
    "edition_account",
    "bubblegum_signer",
)
_MINT_ACCOUNTS = (*_HEAD, *_PROGRAMS)
_COLLECTION_ACCOUNTS = (*_HEAD, *_COLLECTION, *_PROGRAMS[:2], "token_metadata_program", "system_program")
_TRANSFER_ACCOUNTS = (
    "tree_authority",
    "leaf_owner",
    "leaf_delegate",
    "new_leaf_owner",
    "merkle_tree",
    *_PROGRAMS,
)
_MAX_NAME, _MAX_SYMBOL, _MAX_URI, _MAX_FEE, _MAX_CREATORS = 32, 10, 200, 10_000, 5
_NUM_MINTED = 80


def mint_v1(call: Call, reader: Reader) -> None:
    """mint_v1: a leaf for an NFT outside any verified collection."""
    args = MetadataArgs.read(reader)
    need_accounts(call, _MINT_ACCOUNTS)
    config = _mint_accounts(call, 6, 7, 8)
    need_writable(call, 0, "tree_authority")
    need_writable(call, 3, "merkle_tree")
    call.charge(units.MINT_V1 + units.tree_authority(call.metas[3].key))
    _check_delegate(call, config, "program/src/processor/mint.rs:45")
    _check_metadata(call, args)
    if args.collection is not None and args.collection.verified:
        error(call, 6020)
    _mint(call, config, args, args, 9)


def mint_to_collection_v1(call: Call, reader: Reader) -> None:
    """mint_to_collection_v1: a leaf whose collection is verified at once, its authority signing.

    bubblegum_signer and token_metadata_program have their places, but since the collection's size is counted no more
    (mpl-bubblegum c2eba09, 2024) the program looks at neither; Umi names Bubblegum itself in both.
    """
    args = MetadataArgs.read(reader)
    need_accounts(call, _COLLECTION_ACCOUNTS)
    config = _mint_accounts(call, 12, 13, 15)
    need_signer(call, 6, "collection_authority")
    need_writable(call, 0, "tree_authority")
    need_writable(call, 3, "merkle_tree")
    need_writable(call, 9, "collection_metadata")
    tree, collection = units.tree_authority(call.metas[3].key), units.collection(call.metas[8].key)
    call.charge(units.MINT_TO_COLLECTION_V1 + tree + collection)
    _check_delegate(call, config, "program/src/processor/mint_to_collection.rs:76")
    check_collection(call, args)
    _check_metadata(call, args)
    _mint(call, config, args, hashed_args(args, to_collection=True), 16)


def transfer(call: Call, reader: Reader) -> None:
    """transfer: owner or delegate gives the NFT away; the proof nodes follow the named accounts."""
    root, data, creators = reader.take(32), reader.take(32), reader.take(32)
    nonce, index = reader.u64(), reader.u32()
    need_accounts(call, _TRANSFER_ACCOUNTS)
    config_at(call, 0, 4)
    need_program(call, 5, "log_wrapper", NOOP)
    need_program(call, 6, "compression_program", COMPRESSION)
    need_program(call, 7, "system_program", SYSTEM)
    need_writable(call, 4, "merkle_tree")
    owner, delegate, receiver = (call.metas[place].key for place in (1, 2, 3))
    if not call.metas[1].signer and not call.metas[2].signer:
        error(call, 6025)
    asset = _asset_id(call, call.metas[4].key, nonce)
    call.charge(units.TRANSFER + units.tree_authority(call.metas[4].key))
    before = Leaf(asset, owner, delegate, nonce, data, creators).hash()
    event = Leaf(asset, receiver, receiver, nonce, data, creators).event()
    call.invoke(NOOP, (), event)
    arguments = root + before + event[-32:] + borsh.u32(index)
    _call_compression(call, 4, compression.REPLACE_LEAF + arguments, call.metas[8:])


def _mint_accounts(call: Call, noop: int, compressor: int, system: int) -> TreeConfig:
    config = config_at(call, 0, 3)
    need_signer(call, 4, "payer")
    need_signer(call, 5, "tree_delegate")
    need_program(call, noop, "log_wrapper", NOOP)
    need_program(call, compressor, "compression_program", COMPRESSION)
    need_program(call, system, "system_program", SYSTEM)
    return config


def _check_delegate(call: Call, config: TreeConfig, where: str) -> None:
    if not config.public and call.metas[5].key not in (config.creator, config.delegate):
        error(call, 6016, where)
    if config.num_minted >= config.capacity:
        error(call, 6017)


def _check_metadata(call: Call, args: MetadataArgs) -> None:
    if len(args.name.encode()) > _MAX_NAME:
        error(call, 6012)
    if len(args.symbol.encode()) > _MAX_SYMBOL:
        error(call, 6013)
    if len(args.uri.encode()) > _MAX_URI:
        error(call, 6014)
    if args.seller_fee_basis_points > _MAX_FEE:
        error(call, 6015)
    if not args.creators:
        return
    if len(args.creators) > _MAX_CREATORS:
        error(call, 6011)
    _check_shares(call, args)


def _check_shares(call: Call, args: MetadataArgs) -> None:
    total = 0
    for place, creator in enumerate(args.creators):
        if any(later.address == creator.address for later in args.creators[place + 1 :]):
            error(call, 6005)
        total += creator.share
        if total > 255:  # the program adds in a u8
            error(call, 6004)
    if total != 100:
        error(call, 6004)


def _mint(call: Call, config: TreeConfig, args: MetadataArgs, hashed: MetadataArgs, named: int) -> None:
    """What both mints end with: `hashed` are the arguments as they are hashed, `named` the accounts with a name."""
    if args.token_standard is not TokenStandard.NON_FUNGIBLE:
        error(call, 6040)
    signers = {call.metas[4].key, call.metas[5].key}
    signers.update(meta.key for meta in call.metas[named:] if meta.signer)
    if any(creator.verified and creator.address not in signers for creator in args.creators):
        error(call, 6006)
    call.charge(units.arguments(len(call.data), len(args.creators)))
    tree, nonce = call.metas[3].key, config.num_minted
    leaf = Leaf(
        asset_id=_asset_id(call, tree, nonce),
        owner=call.metas[1].key,
        delegate=call.metas[2].key,
        nonce=nonce,
        data_hash=data_hash(hashed),
        creator_hash=creator_hash(args.creators),
    )
    event = leaf.event()
    call.invoke(NOOP, (), event)
    _call_compression(call, 3, compression.APPEND + event[-32:], ())
    account = call.account(0)
    raw = account.encode()
    counted = raw[:_NUM_MINTED] + borsh.u64(nonce + 1) + raw[_NUM_MINTED + 8 :]
    call.set(0, account._replace(data=counted))


def _call_compression(call: Call, tree: int, data: bytes, rest: tuple[Meta, ...]) -> None:
    metas = (
        Meta(call.metas[tree].key, False, True),
        Meta(call.metas[0].key, True, False),
        Meta(NOOP, False, False),
        *rest,
    )
    call.invoke(COMPRESSION, metas, data)


def _asset_id(call: Call, tree: Pubkey, nonce: int) -> Pubkey:
    """The asset's address; looking for its bump costs 1,500 units a try, which is why mints differ in price."""
    seeds = [b"asset", bytes(tree), nonce.to_bytes(8, "little")]
    key, bump = Pubkey.find_program_address(seeds, BUBBLEGUM)
    call.charge(units.A_TRY * (256 - bump))
    return key
