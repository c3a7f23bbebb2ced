"""Which tree a job mints into, where a new one lies, and whether what is found there fits. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mintworks_api.mintjob import TreeCreate
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import (
    AllocateWithSeedParams,
    CreateAccountWithSeedParams,
    TransferParams,
    allocate_with_seed,
    create_account_with_seed,
    transfer,
)

from mintworks_runners.core.errors import Finding
from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.instructions import CreateTree
from mintworks_runners.solana.programs import BUBBLEGUM, COMPRESSION, SYSTEM, tree_authority
from mintworks_runners.solana.tree import (
    TreeConfig,
    TreeSize,
    cheapest_size,
    decode_config,
    decode_header,
    least_canopy,
    size_of_account,
)

from .rpc.chain import Account

FIELD = "spec.tree"


@dataclass(frozen=True, slots=True)
class NewTree:
    """A tree that the job makes; seed and address follow from what is minted, so that a crash finds the same tree."""

    address: Pubkey
    seed: str
    size: TreeSize


def new_tree(create: TreeCreate, wallet: Pubkey, genesis: str, cid: str) -> NewTree:
    """Where the job's tree lies: the wallet's account whose seed is the first 32 hex digits of the SHA-256 of genesis
    hash,
    CID and salt, each on a line of its own.

    TreeSizeError where the size is not one that can be created.
    """
    if create.capacity is not None:
        size = cheapest_size(create.capacity)
        if create.canopy_depth is not None:
            size = TreeSize(size.max_depth, size.max_buffer_size, create.canopy_depth)
    else:
        depth = create.max_depth or 0
        canopy = least_canopy(depth) if create.canopy_depth is None else create.canopy_depth
        size = TreeSize(depth, create.max_buffer_size or 0, canopy)
    size.check()
    seed = hashlib.sha256("\n".join((genesis, cid, create.salt or "")).encode()).hexdigest()[:32]
    return NewTree(Pubkey.create_with_seed(wallet, seed, COMPRESSION), seed, size)


@dataclass(frozen=True, slots=True)
class Found:
    """What lies at a tree's address at a finalized slot: `config` is None where it is no Bubblegum tree."""

    slot: int
    account: Account | None
    config: TreeConfig | None
    size: TreeSize | None

    @property
    def exists(self) -> bool:
        """Whether there is a tree."""
        return self.config is not None

    @property
    def prefunded(self) -> bool:
        """Whether somebody has sent lamports to an address that holds no account yet."""
        account = self.account
        return account is not None and account.owner == SYSTEM and not account.data


def read_found(slot: int, account: Account | None, config: Account | None) -> Found:
    """Makes sense of the two accounts; whatever is not a tree comes out as no tree."""
    if account is None or config is None or account.owner != COMPRESSION or config.owner != BUBBLEGUM:
        return Found(slot, account, None, None)
    try:
        header = decode_header(account.data)
        return Found(slot, account, decode_config(config.data), size_of_account(len(account.data), header))
    except DecodeError:
        return Found(slot, account, None, None)


def check_new(found: Found, plan: NewTree, wallet: Pubkey) -> Finding | None:
    """What is wrong with what lies at a new tree's address; None where it is free, or holds this very tree."""
    if not found.exists:
        if found.account is None or found.prefunded:
            return None
        return Finding("TreeMismatch", f"{plan.address} is taken by another account", field=FIELD)
    config = found.config
    same = config is not None and config.creator == wallet and not config.public and found.size == plan.size
    if same:
        return None
    message = f"{plan.address} holds a tree of another size or creator; another salt makes another tree"
    return Finding("TreeMismatch", message, field=FIELD)


def check_given(found: Found, address: Pubkey, wallet: Pubkey, *, allow_public: bool) -> Finding | None:
    """What is wrong with a tree that the spec names by its address; None where the wallet may mint into it."""
    config = found.config
    if config is None:
        return Finding("NoTree", f"{address} holds no Bubblegum V1 tree", field=f"{FIELD}.address")
    if config.public and not allow_public:
        message = f"anyone may mint into the tree {address}; set tree.allowPublic to mint into it all the same"
        return Finding("PublicTree", message, field=f"{FIELD}.allowPublic")
    if not config.public and wallet not in (config.creator, config.delegate):
        message = f"the wallet {wallet} is neither creator nor delegate of the tree {address}"
        return Finding("NotTreeDelegate", message, field=f"{FIELD}.address")
    return None


def creation(plan: NewTree, wallet: Pubkey, lamports: int, present: int) -> list[Instruction]:
    """The instructions that make the tree; `lamports` is its rent, `present` what already lies at its address.

    An account with lamports cannot be created: it is topped up and allocated instead (the same address, the same
    end).
    """
    size, base = plan.size.account_bytes, wallet
    if present:
        top_up = transfer(
            TransferParams(from_pubkey=wallet, to_pubkey=plan.address, lamports=max(0, lamports - present))
        )
        allocate = allocate_with_seed(
            AllocateWithSeedParams(address=plan.address, base=base, seed=plan.seed, space=size, owner=COMPRESSION)
        )
        account = [top_up, allocate] if present < lamports else [allocate]
    else:
        create = create_account_with_seed(
            CreateAccountWithSeedParams(
                from_pubkey=wallet,
                to_pubkey=plan.address,
                base=base,
                seed=plan.seed,
                lamports=lamports,
                space=size,
                owner=COMPRESSION,
            )
        )
        account = [create]
    made = CreateTree(plan.address, wallet, wallet, plan.size.max_depth, plan.size.max_buffer_size)
    return [*account, made.instruction()]


def accounts_of(tree: Pubkey) -> list[Pubkey]:
    """The two accounts of a tree, in the order that `read_found` takes them."""
    return [tree, tree_authority(tree)]
