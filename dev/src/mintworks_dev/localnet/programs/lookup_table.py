"""The address lookup table program: create, extend, deactivate, close. Source: its processor.rs in Agave."""

from __future__ import annotations

from collections.abc import Callable

from mintworks_runners.solana import borsh
from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.programs import SYSTEM
from mintworks_runners.solana.tree import rent
from solders.address_lookup_table_account import ID as TABLE_PROGRAM
from solders.address_lookup_table_account import AddressLookupTable
from solders.pubkey import Pubkey

from mintworks_dev.localnet.errors import InstructionError
from mintworks_dev.localnet.programs.pda import allocate_account, pay
from mintworks_dev.localnet.runtime import Call

ID = TABLE_PROGRAM
META_BYTES = 56
MAX_ADDRESSES = 256

_UNITS = 750
_ACTIVE = (1 << 64) - 1
_COOL_DOWN = 512
"""Slots that the program remembers (SlotHashes): those of which an address may be derived, and a cool-down's."""


def process(call: Call) -> None:
    """Runs one instruction; freezing is not there and is refused as invalid data."""
    call.charge(_UNITS)
    reader = Reader(call.data)
    try:
        run = _INSTRUCTIONS.get(reader.u32())
        if run is None:
            raise InstructionError("InvalidInstructionData")
        run(call, reader)
    except DecodeError as error:
        raise InstructionError("InvalidInstructionData") from error


def addresses_at(data: bytes, slot: int) -> list[Pubkey]:
    """The addresses a transaction of `slot` may use: those added in the same slot are not there yet.

    A deactivated table serves another 512 slots. ValueError where the data is no table in service.
    """
    table = AddressLookupTable.deserialize(data)
    meta = table.meta
    if meta.deactivation_slot != _ACTIVE and slot > meta.deactivation_slot + _COOL_DOWN:
        raise ValueError("the lookup table was deactivated")
    fresh = meta.last_extended_slot >= slot
    return table.addresses[: meta.last_extended_slot_start_index] if fresh else table.addresses


def _create(call: Call, reader: Reader) -> None:
    recent, bump = reader.u64(), reader.u8()
    table, authority, payer = call.meta(0).key, call.meta(1).key, call.meta(2)
    if call.account(0).owner == ID or len(call.account(0).data):
        raise InstructionError("AccountAlreadyInitialized")
    if not payer.signer:
        raise InstructionError("MissingRequiredSignature")
    if not call.run.slot - _COOL_DOWN <= recent < call.run.slot:
        call.run.log(f"{recent} is not a recent slot")
        raise InstructionError("InvalidInstructionData")
    seeds = [bytes(authority), borsh.u64(recent), bytes([bump])]
    if table != Pubkey.create_program_address(seeds, ID):
        call.run.log(f"Table address must match derived address: {table}")
        raise InstructionError("InvalidArgument")
    allocate_account(call, payer.key, table, META_BYTES, ID)
    call.set(0, call.account(0)._replace(data=_meta(_ACTIVE, 0, 0, authority)))


def _extend(call: Call, reader: Reader) -> None:
    new = [reader.take(32) for _ in range(reader.u64())]
    meta, old = _owned_table(call)
    if not new or len(old) + len(new) > MAX_ADDRESSES:
        raise InstructionError("InvalidInstructionData" if new else "InvalidArgument")
    last_slot, start = int.from_bytes(meta[12:20], "little"), meta[20]
    if last_slot != call.run.slot:
        last_slot, start = call.run.slot, len(old)
    authority = Pubkey.from_bytes(meta[22:54])
    data = _meta(_ACTIVE, last_slot, start, authority) + b"".join(old + new)
    missing = rent(len(data)) - call.account(0).lamports
    if missing > 0:
        pay(call, call.meta(2).key, call.meta(0).key, missing)
    call.set(0, call.account(0)._replace(data=data))


def _deactivate(call: Call, reader: Reader) -> None:
    del reader  # it has no arguments
    meta, old = _owned_table(call)
    authority = Pubkey.from_bytes(meta[22:54])
    data = _meta(call.run.slot, int.from_bytes(meta[12:20], "little"), meta[20], authority) + b"".join(old)
    call.set(0, call.account(0)._replace(data=data))


def _close(call: Call, reader: Reader) -> None:
    """Gives the rent back once the table is out of service."""
    del reader  # it has no arguments
    account = call.account(0)
    meta = _table_of(call, account.encode())
    deactivated = int.from_bytes(meta[4:12], "little")
    if deactivated == _ACTIVE or call.run.slot <= deactivated + _COOL_DOWN:
        call.run.log("Table cannot be closed yet")
        raise InstructionError("InvalidArgument")
    receiver = call.account(2)
    call.set(2, receiver._replace(lamports=receiver.lamports + account.lamports))
    call.set(0, account._replace(lamports=0, owner=SYSTEM, data=b""))


def _owned_table(call: Call) -> tuple[bytes, list[bytes]]:
    data = call.account(0).encode()
    meta = _table_of(call, data)
    if int.from_bytes(meta[4:12], "little") != _ACTIVE:
        raise InstructionError("InvalidArgument")
    return meta, [data[at : at + 32] for at in range(META_BYTES, len(data), 32)]


def _table_of(call: Call, data: bytes) -> bytes:
    """The table's first 56 bytes, once its authority is known to sign."""
    if call.account(0).owner != ID or len(data) < META_BYTES:
        raise InstructionError("InvalidAccountOwner")
    authority = call.meta(1)
    if not data[21] or data[22:54] != bytes(authority.key):
        raise InstructionError("IncorrectAuthority" if data[21] else "Immutable")
    if not authority.signer:
        raise InstructionError("MissingRequiredSignature")
    return data[:META_BYTES]


def _meta(deactivation: int, last_extended: int, start: int, authority: Pubkey) -> bytes:
    head = borsh.u32(1) + borsh.u64(deactivation) + borsh.u64(last_extended) + borsh.u8(start)
    return (head + b"\x01" + bytes(authority)).ljust(META_BYTES, b"\x00")


_INSTRUCTIONS: dict[int, Callable[[Call, Reader], None]] = {0: _create, 2: _extend, 3: _deactivate, 4: _close}
