"""The system program: accounts and lamports. Source: system_processor.rs of Agave, whose messages the logs repeat."""

from __future__ import annotations

from collections.abc import Callable

from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.programs import SYSTEM
from solders.pubkey import Pubkey

from mintworks_dev.localnet.account import Account
from mintworks_dev.localnet.errors import InstructionError, ProgramError
from mintworks_dev.localnet.programs import units
from mintworks_dev.localnet.runtime import Call

MAX_ACCOUNT_BYTES = 10 * 1024 * 1024

_IN_USE, _NEGATIVE, _TOO_LARGE, _SEED_MISMATCH = 0, 1, 3, 5
_MAX_SEED_BYTES = 32


def process(call: Call) -> None:
    """Runs one system instruction; nonce accounts are not there and are refused as invalid data."""
    call.charge(units.NATIVE)
    reader = Reader(call.data)
    try:
        run = _INSTRUCTIONS.get(reader.u32())
        if run is None:
            raise InstructionError("InvalidInstructionData")
        run(call, reader)
    except DecodeError as error:
        raise InstructionError("InvalidInstructionData") from error


def _create_account(call: Call, reader: Reader) -> None:
    lamports, space, owner = reader.u64(), reader.u64(), reader.pubkey()
    _create(call, None, lamports, space, owner)


def _create_account_with_seed(call: Call, reader: Reader) -> None:
    base, seed = reader.pubkey(), _seed(reader)
    lamports, space, owner = reader.u64(), reader.u64(), reader.pubkey()
    _check_seed(call, 1, base, seed, owner)
    _create(call, base, lamports, space, owner)


def _create(call: Call, base: Pubkey | None, lamports: int, space: int, owner: Pubkey) -> None:
    if call.account(1).lamports > 0:
        raise _in_use(call, "Create Account", call.meta(1).key, base)
    _allocate_at(call, 1, base, space)
    _assign_at(call, 1, base, owner)
    _transfer_from(call, 0, 1, lamports)


def _assign(call: Call, reader: Reader) -> None:
    _assign_at(call, 0, None, reader.pubkey())


def _assign_with_seed(call: Call, reader: Reader) -> None:
    base, seed, owner = reader.pubkey(), _seed(reader), reader.pubkey()
    _check_seed(call, 0, base, seed, owner)
    _assign_at(call, 0, base, owner)


def _allocate(call: Call, reader: Reader) -> None:
    _allocate_at(call, 0, None, reader.u64())


def _allocate_with_seed(call: Call, reader: Reader) -> None:
    base, seed = reader.pubkey(), _seed(reader)
    space, owner = reader.u64(), reader.pubkey()
    _check_seed(call, 0, base, seed, owner)
    _allocate_at(call, 0, base, space)
    _assign_at(call, 0, base, owner)


def _transfer(call: Call, reader: Reader) -> None:
    lamports = reader.u64()
    call.meta(1)
    _transfer_from(call, 0, 1, lamports)


def _allocate_at(call: Call, index: int, base: Pubkey | None, space: int) -> None:
    key, account = call.meta(index).key, call.account(index)
    if not call.signed(base or key):
        call.run.log(f"Allocate: 'to' account {_address(key, base)} must sign")
        raise InstructionError("MissingRequiredSignature")
    if len(account.data) or account.owner != SYSTEM:
        raise _in_use(call, "Allocate", key, base)
    if space > MAX_ACCOUNT_BYTES:
        call.run.log(f"Allocate: requested {space}, max allowed {MAX_ACCOUNT_BYTES}")
        raise ProgramError(_TOO_LARGE)
    call.set(index, account._replace(data=bytes(space)))


def _assign_at(call: Call, index: int, base: Pubkey | None, owner: Pubkey) -> None:
    key, account = call.meta(index).key, call.account(index)
    if account.owner == owner:
        return
    if not call.signed(base or key):
        call.run.log(f"Assign: account {_address(key, base)} must sign")
        raise InstructionError("MissingRequiredSignature")
    if account.owner != SYSTEM:
        # the runtime, not the system program, keeps a program from giving away what another program owns
        raise InstructionError("ModifiedProgramId")
    call.set(index, account._replace(owner=owner))


def _transfer_from(call: Call, source: int, target: int, lamports: int) -> None:
    meta, account = call.meta(source), call.account(source)
    if not meta.signer:
        call.run.log(f"Transfer: `from` account {meta.key} must sign")
        raise InstructionError("MissingRequiredSignature")
    if len(account.data):
        call.run.log("Transfer: `from` must not carry data")
        raise InstructionError("InvalidArgument")
    if lamports > account.lamports:
        call.run.log(f"Transfer: insufficient lamports {account.lamports}, need {lamports}")
        raise ProgramError(_NEGATIVE)
    _move(call, source, target, account, lamports)


def _move(call: Call, source: int, target: int, account: Account, lamports: int) -> None:
    if lamports == 0:
        return
    if account.owner != SYSTEM:
        raise InstructionError("ExternalAccountLamportSpend")
    call.set(source, account._replace(lamports=account.lamports - lamports))
    receiver = call.account(target)
    call.set(target, receiver._replace(lamports=receiver.lamports + lamports))


def _seed(reader: Reader) -> str:
    length = reader.u64()
    try:
        return reader.take(length).decode()
    except UnicodeDecodeError as error:
        raise DecodeError(str(error)) from error


def _check_seed(call: Call, index: int, base: Pubkey, seed: str, owner: Pubkey) -> None:
    key = call.meta(index).key
    if len(seed.encode()) > _MAX_SEED_BYTES:
        raise InstructionError("MaxSeedLengthExceeded")
    derived = Pubkey.create_with_seed(base, seed, owner)
    if key != derived:
        call.run.log(f"Create: address {key} does not match derived address {derived}")
        raise ProgramError(_SEED_MISMATCH)


def _in_use(call: Call, what: str, key: Pubkey, base: Pubkey | None) -> InstructionError:
    call.run.log(f"{what}: account {_address(key, base)} already in use")
    return ProgramError(_IN_USE)


def _address(key: Pubkey, base: Pubkey | None) -> str:
    return f"Address {{ address: {key}, base: {f'Some({base})' if base else 'None'} }}"


_INSTRUCTIONS: dict[int, Callable[[Call, Reader], None]] = {
    0: _create_account,
    1: _assign,
    2: _transfer,
    3: _create_account_with_seed,
    8: _allocate,
    9: _allocate_with_seed,
    10: _assign_with_seed,
}
