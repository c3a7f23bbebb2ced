"""As much of spl-token and spl-associated-token-account as making a collection NFT takes, held to the real programs
that LiteSVM brings. Source: processor.rs and state.rs of both.

Unlike the real one, the associated-token-account program does not ask the token program for an account's size first.
"""

from __future__ import annotations

from collections.abc import Callable

from mintworks_runners.solana import borsh
from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.programs import TOKEN, token_account
from mintworks_runners.solana.tokens import (
    CREATE_IDEMPOTENT,
    INITIALIZE_ACCOUNT_3,
    INITIALIZE_MINT_2,
    MINT_BYTES,
    MINT_TO,
    SET_AUTHORITY,
    TOKEN_ACCOUNT_BYTES,
)
from solders.pubkey import Pubkey

from mintworks_dev.localnet.errors import InstructionError, ProgramError
from mintworks_dev.localnet.programs.pda import allocate_account
from mintworks_dev.localnet.runtime import Call, Meta

MINT_AUTHORITY, FREEZE_AUTHORITY = 0, 1

_UNITS, _ASSOCIATED_UNITS = 3_000, 12_000
_NOT_RENT_EXEMPT, _INVALID_MINT, _MINT_MISMATCH, _OWNER_MISMATCH, _FIXED_SUPPLY, _IN_USE, _OVERFLOW = (
    0,
    2,
    3,
    4,
    5,
    6,
    14,
)
_INVALID_INSTRUCTION = 12
_SUPPLY, _DECIMALS, _INITIALIZED = 36, 44, 45
_AUTHORITY_AT = {MINT_AUTHORITY: 0, FREEZE_AUTHORITY: 46}
_AMOUNT, _STATE = 64, 108


def process(call: Call) -> None:
    """Runs one instruction of spl-token; those that no collection needs are refused."""
    call.charge(_UNITS)
    reader = Reader(call.data)
    try:
        run = _INSTRUCTIONS.get(reader.u8())
        if run is None:
            raise ProgramError(_INVALID_INSTRUCTION)
        run(call, reader)
    except DecodeError as error:
        raise ProgramError(_INVALID_INSTRUCTION) from error


def associated(call: Call) -> None:
    """Runs CreateIdempotent of spl-associated-token-account."""
    call.charge(_ASSOCIATED_UNITS)
    if call.data != bytes([CREATE_IDEMPOTENT]):
        raise InstructionError("InvalidInstructionData")
    payer, place, owner, mint = (call.meta(index).key for index in range(4))
    if place != token_account(owner, mint):
        call.log("Error: Associated address does not match seed derivation")
        raise InstructionError("InvalidSeeds")
    there = call.account(1)
    if there.owner == TOKEN and there.read(0, _AMOUNT) == bytes(mint) + bytes(owner):
        return
    if call.account(3).owner != TOKEN:
        raise InstructionError("IllegalOwner")
    allocate_account(call, payer, place, TOKEN_ACCOUNT_BYTES, TOKEN)
    metas = (Meta(place, False, True), Meta(mint, False, False))
    call.invoke(TOKEN, metas, borsh.u8(INITIALIZE_ACCOUNT_3) + bytes(owner))


def _initialize_mint(call: Call, reader: Reader) -> None:
    decimals, authority, freeze = reader.u8(), reader.pubkey(), reader.option(reader.pubkey)
    data = _data(call, 0, MINT_BYTES)
    if data[_INITIALIZED]:
        raise ProgramError(_IN_USE)
    if not call.account(0).rent_exempt:
        raise ProgramError(_NOT_RENT_EXEMPT)
    state = _option(authority) + borsh.u64(0) + borsh.u8(decimals) + borsh.boolean(True) + _option(freeze)
    call.set(0, call.account(0)._replace(data=state))


def _initialize_account(call: Call, reader: Reader) -> None:
    owner = reader.pubkey()
    data = _data(call, 0, TOKEN_ACCOUNT_BYTES)
    if data[_STATE]:
        raise ProgramError(_IN_USE)
    if not call.account(0).rent_exempt:
        raise ProgramError(_NOT_RENT_EXEMPT)
    if call.account(1).owner != TOKEN or not _data(call, 1, MINT_BYTES)[_INITIALIZED]:
        raise ProgramError(_INVALID_MINT)
    state = (bytes(call.meta(1).key) + bytes(owner)).ljust(_STATE, b"\x00") + b"\x01"
    call.set(0, call.account(0)._replace(data=state.ljust(TOKEN_ACCOUNT_BYTES, b"\x00")))


def _mint_to(call: Call, reader: Reader) -> None:
    amount = reader.u64()
    mint, account = _data(call, 0, MINT_BYTES), _data(call, 1, TOKEN_ACCOUNT_BYTES)
    if not mint[_INITIALIZED] or not account[_STATE]:
        raise InstructionError("UninitializedAccount")
    if account[:32] != bytes(call.meta(0).key):
        raise ProgramError(_MINT_MISMATCH)
    _need_authority(call, mint, MINT_AUTHORITY, 2)
    supply = int.from_bytes(mint[_SUPPLY:_DECIMALS], "little") + amount
    held = int.from_bytes(account[_AMOUNT : _AMOUNT + 8], "little") + amount
    if supply >= 1 << 64:
        raise ProgramError(_OVERFLOW)
    call.set(1, call.account(1)._replace(data=account[:_AMOUNT] + borsh.u64(held) + account[_AMOUNT + 8 :]))
    call.set(0, call.account(0)._replace(data=mint[:_SUPPLY] + borsh.u64(supply) + mint[_DECIMALS:]))


def _set_authority(call: Call, reader: Reader) -> None:
    """Of a mint only; giving up an authority (None) is for good."""
    kind, new = reader.u8(), reader.option(reader.pubkey)
    mint = _data(call, 0, MINT_BYTES)
    at = _AUTHORITY_AT.get(kind)
    if at is None:
        raise ProgramError(_INVALID_INSTRUCTION)
    _need_authority(call, mint, kind, 1)
    call.set(0, call.account(0)._replace(data=mint[:at] + _option(new) + mint[at + 36 :]))


def _need_authority(call: Call, mint: bytes, kind: int, index: int) -> None:
    at = _AUTHORITY_AT[kind]
    if not mint[at]:
        raise ProgramError(_FIXED_SUPPLY)
    meta = call.meta(index)
    if mint[at + 4 : at + 36] != bytes(meta.key):
        raise ProgramError(_OWNER_MISMATCH)
    if not meta.signer:
        raise InstructionError("MissingRequiredSignature")


def _data(call: Call, index: int, size: int) -> bytes:
    """The data of an account of ours of this very size."""
    account = call.account(index)
    if account.owner != TOKEN:
        raise InstructionError("IncorrectProgramId")
    if len(account.data) != size:
        raise InstructionError("InvalidAccountData")
    return account.encode()


def _option(key: Pubkey | None) -> bytes:
    """spl-token's own form of an optional address: always 36 bytes."""
    return bytes(36) if key is None else borsh.u32(1) + bytes(key)


_INSTRUCTIONS: dict[int, Callable[[Call, Reader], None]] = {
    SET_AUTHORITY: _set_authority,
    MINT_TO: _mint_to,
    INITIALIZE_ACCOUNT_3: _initialize_account,
    INITIALIZE_MINT_2: _initialize_mint,
}
