"""Bubblegum's instructions on trees, and the TreeConfig account."""

from __future__ import annotations

from mintworks_runners.solana import borsh
from mintworks_runners.solana.borsh import Reader
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION, NOOP, SYSTEM, tree_authority
from mintworks_runners.solana.tree import (
    CONFIG_BYTES,
    HEADER_BYTES,
    VALID_SIZES,
    TreeConfig,
    TreeSize,
    decode_config,
    rent,
)
from solders.system_program import (
    AllocateParams,
    AssignParams,
    CreateAccountParams,
    TransferParams,
    allocate,
    assign,
    create_account,
    transfer,
)

from mintworks_dev.localnet.errors import InstructionError
from mintworks_dev.localnet.programs import compression, units
from mintworks_dev.localnet.programs.anchor import (
    need_accounts,
    need_owned,
    need_program,
    need_signer,
    need_writable,
    refuse,
)
from mintworks_dev.localnet.programs.bubblegum_errors import error
from mintworks_dev.localnet.runtime import Call, Meta

_CREATE_ACCOUNTS = (
    "tree_authority",
    "merkle_tree",
    "payer",
    "tree_creator",
    "log_wrapper",
    "compression_program",
    "system_program",
)
_DELEGATE_ACCOUNTS = ("tree_authority", "tree_creator", "new_tree_delegate", "merkle_tree", "system_program")
_MAX_PROOF_NODES = 17


def config_at(call: Call, index: int, tree_index: int) -> TreeConfig:
    """The TreeConfig at an account, which must be the one of the tree named at `tree_index`."""
    data = need_owned(call, index, "tree_authority", BUBBLEGUM)
    try:
        config = decode_config(data)
    except borsh.DecodeError:
        refuse(call, 3002, "tree_authority")
    if call.metas[index].key != tree_authority(call.metas[tree_index].key):
        refuse(call, 2006, "tree_authority")
    return config


def create_tree(call: Call, reader: Reader) -> None:
    """create_tree: makes the TreeConfig and an empty tree in an account of zeros."""
    depth, buffer, public = reader.u32(), reader.u32(), reader.option(reader.boolean)
    need_accounts(call, _CREATE_ACCOUNTS)
    need_signer(call, 2, "payer")
    need_signer(call, 3, "tree_creator")
    need_program(call, 4, "log_wrapper", NOOP)
    need_program(call, 5, "compression_program", COMPRESSION)
    need_program(call, 6, "system_program", SYSTEM)
    _check_new_accounts(call)
    call.charge(units.CREATE_TREE + units.tree_authority(call.metas[1].key))
    _make_config_account(call)
    _check_canopy(call, depth, buffer)
    creator = call.metas[3].key
    config = TreeConfig(creator, creator, 1 << depth, 0, public or False)
    call.set(0, call.account(0)._replace(data=config.encode()))
    metas = (Meta(call.metas[1].key, False, True), Meta(call.metas[0].key, True, False), Meta(NOOP, False, False))
    call.invoke(COMPRESSION, metas, compression.INIT_EMPTY + borsh.u32(depth) + borsh.u32(buffer))


def set_tree_delegate(call: Call, reader: Reader) -> None:
    """set_tree_delegate: the creator names who else may mint."""
    del reader  # it has no arguments
    need_accounts(call, _DELEGATE_ACCOUNTS)
    config = config_at(call, 0, 3)
    need_signer(call, 1, "tree_creator")
    need_writable(call, 0, "tree_authority")
    if config.creator != call.metas[1].key:
        refuse(call, 2001, "tree_authority")
    call.charge(units.SET_TREE_DELEGATE + units.tree_authority(call.metas[3].key))
    after = TreeConfig(config.creator, call.metas[2].key, config.capacity, config.num_minted, config.public)
    call.set(0, call.account(0)._replace(data=after.encode()))


def _check_new_accounts(call: Call) -> None:
    if any(call.account(1).read(0, 8)):
        refuse(call, 2013, "merkle_tree")
    need_writable(call, 1, "merkle_tree")
    if call.metas[0].key != tree_authority(call.metas[1].key):
        refuse(call, 2006, "tree_authority")
    need_writable(call, 0, "tree_authority")
    need_writable(call, 2, "payer")


def _make_config_account(call: Call) -> None:
    """Anchor's init: one createAccount, or three calls where somebody sent lamports to the address before."""
    config, payer = call.metas[0].key, call.metas[2].key
    there, needed = call.account(0).lamports, rent(CONFIG_BYTES)
    if there == 0:
        params = CreateAccountParams(
            from_pubkey=payer, to_pubkey=config, lamports=needed, space=CONFIG_BYTES, owner=BUBBLEGUM
        )
        steps = [create_account(params)]
    else:
        missing = max(needed - there, 0)
        pay = transfer(TransferParams(from_pubkey=payer, to_pubkey=config, lamports=missing))
        steps = [pay] if missing else []
        steps.append(allocate(AllocateParams(pubkey=config, space=CONFIG_BYTES)))
        steps.append(assign(AssignParams(pubkey=config, owner=BUBBLEGUM)))
    for step in steps:
        metas = tuple(Meta(meta.pubkey, meta.is_signer, meta.is_writable) for meta in step.accounts)
        call.invoke(SYSTEM, metas, bytes(step.data))


def _check_canopy(call: Call, depth: int, buffer: int) -> None:
    """Version 1.4 counts canopy NODES against depth − 17, so two levels do for depth 20, as the vectors show."""
    if (depth, buffer) not in VALID_SIZES:
        compression.unsupported_size(call, depth, buffer)
    rest = len(call.account(1).data) - TreeSize(depth, buffer).account_bytes
    if rest < 0 or len(call.account(1).data) < HEADER_BYTES:
        raise InstructionError("ProgramFailedToComplete")
    if rest // 32 < max(depth - _MAX_PROOF_NODES, 0):
        error(call, 6041)
