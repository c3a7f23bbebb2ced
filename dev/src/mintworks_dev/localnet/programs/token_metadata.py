"""As much of token-metadata as making a collection NFT takes: CreateMetadataAccountV3, then CreateMasterEditionV3.

Source: mpl-token-metadata, process_create_metadata_accounts_logic in utils/metadata.rs, create_master_edition_v3.rs,
utils/fee.rs and error.rs, read and not run: the real program was not at hand to hold this to.
"""

from __future__ import annotations

from mintworks_runners.solana import borsh
from mintworks_runners.solana.borsh import DecodeError, Reader
from mintworks_runners.solana.programs import TOKEN, TOKEN_METADATA, edition_account, metadata_account
from mintworks_runners.solana.tokens import (
    CREATE_MASTER_EDITION_V3,
    CREATE_METADATA_V3,
    EDITION_BYTES,
    METADATA_BYTES,
    METADATA_FEE,
    MINT_BYTES,
    SET_AUTHORITY,
)
from mintworks_runners.solana.tree import rent
from solders.pubkey import Pubkey

from mintworks_dev.localnet.errors import InstructionError, ProgramError
from mintworks_dev.localnet.programs.pda import allocate_account, pay
from mintworks_dev.localnet.programs.tokens import FREEZE_AUTHORITY, MINT_AUTHORITY
from mintworks_dev.localnet.runtime import Call, Meta

_UNITS = 30_000
_INVALID_METADATA_KEY, _UPDATE_AUTHORITY_INCORRECT, _UPDATE_AUTHORITY_NOT_SIGNER = 5, 7, 8
_NOT_MINT_AUTHORITY, _INVALID_MINT_AUTHORITY = 9, 10
_NAME_TOO_LONG, _SYMBOL_TOO_LONG, _URI_TOO_LONG, _MINT_MISMATCH, _EXACTLY_ONE = 11, 12, 13, 15, 16
_DERIVED_KEY_INVALID, _EXPECTED_UNINITIALIZED = 27, 199
_FUNGIBLE_ASSET, _NON_FUNGIBLE = 1, 0
_SIZES = (32, 10, 200)
_CREATOR_BYTES = 34


def process(call: Call) -> None:
    """Runs one of the two instructions; every other one is refused."""
    call.charge(_UNITS)
    reader = Reader(call.data)
    try:
        kind = reader.u8()
        if kind == CREATE_METADATA_V3:
            call.log("IX: Create Metadata Accounts v3")
            _create_metadata(call, reader)
        elif kind == CREATE_MASTER_EDITION_V3:
            call.log("V3 Create Master Edition")
            _create_edition(call, reader)
        else:
            call.log("the localnet runs only what makes a collection")
            raise InstructionError("InvalidInstructionData")
    except DecodeError as error:
        raise InstructionError("InvalidInstructionData") from error


def _create_metadata(call: Call, reader: Reader) -> None:
    texts = [reader.text() for _ in _SIZES]
    for text, size, code in zip(texts, _SIZES, (_NAME_TOO_LONG, _SYMBOL_TOO_LONG, _URI_TOO_LONG), strict=True):
        if len(text.encode()) > size:
            raise ProgramError(code)
    fee = reader.u16()
    creators = reader.option(lambda: reader.take(_CREATOR_BYTES * reader.u32()))
    if reader.boolean() or reader.boolean():
        call.log("the localnet makes collections without a collection and without uses")
        raise InstructionError("InvalidInstructionData")
    is_mutable, sized = reader.boolean(), reader.option(lambda: reader.take(9))
    key, mint, authority, payer, update = (call.meta(index) for index in range(5))
    if key.key != metadata_account(mint.key):
        raise ProgramError(_INVALID_METADATA_KEY)
    _need_mint_authority(call.run.account(mint.key).encode(), authority)
    if len(call.account(0).data):
        raise ProgramError(_EXPECTED_UNINITIALIZED)
    pay(call, payer.key, key.key, METADATA_FEE + rent(METADATA_BYTES))
    allocate_account(call, payer.key, key.key, METADATA_BYTES, TOKEN_METADATA)
    edition_bump = Pubkey.find_program_address(_edition_seeds(mint.key), TOKEN_METADATA)[1]
    state = b"".join(
        (
            b"\x04",
            bytes(update.key),
            bytes(mint.key),
            *(borsh.u32(size) + text.encode().ljust(size, b"\x00") for text, size in zip(texts, _SIZES, strict=True)),
            borsh.u16(fee),
            borsh.option(None if creators is None else borsh.u32(len(creators) // _CREATOR_BYTES) + creators),
            borsh.boolean(False),
            borsh.boolean(is_mutable),
            borsh.option(borsh.u8(edition_bump)),
            borsh.option(borsh.u8(_FUNGIBLE_ASSET)),
            bytes(2),  # no collection, no uses
            borsh.option(None if sized is None else sized[:1] + bytes(8)),
        )
    )
    fee_flag = b"\x01"
    call.set(0, call.account(0)._replace(data=state.ljust(METADATA_BYTES - 1, b"\x00") + fee_flag))


def _create_edition(call: Call, reader: Reader) -> None:
    most = reader.option(reader.u64)
    edition, mint, update, authority, payer, metadata = (call.meta(index) for index in range(6))
    if edition.key != edition_account(mint.key):
        raise ProgramError(_DERIVED_KEY_INVALID)
    token, data = call.account(1).encode(), call.account(5).encode()
    if call.account(5).owner != TOKEN_METADATA or data[:1] != b"\x04":
        raise InstructionError("IllegalOwner")
    _need_mint_authority(token, authority)
    if data[33:65] != bytes(mint.key):
        raise ProgramError(_MINT_MISMATCH)
    if data[1:33] != bytes(update.key):
        raise ProgramError(_UPDATE_AUTHORITY_INCORRECT)
    if not update.signer:
        raise ProgramError(_UPDATE_AUTHORITY_NOT_SIGNER)
    if int.from_bytes(token[36:44], "little") != 1:
        raise ProgramError(_EXACTLY_ONE)
    allocate_account(call, payer.key, edition.key, EDITION_BYTES, TOKEN_METADATA)
    state = b"\x06" + borsh.u64(0) + borsh.option(None if most is None else borsh.u64(most))
    call.set(0, call.account(0)._replace(data=state.ljust(EDITION_BYTES, b"\x00")))
    if metadata.writable:
        at = _token_standard(data)
        call.set(5, call.account(5)._replace(data=data[:at] + borsh.u8(_NON_FUNGIBLE) + data[at + 1 :]))
    metas = (Meta(mint.key, False, True), Meta(authority.key, True, False))
    for kind in (MINT_AUTHORITY, FREEZE_AUTHORITY):
        new = borsh.u8(SET_AUTHORITY) + borsh.u8(kind) + borsh.option(bytes(edition.key))
        call.invoke(TOKEN, metas, new)


def _need_mint_authority(mint: bytes, authority: Meta) -> None:
    if len(mint) != MINT_BYTES:
        raise InstructionError("InvalidAccountData")
    if mint[:4] != borsh.u32(1) or mint[4:36] != bytes(authority.key):
        raise ProgramError(_INVALID_MINT_AUTHORITY)
    if not authority.signer:
        raise ProgramError(_NOT_MINT_AUTHORITY)


def _token_standard(data: bytes) -> int:
    """Where a metadata account of ours holds its token standard."""
    reader = Reader(data, 65)
    for _ in _SIZES:
        reader.take(reader.u32())
    reader.u16()
    reader.option(lambda: reader.take(_CREATOR_BYTES * reader.u32()))
    reader.take(2)
    reader.option(reader.u8)
    return reader.offset + 1


def _edition_seeds(mint: Pubkey) -> list[bytes]:
    return [b"metadata", bytes(TOKEN_METADATA), bytes(mint), b"edition"]
