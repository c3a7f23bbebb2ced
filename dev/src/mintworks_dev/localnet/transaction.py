"""Transactions as they come over the wire, parsed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mintworks_runners.solana.borsh import DecodeError
from mintworks_runners.solana.budget import decode_budget, fee
from mintworks_runners.solana.programs import COMPUTE_BUDGET
from solders.message import Message, MessageAddressTableLookup, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import SanitizeError, VersionedTransaction

from mintworks_dev.localnet.account import Account
from mintworks_dev.localnet.errors import RejectedError
from mintworks_dev.localnet.programs import PROGRAMS, lookup_table

MAX_TRANSACTION_BYTES = 1232


class MalformedError(ValueError):
    """The bytes are no transaction."""


class TopInstruction(NamedTuple):
    """An instruction of the message: places in the transaction's account list, and data."""

    program: int
    accounts: bytes
    data: bytes


class Parsed(NamedTuple):
    """A transaction: the wire's bytes and what is read from them again and again."""

    raw: bytes
    transaction: VersionedTransaction
    message: Message | MessageV0
    signature: Signature
    keys: list[Pubkey]
    signers: int
    readonly_signers: int
    readonly_others: int
    lookups: list[MessageAddressTableLookup]
    instructions: list[TopInstruction]
    blockhash: bytes

    @property
    def legacy(self) -> bool:
        """Whether the message has no version."""
        return isinstance(self.message, Message)

    def writable(self, index: int) -> bool:
        """Whether the message has the static key at `index` writable; programs never are."""
        if index < self.signers:
            wanted = index < self.signers - self.readonly_signers
        else:
            wanted = index < len(self.keys) - self.readonly_others
        return wanted and self.keys[index] not in PROGRAMS


class Loaded(NamedTuple):
    """The accounts of a transaction, lookup tables resolved."""

    keys: list[Pubkey]
    writable: list[bool]
    loaded_writable: list[Pubkey]
    loaded_readonly: list[Pubkey]


class Budget(NamedTuple):
    """Limit in compute units, price in micro-lamports a unit, and the fee in lamports."""

    units: int
    price: int
    fee: int


def parse(raw: bytes) -> Parsed:
    """Reads a legacy or v0 transaction of at most 1232 bytes; MalformedError where it is none."""
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise MalformedError(f"transaction too large: {len(raw)} bytes (max: {MAX_TRANSACTION_BYTES} bytes)")
    try:
        transaction = VersionedTransaction.from_bytes(raw)
        transaction.sanitize()
    except (ValueError, SanitizeError) as error:
        raise MalformedError(f"failed to deserialize solana_transaction: {error}") from error
    message = transaction.message
    if not isinstance(message, Message | MessageV0):
        raise MalformedError("only legacy and version 0 transactions are known")
    header = message.header
    return Parsed(
        raw=raw,
        transaction=transaction,
        message=message,
        signature=transaction.signatures[0],
        keys=message.account_keys,
        signers=header.num_required_signatures,
        readonly_signers=header.num_readonly_signed_accounts,
        readonly_others=header.num_readonly_unsigned_accounts,
        lookups=message.address_table_lookups if isinstance(message, MessageV0) else [],
        instructions=[
            TopInstruction(compiled.program_id_index, compiled.accounts, compiled.data)
            for compiled in message.instructions
        ],
        blockhash=bytes(message.recent_blockhash),
    )


def signatures_hold(parsed: Parsed) -> bool:
    """Whether every signature is right."""
    return all(parsed.transaction.verify_with_results())


def budget_of(parsed: Parsed) -> Budget:
    """What the transaction may use and pays; RejectedError where a compute-budget instruction is wrong or doubled."""
    datas, kinds, others = [], set(), 0
    for index, instruction in enumerate(parsed.instructions):
        if parsed.keys[instruction.program] != COMPUTE_BUDGET:
            others += 1
            continue
        kind = instruction.data[:1]
        if kind in kinds:
            raise RejectedError({"DuplicateInstruction": index})
        kinds.add(kind)
        datas.append(instruction.data)
    try:
        units, price = decode_budget(datas, others)
    except DecodeError as error:
        raise RejectedError({"InstructionError": [0, "InvalidInstructionData"]}) from error
    return Budget(units, price, fee(parsed.signers, units, price))


def load(parsed: Parsed, read: Callable[[Pubkey], Account], slot: int) -> Loaded:
    """The transaction's accounts at `slot`; RejectedError where a lookup table does not hold what is looked up."""
    writable = [parsed.writable(index) for index in range(len(parsed.keys))]
    if not parsed.lookups:
        return Loaded(parsed.keys, writable, [], [])
    to_write: list[Pubkey] = []
    to_read: list[Pubkey] = []
    for lookup in parsed.lookups:
        addresses = _table(read(lookup.account_key), slot)
        try:
            to_write += [addresses[index] for index in lookup.writable_indexes]
            to_read += [addresses[index] for index in lookup.readonly_indexes]
        except IndexError as error:
            raise RejectedError("InvalidAddressLookupTableIndex") from error
    flags = [key not in PROGRAMS for key in to_write] + [False] * len(to_read)
    return Loaded([*parsed.keys, *to_write, *to_read], writable + flags, to_write, to_read)


def _table(account: Account, slot: int) -> list[Pubkey]:
    if account.lamports == 0:
        raise RejectedError("AddressLookupTableNotFound")
    if account.owner != lookup_table.ID:
        raise RejectedError("InvalidAddressLookupTableOwner")
    try:
        return lookup_table.addresses_at(account.encode(), slot)
    except ValueError as error:
        raise RejectedError("InvalidAddressLookupTableData") from error
