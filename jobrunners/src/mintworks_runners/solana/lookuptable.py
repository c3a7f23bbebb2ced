"""Address lookup tables: their instructions, and what an account of one holds. Source: Agave's program of that name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from solders.address_lookup_table_account import ID as TABLE_PROGRAM
from solders.address_lookup_table_account import AddressLookupTable, derive_lookup_table_address
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from . import borsh
from .borsh import DecodeError
from .programs import SYSTEM
from .tree import rent

META_BYTES = 56
COOL_DOWN_SLOTS = 513
"""A deactivated table serves 512 more slots (longer where slots are skipped), then it can be closed."""

_ACTIVE = (1 << 64) - 1
_CREATE, _EXTEND, _DEACTIVATE, _CLOSE = 0, 2, 3, 4


def table_rent(addresses: int) -> int:
    """Lamports that a table of so many addresses holds as long as it is open."""
    return rent(META_BYTES + 32 * addresses)


@dataclass(frozen=True, slots=True)
class NewTable:
    """A table to be: its address follows from its authority, who pays as well, and from a recent slot."""

    authority: Pubkey
    slot: int
    addresses: tuple[Pubkey, ...]

    @property
    def address(self) -> Pubkey:
        """Where it lies."""
        return derive_lookup_table_address(self.authority, self.slot)[0]

    def creation(self) -> list[Instruction]:
        """Makes and fills it, in one transaction: there is no table that is half full."""
        address, bump = derive_lookup_table_address(self.authority, self.slot)
        accounts = [
            AccountMeta(address, is_signer=False, is_writable=True),
            AccountMeta(self.authority, is_signer=True, is_writable=False),
            AccountMeta(self.authority, is_signer=True, is_writable=True),
            AccountMeta(SYSTEM, is_signer=False, is_writable=False),
        ]
        filling = borsh.u64(len(self.addresses)) + b"".join(map(bytes, self.addresses))
        return [
            Instruction(TABLE_PROGRAM, borsh.u32(_CREATE) + borsh.u64(self.slot) + bytes([bump]), accounts),
            Instruction(TABLE_PROGRAM, borsh.u32(_EXTEND) + filling, accounts),
        ]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is there. `deactivated` is the slot since which it serves no longer than its cool-down, if any."""

    authority: Pubkey | None
    addresses: tuple[Pubkey, ...]
    deactivated: int | None


def deactivation(table: Pubkey, authority: Pubkey) -> Instruction:
    """Takes a table out of service."""
    return Instruction(TABLE_PROGRAM, borsh.u32(_DEACTIVATE), _owned(table, authority))


def closing(table: Pubkey, authority: Pubkey) -> Instruction:
    """Closes a table that is out of service; its authority gets what it held."""
    receiver = AccountMeta(authority, is_signer=False, is_writable=True)
    return Instruction(TABLE_PROGRAM, borsh.u32(_CLOSE), [*_owned(table, authority), receiver])


def decode_table(data: bytes) -> Table:
    """Reads the account of a table; DecodeError where it is none."""
    try:
        found = AddressLookupTable.deserialize(data)
    except ValueError as error:
        raise DecodeError(f"no lookup table: {error}") from error
    meta = found.meta
    ended = None if meta.deactivation_slot == _ACTIVE else meta.deactivation_slot
    return Table(meta.authority, tuple(found.addresses), ended)


def made_table(data: bytes, accounts: Sequence[Pubkey]) -> Pubkey | None:
    """The table that an instruction of the program makes, if it makes one."""
    return accounts[0] if data[:4] == borsh.u32(_CREATE) and accounts else None


def _owned(table: Pubkey, authority: Pubkey) -> list[AccountMeta]:
    return [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=True, is_writable=False),
    ]
