"""Errors of transactions and instructions: the JSON the RPC shows, and the text that logs and messages show.

Source: TransactionError and InstructionError of the Solana SDK, their serde form and their Display form.
"""

from __future__ import annotations

from typing import Any

ErrorJson = str | dict[str, Any]
"""A variant without data is its name; one with data is an object with the one key that names it."""

_INSTRUCTION_TEXT = {
    "GenericError": "generic instruction error",
    "InvalidArgument": "invalid program argument",
    "InvalidInstructionData": "invalid instruction data",
    "InvalidAccountData": "invalid account data for instruction",
    "AccountDataTooSmall": "account data too small for instruction",
    "InsufficientFunds": "insufficient funds for instruction",
    "IncorrectProgramId": "incorrect program id for instruction",
    "MissingRequiredSignature": "missing required signature for instruction",
    "AccountAlreadyInitialized": "instruction requires an uninitialized account",
    "UninitializedAccount": "instruction requires an initialized account",
    "NotEnoughAccountKeys": "insufficient account keys for instruction",
    "ModifiedProgramId": "instruction illegally modified the program id of an account",
    "ExternalAccountLamportSpend": "instruction spent from the balance of an account it does not own",
    "MaxSeedLengthExceeded": "Length of the seed is too long for address generation",
    "InvalidAccountOwner": "Invalid account owner",
    "IncorrectAuthority": "Incorrect authority provided",
    "Immutable": "Account is immutable",
    "ReadonlyLamportChange": "instruction changed the balance of a read-only account",
    "ReadonlyDataModified": "instruction modified data of a read-only account",
    "CallDepth": "Cross-program invocation call depth too deep",
    "MissingAccount": "An account required by the instruction is missing",
    "ComputationalBudgetExceeded": "Computational budget exceeded",
    "PrivilegeEscalation": "Cross-program invocation with unauthorized signer or writable account",
    "ProgramFailedToComplete": "Program failed to complete",
    "UnsupportedProgramId": "Unsupported program id",
    "IllegalOwner": "Provided owner is not allowed",
    "ArithmeticOverflow": "Program arithmetic overflowed",
}

_TRANSACTION_TEXT = {
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "ProgramAccountNotFound": "Attempt to load a program that does not exist",
    "InsufficientFundsForFee": "Insufficient funds for fee",
    "InvalidAccountForFee": "This account may not be used to pay transaction fees",
    "AlreadyProcessed": "This transaction has already been processed",
    "BlockhashNotFound": "Blockhash not found",
    "SignatureFailure": "Transaction did not pass signature verification",
    "InvalidProgramForExecution": "This program may not be used for executing instructions",
    "SanitizeFailure": "Transaction failed to sanitize accounts offsets correctly",
    "AddressLookupTableNotFound": "Transaction loads an address table account that doesn't exist",
    "InvalidAddressLookupTableOwner": "Transaction loads an address table account with an invalid owner",
    "InvalidAddressLookupTableData": "Transaction loads an address table account with invalid data",
    "InvalidAddressLookupTableIndex": "Transaction address table lookup uses an invalid index",
}


class InstructionError(Exception):
    """An instruction fails; the transaction's other effects are taken back, its fee is paid."""

    def __init__(self, error: ErrorJson) -> None:
        super().__init__(instruction_text(error))
        self.error = error


class ProgramError(InstructionError):
    """An instruction fails with the program's own number."""

    def __init__(self, code: int) -> None:
        super().__init__({"Custom": code})


class RejectedError(Exception):
    """A transaction that cannot enter a block: nothing of it is recorded and nothing is paid."""

    def __init__(self, error: ErrorJson) -> None:
        super().__init__(transaction_text(error))
        self.error = error


def instruction_text(error: ErrorJson) -> str:
    """How the runtime writes an instruction's error."""
    if isinstance(error, dict):
        return f"custom program error: {error['Custom']:#x}"
    return _INSTRUCTION_TEXT.get(error, error)


def transaction_text(error: ErrorJson) -> str:
    """How the runtime writes a transaction's error."""
    if isinstance(error, str):
        return _TRANSACTION_TEXT.get(error, error)
    if "InstructionError" in error:
        index, inner = error["InstructionError"]
        return f"Error processing Instruction {index}: {instruction_text(inner)}"
    if "InsufficientFundsForRent" in error:
        index = error["InsufficientFundsForRent"]["account_index"]
        return f"Transaction results in an account ({index}) with insufficient funds for rent"
    if "DuplicateInstruction" in error:
        return f"Transaction contains a duplicate instruction ({error['DuplicateInstruction']}) that is not allowed"
    return str(error)
