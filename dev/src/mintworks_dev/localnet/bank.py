"""Executes one transaction: fee, accounts, instructions, rent. What it changes is returned, nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mintworks_runners.solana.programs import SYSTEM
from mintworks_runners.solana.tree import rent
from solders.pubkey import Pubkey

from mintworks_dev.localnet.account import Account
from mintworks_dev.localnet.errors import ErrorJson, InstructionError, RejectedError
from mintworks_dev.localnet.programs import PROGRAMS
from mintworks_dev.localnet.runtime import Inner, Meta, Run
from mintworks_dev.localnet.transaction import Budget, Loaded, Parsed, budget_of, load

Read = Callable[[Pubkey], Account]


class Executed(NamedTuple):
    """What a transaction did. With an `error`, `changes` hold only the fee."""

    error: ErrorJson | None
    loaded: Loaded
    budget: Budget
    changes: dict[Pubkey, Account]
    before: list[int]
    after: list[int]
    logs: list[str]
    inner: list[Inner]
    units: int


def execute(parsed: Parsed, read: Read, slot: int) -> Executed:
    """Runs a transaction whose blockhash is good and which was not processed before.

    RejectedError where it cannot enter a block at all: nobody to pay, wrong lookup tables, doubled budget instructions.
    """
    budget = budget_of(parsed)
    loaded = load(parsed, read, slot)
    payer = _pay(parsed.keys[0], read, budget.fee)
    run = Run(_with_payer(read, parsed.keys[0], payer), PROGRAMS, slot, budget.units)
    error = _missing_program(parsed, loaded, read) or _run(parsed, loaded, run)
    if error is None:
        error = _rent_error(loaded, run, read)
    before = [read(key).lamports for key in loaded.keys]
    changes = {parsed.keys[0]: payer}
    if error is None:
        changes.update(run.changes)
    after = [
        changes[key].lamports if key in changes else lamports for key, lamports in zip(loaded.keys, before, strict=True)
    ]
    return Executed(error, loaded, budget, changes, before, after, run.logs, run.inner, run.used)


def _pay(key: Pubkey, read: Read, fee: int) -> Account:
    """The payer after the fee."""
    payer = read(key)
    if payer.lamports == 0:
        raise RejectedError("AccountNotFound")
    if payer.owner != SYSTEM or len(payer.data):
        raise RejectedError("InvalidAccountForFee")
    if payer.lamports < fee:
        raise RejectedError("InsufficientFundsForFee")
    paid = payer._replace(lamports=payer.lamports - fee)
    if payer.rent_exempt and not paid.rent_exempt:
        raise RejectedError({"InsufficientFundsForRent": {"account_index": 0}})
    return paid


def _with_payer(read: Read, key: Pubkey, payer: Account) -> Read:
    return lambda wanted: payer if wanted == key else read(wanted)


def _missing_program(parsed: Parsed, loaded: Loaded, read: Read) -> ErrorJson | None:
    for instruction in parsed.instructions:
        key = loaded.keys[instruction.program]
        if key not in PROGRAMS:
            return "InvalidProgramForExecution" if read(key).lamports else "ProgramAccountNotFound"
    return None


def _run(parsed: Parsed, loaded: Loaded, run: Run) -> ErrorJson | None:
    table = [
        Meta(key, index < parsed.signers, writable)
        for index, (key, writable) in enumerate(zip(loaded.keys, loaded.writable, strict=True))
    ]
    for index, instruction in enumerate(parsed.instructions):
        metas = [table[place] for place in instruction.accounts]
        try:
            run.top(index, loaded.keys[instruction.program], metas, instruction.data)
        except InstructionError as error:
            return {"InstructionError": [index, error.error]}
    return None


def _rent_error(loaded: Loaded, run: Run, read: Read) -> ErrorJson | None:
    """An account may not be left with less than its rent, unless it had less before, no larger and no richer."""
    for index, key in enumerate(loaded.keys):
        account = run.changes.get(key)
        if account is None or account.rent_exempt:
            continue
        old = read(key)
        poor = 0 < old.lamports < rent(len(old.data))
        if poor and len(old.data) == len(account.data) and account.lamports <= old.lamports:
            continue
        return {"InsufficientFundsForRent": {"account_index": index}}
    return None
