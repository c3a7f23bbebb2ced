"""What Anchor does for both compression programs: account checks and errors in its own words and numbers."""

from __future__ import annotations

from typing import Never

from solders.pubkey import Pubkey

from mintworks_dev.localnet.errors import ProgramError
from mintworks_dev.localnet.runtime import Call

_ERRORS = {
    100: ("InstructionMissing", "8 byte instruction identifier not provided"),
    101: ("InstructionFallbackNotFound", "Fallback functions are not supported"),
    102: ("InstructionDidNotDeserialize", "The program could not deserialize the given instruction"),
    2000: ("ConstraintMut", "A mut constraint was violated"),
    2001: ("ConstraintHasOne", "A has one constraint was violated"),
    2006: ("ConstraintSeeds", "A seeds constraint was violated"),
    2013: ("ConstraintZero", "Expected zero account discriminant"),
    3002: ("AccountDiscriminatorMismatch", "8 byte discriminator did not match what was expected"),
    3003: ("AccountDidNotDeserialize", "Failed to deserialize the account"),
    3005: ("AccountNotEnoughKeys", "Not enough account keys given to the instruction"),
    3007: ("AccountOwnedByWrongProgram", "The given account is owned by a different program than expected"),
    3008: ("InvalidProgramId", "Program ID was not as expected"),
    3010: ("AccountNotSigner", "The given account did not sign"),
    3012: ("AccountNotInitialized", "The program expected this account to be already initialized"),
}


def fail(call: Call, code: int, name: str, message: str, where: str = "") -> Never:
    """Ends the instruction with the program's own error; `where` is file:line, which Anchor logs for require!."""
    head = f"AnchorError thrown in {where}" if where else "AnchorError occurred"
    call.log(f"{head}. Error Code: {name}. Error Number: {code}. Error Message: {message}.")
    raise ProgramError(code)


def refuse(call: Call, code: int, account: str = "") -> Never:
    """Ends the instruction with one of Anchor's errors, caused by the named account or by none."""
    name, message = _ERRORS[code]
    head = f"AnchorError caused by account: {account}" if account else "AnchorError occurred"
    call.log(f"{head}. Error Code: {name}. Error Number: {code}. Error Message: {message}.")
    raise ProgramError(code)


def need_accounts(call: Call, names: tuple[str, ...]) -> None:
    """As many accounts as the instruction has names, or 3005 for the first that is missing."""
    if len(call.metas) < len(names):
        refuse(call, 3005, names[len(call.metas)])


def need_signer(call: Call, index: int, name: str) -> None:
    """The account must have signed."""
    if not call.metas[index].signer:
        refuse(call, 3010, name)


def need_program(call: Call, index: int, name: str, program: Pubkey) -> None:
    """The account must be this program."""
    if call.metas[index].key != program:
        refuse(call, 3008, name)


def need_writable(call: Call, index: int, name: str) -> None:
    """The account must be writable."""
    if not call.metas[index].writable:
        refuse(call, 2000, name)


def need_owned(call: Call, index: int, name: str, owner: Pubkey) -> bytes:
    """The account must exist and belong to `owner`; returns its data."""
    account = call.account(index)
    if account.lamports == 0 and len(account.data) == 0:
        refuse(call, 3012, name)
    if account.owner != owner:
        refuse(call, 3007, name)
    return account.encode()
