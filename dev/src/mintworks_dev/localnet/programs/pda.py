"""How programs make accounts at their derived addresses: they call the system program and sign for the address.

Source: create_or_allocate_account_raw of mpl-utils and create_pda_account of spl-associated-token-account.
"""

from __future__ import annotations

from mintworks_runners.solana.programs import SYSTEM
from mintworks_runners.solana.tree import rent
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import AllocateParams, AssignParams, TransferParams, allocate, assign, transfer

from mintworks_dev.localnet.runtime import Call, Meta


def allocate_account(call: Call, payer: Pubkey, key: Pubkey, space: int, owner: Pubkey) -> None:
    """Makes an account of zeros at `key`, topped up to its rent by `payer`."""
    missing = rent(space) - call.run.account(key).lamports
    if missing > 0:
        pay(call, payer, key, missing)
    _system(call, allocate(AllocateParams(pubkey=key, space=space)))
    _system(call, assign(AssignParams(pubkey=key, owner=owner)))


def pay(call: Call, payer: Pubkey, key: Pubkey, lamports: int) -> None:
    """A transfer by the system program."""
    _system(call, transfer(TransferParams(from_pubkey=payer, to_pubkey=key, lamports=lamports)))


def _system(call: Call, instruction: Instruction) -> None:
    """Calls the system program; whoever it asks to sign does: the payer has, the program does for its own address."""
    metas = tuple(Meta(meta.pubkey, meta.is_signer, meta.is_writable) for meta in instruction.accounts)
    call.invoke(SYSTEM, metas, bytes(instruction.data))
